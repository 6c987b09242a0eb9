package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// twoWatchers are two recipes that listen to the same events.
func twoWatchers() map[string]string {
	recipe := func(name string) string {
		return `trigger "acme_order_created" {}
filter { condition = trigger.amount > 100 }
action "acme_send" "tell" { name = "` + name + `" }
`
	}
	return map[string]string{"one.hcl": recipe("one"), "two.hcl": recipe("two")}
}

// pastOrder is an event that no webhook brought.
func pastOrder(id string, amount string) *runtime.Event {
	return &runtime.Event{Connection: "acme", Service: "acme", ID: id, Type: "order.created", Time: time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC),
		ReceivedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Payload: []byte(`{"object":{"id":"o1","amount":` + amount + `,"status":"open"}}`)}
}

func TestBackfillRunsOneRecipe(t *testing.T) {
	w := newWorld(t, twoWatchers())
	for amount, want := range map[string]bool{"500": true, "5": false} {
		if takes, err := w.engine.Takes("one", pastOrder("evt_x", amount)); err != nil || takes != want {
			t.Errorf("takes an amount of %s: %v, %v", amount, takes, err)
		}
	}
	runs, err := w.engine.Backfill(t.Context(), "one", pastOrder("evt_past", "500"))
	if err != nil || len(runs) != 1 || !runs[0].Bulk {
		t.Fatalf("%+v, %v", runs, err)
	}
	if run := <-w.runs; run.Recipe != "one" || run.Status != runtime.RunCompleted {
		t.Errorf("run %+v", run)
	}
	w.engine.noteDropped(1) // as after an event that the feed had no room for
	live := pastOrder("evt_live", "500")
	if _, err := w.store.AcceptEvent(t.Context(), live); err != nil {
		t.Fatal(err)
	}
	w.engine.Accepted(live)
	for range 2 {
		if run := <-w.runs; run.EventID != "evt_live" {
			t.Errorf("recipe %s ran for %s", run.Recipe, run.EventID)
		}
	}
	if _, err := w.engine.Backfill(t.Context(), "one", pastOrder("evt_small", "5")); !errors.Is(err, ErrRefused) {
		t.Errorf("%v, want what the filter stops refused", err)
	}
}

func TestPastEventStaysPastAfterACrash(t *testing.T) {
	w := newWorld(t, twoWatchers())
	ev := pastOrder("evt_past", "500")
	// The process ends after the event is stored and before it is decided.
	if err := w.store.SetState(t.Context(), backfilling, &runtime.StateValue{Value: []byte(pastName(ev)), At: w.clock.Now()}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.AcceptEvent(t.Context(), ev); err != nil {
		t.Fatal(err)
	}
	if err := w.engine.Drain(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.boot(twoWatchers())
	if _, err := w.engine.Backfill(t.Context(), "two", ev); err != nil {
		t.Fatal(err)
	}
	if run := <-w.runs; run.Recipe != "two" {
		t.Errorf("recipe %s ran for an event of the past", run.Recipe)
	}
	if err := w.engine.Drain(context.Background()); err != nil {
		t.Fatal(err)
	}
	runs, err := w.store.RunsOf(t.Context(), ev.Seq)
	if err != nil || len(runs) != 1 {
		t.Errorf("%d runs, %v; want the one that was asked for", len(runs), err)
	}
}
