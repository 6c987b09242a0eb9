package engine

// What a fault of the store, or an unlucky moment, must not do to flow control. The model test has found these.

import (
	"context"
	"errors"
	goruntime "runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// shakyStore fails reads of marks and of undecided events while told to, and once a write that calls a recipe, which
// it has made.
type shakyStore struct {
	runtime.Store
	marks, undecided atomic.Int64 // so many fail
	calls            atomic.Bool
	failed           chan struct{}
}

func shaky(w *world, src map[string]string) *shakyStore {
	w.t.Helper()
	w.stop(context.Background())
	s := &shakyStore{Store: w.store, failed: make(chan struct{}, 100)}
	w.store = s
	w.boot(src)
	return s
}

var errIO = errors.New("input/output error")

func (s *shakyStore) fails(n *atomic.Int64) bool {
	if n.Add(-1) < 0 {
		return false
	}
	s.failed <- struct{}{}
	return true
}

func (s *shakyStore) Mark(ctx context.Context, key string) (*runtime.Mark, error) {
	if s.fails(&s.marks) {
		return nil, errIO
	}
	return s.Store.Mark(ctx, key)
}

func (s *shakyStore) Undecided(ctx context.Context, after int64, limit int) ([]*runtime.Event, error) {
	if s.fails(&s.undecided) {
		return nil, errIO
	}
	return s.Store.Undecided(ctx, after, limit)
}

func (s *shakyStore) Record(ctx context.Context, c *runtime.Change) error {
	err := s.Store.Record(ctx, c)
	if err == nil && len(c.Runs) == 2 && s.calls.CompareAndSwap(true, false) {
		s.failed <- struct{}{}
		return errIO
	}
	return err
}

// tick lets time pass until something has happened.
func (w *world) tick(what string, happened func() bool) {
	w.t.Helper()
	w.becomes(what, storeRetry, happened)
}

// becomes returns when something has happened; time passes in steps, which may be 0.
func (w *world) becomes(what string, step time.Duration, happened func() bool) {
	w.t.Helper()
	for limit := time.Now().Add(patience); !happened(); goruntime.Gosched() {
		if time.Now().After(limit) {
			w.t.Fatalf("waited in vain for %s", what)
		}
		w.clock.Advance(step)
	}
}

func TestAFaultCostsNoPlace(t *testing.T) {
	for name, c := range map[string]struct {
		block  string
		faults int64
		want   string
	}{
		"a short one":                      {"rate_limit {\n limit = 1\n period = \"720h\"\n}", 1, "completed skipped:rate_limit"},
		"a long one, the last is newer":    {"debounce {\n period = \"720h\"\n}", 1 + orderedTries, "skipped:debounce queued:debounce"},
		"a short one, the last is newer":   {"debounce {\n period = \"720h\"\n}", 1, "skipped:debounce queued:debounce"},
		"one that lets the second through": {"rate_limit {\n limit = 1\n period = \"720h\"\n}", 1 + orderedTries, "skipped:rate_limit completed"},
	} {
		t.Run(name, func(t *testing.T) {
			src := flowing(c.block)
			w := newWorld(t, src)
			s := shaky(w, src)
			s.marks.Store(c.faults)
			events := w.burst(1, `"c1"`)
			for n := range c.faults {
				if n > 0 {
					w.tick("another try", func() bool { return len(s.failed) > 0 })
				}
				receive(t, s.failed, "a fault")
			}
			events = append(events, w.send(w.order("order.created", `id="o2"`)))
			if c.faults > orderedTries {
				w.nextDecision()
			}
			w.tick("both decisions", func() bool { return undecided(t, w.store) == 0 })
			if got := w.statuses(events); got != c.want {
				t.Errorf("runs: %s, want %s", got, c.want)
			}
		})
	}
}

func TestARunThatCannotStartKeepsItsPlace(t *testing.T) {
	src := map[string]string{"f.hcl": "recipe {\n concurrency {\n limit = 1\n}\n}\ntrigger \"acme_order_created\" {}\n" +
		"wait \"pay\" {\n event \"acme_order_paid\" {\n match = incoming.trigger.id == trigger.id\n}\n timeout = \"30m\"\n}\n" +
		"action \"acme_put\" {\n name = trigger.id\n}\n"}
	w := newWorld(t, src)
	s := shaky(w, src)
	g := w.gated()
	events := []*runtime.Event{w.send(w.order("order.created", `id="o1"`)), w.send(w.order("order.created", `id="o2"`))}
	w.outcomes(events)
	w.becomes("both waits", 0, func() bool { return w.statuses(events) == "waiting waiting" })
	w.clock.Advance(30 * time.Minute)
	receive(t, g.called, "the first call")
	w.becomes("the second", 0, func() bool { return strings.Contains(w.statuses(events), "queued:concurrency") })
	s.undecided.Store(1)
	g.answer <- struct{}{}
	receive(t, s.failed, "a fault")
	close(g.answer)
	w.tick("the end", func() bool { return w.statuses(events) == "completed completed" })
}

func TestCancelRunningReachesWhatIsBeingPutDown(t *testing.T) {
	src := map[string]string{"f.hcl": "recipe {\n concurrency {\n limit = 1\n on_conflict = \"cancel_running\"\n}\n}\n" +
		"trigger \"acme_order_created\" {}\nwait \"pause\" {\n for = \"1h\"\n}\n"}
	w := newWorld(t, src)
	w.stop(context.Background())
	first := w.order("order.created", `id="o1"`)
	second := w.order("order.created", `id="o2"`)
	done := atomic.Bool{}
	w.crash = func(point string) {
		if point != "before-run-recorded" || !done.CompareAndSwap(false, true) {
			return
		}
		w.send(second)
		id := runtime.RunID(first, "f", "")
		for halted := false; !halted; goruntime.Gosched() {
			w.engine.mu.Lock()
			halted = w.engine.live[id].halt.Load() != nil
			w.engine.mu.Unlock()
		}
	}
	w.boot(src)
	w.send(first)
	events := []*runtime.Event{first, second}
	w.outcomes(events)
	w.becomes("the newer one", 0, func() bool { return w.statuses(events) == "canceled waiting" })
}

func TestACallThatIsRecordedTwice(t *testing.T) {
	src := map[string]string{
		"f.hcl":      "trigger \"acme_order_created\" {}\naction \"recipe_run\" \"call\" {\n recipe = \"callee\"\n inputs = {\n who = trigger.id\n}\n}\n",
		"callee.hcl": "trigger \"recipe_call\" {\n inputs = {\n who = string\n}\n}\noutput {\n who = trigger.who\n}\naction \"acme_put\" {\n name = trigger.who\n}\n",
	}
	w := newWorld(t, src)
	s := shaky(w, src)
	s.calls.Store(true)
	ev := w.send(w.order("order.created"))
	receive(t, s.failed, "a fault")
	signal(w.engine.wakeDue) // as anything does that becomes due
	if run := w.nextRun(); run.Recipe != "callee" || run.Status != runtime.RunCompleted {
		t.Errorf("%s is %v", run.Recipe, run.Status)
	}
	w.tick("the caller", func() bool { return w.storedRun(ev, "f").Status == runtime.RunCompleted })
}

func TestPlacesOverARestartInNoTime(t *testing.T) {
	src := flowing("concurrency {\n limit = 1\n}")
	w := newWorld(t, src)
	w.stop(context.Background())
	kill := w.bootMortal(src)
	g := w.gated()
	events := w.burst(3, `"c1"`)
	receive(t, g.called, "the first call")
	w.becomes("the others", 0, func() bool {
		c, err := w.store.Counts(context.Background())
		return err == nil && c.Runs[runtime.RunQueued] == 2
	})
	kill()
	w.vendor.mu.Lock()
	w.vendor.answer = nil
	w.vendor.mu.Unlock()
	w.vendor.goes(nil)
	late := w.order("order.created", `id="o4"`)
	late.ReceivedAt = events[0].ReceivedAt
	events = append(events, w.accept(late))
	w.boot(src)
	w.settled(events...)
	if got := w.names(); !strings.HasSuffix(got, "o1 o2 o3 o4") {
		t.Errorf("calls: %s", got)
	}
}
