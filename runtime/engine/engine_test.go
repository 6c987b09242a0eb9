package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/runtime"
)

const big = `
trigger "acme_order_created" {}

filter "big orders" {
  condition = trigger.amount >= 50 && trigger.customer != null
}

action "acme_send" {
  name = trigger.customer
}
`

func TestEventBecomesOneCall(t *testing.T) {
	w := newWorld(t, map[string]string{"big.hcl": big})
	ev := w.send(w.order("order.created"))
	run := w.nextRun()
	if run.Status != runtime.RunCompleted || len(run.Steps) != 1 || run.Steps[0].Status != runtime.StepDone {
		t.Fatalf("run = %+v", run)
	}
	d := w.nextDecision()
	if d.EventSeq != ev.Seq || d.Runs != 1 || len(d.Matched) != 1 || d.Matched[0] != 1 {
		t.Errorf("decision = %+v", d)
	}
	calls := w.vendor.log()
	if len(calls) != 1 || calls[0].name != "c1" {
		t.Fatalf("calls = %+v", calls)
	}
	if want := runtime.StepKey("big", "acme", ev.ID, "action.acme_send", "", 0); calls[0].key != want {
		t.Errorf("key = %s, want %s", calls[0].key, want)
	}
}

func TestFilteredEventLeavesADecisionAndNoRun(t *testing.T) {
	w := newWorld(t, map[string]string{"big.hcl": big, "also.hcl": big})
	for _, ev := range []*runtime.Event{
		w.order("order.created", "amount=49"),
		w.order("order.created", "customer=null"),
		w.order("order.paid"),
	} {
		w.send(ev)
		d := w.nextDecision()
		if d.Runs != 0 {
			t.Errorf("%s: %d runs", ev.Payload, d.Runs)
		}
		runs, err := w.store.RunsOf(context.Background(), ev.Seq)
		if err != nil || len(runs) != 0 {
			t.Errorf("%s: runs %v, %v", ev.Payload, runs, err)
		}
	}
	if calls := w.vendor.log(); len(calls) != 0 {
		t.Errorf("calls = %+v", calls)
	}
}

func TestStepsRunInParallelBetweenGates(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": `
trigger "acme_order_created" {}
action "acme_put" "left" {
  name = "left"
}
action "acme_put" "right" {
  name = "right"
}
filter "the left has an address" {
  condition = action.left.email != null
}
action "acme_put" "below" {
  name = "below"
}
`})
	arrived := make(chan string, 3)
	release := make(chan struct{})
	w.vendor.answer = func(ctx context.Context, _ string, in map[string]cty.Value, _ int) (cty.Value, error) {
		name := in["name"].AsString()
		arrived <- name
		if name != "below" {
			<-release
		}
		return cty.NilVal, nil
	}
	w.send(w.order("order.created"))
	got := map[string]bool{receive(t, arrived, "the first call"): true, receive(t, arrived, "the second call"): true}
	if !got["left"] || !got["right"] {
		t.Fatalf("at a time: %v", got)
	}
	select {
	case name := <-arrived:
		t.Fatalf("%s started before its gate was open", name)
	default:
	}
	close(release)
	if name := receive(t, arrived, "the third call"); name != "below" {
		t.Fatalf("then %s", name)
	}
	if run := w.nextRun(); run.Status != runtime.RunCompleted || len(run.Steps) != 3 {
		t.Errorf("run = %+v", run)
	}
}

func TestLowerGateStopsWhatIsBelow(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": `
trigger "acme_order_created" {}
action "acme_read" "who" {
  name = "who"
}
filter "nobody" {
  condition = action.who.email == null
}
action "acme_put" "never" {
  name = "never"
}
`})
	w.send(w.order("order.created"))
	run := w.nextRun()
	if run.Status != runtime.RunCompleted || run.StoppedBy != "nobody" || len(run.Steps) != 1 {
		t.Errorf("run = %+v", run)
	}
}

func TestWhenSkipsAndItsResultIsNull(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": `
trigger "acme_order_created" {}
action "acme_read" "who" {
  when = trigger.amount > 1000
  name = "who"
}
action "acme_put" "after" {
  name = action.who == null ? "nobody" : "somebody"
}
`})
	w.send(w.order("order.created"))
	run := w.nextRun()
	if run.Status != runtime.RunCompleted || run.Steps[0].Status != runtime.StepSkipped {
		t.Errorf("run = %+v", run)
	}
	if calls := w.vendor.log(); len(calls) != 1 || calls[0].name != "nobody" {
		t.Errorf("calls = %+v", calls)
	}
}

func TestRetryWaitsInTheStoreAndKeepsItsKey(t *testing.T) {
	w := newWorld(t, map[string]string{"big.hcl": big})
	w.vendor.answer = func(_ context.Context, _ string, _ map[string]cty.Value, n int) (cty.Value, error) {
		switch n {
		case 1:
			return cty.NilVal, transient()
		case 2:
			return cty.NilVal, &connectors.Error{Kind: connectors.KindRateLimited, Status: 429, Message: "slow down", RetryAfter: time.Minute, NotSent: true}
		}
		return cty.NilVal, nil
	}
	start := w.clock.Now()
	w.send(w.order("order.created"))
	run := w.nextRun()
	if run.Status != runtime.RunWaiting || !run.Due.Equal(start.Add(500*time.Millisecond)) {
		t.Fatalf("after the first attempt: %v due %v", run.Status, run.Due.Sub(start))
	}
	w.clock.Advance(500 * time.Millisecond)
	run = w.nextRun()
	if run.Status != runtime.RunWaiting || !run.Due.Equal(w.clock.Now().Add(time.Minute)) {
		t.Fatalf("Retry-After is not obeyed: %v due in %v", run.Status, run.Due.Sub(w.clock.Now()))
	}
	w.clock.Advance(time.Minute)
	run = w.nextRun()
	if run.Status != runtime.RunCompleted || len(run.Steps[0].Attempts) != 3 || run.Steps[0].Error != nil {
		t.Fatalf("run = %+v", run)
	}
	keys := map[string]bool{}
	for _, c := range w.vendor.log() {
		keys[c.key] = true
	}
	if len(keys) != 1 {
		t.Errorf("keys = %v", keys)
	}
}

func TestRetriesEnd(t *testing.T) {
	for name, tc := range map[string]struct {
		retry string
		err   func() error
		tries int
	}{
		"a refusal is final": {"", func() error { return &connectors.Error{Kind: connectors.KindRefused, Status: 400, Message: "no"} }, 1},
		"the vendor says it is final": {"", func() error {
			return &connectors.Error{Kind: connectors.KindServer, Status: 500, Message: "no", Final: true}
		}, 1},
		"attempts are counted":          {"retry {\n attempts = 3\n }", transient, 3},
		"only kinds that are named":     {"retry {\n on = [\"network\"]\n }", transient, 1},
		"a refusal that is named":       {"retry {\n attempts = 2\n on = [\"refused\"]\n }", func() error { return &connectors.Error{Kind: connectors.KindRefused, Status: 400, Message: "no"} }, 2},
		"what isn't our error: network": {"retry {\n attempts = 2\n }", func() error { return errors.New("reset") }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"r.hcl": "trigger \"acme_order_created\" {}\naction \"acme_send\" {\n name = \"x\"\n" + tc.retry + "\n}\n"})
			w.vendor.answer = func(context.Context, string, map[string]cty.Value, int) (cty.Value, error) {
				return cty.NilVal, tc.err()
			}
			w.send(w.order("order.created"))
			run := w.nextRun()
			for run.Status == runtime.RunWaiting {
				w.clock.Advance(run.Due.Sub(w.clock.Now()))
				run = w.nextRun()
			}
			if run.Status != runtime.RunFailed || run.Error == nil || len(w.vendor.log()) != tc.tries {
				t.Errorf("%v after %d tries, error %v", run.Status, len(w.vendor.log()), run.Error)
			}
		})
	}
}

const mail = `
trigger "acme_order_created" {}
action "acme_mail" {
  name = "m"
}
`

func TestAtMostOnceIsWrittenDownFirst(t *testing.T) {
	w := newWorld(t, map[string]string{"m.hcl": mail})
	ev := w.order("order.created")
	seen := make(chan runtime.StepStatus, 1)
	w.vendor.answer = func(context.Context, string, map[string]cty.Value, int) (cty.Value, error) {
		run, err := w.store.Run(context.Background(), runtime.RunID(ev, "m", ""))
		if err != nil || len(run.Steps) != 1 {
			seen <- 0
		} else {
			seen <- run.Steps[0].Status
		}
		return cty.NilVal, nil
	}
	w.send(ev)
	if got := receive(t, seen, "the call"); got != runtime.StepIntent {
		t.Errorf("in the store during the call: %v", got)
	}
	if run := w.nextRun(); run.Status != runtime.RunCompleted {
		t.Errorf("run = %+v", run)
	}
}

func TestAtMostOnceIsNotRepeated(t *testing.T) {
	for name, tc := range map[string]struct {
		err    *connectors.Error
		status runtime.StepStatus
		kind   connectors.Kind
		calls  int
	}{
		"no answer":        {&connectors.Error{Kind: connectors.KindTimeout, Message: "no answer"}, runtime.StepUnknown, connectors.KindUnknown, 1},
		"cut":              {&connectors.Error{Kind: connectors.KindNetwork, Message: "reset"}, runtime.StepUnknown, connectors.KindUnknown, 1},
		"500":              {&connectors.Error{Kind: connectors.KindServer, Status: 500, Message: "oops"}, runtime.StepUnknown, connectors.KindUnknown, 1},
		"refused":          {&connectors.Error{Kind: connectors.KindRefused, Status: 400, Message: "no"}, runtime.StepFailed, connectors.KindRefused, 1},
		"never connected":  {&connectors.Error{Kind: connectors.KindNetwork, Message: "refused", NotSent: true}, runtime.StepDone, "", 2},
		"refused with 429": {&connectors.Error{Kind: connectors.KindRateLimited, Status: 429, Message: "slow", NotSent: true, RetryAfter: time.Minute}, runtime.StepDone, "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"m.hcl": mail})
			w.vendor.answer = func(_ context.Context, _ string, _ map[string]cty.Value, n int) (cty.Value, error) {
				if n == 1 {
					return cty.NilVal, tc.err
				}
				return cty.NilVal, nil
			}
			w.send(w.order("order.created"))
			run := w.nextRun()
			if run.Status == runtime.RunWaiting {
				w.clock.Advance(run.Due.Sub(w.clock.Now()))
				run = w.nextRun()
			}
			if s := run.Steps[0]; s.Status != tc.status || len(w.vendor.log()) != tc.calls || tc.kind != "" && run.Error.Kind != tc.kind {
				t.Errorf("step %v, run error %v, %d calls", s.Status, run.Error, len(w.vendor.log()))
			}
		})
	}
}

func TestFailureLetsSiblingsFinishAndStartsNothing(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": `
trigger "acme_order_created" {}
action "acme_put" "bad" {
  name = "bad"
}
action "acme_put" "slow" {
  name = "slow"
}
action "acme_put" "after" {
  name       = "after"
  depends_on = [action.slow]
}
`})
	slowRuns := make(chan struct{})
	w.vendor.answer = func(ctx context.Context, _ string, in map[string]cty.Value, _ int) (cty.Value, error) {
		if in["name"].AsString() == "bad" {
			<-slowRuns
			return cty.NilVal, &connectors.Error{Kind: connectors.KindRefused, Status: 400, Message: "no"}
		}
		if in["name"].AsString() == "slow" {
			close(slowRuns)
			w.untilCounted(ctx, `kind="refused"`) // the engine knows of the failure
		}
		return cty.NilVal, nil
	}
	w.send(w.order("order.created"))
	run := w.nextRun()
	if run.Status != runtime.RunFailed || run.Error.Step != "action.bad" || len(w.vendor.log()) != 2 {
		t.Errorf("run = %+v, error %v, calls %v", run, run.Error, w.vendor.log())
	}
}

func TestDriftFailsAndIsNotAFilter(t *testing.T) {
	for name, field := range map[string]string{"missing": "amount=", "null": "amount=null", "another type": `amount="much"`} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"big.hcl": big})
			w.send(w.order("order.created", field))
			run := w.nextRun()
			if run.Status != runtime.RunFailed || run.Error.Kind != connectors.KindDrift {
				t.Errorf("run = %+v error %v", run, run.Error)
			}
		})
	}
}

func TestSeveralRecipesOneDecision(t *testing.T) {
	files := map[string]string{}
	for i := range 9 {
		files[fmt.Sprintf("r%d.hcl", i)] = big
	}
	files["quiet.hcl"] = "trigger \"acme_order_created\" {}\nfilter \"never\" {\n condition = trigger.amount > 1000\n}\naction \"acme_put\" {\n name = \"x\"\n}\n"
	w := newWorld(t, files)
	w.send(w.order("order.created"))
	d := w.nextDecision()
	// In the order of names: quiet is bit 0, r0..r8 are 1..9.
	if d.Runs != 9 || len(d.Matched) != 2 || d.Matched[0] != 0xfe || d.Matched[1] != 0x03 {
		t.Errorf("decision = %+v", d)
	}
	if n := len(w.vendor.log()); n != 9 {
		t.Errorf("%d calls", n)
	}
}

func TestTwoTriggersOfOneRecipeOneRun(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": "trigger \"acme_order_created\" {}\ntrigger \"acme_order_paid\" {}\naction \"acme_put\" {\n name = event.type\n}\n"})
	w.send(w.order("order.created"))
	w.nextRun()
	w.send(w.order("order.paid"))
	w.nextRun()
	calls := w.vendor.log()
	if len(calls) != 2 || calls[0].name != "order.created" || calls[1].name != "order.paid" {
		t.Errorf("calls = %+v", calls)
	}
}

func TestSettingsChooseEventsAndTestThem(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": "trigger \"acme_order_either\" {\n raised = true\n}\naction \"acme_put\" {\n name = event.type\n}\n"})
	raised := func(ev *runtime.Event, before string) *runtime.Event {
		ev.Payload = []byte(strings.TrimSuffix(string(ev.Payload), "}") + `,"before":` + before + "}")
		return ev
	}
	for _, c := range []struct {
		ev    *runtime.Event
		fires bool
	}{
		{w.order("order.created"), true},
		{w.order("order.created", `status="paid"`), false},
		{w.order("order.paid"), false},
		{raised(w.order("order.paid"), `{"amount":50}`), true},
		{raised(w.order("order.paid", `status="paid"`), `{"amount":150}`), false},
	} {
		w.send(c.ev)
		if d := w.nextDecision(); (d.Runs == 1) != c.fires {
			t.Errorf("%s %s: %d runs", c.ev.Type, c.ev.Payload, d.Runs)
		}
		run, err := w.engine.Once(context.Background(), "r", c.ev)
		if err != nil || (run.Status == runtime.RunCompleted) != c.fires {
			t.Errorf("%s %s, alone: %+v, %v", c.ev.Type, c.ev.Payload, run, err)
		}
		if c.fires {
			w.nextDecision() // of the run alone
		}
	}
}

func TestAFaultFailsItsRunAndNothingElse(t *testing.T) {
	w := newWorld(t, map[string]string{"big.hcl": big, "m.hcl": mail})
	w.vendor.answer = func(context.Context, string, map[string]cty.Value, int) (cty.Value, error) { panic("a bug") }
	ev := w.send(w.order("order.created"))
	w.nextDecision()
	if run := w.storedRun(ev, "big"); run.Status != runtime.RunFailed || run.Error.Kind != connectors.KindUnknown {
		t.Errorf("run = %+v error %v", run, run.Error)
	}
	if run := w.storedRun(ev, "m"); run.Status != runtime.RunFailed || run.Steps[0].Status != runtime.StepUnknown {
		t.Errorf("run = %+v error %v", run, run.Error)
	}
	w.vendor.answer = nil
	ev = w.send(w.order("order.created"))
	w.nextDecision()
	if run := w.storedRun(ev, "big"); run.Status != runtime.RunCompleted {
		t.Errorf("then run = %+v", run)
	}
}
