package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/runtime"
)

// nodeState is where a node of a run stands in this process. Unlike a step's status it covers gates, and it is not
// kept: a run that is resumed evaluates its gates again, which gives the same, since evaluation is pure.
type nodeState uint8

const (
	pending nodeState = iota
	passed            // a gate that lets through
	stopped           // a gate that does not
	running
	waiting // until the step's Due
	done
	skipped
	failed
	unknown
)

func (s nodeState) settled() bool { return s == done || s == skipped || s == passed }

// runner works on one run. One goroutine owns it; calls run in others and hand back their results.
type runner struct {
	e       *Engine
	g       *generation
	rec     *recipe
	trigger *check.Trigger
	ev      *runtime.Event
	work    *eventWork // nil where the run was resumed
	run     *runtime.Run

	object, previous []byte
	payload          cty.Value // object decoded as far as it is read; NilVal where that is still to do
	scope            *eval.Scope

	state   []nodeState
	steps   []*runtime.Step // by node; nil for gates and for steps not reached
	results chan *attempt
	flying  int  // calls under way
	ran     bool // a step has been started, now or before the run was resumed
	unsaved bool // an AtMostOnce answer is not in the store yet
	cut     bool // a call was cut off by a shutdown
}

func (e *Engine) newRunner(g *generation, rec *recipe, trigger *check.Trigger, ev *runtime.Event, w *eventWork) *runner {
	return &runner{
		e: e, g: g, rec: rec, trigger: trigger, ev: ev, work: w,
		run: &runtime.Run{
			ID:         runtime.RunID(ev, rec.Name, ""),
			EventSeq:   ev.Seq,
			Connection: ev.Connection,
			EventID:    ev.ID,
			EventType:  ev.Type,
			Recipe:     rec.Name,
			Program:    g.digest,
			Status:     runtime.RunRunning,
			StartedAt:  e.clock.Now(),
		},
		state: make([]nodeState, len(rec.Nodes)),
		steps: make([]*runtime.Step, len(rec.Nodes)),
	}
}

// exec works until the run has ended or must wait, and records that.
func (r *runner) exec() error {
	for {
		again, stored := false, error(nil)
		if err := r.e.guarded(func() error {
			again, stored = r.advance()
			return nil
		}); err != nil {
			r.fail("", err)
			continue
		}
		if err := stored; err != nil {
			return err
		}
		if again {
			continue
		}
		if r.flying == 0 {
			return r.conclude()
		}
		r.await()
	}
}

// advance settles every gate and skip that can be settled and starts every step whose needs and gates are met. It
// returns true where a step has ended meanwhile, so that there may be more to do.
func (r *runner) advance() (again bool, err error) {
	var ready []*attempt
	for progress := true; progress; {
		progress = false
		for _, n := range r.rec.Nodes {
			if r.run.Error != nil {
				break
			}
			if r.state[n.Index] != pending || !r.reachable(n) {
				continue
			}
			if n.Kind == check.Filter {
				switch held, err := r.gate(n); {
				case err != nil:
					r.fail(n.Address, err)
				case held:
					r.state[n.Index] = passed
				default:
					r.state[n.Index] = stopped
					r.run.StoppedBy = gateName(n)
				}
				progress = true
				continue
			}
			if r.e.draining.Load() {
				continue
			}
			a, err := r.prepare(n)
			switch {
			case err != nil:
				r.failStep(n, err)
			case a == nil:
				r.state[n.Index] = skipped
				r.scope.SetAction(n.Name, null)
				progress = true
			default:
				ready = append(ready, a)
			}
		}
	}
	if r.run.Error != nil {
		for _, a := range ready { // prepared in the round in which another failed: nothing new starts
			r.unbegin(a)
		}
		return false, nil
	}
	return r.launch(ready)
}

// reachable reports whether all gates above a node let through and all it needs is there.
func (r *runner) reachable(n *check.Node) bool {
	for _, i := range n.Gates {
		if r.state[i] != passed {
			return false
		}
	}
	for _, i := range n.Needs {
		if !r.state[i].settled() {
			return false
		}
	}
	return true
}

func gateName(n *check.Node) string {
	if n.Name != "" {
		return n.Name
	}
	return n.Address
}

// gate evaluates a filter.
func (r *runner) gate(n *check.Node) (bool, error) {
	v, err := r.value(n.Condition)
	if err != nil {
		return false, err
	}
	if v.IsNull() || v.Type() != cty.Bool {
		return false, &connectors.Error{Kind: connectors.KindDrift, Message: fmt.Sprintf("the condition of %s is not true or false", n.Address)}
	}
	return v.True(), nil
}

// fail ends the run; a run fails for its first reason.
func (r *runner) fail(address string, err error) {
	if r.run.Error == nil {
		r.run.Error = stepError(address, err)
	}
}

// failStep is fail for a step that never came to a call.
func (r *runner) failStep(n *check.Node, err error) {
	s := r.step(n)
	s.Status, s.EndedAt = runtime.StepFailed, r.e.clock.Now()
	s.Error = stepError(n.Address, err)
	r.state[n.Index] = failed
	r.fail(n.Address, err)
}

func stepError(address string, err error) *runtime.StepError {
	ce := connectors.AsError(err)
	return &runtime.StepError{Step: address, Kind: ce.Kind, Status: ce.Status, Message: ce.Message}
}

// step returns the record of a node's step, made if need be.
func (r *runner) step(n *check.Node) *runtime.Step {
	if s := r.steps[n.Index]; s != nil {
		return s
	}
	s := &runtime.Step{
		Index:     n.Index,
		Address:   n.Address,
		Action:    n.Action.Name,
		Key:       runtime.StepKey(r.rec.Name, r.ev.Connection, r.ev.ID, n.Address, "", r.run.Generation),
		StartedAt: r.e.clock.Now(),
	}
	r.steps[n.Index] = s
	return s
}

// save records the run as it stands.
func (r *runner) save(d *runtime.Decision) error {
	r.run.Steps = r.run.Steps[:0]
	for _, s := range r.steps {
		if s != nil && s.Status != 0 { // 0: under way and safe to repeat, so that there is nothing to say yet
			r.run.Steps = append(r.run.Steps, s)
		}
	}
	if err := r.e.record(&runtime.Change{Decision: d, Runs: []*runtime.Run{r.run}}); err != nil {
		return err
	}
	r.unsaved = false
	return nil
}

// conclude gives the run its end, or its wait, and records it, with the event's decision where it is the last.
func (r *runner) conclude() error {
	now := r.e.clock.Now()
	due := r.nextDue()
	switch {
	case r.run.Error != nil:
		r.run.Status = runtime.RunFailed
	case !due.IsZero():
		r.run.Status, r.run.Due = runtime.RunWaiting, due
	case r.cut || r.unfinished():
		r.run.Status, r.run.Due = runtime.RunWaiting, now
	case r.run.StoppedBy != "" && !r.ran:
		r.run.Status = runtime.RunFiltered
	default:
		r.run.Status = runtime.RunCompleted
	}
	if r.run.Status.Ended() {
		r.run.EndedAt, r.run.Due = now, time.Time{}
	}
	for _, n := range r.rec.Nodes {
		if r.state[n.Index] == skipped && r.steps[n.Index] == nil {
			s := r.step(n)
			s.Status, s.EndedAt = runtime.StepSkipped, now
		}
	}
	var d *runtime.Decision
	if r.work != nil && r.work.alone {
		d = r.work.decision
	}
	r.e.cfg.Crash("before-run-recorded")
	if err := r.save(d); err != nil {
		return err
	}
	r.e.cfg.Crash("after-run-recorded")
	if r.run.Status.Ended() {
		r.e.cfg.Metrics.RunEnded(r.run.Recipe, r.run.Status.String())
		r.report()
	} else {
		signal(r.e.wakeDue)
	}
	if r.e.cfg.OnRun != nil {
		r.e.cfg.OnRun(r.run)
	}
	if d != nil {
		r.e.decided(r.ev, d)
	}
	return nil
}

func (r *runner) report() {
	if r.run.Status != runtime.RunFailed {
		return
	}
	r.e.log.Error("a run failed", "recipe", r.run.Recipe, "run", r.run.ID, "event", r.ev.ID,
		"step", r.run.Error.Step, "kind", string(r.run.Error.Kind), "error", r.run.Error.Message)
}

// nextDue returns when the first waiting step goes on, or the zero time.
func (r *runner) nextDue() time.Time {
	var due time.Time
	for i, s := range r.steps {
		if r.state[i] == waiting && (due.IsZero() || s.Due.Before(due)) {
			due = s.Due
		}
	}
	return due
}

// unfinished reports whether a step could go on but for a shutdown.
func (r *runner) unfinished() bool {
	return slices.ContainsFunc(r.rec.Nodes, func(n *check.Node) bool {
		return r.state[n.Index] == pending && r.reachable(n)
	})
}
