package engine

import (
	"context"
	"fmt"
	goruntime "runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// TestNothingIsCountedTwice kills the process at each point at which it decides and records, and lets the next one take
// up the events. What flow control let through must be what it would have let through without the crash.
func TestNothingIsCountedTwice(t *testing.T) {
	for name, c := range map[string]struct {
		block string
		calls int // of six events with one key, all at once
	}{
		"deduplicate": {"deduplicate {\n key = trigger.customer\n for = \"1h\"\n}", 1},
		"rate_limit":  {"rate_limit {\n key = trigger.customer\n limit = 3\n period = \"1h\"\n}", 3},
		"debounce":    {"debounce {\n key = trigger.customer\n period = \"1m\"\n}", 1},
		"throttle":    {"throttle {\n key = trigger.customer\n limit = 2\n period = \"1m\"\n}", 6},
		"all":         {"deduplicate {\n key = trigger.id\n for = \"1h\"\n}\nrate_limit {\n limit = 4\n period = \"1h\"\n}\nconcurrency {\n limit = 1\n}", 4},
	} {
		for _, point := range []string{"before-admission-recorded", "after-admission-recorded", "before-call", "after-call", "before-run-recorded", "after-run-recorded"} {
			for nth := 1; nth <= 6; nth++ {
				t.Run(fmt.Sprintf("%s %s %d", name, point, nth), func(t *testing.T) {
					countAfterCrash(t, flowing(c.block), c.calls, point, nth)
				})
			}
		}
	}
}

func countAfterCrash(t *testing.T, src map[string]string, calls int, point string, nth int) {
	w := newWorld(t, src)
	w.stop(context.Background())
	d := &death{point: point, nth: nth, c: make(chan struct{})}
	store := w.store
	w.store, w.crash = &mortalStore{store, d}, d.at
	w.vendor.goes(d.is)
	w.boot(src)
	var events []*runtime.Event
	for i := range 6 {
		ev := w.order("order.created", fmt.Sprintf(`id="o%d"`, i+1))
		if ok, err := store.AcceptEvent(context.Background(), ev); err != nil || !ok {
			t.Fatal(ok, err)
		}
		events = append(events, ev)
		w.engine.Accepted(ev)
	}
	ended := func() bool {
		for _, ev := range events {
			run, err := store.Run(context.Background(), runtime.RunID(ev, "f", ""))
			if err != nil || !run.Status.Ended() {
				return false
			}
		}
		return true
	}
	takenOver := false
	for limit := time.Now().Add(patience); !ended(); {
		select {
		case <-d.c:
			if !takenOver {
				takenOver = true
				w.stop(expired())
				w.store, w.crash = store, nil
				w.vendor.goes(nil)
				w.boot(src)
			}
		default:
		}
		if due, err := store.NextDue(context.Background()); err == nil && due.After(w.clock.Now()) && undecided(t, store) == 0 {
			w.clock.Advance(due.Sub(w.clock.Now()))
		}
		if time.Now().After(limit) {
			t.Fatalf("it comes to no end: %s", w.statuses(events))
		}
		goruntime.Gosched()
	}
	byKey := map[string]bool{}
	for _, call := range w.vendor.log() {
		byKey[call.key] = true
	}
	if len(byKey) != calls {
		t.Errorf("%d were let through, want %d: %s", len(byKey), calls, w.statuses(events))
	}
}

func undecided(t *testing.T, store runtime.Store) int64 {
	t.Helper()
	c, err := store.Counts(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return c.Undecided
}

// TestOrderUnderLoad sends events of a few keys from many goroutines, faster than they are worked on and with the feed
// overflowing, and looks at the order in which each key's calls were made.
func TestOrderUnderLoad(t *testing.T) {
	src := flowing("concurrency {\n key = trigger.customer\n limit = 1\n}")
	w := newWorld(t, src)
	const senders, each, keys = 16, 40, 5
	var wg sync.WaitGroup
	var mu sync.Mutex
	order := map[string][]string{} // by customer, as accepted
	var n atomic.Int64
	for range senders {
		wg.Go(func() {
			for range each {
				id := n.Add(1)
				customer := fmt.Sprintf("c%d", id%keys)
				mu.Lock()
				ev := w.order("order.created", fmt.Sprintf(`id="%s-%d"`, customer, id), fmt.Sprintf("customer=%q", customer))
				ok, err := w.store.AcceptEvent(context.Background(), ev)
				order[customer] = append(order[customer], fmt.Sprintf("%s-%d", customer, id))
				mu.Unlock()
				if err != nil || !ok {
					t.Errorf("accepting: %v %v", ok, err)
				}
				if id%7 == 0 {
					w.engine.noteDropped(ev.Seq)
				} else {
					w.engine.Accepted(ev)
				}
			}
		})
	}
	wg.Wait()
	for done := 0; done < senders*each; {
		if w.nextRun().Status.Ended() {
			done++
		}
	}
	got := map[string][]string{}
	for _, c := range w.vendor.log() {
		customer, _, _ := strings.Cut(c.name, "-")
		got[customer] = append(got[customer], c.name)
	}
	for customer, want := range order {
		if strings.Join(got[customer], " ") != strings.Join(want, " ") {
			t.Errorf("%s: calls %v, accepted %v", customer, got[customer], want)
		}
	}
}

func TestBulkTakesAQuarterOfTheSlots(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": "trigger \"acme_order_created\" {}\naction \"acme_put\" {\n name = trigger.id\n}\n"})
	var events []*runtime.Event
	for range 12 {
		events = append(events, w.order("order.created"))
		w.play(events[len(events)-1])
	}
	w.stop(context.Background())
	w.slots = 8
	w.boot(map[string]string{"r.hcl": "trigger \"acme_order_created\" {}\naction \"acme_put\" {\n name = trigger.id\n}\n"})
	g := w.gated()
	for _, ev := range events {
		if _, err := w.engine.Replay(context.Background(), ev, ReplayOptions{Bulk: true}); err != nil {
			t.Fatal(err)
		}
	}
	receive(t, g.called, "a bulk call")
	receive(t, g.called, "a bulk call")
	if lanes, queued := w.engine.flow.laneStatus(); lanes != 1 || queued != 10 {
		t.Errorf("%d lanes, %d queued", lanes, queued)
	}
	w.send(w.order("order.created", `id="live"`))
	if name := receive(t, g.called, "the live call"); name != "live" {
		t.Errorf("%s was called", name)
	}
	g.idle(t)
	for range 13 {
		g.answer <- struct{}{}
	}
	for n := 0; n < 13; {
		if w.nextRun().Status == runtime.RunCompleted {
			n++
		}
	}
}

func TestPermitWithoutLimitsIsFree(t *testing.T) {
	p := newPermits(t, nil)
	a := p.engine.cfg.Registry.Caller("acme_put")
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() {
		release, _, _ := p.engine.permit(ctx, p.conn, a, false)
		release(nil)
	}); n > 0 {
		t.Errorf("%v allocations for a permission", n)
	}
}
