package engine

// An event can be the echo of a call of ours: vendors that take a key repeat it in the events which the call leads to.
// Whose key it is can't be read from it, so the keys of calls are remembered: in memory while the call is under way,
// since its echo can be here first, and from then on with the step's own record. It is done only while a recipe asks.

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

// causeFor is how long a key is remembered after its step has ended.
const causeFor = 7 * 24 * time.Hour

// cause is who made a call.
type cause struct{ recipe, run string }

// causes are the calls whose steps are not recorded yet, by key.
type causes struct {
	mu    sync.Mutex
	under map[string]cause
}

// asksForCauses reports whether a recipe may read event.caused_by. A comment that names it costs a little and does no harm.
func asksForCauses(p *lang.Program) bool {
	for _, text := range p.Files() {
		if bytes.Contains(text, []byte("caused_by")) {
			return true
		}
	}
	return false
}

// causeMark is the key of the mark under which a call's key is kept. No limit's key begins so.
func causeMark(key string) string { return "\x00cause/" + key }

// calling remembers a call that is about to be made.
func (r *runner) calling(a *attempt) {
	if !r.e.current.Load().causes || a.call.Action.Effect != schema.Keyed {
		return
	}
	c := &r.e.causes
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.under == nil {
		c.under = map[string]cause{}
	}
	c.under[a.call.Key] = cause{r.run.Recipe, r.run.ID}
}

// caused adds to a change the keys of the steps that end with it, and returns them.
func (r *runner) caused(c *runtime.Change, steps []*runtime.Step) []string {
	cs := &r.e.causes
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if len(cs.under) == 0 {
		return nil
	}
	var keys []string
	for _, s := range steps {
		if _, ours := cs.under[s.Key]; !ours || s.Status < runtime.StepDone {
			continue
		}
		now := r.e.clock.Now()
		c.Marks = append(c.Marks, runtime.Mark{Key: causeMark(s.Key), At: now, Run: r.run.ID, Expires: now.Add(causeFor)})
		keys = append(keys, s.Key)
	}
	return keys
}

// forget drops the keys of steps that are recorded.
func (c *causes) forget(keys []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range keys {
		delete(c.under, k)
	}
}

// causedBy is event.caused_by: null where the event is no echo of ours, as far as is known.
func (e *Engine) causedBy(ev *runtime.Event) cty.Value {
	none := cty.NullVal(cty.Object(map[string]cty.Type{"recipe": cty.String, "run": cty.String}))
	if g := e.current.Load(); g == nil || !g.causes {
		return none
	}
	spec := e.cfg.Registry.Spec(ev.Service)
	if spec == nil || spec.Webhook == nil || spec.Webhook.Cause == nil {
		return none
	}
	key := spec.Webhook.Cause(ev.Payload)
	if key == "" {
		return none
	}
	by, err := e.causeOf(key)
	if err != nil {
		e.log.Error("looking for what caused an event", "event", ev.ID, "error", err)
	}
	if by.run == "" {
		return none
	}
	return cty.ObjectVal(map[string]cty.Value{"recipe": cty.StringVal(by.recipe), "run": cty.StringVal(by.run)})
}

// causeOf finds whose key it is. The cause is empty where it is none of ours.
func (e *Engine) causeOf(key string) (cause, error) {
	e.causes.mu.Lock()
	by, known := e.causes.under[key]
	e.causes.mu.Unlock()
	if known {
		return by, nil
	}
	mark, err := e.cfg.Store.Mark(context.Background(), causeMark(key))
	if errors.Is(err, runtime.ErrNotFound) {
		return cause{}, nil
	}
	if err != nil {
		return cause{}, err
	}
	run, err := e.cfg.Store.Run(context.Background(), mark.Run)
	if errors.Is(err, runtime.ErrNotFound) {
		return cause{}, nil
	}
	if err != nil {
		return cause{}, err
	}
	return cause{run.Recipe, run.ID}, nil
}
