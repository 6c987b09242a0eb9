package engine

import (
	"context"
	"strings"
	"testing"
)

// told returns what the next alert says.
func (w *world) told() string {
	w.t.Helper()
	ev := receive(w.t, w.alerts, "an alert")
	kept, err := w.store.EventBySeq(context.Background(), ev.Seq)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(kept.Payload)
}

func TestAlertsAreGrouped(t *testing.T) {
	w := newWorld(t, map[string]string{"big.hcl": big})
	w.engine.Alert(AlertReloadRefused, "first", 1)
	if got := w.told(); !strings.Contains(got, `"count":1`) || !strings.Contains(got, `"message":"first"`) {
		t.Errorf("the first: %s", got)
	}
	w.engine.Alert(AlertReloadRefused, "second", 2)
	w.engine.Alert(AlertReloadRefused, "third", 3)
	w.engine.Alert(AlertMissingEvents, "another kind", 1)
	if got := w.told(); !strings.Contains(got, AlertMissingEvents) {
		t.Errorf("another kind: %s", got)
	}
	select {
	case ev := <-w.alerts:
		t.Errorf("told at once: %s", ev.ID)
	default:
	}
	for { // until the loop waits for its time
		if d, ok := w.clock.NextTimer(); ok && d > 0 && w.clock.Timers() >= 2 {
			break
		}
	}
	w.clock.Advance(alertEvery)
	if got := w.told(); !strings.Contains(got, `"count":5`) || !strings.Contains(got, `"message":"third"`) {
		t.Errorf("the rest: %s", got)
	}
}

func TestAlertsOfTheEndAreToldByTheNextProcess(t *testing.T) {
	w := newWorld(t, map[string]string{"big.hcl": big})
	w.engine.Alert(AlertReloadRefused, "first", 1)
	w.told()
	w.engine.Alert(AlertReloadRefused, "last", 1)
	w.stop(context.Background())
	w.boot(map[string]string{"big.hcl": big})
	if got := w.told(); !strings.Contains(got, "last") {
		t.Errorf("told: %s", got)
	}
}

func TestForgedWebhooksInABurst(t *testing.T) {
	w := newWorld(t, map[string]string{"big.hcl": big})
	for range forgedBurst - 1 {
		w.engine.Forged("acme")
	}
	w.clock.Advance(2 * forgedWindow)
	for range forgedBurst {
		w.engine.Forged("acme")
	}
	if got := w.told(); !strings.Contains(got, `"count":10`) || !strings.Contains(got, AlertForged) {
		t.Errorf("told: %s", got)
	}
}
