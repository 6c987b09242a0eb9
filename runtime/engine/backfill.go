package engine

// A past event that a person has run for one recipe must not be taken by the others, not even where the process ends
// between its acceptance and its decision. So it is named in the store before it is there.

import (
	"context"
	"errors"
	"fmt"

	"github.com/flowrun/flowrun/runtime"
)

// backfilling is the name of the state that names the past event which is being stored. No recipe can write such a name.
const backfilling = "\x00backfilling"

// Takes reports whether the recipe's trigger and its first filters, those that need no step, let an event through. The
// event need not be in the store.
func (e *Engine) Takes(recipe string, ev *runtime.Event) (bool, error) {
	g := e.current.Load()
	if g.recipes[recipe] == nil {
		return false, refuse("there is no recipe %q", recipe)
	}
	rt := g.route(ev.Connection, ev.Type)
	if rt == nil {
		return false, nil
	}
	w := &eventWork{decision: &runtime.Decision{Program: g.digest}}
	for _, r := range e.match(g, rt, ev, w) {
		if r.rec.Name == recipe {
			return true, nil
		}
	}
	return false, nil
}

// Backfill runs one recipe for an event of the past, after all live traffic, and returns the new runs. The event is kept
// in the store, where no other recipe takes it. Where it is there already it is replayed. The error wraps ErrRefused
// where the recipe does not take it, or had it already and would have an effect twice.
func (e *Engine) Backfill(ctx context.Context, recipe string, ev *runtime.Event) ([]*runtime.Run, error) {
	done, err := e.beginOp()
	if err != nil {
		return nil, err
	}
	defer done()
	if err := e.storePast(ctx, ev); err != nil {
		return nil, err
	}
	return e.Replay(ctx, ev, ReplayOptions{Recipe: recipe, Bulk: true})
}

// storePast stores an event with a decision that nobody takes it, unless it is there.
func (e *Engine) storePast(ctx context.Context, ev *runtime.Event) error {
	e.past.Lock()
	defer e.past.Unlock()
	known, err := e.cfg.Store.Event(ctx, ev.Connection, ev.ID)
	if err == nil {
		ev.Seq = known.Seq
		return nil
	}
	if !errors.Is(err, runtime.ErrNotFound) {
		return fmt.Errorf("looking for event %s: %w", ev.ID, err)
	}
	now := e.clock.Now()
	mark := &runtime.StateValue{Value: []byte(pastName(ev)), At: now}
	if err := e.cfg.Store.SetState(ctx, backfilling, mark); err != nil {
		return fmt.Errorf("naming event %s: %w", ev.ID, err)
	}
	accepted, err := e.cfg.Store.AcceptEvent(ctx, ev)
	if err != nil {
		return fmt.Errorf("storing event %s: %w", ev.ID, err)
	}
	if !accepted {
		return nil // a webhook brought it just now: it is everybody's
	}
	e.cfg.Crash("before-backfill-decided")
	return e.record(&runtime.Change{Decision: e.nobody(ev)})
}

// nobody is the decision on an event that only a person's word sends to a recipe.
func (e *Engine) nobody(ev *runtime.Event) *runtime.Decision {
	return &runtime.Decision{EventSeq: ev.Seq, Program: e.current.Load().digest, At: e.clock.Now()}
}

// isPast reports whether an event without a decision is one that was being stored by Backfill.
func (e *Engine) isPast(ev *runtime.Event) (bool, error) {
	v, err := e.cfg.Store.State(context.Background(), backfilling, e.clock.Now())
	if errors.Is(err, runtime.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading what was being backfilled: %w", err)
	}
	return string(v.Value) == pastName(ev), nil
}

// pastName is JSON, as all state is.
func pastName(ev *runtime.Event) string { return fmt.Sprintf("%q", ev.Connection+"/"+ev.ID) }
