package engine

import (
	"context"
	"fmt"
	goruntime "runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/runtime"
)

const waitADay = onCreated + `
action "acme_put" "above" {
  name = "above"
}
wait "day" {
  for = "24h"
}
action "acme_put" "below" {
  name = "below ${wait.day.timed_out}"
}
`

func TestAWaitHoldsBackWhatIsBelow(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": waitADay})
	start := w.clock.Now()
	w.send(w.order("order.created"))
	run := w.nextRun()
	if run.Status != runtime.RunWaiting || !run.Due.Equal(start.Add(24*time.Hour)) || steps(run) != "action.above done, wait.day waiting" {
		t.Fatalf("%v due in %v: %s", run.Status, run.Due.Sub(start), steps(run))
	}
	if got := w.vendor.called(false); got != "above" {
		t.Errorf("calls %q", got)
	}
	w.clock.Advance(24*time.Hour - time.Second)
	w.clock.Advance(time.Second)
	run = w.nextRun()
	if got := w.vendor.called(false); run.Status != runtime.RunCompleted || got != "above below false" || run.Waited != 24*time.Hour {
		t.Errorf("%v (%v) after %v, calls %q", run.Status, run.Error, run.Waited, got)
	}
}

func TestWaits(t *testing.T) {
	wait := func(body string) string { return "wait \"w\" {\n" + body + "\n}\n" }
	for name, tc := range map[string]struct {
		src    string
		fields []string
		calls  string
		waited time.Duration
		status runtime.RunStatus
	}{
		"until a time":                 {onCreated + wait(`until = "2026-01-03T03:04:05Z"`) + put("a", `"a"`), nil, "a", 24 * time.Hour, runtime.RunCompleted},
		"until a time in another zone": {onCreated + wait(`until = "2026-01-02T05:04:05+01:00"`) + put("a", `"a"`), nil, "a", time.Hour, runtime.RunCompleted},
		"until a time that is past":    {onCreated + wait(`until = "2020-01-03T03:04:05Z"`) + put("a", `"a"`), nil, "a", 0, runtime.RunCompleted},
		"until what is no time":        {onCreated + wait(`until = trigger.id`) + put("a", `"a"`), nil, "", 0, runtime.RunFailed},
		"one after the other":          {onCreated + wait(`for = "1h"`) + put("a", `"a"`) + strings.Replace(wait(`for = "2h"`), `"w"`, `"v"`, 1) + put("b", `"b"`), nil, "a b", 3 * time.Hour, runtime.RunCompleted},
		"in a case": {onCreated + "switch {\n on = trigger.status\n case \"open\" {\n" + wait(`for = "1h"`) + put("in", `"in"`) + "}\n default {}\n}\n" + put("out", `"out"`), nil,
			"out in", time.Hour, runtime.RunCompleted},
		"in a case that is not taken": {onCreated + "switch {\n on = trigger.status\n case \"paid\" {\n" + wait(`for = "1h"`) + put("in", `"in"`) + "}\n default {}\n}\n" + put("out", `"${wait.w == null}"`), nil,
			"true", 0, runtime.RunCompleted},
		"below a switch whose case is held back": {onCreated + "switch {\n on = trigger.status\n case \"open\" {\nfilter {\n condition = trigger.amount > 1000\n}\n" + put("in", `"in"`) + "}\n default {}\n}\n" + wait(`for = "1h"`) + put("out", `"out"`), nil,
			"out", time.Hour, runtime.RunCompleted},
		"two at a time count once": {onCreated + "switch {\n on = trigger.status\n case \"open\" {\n" + wait(`for = "2h"`) + put("in", `"in"`) + "}\n default {}\n}\nswitch {\n on = trigger.amount\n default {\n" + strings.Replace(wait(`for = "3h"`), `"w"`, `"v"`, 1) + put("b", `"b"`) + "}\n}\n", nil,
			"in b", 3 * time.Hour, runtime.RunCompleted},
		"a filter below it, and no step ran": {onCreated + wait(`for = "1h"`) + "filter {\n condition = trigger.amount > 1000 || wait.w.timed_out\n}\n" + put("a", `"a"`), nil, "", time.Hour, runtime.RunFiltered},
		"with nothing below":                 {onCreated + put("a", `"a"`) + wait(`for = "1h"`), nil, "a", time.Hour, runtime.RunCompleted},
		"after a retry":                      {onCreated + put("a", `"flaky"`) + wait(`for = "1h"`) + put("b", `"b"`), nil, "flaky flaky b", time.Hour, runtime.RunCompleted},
		"it counts not toward the timeout":   {"recipe {\n timeout = \"1h\"\n}\n" + onCreated + put("a", `"a"`) + wait(`for = "72h"`) + put("b", `"flaky"`), nil, "a flaky flaky", 72 * time.Hour, runtime.RunCompleted},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"r.hcl": tc.src})
			w.vendor.answer = byName
			run := w.play(w.order("order.created", tc.fields...))
			if got := w.vendor.called(false); run.Status != tc.status || run.Waited != tc.waited || got != tc.calls {
				t.Errorf("%v (%v) waited %v, calls %q", run.Status, run.Error, run.Waited, got)
			}
		})
	}
}

func TestTheTimeoutOfARecipe(t *testing.T) {
	src := "recipe {\n timeout = \"10s\"\n}\n" + onCreated + put("a", `"slow"`) + put("b", `"b ${action.a == null}"`) + tellOps
	w := newWorld(t, map[string]string{"r.hcl": src})
	w.vendor.answer = func(ctx context.Context, a string, in map[string]cty.Value, n int) (cty.Value, error) {
		if in["name"].AsString() == "slow" {
			w.clock.Advance(11 * time.Second)
		}
		return byName(ctx, a, in, n)
	}
	run := w.play(w.order("order.created"))
	if got := strings.Join(names(w.vendor), "; "); run.Status != runtime.RunFailed || run.Error.Kind != connectors.KindTimeout || run.Error.Step != "action.b" ||
		got != "slow; action.b timeout - 0 the time given to the recipe is over" {
		t.Errorf("%v (%v), calls %s", run.Status, run.Error, got)
	}
}

const waitPaid = onCreated + `
wait "paid" {
  event "acme_order_paid" {
    match = incoming.trigger.id == trigger.id
  }
  timeout = "7d"
}
switch {
  on = wait.paid.timed_out
  case "true" {
    action "acme_put" "late" {
      name = "late"
    }
  }
  case "false" {
    action "acme_put" "paid" {
      name = "${wait.paid.trigger == null ? 0 : wait.paid.trigger.amount} ${wait.paid.event == null ? "" : wait.paid.event.id}"
    }
  }
}
`

// decideNext waits for decisions on n events.
func (w *world) decideNext(n int) {
	w.t.Helper()
	for range n {
		w.nextDecision()
	}
}

func TestAWaitForAnEvent(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": waitPaid})
	w.send(w.order("order.created", `id="o7"`))
	run := w.nextRun()
	if s := run.Steps[0]; run.Status != runtime.RunWaiting || len(s.Awaits) != 1 || s.Awaits[0] != (runtime.Await{Connection: "acme", EventType: "order.paid", Path: "id", Key: `"o7"`}) {
		t.Fatalf("%v, %+v", run.Status, s)
	}
	w.send(w.order("order.paid", `id="other"`))
	w.send(w.order("order.paid", `id="o7"`, "amount=42"))
	run = w.nextRun()
	if got := w.vendor.called(false); run.Status != runtime.RunCompleted || got != "42 evt_3" {
		t.Errorf("%v (%v), calls %q", run.Status, run.Error, got)
	}
	if s := run.Steps[0]; s.Status != runtime.StepDone || len(s.Awaits) != 0 {
		t.Errorf("the wait: %+v", s)
	}
}

func TestAWaitForAnEventThatDoesNotCome(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": waitPaid})
	run := w.play(w.order("order.created"))
	if got := w.vendor.called(false); run.Status != runtime.RunCompleted || got != "late" || run.Waited != 7*24*time.Hour {
		t.Errorf("%v (%v) after %v, calls %q", run.Status, run.Error, run.Waited, got)
	}
}

func TestAnEventBetweenTheStartOfTheRunAndTheWaitCounts(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": strings.Replace(waitPaid, "wait \"paid\"", put("slow", `"slow"`)+"wait \"paid\"", 1)})
	inCall, answer := make(chan struct{}), make(chan struct{})
	w.vendor.answer = func(_ context.Context, _ string, in map[string]cty.Value, _ int) (cty.Value, error) {
		if in["name"].AsString() == "slow" {
			close(inCall)
			<-answer
		}
		return cty.NilVal, nil
	}
	before := w.accept(w.order("order.paid", `id="o1"`, "amount=1")) // before the run's own event: it does not count
	w.send(w.order("order.created"))
	receive(t, inCall, "the call")
	w.engine.Accepted(before)
	w.nextDecision()
	w.send(w.order("order.paid", `id="o1"`, "amount=2"))
	w.nextDecision()
	close(answer)
	if run := w.toEndNow(); run.Status != runtime.RunCompleted || w.vendor.called(false) != "slow 2 evt_3" {
		t.Errorf("%v (%v), calls %q", run.Status, run.Error, w.vendor.called(false))
	}
}

// toEndNow returns the run when it has ended, without time passing.
func (w *world) toEndNow() *runtime.Run {
	w.t.Helper()
	run := w.nextRun()
	for !run.Status.Ended() {
		run = w.nextRun()
	}
	return run
}

func TestWhatAWaitMatches(t *testing.T) {
	wait := func(match string) string {
		return onCreated + "wait \"w\" {\n event \"acme_order_paid\" {\n" + match + "\n}\n timeout = \"1h\"\n}\n" +
			put("a", `wait.w.event == null ? "timed out" : wait.w.event.id`)
	}
	for name, tc := range map[string]struct {
		match  string
		own    []string
		others [][]string
		calls  string
	}{
		"the first that comes":              {"", nil, [][]string{{`id="x"`}, {`id="y"`}}, "evt_2"},
		"the first for which it is true":    {"match = incoming.trigger.amount > trigger.amount", nil, [][]string{{"amount=1"}, {"amount=500"}, {"amount=900"}}, "evt_3"},
		"two conditions":                    {"match = incoming.trigger.id == trigger.id && incoming.trigger.paid", nil, [][]string{{"paid=false"}, {"paid=true"}}, "evt_3"},
		"null on the side of what comes":    {"match = incoming.trigger.customer == trigger.customer", nil, [][]string{{"customer=null"}}, "timed out"},
		"null on the other side":            {"match = incoming.trigger.customer == trigger.customer", []string{"customer=null"}, [][]string{{`customer="c1"`}}, "timed out"},
		"null on both sides":                {"match = incoming.trigger.customer == trigger.customer", []string{"customer=null"}, [][]string{{"customer=null"}}, "timed out"},
		"null on both sides, not looked up": {"match = incoming.trigger.id == trigger.id && incoming.trigger.customer == trigger.customer", []string{"customer=null"}, [][]string{{"customer=null"}}, "timed out"},
		"what comes is not as it should be": {"match = incoming.trigger.amount > 50", nil, [][]string{{`amount="much"`}, {"amount=60"}}, "evt_3"},
		"a number written in another way":   {"match = incoming.trigger.amount == trigger.amount", []string{"amount=100"}, [][]string{{"amount=1e2"}}, "evt_2"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"r.hcl": wait(tc.match)})
			w.send(w.order("order.created", tc.own...))
			run := w.nextRun()
			w.decideNext(1)
			for _, fields := range tc.others {
				w.send(w.order("order.paid", fields...))
				w.nextDecision()
			}
			if tc.calls == "timed out" {
				w.clock.Advance(run.Due.Sub(w.clock.Now()))
			}
			run = w.toEndNow()
			if got := w.vendor.called(false); run.Status != runtime.RunCompleted || got != tc.calls {
				t.Errorf("%v (%v), calls %q", run.Status, run.Error, got)
			}
		})
	}
}

// TestAWaitAsksWhatTheTriggersSettingsAsk waits for an event that a setting narrows by a test of its own.
func TestAWaitAsksWhatTheTriggersSettingsAsk(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": onCreated + "wait \"w\" {\n event \"acme_order_either\" {\n raised = true\n}\n timeout = \"1h\"\n}\n" +
		put("a", `wait.w.event == null ? "timed out" : wait.w.event.id`)})
	w.send(w.order("order.created"))
	w.nextRun()
	w.decideNext(1)
	for _, before := range []string{"", `,"before":{"amount":150}`, `,"before":{"amount":50}`} {
		ev := w.order("order.paid")
		ev.Payload = []byte(strings.TrimSuffix(string(ev.Payload), "}") + before + "}")
		w.send(ev)
		w.nextDecision()
	}
	run := w.toEndNow()
	if got := w.vendor.called(false); run.Status != runtime.RunCompleted || got != "evt_4" {
		t.Errorf("%v (%v), calls %q", run.Status, run.Error, got)
	}
}

func TestAnEventThatCameWhenTheTimeWasOverIsTooLate(t *testing.T) {
	files := map[string]string{"r.hcl": waitPaid}
	w := newWorld(t, files)
	w.send(w.order("order.created"))
	w.nextRun()
	w.decideNext(1)
	w.stop(context.Background())
	w.clock.Advance(8 * 24 * time.Hour)
	w.accept(w.order("order.paid"))
	w.boot(files)
	w.clock.Advance(time.Second)
	if run := w.toEndNow(); run.Status != runtime.RunCompleted || w.vendor.called(false) != "late" {
		t.Errorf("%v (%v), calls %q", run.Status, run.Error, w.vendor.called(false))
	}
}

func TestAnEventThatCameInTimeCountsHoweverLateItIsLookedAt(t *testing.T) {
	files := map[string]string{"r.hcl": waitPaid}
	w := newWorld(t, files)
	w.send(w.order("order.created"))
	w.nextRun()
	w.decideNext(1)
	w.stop(context.Background())
	w.clock.Advance(6 * 24 * time.Hour)
	w.accept(w.order("order.paid", "amount=9")) // by another process, say, which ended before it decided
	w.clock.Advance(6 * 24 * time.Hour)
	w.boot(files)
	if run := w.toEnd(); run.Status != runtime.RunCompleted || w.vendor.called(false) != "9 evt_2" {
		t.Errorf("%v (%v), calls %q", run.Status, run.Error, w.vendor.called(false))
	}
}

func TestAnEventWhoseOwnRunIsLongCountsForAWaitThatEndsMeanwhile(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": waitPaid, "slow.hcl": "trigger \"acme_order_paid\" {}\n" + put("slow", `"slow"`)})
	inCall, answer := make(chan struct{}), make(chan struct{})
	w.vendor.answer = func(_ context.Context, _ string, in map[string]cty.Value, _ int) (cty.Value, error) {
		if in["name"].AsString() == "slow" {
			close(inCall)
			<-answer
		}
		return cty.NilVal, nil
	}
	w.send(w.order("order.created"))
	run := w.nextRun()
	w.send(w.order("order.paid", "amount=3"))
	receive(t, inCall, "the call")
	w.clock.Advance(run.Due.Sub(w.clock.Now()))
	if run = w.nextRun(); run.Status != runtime.RunWaiting {
		t.Fatalf("%v (%v)", run.Status, run.Error)
	}
	close(answer)
	for _, run = range []*runtime.Run{w.toEnd(), w.toEnd()} { // who tells of its end first is open
		if run.Recipe == "r" {
			break
		}
	}
	if run.Recipe != "r" || run.Status != runtime.RunCompleted || w.vendor.called(false) != "slow 3 evt_2" {
		t.Errorf("%v (%v), calls %q", run.Status, run.Error, w.vendor.called(false))
	}
}

func TestWhatAWaitSawIsThereAfterARestart(t *testing.T) {
	files := map[string]string{"r.hcl": strings.Replace(waitPaid, `name = "${`, `name = "flaky ${`, 1)}
	w := newWorld(t, files)
	w.vendor.answer = byName
	w.send(w.order("order.created"))
	w.nextRun()
	w.send(w.order("order.paid", "amount=42"))
	run := w.nextRun()
	if run.Status != runtime.RunWaiting {
		t.Fatalf("%v (%v)", run.Status, run.Error)
	}
	w.stop(context.Background())
	w.boot(files)
	w.clock.Advance(time.Hour)
	if run = w.toEndNow(); run.Status != runtime.RunCompleted || w.vendor.called(false) != "flaky 42 evt_2 flaky 42 evt_2" {
		t.Errorf("%v (%v), calls %q", run.Status, run.Error, w.vendor.called(false))
	}
}

func TestWaitsEndInTheOrderOfTheirTimeAfterAWeekOfDowntime(t *testing.T) {
	src := onCreated + "wait \"w\" {\n until = trigger.note == null ? \"2026-01-01T00:00:00Z\" : trigger.note\n}\n" + "action \"acme_mail\" \"a\" {\n name = trigger.id\n}\n"
	files := map[string]string{"r.hcl": src}
	w := newWorld(t, files)
	for i, day := range []string{"05", "03", "04", "06"} {
		w.send(w.order("order.created", `id="`+day+`"`, `note="2026-01-`+day+`T00:00:00Z"`))
		if run := w.nextRun(); run.Status != runtime.RunWaiting {
			t.Fatalf("%d: %v (%v)", i, run.Status, run.Error)
		}
	}
	w.stop(context.Background())
	w.clock.Advance(7 * 24 * time.Hour)
	w.oneSlot = true
	w.boot(files)
	for range 4 {
		if run := w.nextRun(); run.Status != runtime.RunCompleted {
			t.Fatalf("%v (%v)", run.Status, run.Error)
		}
	}
	if got := w.vendor.called(false); got != "03 04 05 06" {
		t.Errorf("calls %q", got)
	}
}

func TestAWaitSurvivesAClockThatGoesBack(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": waitADay})
	w.send(w.order("order.created"))
	run := w.nextRun()
	w.clock.Advance(-48 * time.Hour)
	w.clock.Advance(47 * time.Hour)
	w.clock.Advance(run.Due.Sub(w.clock.Now()))
	if run = w.nextRun(); run.Status != runtime.RunCompleted {
		t.Errorf("%v (%v)", run.Status, run.Error)
	}
}

func TestManyWaitsCostRowsOnly(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": waitADay})
	const n = 3000
	before := goruntime.NumGoroutine()
	for range n {
		w.send(w.order("order.created"))
	}
	for range n {
		if run := w.nextRun(); run.Status != runtime.RunWaiting {
			t.Fatalf("%v (%v)", run.Status, run.Error)
		}
	}
	if after := goruntime.NumGoroutine(); after > before+2*maxIdle {
		t.Errorf("%d goroutines, %d before", after, before)
	}
	w.clock.Advance(24 * time.Hour)
	for range n {
		if run := w.nextRun(); run.Status != runtime.RunCompleted {
			t.Fatalf("%v (%v)", run.Status, run.Error)
		}
	}
}

func TestAWaitKeepsTheProgramItBeganWith(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": waitPaid})
	w.send(w.order("order.created"))
	w.nextRun()
	other := map[string]string{"r.hcl": onCreated + put("x", `"x"`)}
	w.swap(other)
	w.stop(context.Background())
	w.boot(other)
	w.send(w.order("order.paid", "amount=5"))
	if run := w.toEndNow(); run.Status != runtime.RunCompleted || w.vendor.called(false) != "5 evt_2" {
		t.Errorf("%v (%v), calls %q", run.Status, run.Error, w.vendor.called(false))
	}
}

func TestNoEventIsMissedWhateverTheOrder(t *testing.T) {
	// Orders are made and paid at once, in many goroutines, and each run looks at several events that are not the one.
	src := strings.Replace(waitPaid, "match = incoming.trigger.id == trigger.id", "match = incoming.trigger.customer == trigger.customer && incoming.trigger.id == trigger.id", 1)
	w := newWorld(t, map[string]string{"r.hcl": src})
	w.vendor.answer = byName
	const n = 300
	var made, paid []*runtime.Event
	for i := range n {
		id, customer := fmt.Sprintf("id=\"o%d\"", i), fmt.Sprintf("customer=\"c%d\"", i%10)
		made = append(made, w.order("order.created", id, customer))
		paid = append(paid, w.order("order.paid", id, customer, fmt.Sprintf("amount=%d", i)))
	}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			for _, ev := range []*runtime.Event{made[i], paid[i]} {
				if ok, err := w.store.AcceptEvent(context.Background(), ev); err != nil || !ok {
					t.Errorf("accepting: %v %v", ok, err)
				}
				if i%3 > 0 { // the others are only met by a scan
					w.engine.Accepted(ev)
				} else {
					w.engine.noteDropped(ev.Seq)
				}
			}
		})
	}
	wg.Wait()
	for ended := 0; ended < n; {
		run := w.nextRun()
		if !run.Status.Ended() {
			continue
		}
		ended++
		if run.Status != runtime.RunCompleted || run.Steps[0].Status != runtime.StepDone {
			t.Errorf("%v (%v): %s", run.Status, run.Error, steps(run))
		}
	}
	seen := map[string]bool{}
	for _, c := range w.vendor.log() {
		seen[c.name] = true
	}
	for i, ev := range paid {
		if !seen[fmt.Sprintf("%d %s", i, ev.ID)] {
			t.Errorf("order %d: its payment was missed", i)
		}
	}
}

func TestAnEventThatComesWhileTheRunIsResumed(t *testing.T) {
	// The run is resumed for an event that is not the one; before it is put down again the one comes.
	w := newWorld(t, map[string]string{"r.hcl": waitPaid})
	w.stop(expired())
	one := make(chan struct{})
	var once sync.Once
	w.crash = func(point string) {
		if point == "before-resume" {
			once.Do(func() {
				ev := w.accept(w.order("order.paid", `id="o1"`, "amount=2"))
				w.engine.Accepted(ev)
				<-one
			})
		}
	}
	w.boot(map[string]string{"r.hcl": strings.Replace(waitPaid, "incoming.trigger.id == trigger.id", "incoming.trigger.amount > 1", 1)})
	w.send(w.order("order.created"))
	w.nextRun()
	w.decideNext(1)
	w.send(w.order("order.paid", "amount=1"))
	w.decideNext(2)
	close(one)
	if run := w.toEndNow(); run.Status != runtime.RunCompleted || w.vendor.called(false) != "2 evt_3" {
		t.Errorf("%v (%v), calls %q", run.Status, run.Error, w.vendor.called(false))
	}
}

// lookingStore does something when somebody is about to look for undecided events.
type lookingStore struct {
	runtime.Store
	before atomic.Pointer[func()]
}

func (s *lookingStore) Undecided(ctx context.Context, after int64, limit int) ([]*runtime.Event, error) {
	if f := s.before.Swap(nil); f != nil {
		(*f)()
	}
	return s.Store.Undecided(ctx, after, limit)
}

func TestAnEventThatIsDecidedWhileTheTimeRunsOut(t *testing.T) {
	files := map[string]string{"r.hcl": waitPaid}
	w := newWorld(t, files)
	w.stop(expired())
	looking := &lookingStore{Store: w.store}
	w.store = looking
	w.boot(files)
	w.send(w.order("order.created"))
	run := w.nextRun()
	w.decideNext(1)
	came := func() { // the run has been read already
		w.send(w.order("order.paid", "amount=8"))
		w.nextDecision()
	}
	looking.before.Store(&came)
	w.clock.Advance(run.Due.Sub(w.clock.Now()))
	if run = w.toEndNow(); run.Status != runtime.RunCompleted || w.vendor.called(false) != "8 evt_2" {
		t.Errorf("%v (%v), calls %q", run.Status, run.Error, w.vendor.called(false))
	}
}
