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

const greet = `
trigger "recipe_call" {
  inputs = {
    who = string
  }
}
action "acme_send" "hello" {
  name = trigger.who
}
output {
  text = "said ${coalesce(action.hello.email, "nothing")}"
}
`

// calls is a recipe that calls greet.
func calls(who, rest string) string {
	return onCreated + "action \"recipe_run\" \"greet\" {\n recipe = \"greet\"\n inputs = { who = " + who + " }\n" + rest + "\n}\n"
}

// runOf returns the next run of a recipe that has ended; time passes for it.
func (w *world) runOf(recipe string) *runtime.Run {
	w.t.Helper()
	for {
		if run := w.toEnd(); run.Recipe == recipe && run.Status.Ended() {
			return run
		}
	}
}

func TestCalledRecipe(t *testing.T) {
	for name, tc := range map[string]struct {
		callee, caller string
		calls          string
		status         runtime.RunStatus
		kind           connectors.Kind
	}{
		"its output": {greet, calls(`"jo"`, "") + put("after", `action.greet.text`), "jo said jo", runtime.RunCompleted, ""},
		"a filter that stops it": {strings.Replace(greet, "action", "filter \"no\" {\n condition = trigger.who != \"jo\"\n}\naction", 1),
			calls(`"jo"`, "") + put("after", `action.greet == null ? "null" : action.greet.text`), "null", runtime.RunCompleted, ""},
		"its failure": {greet, calls(`"bad"`, "") + put("after", `action.greet.text`), "bad", runtime.RunFailed, connectors.KindRefused},
		"its failure, and the run goes on": {greet, calls(`"bad"`, `on_error = "continue"`) + put("after", `action.greet == null ? "null" : action.greet.text`),
			"bad null", runtime.RunCompleted, ""},
		"a retry in it":   {greet, calls(`"flaky"`, "") + put("after", `action.greet.text`), "flaky flaky said flaky", runtime.RunCompleted, ""},
		"a wait in it":    {strings.Replace(greet, "action", "wait \"w\" {\n for = \"1h\"\n}\naction", 1), calls(`"jo"`, "") + put("after", `action.greet.text`), "jo said jo", runtime.RunCompleted, ""},
		"one per element": {greet, calls(`each.value`, "for_each = [\"a\", \"b\", \"c\"]\nmax_parallel = 1") + put("after", `join("+", action.greet[*].text)`), "a b c said a+said b+said c", runtime.RunCompleted, ""},
		"its event": {strings.Replace(greet, "name = trigger.who", `name = "${event.type} ${run.recipe}"`, 1), calls(`"jo"`, "") + put("after", `action.greet.text`),
			"order.created greet said order.created greet", runtime.RunCompleted, ""},
		"no output": {strings.Split(greet, "output")[0], calls(`"jo"`, "") + "action \"acme_put\" \"after\" {\n name = \"after\"\n depends_on = [action.greet]\n}\n", "jo after", runtime.RunCompleted, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"greet.hcl": tc.callee, "r.hcl": tc.caller})
			w.vendor.answer = byName
			w.send(w.order("order.created"))
			run := w.runOf("r")
			if got := w.vendor.called(false); run.Status != tc.status || got != tc.calls || tc.kind != "" && run.Error.Kind != tc.kind {
				t.Errorf("%v (%v), calls %q", run.Status, run.Error, got)
			}
		})
	}
}

func TestCallsOfOneRecipeHaveKeysOfTheirOwn(t *testing.T) {
	w := newWorld(t, map[string]string{"greet.hcl": greet, "r.hcl": calls("each.value", "for_each = [\"x\", \"x\"]")})
	w.vendor.answer = byName
	ev := w.send(w.order("order.created"))
	w.runOf("r")
	log := w.vendor.log()
	if len(log) != 2 || log[0].key == log[1].key || log[0].run == log[1].run {
		t.Errorf("calls %+v", log)
	}
	runs, err := w.store.RunsOf(context.Background(), ev.Seq)
	if err != nil || len(runs) != 3 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	for _, run := range runs {
		if run.Recipe == "greet" && (run.Parent != runtime.RunID(ev, "r", "") || run.ParentStep != "action.greet" || run.Status != runtime.RunCompleted || string(run.Output) != `{"text":"said x"}`) {
			t.Errorf("callee %+v", run)
		}
	}
}

func TestACalledRunKeepsItsKeysAfterARestart(t *testing.T) {
	files := map[string]string{"greet.hcl": greet, "r.hcl": calls(`"jo"`, "") + put("after", `action.greet.text`)}
	w := newWorld(t, files)
	inCall := make(chan struct{})
	w.vendor.answer = func(ctx context.Context, _ string, _ map[string]cty.Value, _ int) (cty.Value, error) {
		close(inCall)
		<-ctx.Done()
		return cty.NilVal, ctx.Err()
	}
	w.send(w.order("order.created"))
	receive(t, inCall, "the call")
	w.stop(expired())
	w.vendor.answer = byName
	for len(w.runs) > 0 {
		<-w.runs
	}
	w.boot(files)
	run := w.runOf("r")
	log := w.vendor.log()
	if run.Status != runtime.RunCompleted || len(log) != 3 || log[0].key != log[1].key || log[2].name != "said jo" {
		t.Errorf("%v (%v), calls %+v", run.Status, run.Error, log)
	}
}

func TestACallerWaitsAsARow(t *testing.T) {
	w := newWorld(t, map[string]string{"greet.hcl": strings.Replace(greet, "action", "wait \"w\" {\n for = \"1h\"\n}\naction", 1), "r.hcl": calls(`"jo"`, "")})
	ev := w.send(w.order("order.created"))
	run := w.nextRun()
	if run.Recipe != "r" || run.Status != runtime.RunWaiting || !run.Due.IsZero() || run.Steps[0].Child == "" {
		t.Fatalf("%s %v due %v", run.Recipe, run.Status, run.Due)
	}
	for run = w.nextRun(); run.Recipe != "greet" || run.Status != runtime.RunWaiting; run = w.nextRun() {
	}
	if stored := w.storedRun(ev, "r"); stored.Status != runtime.RunWaiting || !stored.Due.IsZero() {
		t.Errorf("the caller is %v, due %v", stored.Status, stored.Due)
	}
	w.clock.Advance(time.Hour)
	if run = w.runOf("r"); run.Status != runtime.RunCompleted {
		t.Errorf("%v (%v)", run.Status, run.Error)
	}
}

func TestShadowRuns(t *testing.T) {
	shadow := "recipe {\n mode = \"shadow\"\n}\n" + onCreated
	for name, tc := range map[string]struct {
		src   string
		calls string
		steps string
	}{
		"reads are made, the rest is recorded": {shadow + "action \"acme_read\" \"who\" {\n name = \"who\"\n}\n" + put("a", `"a ${action.who.email == null}"`),
			"who", "action.who done, action.a done"},
		"what needs an answer that is not known is skipped": {shadow + put("a", `"a"`) + put("b", `"${action.a.email == null}"`) + put("c", `"${action.b == null}"`) + put("d", `"d"`),
			"", "action.a done, action.b skipped, action.c skipped, action.d done"},
		"and what stands below a gate that needs it": {shadow + put("a", `"a"`) + "filter {\n condition = action.a.email != null\n}\n" + put("b", `"b"`),
			"", "action.a done, action.b skipped"},
		"what only comes after it is not": {shadow + put("a", `"a"`) + strings.Replace(put("b", `"b"`), "{\n", "{\n depends_on = [action.a]\n", 1) +
			put("c", `"${action.b == null}"`) + strings.Replace(put("d", `"d"`), "{\n", "{\n depends_on = [action.c]\n", 1),
			"", "action.a done, action.b done, action.c skipped, action.d done"},
		"waits go on": {shadow + put("a", `"a"`) + "wait \"w\" {\n for = \"1h\"\n}\n" + put("b", `"b ${wait.w.timed_out}"`),
			"", "action.a done, wait.w done, action.b done"},
		"a loop": {shadow + "action \"acme_put\" \"a\" {\n for_each = [\"x\", \"y\"]\n name = each.value\n}\n" + put("b", `"${length(action.a)}"`),
			"", "action.a done, action.a done, action.b skipped"},
		"a switch": {shadow + put("a", `"a"`) + "switch {\n on = action.a.email\n default {\n" + put("b", `"b"`) + "}\n}\n" + put("c", `"c"`),
			"", "action.a done, action.b skipped, action.c done"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"r.hcl": tc.src})
			w.vendor.answer = byName
			run := w.play(w.order("order.created"))
			if got := w.vendor.called(false); run.Status != runtime.RunCompleted || !run.Shadow || got != tc.calls || steps(run) != tc.steps {
				t.Errorf("%v (%v), calls %q, steps %s", run.Status, run.Error, got, steps(run))
			}
			for _, s := range run.Steps {
				if s.Status == runtime.StepSkipped && !s.Shadow {
					t.Errorf("%s is skipped, and not for the shadow", s.Address)
				}
			}
		})
	}
}

func TestACalledRecipeInAShadowRun(t *testing.T) {
	w := newWorld(t, map[string]string{"greet.hcl": greet, "r.hcl": "recipe {\n mode = \"shadow\"\n}\n" + calls(`"jo"`, "") + put("after", `action.greet.text`)})
	w.vendor.answer = byName
	w.send(w.order("order.created"))
	run := w.runOf("r")
	if got := w.vendor.called(false); run.Status != runtime.RunCompleted || got != "" || steps(run) != "action.greet done, action.after skipped" {
		t.Errorf("%v (%v), calls %q, steps %s", run.Status, run.Error, got, steps(run))
	}
}
