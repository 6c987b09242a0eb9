package engine

// What operators do to runs that have ended or wait. Each operation takes the run away from the loops while it changes
// it, and is in the store when it returns. None repeats an effect that nothing protects from being had twice, unless it
// is told to.

import (
	"context"
	"fmt"
	"slices"
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
	return e.change(ctx, id, func(run *runtime.Run) error {
		if run.Status != runtime.RunFailed && run.Status != runtime.RunCanceled {
			return refuse("run %s is %s; only one that failed or was canceled can be retried", id, run.Status)
		}
		if run.Parent != "" {
			return refuse("run %s was called by another, which has gone on without it: retry %s", id, run.Parent)
		}
		now := e.clock.Now()
		for _, s := range run.Steps {
			if s.Status == runtime.StepUnknown && !o.Again {
				return refuse("whether %s was done is not known; look at the vendor, then settle it with resolve -sent or -resend", stepName(s))
			}
		}
		if err := e.checkRepeats(run, o, now); err != nil {
			return err
		}
		if o.Current {
			g := e.current.Load()
			if !o.FromStart {
				if err := e.fits(run, g); err != nil {
					return err
				}
			} else if err := e.takes(ctx, run, g); err != nil {
				return err
			}
			run.Program = g.digest
		}
		if o.Again {
			run.Generation++
		}
		for _, s := range run.Steps {
			if o.FromStart {
				takeBack(s, now)
			} else if s.Status == runtime.StepFailed || s.Status == runtime.StepUnknown {
				beginAgain(run, s, now)
			}
		}
		e.requeue(run, o.Bulk, now)
		return nil
	})
}

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
func (e *Engine) checkRepeats(run *runtime.Run, o RetryOptions, now time.Time) error {
	if o.Again {
		return nil
	}
	for _, s := range run.Steps {
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
func beginAgain(run *runtime.Run, s *runtime.Step, now time.Time) {
	if definite(s) {
		s.Rekey++
	}
	s.Status, s.Due, s.StartedAt, s.EndedAt, s.Error = runtime.StepWaiting, now, now, time.Time{}, nil
	s.Child = ""
	if s.Action == "" {
		s.Due = time.Time{} // a wait begins anew
		return
	}
	s.Key = stepKey(run, "", s)
}

// takeBack makes a step one that has not been done, though its row stays until it is done again. It is told from a step
// that was skipped by its error.
func takeBack(s *runtime.Step, now time.Time) {
	if definite(s) {
		s.Rekey++
	}
	s.Status, s.EndedAt, s.Due, s.Awaits, s.Child, s.Output = runtime.StepSkipped, now, time.Time{}, nil, "", nil
	s.Error = &runtime.StepError{Step: s.Address, Kind: connectors.KindCanceled, Message: "the run was started again"}
}

// takenBack reports whether a step is as takeBack leaves it.
func takenBack(s *runtime.Step) bool { return s.Status == runtime.StepSkipped && s.Error != nil }

// requeue makes a run go on from its recorded steps.
func (e *Engine) requeue(run *runtime.Run, bulk bool, now time.Time) {
	if !run.EndedAt.IsZero() {
		run.Waited += now.Sub(run.EndedAt) // what it lay there is no part of the time that it takes
	}
	run.Status, run.Queue, run.Due, run.EndedAt = runtime.RunQueued, 0, now, time.Time{}
	run.Error, run.StoppedBy, run.Lane, run.Order = nil, "", "", time.Time{}
	run.Retries++
	run.Bulk = run.Bulk || bulk
	if run.Bulk {
		run.Queue, run.Due, run.Lane, run.Order = runtime.QueueLane, time.Time{}, bulkLane, now
	}
}

// Resolve ends the doubt about a step whose outcome is unknown: sent says that it was done, so that the run goes on with
// null for its answer; otherwise it was not, and is done again with its key. step is its address, and may be left out
// where only one is unknown.
func (e *Engine) Resolve(ctx context.Context, id, step string, sent bool) error {
	return e.change(ctx, id, func(run *runtime.Run) error {
		if !run.Status.Ended() {
			return refuse("run %s has not ended: it is %s", id, run.Status)
		}
		var unknown []*runtime.Step
		for _, s := range run.Steps {
			if s.Status == runtime.StepUnknown && (step == "" || step == s.Address || step == stepName(s)) {
				unknown = append(unknown, s)
			}
		}
		switch {
		case len(unknown) == 0 && step != "":
			return refuse("run %s has no step %s whose outcome is unknown", id, step)
		case len(unknown) == 0:
			return refuse("run %s has no step whose outcome is unknown", id)
		case step == "" && slices.ContainsFunc(unknown, func(s *runtime.Step) bool { return s.Address != unknown[0].Address }):
			return refuse("run %s has several steps whose outcome is unknown; name one of them, as in %s", id, unknown[0].Address)
		case run.Parent != "":
			return refuse("run %s was called by another, which has gone on without it", id)
		}
		now := e.clock.Now()
		for _, s := range unknown {
			if sent {
				s.Status, s.Error, s.Due, s.EndedAt = runtime.StepDone, nil, time.Time{}, now
				continue
			}
			beginAgain(run, s, now)
		}
		for _, s := range run.Steps {
			if s.Status == runtime.StepUnknown {
				return nil // what is left is to be resolved first
			}
		}
		if run.Status == runtime.RunCompleted {
			return nil
		}
		if err := e.checkRepeats(run, RetryOptions{}, now); err != nil {
			return err
		}
		for _, s := range run.Steps {
			if s.Status == runtime.StepFailed {
				beginAgain(run, s, now)
			}
		}
		e.requeue(run, false, now)
		return nil
	})
}

// Move makes a run that waits go on with the program that is served now. What it has done must stand there at the same
// places, with the same actions.
func (e *Engine) Move(ctx context.Context, id string) error {
	return e.change(ctx, id, func(run *runtime.Run) error {
		g := e.current.Load()
		switch {
		case run.Status.Ended():
			return refuse("run %s has ended: it is %s", id, run.Status)
		case run.Status == runtime.RunRunning:
			return refuse("run %s is under way; it can be moved when it waits", id)
		case run.Program == g.digest:
			return refuse("run %s goes by the program that is served", id)
		}
		if err := e.fits(run, g); err != nil {
			return err
		}
		run.Program = g.digest
		run.Steps = nil
		return nil
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
	if err := e.takes(context.Background(), run, g); err != nil {
		return err
	}
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

// change makes f change a run that nobody works on, and records it.
func (e *Engine) change(ctx context.Context, id string, f func(*runtime.Run) error) error {
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
	if err := f(run); err != nil {
		return err
	}
	if err := e.record(&runtime.Change{Runs: []*runtime.Run{run}}); err != nil {
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
