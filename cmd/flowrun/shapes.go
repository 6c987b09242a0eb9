package main

// What the control door must mask: what services declare of their events and actions, and where the checker has found
// data of a person to flow. What a recipe declares by itself, such as the answer of a call of its own, says nothing of
// what it means, and is not asked.

import (
	"context"
	"slices"
	"sync"

	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/control"
)

// shapes implements control.Shapes.
type shapes struct {
	x      *machine
	events func() map[[2]string]*schema.Object // by service and type
}

var _ control.Shapes = (*shapes)(nil)

func newShapes(x *machine) *shapes {
	return &shapes{x: x, events: sync.OnceValue(func() map[[2]string]*schema.Object {
		all := map[[2]string]*schema.Object{}
		for _, name := range x.registry.TriggerNames() {
			t := x.registry.Trigger(name)
			for _, event := range t.Events {
				if key := [2]string{t.Service, event}; t.Payload != nil && all[key] == nil {
					all[key] = t.Payload
				}
			}
		}
		return all
	})}
}

// Event implements control.Shapes.
func (s *shapes) Event(e *runtime.Event) control.EventShape {
	shape := control.EventShape{Object: s.events()[[2]string{e.Service, e.Type}]}
	if spec := s.x.registry.Spec(e.Service); spec != nil && spec.Webhook != nil {
		shape.Data, shape.Previous = spec.Webhook.Data, spec.Webhook.Previous
	}
	return shape
}

// Step implements control.Shapes.
func (s *shapes) Step(ctx context.Context, r *runtime.Run, step *runtime.Step) control.StepShape {
	var shape control.StepShape
	if a := s.x.registry.Action(step.Action); a != nil {
		shape.In, shape.Out = a.In, a.Out
	}
	program := s.x.engine.Program()
	if program == nil || program.Digest() != r.Program {
		program = s.x.older.get(r.Program, func() *lang.Program { return s.x.compileOld(ctx, r.Program) })
	}
	if program == nil {
		return shape
	}
	recipe := program.Recipe(r.Recipe)
	if recipe == nil {
		return shape
	}
	all := slices.Concat(recipe.Nodes, recipe.OnError)
	i := slices.IndexFunc(all, func(n *check.Node) bool { return n.Address == step.Address && n.Kind == check.Action })
	if i < 0 || all[i].Action.Name != step.Action {
		return shape
	}
	shape.Traced, shape.Personal = true, all[i].Personal
	if all[i].Calls != "" {
		shape.In, shape.Out = all[i].Action.In, nil
	}
	return shape
}
