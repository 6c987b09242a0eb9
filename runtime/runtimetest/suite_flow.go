package runtimetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// fullRun returns a run with every field set but Arrived.
func fullRun(e *runtime.Event) *runtime.Run {
	r := newRun(e, "full", runtime.RunWaiting)
	r.Due, r.StoppedBy, r.ReplayOf, r.Generation = at(40), "x", "run_old", 2
	r.Error = &runtime.StepError{Step: "s", Kind: "server", Message: "m"}
	r.Queue, r.Lane, r.Order, r.Bulk, r.Shadow = runtime.QueueThrottle, "full\x00\"c1\"", at(7), true, true
	r.Waited, r.Retries = 90*time.Minute, 3
	r.Parent, r.ParentStep, r.ParentEach = "run_caller", "action.call", "k"
	r.Input, r.Output = []byte(`{"a":1}`), []byte(`{}`)
	st := newStep(1)
	st.Each, st.Loop, st.Item, st.Rekey, st.Shadow, st.Child = "k", true, 7, 2, true, "run_child"
	st.Awaits = []runtime.Await{{Connection: "stripe", EventType: "t", Path: "a.b", Key: `"1"`}, {Connection: "other", EventType: "u"}}
	r.Steps = []*runtime.Step{st}
	return r
}

func testNewFields(t *testing.T, h Harness) {
	s := h.Open(t)
	e := accept(t, s, newEvent(1))
	r := fullRun(e)
	plain := newRun(e, "plain", runtime.RunRunning)
	plain.Input = []byte{}
	record(t, s, &runtime.Change{Runs: []*runtime.Run{r, plain}})
	if h.Reopen != nil {
		s = h.Reopen(t, s)
	}
	equal(t, "run", must[*runtime.Run](t)(s.Run(t.Context(), r.ID)), r)
	equal(t, "plain run", must[*runtime.Run](t)(s.Run(t.Context(), plain.ID)), plain)
	listed := *r
	listed.Steps, listed.Input, listed.Output = nil, nil, nil
	equal(t, "listed", must[[]*runtime.Run](t)(s.Due(t.Context(), at(50), 5)), []*runtime.Run{&listed})
	r.Steps[0].Awaits[0].Key, r.Input[0] = "#", '#'
	equal(t, "kept", must[*runtime.Run](t)(s.Run(t.Context(), r.ID)), fullRunAs(e, r.Seq))

	// A field that is taken back is gone.
	bareRun := newRun(e, "full", runtime.RunRunning)
	st := newStep(1)
	st.Loop, st.Item = true, 7
	bareRun.Steps = []*runtime.Step{st}
	record(t, s, &runtime.Change{Runs: []*runtime.Run{bareRun}})
	equal(t, "bare", must[*runtime.Run](t)(s.Run(t.Context(), r.ID)), bareRun)
}

func fullRunAs(e *runtime.Event, seq int64) *runtime.Run {
	r := fullRun(e)
	r.Seq = seq
	return r
}

// testLoop records many steps of one node beside others.
func testLoop(t *testing.T, h Harness) {
	s := h.Open(t)
	e := accept(t, s, newEvent(1))
	r := newRun(e, "loop", runtime.RunRunning)
	item := func(index, n int) *runtime.Step {
		st := newStep(index)
		st.Loop, st.Item, st.Each, st.Output = true, n, fmt.Sprint("e", n), []byte(fmt.Sprint(n))
		return st
	}
	const items = 700
	var want []*runtime.Step
	want = append(want, newStep(0))
	for n := range items {
		want = append(want, item(1, n))
	}
	want = append(want, newStep(2), item(3, 0), item(3, 70_000))
	for from := 0; from < len(want); from += 200 {
		r.Steps = want[from:min(from+200, len(want))]
		record(t, s, &runtime.Change{Runs: []*runtime.Run{r}})
	}
	changed := item(1, 234)
	changed.Status, changed.Output = runtime.StepDone, []byte("again")
	want[1+234] = changed
	other := newRun(e, "other", runtime.RunRunning)
	other.Steps = []*runtime.Step{item(1, 5)}
	r.Steps = []*runtime.Step{changed}
	record(t, s, &runtime.Change{Runs: []*runtime.Run{r, other}})
	if h.Reopen != nil {
		s = h.Reopen(t, s)
	}
	got := must[*runtime.Run](t)(s.Run(t.Context(), r.ID))
	r.Steps = want
	equal(t, "run", got, r)
	equal(t, "other", must[*runtime.Run](t)(s.Run(t.Context(), other.ID)), other)

	// Their data goes with the payload, and they go with the event.
	r.Status, other.Status, r.Steps, other.Steps = runtime.RunCompleted, runtime.RunCompleted, nil, nil
	record(t, s, &runtime.Change{Decision: &runtime.Decision{EventSeq: e.Seq, Runs: 2}, Runs: []*runtime.Run{r, other}})
	if n, _, err := s.Prune(t.Context(), at(100), time.Time{}); n != 1 || err != nil {
		t.Errorf("Prune: dropped %d, %v", n, err)
	}
	for _, st := range must[*runtime.Run](t)(s.Run(t.Context(), r.ID)).Steps {
		if st.Input != nil || st.Output != nil || st.Address == "" {
			t.Fatalf("step %d/%d is %+v", st.Index, st.Item, st)
		}
	}
	if _, n, err := s.Prune(t.Context(), at(100), at(100)); n != 1 || err != nil {
		t.Errorf("Prune: forgot %d, %v", n, err)
	}
}

func testQueued(t *testing.T, h Harness) {
	s := h.Open(t)
	queued := func(n int, lane string, q runtime.Queue, order int) *runtime.Run {
		r := newRun(accept(t, s, newEvent(n)), fmt.Sprint(n), runtime.RunQueued)
		r.Lane, r.Queue, r.Order = lane, q, at(order)
		return r
	}
	runs := []*runtime.Run{
		queued(0, "a", runtime.QueueLane, 30), queued(1, "a", runtime.QueueLane, 10), queued(2, "b", runtime.QueueLane, 5),
		queued(3, "a", runtime.QueueLane, 10), queued(4, "a", runtime.QueueThrottle, 1), queued(5, "", runtime.QueuePaused, 1),
		queued(6, "a", runtime.QueueLane, 20), queued(7, "c", runtime.QueueLane, 2),
	}
	runs[4].Due = at(60)
	runs[7].Order = time.Time{}
	record(t, s, &runtime.Change{Runs: runs})
	waiting := newRun(accept(t, s, newEvent(20)), "w", runtime.RunWaiting)
	waiting.Lane, waiting.Due = "a", at(50)
	ended := newRun(accept(t, s, newEvent(21)), "w", runtime.RunCompleted)
	ended.Lane = "a"
	skipped := newRun(accept(t, s, newEvent(22)), "w", runtime.RunSkipped)
	skipped.Lane, skipped.StoppedBy = "a", "rate_limit"
	record(t, s, &runtime.Change{Runs: []*runtime.Run{waiting, ended, skipped}})
	if h.Reopen != nil {
		s = h.Reopen(t, s)
	}
	ids := func(ns ...int) []string {
		list := []string{}
		for _, n := range ns {
			list = append(list, runs[n].ID)
		}
		return list
	}
	list := must[[]*runtime.Run](t)
	equal(t, "lane a", runIDs(list(s.Queued(t.Context(), "a", 10))), ids(1, 3, 6, 0))
	equal(t, "limit", runIDs(list(s.Queued(t.Context(), "a", 2))), ids(1, 3))
	equal(t, "a queued run", list(s.Queued(t.Context(), "b", 2)), runs[2:3])
	equal(t, "without an order", list(s.Queued(t.Context(), "c", 2)), runs[7:8])
	equal(t, "no lane", runIDs(list(s.Queued(t.Context(), "none", 2))), []string{})
	equal(t, "in lanes", runIDs(list(s.InLanes(t.Context(), 0, 100))), append(ids(0, 1, 2, 3, 4, 6, 7), waiting.ID))
	equal(t, "in lanes after", runIDs(list(s.InLanes(t.Context(), 5, 2))), ids(6, 7))
	equal(t, "due", runIDs(list(s.Due(t.Context(), at(100), 10))), []string{waiting.ID, runs[4].ID})
	equal(t, "due, limited", runIDs(list(s.Due(t.Context(), at(100), 1))), []string{waiting.ID})
	if next := must[time.Time](t)(s.NextDue(t.Context())); !next.Equal(at(50)) {
		t.Errorf("NextDue is %v", next)
	}
	equal(t, "unfinished", runIDs(list(s.Unfinished(t.Context(), 0, 10))), []string{})
	c := must[runtime.Counts](t)(s.Counts(t.Context()))
	equal(t, "counts", c.Runs, map[runtime.RunStatus]int64{runtime.RunQueued: 8, runtime.RunWaiting: 1, runtime.RunCompleted: 1, runtime.RunSkipped: 1})
	equal(t, "queued runs", len(list(s.Runs(t.Context(), runtime.RunQuery{Status: runtime.RunQueued}))), 8)
	equal(t, "skipped runs", runIDs(list(s.Runs(t.Context(), runtime.RunQuery{Status: runtime.RunSkipped}))), []string{skipped.ID})

	// What leaves a queue leaves its lists.
	runs[1].Status, runs[1].Queue = runtime.RunRunning, 0
	runs[4].Queue, runs[4].Due, runs[4].Order = runtime.QueueLane, time.Time{}, at(1)
	runs[6].Status, runs[6].StoppedBy = runtime.RunCanceled, "concurrency"
	record(t, s, &runtime.Change{Runs: []*runtime.Run{runs[1], runs[4], runs[6]}})
	equal(t, "lane a later", runIDs(list(s.Queued(t.Context(), "a", 10))), ids(4, 3, 0))
	equal(t, "in lanes later", runIDs(list(s.InLanes(t.Context(), 0, 100))), append(ids(0, 1, 2, 3, 4, 7), waiting.ID))
	equal(t, "unfinished later", runIDs(list(s.Unfinished(t.Context(), 0, 10))), ids(1))
	equal(t, "due later", runIDs(list(s.Due(t.Context(), at(100), 10))), []string{waiting.ID})
}

func testHeld(t *testing.T, h Harness) {
	s := h.Open(t)
	var ids []string
	for n := range 6 {
		r := newRun(accept(t, s, newEvent(n)), []string{"a", "b"}[n%2], runtime.RunQueued)
		r.Queue = runtime.QueuePaused
		if n == 4 {
			r.Queue = runtime.QueueLane
		} else if n%2 == 0 {
			ids = append(ids, r.ID)
		}
		record(t, s, &runtime.Change{Runs: []*runtime.Run{r}})
	}
	list := must[[]*runtime.Run](t)
	equal(t, "held", runIDs(list(s.Held(t.Context(), "a", 10))), ids)
	equal(t, "held, limited", runIDs(list(s.Held(t.Context(), "a", 1))), ids[:1])
	equal(t, "of another", runIDs(list(s.Held(t.Context(), "none", 1))), []string{})

	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "pauses of none", must[[]*runtime.Pause](t)(s.Pauses(t.Context())), []*runtime.Pause(nil))
	do(s.Resume(t.Context(), "never"))
	do(s.Pause(t.Context(), &runtime.Pause{Recipe: "b", By: "ada", At: at(1), Reason: "too much"}))
	do(s.Pause(t.Context(), &runtime.Pause{Recipe: "a", Drop: true, By: "bob", At: at(2), Reason: "more than it may"}))
	do(s.Pause(t.Context(), &runtime.Pause{Recipe: "b", Drop: true, By: "eve", At: at(3)}))
	if h.Reopen != nil {
		s = h.Reopen(t, s)
	}
	equal(t, "pauses", must[[]*runtime.Pause](t)(s.Pauses(t.Context())), []*runtime.Pause{
		{Recipe: "a", Drop: true, By: "bob", At: at(2), Reason: "more than it may"}, {Recipe: "b", Drop: true, By: "eve", At: at(3)}})
	do(s.Resume(t.Context(), "a"))
	equal(t, "pauses left", must[[]*runtime.Pause](t)(s.Pauses(t.Context())), []*runtime.Pause{{Recipe: "b", Drop: true, By: "eve", At: at(3)}})
}

func testRecipeCounts(t *testing.T, h Harness) {
	s := h.Open(t)
	equal(t, "of none", must[[]runtime.RecipeCount](t)(s.RecipeCounts(t.Context())), []runtime.RecipeCount(nil))
	n := 0
	add := func(recipe, program string, status runtime.RunStatus) {
		n++
		r := newRun(accept(t, s, newEvent(n)), recipe, status)
		r.Program = program
		record(t, s, &runtime.Change{Runs: []*runtime.Run{r}})
	}
	add("b", "p1", runtime.RunWaiting)
	add("a", "p2", runtime.RunRunning)
	add("a", "p1", runtime.RunQueued)
	add("a", "p1", runtime.RunQueued)
	add("a", "p1", runtime.RunWaiting)
	for _, ended := range []runtime.RunStatus{runtime.RunCompleted, runtime.RunSkipped, runtime.RunFailed, runtime.RunFiltered} {
		add("c", "p1", ended)
	}
	equal(t, "counts", must[[]runtime.RecipeCount](t)(s.RecipeCounts(t.Context())), []runtime.RecipeCount{
		{Recipe: "a", Program: "p1", Waiting: 1, Queued: 2}, {Recipe: "a", Program: "p2", Running: 1}, {Recipe: "b", Program: "p1", Waiting: 1}})
}

func testMarks(t *testing.T, h Harness) {
	s := h.Open(t)
	_, err := s.Mark(t.Context(), "k")
	wantError(t, "before it is set", err, runtime.ErrNotFound)
	first := runtime.Mark{Key: "k", At: at(1), Run: "run_1", Expires: at(100)}
	gcra := runtime.Mark{Key: "throttle\x00r\x00null", At: at(5), Expires: at(200)}
	forever := runtime.Mark{Key: "f", Run: "run_2"}
	record(t, s, &runtime.Change{Marks: []runtime.Mark{first, gcra, forever}})
	second := runtime.Mark{Key: "k", At: at(2), Run: "run_3", Expires: at(300)}
	e := accept(t, s, newEvent(1))
	record(t, s, &runtime.Change{Runs: []*runtime.Run{newRun(e, "a", runtime.RunSkipped)}, Marks: []runtime.Mark{second}})
	if h.Reopen != nil {
		s = h.Reopen(t, s)
	}
	for _, want := range []runtime.Mark{second, gcra, forever} {
		equal(t, want.Key, must[*runtime.Mark](t)(s.Mark(t.Context(), want.Key)), &want)
	}
	// Where the change fails, its marks are not set.
	if err := s.Record(t.Context(), &runtime.Change{Runs: []*runtime.Run{newRun(e, "bad", 0)}, Marks: []runtime.Mark{first}}); err == nil {
		t.Error("a run without a status was recorded")
	}
	equal(t, "after a failure", must[*runtime.Mark](t)(s.Mark(t.Context(), "k")), &second)

	if n := must[int](t)(s.Expire(t.Context(), at(199))); n != 0 {
		t.Errorf("%d were forgotten before their time", n)
	}
	if n := must[int](t)(s.Expire(t.Context(), at(200))); n != 1 {
		t.Errorf("%d were forgotten at the time of one", n)
	}
	_, err = s.Mark(t.Context(), gcra.Key)
	wantError(t, "expired", err, runtime.ErrNotFound)
	equal(t, "not expired", must[*runtime.Mark](t)(s.Mark(t.Context(), "k")), &second)
	must[int](t)(s.Expire(t.Context(), at(1_000_000)))
	equal(t, "without an end", must[*runtime.Mark](t)(s.Mark(t.Context(), "f")), &forever)
}

func testState(t *testing.T, h Harness) {
	s := h.Open(t)
	set := func(name string, v runtime.StateValue) {
		t.Helper()
		if err := s.SetState(t.Context(), name, &v); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.State(t.Context(), "a", at(1))
	wantError(t, "before it is set", err, runtime.ErrNotFound)
	set("a", runtime.StateValue{Value: []byte(`1`), At: at(1)})
	set("b", runtime.StateValue{Value: []byte(`"x"`), At: at(2), Expires: at(50)})
	want := runtime.StateValue{Value: []byte(`{"n":2}`), At: at(3)}
	set("a", want)
	if h.Reopen != nil {
		s = h.Reopen(t, s)
	}
	equal(t, "a", must[*runtime.StateValue](t)(s.State(t.Context(), "a", at(9999))), &want)
	equal(t, "b", must[*runtime.StateValue](t)(s.State(t.Context(), "b", at(50).Add(-1))), &runtime.StateValue{Value: []byte(`"x"`), At: at(2), Expires: at(50)})
	_, err = s.State(t.Context(), "b", at(50))
	wantError(t, "expired", err, runtime.ErrNotFound)
	if n := must[int](t)(s.Expire(t.Context(), at(50))); n != 1 {
		t.Errorf("%d were forgotten", n)
	}
	_, err = s.State(t.Context(), "b", at(1))
	wantError(t, "forgotten", err, runtime.ErrNotFound)
}

func testIncrement(t *testing.T, h Harness) {
	s := h.Open(t)
	day := func(n int) time.Time { return origin.AddDate(0, 0, n) }
	add := func(name, id string, by int64, now, expires time.Time, want int64) {
		t.Helper()
		got := must[int64](t)(s.Increment(t.Context(), &runtime.Increment{Name: name, ID: id, By: by, At: now, Expires: expires}))
		if got != want {
			t.Errorf("%s after %s is %d, want %d", name, id, got, want)
		}
	}
	never := time.Time{}
	add("spent", "1", 10, day(0), never, 10)
	add("spent", "2", 5, day(1), never, 15)
	add("spent", "1", 99, day(2), never, 15)
	add("other", "1", -7, day(2), never, -7)
	add("failures", "a", 1, day(0), day(7), 1)
	add("failures", "b", 1, day(3), day(10), 2)
	if h.Reopen != nil {
		s = h.Reopen(t, s)
	}
	add("failures", "b", 1, day(4), day(11), 2)
	add("failures", "c", 1, day(7), day(14), 2) // a has gone at its time
	add("failures", "late", 1, day(30), day(20), 0)
	must[int](t)(s.Expire(t.Context(), day(30)))
	add("spent", "2", 5, day(30), never, 15)
	add("failures", "d", 1, day(30), day(37), 1)
	// An ID is known for so long, and what counts for good still does when it is not.
	must[int](t)(s.Expire(t.Context(), day(35)))
	add("spent", "2", 5, day(35), never, 15)
	add("failures", "c", 1, day(35), day(50), 1)
	if n := must[int](t)(s.Expire(t.Context(), day(100))); n == 0 {
		t.Error("nothing was forgotten")
	}
	add("spent", "3", 1, day(100), never, 16)
	add("other", "2", 1, day(100), never, -6)
	add("failures", "e", 1, day(100), day(107), 1)
	if h.Reopen != nil {
		s = h.Reopen(t, s)
	}
	add("spent", "3", 1, day(100), never, 16)
	if n := must[int](t)(s.Expire(t.Context(), day(100))); n != 0 {
		t.Errorf("%d were forgotten twice", n)
	}
}

func testAwaited(t *testing.T, h Harness) {
	s := h.Open(t)
	one, two := runtime.Await{Connection: "a", EventType: "t", Path: "x.y"}, runtime.Await{Connection: "b", EventType: "t"}
	for _, p := range []*runtime.Program{{Digest: "p1", Awaits: []runtime.Await{two, one}}, {Digest: "p2", Awaits: []runtime.Await{one}}, {Digest: "p3"},
		{Digest: "p4", Awaits: []runtime.Await{{Connection: "z", EventType: "z"}}}} {
		if err := s.KeepProgram(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if p.Files == nil {
			p.Files = map[string][]byte{}
		}
		equal(t, "program", must[*runtime.Program](t)(s.Program(t.Context(), p.Digest)), p)
	}
	equal(t, "without runs", must[[]runtime.Await](t)(s.Awaited(t.Context())), []runtime.Await(nil))
	statuses := map[string]runtime.RunStatus{"p1": runtime.RunQueued, "p2": runtime.RunWaiting, "p3": runtime.RunRunning, "p4": runtime.RunSkipped, "unknown": runtime.RunRunning}
	for p, status := range statuses {
		r := newRun(accept(t, s, newEvent(len(p)*100+int(status))), p, status)
		r.Program = p
		record(t, s, &runtime.Change{Runs: []*runtime.Run{r}})
	}
	if h.Reopen != nil {
		s = h.Reopen(t, s)
	}
	equal(t, "awaited", must[[]runtime.Await](t)(s.Awaited(t.Context())), []runtime.Await{one, two})
}
