package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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

func (s *mortalStore) Spend(ctx context.Context, sp *runtime.Spending) (int, int64, error) {
	if s.death.is() {
		return 0, 0, runtime.ErrClosed
	}
	return s.Store.Spend(ctx, sp)
}

func (s *mortalStore) Pause(ctx context.Context, p *runtime.Pause) error {
	if s.death.is() {
		return runtime.ErrClosed
	}
	return s.Store.Pause(ctx, p)
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

// spares ends what could still kill the process, and reports whether it is dead.
func (d *death) spares() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.point = ""
	return d.dead
}

func (d *death) is() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dead
}

// scenario is a recipe r that an order begins, and what comes of it.
type scenario struct {
	files  map[string]string
	status runtime.RunStatus
	calls  string // the names of the calls made, sorted, however often; separated by semicolons
	lost   string // the same, where the process died with an intent that has no answer
}

// oneOfEach is a loop, a switch, a called recipe, a wait that an event ends, a call that must not be repeated, a
// failure, and an on_error that waits.
var oneOfEach = scenario{map[string]string{
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
`}, runtime.RunFailed, "alert action.fails refused; bad 7; each a; each b; each c; greet; mail 3",
	"alert action.mail unknown; each a; each b; each c; mail 3"}

// loopsOfCalls is a loop of called recipes that wait and retry, and one of calls that must not be repeated and may fail.
var loopsOfCalls = scenario{map[string]string{
	"greet.hcl": strings.Replace(greet, "action", "wait \"w\" {\n for = \"1m\"\n}\naction", 1),
	"r.hcl": onCreated + `
action "recipe_run" "greet" {
  for_each     = ["x", "flaky y", "z"]
  max_parallel = 2
  recipe       = "greet"
  inputs       = { who = each.value }
}
action "acme_mail" "mail" {
  for_each   = ["lost a", "b"]
  on_error   = "continue"
  name       = each.value
  depends_on = [action.greet]
}
action "acme_send" "after" {
  name       = join(", ", action.greet[*].text)
  depends_on = [action.mail]
}
`}, runtime.RunCompleted, "b; flaky y; lost a; said x, said flaky y, said z; x; z", "b; flaky y; lost a; said x, said flaky y, said z; x; z"}

// TestACrashAnywhere kills the process at each point, each time it comes there, and lets others take over. The run must
// end as it would have ended, with each effect once but for those that may be repeated with their key, and none of
// those that must not be.
func TestACrashAnywhere(t *testing.T) {
	for name, sc := range map[string]scenario{"one of each": oneOfEach, "loops of calls": loopsOfCalls} {
		for _, point := range []string{"before-run-recorded", "after-run-recorded", "after-wait-recorded", "after-intent", "before-call", "after-call", "before-resume"} {
			for nth := 1; ; nth++ {
				reached := true
				t.Run(fmt.Sprintf("%s/%s %d", name, point, nth), func(t *testing.T) { reached = sc.crashAt(t, point, nth) })
				if !reached || t.Failed() || nth == 30 {
					break
				}
			}
		}
	}
}

func (sc *scenario) crashAt(t *testing.T, point string, nth int) (reached bool) {
	w := newWorld(t, sc.files)
	w.stop(expired())
	d := &death{point: point, nth: nth, c: make(chan struct{})}
	store := w.store
	w.store, w.crash = &mortalStore{store, d}, d.at
	w.vendor.answer = byName
	w.vendor.goes(d.is)
	w.boot(sc.files)
	takeOver := func() {
		w.stop(expired())
		w.store, w.crash = store, nil
		w.vendor.goes(nil)
		w.boot(sc.files)
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
			case strings.Contains(steps(run), "wait.paid waiting"):
				if !paid {
					paid = true
					w.send(w.order("order.paid", "amount=7"))
				}
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
		for limit := time.Now().Add(patience); time.Now().Before(limit); goruntime.Gosched() {
			if _, err := w.store.Decision(context.Background(), created.Seq); err == nil {
				break
			}
		}
		w.stop(context.Background())
	}
	sc.check(t, w, created, d.is())
	return d.is()
}

func (sc *scenario) check(t *testing.T, w *world, created *runtime.Event, died bool) {
	t.Helper()
	run := w.storedRun(created, "r")
	want, lost := sc.calls, false
	for _, s := range run.Steps {
		if s.Status == runtime.StepWaiting || s.Status == runtime.StepIntent {
			t.Errorf("%s is left %v", s.Address, s.Status)
		}
		lost = lost || s.Status == runtime.StepUnknown
	}
	if lost && died { // the intent was there, and no answer
		want = sc.lost
	}
	keys, mails := map[string]string{}, map[string]int{}
	for _, c := range w.vendor.log() {
		if old := keys[c.name]; old != "" && old != c.key {
			t.Errorf("%s was called with two keys", c.name)
		}
		keys[c.name] = c.key
		if c.action == "acme_mail" {
			if mails[c.name]++; mails[c.name] > 1 {
				t.Errorf("%s was called twice, which it must not be", c.name)
			}
		}
	}
	for _, s := range run.Steps { // an intent whose call never left
		var in struct{ Name string }
		if s.Status == runtime.StepUnknown && json.Unmarshal(s.Input, &in) == nil && died {
			keys[in.Name] = s.Key
		}
	}
	if got := strings.Join(slices.Sorted(maps.Keys(keys)), "; "); got != want || run.Status != sc.status {
		t.Errorf("%v (%v)\ncalls %q\nwant  %q\nsteps %s", run.Status, run.Error, got, want, steps(run))
	}
	if _, err := w.store.Decision(context.Background(), created.Seq); err != nil {
		t.Errorf("the decision: %v", err)
	}
}
