package runtimetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

func testRecord(t *testing.T, h Harness) {
	s := h.Open(t)
	e := accept(t, s, newEvent(1))
	full := &runtime.Run{
		ID: "run_full", EventSeq: e.Seq, Connection: "stripe", EventID: e.ID, EventType: e.Type, Recipe: "dunning", Program: "digest-1",
		Status: runtime.RunFailed, StartedAt: at(1), EndedAt: at(9), Due: at(5), StoppedBy: "gate.paying",
		Error:    &runtime.StepError{Step: "action.tell", Kind: "refused", Status: 422, Message: "no"},
		ReplayOf: "run_before", Generation: 3, Steps: []*runtime.Step{newStep(0), newStep(1), newStep(7)},
	}
	plain := &runtime.Run{ID: "run_plain", EventSeq: e.Seq, Status: runtime.RunRunning, Steps: []*runtime.Step{{Status: runtime.StepIntent}}}
	d := &runtime.Decision{EventSeq: e.Seq, Program: "digest-1", At: at(3), Matched: []byte{5, 0, 128}, Runs: 2}
	record(t, s, &runtime.Change{Decision: d, Runs: []*runtime.Run{full, plain}})
	if full.Seq != 1 || plain.Seq != 2 {
		t.Errorf("the runs have Seq %d and %d", full.Seq, plain.Seq)
	}
	for _, r := range []*runtime.Run{full, plain} {
		equal(t, r.ID, must[*runtime.Run](t)(s.Run(t.Context(), r.ID)), r)
	}
	equal(t, "decision", must[*runtime.Decision](t)(s.Decision(t.Context(), e.Seq)), d)
	equal(t, "runs of the event", must[[]*runtime.Run](t)(s.RunsOf(t.Context(), e.Seq)), []*runtime.Run{full, plain})
	equal(t, "runs of another", runIDs(must[[]*runtime.Run](t)(s.RunsOf(t.Context(), e.Seq+1))), []string{})
	record(t, s, &runtime.Change{})
}

func testRecordAgain(t *testing.T, h Harness) {
	s := h.Open(t)
	e := accept(t, s, newEvent(1))
	change := func() *runtime.Change {
		r := newRun(e, "a", runtime.RunCompleted)
		r.Steps = []*runtime.Step{newStep(0), newStep(1)}
		return &runtime.Change{Decision: &runtime.Decision{EventSeq: e.Seq, Program: "d", At: at(1), Runs: 1}, Runs: []*runtime.Run{r}}
	}
	record(t, s, change())
	before := must[runtime.Counts](t)(s.Counts(t.Context()))
	again := change()
	record(t, s, again)
	if again.Runs[0].Seq != 1 {
		t.Errorf("recorded again, the run has Seq %d", again.Runs[0].Seq)
	}
	after := must[runtime.Counts](t)(s.Counts(t.Context()))
	before.Bytes, after.Bytes = 0, 0
	equal(t, "counts", after, before)
	want := change().Runs[0]
	want.Seq = 1
	equal(t, "run", must[*runtime.Run](t)(s.Run(t.Context(), want.ID)), want)
}

func testRecordParts(t *testing.T, h Harness) {
	s := h.Open(t)
	e := accept(t, s, newEvent(1))
	r := newRun(e, "a", runtime.RunRunning)
	first, second := newStep(0), newStep(1)
	r.Steps = []*runtime.Step{second}
	record(t, s, &runtime.Change{Runs: []*runtime.Run{r}})
	r.Status, r.Due = runtime.RunWaiting, at(50)
	r.Steps = []*runtime.Step{first}
	record(t, s, &runtime.Change{Runs: []*runtime.Run{r}})
	changed := newStep(1)
	changed.Status, changed.Output, changed.Attempts, changed.Error, changed.Due = runtime.StepDone, []byte(`2`), nil, nil, time.Time{}
	r.Status, r.Due, r.EndedAt, r.StoppedBy = runtime.RunCanceled, time.Time{}, at(60), "x"
	r.Steps = []*runtime.Step{changed}
	record(t, s, &runtime.Change{Runs: []*runtime.Run{r}})
	want := *r
	want.Steps = []*runtime.Step{first, changed}
	equal(t, "run", must[*runtime.Run](t)(s.Run(t.Context(), r.ID)), &want)
	equal(t, "due", runIDs(must[[]*runtime.Run](t)(s.Due(t.Context(), at(1000), 10))), []string{})
	equal(t, "unfinished", runIDs(must[[]*runtime.Run](t)(s.Unfinished(t.Context(), 0, 10))), []string{})
}

func testInvalidStatus(t *testing.T, h Harness) {
	s := h.Open(t)
	e := accept(t, s, newEvent(1))
	good := newRun(e, "good", runtime.RunCompleted)
	if err := s.Record(t.Context(), &runtime.Change{Runs: []*runtime.Run{good, newRun(e, "bad", 0)}}); err == nil {
		t.Error("a run without a status was recorded")
	}
	_, err := s.Run(t.Context(), good.ID)
	wantError(t, "a run of a change that failed", err, runtime.ErrNotFound)
}

func testCallerKeepsItsOwn(t *testing.T, h Harness) {
	s := h.Open(t)
	e := accept(t, s, newEvent(1))
	want := string(e.Payload)
	e.Payload[0] = '#'
	got := must[*runtime.Event](t)(s.EventBySeq(t.Context(), 1))
	if string(got.Payload) != want {
		t.Errorf("the payload became %s", got.Payload)
	}
	got.Payload[0] = '#'
	if again := must[*runtime.Event](t)(s.EventBySeq(t.Context(), 1)); string(again.Payload) != want {
		t.Errorf("the payload became %s", again.Payload)
	}
	r := newRun(e, "a", runtime.RunRunning)
	r.Steps = []*runtime.Step{newStep(0)}
	record(t, s, &runtime.Change{Runs: []*runtime.Run{r}})
	r.Steps[0].Output[0], r.Steps[0].Attempts[0].Status = '#', 1
	kept := must[*runtime.Run](t)(s.Run(t.Context(), r.ID))
	equal(t, "step", kept.Steps, []*runtime.Step{newStep(0)})
}

func testDecide(t *testing.T, h Harness) {
	s := h.Open(t)
	e := accept(t, s, newEvent(1))
	_, err := s.Decision(t.Context(), e.Seq)
	wantError(t, "before it is made", err, runtime.ErrNotFound)
	first := &runtime.Decision{EventSeq: e.Seq, Program: "d1", At: at(1)}
	record(t, s, &runtime.Change{Decision: first})
	record(t, s, &runtime.Change{Decision: &runtime.Decision{EventSeq: e.Seq, Program: "d2", At: at(2), Matched: []byte{1}, Runs: 1}})
	got := must[*runtime.Decision](t)(s.Decision(t.Context(), e.Seq))
	equal(t, "the first stays", got, first)
	if got.Matched != nil {
		t.Errorf("nil became %#v", got.Matched)
	}
}

func testUnfinished(t *testing.T, h Harness) {
	s := h.Open(t)
	var want []string
	var after []string
	for n := 1; n <= 24; n++ {
		e := accept(t, s, newEvent(n))
		status := []runtime.RunStatus{runtime.RunRunning, runtime.RunWaiting, runtime.RunCompleted, runtime.RunFiltered, runtime.RunFailed, runtime.RunCanceled, runtime.RunQueued, runtime.RunSkipped}[n%8]
		r := newRun(e, "a", status)
		r.Steps = []*runtime.Step{newStep(0)}
		record(t, s, &runtime.Change{Runs: []*runtime.Run{r}})
		if status == runtime.RunRunning {
			want = append(want, r.ID)
			if r.Seq > 8 {
				after = append(after, r.ID)
			}
		}
	}
	got := must[[]*runtime.Run](t)(s.Unfinished(t.Context(), 0, 100))
	equal(t, "all", runIDs(got), want)
	equal(t, "steps", got[0].Steps, []*runtime.Step(nil))
	equal(t, "after", runIDs(must[[]*runtime.Run](t)(s.Unfinished(t.Context(), 8, 100))), after)
	equal(t, "limit", runIDs(must[[]*runtime.Run](t)(s.Unfinished(t.Context(), 0, 2))), want[:2])
}

func testDue(t *testing.T, h Harness) {
	s := h.Open(t)
	if next := must[time.Time](t)(s.NextDue(t.Context())); !next.IsZero() {
		t.Errorf("of none, NextDue is %v", next)
	}
	dues := []int{30, 10, 20, 10, 40}
	var runs []*runtime.Run
	for n, due := range dues {
		e := accept(t, s, newEvent(n))
		r := newRun(e, fmt.Sprint(n), runtime.RunWaiting)
		r.Due = at(due)
		r.Steps = []*runtime.Step{newStep(2)}
		runs = append(runs, r)
		record(t, s, &runtime.Change{Runs: []*runtime.Run{r}})
	}
	// A run that is not waiting has no due time, whatever it says.
	e := accept(t, s, newEvent(50))
	ended := newRun(e, "ended", runtime.RunCompleted)
	ended.Due = at(1)
	record(t, s, &runtime.Change{Runs: []*runtime.Run{ended}})

	if next := must[time.Time](t)(s.NextDue(t.Context())); !next.Equal(at(10)) {
		t.Errorf("NextDue is %v", next)
	}
	ids := func(ns ...int) []string {
		list := []string{}
		for _, n := range ns {
			list = append(list, runs[n].ID)
		}
		return list
	}
	equal(t, "before all", runIDs(must[[]*runtime.Run](t)(s.Due(t.Context(), at(10).Add(-1), 10))), ids())
	equal(t, "at the moment", runIDs(must[[]*runtime.Run](t)(s.Due(t.Context(), at(10), 10))), ids(1, 3))
	equal(t, "after", runIDs(must[[]*runtime.Run](t)(s.Due(t.Context(), at(35), 10))), ids(1, 3, 2, 0))
	equal(t, "limit", runIDs(must[[]*runtime.Run](t)(s.Due(t.Context(), at(100), 3))), ids(1, 3, 2))
	got := must[[]*runtime.Run](t)(s.Due(t.Context(), at(10), 1))
	listed := *runs[1]
	listed.Steps = nil
	equal(t, "a due run", got, []*runtime.Run{&listed})

	runs[1].Status, runs[1].Due = runtime.RunRunning, time.Time{}
	runs[3].Due = at(99)
	record(t, s, &runtime.Change{Runs: []*runtime.Run{runs[1], runs[3]}})
	if next := must[time.Time](t)(s.NextDue(t.Context())); !next.Equal(at(20)) {
		t.Errorf("NextDue is %v", next)
	}
	equal(t, "after a change", runIDs(must[[]*runtime.Run](t)(s.Due(t.Context(), at(1000), 10))), ids(2, 0, 4, 3))
}

func testRuns(t *testing.T, h Harness) {
	s := h.Open(t)
	statuses := []runtime.RunStatus{runtime.RunFailed, runtime.RunCompleted, runtime.RunWaiting}
	var runs []*runtime.Run
	for n := 1; n <= 9; n++ {
		e := accept(t, s, newEvent(n))
		r := newRun(e, []string{"a", "b"}[n%2], statuses[n%3])
		r.Steps = []*runtime.Step{newStep(0)}
		record(t, s, &runtime.Change{Runs: []*runtime.Run{r}})
		listed := *r
		listed.Steps = nil
		runs = append(runs, &listed)
	}
	tests := []struct {
		q    runtime.RunQuery
		want []int64
	}{
		{runtime.RunQuery{}, []int64{9, 8, 7, 6, 5, 4, 3, 2, 1}},
		{runtime.RunQuery{Limit: 2}, []int64{9, 8}},
		{runtime.RunQuery{Before: 3}, []int64{2, 1}},
		{runtime.RunQuery{Recipe: "a"}, []int64{8, 6, 4, 2}},
		{runtime.RunQuery{Recipe: "never"}, []int64{}},
		{runtime.RunQuery{EventID: "evt_000004"}, []int64{4}},
		{runtime.RunQuery{EventID: "evt_000099"}, []int64{}},
		{runtime.RunQuery{Status: runtime.RunFailed}, []int64{9, 6, 3}},
		{runtime.RunQuery{Status: runtime.RunCompleted}, []int64{7, 4, 1}},
		{runtime.RunQuery{Status: runtime.RunWaiting, Limit: 1}, []int64{8}},
		{runtime.RunQuery{Status: runtime.RunCanceled}, []int64{}},
		{runtime.RunQuery{Since: at(8)}, []int64{9, 8, 7}},
		{runtime.RunQuery{Status: runtime.RunFailed, Recipe: "a", Before: 9, Since: at(2)}, []int64{6}},
	}
	for _, test := range tests {
		got := must[[]*runtime.Run](t)(s.Runs(t.Context(), test.q))
		list := []int64{}
		for _, r := range got {
			list = append(list, r.Seq)
			equal(t, "a listed run", r, runs[r.Seq-1])
		}
		equal(t, fmt.Sprintf("%+v", test.q), list, test.want)
	}
}

func testPrograms(t *testing.T, h Harness) {
	s := h.Open(t)
	p := &runtime.Program{Digest: "d1", At: at(1), Files: map[string][]byte{
		"billing/dunning.hcl": []byte("recipe {}\n"), "empty.hcl": {}, "odd \xff\x00.hcl": []byte("\xff\x00"),
	}}
	if err := s.KeepProgram(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if err := s.KeepProgram(t.Context(), &runtime.Program{Digest: "d1", At: at(2)}); err != nil {
		t.Fatal(err)
	}
	equal(t, "program", must[*runtime.Program](t)(s.Program(t.Context(), "d1")), p)
	if err := s.KeepProgram(t.Context(), &runtime.Program{Digest: "d2"}); err != nil {
		t.Fatal(err)
	}
	equal(t, "empty program", must[*runtime.Program](t)(s.Program(t.Context(), "d2")), &runtime.Program{Digest: "d2"})
}

func testProgramList(t *testing.T, h Harness) {
	s := h.Open(t)
	equal(t, "no programs", must[[]*runtime.Program](t)(s.Programs(t.Context(), 10)), []*runtime.Program{})
	awaits := []runtime.Await{{Connection: "stripe", EventType: "invoice.paid"}}
	for _, p := range []*runtime.Program{
		{Digest: "b", At: at(1), Files: map[string][]byte{"a.hcl": []byte("first")}, Awaits: awaits},
		{Digest: "d", At: at(2)}, {Digest: "c", At: at(2)}, {Digest: "a", At: at(3)}, {Digest: "old"},
	} {
		if err := s.KeepProgram(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	// One that is served again is as old as it was.
	if err := s.KeepProgram(t.Context(), &runtime.Program{Digest: "b", At: at(9)}); err != nil {
		t.Fatal(err)
	}
	want := []*runtime.Program{{Digest: "a", At: at(3)}, {Digest: "c", At: at(2)}, {Digest: "d", At: at(2)}, {Digest: "b", At: at(1)}, {Digest: "old"}}
	equal(t, "programs", must[[]*runtime.Program](t)(s.Programs(t.Context(), 10)), want)
	equal(t, "the newest programs", must[[]*runtime.Program](t)(s.Programs(t.Context(), 2)), want[:2])
	_, err := s.Programs(canceled(t), 1)
	wantError(t, "programs", err, context.Canceled)
}

func testCounts(t *testing.T, h Harness) {
	s := h.Open(t)
	c := must[runtime.Counts](t)(s.Counts(t.Context()))
	c.Bytes = 0
	equal(t, "of none", c, runtime.Counts{Runs: map[runtime.RunStatus]int64{}})
	for n := 1; n <= 5; n++ {
		e := accept(t, s, newEvent(n))
		c := &runtime.Change{Runs: []*runtime.Run{newRun(e, "a", runtime.RunRunning), newRun(e, "b", runtime.RunCompleted)}}
		if n > 2 {
			c.Decision = &runtime.Decision{EventSeq: e.Seq, Program: "d"}
		}
		record(t, s, c)
		if n == 5 {
			c.Runs[0].Status = runtime.RunFailed
			record(t, s, c)
		}
	}
	c = must[runtime.Counts](t)(s.Counts(t.Context()))
	if c.Bytes <= 0 {
		t.Errorf("Bytes is %d", c.Bytes)
	}
	c.Bytes = 0
	equal(t, "counts", c, runtime.Counts{Events: 5, Undecided: 2, LastSeq: 5, Runs: map[runtime.RunStatus]int64{
		runtime.RunRunning: 4, runtime.RunCompleted: 5, runtime.RunFailed: 1}})
}
