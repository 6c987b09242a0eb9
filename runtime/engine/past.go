package engine

import (
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

// PastEvent is an event with what was made of it when it came: the journal from which a trial takes answers.
type PastEvent struct {
	Event *runtime.Event
	Runs  []*runtime.Run // with their steps
}

// began is when the event was first run, or else when it was accepted.
func (p *PastEvent) began() time.Time {
	at := p.Event.ReceivedAt
	for i, r := range p.Runs {
		if i == 0 || r.StartedAt.Before(at) {
			at = r.StartedAt
		}
	}
	return at
}

// Past is events in the order in which they were accepted. It is safe for concurrent use.
type Past struct {
	events []PastEvent
	end    time.Time // when the last was accepted

	mu    sync.Mutex
	kinds map[routeKey][]*runtime.Event
	byKey map[runtime.Await]map[string][]*runtime.Event // by a wait's look without its key
}

// NewPast returns the past of those events, in the order of their Seq. They must not change any more.
func NewPast(events []PastEvent) *Past {
	events = slices.Clone(events)
	slices.SortFunc(events, func(a, b PastEvent) int { return int(a.Event.Seq - b.Event.Seq) })
	p := &Past{events: events, kinds: map[routeKey][]*runtime.Event{}, byKey: map[runtime.Await]map[string][]*runtime.Event{}}
	for _, e := range events {
		ev := e.Event
		if ev.ReceivedAt.After(p.end) {
			p.end = ev.ReceivedAt
		}
		for _, typ := range []string{ev.Type, "*"} {
			key := routeKey{ev.Connection, typ}
			p.kinds[key] = append(p.kinds[key], ev)
		}
	}
	return p
}

// Has reports whether there is an event of that type, or of any for "*", that came through the connection.
func (p *Past) Has(connection, eventType string) bool {
	return len(p.kinds[routeKey{connection, eventType}]) > 0
}

// Len is how many events there are.
func (p *Past) Len() int { return len(p.events) }

// At returns the event of that number.
func (p *Past) At(i int) *PastEvent { return &p.events[i] }

// awaited returns the events after seq that a wait may look for, in their order.
func (p *Past) awaited(e *Engine, looks []runtime.Await, seq int64) []*runtime.Event {
	var out []*runtime.Event
	for _, a := range looks {
		list := p.lookedFor(e, a)
		from := sort.Search(len(list), func(i int) bool { return list[i].Seq > seq })
		out = append(out, list[from:]...)
	}
	if len(looks) > 1 {
		slices.SortFunc(out, func(a, b *runtime.Event) int { return int(a.Seq - b.Seq) })
	}
	return out
}

func (p *Past) lookedFor(e *Engine, a runtime.Await) []*runtime.Event {
	kind := p.kinds[routeKey{a.Connection, a.EventType}]
	if a.Path == "" {
		return kind
	}
	key := a.Key
	a.Key = ""
	p.mu.Lock()
	defer p.mu.Unlock()
	index := p.byKey[a]
	if index == nil {
		index = map[string][]*runtime.Event{}
		path := strings.Split(a.Path, ".")
		for _, ev := range kind {
			object, _ := e.payload(ev)
			if k, ok := runtime.AwaitKeyOf(schema.Lookup(object, path...)); ok {
				index[k] = append(index[k], ev)
			}
		}
		p.byKey[a] = index
	}
	return index[key]
}
