package engine

import (
	"context"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

// step returns the record of a unit's step, made if need be.
func (r *runner) step(u *unit) *runtime.Step {
	u.dirty = true
	if s := u.step; s != nil {
		if s.Rekey > 0 && s.Action != "" {
			s.Key = stepKey(r.run, r.keyBase, s)
		}
		return s
	}
	n := u.node
	s := &runtime.Step{Index: r.base + n.Index, Address: n.Address, StartedAt: r.e.clock.Now()}
	if u.of != nil {
		s.Loop, s.Item, s.Each = true, u.item, u.of.names[u.item]
	}
	if n.Kind == check.Action {
		s.Action = n.Action.Name
	}
	s.Rekey = r.rekeyed[[2]string{s.Address, s.Each}]
	if n.Kind == check.Action || r.progress == &r.handler { // a wait of on_error is told by it from one before a retry
		s.Key = stepKey(r.run, r.keyBase, s)
	}
	u.step = s
	return s
}

// set gives a unit a state and the others what they read of it. It is for a unit that has ended; v may be null.
func (r *runner) set(u *unit, s nodeState, v cty.Value) {
	if u.node.Latest != nil {
		r.takeObject(u)
		return
	}
	if u.of == nil {
		r.state[u.node.Index] = s
		r.scope.SetAction(u.node.Name, v)
		return
	}
	u.state = s
	u.of.outs[u.item] = v
	u.of.left--
}

// begin evaluates a step's condition and inputs and returns the call to make; nil where there is none, and the unit has
// ended or waits.
func (r *runner) begin(u *unit) (*attempt, error) {
	n := u.node
	if err := r.openScope(); err != nil {
		return nil, err
	}
	if raw, known := r.knownObject(n); known {
		r.succeed(u, null, raw)
		return nil, nil
	}
	if n.When != nil {
		v, err := r.value(n.When)
		if err != nil {
			return nil, err
		}
		if v.IsNull() || v.Type() != cty.Bool {
			return nil, &connectors.Error{Kind: connectors.KindDrift, Message: "`when` is not true or false"}
		}
		if v.False() {
			s := r.step(u)
			s.Status, s.EndedAt = runtime.StepSkipped, r.e.clock.Now()
			r.set(u, skipped, null)
			return nil, nil
		}
	}
	s := r.step(u)
	input, err := r.input(n, s)
	if err != nil {
		return nil, err
	}
	if left, limited := r.timeLeft(); limited && left <= 0 {
		return nil, &connectors.Error{Kind: connectors.KindTimeout, Final: true, NotSent: true, Message: "the time given to the recipe is over"}
	}
	if n.Calls != "" {
		return nil, r.callRecipe(u, input)
	}
	if r.e.answers != nil {
		r.takeAnswer(u)
		return nil, nil
	}
	if r.run.Shadow && n.Action.Effect != schema.Read {
		r.shadow(u)
		return nil, nil
	}
	spending, err := r.spending(n, input, s.Key)
	if err != nil {
		return nil, err
	}
	if u.of == nil {
		r.state[n.Index] = running
	} else {
		u.state = running
		u.of.busy++
	}
	account := ""
	if n.Latest != nil {
		account = r.ev.Account // whose object it is
	}
	return &attempt{unit: u, spending: spending, call: &connectors.Call{
		Action:    r.actions[n.Index],
		Conn:      r.conns[n.Index],
		Input:     input,
		Key:       s.Key,
		Run:       r.run.ID,
		Step:      s.Address,
		Each:      s.Each,
		EventID:   r.ev.ID,
		EventTime: r.ev.Time,
		Account:   account,
	}}, nil
}

// input evaluates a step's inputs, and notes them in its record.
func (r *runner) input(n *check.Node, s *runtime.Step) (cty.Value, error) {
	args := make(map[string]cty.Value, len(n.Inputs))
	var hidden []string
	for _, in := range n.Inputs {
		v, secret, err := r.marked(in.Expr)
		if err != nil {
			return cty.NilVal, err
		}
		if secret || in.Field.Secret {
			hidden = append(hidden, in.Field.Name)
		}
		if in.Field.Required && v.IsNull() {
			// The checker has seen that it can't be null by the payload's shape.
			return cty.NilVal, &connectors.Error{Kind: connectors.KindDrift, Message: in.Field.Name + " is required, and is null"}
		}
		args[in.Field.Name] = v
	}
	input, err := n.Action.In.ConvertMembers(args)
	if err != nil {
		return cty.NilVal, &connectors.Error{Kind: connectors.KindInvalid, Message: err.Error(), Err: err}
	}
	if s.Input == nil {
		if s.Input, err = shown(input, hidden); err != nil {
			return cty.NilVal, &connectors.Error{Kind: connectors.KindInvalid, Message: err.Error(), Err: err}
		}
	}
	return input, nil
}

// shown is an input as the run log keeps it.
func shown(input cty.Value, hidden []string) ([]byte, error) {
	if len(hidden) > 0 {
		attrs := input.AsValueMap()
		for _, name := range hidden {
			if !attrs[name].IsNull() {
				attrs[name] = cty.StringVal("(secret)")
			}
		}
		input = cty.ObjectVal(attrs)
	}
	return schema.AppendJSONOmitNull(nil, input)
}

// settle takes the result of an attempt into the run.
func (r *runner) settle(a *attempt) {
	u := a.unit
	n, s := u.node, r.step(u)
	r.ran = r.ran || n.Latest == nil
	if a.err != nil && context.Cause(r.e.calls) != nil {
		// Cut off by a shutdown: no answer is not an answer. A step that may be repeated is started again; the intent
		// of one that may not stays, and is found unknown.
		r.cut = true
		switch {
		case s.Status == runtime.StepIntent:
			r.putDown(u, unknown)
		case len(s.Attempts) > 0:
			s.Status, s.Due = runtime.StepWaiting, a.at
			r.putDown(u, waiting)
		default:
			s.Status = 0
			r.putDown(u, pending)
		}
		return
	}
	if u.of != nil {
		u.of.busy--
	}
	if a.err != nil && !(n.Latest != nil && connectors.AsError(a.err).Kind == connectors.KindGone) { // else there is no such object any more
		r.settleError(a, connectors.AsError(a.err))
		return
	}
	out := a.value.Output
	if out == cty.NilVal {
		out = null
	}
	output, err := schema.AppendJSON(nil, out)
	if err != nil {
		r.settleError(a, &connectors.Error{Kind: connectors.KindDrift, Message: "the answer can't be kept: " + err.Error()})
		return
	}
	s.Attempts = append(s.Attempts, runtime.Attempt{At: a.at, Duration: a.took, Status: a.value.Status})
	r.e.cfg.Metrics.Attempt(n.Action.Name, "")
	r.succeed(u, out, output)
	r.unsaved = r.unsaved || n.Action.Effect == schema.AtMostOnce
	r.e.cfg.Metrics.StepEnded(n.Action.Name, s.Status.String(), a.took)
}

// succeed ends a step with its answer.
func (r *runner) succeed(u *unit, out cty.Value, output []byte) {
	s := r.step(u)
	s.Output, s.Error = output, nil
	s.Status, s.EndedAt, s.Due = runtime.StepDone, r.e.clock.Now(), time.Time{}
	r.set(u, done, out)
}

// settleError takes a failed attempt into the run: another try later, or the end.
func (r *runner) settleError(a *attempt, ce *connectors.Error) {
	u := a.unit
	n, s := u.node, u.step
	se := stepError(n.Address, ce)
	s.Attempts = append(s.Attempts, runtime.Attempt{At: a.at, Duration: a.took, Status: ce.Status, Error: se})
	r.e.cfg.Metrics.Attempt(n.Action.Name, string(ce.Kind))
	if due, again := r.retryAt(n, s, ce); again {
		s.Error, s.Status, s.Due = se, runtime.StepWaiting, due
		if u.of == nil {
			r.state[n.Index] = waiting
		} else {
			u.state = waiting
		}
		r.e.log.Warn("a call failed and is tried again", "recipe", r.run.Recipe, "run", r.run.ID, "step", n.Address,
			"attempt", len(s.Attempts), "kind", string(ce.Kind), "error", ce.Message, "again_at", due.UTC().Format(time.RFC3339))
		return
	}
	status := runtime.StepFailed
	if n.Action.Effect == schema.AtMostOnce && !ce.NotSent && outcomeUnknown(ce) {
		status = runtime.StepUnknown
		se = &runtime.StepError{Step: n.Address, Kind: connectors.KindUnknown, Status: ce.Status,
			Message: "the call was made and its outcome is not known (" + ce.Message + "); it is not repeated, since the vendor could act twice"}
	}
	r.endFailed(u, status, se)
	r.e.cfg.Metrics.StepEnded(n.Action.Name, s.Status.String(), a.took)
}

// failUnit ends a step that never came to a call.
func (r *runner) failUnit(u *unit, err error) {
	r.step(u)
	if r.scope == nil { // the payload can't be read: no step can go on without it
		u.step.Status, u.step.EndedAt, u.step.Error = runtime.StepFailed, r.e.clock.Now(), stepError(u.node.Address, err)
		r.state[u.node.Index] = failed
		r.fail(u.node.Address, err)
		return
	}
	r.endFailed(u, runtime.StepFailed, stepError(u.node.Address, err))
}

// endFailed ends a step that failed for good, and the run with it unless the recipe says otherwise.
func (r *runner) endFailed(u *unit, status runtime.StepStatus, se *runtime.StepError) {
	s := r.step(u)
	s.Status, s.EndedAt, s.Due, s.Error = status, r.e.clock.Now(), time.Time{}, se
	if u.node.ContinueOnError {
		r.set(u, gaveUp, null)
		r.e.log.Warn("a step failed and the run goes on", "recipe", r.run.Recipe, "run", r.run.ID, "step", se.Step,
			"kind", string(se.Kind), "error", se.Message)
		return
	}
	state := failed
	if status == runtime.StepUnknown {
		state = unknown
	}
	if u.of == nil {
		r.state[u.node.Index] = state
	} else {
		u.state = state
	}
	r.failWith(se)
}

// value evaluates an expression and takes the marks off.
func (r *runner) value(x hclExpression) (cty.Value, error) {
	v, _, err := r.marked(x)
	return v, err
}

func (r *runner) marked(x hclExpression) (cty.Value, bool, error) {
	if err := r.openScope(); err != nil {
		return cty.NilVal, false, err
	}
	v, err := r.scope.Value(x)
	if err != nil {
		return cty.NilVal, false, drift(err)
	}
	if !r.rec.secrets {
		return v, false, nil
	}
	v, secret := eval.Unmark(v)
	return v, secret, nil
}

// drift is the failure of an expression that passed the checker.
func drift(err error) *connectors.Error {
	return &connectors.Error{Kind: connectors.KindDrift, Message: err.Error(), Err: err}
}
