package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/runtime"
)

// execute is exec of a runner that others can find: who cancels its run must.
func (e *Engine) execute(r *runner) error {
	e.mu.Lock()
	e.live[r.run.ID] = r
	e.wakeWaiting(r.run.ID)
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		if e.live[r.run.ID] == r { // it may have been taken up again already
			delete(e.live, r.run.ID)
		}
		if r.gone != nil {
			close(r.gone)
		}
		e.mu.Unlock()
		if r.run.Status == runtime.RunWaiting {
			signal(e.wakeDue) // the due loop passes over runs that are being worked on
		}
	}()
	return r.exec()
}

// Cancel ends a run that has not ended. Calls that are under way are not cut off, since their outcome would be unknown;
// it waits for them. by says who asked. It fails with an error that wraps ErrRefused where the run has ended.
func (e *Engine) Cancel(ctx context.Context, id, by string) error {
	done, err := e.beginOp()
	if err != nil {
		return err
	}
	defer done()
	return e.cancelFamily(ctx, id, "canceled by "+by)
}

// cancelFamily cancels a run and those that it called and that have not ended. Of a run that was canceled before, it
// cancels what is left.
func (e *Engine) cancelFamily(ctx context.Context, id, why string) error {
	refused := e.cancelRun(ctx, id, why)
	if refused != nil && !isRefused(refused) {
		return refused
	}
	run, err := e.storedRun(ctx, id)
	if err != nil {
		return err
	}
	if refused != nil && run.Status != runtime.RunCanceled {
		return refused
	}
	for _, s := range run.Steps {
		if s.Child == "" || s.Status == runtime.StepDone {
			continue
		}
		if err := e.cancelFamily(ctx, s.Child, why); err != nil && !isRefused(err) && !errors.Is(err, runtime.ErrNotFound) {
			return err
		}
	}
	return refused
}

// halt asks a run that is being worked on to start nothing more. It returns what is closed when nobody works on it any
// more, or nil where nobody does.
func (e *Engine) halt(id string, reason *runtime.StepError) (gone chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.live[id]
	if r == nil {
		return nil
	}
	r.halt.CompareAndSwap(nil, reason)
	if r.gone == nil {
		r.gone = make(chan struct{})
	}
	return r.gone
}

// cancelRun cancels a run, and waits for its calls under way.
func (e *Engine) cancelRun(ctx context.Context, id, why string) error {
	reason := &runtime.StepError{Kind: connectors.KindCanceled, Message: why}
	for {
		if gone := e.halt(id, reason); gone != nil {
			select {
			case <-gone:
			case <-ctx.Done():
				return fmt.Errorf("canceling run %s, whose calls are under way: %w", id, ctx.Err())
			}
			run, err := e.cfg.Store.Run(ctx, id)
			if err != nil {
				return fmt.Errorf("canceling run %s: %w", id, err)
			}
			if run.Status == runtime.RunCanceled {
				return nil
			}
			if run.Status.Ended() {
				return refuse("run %s ended as %s before it could be canceled", id, run.Status)
			}
			continue // it was put down at the same moment
		}
		claimed, err := e.claim(ctx, id)
		if err != nil {
			return err
		}
		if claimed {
			break
		}
	}
	defer e.unclaim(id)
	if e.flow.forgetQueued(id) {
		e.settleRulings() // one of which may have put another in its place
	}
	run, err := e.storedRun(ctx, id)
	if err != nil {
		return err
	}
	if run.Status.Ended() {
		return refuse("run %s has ended: it is %s", id, run.Status)
	}
	queued := run.Status == runtime.RunQueued && run.Queue == runtime.QueueLane
	now := e.clock.Now()
	var steps []*runtime.Step
	for _, s := range run.Steps {
		switch s.Status {
		case runtime.StepWaiting:
			s.Status = runtime.StepFailed
			if s.Error == nil {
				s.Error = &runtime.StepError{Step: s.Address, Kind: connectors.KindCanceled, Message: why}
			}
		case runtime.StepIntent:
			s.Status = runtime.StepUnknown
		default:
			continue
		}
		s.EndedAt, s.Due, s.Awaits = now, time.Time{}, nil
		steps = append(steps, s)
	}
	run.Steps = steps
	if heldForLimits(run) {
		run.StoppedBy = ""
	}
	run.Status, run.Error, run.EndedAt, run.Due, run.Queue = runtime.RunCanceled, reason, now, time.Time{}, 0
	if err := e.record(&runtime.Change{Runs: []*runtime.Run{run}, Wake: wakeOf(run)}); err != nil {
		return fmt.Errorf("canceling run %s: %w", id, err)
	}
	if queued {
		e.flow.unqueued(run)
	}
	e.ended(run)
	return nil
}

// ended is what follows when a run has ended otherwise than in its runner.
func (e *Engine) ended(run *runtime.Run) {
	if run.Lane != "" {
		e.leftLane(run)
	}
	e.cfg.Metrics.RunEnded(run.Recipe, run.Status.String())
	if run.Parent != "" {
		signal(e.wakeDue)
	}
	if e.cfg.OnRun != nil {
		e.cfg.OnRun(run)
	}
}

// cancelLane cancels runs of a lane, and those that wait in it from before; it returns when they have ended. Where
// before is zero, all that wait but the last are canceled.
func (e *Engine) cancelLane(name string, ids []string, before time.Time) {
	const why = "a newer event with the same key came"
	if before.IsZero() {
		e.settleRulings() // so that all that wait are rows
	}
	queued, err := e.cfg.Store.Queued(context.Background(), name, maxRulings)
	for ; err != nil && !e.draining.Load(); queued, err = e.cfg.Store.Queued(context.Background(), name, maxRulings) {
		e.log.Error("reading what waits in a lane", "error", err)
		e.pause()
	}
	if before.IsZero() && len(queued) > 0 {
		before = queued[len(queued)-1].Order
	}
	for _, run := range queued {
		if run.Order.Before(before) {
			ids = append(ids, run.ID)
		}
	}
	for _, id := range ids { // all at once, so that their calls end at the same time
		e.halt(id, &runtime.StepError{Kind: connectors.KindCanceled, Message: why})
	}
	for _, id := range ids {
		e.cancelFor(id, why)
	}
}

// cancelFor is cancelFamily of a run that has a place or waits for one, and may not have begun. It tries again until that
// is done, or until Drain.
func (e *Engine) cancelFor(id, why string) {
	for !e.draining.Load() {
		err := e.cancelFamily(context.Background(), id, why)
		switch {
		case err == nil, isRefused(err):
			return
		case errors.Is(err, runtime.ErrNotFound):
			e.awaitLife(id)
		default:
			e.log.Error("canceling a run for a newer one", "run", id, "error", err)
			e.pause()
		}
	}
}

// awaitLife returns when a run that was let through and not recorded is being worked on, or has been.
func (e *Engine) awaitLife(id string) {
	e.mu.Lock()
	if e.live[id] != nil {
		e.mu.Unlock()
		return
	}
	c := make(chan struct{})
	e.waiting[id] = append(e.waiting[id], c)
	e.mu.Unlock()
	if _, err := e.cfg.Store.Run(context.Background(), id); !errors.Is(err, runtime.ErrNotFound) {
		return
	}
	select {
	case <-c:
	case <-e.stopFeed:
	}
}

// claim takes a recorded run away from the due loop. It returns false where the run has meanwhile come to life, so that
// its runner must be asked.
func (e *Engine) claim(ctx context.Context, id string) (bool, error) {
	for {
		e.mu.Lock()
		_, busy := e.active[id]
		_, live := e.live[id]
		switch {
		case live:
			e.mu.Unlock()
			return false, nil
		case !busy:
			e.active[id] = struct{}{}
			e.mu.Unlock()
			return true, nil
		}
		c := make(chan struct{})
		e.waiting[id] = append(e.waiting[id], c)
		e.mu.Unlock()
		select {
		case <-c:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// unclaim gives a run back.
func (e *Engine) unclaim(id string) {
	e.mu.Lock()
	delete(e.active, id)
	e.wakeWaiting(id)
	e.mu.Unlock()
	e.flow.resumedPromoted(id)
	signal(e.wakeDue)
}

// wakeWaiting lets those look again who wait for a run; e.mu must be held.
func (e *Engine) wakeWaiting(id string) {
	if len(e.waiting) == 0 {
		return
	}
	for _, c := range e.waiting[id] {
		close(c)
	}
	delete(e.waiting, id)
}

func (e *Engine) storedRun(ctx context.Context, id string) (*runtime.Run, error) {
	run, err := e.cfg.Store.Run(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reading run %s: %w", id, err)
	}
	return run, nil
}
