package engine

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/runtime"
)

const tellOps = `
on_error {
  action "acme_send" "alert" {
    name = "${error.step} ${error.kind} ${error.status == null ? "-" : error.status} ${error.attempts} ${error.message}"
  }
}
`

func TestOnError(t *testing.T) {
	for name, tc := range map[string]struct {
		src    string
		fields []string
		calls  string
		steps  string // addresses and statuses
	}{
		"a step is refused": {onCreated + put("a", `"bad"`) + tellOps, nil,
			"bad; action.a refused 400 1 no", "action.a failed, on_error.action.alert done"},
		"a step has been tried to the end": {onCreated + "action \"acme_put\" \"a\" {\n name = \"lost\"\n retry {\n attempts = 3\n }\n}\n" + tellOps, nil,
			"lost; lost; lost; action.a timeout - 3 no answer", "action.a failed, on_error.action.alert done"},
		"an outcome is unknown": {onCreated + "action \"acme_mail\" \"a\" {\n name = \"lost\"\n}\n" + tellOps, nil,
			"lost; action.a unknown - 1 the call was made and its outcome is not known (no answer); it is not repeated, since the vendor could act twice",
			"action.a unknown, on_error.action.alert done"},
		"a run that does not fail": {onCreated + put("a", `"fine"`) + tellOps, nil, "fine", "action.a done"},
		"a gate can't be evaluated": {onCreated + put("a", `"fine"`) + "filter {\n condition = trigger.amount > 1 && action.a.email != null\n}\n" + put("b", `"b"`) + strings.ReplaceAll(tellOps, " ${error.message}", ""), []string{`amount="x"`},
			"fine; filter.1 drift - 0", "action.a done, on_error.action.alert done"},
		"what a step answered is in reach, and null where it did not come to it": {onCreated + put("a", `"fine"`) + put("b", `"bad${coalesce(action.a.email, "-")}"`) + put("c", `"never ${action.b == null}"`) + `
on_error {
` + put("alert", `"${action.a == null ? "null" : coalesce(action.a.email, "-")} ${action.b == null} ${action.c == null} ${trigger.amount}"`) + `
}
`, nil, "fine; badfine; fine true true 100", "action.a done, action.b failed, on_error.action.alert done"},
		"a switch, a loop and a filter in it": {onCreated + put("a", `"bad"`) + `
on_error {
  switch {
    on = error.kind
    case "refused" {
      action "acme_put" "tell" {
        for_each     = ["x", "y"]
        max_parallel = 1
        name         = "${each.value} ${error.kind}"
      }
    }
    default {
      action "acme_put" "other" {
        name = "other"
      }
    }
  }
  filter {
    condition = error.status == 404
  }
  action "acme_put" "never" {
    name = "never"
  }
}
`, nil, "bad; x refused; y refused", "action.a failed, on_error.action.tell done, on_error.action.tell done"},
		"a failure in it": {onCreated + put("a", `"bad"`) + "on_error {\n" + put("alert", `"bad too"`) + put("second", `"after ${action.alert == null}"`) + "}\n", nil,
			"bad; bad too", "action.a failed, on_error.action.alert failed"},
		"a retry in it": {onCreated + put("a", `"bad"`) + "on_error {\n" + put("alert", `"flaky"`) + "}\n", nil,
			"bad; flaky; flaky", "action.a failed, on_error.action.alert done"},
		"a wait in it": {onCreated + put("a", `"bad"`) + "on_error {\nwait \"calm\" {\n for = \"1h\"\n}\n" + put("alert", `"${error.kind} ${wait.calm.timed_out}"`) + "}\n", nil,
			"bad; refused false", "action.a failed, on_error.wait.calm done, on_error.action.alert done"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"r.hcl": tc.src})
			w.vendor.answer = byName
			run := w.play(w.order("order.created", tc.fields...))
			want := runtime.RunFailed
			if !strings.Contains(tc.calls, ";") {
				want = runtime.RunCompleted
			}
			got := strings.Join(names(w.vendor), "; ")
			if run.Status != want || got != tc.calls || steps(run) != tc.steps {
				t.Errorf("%v (%v)\ncalls %s\nsteps %s", run.Status, run.Error, got, steps(run))
			}
			if want == runtime.RunFailed && strings.HasPrefix(run.Error.Step, "on_error") {
				t.Errorf("the run's error is that of on_error: %v", run.Error)
			}
		})
	}
}

func names(v *vendor) (out []string) {
	for _, c := range v.log() {
		out = append(out, c.name)
	}
	return out
}

func steps(run *runtime.Run) string {
	var out []string
	for _, s := range run.Steps {
		out = append(out, s.Address+" "+s.Status.String())
	}
	return strings.Join(out, ", ")
}

func TestOnErrorOfTheProjectServesRecipesThatHaveNone(t *testing.T) {
	w := newWorld(t, map[string]string{
		"flowrun.hcl": "on_error {\naction \"acme_send\" \"ops\" {\n name = \"${run.recipe} ${event.type} ${error.step}\"\n}\n}\n",
		"one.hcl":     onCreated + put("a", `"bad"`),
		"two.hcl":     onCreated + put("b", `"bad"`) + "on_error {\n" + put("own", `"own"`) + "}\n",
	})
	w.vendor.answer = byName
	w.send(w.order("order.created"))
	w.nextDecision()
	if got := w.vendor.called(true); got != "bad bad one order.created action.a own" {
		t.Errorf("calls %q", got)
	}
}

func TestOnErrorKeysChangeWithEachRetryOfTheRun(t *testing.T) {
	run := &runtime.Run{Recipe: "r", Connection: "acme", EventID: "e"}
	step := &runtime.Step{Address: "on_error.action.alert"}
	first := stepKey(run, "", step)
	run.Retries = 1
	if stepKey(run, "", step) == first {
		t.Error("the alert of a run that failed again has the key of the first")
	}
	own := &runtime.Step{Address: "action.a"}
	if stepKey(run, "", own) != runtime.StepKey("r", "acme", "e", "action.a", "", 0) {
		t.Error("the key of a step changed with a retry of the run")
	}
}

func TestAPayloadThatCannotBeReadStillFiresOnError(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": onCreated + put("a", `"${trigger.amount}"`) + "on_error {\n" + put("alert", `"${error.kind} ${event.type}"`) + "}\n"})
	w.vendor.answer = byName
	ev := w.order("order.created")
	ev.Payload = []byte(`{"object":7}`)
	run := w.play(ev)
	if got := w.vendor.called(false); run.Status != runtime.RunFailed || got != "drift order.created" {
		t.Errorf("%v (%v), calls %q", run.Status, run.Error, got)
	}
}

func TestSiblingsThatWaitForARetryEndWithTheRun(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": onCreated + put("a", `"flaky"`) + put("b", `"bad late"`) + tellOps})
	first := make(chan struct{})
	w.vendor.answer = func(ctx context.Context, _ string, in map[string]cty.Value, n int) (cty.Value, error) {
		switch in["name"].AsString() {
		case "flaky":
			close(first)
		case "bad late":
			<-first
			w.untilCounted(ctx, `kind="server"`)
		}
		return byName(ctx, "", in, n)
	}
	run := w.play(w.order("order.created"))
	if run.Status != runtime.RunFailed || steps(run) != "action.a failed, action.b failed, on_error.action.alert done" {
		t.Errorf("%v: %s", run.Status, steps(run))
	}
	if e := run.Steps[0].Error; e == nil || e.Kind != connectors.KindServer {
		t.Errorf("the sibling's error: %v", e)
	}
}

func TestOnErrorGoesOnAfterAShutdown(t *testing.T) {
	files := map[string]string{"r.hcl": onCreated + put("a", `"bad"`) + tellOps}
	w := newWorld(t, files)
	inCall := make(chan struct{})
	w.vendor.answer = func(ctx context.Context, action string, in map[string]cty.Value, n int) (cty.Value, error) {
		if action == "acme_send" {
			close(inCall)
			<-ctx.Done()
			return cty.NilVal, ctx.Err()
		}
		return byName(ctx, action, in, n)
	}
	w.send(w.order("order.created"))
	receive(t, inCall, "the alert")
	w.stop(expired())
	if run := w.nextRun(); run.Status != runtime.RunWaiting || run.Error == nil {
		t.Fatalf("put down as %v (%v)", run.Status, run.Error)
	}
	w.vendor.answer = byName
	w.boot(files)
	run := w.nextRun()
	if got := strings.Join(names(w.vendor), "; "); run.Status != runtime.RunFailed || got != "bad; action.a refused 400 1 no; action.a refused 400 1 no" {
		t.Errorf("%v (%v), calls %s", run.Status, run.Error, got)
	}
}

func TestAFailureDuringAShutdownFiresOnErrorAfterTheNextStart(t *testing.T) {
	files := map[string]string{"r.hcl": onCreated + put("a", `"bad"`) + tellOps}
	w := newWorld(t, files)
	inCall, answer := make(chan struct{}), make(chan struct{})
	w.vendor.answer = func(ctx context.Context, action string, in map[string]cty.Value, n int) (cty.Value, error) {
		close(inCall)
		<-answer
		return byName(ctx, action, in, n)
	}
	w.send(w.order("order.created"))
	receive(t, inCall, "the call")
	drained := make(chan error, 1)
	e := w.engine
	go func() { drained <- w.stop(context.Background()) }()
	<-e.stopFeed
	close(answer)
	receive(t, drained, "the drain")
	if run := w.nextRun(); run.Status != runtime.RunWaiting || run.Error == nil {
		t.Fatalf("put down as %v (%v)", run.Status, run.Error)
	}
	w.vendor.answer = byName
	w.boot(files)
	if run := w.nextRun(); run.Status != runtime.RunFailed || steps(run) != "action.a failed, on_error.action.alert done" {
		t.Errorf("%v: %s", run.Status, steps(run))
	}
}

func TestAStepThatGivesUpLetsTheRunGoOn(t *testing.T) {
	src := onCreated + "action \"acme_put\" \"a\" {\n name = \"bad\"\n on_error = \"continue\"\n}\n" +
		put("b", `action.a == null ? "gave up" : "fine"`) + put("c", `"flaky"`)
	w := newWorld(t, map[string]string{"r.hcl": src})
	w.vendor.answer = byName
	run := w.play(w.order("order.created"))
	if run.Status != runtime.RunCompleted || run.Error != nil || steps(run) != "action.a failed, action.b done, action.c done" {
		t.Errorf("%v (%v): %s", run.Status, run.Error, steps(run))
	}
	if got := w.vendor.called(true); got != "bad flaky flaky gave up" {
		t.Errorf("calls %q", got)
	}
}

// retried takes a failed run up again, as a person does.
func (w *world) retried(ev *runtime.Event, recipe string) {
	w.t.Helper()
	run := w.storedRun(ev, recipe)
	now := w.clock.Now()
	run.Waited += now.Sub(run.EndedAt)
	run.Status, run.Due, run.EndedAt, run.Error, run.Retries = runtime.RunWaiting, now, time.Time{}, nil, run.Retries+1
	for _, s := range run.Steps {
		if s.Status == runtime.StepFailed {
			s.Status, s.Due, s.EndedAt, s.StartedAt = runtime.StepWaiting, now, time.Time{}, now
		}
	}
	if err := w.store.Record(context.Background(), &runtime.Change{Runs: []*runtime.Run{run}}); err != nil {
		w.t.Fatal(err)
	}
	signal(w.engine.wakeDue)
}

func TestARunThatIsRetriedAndFailsAgainFiresOnErrorAgain(t *testing.T) {
	src := "recipe {\n timeout = \"1h\"\n}\n" + onCreated + "action \"acme_put\" \"a\" {\n name = \"lost\"\n retry {\n attempts = 2\n }\n}\n" +
		strings.Replace(tellOps, "  action", "wait \"calm\" {\n for = \"1m\"\n}\naction", 1)
	w := newWorld(t, map[string]string{"r.hcl": src})
	w.vendor.answer = byName
	ev := w.order("order.created")
	if run := w.play(ev); run.Status != runtime.RunFailed {
		t.Fatalf("%v (%v)", run.Status, run.Error)
	}
	w.clock.Advance(3 * 24 * time.Hour)
	w.retried(ev, "r")
	run := w.toEnd()
	if run.Status != runtime.RunFailed || steps(run) != "action.a failed, on_error.wait.calm done, on_error.action.alert done" || len(run.Steps[0].Attempts) != 4 {
		t.Errorf("%v (%v): %s", run.Status, run.Error, steps(run))
	}
	var alerts []string
	for _, c := range w.vendor.log() {
		if c.action == "acme_send" {
			alerts = append(alerts, c.key)
		}
	}
	if len(alerts) != 2 || alerts[0] == alerts[1] {
		t.Errorf("alerts %v", alerts)
	}
	w.clock.Advance(time.Hour)
	w.vendor.answer = nil
	w.retried(ev, "r")
	if run = w.toEnd(); run.Status != runtime.RunCompleted || run.Error != nil {
		t.Errorf("%v (%v): %s", run.Status, run.Error, steps(run))
	}
}
