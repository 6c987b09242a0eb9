package engine

// An engine can be driven instead of started: nothing happens but when asked, one thing after the other, so that a test
// of a recipe comes out the same every time. What is done is what a started engine does; only who asks for it differs.

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/flowrun/flowrun/runtime"
)

// maxRounds is how often a driven engine looks for more to do at one time of its clock. Only a fault exhausts it.
const maxRounds = 10_000

// Drive works on an event that the store has accepted, and then on all that is due, until there is nothing to do at the
// time that the clock shows. ev may be nil. The engine must not have been started, Config.InTurn should be set, and one
// goroutine drives at a time.
func (e *Engine) Drive(ctx context.Context, ev *runtime.Event) error {
	if e.current.Load() == nil {
		return errors.New("driving the engine: no program")
	}
	if ev != nil {
		if err := e.driveEvent(ev); err != nil {
			return fmt.Errorf("working on event %s: %w", ev.ID, err)
		}
	}
	for range maxRounds {
		if err := ctx.Err(); err != nil {
			return err
		}
		e.work.Wait()
		moved, err := e.driveDue(ctx)
		if err != nil {
			return err
		}
		if !e.driveLanes() && !moved {
			return nil
		}
	}
	return errors.New("driving the engine: it does not come to rest")
}

func (e *Engine) driveEvent(ev *runtime.Event) error {
	ticket := e.ticketFor(ev)
	defer e.turns.pass(ticket)
	return e.guarded(func() error { return e.handle(ev, false, ticket) })
}

// driveDue resumes what is due, the earliest first. moved says that there was something.
func (e *Engine) driveDue(ctx context.Context) (moved bool, err error) {
	page, err := e.cfg.Store.Due(ctx, e.clock.Now(), duePage)
	if err != nil {
		return false, fmt.Errorf("reading due runs: %w", err)
	}
	for _, run := range page {
		if _, ok := e.beginResumeAs(job{run: run.ID, ordered: run.Queue != 0}); !ok {
			return false, errDraining
		}
		e.work.Wait()
	}
	return len(page) > 0, nil
}

// driveLanes starts queued runs whose place is free. moved says that a lane was looked at.
func (e *Engine) driveLanes() (moved bool) {
	f := &e.flow
	f.mu.Lock()
	names, again := f.due, f.again
	f.due, f.again = map[string]struct{}{}, nil
	f.mu.Unlock()
	for _, id := range again {
		e.beginResume(id)
		e.work.Wait()
	}
	sorted := make([]string, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	for _, name := range sorted {
		e.fillLane(name)
		e.work.Wait()
	}
	return len(names)+len(again) > 0
}
