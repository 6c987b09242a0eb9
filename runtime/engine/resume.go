package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/check"
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
				e.beginResumeAs(job{run: run.ID, running: true})
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
		if !e.resumeLeft() {
			return
		}
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
			started, ok := e.beginResumeAs(job{run: run.ID, ordered: run.Queue != 0})
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

// beginResume works on a recorded run in a goroutine of its own. started is false where it is being worked on, be it
// since its event came: then it may be in the store already while its runner tries again to record it. ok is false when
// draining.
func (e *Engine) beginResume(id string) (started, ok bool) { return e.beginResumeAs(job{run: id}) }

func (e *Engine) beginResumeAs(j job) (started, ok bool) {
	e.mu.Lock()
	busy := has(e.active, j.run) || e.live[j.run] != nil
	if !busy {
		e.active[j.run] = struct{}{}
	}
	e.mu.Unlock()
	if busy {
		return false, true
	}
	if !e.acquire() {
		e.unclaim(j.run)
		return false, false
	}
	if j.ordered {
		j.ticket = e.turns.ticket()
	}
	e.spawn(j)
	return true, true
}

func (e *Engine) doResume(j job) {
	defer e.unclaim(j.run)
	defer e.turns.pass(j.ticket)
	if j.admitted != nil {
		defer j.admitted()
	}
	if err := e.guarded(func() error { return e.resume(j) }); err != nil {
		e.log.Error("a run could not be resumed; it is tried again", "run", j.run, "error", err)
		e.turns.pass(j.ticket) // the others don't wait for it
		e.pause()
		if j.running {
			e.mu.Lock()
			e.left = append(e.left, j.run) // it is not among those that are due
			e.mu.Unlock()
		}
	}
}

// resumeLeft takes up again the running runs that could not be resumed. ok is false when draining.
func (e *Engine) resumeLeft() (ok bool) {
	e.mu.Lock()
	left := e.left
	e.left = nil
	e.mu.Unlock()
	for _, id := range left {
		started, ok := e.beginResumeAs(job{run: id, running: true})
		if !ok {
			return false
		}
		if !started { // it is about to be let go of, which wakes the loop
			e.mu.Lock()
			e.left = append(e.left, id)
			e.mu.Unlock()
		}
	}
	return true
}

// resume reads a run back and goes on with it.
func (e *Engine) resume(j job) (err error) {
	ctx := context.Background()
	run, err := e.cfg.Store.Run(ctx, j.run)
	if err != nil {
		return fmt.Errorf("reading it: %w", err)
	}
	if run.Status.Ended() || run.Status == runtime.RunWaiting && (run.Due.IsZero() || run.Due.After(e.clock.Now())) {
		return nil // it went on between the look and the claim
	}
	r, err := e.takeUp(ctx, run)
	if err != nil {
		return err
	}
	if run.Status == runtime.RunQueued || run.Queue != 0 {
		promoted, lane := run.Status == runtime.RunQueued && run.Queue == runtime.QueueLane, run.Lane
		defer func() {
			switch {
			case err != nil && promoted && !e.draining.Load():
				e.flow.promoteAgain(lane, run.ID) // its row says that it waits, so that nobody else would start it
			case r.inBulk:
				e.leaveBulk(run.ID)
			}
		}()
		if goes, err := e.goOn(r, j.ticket, j.admitted); err != nil || !goes {
			return err
		}
		r.scope = nil // it says when the run started, which is now
	}
	e.cfg.Crash("before-resume")
	run.Status, run.Due = runtime.RunRunning, time.Time{}
	if err := r.openScope(); err != nil {
		r.fail("", err)
		if len(run.Steps) > 0 {
			r.scopeWithout() // so that what was done is not forgotten
		}
	}
	if err := e.guarded(func() error { return r.restore() }); err != nil {
		return err
	}
	return e.execute(r)
}

// takeUp returns a runner for a recorded run, on the program it is pinned to.
func (e *Engine) takeUp(ctx context.Context, run *runtime.Run) (*runner, error) {
	ev, err := e.cfg.Store.EventBySeq(ctx, run.EventSeq)
	if err != nil {
		return nil, fmt.Errorf("reading its event: %w", err)
	}
	g, err := e.pinnedTo(ctx, run.Program)
	if err != nil {
		return nil, err
	}
	rec := g.recipes[run.Recipe]
	if rec == nil {
		return nil, fmt.Errorf("program %.12s has no recipe %q", run.Program, run.Recipe)
	}
	trigger := triggerFor(rec, ev)
	if run.Parent != "" {
		trigger = rec.called
	}
	if trigger == nil {
		return nil, fmt.Errorf("recipe %s does not listen to %s", run.Recipe, ev.Type)
	}
	r := e.newRunner(g, rec, trigger, ev, nil)
	r.run = run
	if run.ReplayOf != "" {
		switch first, err := e.cfg.Store.Run(ctx, run.ReplayOf); {
		case err == nil:
			r.began = first.StartedAt
			if first.Generation == run.Generation {
				r.first = first
			}
		case !errors.Is(err, runtime.ErrNotFound):
			return nil, fmt.Errorf("reading the run that it replays: %w", err)
		}
	}
	if run.Parent == "" {
		r.object, r.previous = e.payload(ev)
		return r, nil
	}
	r.object = run.Input
	r.keyBase = run.Parent
	caller, err := e.cfg.Store.Run(ctx, run.Parent)
	if errors.Is(err, runtime.ErrNotFound) {
		return r, nil // forgotten, since it was canceled long ago
	}
	if err != nil {
		return nil, fmt.Errorf("reading the run that called it: %w", err)
	}
	for _, s := range caller.Steps {
		if s.Address == run.ParentStep && s.Each == run.ParentEach {
			r.keyBase = s.Key
		}
	}
	return r, nil
}

// restore takes what is recorded of a run into the runner.
func (r *runner) restore() error {
	inHandler := false
	for _, s := range r.run.Steps {
		p, n := r.nodeOf(s)
		if n == nil {
			r.fail(s.Address, &connectors.Error{Kind: connectors.KindInvalid, Message: "the run's program has no such step"})
			continue
		}
		if p == &r.handler && s.Key != stepKey(r.run, r.keyBase, s) {
			continue // of the time before the run was retried: it has not failed since, or speaks up anew
		}
		if takenBack(s) {
			if r.rekeyed == nil {
				r.rekeyed = map[[2]string]int{}
			}
			r.rekeyed[[2]string{s.Address, s.Each}] = s.Rekey
			continue
		}
		inHandler = inHandler || p == &r.handler
		r.progress = p
		r.take(n, s)
	}
	r.progress = &r.main
	if inHandler {
		r.setUnreached()
		r.scope.Set("error", r.errorValue())
		problem := r.problem
		r.enterHandler()
		r.problem = problem
	}
	return r.lookAtArrivals()
}

// nodeOf finds the node of a recorded step, by its address.
func (r *runner) nodeOf(s *runtime.Step) (*progress, *check.Node) {
	for _, p := range []*progress{&r.main, &r.handler} {
		if p == &r.handler && p.graph == nil {
			r.handler = newProgress(&r.rec.handler)
		}
		if i := s.Index - p.base; i >= 0 && i < len(p.nodes) && p.nodes[i].Address == s.Address {
			return p, p.nodes[i]
		}
	}
	for _, p := range []*progress{&r.main, &r.handler} {
		for _, n := range p.nodes {
			if n.Address == s.Address {
				return p, n
			}
		}
	}
	return nil, nil
}

// take takes a recorded step into the current part. An element of a for_each is kept until its elements are known.
func (r *runner) take(n *check.Node, s *runtime.Step) {
	r.ran = r.ran || s.Action != "" && s.Status != runtime.StepSkipped && n.Latest == nil
	dirty := s.Status == runtime.StepIntent
	if dirty {
		s.Status, s.EndedAt, s.Error = runtime.StepUnknown, r.e.clock.Now(), lostOutcome(n.Address)
	}
	if !s.Loop {
		u := r.at(n)
		u.step, u.dirty = s, dirty
		r.retake(u)
		return
	}
	u := r.at(n)
	if u.loop == nil {
		u.loop = &loop{}
	}
	u.loop.restored = append(u.loop.restored, unit{node: n, step: s, dirty: dirty, item: s.Item})
	if !n.ContinueOnError && (s.Status == runtime.StepFailed || s.Status == runtime.StepUnknown) {
		r.failWith(s.Error)
	}
}

// retake gives a unit the state that its recorded step says.
func (r *runner) retake(u *unit) {
	n, s := u.node, u.step
	put := func(st nodeState) {
		if u.of == nil {
			r.state[n.Index] = st
		} else {
			u.state = st
		}
	}
	switch s.Status {
	case runtime.StepDone:
		if n.Kind == check.Wait {
			put(done)
			if err := r.retakeWait(n, s.Output); err != nil {
				r.fail(n.Address, unreadable(err))
			}
			return
		}
		if s.Shadow {
			r.retakeShadow(u)
			return
		}
		out, err := output(n.Out, s.Output)
		if err != nil {
			r.fail(n.Address, unreadable(err))
			out = null
		}
		r.set(u, done, out)
	case runtime.StepSkipped:
		if s.Shadow {
			r.leave(n, dark)
			return
		}
		r.set(u, skipped, null)
	case runtime.StepWaiting:
		put(waiting)
		switch {
		case n.Kind == check.Wait && s.Due.IsZero() && len(s.Awaits) == 0:
			put(pending) // it begins anew
		case n.Kind == check.Wait:
		case s.Child != "":
			if u.of != nil {
				u.of.busy++
			}
		case !s.Due.After(r.e.clock.Now()):
			put(pending)
		}
	case runtime.StepFailed, runtime.StepUnknown:
		switch {
		case n.ContinueOnError:
			r.set(u, gaveUp, null)
		case s.Status == runtime.StepUnknown:
			put(unknown)
			r.failWith(s.Error)
		default:
			put(failed)
			r.failWith(s.Error)
		}
	}
}

func unreadable(err error) error {
	return &connectors.Error{Kind: connectors.KindDrift, Message: "its answer can't be read back: " + err.Error()}
}
