package runtimetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// paid is what the suite's waits look for: an invoice.paid of a customer.
func paid(customer string) runtime.Await {
	return runtime.Await{Connection: "stripe", EventType: "invoice.paid", Path: "customer", Key: `"` + customer + `"`}
}

// waitsFor returns a run whose step waits for an event, until at(due).
func waitsFor(e *runtime.Event, recipe string, due int, awaits ...runtime.Await) *runtime.Run {
	r := newRun(e, recipe, runtime.RunWaiting)
	r.Due = at(due)
	r.Steps = []*runtime.Step{{Index: 0, Address: "wait.paid", Status: runtime.StepWaiting, StartedAt: at(1), Due: at(due), Awaits: awaits}}
	return r
}

// decided accepts the n-th event and returns the change that decides it at(n), with keys.
func decided(t *testing.T, s runtime.Store, n int, keys ...runtime.Await) (*runtime.Event, *runtime.Change) {
	t.Helper()
	e := newEvent(n)
	e.Type = "invoice.paid"
	accept(t, s, e)
	return e, &runtime.Change{Decision: &runtime.Decision{EventSeq: e.Seq, Program: "d", At: at(n)}, Keys: keys}
}

func arrivals(t *testing.T, s runtime.Store, id string) []int64 {
	t.Helper()
	list := []int64{}
	for _, a := range must[*runtime.Run](t)(s.Run(t.Context(), id)).Arrived {
		list = append(list, a.EventSeq)
	}
	return list
}

func dueAt(t *testing.T, s runtime.Store, id string, want time.Time) {
	t.Helper()
	if due := must[*runtime.Run](t)(s.Run(t.Context(), id)).Due; !due.Equal(want) {
		t.Errorf("%s is due at %v, want %v", id, due, want)
	}
}

// testArrive lets events come after the wait.
func testArrive(t *testing.T, h Harness) {
	s := h.Open(t)
	any := runtime.Await{Connection: "stripe", EventType: "invoice.paid"}
	a := waitsFor(accept(t, s, newEvent(1)), "a", 1000, paid("c1"))
	b := waitsFor(accept(t, s, newEvent(2)), "b", 1000, paid("c2"), any)
	record(t, s, &runtime.Change{Runs: []*runtime.Run{a, b}})
	first, c1 := decided(t, s, 10, paid("c1"), any)
	second, c2 := decided(t, s, 11, paid("c1"), any)
	other, c3 := decided(t, s, 12, paid("c3"))
	record(t, s, c2)
	equal(t, "the next due", must[time.Time](t)(s.NextDue(t.Context())), at(11))
	record(t, s, c1)
	record(t, s, c3)
	record(t, s, c1) // again: no second arrival
	again := *c1.Decision
	again.At = at(99)
	record(t, s, &runtime.Change{Decision: &again, Keys: []runtime.Await{paid("c2")}}) // the event is decided
	if h.Reopen != nil {
		s = h.Reopen(t, s)
	}
	want := []int64{second.Seq, first.Seq}
	equal(t, "arrived at a", arrivals(t, s, a.ID), want)
	equal(t, "arrived at b", arrivals(t, s, b.ID), want)
	equal(t, "as it is", must[*runtime.Run](t)(s.Run(t.Context(), a.ID)).Arrived,
		[]runtime.Arrival{{Step: "wait.paid", EventSeq: second.Seq}, {Step: "wait.paid", EventSeq: first.Seq}})
	equal(t, "of the event's runs", must[[]*runtime.Run](t)(s.RunsOf(t.Context(), a.EventSeq))[0].Arrived,
		must[*runtime.Run](t)(s.Run(t.Context(), a.ID)).Arrived)
	dueAt(t, s, a.ID, at(10))
	equal(t, "due", runIDs(must[[]*runtime.Run](t)(s.Due(t.Context(), at(12), 5))), []string{a.ID, b.ID})

	// a looked at the first and waits on; the second was not looked at.
	run := must[*runtime.Run](t)(s.Run(t.Context(), a.ID))
	run.Arrived, run.Due = run.Arrived[:1], at(1000)
	record(t, s, &runtime.Change{Runs: []*runtime.Run{run}})
	equal(t, "left", arrivals(t, s, a.ID), want[1:])
	dueAt(t, s, a.ID, at(10))
	run = must[*runtime.Run](t)(s.Run(t.Context(), a.ID))
	run.Due = at(1000)
	record(t, s, &runtime.Change{Runs: []*runtime.Run{run}})
	equal(t, "none left", arrivals(t, s, a.ID), []int64{})
	dueAt(t, s, a.ID, at(1000))
	// What it has looked at does not come back.
	run.Arrived = nil
	record(t, s, &runtime.Change{Runs: []*runtime.Run{run}})
	equal(t, "still none", arrivals(t, s, a.ID), []int64{})

	// While b is worked on, what has come stays; with the end of its step it goes.
	run = must[*runtime.Run](t)(s.Run(t.Context(), b.ID))
	run.Status, run.Due = runtime.RunRunning, time.Time{}
	steps := run.Steps
	run.Steps = nil
	record(t, s, &runtime.Change{Runs: []*runtime.Run{run}})
	equal(t, "while it runs", arrivals(t, s, b.ID), want)
	dueAt(t, s, b.ID, time.Time{})
	run.Steps = steps
	steps[0].Status, steps[0].Awaits = runtime.StepDone, nil
	record(t, s, &runtime.Change{Runs: []*runtime.Run{run}})
	equal(t, "after its step", arrivals(t, s, b.ID), []int64{})
	_, c4 := decided(t, s, 20, paid("c1"), paid("c2"), any)
	record(t, s, c4)
	equal(t, "nobody waits", arrivals(t, s, b.ID), []int64{})
	equal(t, "a waits", arrivals(t, s, a.ID), []int64{c4.Decision.EventSeq})

	// With the end of the run everything goes.
	run = must[*runtime.Run](t)(s.Run(t.Context(), a.ID))
	run.Status, run.Due, run.Steps = runtime.RunCanceled, time.Time{}, nil
	record(t, s, &runtime.Change{Runs: []*runtime.Run{run}})
	_, c5 := decided(t, s, 21, paid("c1"))
	record(t, s, c5)
	equal(t, "the run has ended", arrivals(t, s, a.ID), []int64{})
	_ = other
}

// testMeet lets the wait come after the events.
func testMeet(t *testing.T, h Harness) {
	s := h.Open(t)
	_, early := decided(t, s, 1, paid("c1"))
	record(t, s, early)
	own := accept(t, s, newEvent(2))
	first, c1 := decided(t, s, 3, paid("c1"), paid("x"))
	second, c2 := decided(t, s, 4, paid("c1"))
	_, c3 := decided(t, s, 5, paid("c2"))
	for _, c := range []*runtime.Change{c2, c1, c3} {
		record(t, s, c)
	}
	if h.Reopen != nil {
		s = h.Reopen(t, s)
	}
	r := waitsFor(own, "a", 1000, paid("c1"))
	change := &runtime.Change{Decision: &runtime.Decision{EventSeq: own.Seq, Runs: 1, At: at(2)}, Runs: []*runtime.Run{r}, Keys: []runtime.Await{paid("c1")}}
	record(t, s, change)
	want := []int64{first.Seq, second.Seq}
	equal(t, "met", arrivals(t, s, r.ID), want)
	dueAt(t, s, r.ID, at(3))
	record(t, s, change)
	equal(t, "met again", arrivals(t, s, r.ID), want)
	equal(t, "due", runIDs(must[[]*runtime.Run](t)(s.Due(t.Context(), at(3), 5))), []string{r.ID})
	// It looked, and waits on for the same and for more: only what is new is looked for.
	r = must[*runtime.Run](t)(s.Run(t.Context(), r.ID))
	r.Due = at(1000)
	r.Steps[0].Awaits = []runtime.Await{paid("c1"), paid("c2")}
	record(t, s, &runtime.Change{Runs: []*runtime.Run{r}})
	equal(t, "met by the new", arrivals(t, s, r.ID), []int64{c3.Decision.EventSeq})
	// An event that was accepted before the run's own does not count, however late it is decided.
	late := newEvent(0)
	accept(t, s, late)
	after := accept(t, s, newEvent(50))
	r2 := waitsFor(after, "b", 1000, paid("c9"))
	record(t, s, &runtime.Change{Runs: []*runtime.Run{r2}})
	record(t, s, &runtime.Change{Decision: &runtime.Decision{EventSeq: late.Seq, At: at(60)}, Keys: []runtime.Await{paid("c9")}})
	equal(t, "of an earlier event", arrivals(t, s, r2.ID), []int64{})
}

// testLoopWaits lets several elements of one run wait for the same.
func testLoopWaits(t *testing.T, h Harness) {
	s := h.Open(t)
	r := waitsFor(accept(t, s, newEvent(1)), "a", 1000, paid("c1"))
	r.Steps = nil
	for n := range 3 {
		r.Steps = append(r.Steps, &runtime.Step{Index: 1, Address: "wait.each", Loop: true, Item: n, Each: fmt.Sprint("k", n),
			Status: runtime.StepWaiting, Awaits: []runtime.Await{paid("c1")}})
	}
	record(t, s, &runtime.Change{Runs: []*runtime.Run{r}})
	e, c := decided(t, s, 2, paid("c1"))
	record(t, s, c)
	got := must[*runtime.Run](t)(s.Run(t.Context(), r.ID))
	found := map[runtime.Arrival]int{}
	for _, a := range got.Arrived {
		found[a]++
	}
	want := map[runtime.Arrival]int{}
	for n := range 3 {
		want[runtime.Arrival{Step: "wait.each", Each: fmt.Sprint("k", n), EventSeq: e.Seq}] = 1
	}
	equal(t, "arrived", found, want)
	got.Steps = got.Steps[1:2]
	got.Steps[0].Status, got.Status = runtime.StepDone, runtime.RunRunning
	record(t, s, &runtime.Change{Runs: []*runtime.Run{got}})
	if left := must[*runtime.Run](t)(s.Run(t.Context(), r.ID)).Arrived; len(left) != 2 || left[0].Each == "k1" || left[1].Each == "k1" {
		t.Errorf("left are %v", left)
	}
}

func testWake(t *testing.T, h Harness) {
	s := h.Open(t)
	e := accept(t, s, newEvent(1))
	caller, child := newRun(e, "caller", runtime.RunRunning), newRun(e, "child", runtime.RunRunning)
	record(t, s, &runtime.Change{Runs: []*runtime.Run{caller, child}})
	child.Status, child.EndedAt = runtime.RunCompleted, at(30)
	came := runtime.Arrival{Step: "action.call", Run: child.ID}
	end := &runtime.Change{Runs: []*runtime.Run{child}, Wake: &runtime.Wake{Run: caller.ID, Arrival: came}}
	record(t, s, end)
	equal(t, "before it waits", must[*runtime.Run](t)(s.Run(t.Context(), caller.ID)).Arrived, []runtime.Arrival{came})
	dueAt(t, s, caller.ID, time.Time{})
	record(t, s, end)
	if h.Reopen != nil {
		s = h.Reopen(t, s)
	}
	// It waits now, without having looked: it is due.
	caller.Status = runtime.RunWaiting
	caller.Steps = []*runtime.Step{{Address: "action.call", Status: runtime.StepWaiting, Child: child.ID}}
	record(t, s, &runtime.Change{Runs: []*runtime.Run{caller}})
	equal(t, "once it waits", must[*runtime.Run](t)(s.Run(t.Context(), caller.ID)).Arrived, []runtime.Arrival{came})
	equal(t, "due", runIDs(must[[]*runtime.Run](t)(s.Due(t.Context(), at(30), 5))), []string{caller.ID})
	caller.Steps[0].Status, caller.Status = runtime.StepDone, runtime.RunRunning
	record(t, s, &runtime.Change{Runs: []*runtime.Run{caller}})
	record(t, s, end) // late: the step has ended
	equal(t, "after the step", must[*runtime.Run](t)(s.Run(t.Context(), caller.ID)).Arrived, []runtime.Arrival(nil))

	// A caller that waits already, for a time far off or for none.
	for i, due := range []time.Time{{}, at(1000)} {
		e := accept(t, s, newEvent(10+i))
		waiting := newRun(e, "waiting", runtime.RunWaiting)
		waiting.Due = due
		waiting.Steps = []*runtime.Step{{Address: "action.call", Each: "k", Loop: true, Status: runtime.StepWaiting}}
		child := newRun(e, "child", runtime.RunFailed)
		child.EndedAt = at(40)
		record(t, s, &runtime.Change{Runs: []*runtime.Run{waiting, child},
			Wake: &runtime.Wake{Run: waiting.ID, Arrival: runtime.Arrival{Step: "action.call", Each: "k", Run: child.ID}}})
		dueAt(t, s, waiting.ID, at(40))
	}
	// One that has ended, or never was, is left alone.
	ended := newRun(accept(t, s, newEvent(20)), "ended", runtime.RunCanceled)
	record(t, s, &runtime.Change{Runs: []*runtime.Run{ended}, Wake: &runtime.Wake{Run: ended.ID, Arrival: came}})
	record(t, s, &runtime.Change{Wake: &runtime.Wake{Run: "run_none", Arrival: came}})
	equal(t, "ended", must[*runtime.Run](t)(s.Run(t.Context(), ended.ID)).Arrived, []runtime.Arrival(nil))
}

// testWaitRace records each wait and its event at once: whichever is first, they meet once.
func testWaitRace(t *testing.T, h Harness) {
	s := h.Open(t)
	const n = 120
	runs, changes := make([]*runtime.Run, n), make([]*runtime.Change, n)
	for i := range n {
		own := accept(t, s, newEvent(i))
		runs[i] = waitsFor(own, "a", 1_000_000, paid(fmt.Sprint("c", i)))
		_, changes[i] = decided(t, s, 10_000+i, paid(fmt.Sprint("c", i)))
	}
	var wg sync.WaitGroup
	for i := range n {
		start := make(chan struct{})
		wg.Go(func() {
			<-start
			record(t, s, &runtime.Change{Runs: []*runtime.Run{runs[i]}})
		})
		wg.Go(func() {
			<-start
			record(t, s, changes[i])
		})
		close(start)
	}
	wg.Wait()
	for i, r := range runs {
		equal(t, r.ID, arrivals(t, s, r.ID), []int64{changes[i].Decision.EventSeq})
		dueAt(t, s, r.ID, at(10_000+i))
	}
	if list := must[[]*runtime.Run](t)(s.Due(t.Context(), at(20_000), 1000)); len(list) != n {
		t.Errorf("%d of %d are due", len(list), n)
	}
}

// testPruneKeys checks how long events can be met.
func testPruneKeys(t *testing.T, h Harness) {
	s := h.Open(t)
	prune := func() {
		t.Helper()
		if _, _, err := s.Prune(t.Context(), time.Time{}, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	meets := func(own *runtime.Event, recipe, customer string) []int64 {
		t.Helper()
		r := waitsFor(own, recipe, 1000, paid(customer))
		record(t, s, &runtime.Change{Runs: []*runtime.Run{r}})
		return arrivals(t, s, r.ID)
	}
	old := accept(t, s, newEvent(1))
	running := newRun(old, "running", runtime.RunRunning)
	record(t, s, &runtime.Change{Decision: &runtime.Decision{EventSeq: old.Seq}, Runs: []*runtime.Run{running}})
	first, c1 := decided(t, s, 2, paid("c1"))
	record(t, s, c1)
	prune()
	equal(t, "while a run is older", meets(old, "a", "c1"), []int64{first.Seq})

	end := func(ids ...string) {
		t.Helper()
		for _, id := range ids {
			r := must[*runtime.Run](t)(s.Run(t.Context(), id))
			r.Status, r.Steps = runtime.RunCompleted, nil
			record(t, s, &runtime.Change{Runs: []*runtime.Run{r}})
		}
	}
	end(running.ID, "run_a_"+old.ID)
	undecided := accept(t, s, newEvent(3))
	second, c2 := decided(t, s, 4, paid("c1"))
	record(t, s, c2)
	prune()
	equal(t, "while an event is undecided", meets(undecided, "a", "c1"), []int64{second.Seq})
	equal(t, "no run was older", meets(old, "b", "c1"), []int64{second.Seq})
	end("run_a_"+undecided.ID, "run_b_"+old.ID)
	record(t, s, &runtime.Change{Decision: &runtime.Decision{EventSeq: undecided.Seq}})
	prune()
	equal(t, "nothing is older", meets(old, "c", "c1"), []int64{})

	// An event that has come for a run keeps what it has until it was looked at.
	third, c3 := decided(t, s, 5, paid("c1"))
	record(t, s, c3)
	equal(t, "came", arrivals(t, s, "run_c_"+old.ID), []int64{third.Seq})
	if _, forgotten, err := s.Prune(t.Context(), at(100), at(100)); err != nil || forgotten != 3 {
		t.Errorf("Prune: forgot %d, %v", forgotten, err)
	}
	if e := must[*runtime.Event](t)(s.EventBySeq(t.Context(), third.Seq)); e.Payload == nil {
		t.Error("the payload of an event that a wait must look at was dropped")
	}
	end("run_c_" + old.ID)
	if _, forgotten, err := s.Prune(t.Context(), at(100), at(100)); err != nil || forgotten != 2 {
		t.Errorf("Prune: forgot %d, %v", forgotten, err)
	}
}
