package engine

import (
	"context"
	"slices"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

// attempt is one call of a step, and what came of it.
type attempt struct {
	node  *check.Node
	step  *runtime.Step
	call  *connectors.Call
	at    time.Time
	took  time.Duration
	value connectors.Result
	err   error
}

// prepare evaluates a step's condition and inputs. It returns nil where `when` is false.
func (r *runner) prepare(n *check.Node) (*attempt, error) {
	if err := r.openScope(); err != nil {
		return nil, err
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
			return nil, nil
		}
	}
	s := r.step(n)
	args := make(map[string]cty.Value, len(n.Inputs))
	var hidden []string
	for _, in := range n.Inputs {
		v, secret, err := r.marked(in.Expr)
		if err != nil {
			return nil, err
		}
		if secret || in.Field.Secret {
			hidden = append(hidden, in.Field.Name)
		}
		if in.Field.Required && v.IsNull() {
			// The checker has seen that it can't be null by the payload's shape.
			return nil, &connectors.Error{Kind: connectors.KindDrift, Message: in.Field.Name + " is required, and is null"}
		}
		args[in.Field.Name] = v
	}
	input, err := n.Action.In.Convert(cty.ObjectVal(args))
	if err != nil {
		return nil, &connectors.Error{Kind: connectors.KindInvalid, Message: err.Error(), Err: err}
	}
	if s.Input == nil {
		if s.Input, err = shown(input, hidden); err != nil {
			return nil, &connectors.Error{Kind: connectors.KindInvalid, Message: err.Error(), Err: err}
		}
	}
	r.state[n.Index] = running
	return &attempt{node: n, step: s, call: &connectors.Call{
		Action:    r.rec.actions[n.Index],
		Conn:      r.rec.conns[n.Index],
		Input:     input,
		Key:       s.Key,
		Run:       r.run.ID,
		EventID:   r.ev.ID,
		EventTime: r.ev.Time,
	}}, nil
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

// launch makes the calls of steps that are ready: in this goroutine where there is just one and nothing else to wait
// for, in their own otherwise. It returns true where a step has ended meanwhile.
func (r *runner) launch(ready []*attempt) (ended bool, err error) {
	if len(ready) == 0 {
		if r.unsaved && r.flying > 0 {
			return false, r.save(nil)
		}
		return false, nil
	}
	intents := r.unsaved
	begun := ready[:0]
	for _, a := range ready {
		if once(a.node) {
			if !r.e.enterOnce(a.call.Conn.Name) { // draining: it is begun after the next start
				r.unbegin(a)
				continue
			}
			a.step.Status = runtime.StepIntent
			intents = true
		}
		a.at = r.e.clock.Now()
		begun = append(begun, a)
	}
	if ready = begun; len(ready) == 0 {
		return false, nil
	}
	if intents {
		r.run.Status = runtime.RunRunning
		if err := r.save(nil); err != nil {
			for _, a := range ready {
				if once(a.node) {
					r.e.leaveOnce(a.call.Conn.Name)
				}
			}
			return false, err
		}
		r.e.cfg.Crash("after-intent")
	}
	r.ran = true
	if len(ready) == 1 && r.flying == 0 {
		r.call(ready[0])
		r.settle(ready[0])
		return true, nil
	}
	if r.results == nil {
		r.results = make(chan *attempt, len(r.rec.Nodes))
	}
	r.flying += len(ready)
	for _, a := range ready {
		go func() {
			r.call(a)
			r.results <- a
		}()
	}
	return false, nil
}

// once reports whether a node's call must not be repeated.
func once(n *check.Node) bool {
	return n.Action.Effect == schema.AtMostOnce && !n.AllowDuplicates
}

// unbegin takes back that a step was prepared.
func (r *runner) unbegin(a *attempt) {
	r.state[a.node.Index] = pending
	if len(a.step.Attempts) == 0 {
		r.steps[a.node.Index] = nil
	}
}

// await takes the next result of the calls under way.
func (r *runner) await() {
	a := <-r.results
	r.flying--
	r.settle(a)
}

// call makes one attempt. It runs beside the runner and touches nothing of it but what never changes.
func (r *runner) call(a *attempt) {
	timeout := a.node.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	if r.rec.Timeout > 0 {
		timeout = min(timeout, max(0, r.rec.Timeout-a.at.Sub(r.run.StartedAt)))
	}
	if once(a.node) {
		defer r.e.leaveOnce(a.call.Conn.Name)
	}
	ctx, cancel := context.WithTimeout(r.e.calls, timeout)
	defer cancel()
	r.e.cfg.Crash("before-call")
	if fault := r.e.guarded(func() error {
		a.value, a.err = a.call.Action.Call.Call(ctx, a.call)
		return nil
	}); fault != nil {
		a.err = &connectors.Error{Kind: connectors.KindUnknown, Final: true, Message: connectors.AsError(fault).Message}
	}
	r.e.cfg.Crash("after-call")
	a.took = r.e.clock.Now().Sub(a.at)
}

// settle takes the result of an attempt into the run.
func (r *runner) settle(a *attempt) {
	n, s, i := a.node, a.step, a.node.Index
	if a.err != nil && context.Cause(r.e.calls) != nil {
		// Cut off by a shutdown: no answer is not an answer. A step that may be repeated is started again; the intent
		// of one that may not stays, and is found unknown.
		r.cut = true
		r.state[i] = unknown
		if s.Status != runtime.StepIntent {
			s.Status = 0
			r.state[i] = pending
			if len(s.Attempts) > 0 {
				s.Status, s.Due, r.state[i] = runtime.StepWaiting, a.at, waiting
			}
		}
		return
	}
	record := runtime.Attempt{At: a.at, Duration: a.took, Status: a.value.Status}
	if a.err == nil {
		s.Attempts = append(s.Attempts, record)
		r.e.cfg.Metrics.Attempt(n.Action.Name, "")
		out := a.value.Output
		if out == cty.NilVal {
			out = null
		}
		var err error
		if s.Output, err = schema.AppendJSON(nil, out); err != nil {
			r.settleError(a, &connectors.Error{Kind: connectors.KindDrift, Message: "the answer can't be kept: " + err.Error()})
			return
		}
		s.Error = nil
		s.Status, s.EndedAt, s.Due = runtime.StepDone, r.e.clock.Now(), time.Time{}
		r.state[i] = done
		r.scope.SetAction(n.Name, out)
		r.unsaved = r.unsaved || n.Action.Effect == schema.AtMostOnce
		r.e.cfg.Metrics.StepEnded(n.Action.Name, s.Status.String(), a.took)
		return
	}
	r.settleError(a, connectors.AsError(a.err))
}

// settleError takes a failed attempt into the run: another try later, or the end.
func (r *runner) settleError(a *attempt, ce *connectors.Error) {
	n, s, i := a.node, a.step, a.node.Index
	se := stepError(n.Address, ce)
	s.Attempts = append(s.Attempts, runtime.Attempt{At: a.at, Duration: a.took, Status: ce.Status, Error: se})
	r.e.cfg.Metrics.Attempt(n.Action.Name, string(ce.Kind))
	s.Error = se

	if due, again := r.retryAt(n, s, ce); again {
		s.Status, s.Due = runtime.StepWaiting, due
		r.state[i] = waiting
		r.e.log.Warn("a call failed and is tried again", "recipe", r.run.Recipe, "run", r.run.ID, "step", n.Address,
			"attempt", len(s.Attempts), "kind", string(ce.Kind), "error", ce.Message, "again_at", due.UTC().Format(time.RFC3339))
		return
	}
	s.EndedAt, s.Due = r.e.clock.Now(), time.Time{}
	s.Status, r.state[i] = runtime.StepFailed, failed
	if n.Action.Effect == schema.AtMostOnce && !ce.NotSent && outcomeUnknown(ce) {
		s.Status, r.state[i] = runtime.StepUnknown, unknown
		s.Error = &runtime.StepError{Step: n.Address, Kind: connectors.KindUnknown, Status: ce.Status,
			Message: "the call was made and its outcome is not known (" + ce.Message + "); it is not repeated, since the vendor could act twice"}
		se = s.Error
	}
	if r.run.Error == nil {
		r.run.Error = se
	}
	r.e.cfg.Metrics.StepEnded(n.Action.Name, s.Status.String(), a.took)
}

// outcomeUnknown reports whether a failure leaves open if the vendor acted.
func outcomeUnknown(ce *connectors.Error) bool {
	switch ce.Kind {
	case connectors.KindNetwork, connectors.KindTimeout, connectors.KindServer, connectors.KindCanceled, connectors.KindDrift,
		connectors.KindUnknown:
		return true
	}
	return false
}

// retryAt says when a failed step is tried again, if it is. The delay is drawn from zero to a bound that doubles with
// each attempt (full jitter), and is never shorter than the vendor asked for.
func (r *runner) retryAt(n *check.Node, s *runtime.Step, ce *connectors.Error) (time.Time, bool) {
	policy := n.Retry
	if ce.Final {
		return time.Time{}, false
	}
	if len(policy.On) > 0 {
		if !slices.Contains(policy.On, string(ce.Kind)) {
			return time.Time{}, false
		}
	} else if !ce.Kind.Transient() {
		return time.Time{}, false
	}
	if once(n) && !ce.NotSent {
		return time.Time{}, false
	}
	tried := len(s.Attempts)
	if policy.Attempts > 0 && tried >= policy.Attempts {
		return time.Time{}, false
	}
	bound := policy.Max
	if shift := tried - 1; shift < 40 && policy.Min<<shift < policy.Max && policy.Min<<shift > 0 {
		bound = policy.Min << shift
	}
	delay := max(time.Duration(r.e.cfg.Rand()*float64(bound)), ce.RetryAfter)
	now := r.e.clock.Now()
	due := now.Add(delay)
	if policy.For > 0 && due.Sub(s.Attempts[0].At) > policy.For {
		return time.Time{}, false
	}
	if r.rec.Timeout > 0 && due.Sub(r.run.StartedAt) > r.rec.Timeout {
		return time.Time{}, false
	}
	return due, true
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
		return cty.NilVal, false, &connectors.Error{Kind: connectors.KindDrift, Message: err.Error(), Err: err}
	}
	if !r.rec.secrets {
		return v, false, nil
	}
	v, secret := eval.Unmark(v)
	return v, secret, nil
}
