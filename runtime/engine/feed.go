package engine

import (
	"context"
	"errors"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// feedPatience is how long Accepted holds a sender back while the engine is behind. The event is durable already: a
// short wait paces senders that would otherwise outrun the engine, and costs nobody their time-out.
const feedPatience = 100 * time.Millisecond

// Accepted tells the engine of an event that has just been committed. While the engine is behind it waits a moment,
// then leaves the event to be read back from the store.
func (e *Engine) Accepted(ev *runtime.Event) {
	select {
	case e.feed <- ev:
		return
	default:
	}
	wake, stop := e.clock.After(feedPatience)
	defer stop()
	select {
	case e.feed <- ev:
	case <-wake:
		e.noteDropped(ev.Seq)
	case <-e.stopFeed:
	}
}

// noteDropped asks for a scan of the store from seq on.
func (e *Engine) noteDropped(seq int64) {
	seq = max(seq, 1) // 0 is for none, and no event has it
	for {
		old := e.dropped.Load()
		if old != 0 && old <= seq || e.dropped.CompareAndSwap(old, seq) {
			break
		}
	}
	e.behind.Store(true)
	signal(e.wakeScan)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// dispatch hands events to workers until Drain.
func (e *Engine) dispatch() {
	var scanned int64 // the highest Seq that a scan has read: an event from the feed up to it may be decided already
	var order feedOrder
	frozen := true
	for {
		if ordered := e.current.Load().ordered; ordered != order.on {
			order = feedOrder{on: ordered, from: order.expect, expect: order.expect}
		}
		if e.behind.Load() {
			last, whole := e.scan(&order)
			scanned = max(scanned, last)
			if whole && frozen {
				frozen = false
				e.thawAfter(e.turns.ticket())
			}
		}
		select {
		case <-e.stopFeed:
			return
		case <-e.wakeScan:
		case ev := <-e.feed:
			var begun bool
			if order.on {
				begun = e.inOrder(&order, ev, scanned)
			} else {
				begun = e.begin(ev, ev.Seq <= scanned)
				order.expect = max(order.expect, ev.Seq+1)
			}
			if !begun {
				return
			}
			e.cfg.Metrics.QueueDepth(len(e.feed))
		}
	}
}

// scan reads events without a decision back from the store and returns the highest Seq it met, and whether it met all.
func (e *Engine) scan(order *feedOrder) (last int64, whole bool) {
	e.behind.Store(false)
	from := e.dropped.Swap(0)
	if from == 0 {
		return 0, true
	}
	if order.on {
		from = min(from, order.expect) // those in the feed come first
	}
	for after := from - 1; ; {
		page, err := e.cfg.Store.Undecided(context.Background(), after, scanPage)
		if err != nil {
			e.log.Error("reading undecided events", "error", err)
			e.pause()
			e.noteDropped(after + 1)
			return last, false
		}
		for _, ev := range page {
			after, last = ev.Seq, ev.Seq
			if !e.begin(ev, true) {
				return last, false
			}
			order.expect = max(order.expect, ev.Seq+1)
		}
		if len(page) < scanPage {
			return last, true
		}
	}
}

// pause waits until the store is worth another try, or until Drain.
func (e *Engine) pause() {
	wake, stop := e.clock.After(storeRetry)
	defer stop()
	select {
	case <-wake:
	case <-e.stopFeed:
	}
}

// begin works on an event in a goroutine of its own, once there is a slot. It returns false when draining.
func (e *Engine) begin(ev *runtime.Event, maybeDecided bool) bool {
	e.mu.Lock()
	_, busy := e.working[ev.Seq]
	if !busy {
		e.working[ev.Seq] = struct{}{}
	}
	e.mu.Unlock()
	if busy {
		return true
	}
	if !e.acquire() {
		e.unwork(ev.Seq)
		return false
	}
	e.spawn(job{event: ev, maybeDecided: maybeDecided, ticket: e.ticketFor(ev)})
	return true
}

// job is what a worker does: take up an event, or resume a run.
type job struct {
	event        *runtime.Event
	maybeDecided bool
	run          string
	running      bool   // the run is one that the last process was working on
	ordered      bool   // it takes a ticket as soon as it has a slot; a ticket without one could hold up those with
	ticket       int64  // its place in the order of admissions; 0 for none
	admitted     func() // called once flow control has decided on the run; may be nil
}

// maxIdle is how many workers are kept for the next job. Evaluating an expression needs a deep stack; a new goroutine
// would grow its own for each event.
const maxIdle = 64

// spawn gives a job, whose slot is taken, to an idle worker or a new one.
func (e *Engine) spawn(j job) {
	e.work.Add(1)
	select {
	case e.jobs <- j:
	default:
		go e.worker(j)
	}
}

func (e *Engine) worker(j job) {
	for {
		e.do(j)
		if e.idle.Add(1) > maxIdle {
			e.idle.Add(-1)
			return
		}
		select {
		case j = <-e.jobs:
			e.idle.Add(-1)
		case <-e.calls.Done():
			e.idle.Add(-1)
			return
		}
	}
}

// orderedTries is how often an event that others must not overtake is tried again at once: a fault that passes costs
// nobody its place.
const orderedTries = 3

func (e *Engine) do(j job) {
	defer e.work.Done()
	defer e.release()
	if j.event == nil {
		e.doResume(j)
		return
	}
	err := e.guarded(func() error { return e.handle(j.event, j.maybeDecided, j.ticket) })
	for range orderedTries {
		if err == nil || j.ticket == 0 || e.draining.Load() {
			break
		}
		e.log.Error("an event could not be worked on; those behind it wait for it", "event", j.event.ID, "error", err)
		e.pause()
		err = e.guarded(func() error { return e.handle(j.event, true, j.ticket) })
	}
	e.turns.pass(j.ticket) // the others wait no longer
	failed := err != nil && !errors.Is(err, errDraining)
	if failed {
		e.log.Error("an event could not be worked on; it is taken up again", "event", j.event.ID, "error", err)
		e.pause()
	}
	e.unwork(j.event.Seq)
	if failed {
		e.noteDropped(j.event.Seq) // not earlier: the scan passes over events that are worked on
	}
}

func (e *Engine) unwork(seq int64) {
	e.mu.Lock()
	delete(e.working, seq)
	e.mu.Unlock()
}

func (e *Engine) acquire() bool {
	select {
	case e.slots <- struct{}{}:
		return true
	default:
	}
	select {
	case e.slots <- struct{}{}:
		return true
	case <-e.stopFeed:
		return false
	}
}

func (e *Engine) release() { <-e.slots }
