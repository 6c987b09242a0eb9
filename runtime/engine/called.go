package engine

// Recipes that call recipes. The caller's step and the callee's run are recorded together; from then on each is a run
// of its own, and the callee's end wakes the caller.

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

const kindUnknown = connectors.KindUnknown

// stepKey returns the idempotency key of a step: the same for every attempt, after a crash and in a replay. The steps
// of a called run take part in the key of the step that called, base, since a recipe may call another twice. on_error
// speaks up anew each time a run that was retried fails again.
func stepKey(run *runtime.Run, base string, s *runtime.Step) string {
	address := s.Address
	if base != "" {
		address = base + "/" + address
	}
	key := runtime.StepKey(run.Recipe, run.Connection, run.EventID, address, s.Each, run.Generation)
	if run.Retries > 0 && strings.HasPrefix(s.Address, "on_error.") {
		key = runtime.Rekey(key, "retry", run.Retries)
	}
	return runtime.Rekey(key, "rekey", s.Rekey)
}

// triggerOfCall is what stands for a trigger in a called run: the shape of what it is called with.
func triggerOfCall(rec *check.Recipe) *check.Trigger {
	if rec.Callable == nil {
		return nil
	}
	return &check.Trigger{Spec: &schema.Trigger{}, Payload: rec.Callable}
}

// callRecipe makes the run that a step calls. It is recorded with the step.
func (r *runner) callRecipe(u *unit, input cty.Value) error {
	n, s := u.node, r.step(u)
	callee := r.g.recipes[n.Calls]
	if callee == nil || callee.called == nil {
		return &connectors.Error{Kind: connectors.KindInvalid, Final: true, Message: fmt.Sprintf("there is no recipe %q to call", n.Calls)}
	}
	raw, err := schema.AppendJSONOmitNull(nil, input)
	if err != nil {
		return &connectors.Error{Kind: connectors.KindInvalid, Message: err.Error(), Err: err}
	}
	now := r.e.clock.Now()
	child := &runtime.Run{
		ID:         runtime.RunID(r.ev, callee.Name, strings.Join([]string{"call", r.run.ID, s.Address, s.Each, strconv.Itoa(s.Rekey)}, ":")),
		EventSeq:   r.run.EventSeq,
		Connection: r.run.Connection,
		EventID:    r.run.EventID,
		EventType:  r.run.EventType,
		Recipe:     callee.Name,
		Program:    r.run.Program,
		Status:     runtime.RunQueued, // it obeys its own flow control
		StartedAt:  now,
		Due:        now,
		ReplayOf:   r.run.ReplayOf,
		Generation: r.run.Generation,
		Bulk:       r.run.Bulk,
		Shadow:     r.run.Shadow || callee.Shadow,
		Parent:     r.run.ID, ParentStep: s.Address, ParentEach: s.Each,
		Input: raw,
	}
	s.Status, s.Child, s.Due = runtime.StepWaiting, child.ID, time.Time{}
	if u.of == nil {
		r.state[n.Index] = waiting
	} else {
		u.state = waiting
		u.of.busy++
	}
	r.ran = true
	r.children = append(r.children, child)
	return nil
}

// dropChildren takes back calls of recipes that are not in the store yet.
func (r *runner) dropChildren() {
	if len(r.children) == 0 {
		return
	}
	fresh := map[string]bool{}
	for _, c := range r.children {
		fresh[c.ID] = true
	}
	r.children = nil
	r.each(func(u *unit) {
		if u.step.Status == runtime.StepWaiting && fresh[u.step.Child] {
			u.step.Status, u.step.Child = 0, ""
			r.unbegin(u)
		}
	})
}

// wakeFor returns what tells the caller that a run has ended, or nil where nobody called it.
func wakeFor(run *runtime.Run) *runtime.Wake {
	if run.Parent == "" {
		return nil
	}
	return &runtime.Wake{Run: run.Parent, Arrival: runtime.Arrival{Step: run.ParentStep, Each: run.ParentEach, Run: run.ID}}
}

// calledRun reads a run that was called. It is nil where that is not there any more.
func (r *runner) calledRun(id string) (*runtime.Run, error) {
	child, err := r.e.cfg.Store.Run(context.Background(), id)
	if errors.Is(err, runtime.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading a run that was called: %w", err)
	}
	return child, nil
}

// takeCalled ends a step whose called run has ended. It leaves the step waiting where that has not.
func (r *runner) takeCalled(u *unit) {
	s := u.step
	child, ended := r.called[s.Child]
	if !ended {
		return
	}
	if child == nil {
		r.endCall(u, &runtime.StepError{Step: s.Address, Kind: connectors.KindUnknown, Message: "the run that was called is not there any more"})
		return
	}
	switch child.Status {
	case runtime.RunCompleted, runtime.RunFiltered, runtime.RunSkipped:
		out, err := output(u.node.Out, child.Output)
		if err != nil {
			r.endCall(u, stepError(s.Address, drift(err)))
			return
		}
		r.leaveLoop(u)
		r.succeed(u, out, child.Output)
		if child.Shadow && child.Status == runtime.RunCompleted && len(child.Output) == 0 && u.node.Out != nil {
			s.Shadow = true
			r.putShadowed(u)
		}
	case runtime.RunFailed, runtime.RunCanceled:
		se := &runtime.StepError{Step: s.Address, Kind: connectors.KindCanceled, Message: fmt.Sprintf("the run of %s was canceled", child.Recipe)}
		if child.Error != nil {
			se.Kind, se.Status, se.Message = child.Error.Kind, child.Error.Status, child.Error.Message
		}
		r.endCall(u, se)
	}
}

func (r *runner) endCall(u *unit, se *runtime.StepError) {
	r.leaveLoop(u)
	r.endFailed(u, runtime.StepFailed, se)
}

func (r *runner) leaveLoop(u *unit) {
	if u.of != nil {
		u.of.busy--
	}
}

// giveOutputs evaluates what a called run gives back. In a shadow run it may not be known.
func (r *runner) giveOutputs() {
	for _, o := range r.rec.Outputs {
		for _, i := range o.Needs {
			if s := r.main.state[i]; s == shadowed || s == dark {
				return
			}
		}
	}
	if err := r.openScope(); err != nil {
		r.fail("", err)
		return
	}
	r.setUnreached()
	vals := make(map[string]cty.Value, len(r.rec.Outputs))
	for _, o := range r.rec.Outputs {
		v, err := r.value(o.Expr)
		if err != nil {
			r.fail("", err)
			return
		}
		vals[o.Name] = v
	}
	raw, err := schema.AppendJSON(nil, cty.ObjectVal(vals))
	if err != nil {
		r.fail("", &connectors.Error{Kind: connectors.KindInvalid, Message: err.Error(), Err: err})
		return
	}
	r.run.Output = raw
}
