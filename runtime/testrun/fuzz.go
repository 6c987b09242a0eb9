package testrun

// Fuzzing: events of the declared shape, extreme in what the shape allows, thrown at a recipe. What the checker passed
// should never fail for its payload; where it does, the payload is brought as near to the sample as it can be while it
// still fails, so that what is left says why.

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/suite"
	"github.com/flowrun/flowrun/runtime"
)

const (
	maxFound  = 5   // failures of one recipe that are told
	maxShrink = 500 // tries to make one smaller
)

// Found is a way in which a recipe fails for its payload.
type Found struct {
	Recipe  string
	Type    string // of the event
	Step    string // empty where it failed at its start
	Kind    connectors.Kind
	Message string
	Event   []byte   // the whole event, shrunk
	Changed []string // what tells its object from the sample: "amount = -1", sorted
}

// Fuzz throws n events at a recipe, evenly over its triggers and their types, and returns the ways in which it failed. The
// same seed gives the same events.
func (r *Runner) Fuzz(ctx context.Context, recipe *check.Recipe, n int, from uint64) ([]*Found, error) {
	var triggers []*suite.Event
	for _, t := range recipe.Triggers {
		for _, typ := range t.Events {
			if typ != "*" {
				triggers = append(triggers, &suite.Event{Trigger: t, Type: typ, Changes: cty.EmptyObjectVal})
			}
		}
	}
	if len(triggers) == 0 {
		return nil, nil
	}
	source := rand.New(rand.NewPCG(from, 0))
	var found []*Found
	seen := map[string]bool{}
	for i := range n {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f := &fuzzing{runner: r, recipe: recipe, event: triggers[i%len(triggers)]}
		if err := f.prepare(source, i/len(triggers)); err != nil {
			return nil, err
		}
		failure := f.fails(ctx, f.object)
		if failure == nil || seen[failure.key()] || len(found) >= maxFound {
			continue
		}
		seen[failure.key()] = true
		shrink(f.object, f.sample, func() bool { return f.still(ctx, failure.key()) })
		if smaller := f.fails(ctx, f.object); smaller != nil {
			failure = smaller
		}
		failure.Changed = differences("", f.object, f.sample)
		found = append(found, failure)
	}
	return found, nil
}

func (f *Found) key() string { return f.Step + " " + string(f.Kind) + " " + f.Message }

// fuzzing is one event that is tried.
type fuzzing struct {
	runner         *Runner
	recipe         *check.Recipe
	event          *suite.Event
	sample, object map[string]any
	tries          int
}

// prepare makes the object: a sample, of which what the recipe reads is random.
func (f *fuzzing) prepare(source *rand.Rand, n int) error {
	payload := f.event.Trigger.Payload
	sample := payload.Sample(seed)
	if spec := f.runner.registry.Spec(f.event.Trigger.Spec.Service); spec != nil && spec.Webhook != nil && spec.Webhook.Sample != nil && f.event.Trigger.Spec.For == nil {
		body, err := spec.Webhook.Sample(f.event.Type, seed, suite.Epoch())
		if err != nil {
			return fmt.Errorf("making a sample of %s: %w", f.event.Type, err)
		}
		sample = schema.Lookup(body, spec.Webhook.Data...)
	}
	random, err := payload.Random(source, n, f.recipe.Reads)
	if err != nil {
		return err
	}
	if f.sample, err = decoded(sample); err != nil {
		return err
	}
	if f.object, err = decoded(sample); err != nil {
		return err
	}
	made, err := decoded(random)
	if err != nil {
		return err
	}
	overlay(payload, f.object, made, f.recipe.Reads)
	return nil
}

func decoded(raw []byte) (map[string]any, error) {
	out := map[string]any{}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		return nil, fmt.Errorf("reading a payload: %w", err)
	}
	return out, nil
}

// overlay puts what was made in place of what is read.
func overlay(o *schema.Object, into, made map[string]any, reads *schema.Paths) {
	fields := o.Fields()
	for i := range fields {
		name := fields[i].Name
		below := reads
		if reads != nil && !reads.All {
			if below = reads.Next[name]; below == nil {
				continue
			}
		}
		v, there := made[name]
		if !there {
			delete(into, name)
			continue
		}
		inner, nested := v.(map[string]any)
		old, was := into[name].(map[string]any)
		if nested && was && fields[i].Type.Kind == schema.KindObject && below != nil && !below.All {
			overlay(fields[i].Type.Object, old, inner, below)
			continue
		}
		into[name] = v
	}
}

// fails runs the recipe on an object and returns how it failed, or nil.
func (f *fuzzing) fails(ctx context.Context, object map[string]any) *Found {
	raw, err := json.Marshal(object)
	if err != nil {
		return nil
	}
	ev := *f.event
	ev.Object = raw
	t := &suite.Test{Name: "fuzz", Recipe: f.recipe, Start: suite.Epoch(), Moves: []suite.Move{{Event: &ev}}}
	res := &Result{Test: t}
	found := &Found{Recipe: f.recipe.Name, Type: f.event.Type, Kind: connectors.KindUnknown}
	w, err := f.runner.play(ctx, t, res)
	defer w.close()
	if err != nil {
		if w != nil && len(w.events) > 0 {
			found.Event = w.events[0].Payload
		}
		found.Message = err.Error()
		return found
	}
	o := res.Events[0]
	if o.Run == nil || o.Run.Status != runtime.RunFailed || o.Run.Error == nil {
		return nil
	}
	found.Event, found.Step, found.Kind, found.Message = o.Event.Payload, o.Run.Error.Step, o.Run.Error.Kind, o.Run.Error.Message
	return found
}

func (f *fuzzing) still(ctx context.Context, key string) bool {
	if f.tries++; f.tries > maxShrink {
		return false
	}
	got := f.fails(ctx, f.object)
	return got != nil && got.key() == key
}

// shrink gives each member the sample's value where the object still fails the same way, and goes on within those that
// can't have it.
func shrink(object, sample map[string]any, still func() bool) {
	names := slices.Sorted(maps.Keys(object))
	for _, name := range slices.Sorted(maps.Keys(sample)) {
		if _, there := object[name]; !there {
			names = append(names, name)
		}
	}
	for _, name := range names {
		old, was := object[name]
		plain, known := sample[name]
		if was && known && reflect.DeepEqual(old, plain) {
			continue
		}
		if known {
			object[name] = plain
		} else {
			delete(object, name)
		}
		if still() {
			continue
		}
		if was {
			object[name] = old
		} else {
			delete(object, name)
		}
		inner, nested := old.(map[string]any)
		within, both := plain.(map[string]any)
		if nested && both {
			shrink(inner, within, still)
		}
	}
}

// differences tells what an object has otherwise than the sample.
func differences(path string, object, sample map[string]any) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(object)) {
		v := object[name]
		plain, known := sample[name]
		if known && reflect.DeepEqual(v, plain) {
			continue
		}
		inner, nested := v.(map[string]any)
		within, both := plain.(map[string]any)
		if nested && both {
			out = append(out, differences(path+name+".", inner, within)...)
			continue
		}
		raw, err := json.Marshal(v)
		if err != nil {
			raw = []byte(err.Error())
		}
		out = append(out, path+name+" = "+string(raw))
	}
	for _, name := range slices.Sorted(maps.Keys(sample)) {
		if _, there := object[name]; !there {
			out = append(out, path+name+" is left out")
		}
	}
	return out
}
