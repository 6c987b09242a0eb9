package engine

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/runtime"
)

// loopOver is a step that is done for each element of an expression, then a step that shows what it answered.
func loopOver(forEach, rest string) string {
	return onCreated + "action \"acme_put\" \"each\" {\n for_each = " + forEach + "\n name = \"${each.key}=${each.value}\"\n" + rest + "\n}\n" +
		put("after", `jsonencode([for k, v in action.each : "${k}:${v == null ? "null" : coalesce(v.email, "none")}"])`)
}

func TestForEach(t *testing.T) {
	for name, tc := range map[string]struct {
		src    string
		fields []string
		calls  string // those of the elements sorted, then the last
		status runtime.RunStatus
	}{
		"a list":      {loopOver(`trigger.items`, ""), []string{`items=["a","b"]`}, `0=a 1=b ["0:0=a","1:1=b"]`, runtime.RunCompleted},
		"a map":       {loopOver(`trigger.tags`, ""), []string{`tags={"y":"2","x":"1"}`}, `x=1 y=2 ["x:x=1","y:y=2"]`, runtime.RunCompleted},
		"an object":   {loopOver(`{ b = "2", a = "1" }`, ""), nil, `a=1 b=2 ["a:a=1","b:b=2"]`, runtime.RunCompleted},
		"a tuple":     {loopOver(`["a", "b"]`, ""), nil, `0=a 1=b ["0:0=a","1:1=b"]`, runtime.RunCompleted},
		"a set":       {loopOver(`toset(["b", "a", "b"])`, ""), nil, `0=a 1=b ["0:0=a","1:1=b"]`, runtime.RunCompleted},
		"no elements": {loopOver(`trigger.items`, ""), []string{`items=[]`}, `[]`, runtime.RunCompleted},
		"an empty map": {onCreated + "action \"acme_put\" \"each\" {\n for_each = trigger.tags\n name = each.key\n}\n" +
			put("after", `"${length(action.each)}"`), []string{`tags={}`}, `0`, runtime.RunCompleted},
		"when is per item": {loopOver(`["a", "b"]`, ` when = each.value != "a"`), nil, `1=b ["0:null","1:1=b"]`, runtime.RunCompleted},
		"all are skipped":  {loopOver(`["a", "b"]`, ` when = trigger.amount > 1000`), nil, `["0:null","1:null"]`, runtime.RunCompleted},
		"one at a time":    {loopOver(`["a", "b", "c"]`, ` max_parallel = 1`), nil, `0=a 1=b 2=c ["0:0=a","1:1=b","2:2=c"]`, runtime.RunCompleted},
		"a failure is null where the run goes on": {strings.Replace(loopOver(`["a", "bad", "c"]`, ` on_error = "continue"`), `"${each.key}=${each.value}"`, `"${each.value}"`, 1), nil,
			`a bad c ["0:a","1:null","2:c"]`, runtime.RunCompleted},
		"a list that the payload has not": {loopOver(`trigger.items`, ""), nil, "", runtime.RunFailed},
		"in a case": {onCreated + "switch {\n on = trigger.status\n case \"open\" {\naction \"acme_put\" \"each\" {\n for_each = [\"a\"]\n name = each.value\n}\n}\n default {}\n}\n" +
			put("after", `"${action.each == null ? "none" : length(action.each)}"`), nil, "a 1", runtime.RunCompleted},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"r.hcl": tc.src})
			w.vendor.answer = byName
			run := w.play(w.order("order.created", tc.fields...))
			if got := w.vendor.called(true); run.Status != tc.status || got != sorted(tc.calls) {
				t.Errorf("%v (%v), calls %q", run.Status, run.Error, got)
			}
		})
	}
}

func sorted(words string) string {
	v := &vendor{}
	for _, w := range strings.Fields(words) {
		v.calls = append(v.calls, vendorCall{name: w})
	}
	return v.called(true)
}

func TestAFailingElementLetsOthersFinishAndStartsNothing(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": loopOver(`["a", "b", "c", "d"]`, " max_parallel = 2")})
	slow := make(chan struct{})
	w.vendor.answer = func(ctx context.Context, _ string, in map[string]cty.Value, _ int) (cty.Value, error) {
		if in["name"].AsString() == "0=a" {
			<-slow
			return cty.NilVal, refused()
		}
		close(slow)
		w.untilCounted(ctx, `kind="refused"`) // the engine knows of the failure
		return cty.NilVal, nil
	}
	run := w.play(w.order("order.created"))
	if got := w.vendor.called(true); run.Status != runtime.RunFailed || run.Error.Step != "action.each" || got != "0=a 1=b" {
		t.Errorf("%v (%v), calls %q", run.Status, run.Error, got)
	}
	if len(run.Steps) != 2 || run.Steps[0].Status != runtime.StepFailed || run.Steps[1].Status != runtime.StepDone {
		t.Errorf("steps %+v", run.Steps)
	}
}

func TestElementsRetryByThemselvesAndKeepTheirKeys(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": strings.Replace(loopOver(`["a", "flaky", "c"]`, ""), `"${each.key}=${each.value}"`, "each.value", 1)})
	w.vendor.answer = byName
	ev := w.order("order.created")
	run := w.play(ev)
	if got := w.vendor.called(true); run.Status != runtime.RunCompleted || got != sorted(`a flaky flaky c ["0:a","1:flaky","2:c"]`) {
		t.Fatalf("%v (%v), calls %q", run.Status, run.Error, got)
	}
	keys := map[string]bool{}
	for _, c := range w.vendor.log() {
		keys[c.key] = true
	}
	if len(keys) != 4 || !keys[runtime.StepKey("r", "acme", ev.ID, "action.each", "1", 0)] {
		t.Errorf("keys %v", keys)
	}
	s := run.Steps[1]
	if !s.Loop || s.Item != 1 || s.Each != "1" || len(s.Attempts) != 2 || s.Address != "action.each" {
		t.Errorf("step %+v", s)
	}
}

func TestElementsAreBounded(t *testing.T) {
	items := func(n int) string { return "items=[" + strings.TrimSuffix(strings.Repeat(`"x",`, n), ",") + "]" }
	src := onCreated + "action \"acme_put\" \"each\" {\n for_each = trigger.items\n name = each.value\n}\n"
	w := newWorld(t, map[string]string{"r.hcl": src})
	var now, most atomic.Int64
	w.vendor.answer = func(context.Context, string, map[string]cty.Value, int) (cty.Value, error) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		now.Add(-1)
		return cty.NilVal, nil
	}
	run := w.play(w.order("order.created", items(2000)))
	if run.Status != runtime.RunCompleted || len(run.Steps) != 2000 || most.Load() > maxAbreast {
		t.Errorf("%v (%v), %d steps, %d at a time", run.Status, run.Error, len(run.Steps), most.Load())
	}
	run = w.play(w.order("order.created", items(maxElements+1)))
	if run.Status != runtime.RunFailed || run.Error.Kind != connectors.KindInvalid || len(run.Steps) != 0 {
		t.Errorf("beyond the bound: %v (%v)", run.Status, run.Error)
	}
}

func TestMaxParallelHolds(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": loopOver(`["a", "b", "c", "d", "e"]`, " max_parallel = 2")})
	arrived, release := make(chan string, 5), make(chan struct{})
	w.vendor.answer = func(_ context.Context, _ string, in map[string]cty.Value, _ int) (cty.Value, error) {
		arrived <- in["name"].AsString()
		<-release
		return cty.NilVal, nil
	}
	w.send(w.order("order.created"))
	for i := range 2 {
		receive(t, arrived, fmt.Sprintf("call %d", i))
	}
	for range 3 {
		release <- struct{}{}
		receive(t, arrived, "the next call") // one comes for one that goes
		if n := len(arrived); n != 0 {
			t.Errorf("%d more", n)
		}
	}
	close(release)
	receive(t, arrived, "the step below")
	if run := w.nextRun(); run.Status != runtime.RunCompleted {
		t.Errorf("run = %v (%v)", run.Status, run.Error)
	}
}

func TestElementsAreRestoredAfterACrash(t *testing.T) {
	for _, action := range []string{"acme_put", "acme_mail"} {
		t.Run(action, func(t *testing.T) {
			src := strings.Replace(loopOver(`["a", "b", "c"]`, " max_parallel = 1"), "acme_put", action, 1)
			w := newWorld(t, map[string]string{"r.hcl": src})
			inCall := make(chan struct{})
			w.vendor.answer = func(ctx context.Context, _ string, in map[string]cty.Value, _ int) (cty.Value, error) {
				if in["name"].AsString() != "1=b" {
					return byName(ctx, "", in, 1)
				}
				close(inCall)
				<-ctx.Done()
				return cty.NilVal, ctx.Err()
			}
			w.send(w.order("order.created"))
			receive(t, inCall, "the second element")
			w.stop(expired())
			w.nextRun()
			w.vendor.answer = byName
			w.boot(map[string]string{"r.hcl": src})
			run := w.nextRun()
			got := w.vendor.called(false)
			if action == "acme_put" {
				if run.Status != runtime.RunCompleted || got != `0=a 1=b 1=b 2=c ["0:0=a","1:1=b","2:2=c"]` {
					t.Errorf("%v (%v), calls %q", run.Status, run.Error, got)
				}
			} else if run.Status != runtime.RunFailed || run.Error.Kind != connectors.KindUnknown || got != "0=a 1=b" {
				t.Errorf("%v (%v), calls %q", run.Status, run.Error, got)
			}
		})
	}
}

func TestAnUnknownOutcomeOfAnElementCanBeNull(t *testing.T) {
	src := strings.Replace(loopOver(`["a", "lost", "c"]`, ` on_error = "continue"`), "acme_put", "acme_mail", 1)
	w := newWorld(t, map[string]string{"r.hcl": strings.Replace(src, `"${each.key}=${each.value}"`, "each.value", 1)})
	w.vendor.answer = byName
	run := w.play(w.order("order.created"))
	if got := w.vendor.called(true); run.Status != runtime.RunCompleted || got != sorted(`a lost c ["0:a","1:null","2:c"]`) {
		t.Errorf("%v (%v), calls %q", run.Status, run.Error, got)
	}
	if s := run.Steps[1]; s.Status != runtime.StepUnknown || s.Error == nil {
		t.Errorf("step %+v", s)
	}
}

func TestADrainPutsALoopDownBetweenElements(t *testing.T) {
	src := loopOver(`["a", "b", "c"]`, " max_parallel = 1")
	w := newWorld(t, map[string]string{"r.hcl": src})
	inCall, answer := make(chan struct{}), make(chan struct{})
	w.vendor.answer = func(ctx context.Context, a string, in map[string]cty.Value, n int) (cty.Value, error) {
		if in["name"].AsString() == "1=b" {
			close(inCall)
			<-answer
		}
		return byName(ctx, a, in, n)
	}
	w.send(w.order("order.created"))
	receive(t, inCall, "the second element")
	drained := make(chan error, 1)
	e := w.engine
	go func() { drained <- e.Drain(context.Background()) }()
	<-e.stopFeed
	close(answer)
	if err := receive(t, drained, "the drain"); err != nil {
		t.Error(err)
	}
	if run := w.nextRun(); run.Status != runtime.RunWaiting || steps(run) != "action.each done, action.each done" {
		t.Fatalf("put down as %v: %s", run.Status, steps(run))
	}
	w.vendor.answer = byName
	w.boot(map[string]string{"r.hcl": src})
	if run := w.nextRun(); run.Status != runtime.RunCompleted || w.vendor.called(false) != `0=a 1=b 2=c ["0:0=a","1:1=b","2:2=c"]` {
		t.Errorf("%v (%v), calls %q", run.Status, run.Error, w.vendor.called(false))
	}
}

func TestSecretsInALoopAreNotShown(t *testing.T) {
	src := "variable \"keys\" {\n type = map(string)\n default = { alpha = \"s3cret\" }\n sensitive = true\n}\n" + onCreated +
		"action \"acme_put\" \"each\" {\n for_each = var.keys\n name = \"x\"\n when = each.value != \"\"\n}\n"
	w := newWorld(t, map[string]string{"r.hcl": src})
	w.vendor.answer = byName
	run := w.play(w.order("order.created"))
	if run.Status != runtime.RunCompleted || len(run.Steps) != 1 || run.Steps[0].Each != "0" {
		t.Errorf("%v (%v), %+v", run.Status, run.Error, run.Steps)
	}
}
