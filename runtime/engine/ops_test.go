package engine

import (
	"context"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/runtime"
)

const twoPuts = "trigger \"acme_order_created\" {}\naction \"acme_send\" \"first\" {\n name = \"first\"\n}\n" +
	"action \"acme_send\" \"second\" {\n name = \"second\"\n depends_on = [action.first]\n}\n"

// answering makes the vendor fail for a name, as long as the test says.
func (w *world) answering(name string, fail *error) {
	w.vendor.answer = func(_ context.Context, _ string, in map[string]cty.Value, _ int) (cty.Value, error) {
		if in["name"].AsString() == name && *fail != nil {
			return cty.NilVal, *fail
		}
		return cty.NilVal, nil
	}
}

func refusedByVendor() error {
	return &connectors.Error{Kind: connectors.KindRefused, Status: 400, Message: "no"}
}

func (w *world) keysOf(name string) []string {
	var keys []string
	for _, c := range w.vendor.log() {
		if c.name == name {
			keys = append(keys, c.key)
		}
	}
	return keys
}

func wantRefused(t *testing.T, what string, err error) {
	t.Helper()
	if !isRefused(err) || err.Error() == "" {
		t.Errorf("%s: %v, want a refusal", what, err)
	}
}

func TestRetryGoesOnWhereItFailed(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": twoPuts})
	fail := refusedByVendor()
	w.answering("second", &fail)
	run := w.play(w.order("order.created"))
	if run.Status != runtime.RunFailed {
		t.Fatalf("run: %+v", run)
	}
	fail = nil
	if err := w.engine.Retry(context.Background(), run.ID, RetryOptions{}); err != nil {
		t.Fatal(err)
	}
	run = w.toEnd()
	first, second := w.keysOf("first"), w.keysOf("second")
	if run.Status != runtime.RunCompleted || run.Retries != 1 || len(first) != 1 || len(second) != 2 {
		t.Errorf("%v after %d retries, calls %s", run.Status, run.Retries, w.names())
	}
	if second[0] == second[1] {
		t.Error("a vendor that refused is asked with the old key")
	}
	wantRefused(t, "a run that completed", w.engine.Retry(context.Background(), run.ID, RetryOptions{}))
}

func TestRetryKeepsTheKeyOfWhatMayHaveBeenDone(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": "trigger \"acme_order_created\" {}\naction \"acme_send\" {\n name = \"first\"\n retry {\n attempts = 1\n }\n}\n"})
	fail := transient()
	w.answering("first", &fail)
	run := w.play(w.order("order.created"))
	fail = nil
	if err := w.engine.Retry(context.Background(), run.ID, RetryOptions{}); err != nil {
		t.Fatal(err)
	}
	run = w.toEnd()
	if keys := w.keysOf("first"); run.Status != runtime.RunCompleted || len(keys) != 2 || keys[0] != keys[1] {
		t.Errorf("%v, keys %q", run.Status, keys)
	}
	fail = transient()
	run = w.play(w.order("order.created"))
	fail = nil
	w.clock.Advance(keyLifetime + time.Second)
	wantRefused(t, "a key that the vendor has forgotten", w.engine.Retry(context.Background(), run.ID, RetryOptions{}))
	if err := w.engine.Retry(context.Background(), run.ID, RetryOptions{Again: true}); err != nil {
		t.Error(err)
	}
	if run = w.toEnd(); run.Status != runtime.RunCompleted {
		t.Errorf("again: %v", run.Status)
	}
}

func TestRetryFromTheStart(t *testing.T) {
	for name, c := range map[string]struct {
		action string
		again  bool
		keys   int // different ones of the first step
	}{
		"known by its key":                {"acme_send", false, 1},
		"not protected":                   {"acme_mail", false, 0},
		"not protected, and asked for":    {"acme_mail", true, 2},
		"known by its key, and asked for": {"acme_send", true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"r.hcl": "trigger \"acme_order_created\" {}\naction \"" + c.action + "\" \"first\" {\n name = \"first\"\n}\n" +
				"action \"acme_send\" \"second\" {\n name = \"second\"\n depends_on = [action.first]\n}\n"})
			fail := refusedByVendor()
			w.answering("second", &fail)
			run := w.play(w.order("order.created"))
			fail = nil
			err := w.engine.Retry(context.Background(), run.ID, RetryOptions{FromStart: true, Again: c.again})
			if c.keys == 0 {
				wantRefused(t, "a second mail", err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			run = w.toEnd()
			keys := map[string]bool{}
			for _, k := range w.keysOf("first") {
				keys[k] = true
			}
			second := w.keysOf("second")
			if run.Status != runtime.RunCompleted || len(w.keysOf("first")) != 2 || len(keys) != c.keys || len(second) != 2 || second[0] == second[1] {
				t.Errorf("%v (%v), first %q, second %q", run.Status, run.Error, w.keysOf("first"), second)
			}
		})
	}
}

func TestRetryWithTheCurrentProgram(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": twoPuts})
	fail := refusedByVendor()
	w.answering("second", &fail)
	run := w.play(w.order("order.created"))
	w.swap(map[string]string{"r.hcl": "trigger \"acme_order_created\" {}\naction \"acme_put\" \"zeroth\" {\n name = \"zeroth\"\n}\n"})
	wantRefused(t, "steps that are gone", w.engine.Retry(context.Background(), run.ID, RetryOptions{Current: true}))
	w.swap(map[string]string{"r.hcl": "trigger \"acme_order_created\" {}\naction \"acme_send\" \"first\" {\n name = \"first\"\n}\n" +
		"action \"acme_send\" \"second\" {\n name = \"mended\"\n depends_on = [action.first]\n}\n"})
	if err := w.engine.Retry(context.Background(), run.ID, RetryOptions{Current: true}); err != nil {
		t.Fatal(err)
	}
	if run = w.toEnd(); run.Status != runtime.RunCompleted || w.names() != "first second mended" {
		t.Errorf("%v, calls %s", run.Status, w.names())
	}
}

func TestResolve(t *testing.T) {
	for name, c := range map[string]struct {
		sent  bool
		calls int
	}{"sent": {true, 1}, "resend": {false, 2}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"r.hcl": "trigger \"acme_order_created\" {}\naction \"acme_mail\" \"mail\" {\n name = \"mail\"\n}\n" +
				"action \"acme_put\" \"after\" {\n name = \"after\"\n depends_on = [action.mail]\n}\n"})
			fail := transient()
			w.answering("mail", &fail)
			run := w.play(w.order("order.created"))
			if run.Status != runtime.RunFailed || run.Steps[0].Status != runtime.StepUnknown {
				t.Fatalf("run: %v, step %v", run.Status, run.Steps[0].Status)
			}
			receive(t, w.alerts, "the alert")
			fail = nil
			ctx := context.Background()
			wantRefused(t, "retry of what is unknown", w.engine.Retry(ctx, run.ID, RetryOptions{}))
			wantRefused(t, "a step that is not there", w.engine.Resolve(ctx, run.ID, "action.no", true))
			if err := w.engine.Resolve(ctx, run.ID, "", c.sent); err != nil {
				t.Fatal(err)
			}
			run = w.toEnd()
			keys := w.keysOf("mail")
			if run.Status != runtime.RunCompleted || len(keys) != c.calls || keys[0] != keys[len(keys)-1] || len(w.keysOf("after")) != 1 {
				t.Errorf("%v, calls %s, keys %q", run.Status, w.names(), keys)
			}
			wantRefused(t, "nothing is unknown", w.engine.Resolve(ctx, run.ID, "", true))
		})
	}
}

func TestReplay(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": "trigger \"acme_order_created\" {}\naction \"acme_send\" \"first\" {\n name = run.started_at\n}\n"})
	ctx := context.Background()
	ev := w.order("order.created")
	first := w.play(ev)
	w.clock.Advance(time.Hour)
	runs, err := w.engine.Replay(ctx, ev, ReplayOptions{})
	if err != nil || len(runs) != 1 || runs[0].ID == first.ID || runs[0].ReplayOf != first.ID {
		t.Fatalf("replay: %+v, %v", runs, err)
	}
	if run := w.toEnd(); run.Status != runtime.RunCompleted || run.ID != runs[0].ID {
		t.Errorf("run: %+v", run)
	}
	calls := w.vendor.log()
	if len(calls) != 2 || calls[0].key != calls[1].key || calls[0].name != calls[1].name {
		t.Errorf("calls: %+v", calls)
	}
	if runs, err = w.engine.Replay(ctx, ev, ReplayOptions{Dry: true, Bulk: true}); err != nil || !runs[0].Shadow {
		t.Fatalf("dry: %+v, %v", runs, err)
	}
	if run := w.toEnd(); run.Status != runtime.RunCompleted || len(w.vendor.log()) != 2 || len(run.Steps) != 1 || !run.Steps[0].Shadow {
		t.Errorf("dry: %v, %d calls", run.Status, len(w.vendor.log()))
	}
	w.clock.Advance(keyLifetime)
	_, err = w.engine.Replay(ctx, ev, ReplayOptions{})
	wantRefused(t, "a key that the vendor has forgotten", err)
	if _, err = w.engine.Replay(ctx, ev, ReplayOptions{Again: true}); err != nil {
		t.Fatal(err)
	}
	w.toEnd()
	if calls = w.vendor.log(); len(calls) != 3 || calls[2].key == calls[0].key {
		t.Errorf("again: %+v", calls)
	}
	_, err = w.engine.Replay(ctx, ev, ReplayOptions{Recipe: "no"})
	wantRefused(t, "no such recipe", err)
	_, err = w.engine.Replay(ctx, w.accept(w.order("order.paid")), ReplayOptions{})
	wantRefused(t, "nobody listens", err)
}

func TestReplayMustBeAskedToMailAgain(t *testing.T) {
	w := newWorld(t, map[string]string{"m.hcl": mail})
	ev := w.order("order.created")
	w.play(ev)
	_, err := w.engine.Replay(context.Background(), ev, ReplayOptions{})
	wantRefused(t, "a second mail", err)
	if _, err = w.engine.Replay(context.Background(), ev, ReplayOptions{Again: true}); err != nil {
		t.Fatal(err)
	}
	if run := w.toEnd(); run.Status != runtime.RunCompleted || len(w.vendor.log()) != 2 {
		t.Errorf("%v, %d calls", run.Status, len(w.vendor.log()))
	}
}

func TestCancel(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": "trigger \"acme_order_created\" {}\nwait \"a\" {\n for = \"1h\"\n}\naction \"acme_put\" \"after\" {\n name = \"after\"\n}\n"})
	ctx := context.Background()
	w.send(w.order("order.created"))
	run := w.nextRun()
	if err := w.engine.Cancel(ctx, run.ID, "jo"); err != nil {
		t.Fatal(err)
	}
	run = w.nextRun()
	if run.Status != runtime.RunCanceled || run.Error.Kind != connectors.KindCanceled {
		t.Errorf("run: %+v", run)
	}
	wantRefused(t, "canceled twice", w.engine.Cancel(ctx, run.ID, "jo"))
	if err := w.engine.Retry(ctx, run.ID, RetryOptions{}); err != nil {
		t.Fatal(err)
	}
	if run = w.toEnd(); run.Status != runtime.RunCompleted || len(w.vendor.log()) != 1 {
		t.Errorf("taken up again: %v (%v)", run.Status, run.Error)
	}
}

func TestCancelWaitsForCallsUnderWay(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": twoPuts})
	g := w.gated()
	ev := w.send(w.order("order.created"))
	receive(t, g.called, "the call")
	canceled := make(chan error, 1)
	go func() { canceled <- w.engine.Cancel(context.Background(), runtime.RunID(ev, "r", ""), "jo") }()
	for halted := false; !halted; {
		w.engine.mu.Lock()
		r := w.engine.live[runtime.RunID(ev, "r", "")]
		halted = r != nil && r.halt.Load() != nil
		w.engine.mu.Unlock()
	}
	g.answer <- struct{}{}
	if err := receive(t, canceled, "the end of cancel"); err != nil {
		t.Error(err)
	}
	run := w.storedRun(ev, "r")
	if run.Status != runtime.RunCanceled || len(run.Steps) != 1 || run.Steps[0].Status != runtime.StepDone {
		t.Errorf("run: %v, steps %s", run.Status, steps(run))
	}
}

func TestMove(t *testing.T) {
	old := "trigger \"acme_order_created\" {}\nwait \"a\" {\n for = \"1h\"\n}\naction \"acme_put\" \"after\" {\n name = \"old\"\n}\n"
	w := newWorld(t, map[string]string{"r.hcl": old})
	ctx := context.Background()
	w.send(w.order("order.created"))
	run := w.nextRun()
	wantRefused(t, "it is there already", w.engine.Move(ctx, run.ID))
	w.swap(map[string]string{"r.hcl": "trigger \"acme_order_created\" {}\naction \"acme_put\" \"after\" {\n name = \"new\"\n}\n"})
	wantRefused(t, "the wait is gone", w.engine.Move(ctx, run.ID))
	w.swap(map[string]string{"r.hcl": "trigger \"acme_order_created\" {}\nwait \"a\" {\n for = \"1h\"\n}\naction \"acme_put\" \"after\" {\n name = \"new\"\n}\n"})
	if err := w.engine.Move(ctx, run.ID); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Hour)
	if run = w.nextRun(); run.Status != runtime.RunCompleted || w.names() != "new" {
		t.Errorf("%v, calls %s", run.Status, w.names())
	}
}

func TestRetryGoesOnInACalledRecipe(t *testing.T) {
	callee := "trigger \"recipe_call\" {\n inputs = {\n  who = string\n }\n}\naction \"acme_send\" \"first\" {\n name = \"first\"\n}\n" +
		"action \"acme_send\" \"second\" {\n name = trigger.who\n depends_on = [action.first]\n}\n"
	for name, c := range map[string]struct {
		o     RetryOptions
		first int // calls of the step that was done
	}{"from where it failed": {RetryOptions{}, 1}, "from the start": {RetryOptions{FromStart: true}, 2}, "as one of many": {RetryOptions{Bulk: true}, 1}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"greet.hcl": callee, "r.hcl": calls(`"jo"`, "")})
			fail := refusedByVendor()
			w.answering("jo", &fail)
			w.send(w.order("order.created"))
			run := w.runOf("r")
			if run.Status != runtime.RunFailed {
				t.Fatalf("run: %v (%v)", run.Status, run.Error)
			}
			fail = nil
			wantRefused(t, "the called run by itself", w.engine.Retry(context.Background(), run.Steps[0].Child, c.o))
			if err := w.engine.Retry(context.Background(), run.ID, c.o); err != nil {
				t.Fatal(err)
			}
			run = w.runOf("r")
			first, jo := w.keysOf("first"), w.keysOf("jo")
			if run.Status != runtime.RunCompleted || len(first) != c.first || first[0] != first[len(first)-1] || len(jo) != 2 || jo[0] == jo[1] {
				t.Errorf("%v (%v), first %q, jo %q", run.Status, run.Error, first, jo)
			}
		})
	}
}
