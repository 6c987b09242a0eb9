package engine

import (
	"context"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/runtime"
)

// echoing answers each order with a call, but for those that such a call led to.
func echoing() map[string]string {
	return map[string]string{"one.hcl": `trigger "acme_order_created" {}
filter { condition = event.caused_by == null }
action "acme_send" "tell" { name = "x" }
`, "two.hcl": `trigger "acme_order_created" {}
filter { condition = event.caused_by != null && event.caused_by.recipe == "one" }
action "acme_put" "note" { name = event.caused_by.run }
`}
}

// echo accepts an event that tells the key of the call it is the echo of.
func (w *world) echo(id, cause string) *runtime.Event {
	w.t.Helper()
	now := w.clock.Now()
	ev := &runtime.Event{Connection: "acme", Service: "acme", ID: id, Type: "order.created", Time: now, ReceivedAt: now,
		Payload: []byte(`{"object":{"id":"o1","amount":500,"status":"open"},"cause":"` + cause + `"}`)}
	if _, err := w.store.AcceptEvent(w.t.Context(), ev); err != nil {
		w.t.Fatal(err)
	}
	return ev
}

func TestOwnEchoesAreKnown(t *testing.T) {
	w := newWorld(t, echoing())
	w.engine.Accepted(w.echo("evt_1", ""))
	first := <-w.runs
	if first.Recipe != "one" || len(w.vendor.log()) != 1 {
		t.Fatalf("%+v", first)
	}
	key := w.vendor.log()[0].key
	for n, id := range []string{"evt_2", "evt_3"} {
		if n > 0 { // another process knows it too
			if err := w.engine.Drain(context.Background()); err != nil {
				t.Fatal(err)
			}
			w.boot(echoing())
		}
		w.engine.Accepted(w.echo(id, key))
		if run := <-w.runs; run.Recipe != "two" {
			t.Errorf("%s: recipe %s took an echo of its own", id, run.Recipe)
		}
		calls := w.vendor.log()
		if last := calls[len(calls)-1]; last.name != first.ID {
			t.Errorf("%s: caused by run %q, want %q", id, last.name, first.ID)
		}
	}
	w.engine.Accepted(w.echo("evt_4", "somebody-elses"))
	if run := <-w.runs; run.Recipe != "one" {
		t.Errorf("the event of another's call started %s", run.Recipe)
	}
	w.clock.Advance(2 * causeFor)
	if _, err := w.store.Expire(t.Context(), w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	w.engine.Accepted(w.echo("evt_5", key))
	if run := <-w.runs; run.Recipe != "one" {
		t.Errorf("a key that was forgotten started %s", run.Recipe)
	}
}

func TestEchoThatIsFasterThanTheAnswer(t *testing.T) {
	w := newWorld(t, echoing())
	echo := make(chan string, 1)
	w.vendor.answer = func(_ context.Context, action string, _ map[string]cty.Value, _ int) (cty.Value, error) {
		if action == "acme_send" {
			calls := w.vendor.log()
			w.engine.Accepted(w.echo("evt_2", calls[len(calls)-1].key))
			echo <- (<-w.runs).Recipe
		}
		return cty.NilVal, nil
	}
	w.engine.Accepted(w.echo("evt_1", ""))
	if recipe := <-echo; recipe != "two" {
		t.Errorf("the echo started %s", recipe)
	}
	if run := <-w.runs; run.Recipe != "one" {
		t.Errorf("recipe %s ended last", run.Recipe)
	}
}
