package runtimetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

func testNotFound(t *testing.T, h Harness) {
	s := h.Open(t)
	accept(t, s, newEvent(1))
	ctx := t.Context()
	_, err := s.Event(ctx, "stripe", "evt_none")
	wantError(t, "Event", err, runtime.ErrNotFound)
	_, err = s.Event(ctx, "none", newEvent(1).ID)
	wantError(t, "Event of another connection", err, runtime.ErrNotFound)
	_, err = s.Event(ctx, "", "evt_none")
	wantError(t, "Event in any connection", err, runtime.ErrNotFound)
	_, err = s.EventBySeq(ctx, 2)
	wantError(t, "EventBySeq", err, runtime.ErrNotFound)
	_, err = s.EventBySeq(ctx, 0)
	wantError(t, "EventBySeq 0", err, runtime.ErrNotFound)
	_, err = s.Decision(ctx, 1)
	wantError(t, "Decision", err, runtime.ErrNotFound)
	_, err = s.Run(ctx, "run_none")
	wantError(t, "Run", err, runtime.ErrNotFound)
	_, err = s.Program(ctx, "none")
	wantError(t, "Program", err, runtime.ErrNotFound)
}

// pruned is a store with events at(0..5): 0 and 1 ended, 2 undecided, 3 with a waiting run, 4 and 5 ended.
func pruned(t *testing.T, h Harness) (runtime.Store, []*runtime.Event, []*runtime.Run) {
	s := h.Open(t)
	var events []*runtime.Event
	var runs []*runtime.Run
	for n := range 6 {
		e := accept(t, s, newEvent(n))
		status := runtime.RunCompleted
		if n == 3 {
			status = runtime.RunWaiting
		}
		r := newRun(e, "a", status)
		if n == 3 {
			r.Due = at(100)
		}
		r.Steps = []*runtime.Step{newStep(0), newStep(1)}
		c := &runtime.Change{Runs: []*runtime.Run{r}}
		if n != 2 {
			c.Decision = &runtime.Decision{EventSeq: e.Seq, Program: "d", Runs: 1}
		}
		record(t, s, c)
		events, runs = append(events, e), append(runs, r)
	}
	return s, events, runs
}

func testPrunePayloads(t *testing.T, h Harness) {
	s, events, runs := pruned(t, h)
	prune := func(want int) {
		t.Helper()
		dropped, forgotten, err := s.Prune(t.Context(), at(5), time.Time{})
		if err != nil || dropped != want || forgotten != 0 {
			t.Errorf("Prune: dropped %d, forgot %d, %v; want %d dropped", dropped, forgotten, err, want)
		}
	}
	prune(3)
	prune(0)
	for i, e := range events {
		want := e
		wantRun := *runs[i]
		if i == 0 || i == 1 || i == 4 {
			want = bare(e)
			wantRun.Steps = nil
			for _, st := range []*runtime.Step{newStep(0), newStep(1)} {
				st.Input, st.Output = nil, nil
				wantRun.Steps = append(wantRun.Steps, st)
			}
		}
		equal(t, e.ID, must[*runtime.Event](t)(s.EventBySeq(t.Context(), e.Seq)), want)
		equal(t, wantRun.ID, must[*runtime.Run](t)(s.Run(t.Context(), wantRun.ID)), &wantRun)
	}
	if ok, err := s.AcceptEvent(t.Context(), newEvent(0)); ok || err != nil {
		t.Errorf("an event without its payload was accepted again: %v, %v", ok, err)
	}
	// What has ended meanwhile goes at the next time.
	runs[3].Status, runs[3].Due = runtime.RunFailed, time.Time{}
	record(t, s, &runtime.Change{Decision: &runtime.Decision{EventSeq: events[2].Seq}, Runs: []*runtime.Run{runs[3]}})
	prune(2)
}

func testPruneEvents(t *testing.T, h Harness) {
	s, events, runs := pruned(t, h)
	dropped, forgotten, err := s.Prune(t.Context(), at(5), at(4))
	if err != nil || dropped != 1 || forgotten != 2 {
		t.Errorf("Prune: dropped %d, forgot %d, %v", dropped, forgotten, err)
	}
	for i := range 2 {
		_, err := s.EventBySeq(t.Context(), events[i].Seq)
		wantError(t, "a forgotten event", err, runtime.ErrNotFound)
		_, err = s.Decision(t.Context(), events[i].Seq)
		wantError(t, "its decision", err, runtime.ErrNotFound)
		_, err = s.Run(t.Context(), runs[i].ID)
		wantError(t, "its run", err, runtime.ErrNotFound)
	}
	equal(t, "events", seqs(must[[]*runtime.Event](t)(s.Events(t.Context(), runtime.EventQuery{}))), []int64{6, 5, 4, 3})
	equal(t, "undecided", seqs(must[[]*runtime.Event](t)(s.Undecided(t.Context(), 0, 10))), []int64{3})
	c := must[runtime.Counts](t)(s.Counts(t.Context()))
	c.Bytes = 0
	equal(t, "counts", c, runtime.Counts{Events: 4, Undecided: 1, LastSeq: 6,
		Runs: map[runtime.RunStatus]int64{runtime.RunCompleted: 3, runtime.RunWaiting: 1}})
	// A forgotten id is new again, and no number is given twice.
	again := accept(t, s, newEvent(0))
	if again.Seq != 7 {
		t.Errorf("accepted again, it has Seq %d", again.Seq)
	}
	record(t, s, &runtime.Change{Decision: &runtime.Decision{EventSeq: events[1].Seq}})
	if c := must[runtime.Counts](t)(s.Counts(t.Context())); c.Undecided != 2 {
		t.Errorf("a late decision on a forgotten event left %d undecided", c.Undecided)
	}

	// With everything gone, numbering still goes on.
	s = h.Open(t)
	e := accept(t, s, newEvent(1))
	record(t, s, &runtime.Change{Decision: &runtime.Decision{EventSeq: e.Seq}, Runs: []*runtime.Run{newRun(e, "a", runtime.RunCompleted)}})
	if _, forgotten, err = s.Prune(t.Context(), at(50), at(50)); forgotten != 1 || err != nil {
		t.Errorf("Prune: forgot %d, %v", forgotten, err)
	}
	if h.Reopen != nil {
		s = h.Reopen(t, s)
	}
	e = accept(t, s, newEvent(2))
	r := newRun(e, "a", runtime.RunCompleted)
	record(t, s, &runtime.Change{Runs: []*runtime.Run{r}})
	if e.Seq != 2 || r.Seq != 2 {
		t.Errorf("numbers are given again: event %d, run %d", e.Seq, r.Seq)
	}
}

func testCancel(t *testing.T, h Harness) {
	s := h.Open(t)
	ctx := canceled(t)
	calls := operations(s)
	for name, call := range calls {
		wantError(t, name, call(ctx), context.Canceled)
	}
	if c := must[runtime.Counts](t)(s.Counts(t.Context())); c.Events != 0 {
		t.Errorf("%d events were accepted for nobody", c.Events)
	}
}

// operations are all methods that take a context.
func operations(s runtime.Store) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"AcceptEvent": func(ctx context.Context) error { _, err := s.AcceptEvent(ctx, newEvent(1)); return err },
		"Record": func(ctx context.Context) error {
			return s.Record(ctx, &runtime.Change{Decision: &runtime.Decision{EventSeq: 1}})
		},
		"KeepProgram": func(ctx context.Context) error { return s.KeepProgram(ctx, &runtime.Program{Digest: "d"}) },
		"Program":     func(ctx context.Context) error { _, err := s.Program(ctx, "d"); return err },
		"Undecided":   func(ctx context.Context) error { _, err := s.Undecided(ctx, 0, 1); return err },
		"Unfinished":  func(ctx context.Context) error { _, err := s.Unfinished(ctx, 0, 1); return err },
		"Due":         func(ctx context.Context) error { _, err := s.Due(ctx, at(0), 1); return err },
		"NextDue":     func(ctx context.Context) error { _, err := s.NextDue(ctx); return err },
		"Event":       func(ctx context.Context) error { _, err := s.Event(ctx, "c", "e"); return err },
		"EventBySeq":  func(ctx context.Context) error { _, err := s.EventBySeq(ctx, 1); return err },
		"Decision":    func(ctx context.Context) error { _, err := s.Decision(ctx, 1); return err },
		"Run":         func(ctx context.Context) error { _, err := s.Run(ctx, "r"); return err },
		"RunsOf":      func(ctx context.Context) error { _, err := s.RunsOf(ctx, 1); return err },
		"Events":      func(ctx context.Context) error { _, err := s.Events(ctx, runtime.EventQuery{Type: "t"}); return err },
		"Runs":        func(ctx context.Context) error { _, err := s.Runs(ctx, runtime.RunQuery{Recipe: "r"}); return err },
		"Counts":      func(ctx context.Context) error { _, err := s.Counts(ctx); return err },
		"Prune":       func(ctx context.Context) error { _, _, err := s.Prune(ctx, at(0), at(0)); return err },
		"Queued":      func(ctx context.Context) error { _, err := s.Queued(ctx, "l", 1); return err },
		"InLanes":     func(ctx context.Context) error { _, err := s.InLanes(ctx, 0, 1); return err },
		"Awaited":     func(ctx context.Context) error { _, err := s.Awaited(ctx); return err },
		"Mark":        func(ctx context.Context) error { _, err := s.Mark(ctx, "k"); return err },
		"Pause":       func(ctx context.Context) error { return s.Pause(ctx, &runtime.Pause{Recipe: "r"}) },
		"Resume":      func(ctx context.Context) error { return s.Resume(ctx, "r") },
		"Pauses":      func(ctx context.Context) error { _, err := s.Pauses(ctx); return err },
		"Held":        func(ctx context.Context) error { _, err := s.Held(ctx, "r", 1); return err },
		"State":       func(ctx context.Context) error { _, err := s.State(ctx, "n", at(0)); return err },
		"SetState":    func(ctx context.Context) error { return s.SetState(ctx, "n", &runtime.StateValue{Value: []byte("1")}) },
		"Spend": func(ctx context.Context) error {
			_, _, err := s.Spend(ctx, &runtime.Spending{Recipe: "r", ID: "i"})
			return err
		},
		"Increment": func(ctx context.Context) error {
			_, err := s.Increment(ctx, &runtime.Increment{Name: "n", ID: "i"})
			return err
		},
		"AddFields":    func(ctx context.Context) error { return s.AddFields(ctx, 1, nil) },
		"EventsAfter":  func(ctx context.Context) error { _, err := s.EventsAfter(ctx, 0, 1); return err },
		"FieldsTo":     func(ctx context.Context) error { _, err := s.FieldsTo(ctx); return err },
		"RecipeCounts": func(ctx context.Context) error { _, err := s.RecipeCounts(ctx); return err },
		"Expire":       func(ctx context.Context) error { _, err := s.Expire(ctx, at(0)); return err },
		"Tally":        func(ctx context.Context) error { _, err := s.Tally(ctx, runtime.TallyQuery{Recipe: "r"}); return err },
		"Audit":        func(ctx context.Context) error { return s.Audit(ctx, &runtime.Audit{Who: "jo"}) },
		"Audits":       func(ctx context.Context) error { _, err := s.Audits(ctx, runtime.AuditQuery{}); return err },
		"Backup":       func(ctx context.Context) error { return s.Backup(ctx, filepath.Join(os.DevNull, "none")) },
	}
}

func testClose(t *testing.T, h Harness) {
	s := h.Open(t)
	var accepted atomic.Int64
	var wg sync.WaitGroup
	started := make(chan struct{}, 8)
	for p := range 8 {
		wg.Go(func() {
			for n := 0; ; n++ {
				ok, err := s.AcceptEvent(t.Context(), newEvent(p*10_000+n))
				if err != nil {
					wantError(t, "AcceptEvent", err, runtime.ErrClosed)
					return
				}
				if !ok {
					t.Error("taken for a duplicate")
				}
				accepted.Add(1)
				if n == 0 {
					started <- struct{}{}
				}
			}
		})
	}
	for range 8 {
		<-started
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	for name, call := range operations(s) {
		wantError(t, name, call(t.Context()), runtime.ErrClosed)
	}
	if h.Reopen != nil {
		s = h.Reopen(t, s)
		if c := must[runtime.Counts](t)(s.Counts(t.Context())); c.Events != accepted.Load() {
			t.Errorf("%d events were acknowledged, %d are there", accepted.Load(), c.Events)
		}
	}
}

func testConcurrent(t *testing.T, h Harness) {
	s := h.Open(t)
	const producers, each = 8, 25
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				c, err := s.Counts(t.Context())
				if err != nil || c.Undecided > c.Events {
					t.Errorf("Counts: %+v, %v", c, err)
				}
				for _, r := range must[[]*runtime.Run](t)(s.Unfinished(t.Context(), 0, 1)) {
					if whole := must[*runtime.Run](t)(s.Run(t.Context(), r.ID)); len(whole.Steps) != 1 {
						t.Errorf("a run was read with %d steps", len(whole.Steps))
					}
				}
				must[[]*runtime.Event](t)(s.Events(t.Context(), runtime.EventQuery{Limit: 5}))
				must[[]*runtime.Event](t)(s.Undecided(t.Context(), 0, 5))
			}
		})
	}
	var writers sync.WaitGroup
	for p := range producers {
		writers.Go(func() {
			for n := range each {
				e := accept(t, s, newEvent(p*1000+n))
				r := newRun(e, "a", runtime.RunRunning)
				r.Steps = []*runtime.Step{newStep(0)}
				record(t, s, &runtime.Change{Runs: []*runtime.Run{r}})
				r.Status, r.EndedAt = runtime.RunCompleted, at(1)
				record(t, s, &runtime.Change{Decision: &runtime.Decision{EventSeq: e.Seq, Runs: 1}, Runs: []*runtime.Run{r}})
			}
		})
	}
	writers.Wait()
	close(stop)
	wg.Wait()
	c := must[runtime.Counts](t)(s.Counts(t.Context()))
	c.Bytes = 0
	equal(t, "counts", c, runtime.Counts{Events: producers * each, LastSeq: producers * each,
		Runs: map[runtime.RunStatus]int64{runtime.RunCompleted: producers * each}})
}

func testReopen(t *testing.T, h Harness) {
	if h.Reopen == nil {
		return
	}
	s, events, runs := pruned(t, h)
	if err := s.KeepProgram(t.Context(), &runtime.Program{Digest: "d1", Files: map[string][]byte{"a": []byte("b")}}); err != nil {
		t.Fatal(err)
	}
	for round := range 2 {
		before := must[runtime.Counts](t)(s.Counts(t.Context()))
		s = h.Reopen(t, s)
		after := must[runtime.Counts](t)(s.Counts(t.Context()))
		before.Bytes, after.Bytes = 0, 0
		equal(t, "counts", after, before)
		same(t, s, events, runs)
		e := accept(t, s, newEvent(100+round))
		if e.Seq != int64(len(events)+1) {
			t.Errorf("the next event has Seq %d", e.Seq)
		}
		events = append(events, e)
		if ok, err := s.AcceptEvent(t.Context(), newEvent(0)); ok || err != nil {
			t.Errorf("a known id was accepted again: %v, %v", ok, err)
		}
	}
}

// same checks that a store holds the events and runs.
func same(t *testing.T, s runtime.Store, events []*runtime.Event, runs []*runtime.Run) {
	t.Helper()
	for _, e := range events {
		equal(t, e.ID, must[*runtime.Event](t)(s.Event(t.Context(), e.Connection, e.ID)), e)
	}
	for _, r := range runs {
		equal(t, r.ID, must[*runtime.Run](t)(s.Run(t.Context(), r.ID)), r)
	}
	must[*runtime.Program](t)(s.Program(t.Context(), "d1"))
}

func testBackup(t *testing.T, h Harness) {
	if h.Restore == nil {
		return
	}
	s, events, runs := pruned(t, h)
	if err := s.KeepProgram(t.Context(), &runtime.Program{Digest: "d1"}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy")
	// Under load, a copy is of one moment: of each producer it holds all up to some event, each with its run.
	var wg sync.WaitGroup
	stop, started := make(chan struct{}), make(chan struct{}, 4)
	for p := range 4 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				e := newEvent(n)
				e.ID = fmt.Sprintf("load_%d_%06d", p, n)
				accept(t, s, e)
				record(t, s, &runtime.Change{Runs: []*runtime.Run{newRun(e, "load", runtime.RunCompleted)}})
				if n == 3 {
					started <- struct{}{}
				}
			}
		})
	}
	for range 4 {
		<-started
	}
	err := s.Backup(t.Context(), path)
	close(stop)
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), path); err == nil {
		t.Error("a backup overwrote a file")
	}
	copied := h.Restore(t, path)
	same(t, copied, events, runs)
	recorded := map[string]bool{}
	for _, r := range must[[]*runtime.Run](t)(copied.Runs(t.Context(), runtime.RunQuery{Recipe: "load", Limit: 1000})) {
		recorded[r.EventID] = true
	}
	list := must[[]*runtime.Event](t)(copied.Undecided(t.Context(), 6, 10_000))
	next := map[string]int{}
	for _, e := range list {
		parts := strings.Split(e.ID, "_")
		if want := fmt.Sprintf("%06d", next[parts[1]]); parts[2] != want {
			t.Fatalf("%s stands where %s ought to", e.ID, want)
		}
		next[parts[1]]++
	}
	for p, n := range next {
		for i := range n - 1 {
			if id := fmt.Sprintf("load_%s_%06d", p, i); !recorded[id] && n < 200 {
				t.Errorf("the copy lacks the run of %s", id)
			}
		}
	}
}
