package engine

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/runtime"
)

// runner works on one run. One goroutine owns it; calls run in others and hand back their results.
//
// A run has two parts: the recipe's nodes, and, once it has failed, those of on_error. Within a part the runner goes
// round: whatever can be settled is settled, what can be called is called, and a result that comes in may make more
// possible. Where nothing is under way any more the next part begins, or the run is put down: ended, or waiting.
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

	*progress // main, or handler once that has begun
	main      progress
	handler   progress // of on_error
	problem   error    // why on_error failed

	results  chan *attempt
	flying   int                     // calls under way
	children []*runtime.Run          // runs that it calls and that are not in the store yet
	called   map[string]*runtime.Run // by id, those it called that have ended since it was last worked on; nil for one that is gone
	keyBase  string                  // of a called run: the key of the step that called, from which those of its own are made
	ran      bool                    // a step has been started, now or before the run was resumed
	gave     bool                    // its outputs have been evaluated
	unsaved  bool                    // an AtMostOnce answer is not in the store yet
	fetched  bool                    // the object of a trigger with latest is not in the store yet
	vanished bool                    // that object is no more
	cut      bool                    // a call was cut off by a shutdown
	later    time.Time               // when a wait whose time is over is looked at again

	failing atomic.Bool   // the part has failed: what has not called yet does not call
	down    atomic.Bool   // it is recorded as it was put down
	gone    chan struct{} // closed when nobody works on the run any more; nil where nobody asked, guarded by Engine.mu

	inBulk  bool              // it has a place among the runs that are done many at a time
	rekeyed map[[2]string]int // by address and element: Step.Rekey of steps that are done again from the start
	began   time.Time         // of a replay: when the run that it replays started
	first   *runtime.Run      // of a replay under the same keys: the run that it replays

	halt atomic.Pointer[runtime.StepError] // set by others: nothing new starts, and the run is canceled
}

func (e *Engine) newRunner(g *generation, rec *recipe, trigger *check.Trigger, ev *runtime.Event, w *eventWork) *runner {
	r := &runner{
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
			Shadow:     rec.Shadow || e.cfg.Shadow,
		},
		main: newProgress(&rec.main),
	}
	r.progress = &r.main
	for _, n := range rec.fetches {
		if n.Latest != trigger {
			r.state[n.Index] = passed // it fetches what another trigger is about
		}
	}
	return r
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
			r.abandon()
			return err
		}
		if again {
			continue
		}
		if r.flying > 0 {
			if err := r.await(); err != nil {
				r.abandon()
				return err
			}
			continue
		}
		turned := false
		if err := r.e.guarded(func() error { turned = r.turn(); return nil }); err != nil {
			if r.run.Error != nil {
				r.problem = err // on_error can't begin
			}
			r.fail("", err)
			continue
		}
		if !turned {
			return r.conclude()
		}
	}
}

// stopping reports whether no call is made any more in this process.
func (r *runner) stopping() bool { return r.cut || r.e.draining.Load() }

// over reports whether nothing new starts in this part of the run.
func (r *runner) over() bool {
	return r.halt.Load() != nil || r.problem != nil || r.run.Error != nil && r.progress == &r.main
}

// advance settles every node that can be settled and starts every step whose needs and gates are met. It returns true
// where a step has ended meanwhile, so that there may be more to do.
func (r *runner) advance() (again bool, err error) {
	var calls []*attempt
	for moved := true; moved && !r.over(); {
		moved = false
		for _, n := range r.nodes {
			if r.over() {
				break
			}
			more := false
			switch r.state[n.Index] {
			case pending:
				calls, more = r.advanceNode(n, calls)
			case running:
				if n.ForEach != nil {
					calls, more = r.advanceLoop(n, calls)
				}
			}
			moved = moved || more
		}
	}
	if r.over() {
		for _, a := range calls { // prepared in the round in which another failed: nothing new starts
			r.unbegin(a.unit)
		}
		r.dropChildren()
		return false, nil
	}
	return r.launch(calls)
}

// advanceNode takes a pending node as far as it goes. moved says that others may be able to go on now.
func (r *runner) advanceNode(n *check.Node, calls []*attempt) (_ []*attempt, moved bool) {
	switch r.fate(n) {
	case blocked:
		return calls, false
	case isHeld:
		r.leave(n, held)
		return calls, true
	case isDark:
		r.darken(n)
		return calls, true
	}
	switch n.Kind {
	case check.Filter:
		switch lets, err := r.gate(n); {
		case err != nil:
			r.fail(n.Address, err)
		case lets:
			r.state[n.Index] = passed
		default:
			r.state[n.Index] = stopped
			r.stoppedBy(n)
		}
	case check.Switch:
		if err := r.decide(n); err != nil {
			r.fail(n.Address, err)
		}
	case check.Wait:
		return calls, r.beginWait(n)
	default:
		if r.stopping() {
			return calls, false
		}
		if n.ForEach != nil {
			if err := r.openLoop(n); err != nil {
				r.state[n.Index] = failed
				r.fail(n.Address, err)
			}
			return calls, true
		}
		u := r.at(n)
		a, err := r.begin(u)
		switch {
		case err != nil:
			r.failUnit(u, err)
		case a != nil:
			return append(calls, a), false
		}
	}
	return calls, true
}

// stoppedBy notes the filter that stopped the run, or, where none did, one that stopped a case.
func (r *runner) stoppedBy(n *check.Node) {
	if r.progress == &r.main && (n.Parent < 0 || r.run.StoppedBy == "") {
		r.run.StoppedBy = gateName(n)
	}
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

// leave settles a node that will not be reached. What stands outside its block reads null for it.
func (r *runner) leave(n *check.Node, s nodeState) {
	r.state[n.Index] = s
	r.setNull(n)
}

// setNull makes null what others read of a node.
func (r *runner) setNull(n *check.Node) {
	if r.scope == nil {
		return // the payload could not be read: nothing goes on from here but on_error, which begins with setUnreached
	}
	switch {
	case n.Latest != nil: // `trigger` stays what it is
	case n.Kind == check.Action:
		r.scope.SetAction(n.Name, null)
	case n.Kind == check.Wait:
		r.scope.SetWait(n.Name, null)
	}
}

// fail ends this part of the run; a run fails for its first reason.
func (r *runner) fail(address string, err error) {
	r.failWith(stepError(address, err))
}

func (r *runner) failWith(se *runtime.StepError) {
	r.failing.Store(true)
	switch {
	case r.progress == &r.handler:
		if r.problem == nil {
			r.problem = se
		}
	case r.run.Error == nil:
		r.run.Error = se
	}
}

func stepError(address string, err error) *runtime.StepError {
	ce := connectors.AsError(err)
	return &runtime.StepError{Step: address, Kind: ce.Kind, Status: ce.Status, Message: ce.Message}
}

// turn begins what follows when nothing is under way any more: the outputs of a called run, or on_error. It returns
// false where nothing follows.
func (r *runner) turn() bool {
	if r.progress != &r.main || r.problem != nil || r.halt.Load() != nil {
		return false
	}
	if r.run.Error == nil && !r.gave && len(r.rec.Outputs) > 0 && r.run.Parent != "" {
		if status, _ := r.verdict(); status != runtime.RunCompleted {
			return false
		}
		r.gave = true
		if !r.stoppedEarly() {
			r.giveOutputs()
		}
	}
	if r.run.Error == nil || len(r.rec.OnError) == 0 || r.stopping() {
		return false
	}
	r.beginHandler()
	return true
}

// stoppedEarly reports whether a filter of the recipe itself, not of a case, did not let through.
func (r *runner) stoppedEarly() bool {
	return slices.ContainsFunc(r.main.nodes, func(n *check.Node) bool { return n.Parent < 0 && r.main.state[n.Index] == stopped })
}

// verdict says where a run stands when nothing is under way, and when it goes on.
func (r *runner) verdict() (runtime.RunStatus, time.Time) {
	now := r.e.clock.Now()
	waits, due := r.waiting()
	switch {
	case r.halt.Load() != nil:
		return runtime.RunCanceled, time.Time{}
	case r.problem != nil:
		return runtime.RunFailed, time.Time{}
	case r.run.Error != nil && r.progress == &r.main:
		if len(r.rec.OnError) > 0 {
			return runtime.RunWaiting, now // for on_error, after a shutdown
		}
		return runtime.RunFailed, time.Time{}
	case r.cut || r.stopping() && r.unfinished():
		return runtime.RunWaiting, now
	case waits:
		if due.Before(r.later) && !due.IsZero() {
			due = r.later
		}
		return runtime.RunWaiting, due
	case r.run.Error != nil:
		return runtime.RunFailed, time.Time{}
	case r.vanished:
		return runtime.RunSkipped, time.Time{}
	case r.run.StoppedBy != "" && !r.ran:
		return runtime.RunFiltered, time.Time{}
	}
	return runtime.RunCompleted, time.Time{}
}

// waiting reports whether a step waits, and when the first goes on: the zero time where all wait for something to come.
func (r *runner) waiting() (waits bool, due time.Time) {
	r.each(func(u *unit) {
		if u.step.Status != runtime.StepWaiting {
			return
		}
		waits = true
		if d := u.step.Due; !d.IsZero() && (due.IsZero() || d.Before(due)) {
			due = d
		}
	})
	return waits, due
}

// save records the run as it stands, with the steps that have changed. A step without a status is under way and safe to
// repeat, so that there is nothing to say of it yet.
func (r *runner) save(c *runtime.Change) error {
	all, same := r.run.Steps[:0], 0
	r.eachOfAll(func(u *unit) {
		if u.step.Status != 0 {
			all = append(all, u.step)
			if !u.dirty {
				same++
			}
		}
	})
	r.run.Steps = all
	kept := r.run
	if same > 0 {
		part := *r.run
		part.Steps = make([]*runtime.Step, 0, len(all)-same)
		r.eachOfAll(func(u *unit) {
			if u.step.Status != 0 && u.dirty {
				part.Steps = append(part.Steps, u.step)
			}
		})
		kept = &part
	}
	c.Runs = append([]*runtime.Run{kept}, r.children...)
	caused := r.caused(c, kept.Steps)
	if err := r.e.record(c); err != nil {
		return err
	}
	r.e.causes.forget(caused)
	r.run.Seq = kept.Seq
	r.eachOfAll(func(u *unit) { u.dirty = u.dirty && u.step.Status == 0 })
	if len(r.children) > 0 {
		r.children = nil
		signal(r.e.wakeDue)
	}
	r.unsaved, r.fetched = false, false
	return nil
}

// eachOfAll calls f for all units of both parts that have a step.
func (r *runner) eachOfAll(f func(*unit)) {
	r.main.each(f)
	r.handler.each(f)
}

// conclude gives the run its end, or its wait, and records it, with the event's decision where it is the last.
func (r *runner) conclude() error {
	r.run.Status, r.run.Due = r.verdict()
	ended := r.run.Status.Ended()
	change := &runtime.Change{}
	if ended {
		if r.run.Status == runtime.RunCanceled {
			r.run.Error = r.halt.Load()
		}
		r.run.EndedAt = r.e.clock.Now()
		r.endOpenSteps()
		change.Wake = wakeFor(r.run)
	}
	if r.work != nil && r.work.alone {
		change.Decision, change.Keys = r.work.decision, r.work.keys
	}
	recorded := func() {}
	if r.run.Status == runtime.RunWaiting && r.holds() {
		recorded = r.hold()
	}
	leaves := r.leavesLane()
	if leaves && !ended {
		r.run.Queue = runtime.QueueLane // it must have a place again before it goes on
	}
	r.e.cfg.Crash("before-run-recorded")
	err := r.save(change)
	recorded()
	if err != nil {
		return err
	}
	r.down.Store(true)
	r.e.cfg.Crash("after-run-recorded")
	switch r.run.Status {
	case runtime.RunWaiting:
		r.e.cfg.Crash("after-wait-recorded")
	case runtime.RunQueued:
		r.e.cfg.Metrics.RunQueued(r.run.Recipe, r.run.Queue.String())
	}
	if leaves {
		r.e.leftLane(r.run)
	}
	if ended {
		r.e.cfg.Metrics.RunEnded(r.run.Recipe, r.run.Status.String())
		if r.vanished {
			r.e.cfg.Metrics.RunSkipped(r.run.Recipe, r.run.StoppedBy)
		}
		r.report()
	}
	if change.Wake != nil || len(change.Keys) > 0 {
		signal(r.e.wakeDue)
	}
	if r.e.cfg.OnRun != nil {
		r.e.cfg.OnRun(r.run)
	}
	if change.Decision != nil {
		r.e.decided(r.ev, change.Decision)
	}
	return nil
}

// endOpenSteps ends what still waits, or was cut off, when the run ends or its main part has failed.
func (r *runner) endOpenSteps() {
	now := r.e.clock.Now()
	end := func(u *unit) {
		s := u.step
		switch s.Status {
		case runtime.StepIntent:
			s.Status, s.EndedAt, u.dirty = runtime.StepUnknown, now, true
			s.Error = lostOutcome(s.Address)
		case runtime.StepWaiting:
			s.Status, s.EndedAt, s.Due, s.Awaits, u.dirty = runtime.StepFailed, now, time.Time{}, nil, true
			if s.Error == nil {
				s.Error = &runtime.StepError{Step: s.Address, Kind: connectors.KindCanceled, Message: "the run ended before it did"}
			}
		}
	}
	r.eachOfAll(end)
}

func (r *runner) report() {
	if r.problem != nil {
		r.e.log.Error("on_error failed", "recipe", r.run.Recipe, "run", r.run.ID, "event", r.ev.ID, "error", r.problem)
	}
	if r.run.Status != runtime.RunFailed {
		return
	}
	if r.run.Error.Kind == connectors.KindUnknown && r.ev.Service != alertService {
		r.e.Alert(AlertUnknownOutcome, fmt.Sprintf("run %s of %s made a call whose outcome is not known, at %s", r.run.ID, r.run.Recipe, r.run.Error.Step), 1)
	}
	r.e.log.Error("a run failed", "recipe", r.run.Recipe, "run", r.run.ID, "event", r.ev.ID,
		"step", r.run.Error.Step, "kind", string(r.run.Error.Kind), "error", r.run.Error.Message)
}
