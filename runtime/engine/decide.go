package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

// eventWork is an event while its runs are under way.
type eventWork struct {
	decision *runtime.Decision
	keys     []runtime.Await // by which waits could know the event; they go with the decision
	received time.Time
	alone    bool    // there is one run: it carries the decision into the store
	decided  bool    // the decision is in the store
	shared   *shared // in a trial; else nil
}

// handle decides an event and runs what it leads to. It returns nil when the decision is recorded.
func (e *Engine) handle(ev *runtime.Event, maybeDecided bool, ticket int64) error {
	known := map[string]bool(nil)
	if maybeDecided {
		switch _, err := e.cfg.Store.Decision(context.Background(), ev.Seq); {
		case err == nil:
			return nil
		case !errors.Is(err, runtime.ErrNotFound):
			return fmt.Errorf("reading its decision: %w", err)
		}
		past, err := e.isPast(ev)
		if err != nil {
			return err
		}
		if past {
			return e.record(&runtime.Change{Decision: e.nobody(ev)})
		}
		runs, err := e.cfg.Store.RunsOf(context.Background(), ev.Seq)
		if err != nil {
			return fmt.Errorf("reading its runs: %w", err)
		}
		known = make(map[string]bool, len(runs))
		for _, r := range runs {
			known[r.ID] = true
		}
	}
	if e.draining.Load() {
		return errDraining
	}

	g := e.current.Load()
	w := &eventWork{decision: &runtime.Decision{EventSeq: ev.Seq, Program: g.digest, At: e.clock.Now()}, received: ev.ReceivedAt}
	if looked := e.awaited.Load(); looked != nil {
		w.keys = looked.keys(e, ev)
	}
	var runs []*runner
	if rt := g.route(ev.Connection, ev.Type); rt != nil {
		runs = e.match(g, rt, ev, w)
	}
	w.decision.Runs = len(runs)
	fresh := runs[:0]
	for _, r := range runs {
		if !known[r.run.ID] {
			fresh = append(fresh, r)
		}
	}
	e.cfg.Metrics.EventDecided(w.decision.Runs > 0)
	if len(fresh) > 0 && e.controlled(fresh) {
		var err error
		if fresh, err = e.admit(w, ticket, fresh); err != nil {
			return err
		}
	}
	e.turns.pass(ticket)
	if len(fresh) == 0 {
		return e.recordDecision(ev, w)
	}
	if w.alone = len(fresh) == 1; w.alone {
		return e.execute(fresh[0])
	}
	errs := make([]error, len(fresh))
	var wg sync.WaitGroup
	for i, r := range fresh {
		wg.Go(func() { errs[i] = e.execute(r) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return e.recordDecision(ev, w)
}

// recordDecision records the decision on an event whose runs are recorded.
func (e *Engine) recordDecision(ev *runtime.Event, w *eventWork) error {
	if !w.decided {
		if err := e.record(&runtime.Change{Decision: w.decision, Keys: w.keys}); err != nil {
			return err
		}
	}
	if len(w.keys) > 0 {
		signal(e.wakeDue)
	}
	e.decided(ev, w.decision)
	return nil
}

func (e *Engine) decided(ev *runtime.Event, d *runtime.Decision) {
	if e.cfg.OnEvent != nil {
		e.cfg.OnEvent(ev, d)
	}
}

// match returns a runner for each recipe that takes the event, and notes them in the decision.
func (e *Engine) match(g *generation, rt *route, ev *runtime.Event, w *eventWork) []*runner {
	w.decision.Matched = make([]byte, (len(rt.entries)+7)/8)
	object, previous := e.payload(ev)
	vals, whole, drift := rt.values(object)
	e.noteDrift(ev, drift)
	var room [16]int
	var runs []*runner
	for _, i := range rt.candidates(vals, room[:0]) {
		en := rt.entries[i]
		o := en.admits(vals)
		if o == no || !admitted(en.tests, ev.Type, object, previous) {
			continue
		}
		r := e.newRunner(g, en.recipe, en.trigger, ev, w)
		r.object, r.previous = object, previous
		if whole != cty.NilVal && en.trigger.Payload == rt.payload {
			r.payload = whole
		}
		gates := en.gates
		if o == unsure {
			gates = leading(en.recipe)
		} else {
			for _, n := range en.decided {
				r.state[n] = passed
			}
		}
		takes := true
		if err := e.guarded(func() error { takes = r.passLeading(gates); return nil }); err != nil {
			r.fail("", err)
		}
		if !takes {
			continue
		}
		w.decision.Matched[i/8] |= 1 << (i % 8)
		runs = append(runs, r)
	}
	return runs
}

func leading(rec *recipe) []*check.Node {
	var gates []*check.Node
	for _, n := range rec.Nodes {
		if n.Kind != check.Filter || !n.Leading {
			break
		}
		gates = append(gates, n)
	}
	return gates
}

// passLeading evaluates gates in order. A gate that can't be evaluated lets the recipe through, as a run that has
// failed: it must be seen, and must not be taken for a filter.
func (r *runner) passLeading(gates []*check.Node) bool {
	for _, n := range gates {
		switch held, err := r.gate(n); {
		case err != nil:
			r.fail(n.Address, err)
			return true
		case !held:
			return false
		}
		r.state[n.Index] = passed
	}
	return true
}

// payload returns the parts of the body that `trigger` and `previous` are made of.
func (e *Engine) payload(ev *runtime.Event) (object, previous []byte) {
	var hook *connectors.Webhook
	if spec := e.cfg.Registry.Spec(ev.Service); spec != nil {
		hook = spec.Webhook
	}
	if hook == nil {
		return ev.Payload, nil
	}
	data, prev := hook.Data, hook.Previous
	last := len(data) - 1
	if last < 0 || len(prev) != len(data) || !slices.Equal(data[:last], prev[:last]) {
		object = schema.Lookup(ev.Payload, data...)
		if len(prev) > 0 {
			previous = schema.Lookup(ev.Payload, prev...)
		}
		return object, previous
	}
	// They stand side by side, as at Stripe: found in one pass.
	_ = schema.Members(schema.Lookup(ev.Payload, data[:last]...), func(name string, value []byte) bool {
		switch name {
		case data[last]:
			object = value
		case prev[last]:
			previous = value
		}
		return true
	})
	return object, previous
}

// Once runs one recipe for an event here and now, and returns the run when it has ended or would wait. The event must
// have been accepted by the engine's store. An event whose type the recipe does not listen to is an error.
func (e *Engine) Once(ctx context.Context, name string, ev *runtime.Event) (*runtime.Run, error) {
	g := e.current.Load()
	rec := g.recipes[name]
	if rec == nil {
		return nil, fmt.Errorf("there is no recipe %q", name)
	}
	trigger := triggerFor(rec, ev)
	if trigger == nil {
		return nil, fmt.Errorf("recipe %s does not listen to %s events on connection %q", name, ev.Type, ev.Connection)
	}
	w := &eventWork{decision: &runtime.Decision{EventSeq: ev.Seq, Program: g.digest, At: e.clock.Now(), Runs: 1}, alone: true}
	r := e.newRunner(g, rec, trigger, ev, w)
	r.object, r.previous = e.payload(ev)
	for _, guard := range trigger.Guards {
		if !guard.Admits(ev.Type, r.object, r.previous) {
			r.run.Status, r.run.StoppedBy = runtime.RunFiltered, cmp.Or(guard.Setting, trigger.Name)
			return r.run, nil
		}
	}
	stop := context.AfterFunc(ctx, func() { e.cutCalls(ctx.Err()) })
	defer stop()
	if err := e.execute(r); err != nil {
		return nil, err
	}
	return r.run, nil
}

// admitted reports whether an event passes all guards.
func admitted(guards []schema.Guard, eventType string, object, previous []byte) bool {
	return !slices.ContainsFunc(guards, func(g schema.Guard) bool { return !g.Admits(eventType, object, previous) })
}

// triggerFor returns the trigger of the recipe that an event fires, or nil.
func triggerFor(rec *recipe, ev *runtime.Event) *check.Trigger {
	for _, t := range rec.Triggers {
		if t.Connection != ev.Connection {
			continue
		}
		for _, typ := range t.Events {
			if typ == ev.Type || typ == "*" {
				return t
			}
		}
	}
	return nil
}

// null is what a name without a value reads as.
var null = cty.NullVal(cty.DynamicPseudoType)
