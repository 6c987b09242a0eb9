package engine

// Events are found by what recipes read of them, and by whom they concern. That is worked out here, behind the events'
// backs: in batches, when the engine has nothing better to do, and never on the path of an event. What has not had its
// turn is looked into by whoever asks, with the same Fields.

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

const (
	indexBatch = 512                    // events indexed at a time
	indexRead  = 64                     // events in memory at a time
	indexRest  = 20 * time.Millisecond  // between batches while there are more
	indexYield = 500 * time.Millisecond // the same while the engine is busy: a thousand a second keep up with most loads
	indexBusy  = 8                      // events and runs worked on, from which on the engine is busy
	indexIdle  = 5 * time.Second        // between looks
	expireRest = time.Minute            // between times that the store forgets what has expired

	maxFields     = 32  // of one event
	maxFieldValue = 256 // bytes of text; what is longer is prose
	roleDepth     = 2   // how deep in a payload roles are looked for
)

// indexLoop makes events findable, and lets the store forget what has expired, until Drain.
func (e *Engine) indexLoop() {
	var expired time.Time
	for rest := time.Duration(0); ; {
		wake, stop := e.clock.After(rest)
		select {
		case <-wake:
		case <-e.stopFeed:
			stop()
			return
		}
		if now := e.clock.Now(); now.Sub(expired) >= expireRest {
			expired = now
			if _, err := e.cfg.Store.Expire(e.calls, now); err != nil {
				e.indexFailed("forgetting what has expired", err)
			}
		}
		more, err := e.indexSome()
		if err != nil {
			e.indexFailed("indexing events", err)
		}
		switch {
		case !more:
			rest = indexIdle
		case e.behind.Load() || len(e.feed) > 0 || len(e.slots) >= indexBusy:
			rest = indexYield
		default:
			rest = indexRest
		}
	}
}

func (e *Engine) indexFailed(what string, err error) {
	if !errors.Is(err, runtime.ErrClosed) && !errors.Is(err, context.Canceled) {
		e.log.Warn(what, "error", err)
	}
}

// indexSome indexes a batch of events, and reports whether there may be more.
func (e *Engine) indexSome() (more bool, err error) {
	last, err := e.cfg.Store.FieldsTo(e.calls)
	if err != nil {
		return false, err
	}
	var batch []runtime.EventFields
	seen := 0
	for more = true; more && seen < indexBatch && !e.draining.Load(); {
		page, err := e.cfg.Store.EventsAfter(e.calls, last, indexRead)
		if err != nil {
			return false, err
		}
		for _, ev := range page {
			last = ev.Seq
			if fields := e.Fields(ev); len(fields) > 0 {
				batch = append(batch, runtime.EventFields{Seq: ev.Seq, Fields: fields})
			}
		}
		seen += len(page)
		more = len(page) == indexRead
	}
	if seen == 0 {
		return false, nil
	}
	return more, e.cfg.Store.AddFields(e.calls, last, batch)
}

// Fields returns what an event can be found by: its object's id, what the current program's recipes read of it as text,
// numbers or bools, and the fields of its shape that name a customer or an e-mail address.
func (e *Engine) Fields(ev *runtime.Event) []runtime.Field {
	if len(ev.Payload) == 0 {
		return nil
	}
	object, _ := e.payload(ev)
	var fields []runtime.Field
	e.lookups.plan(e, ev).collect(object, "", &fields)
	return fields
}

// lookups remembers for each event type of the current program what its events can be found by.
type lookups struct {
	mu    sync.Mutex
	of    *generation
	plans map[routeKey]*fieldPlan
}

func (l *lookups) plan(e *Engine, ev *runtime.Event) *fieldPlan {
	g := e.current.Load()
	key := routeKey{ev.Connection, ev.Type}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of != g || l.plans == nil {
		l.of, l.plans = g, map[routeKey]*fieldPlan{}
	}
	p := l.plans[key]
	if p == nil {
		p = e.newFieldPlan(g, key, ev.Service)
		l.plans[key] = p
	}
	return p
}

// fieldPlan is a set of paths below `trigger`.
type fieldPlan struct {
	leaf bool
	next map[string]*fieldPlan
}

func (p *fieldPlan) add(path ...string) {
	for _, name := range path {
		if p.next == nil {
			p.next = map[string]*fieldPlan{}
		}
		if p.next[name] == nil {
			p.next[name] = &fieldPlan{}
		}
		p = p.next[name]
	}
	p.leaf = true
}

func (p *fieldPlan) addPaths(set *schema.Paths, above ...string) {
	if set == nil {
		return
	}
	if set.All && len(above) > 0 {
		p.add(above...)
	}
	for name, sub := range set.Next {
		p.addPaths(sub, slices.Concat(above, []string{name})...)
	}
}

// addRoles adds the fields of a shape that say whom the event concerns.
func (p *fieldPlan) addRoles(o *schema.Object, depth int, above ...string) {
	if o == nil || depth == 0 {
		return
	}
	for i := range o.Fields() {
		f := &o.Fields()[i]
		path := slices.Concat(above, []string{f.Name})
		switch {
		case f.Secret:
		case f.Role == schema.RoleCustomerID || f.Role == schema.RoleEmail || f.Type.Format == schema.Email || f.Type.Refers == "customer":
			p.add(path...)
		case f.Type.Kind == schema.KindObject:
			p.addRoles(f.Type.Object, depth-1, path...)
		}
	}
}

func (e *Engine) newFieldPlan(g *generation, key routeKey, service string) *fieldPlan {
	p := &fieldPlan{}
	p.add("id")
	if g != nil {
		for _, r := range g.program.Recipes() {
			for _, t := range r.Triggers {
				if listens(t, key) {
					p.addPaths(r.Reads)
					p.addRoles(t.Payload, roleDepth)
				}
			}
			for _, n := range r.Nodes {
				if w := n.Wait; w != nil && w.Event != nil && listens(w.Event, key) {
					p.addPaths(w.Reads)
					p.addRoles(w.Event.Payload, roleDepth)
					if len(w.By) > 0 {
						p.add(w.By...)
					}
				}
			}
		}
	}
	if spec := e.cfg.Registry.Spec(service); spec != nil {
		for _, t := range spec.Triggers {
			for _, typ := range t.Events {
				if typ == key.eventType {
					p.addRoles(t.Payload, roleDepth)
				}
			}
		}
	}
	return p
}

func listens(t *check.Trigger, key routeKey) bool {
	if t.Connection != key.connection {
		return false
	}
	for _, typ := range t.Events {
		if typ == key.eventType || typ == "*" {
			return true
		}
	}
	return false
}

// collect adds the values of a plan's paths.
func (p *fieldPlan) collect(raw []byte, above string, fields *[]runtime.Field) {
	_ = schema.Members(raw, func(name string, value []byte) bool {
		next := p.next[name]
		if next == nil {
			return true
		}
		path := above + name
		if next.leaf {
			text, ok := scalarText(value)
			if !ok {
				text, ok = scalarText(schema.Lookup(value, "id")) // a reference that was expanded
			}
			if ok && len(text) <= maxFieldValue {
				*fields = append(*fields, runtime.Field{Name: strings.Clone(path), Value: runtime.FieldValue(text)})
			}
		}
		if len(next.next) > 0 {
			next.collect(value, path+".", fields)
		}
		return len(*fields) < maxFields
	})
}

// scalarText is a string, number or bool as text.
func scalarText(raw []byte) (string, bool) {
	if text, ok := schema.StringOf(raw); ok {
		return text, true
	}
	if n, ok := schema.Int64Of(raw); ok {
		return strconv.FormatInt(n, 10), true
	}
	if b, ok := schema.BoolOf(raw); ok {
		return strconv.FormatBool(b), true
	}
	if f, err := strconv.ParseFloat(string(raw), 64); err == nil && len(raw) > 0 && (raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9') {
		return strconv.FormatFloat(f, 'f', -1, 64), true
	}
	return "", false
}
