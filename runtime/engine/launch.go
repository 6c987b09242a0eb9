package engine

// How steps that are ready become calls. A call needs permission, which may be long in coming, and one that must not
// be repeated is written down first. So where there is one call only, it is made in the runner's own goroutine; where
// there are several, each asks and calls in its own, and comes back to the runner in between for its intent.

import (
	"context"
	"errors"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

// attempt is one call of a step, and what came of it.
type attempt struct {
	unit    *unit
	call    *connectors.Call
	timeout time.Duration

	release func(outcome error) // gives the permission back; nil before it is had
	wait    time.Duration       // how long it is not to be had
	refused error               // why it is not to be had in this process, or why it isn't wanted any more
	called  bool

	spending *runtime.Spending // what it counts for; nil where for nothing
	over     bool              // the recipe's limits don't allow it now

	at    time.Time
	took  time.Duration
	value connectors.Result
	err   error
}

// once reports whether a node's call must not be repeated.
func once(n *check.Node) bool {
	return n.Action.Effect == schema.AtMostOnce && !n.AllowDuplicates
}

// launch makes the calls of steps that are ready. It returns true where a step has ended meanwhile.
func (r *runner) launch(calls []*attempt) (ended bool, err error) {
	for _, a := range calls {
		if a.timeout = a.unit.node.Timeout; a.timeout <= 0 {
			a.timeout = defaultTimeout
		}
		if left, limited := r.timeLeft(); limited {
			a.timeout = min(a.timeout, max(0, left))
		}
	}
	if err := r.keepObject(calls); err != nil {
		return false, err
	}
	switch {
	case len(calls) == 1 && r.flying == 0:
		return r.callHere(calls[0])
	case len(calls) > 0 && r.e.cfg.InTurn:
		return r.callInTurn(calls)
	case len(calls) > 0 && r.results == nil:
		r.results = make(chan *attempt)
	}
	r.flying += len(calls)
	for _, a := range calls {
		go func() {
			if r.ask(a); a.release != nil && !once(a.unit.node) {
				r.call(a)
			}
			r.results <- a
		}()
	}
	if r.flying > 0 && (r.unsaved || len(r.children) > 0) {
		return false, r.save(&runtime.Change{})
	}
	return false, nil
}

// callHere makes a call in the runner's goroutine.
func (r *runner) callHere(a *attempt) (ended bool, err error) {
	if r.ask(a); a.release == nil {
		r.putOff(a)
		return true, nil
	}
	if once(a.unit.node) {
		a.unit.step.Status = runtime.StepIntent
	}
	if once(a.unit.node) || r.unsaved || len(r.children) > 0 {
		if err := r.saveIntents(a); err != nil {
			return false, err
		}
	}
	r.call(a)
	r.settle(a)
	return true, nil
}

// callInTurn makes calls one after the other. What each came to counts once all are made, as if they had been made at the
// same time: those of a step's siblings are made though it fails.
func (r *runner) callInTurn(calls []*attempt) (ended bool, err error) {
	save := r.unsaved || len(r.children) > 0
	for _, a := range calls {
		if once(a.unit.node) {
			a.unit.step.Status, save = runtime.StepIntent, true
		}
	}
	if save {
		r.run.Status = runtime.RunRunning
		if err := r.save(&runtime.Change{}); err != nil {
			return false, err
		}
	}
	for _, a := range calls {
		if r.ask(a); a.release != nil {
			r.call(a)
		}
	}
	for _, a := range calls {
		if a.called {
			r.settle(a)
		} else {
			r.putOff(a)
		}
	}
	return true, nil
}

// ask asks for permission to call. It may run beside the runner.
func (r *runner) ask(a *attempt) {
	release, wait, err := r.e.permit(r.e.calls, a.call.Conn, a.call.Action, r.run.Bulk)
	switch {
	case err != nil:
		a.refused = err
	case wait > 0:
		a.wait = wait
	case r.failing.Load() || r.halt.Load() != nil:
		release(errNotCalled)
		a.refused = errNotCalled
	case a.spending != nil:
		r.askLimits(a, release)
	default:
		a.release = release
	}
}

// askLimits counts a call for which there is permission.
func (r *runner) askLimits(a *attempt, release func(error)) {
	fits, err := r.e.spend(a.spending)
	switch {
	case err != nil:
		a.refused = err
	case !fits:
		a.over = true
	default:
		r.e.cfg.Crash("after-spend")
		a.release = release
		return
	}
	release(errNotCalled)
}

// putOff puts down a step that may not call: for a while, until the recipe is resumed, or to be begun after the next start.
func (r *runner) putOff(a *attempt) {
	if a.refused != nil {
		r.cut = r.cut || !errors.Is(a.refused, errNotCalled)
		r.unbegin(a.unit)
		return
	}
	s := r.step(a.unit)
	s.Status, s.Due = runtime.StepWaiting, r.e.clock.Now().Add(a.wait)
	a.unit.over = a.over
	r.putDown(a.unit, waiting)
}

// saveIntents records that calls are about to be made.
func (r *runner) saveIntents(calls ...*attempt) error {
	r.run.Status = runtime.RunRunning
	if err := r.save(&runtime.Change{}); err != nil {
		for _, a := range calls {
			a.release(errNotCalled)
		}
		return err
	}
	r.e.cfg.Crash("after-intent")
	return nil
}

// await takes the results that have come in, and waits for one where none has.
func (r *runner) await() error {
	var permitted []*attempt
	take := func(a *attempt) {
		r.flying--
		switch {
		case a.called:
			r.settle(a)
		case a.release == nil:
			r.putOff(a)
		default:
			permitted = append(permitted, a)
		}
	}
	take(<-r.results)
	for more := true; more; {
		select {
		case a := <-r.results:
			take(a)
		default:
			more = false
		}
	}
	if r.over() {
		for _, a := range permitted {
			a.release(errNotCalled)
			r.unbegin(a.unit)
		}
		return nil
	}
	if len(permitted) == 0 {
		return nil
	}
	for _, a := range permitted {
		r.step(a.unit).Status = runtime.StepIntent
	}
	if err := r.saveIntents(permitted...); err != nil {
		return err
	}
	r.flying += len(permitted)
	for _, a := range permitted {
		go func() {
			r.call(a)
			r.results <- a
		}()
	}
	return nil
}

// abandon lets calls under way come to their end, for which nobody waits: what they did can't be recorded.
func (r *runner) abandon() {
	flying, results := r.flying, r.results
	go func() {
		for range flying {
			if a := <-results; a.release != nil && !a.called {
				a.release(errNotCalled)
			}
		}
	}()
}

// call makes one attempt, for which there is permission. It may run beside the runner and touches nothing of it but
// what never changes.
func (r *runner) call(a *attempt) {
	ctx, cancel := context.WithTimeout(r.e.calls, a.timeout)
	defer cancel()
	a.called, a.at = true, r.e.clock.Now()
	r.calling(a)
	r.e.cfg.Crash("before-call")
	if fault := r.e.guarded(func() error {
		a.value, a.err = a.call.Action.Call.Call(ctx, a.call)
		return nil
	}); fault != nil {
		a.err = &connectors.Error{Kind: connectors.KindUnknown, Final: true, Message: connectors.AsError(fault).Message}
	}
	a.release(a.err)
	r.e.cfg.Crash("after-call")
	a.took = r.e.clock.Now().Sub(a.at)
}

// putDown gives a unit whose call is not under way any more a state in which it has not ended.
func (r *runner) putDown(u *unit, s nodeState) {
	if u.of == nil {
		r.state[u.node.Index] = s
		return
	}
	u.state = s
	u.of.busy--
}

// unbegin takes back that a step was prepared.
func (r *runner) unbegin(u *unit) {
	r.putDown(u, pending)
	if u.of != nil {
		u.of.next = min(u.of.next, u.item)
	}
	if u.step.Status == 0 {
		u.step = nil
	}
}
