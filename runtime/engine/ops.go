package engine

// What operators do to runs that have ended or wait. Each operation takes the run away from the loops while it changes
// it, and is in the store when it returns. None repeats an effect that nothing protects from being had twice, unless it
// is told to.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

// keyLifetime is how long vendors remember an idempotency key. After that a repeat is a second effect.
const keyLifetime = 24 * time.Hour

// RetryOptions say how a failed run is taken up again: from the steps that failed, on the program it is pinned to, unless
// something else is said.
type RetryOptions struct {
	FromStart bool // all steps again; those that vendors know by their keys have no second effect
	Current   bool // on the program that is served now
	Again     bool // also what may have been done already, under new keys
	Bulk      bool // one of many: live traffic goes before it
}

// Retry takes up a run that has failed, or was canceled. It goes on in the background, and obeys throttle, concurrency
// and the vendors' limits like any other. A step that a vendor has refused gets a new key, since the vendor would answer
// the old one from memory. The error wraps ErrRefused where the run can't be retried in that way.
func (e *Engine) Retry(ctx context.Context, id string, o RetryOptions) error {
	return e.change(ctx, id, func(run *runtime.Run) ([]*runtime.Run, error) {
		if run.Status != runtime.RunFailed && run.Status != runtime.RunCanceled {
			return nil, refuse("run %s is %s; only one that failed or was canceled can be retried", id, run.Status)
		}
		if run.Parent != "" {
			return nil, refuse("run %s was called by another, which has gone on without it: retry %s", id, run.Parent)
		}
		if o.Current {
			g := e.current.Load()
			if err := e.takes(ctx, run, g); err != nil {
				return nil, err
			}
			if !o.FromStart {
				if err := e.fits(run, g); err != nil {
					return nil, err
				}
			}
			run.Program = g.digest
		}
		called, err := e.retake(ctx, run, "", o)
		if err != nil {
			return nil, err
		}
		run.Bulk = run.Bulk || o.Bulk
		e.requeue(run)
		return called, nil
	})
}

// retake makes the steps of an ended run ones that are to be done, as a retry says, and those of the runs that it called,
// which it returns. base is what the keys of a called run's steps are made from.
func (e *Engine) retake(ctx context.Context, run *runtime.Run, base string, o RetryOptions) (called []*runtime.Run, err error) {
	if err := e.checkRepeats(run, o); err != nil {
		return nil, err
	}
	if o.Again {
		run.Generation++
	}
	for _, s := range run.Steps {
		again := s.Status == runtime.StepFailed || s.Status == runtime.StepUnknown
		if s.Child != "" && (again || o.FromStart) && !takenBack(s) {
			more, err := e.retakeCalled(ctx, run, s, o)
			if err != nil {
				return nil, err
			}
			called = append(called, more...)
		}
		switch {
		case o.FromStart && !(fetchedObject(s) && !o.Again && !o.Current): // calls with the keys they had are made of what they were made of
			e.takeBack(s)
		case again && !strings.HasPrefix(s.Address, onErrorPrefix): // on_error speaks up anew when the run fails again
			e.beginAgain(run, base, s)
		}
	}
	return called, nil
}

// retakeCalled is retake for the run that a step called. From the start the step calls it again; otherwise it goes on
// where it failed, and its end wakes the step.
func (e *Engine) retakeCalled(ctx context.Context, caller *runtime.Run, s *runtime.Step, o RetryOptions) ([]*runtime.Run, error) {
	child, err := e.cfg.Store.Run(ctx, s.Child)
	if errors.Is(err, runtime.ErrNotFound) {
		s.Child = "" // it is called anew
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading run %s, which was called: %w", s.Child, err)
	}
	if !child.Status.Ended() {
		return nil, refuse("run %s, which was called by %s, has not ended: it is %s", child.ID, stepName(s), child.Status)
	}
	if child.Status == runtime.RunSkipped && !o.FromStart {
		return nil, nil
	}
	called, err := e.retake(ctx, child, s.Key, o)
	if err != nil {
		return nil, err
	}
	if !o.FromStart {
		child.Program, child.Bulk = caller.Program, false // the caller has its place among many
		e.requeue(child)
	}
	return append(called, child), nil
}

// onErrorPrefix begins the addresses of the steps of on_error.
const onErrorPrefix = "on_error."

// stepName is a step as people know it.
func stepName(s *runtime.Step) string {
	if s.Loop {
		return fmt.Sprintf("%s[%s]", s.Address, s.Each)
	}
	return s.Address
}

// definite reports whether a vendor has said no for good, so that the step was certainly not done.
func definite(s *runtime.Step) bool {
	if s.Error == nil {
		return false
	}
	switch s.Error.Kind {
	case connectors.KindRefused, connectors.KindUnauthorized, connectors.KindNotFound, connectors.KindGone:
		return true
	}
	return false
}

// checkRepeats refuses a retry that could have an effect twice.
func (e *Engine) checkRepeats(run *runtime.Run, o RetryOptions) error {
	if o.Again {
		return nil
	}
	now := e.clock.Now()
	for _, s := range run.Steps {
		if s.Status == runtime.StepUnknown {
			return refuse("whether %s of run %s was done is not known; look at the vendor, then settle it with resolve -sent or -resend", stepName(s), run.ID)
		}
		effect, known := e.effectOf(s)
		if !known || s.Shadow || len(s.Attempts) == 0 {
			continue
		}
		switch s.Status {
		case runtime.StepDone:
			if !o.FromStart {
				continue
			}
			if effect == schema.AtMostOnce {
				return refuse("%s was done, and can't be done again without a second effect; ask for it with -again", stepName(s))
			}
		case runtime.StepFailed:
			if definite(s) || effect == schema.AtMostOnce { // it failed for certain, or it would be unknown
				continue
			}
		default:
			continue
		}
		if effect == schema.Keyed && now.Sub(s.Attempts[0].At) > keyLifetime {
			return refuse("%s was called more than a day ago, so that the vendor does not know its key any more; ask for it with -again", stepName(s))
		}
	}
	return nil
}

// effectOf returns the effect of a step's action.
func (e *Engine) effectOf(s *runtime.Step) (schema.Effect, bool) {
	if s.Action == "" {
		return 0, false
	}
	a := e.cfg.Registry.Caller(s.Action)
	if a == nil {
		return 0, false
	}
	return a.Effect, true
}

// beginAgain makes a step that failed one that is to be done.
func (e *Engine) beginAgain(run *runtime.Run, base string, s *runtime.Step) {
	now := e.clock.Now()
	if definite(s) && s.Child == "" {
		s.Rekey++
	}
	s.Status, s.Due, s.StartedAt, s.EndedAt, s.Error = runtime.StepWaiting, now, now, time.Time{}, nil
	if s.Action == "" || s.Child != "" {
		s.Due = time.Time{} // a wait begins anew, and a call ends with the run that was called
	}
	if s.Action != "" && !strings.HasPrefix(s.Address, onErrorPrefix) {
		s.Key = stepKey(run, base, s)
	}
}

// takeBack makes a step one that has not been done, though its row stays until it is done again. It is told from a step
// that was skipped by its error.
func (e *Engine) takeBack(s *runtime.Step) {
	if definite(s) && s.Child == "" {
		s.Rekey++
	}
	s.Status, s.EndedAt, s.Due, s.Awaits, s.Output = runtime.StepSkipped, e.clock.Now(), time.Time{}, nil, nil
	s.Error = &runtime.StepError{Step: s.Address, Kind: connectors.KindCanceled, Message: "the run was started again"}
}

// takenBack reports whether a step is as takeBack leaves it.
func takenBack(s *runtime.Step) bool { return s.Status == runtime.StepSkipped && s.Error != nil }

// requeue makes a run go on from its recorded steps.
func (e *Engine) requeue(run *runtime.Run) {
	now := e.clock.Now()
	if !run.EndedAt.IsZero() {
		run.Waited += now.Sub(run.EndedAt) // what it lay there is no part of the time that it takes
	}
	run.Status, run.Queue, run.Due, run.EndedAt = runtime.RunQueued, 0, now, time.Time{}
	run.Error, run.StoppedBy, run.Lane, run.Order = nil, "", "", time.Time{}
	run.Retries++
	if run.Bulk {
		run.Queue, run.Due, run.Lane, run.Order = runtime.QueueLane, time.Time{}, bulkLane, now
	}
}

// Resolve ends the doubt about a step whose outcome is unknown: sent says that it was done, so that the run goes on with
// null for its answer; otherwise it was not, and is done again with its key. step is its address, and may be left out
// where only one is unknown.
func (e *Engine) Resolve(ctx context.Context, id, step string, sent bool) error {
	return e.change(ctx, id, func(run *runtime.Run) ([]*runtime.Run, error) {
		if !run.Status.Ended() {
			return nil, refuse("run %s has not ended: it is %s", id, run.Status)
		}
		if run.Parent != "" {
			return e.resolveCalled(ctx, run, step, sent)
		}
		left, err := e.settle(run, "", step, sent)
		if err != nil || left || run.Status == runtime.RunCompleted {
			return nil, err
		}
		called, err := e.retake(ctx, run, "", RetryOptions{})
		if err != nil {
			return nil, err
		}
		e.requeue(run)
		return called, nil
	})
}

// resolveCalled settles the steps of a run that another called. It goes on when the caller is retried.
func (e *Engine) resolveCalled(ctx context.Context, run *runtime.Run, step string, sent bool) ([]*runtime.Run, error) {
	caller, err := e.storedRun(ctx, run.Parent)
	if err != nil {
		return nil, err
	}
	base := run.Parent
	for _, s := range caller.Steps {
		if s.Address == run.ParentStep && s.Each == run.ParentEach {
			base = s.Key
		}
	}
	if _, err := e.settle(run, base, step, sent); err != nil {
		return nil, err
	}
	for _, s := range run.Steps {
		if s.Status == runtime.StepWaiting { // to be done when the run is taken up again
			s.Status, s.Due, s.EndedAt = runtime.StepFailed, time.Time{}, e.clock.Now()
			s.Error = &runtime.StepError{Step: s.Address, Kind: connectors.KindCanceled, Message: "it was not done; retry run " + run.Parent}
		}
	}
	return nil, nil
}

// settle ends the doubt about a run's unknown steps of that address, and reports whether others are left.
func (e *Engine) settle(run *runtime.Run, base, step string, sent bool) (left bool, err error) {
	var unknown []*runtime.Step
	for _, s := range run.Steps {
		if s.Status != runtime.StepUnknown {
			continue
		}
		if step == "" || step == s.Address || step == stepName(s) {
			unknown = append(unknown, s)
		} else {
			left = true
		}
	}
	switch {
	case len(unknown) == 0 && step != "":
		return false, refuse("run %s has no step %s whose outcome is unknown", run.ID, step)
	case len(unknown) == 0:
		return false, refuse("run %s has no step whose outcome is unknown", run.ID)
	case step == "" && slices.ContainsFunc(unknown, func(s *runtime.Step) bool { return s.Address != unknown[0].Address }):
		return false, refuse("run %s has several steps whose outcome is unknown; name one of them, as in %s", run.ID, unknown[0].Address)
	}
	for _, s := range unknown {
		if sent {
			s.Status, s.Error, s.Due, s.EndedAt = runtime.StepDone, nil, time.Time{}, e.clock.Now()
		} else {
			e.beginAgain(run, base, s)
		}
	}
	return left, nil
}

// Move makes a run that waits go on with the program that is served now. What it has done must stand there at the same
// places, with the same actions.
func (e *Engine) Move(ctx context.Context, id string) error {
	return e.change(ctx, id, func(run *runtime.Run) ([]*runtime.Run, error) {
		g := e.current.Load()
		switch {
		case run.Status.Ended():
			return nil, refuse("run %s has ended: it is %s", id, run.Status)
		case run.Status == runtime.RunRunning:
			return nil, refuse("run %s is under way; it can be moved when it waits", id)
		case run.Program == g.digest:
			return nil, refuse("run %s goes by the program that is served", id)
		}
		if err := e.takes(ctx, run, g); err != nil {
			return nil, err
		}
		if err := e.fits(run, g); err != nil {
			return nil, err
		}
		run.Program = g.digest
		run.Steps = nil
		return nil, nil
	})
}

// takes refuses a program in which the recipe does not take the run's event.
func (e *Engine) takes(ctx context.Context, run *runtime.Run, g *generation) error {
	rec := g.recipes[run.Recipe]
	if rec == nil {
		return refuse("the program that is served has no recipe %q", run.Recipe)
	}
	ev, err := e.cfg.Store.EventBySeq(ctx, run.EventSeq)
	if err != nil {
		return fmt.Errorf("reading the event of run %s: %w", run.ID, err)
	}
	if run.Parent == "" && triggerFor(rec, ev) == nil {
		return refuse("recipe %q of the program that is served does not listen to %s", run.Recipe, run.EventType)
	}
	return nil
}

// fits refuses a program in which what a run has done does not stand at the same places.
func (e *Engine) fits(run *runtime.Run, g *generation) error {
	rec := g.recipes[run.Recipe]
	for _, s := range run.Steps {
		if takenBack(s) {
			continue
		}
		n := nodeAt(rec.Recipe, s.Index)
		switch {
		case n == nil || n.Address != s.Address:
			return refuse("%s does not stand at its place in the program that is served", s.Address)
		case s.Action == "" && n.Kind != check.Wait, s.Action != "" && (n.Kind != check.Action || n.Action.Name != s.Action):
			return refuse("%s is another action in the program that is served", s.Address)
		case s.Loop != (n.ForEach != nil):
			return refuse("%s is not repeated in the same way in the program that is served", s.Address)
		}
	}
	return nil
}

// nodeAt returns the node of a Step.Index, or nil.
func nodeAt(rec *check.Recipe, index int) *check.Node {
	switch own := len(rec.Nodes); {
	case index < 0 || index >= own+len(rec.OnError):
		return nil
	case index < own:
		return rec.Nodes[index]
	default:
		return rec.OnError[index-own]
	}
}

// change makes f change a run that nobody works on, and records it with others that f has changed.
func (e *Engine) change(ctx context.Context, id string, f func(*runtime.Run) ([]*runtime.Run, error)) error {
	done, err := e.beginOp()
	if err != nil {
		return err
	}
	defer done()
	if err := e.claimIdle(ctx, id); err != nil {
		return err
	}
	defer e.unclaim(id)
	run, err := e.storedRun(ctx, id)
	if err != nil {
		return err
	}
	others, err := f(run)
	if err != nil {
		return err
	}
	if err := e.record(&runtime.Change{Runs: append(others, run)}); err != nil {
		return fmt.Errorf("recording run %s: %w", id, err)
	}
	e.queuedForBulk(run)
	return nil
}

// claimIdle claims a run, and refuses one that is under way. One that has been put down, so that only its runner is not
// gone yet, is none.
func (e *Engine) claimIdle(ctx context.Context, id string) error {
	for {
		if claimed, err := e.claim(ctx, id); claimed || err != nil {
			return err
		}
		e.mu.Lock()
		r := e.live[id]
		if r == nil {
			e.mu.Unlock()
			continue
		}
		if r.gone == nil {
			r.gone = make(chan struct{})
		}
		gone := r.gone
		e.mu.Unlock()
		if !r.down.Load() {
			return refuse("run %s is under way", id)
		}
		select {
		case <-gone:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// beginOp begins what an operator asked for, so that Drain waits for it.
func (e *Engine) beginOp() (done func(), err error) {
	e.opMu.Lock()
	defer e.opMu.Unlock()
	if e.draining.Load() {
		return nil, errDraining
	}
	e.work.Add(1)
	return e.work.Done, nil
}

// bulkLane is the lane of runs that are done many at a time, before they meet the flow control of their own recipes.
// Its limit leaves most of the engine to live traffic.
const bulkLane = "\tbulk"

// queuedForBulk lets a run go that has been recorded in the bulk lane.
func (e *Engine) queuedForBulk(runs ...*runtime.Run) {
	f := &e.flow
	f.mu.Lock()
	for _, run := range runs {
		if run.Status != runtime.RunQueued || run.Lane != bulkLane {
			continue
		}
		l := f.lane(bulkLane, "")
		l.awaits(run.Order)
		l.queued++
		f.look(bulkLane)
	}
	f.mu.Unlock()
	signal(e.wakeDue)
}

// leaveBulk gives a place in the bulk lane to the next.
func (e *Engine) leaveBulk(id string) {
	f := &e.flow
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left(&runtime.Run{ID: id, Lane: bulkLane, Status: runtime.RunCompleted})
}
