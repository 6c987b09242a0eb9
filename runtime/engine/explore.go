package engine

import (
	"fmt"

	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

// Explore returns what is in reach of a recipe's expressions when an event has started it, all of the payload included,
// and runs nothing: `action` and `wait` are for the caller to set. An event whose type the recipe does not listen to is
// an error.
func (e *Engine) Explore(name string, ev *runtime.Event) (*eval.Scope, error) {
	g := e.current.Load()
	rec := g.recipes[name]
	if rec == nil {
		return nil, fmt.Errorf("there is no recipe %q", name)
	}
	trigger := triggerFor(rec, ev)
	if trigger == nil {
		return nil, fmt.Errorf("recipe %s does not listen to %s events on connection %q", name, ev.Type, ev.Connection)
	}
	whole, checked := *rec, *rec.Recipe
	checked.Reads = &schema.Paths{All: true}
	if trigger.Spec.Previous {
		checked.ReadsPrevious = &schema.Paths{All: true}
	}
	whole.Recipe = &checked
	r := e.newRunner(g, &whole, trigger, ev, nil)
	r.object, r.previous = e.payload(ev)
	if err := r.openScope(); err != nil {
		return nil, err
	}
	return r.scope, nil
}
