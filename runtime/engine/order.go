package engine

import (
	"context"
	"sync"

	"github.com/flowrun/flowrun/runtime"
)

// Flow control promises order: of two events with one key, the one that was accepted first goes first. So where the
// program has recipes with flow control, events are handed to workers in the order of Seq, and each that such a recipe
// listens to takes a ticket; runs are admitted in the order of the tickets, while everything else about the events goes
// on in parallel.

// turnstile lets the holders of tickets pass one after the other. Ticket 0 is no ticket, and passes at any time.
type turnstile struct {
	mu     sync.Mutex
	last   int64 // given out
	turn   int64 // whose turn it is
	gone   map[int64]struct{}
	queued map[int64]chan struct{}
}

func newTurnstile() *turnstile {
	return &turnstile{turn: 1, gone: map[int64]struct{}{}, queued: map[int64]chan struct{}{}}
}

// ticket returns the next ticket. Each must be passed in the end, or nobody behind it ever passes.
func (t *turnstile) ticket() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	return t.last
}

// wait returns when all tickets before this one have passed.
func (t *turnstile) wait(ticket int64) {
	if ticket == 0 {
		return
	}
	t.mu.Lock()
	if ticket <= t.turn {
		t.mu.Unlock()
		return
	}
	c := make(chan struct{})
	t.queued[ticket] = c
	t.mu.Unlock()
	<-c
}

// pass lets the next one go. Passing twice is harmless.
func (t *turnstile) pass(ticket int64) {
	if ticket == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if ticket < t.turn {
		return
	}
	t.gone[ticket] = struct{}{}
	for {
		if _, ok := t.gone[t.turn]; !ok {
			break
		}
		delete(t.gone, t.turn)
		t.turn++
	}
	if c := t.queued[t.turn]; c != nil {
		delete(t.queued, t.turn)
		close(c)
	}
}

// feedOrder is the dispatcher's view of which events it has begun.
type feedOrder struct {
	on     bool
	from   int64 // since when it is on: events before may have been begun in any order
	expect int64 // all undecided events from `from` up to it have been begun
}

// inOrder begins an event after all that were accepted before it. Events come from the feed nearly in the order of Seq;
// where one is missing, those that are undecided are read from the store: it knows them all. It returns false when
// draining.
func (e *Engine) inOrder(o *feedOrder, ev *runtime.Event, scanned int64) bool {
	if ev.Seq < o.expect {
		if ev.Seq >= o.from {
			return true // begun when a gap was filled
		}
		return e.begin(ev, ev.Seq <= scanned)
	}
	for ev.Seq > o.expect {
		page, err := e.cfg.Store.Undecided(context.Background(), o.expect-1, scanPage)
		if err != nil {
			e.log.Error("reading undecided events", "error", err)
			e.noteDropped(o.expect)
			e.pause()
			return true
		}
		for _, missing := range page {
			if !e.begin(missing, true) { // it may be one that the last process was working on
				return false
			}
			o.expect = missing.Seq + 1
		}
		if len(page) < scanPage {
			o.expect = max(o.expect, ev.Seq)
		}
	}
	if ev.Seq < o.expect {
		return true // it was on the page
	}
	o.expect = ev.Seq + 1
	return e.begin(ev, ev.Seq <= scanned)
}

// ticketFor returns a ticket for an event that a recipe with flow control listens to, and 0 for others.
func (e *Engine) ticketFor(ev *runtime.Event) int64 {
	g := e.current.Load()
	if !g.ordered {
		return 0
	}
	if rt := g.route(ev.Connection, ev.Type); rt == nil || !rt.flow {
		return 0
	}
	return e.turns.ticket()
}
