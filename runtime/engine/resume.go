package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

const (
	duePage = 128
	// dueLook is the longest the due loop sleeps: a clock that was set is noticed after so long.
	dueLook = 30 * time.Second
)

// recoverRuns takes up runs that were being worked on when the last process ended. Waiting ones are the due loop's.
func (e *Engine) recoverRuns(ctx context.Context) error {
	for after := int64(0); ; {
		page, err := e.cfg.Store.Unfinished(ctx, after, scanPage)
		if err != nil {
			return err
		}
		for _, run := range page {
			after = run.Seq
			if run.Status == runtime.RunRunning {
				e.beginResume(run.ID)
			}
		}
		if len(page) < scanPage {
			return nil
		}
	}
}

// dueLoop resumes waiting runs when they are due, the earliest first.
func (e *Engine) dueLoop() {
	for {
		e.mu.Lock()
		busy := len(e.active)
		e.mu.Unlock()
		// Runs being resumed are still in the store as they were: look past them.
		asOf := e.clock.Now()
		page, err := e.cfg.Store.Due(context.Background(), asOf, duePage+busy)
		if err != nil {
			e.log.Error("reading due runs", "error", err)
			e.pause()
		}
		begun := 0
		for _, run := range page {
			started, ok := e.beginResume(run.ID)
			if !ok {
				return
			}
			if started {
				begun++
			}
		}
		if begun > 0 && len(page) >= duePage {
			continue
		}
		if !e.sleepUntilDue(asOf) {
			return
		}
	}
}

// sleepUntilDue waits until the next run is due, or until something changes. All that was due at asOf is being resumed.
// It returns false when draining.
func (e *Engine) sleepUntilDue(asOf time.Time) bool {
	sleep := dueLook
	next, err := e.cfg.Store.NextDue(context.Background())
	if err != nil {
		next = time.Time{} // the next look says what is wrong
	}
	if !next.IsZero() {
		sleep = min(sleep, next.Sub(e.clock.Now()))
		if !next.After(asOf) {
			sleep = storeRetry // its end wakes the loop
		}
	}
	wake, stop := e.clock.After(max(sleep, 0))
	defer stop()
	if next.After(asOf) && !next.After(e.clock.Now()) {
		return true // it became due meanwhile, perhaps before the timer was set
	}
	select {
	case <-wake:
	case <-e.wakeDue:
	case <-e.stopFeed:
		return false
	}
	return true
}

// beginResume works on a recorded run in a goroutine of its own. started is false where it is being worked on; ok is
// false when draining.
func (e *Engine) beginResume(id string) (started, ok bool) {
	e.mu.Lock()
	_, busy := e.active[id]
	if !busy {
		e.active[id] = struct{}{}
	}
	e.mu.Unlock()
	if busy {
		return false, true
	}
	if !e.acquire() {
		return false, false
	}
	e.spawn(job{run: id})
	return true, true
}

func (e *Engine) doResume(id string) {
	if err := e.guarded(func() error { return e.resume(id) }); err != nil {
		e.log.Error("a run could not be resumed; it is tried again", "run", id, "error", err)
		e.pause()
	}
	e.mu.Lock()
	delete(e.active, id)
	e.mu.Unlock()
	signal(e.wakeDue)
}

// resume reads a run back and goes on with it.
func (e *Engine) resume(id string) error {
	ctx := context.Background()
	run, err := e.cfg.Store.Run(ctx, id)
	if err != nil {
		return fmt.Errorf("reading it: %w", err)
	}
	if run.Status.Ended() || run.Status == runtime.RunWaiting && run.Due.After(e.clock.Now()) {
		return nil // it went on between the look and the claim
	}
	ev, err := e.cfg.Store.EventBySeq(ctx, run.EventSeq)
	if err != nil {
		return fmt.Errorf("reading its event: %w", err)
	}
	g, err := e.pinnedTo(ctx, run.Program)
	if err != nil {
		return err
	}
	rec := g.recipes[run.Recipe]
	if rec == nil {
		return fmt.Errorf("program %.12s has no recipe %q", run.Program, run.Recipe)
	}
	trigger := triggerFor(rec, ev)
	if trigger == nil {
		return fmt.Errorf("recipe %s does not listen to %s", run.Recipe, ev.Type)
	}
	r := e.newRunner(g, rec, trigger, ev, nil)
	r.run = run
	run.Status, run.Due = runtime.RunRunning, time.Time{}
	r.object, r.previous = e.payload(ev)
	if err := r.openScope(); err != nil {
		r.fail("", err)
		return r.conclude()
	}
	r.restore()
	return r.exec()
}

// restore takes the steps of a recorded run into the runner.
func (r *runner) restore() {
	now := r.e.clock.Now()
	for _, s := range r.run.Steps {
		if s.Index >= len(r.rec.Nodes) || r.rec.Nodes[s.Index].Address != s.Address {
			r.fail(s.Address, &connectors.Error{Kind: connectors.KindInvalid, Message: "the run's program has no such step"})
			continue
		}
		n := r.rec.Nodes[s.Index]
		r.steps[s.Index] = s
		r.ran = r.ran || s.Status != runtime.StepSkipped
		switch s.Status {
		case runtime.StepDone:
			out, err := output(n.Out, s.Output)
			if err != nil {
				r.fail(n.Address, &connectors.Error{Kind: connectors.KindDrift, Message: "its answer can't be read back: " + err.Error()})
			}
			r.state[s.Index] = done
			r.scope.SetAction(n.Name, out)
		case runtime.StepSkipped:
			r.state[s.Index] = skipped
			r.scope.SetAction(n.Name, null)
		case runtime.StepWaiting:
			r.state[s.Index] = waiting
			if !s.Due.After(now) {
				r.state[s.Index] = pending
			}
		case runtime.StepIntent:
			s.Status, s.EndedAt = runtime.StepUnknown, now
			s.Error = &runtime.StepError{Step: n.Address, Kind: connectors.KindUnknown,
				Message: "the process ended while the call was made; its outcome is not known, and it is not repeated, since the vendor could act twice"}
			r.state[s.Index] = unknown
			if r.run.Error == nil {
				r.run.Error = s.Error
			}
		case runtime.StepFailed, runtime.StepUnknown:
			r.state[s.Index] = failed
			if r.run.Error == nil {
				r.run.Error = s.Error
			}
		}
	}
}

// output reads a step's recorded answer back in its shape.
func output(shape *schema.Object, raw []byte) (cty.Value, error) {
	if shape == nil || len(raw) == 0 || schema.IsNull(raw) {
		return null, nil
	}
	v, _, err := shape.Decode(raw, &schema.Paths{All: true})
	return v, err
}
