package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/runtime"
)

// mortalStore refuses everything once its process is dead, so that nothing a dead process does later counts.
type mortalStore struct {
	runtime.Store
	death *death
}

func (s *mortalStore) Record(ctx context.Context, c *runtime.Change) error {
	if s.death.is() {
		return runtime.ErrClosed
	}
	return s.Store.Record(ctx, c)
}

// death is the end of a process at the nth time that it comes to a point.
type death struct {
	mu    sync.Mutex
	point string
	nth   int
	dead  bool
	c     chan struct{}
}

func (d *death) at(point string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if point != d.point || d.dead {
		return
	}
	if d.nth--; d.nth == 0 {
		d.dead = true
		close(d.c)
	}
}

func (d *death) is() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dead
}

// everything is a recipe with one of each: a loop, a switch, a called recipe, a wait that an event ends, a call that
// must not be repeated, a failure, and an on_error that waits.
var everything = map[string]string{
	"greet.hcl": greet,
	"r.hcl": onCreated + `
action "acme_put" "each" {
  for_each     = ["a", "b", "c"]
  max_parallel = 2
  name         = "each ${each.value}"
}
action "acme_mail" "mail" {
  name       = "mail ${length(action.each)}"
  depends_on = [action.each]
}
switch {
  on = trigger.status
  case "open" {
    action "recipe_run" "greet" {
      recipe     = "greet"
      inputs     = { who = "greet" }
      depends_on = [action.mail]
    }
  }
  default {
    action "acme_put" "never" {
      name = "never"
    }
  }
}
wait "paid" {
  event "acme_order_paid" {
    match = incoming.trigger.id == trigger.id
  }
  timeout = "7d"
}
filter {
  condition = !wait.paid.timed_out
}
action "acme_put" "fails" {
  name = "bad ${wait.paid.trigger == null ? 0 : wait.paid.trigger.amount}"
}
on_error {
  wait "calm" {
    for = "1h"
  }
  action "acme_send" "alert" {
    name = "alert ${error.step} ${error.kind}"
  }
}
`,
}

// TestACrashAnywhere kills the process at each point, each time it comes there, and lets others take over. The run must
// end as it would have ended, with each effect once but for those that may be repeated with their key, and none of
// those that must not be.
func TestACrashAnywhere(t *testing.T) {
	for _, point := range []string{"before-run-recorded", "after-run-recorded", "after-wait-recorded", "after-intent", "before-call", "after-call", "before-resume"} {
		for nth := 1; ; nth++ {
			reached := true
			t.Run(fmt.Sprintf("%s %d", point, nth), func(t *testing.T) { reached = crashAt(t, point, nth) })
			if !reached || t.Failed() || nth == 30 {
				break
			}
		}
	}
}

func crashAt(t *testing.T, point string, nth int) (reached bool) {
	w := newWorld(t, everything)
	w.stop(expired())
	d := &death{point: point, nth: nth, c: make(chan struct{})}
	store := w.store
	w.store, w.crash = &mortalStore{store, d}, d.at
	w.vendor.answer, w.vendor.gone = byName, d.is
	w.boot(everything)
	takeOver := func() {
		w.stop(expired())
		w.store, w.crash, w.vendor.gone = store, nil, nil
		w.boot(everything)
	}
	created := w.send(w.order("order.created"))
	paid := false
	died := d.c
	for ended := false; !ended; {
		select {
		case <-died:
			died = nil
			takeOver()
		case run := <-w.runs: // what it says is in the store, whoever wrote it
			switch {
			case run.Recipe == "r" && run.Status.Ended():
				ended = true
			case run.Recipe == "r" && !paid && strings.Contains(steps(run), "wait.paid waiting"):
				paid = true
				w.send(w.order("order.paid", "amount=7"))
			case run.Recipe == "r" && !strings.Contains(steps(run), "calm waiting"):
			case !run.Due.IsZero():
				w.clock.Advance(max(0, run.Due.Sub(w.clock.Now())))
			}
		case <-time.After(patience):
			t.Fatalf("it comes to no end: %s", steps(w.storedRun(created, "r")))
		}
	}
	if d.is() {
		if died != nil {
			takeOver()
		}
		w.stop(context.Background())
	}
	checkEverything(t, w, created, d.is())
	return d.is()
}

func checkEverything(t *testing.T, w *world, created *runtime.Event, died bool) {
	t.Helper()
	run := w.storedRun(created, "r")
	want := []string{"alert action.fails refused", "bad 7", "each a", "each b", "each c", "greet", "mail 3"}
	lost := run.Status == runtime.RunFailed && run.Error != nil && run.Error.Kind == connectors.KindUnknown
	if lost && died { // the intent was there, and no answer
		want = []string{"alert action.mail unknown", "each a", "each b", "each c", "mail 3"}
	} else if run.Status != runtime.RunFailed || run.Error.Step != "action.fails" {
		t.Errorf("%v (%v): %s", run.Status, run.Error, steps(run))
	}
	keys := map[string]string{}
	mails := 0
	for _, c := range w.vendor.log() {
		if c.action == "acme_mail" {
			mails++
		}
		if old := keys[c.name]; old != "" && old != c.key {
			t.Errorf("%s was called with two keys", c.name)
		}
		keys[c.name] = c.key
	}
	if lost && mails == 0 {
		keys["mail 3"] = "never left"
	}
	got := slices.Sorted(maps.Keys(keys))
	if !slices.Equal(got, want) || mails > 1 {
		t.Errorf("effects %q, want %q; %d mails; %v (%v): %s", got, want, mails, run.Status, run.Error, steps(run))
	}
	for _, s := range run.Steps {
		if s.Status == runtime.StepWaiting || s.Status == runtime.StepIntent {
			t.Errorf("%s is left %v", s.Address, s.Status)
		}
	}
	if _, err := w.store.Decision(context.Background(), created.Seq); err != nil {
		t.Errorf("the decision: %v", err)
	}
}
