package engine

// Lanes keep how many runs with one concurrency key are under way, and in which order the others follow. In memory is
// only who has a place; those that wait are rows, of which the next is read when a place is given back.

import (
	"context"
	"time"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/runtime"
)

// unlimited is the limit of a lane whose recipe no longer has one.
const unlimited = 1 << 30

// lane is the runs of a recipe with one key. It exists while there are any.
type lane struct {
	recipe    string
	limit     int
	onClash   check.Conflict
	holders   map[string]struct{} // ids of those that have a place
	away      map[string]struct{} // ids of those in a wait, where they must be canceled
	queued    int                 // rows that wait for a place
	canceling int                 // nothing goes on while runs are being canceled for a newer one
	pending   int                 // of which so many more are being recorded
	first     time.Time           // the least Order of those that wait, as far as is known
}

func (l *lane) empty() bool {
	return l.canceling == 0 && len(l.holders) == 0 && len(l.away) == 0 && l.queued == 0 && l.pending == 0
}

// hasPlace reports whether a run of that order can go at once.
func (l *lane) hasPlace(order time.Time) bool {
	return len(l.holders) < l.limit && (l.queued+l.pending == 0 || order.Before(l.first))
}

// awaits notes that a run of that order waits.
func (l *lane) awaits(order time.Time) {
	if l.queued+l.pending == 0 || order.Before(l.first) {
		l.first = order
	}
}

// lane returns a lane, made if need be; f.mu must be held.
func (f *flow) lane(name, recipe string) *lane {
	l := f.lanes[name]
	if l == nil {
		limit := 1
		if name == bulkLane {
			limit = f.bulk
		}
		l = &lane{recipe: recipe, limit: limit, onClash: check.QueueConflict, holders: map[string]struct{}{}}
		f.lanes[name] = l
	}
	return l
}

// rule makes a lane obey a recipe as it is now.
func (l *lane) rule(rec *recipe) {
	switch {
	case rec == nil:
	case rec.flow == nil || rec.flow.Concurrency == nil:
		l.limit = unlimited
	default:
		l.limit, l.onClash = rec.flow.Concurrency.Limit, rec.flow.Concurrency.OnConflict
	}
}

// look asks laneLoop to fill the free places of a lane; f.mu must be held.
func (f *flow) look(name string) {
	f.due[name] = struct{}{}
	signal(f.wake)
}

// leavesLane reports whether a run that is put down gives its place to others: it has ended, or it is in a wait.
func (r *runner) leavesLane() bool {
	if r.run.Lane == "" {
		return false
	}
	if r.run.Status.Ended() {
		return true
	}
	if c := r.rec.flow; c == nil || c.Concurrency == nil || c.Concurrency.WhileWaiting {
		return false
	}
	waits, works := false, false
	r.each(func(u *unit) {
		if u.step.Status != runtime.StepWaiting {
			return
		}
		if u.step.Action == "" {
			waits = true
		} else {
			works = true
		}
	})
	return waits && !works
}

// leftLane gives a run's place to others, once it is recorded that it has none.
func (e *Engine) leftLane(run *runtime.Run) {
	f := &e.flow
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left(run)
}

// left is leftLane with f.mu held. It is for a run that has ended, also one that never had a place, or that is in a wait.
func (f *flow) left(run *runtime.Run) {
	l := f.lanes[run.Lane]
	if l == nil {
		return
	}
	delete(l.holders, run.ID)
	delete(f.promoted, run.ID)
	if run.Status.Ended() {
		delete(l.away, run.ID)
	} else if l.onClash == check.CancelRunning {
		if l.away == nil {
			l.away = map[string]struct{}{}
		}
		l.away[run.ID] = struct{}{}
	}
	switch {
	case l.queued > 0:
		f.look(run.Lane)
	case l.empty():
		delete(f.lanes, run.Lane)
	}
}

// unqueued notes that a run does not wait in its lane any more, and has no place.
func (f *flow) unqueued(run *runtime.Run) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l := f.lanes[run.Lane]; l != nil && !has(l.holders, run.ID) {
		l.queued = max(l.queued-1, 0)
	}
}

// laneLoop starts queued runs when places become free, until Drain.
func (e *Engine) laneLoop() {
	f := &e.flow
	for {
		select {
		case <-f.wake:
		case <-e.stopFeed:
			return
		}
		f.mu.Lock()
		names, again := f.due, f.again
		f.due, f.again = map[string]struct{}{}, nil
		frozen := f.frozen
		if frozen {
			f.due = names // until the last process's events are decided
		}
		f.mu.Unlock()
		for _, id := range again {
			if _, ok := e.beginResume(id); !ok {
				return
			}
		}
		if frozen {
			continue
		}
		for name := range names {
			if !e.fillLane(name) {
				return
			}
		}
	}
}

// fillLane gives the free places of a lane to the runs that have waited longest. It returns false when draining.
func (e *Engine) fillLane(name string) bool {
	f := &e.flow
	for {
		f.mu.Lock()
		l := f.lanes[name]
		if l != nil && l.empty() {
			delete(f.lanes, name)
		}
		if l == nil || l.queued == 0 || l.canceling > 0 || len(l.holders) >= l.limit {
			f.mu.Unlock()
			return true
		}
		free := min(l.limit-len(l.holders), duePage)
		want := len(l.holders) + free + 1 // a run that was queued stays so in the store until it is recorded again
		f.mu.Unlock()

		page, err := e.cfg.Store.Queued(context.Background(), name, want)
		if err != nil {
			e.log.Error("reading who is next in a lane", "error", err)
			e.pause()
			f.mu.Lock()
			f.look(name)
			f.mu.Unlock()
			return !e.draining.Load()
		}
		var start []string
		f.mu.Lock()
		if l = f.lanes[name]; l == nil {
			f.mu.Unlock()
			return true
		}
		seen := 0
		for _, run := range page {
			if _, has := l.holders[run.ID]; has {
				continue
			}
			seen++
			if len(l.holders) >= l.limit {
				l.first = run.Order
				break
			}
			l.holders[run.ID] = struct{}{}
			f.promoted[run.ID] = struct{}{}
			l.queued = max(l.queued-1, 0)
			start = append(start, run.ID)
		}
		if seen == 0 && len(page) < want && l.pending == 0 {
			l.queued = 0 // what was counted has gone by another way
			if l.empty() {
				delete(f.lanes, name)
			}
		}
		f.mu.Unlock()
		if len(start) == 0 {
			return true
		}
		for _, id := range start {
			if _, ok := e.beginResume(id); !ok {
				return false
			}
		}
	}
}

// resumedPromoted sees to it that a run which got its place while it was looked at is looked at again.
func (f *flow) resumedPromoted(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.promoted[id]; ok {
		f.again = append(f.again, id)
		signal(f.wake)
	}
}

// promoteAgain lets a run that has a place, and could not be started, be looked at again.
func (f *flow) promoteAgain(lane, id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l := f.lanes[lane]; l != nil && has(l.holders, id) {
		f.promoted[id] = struct{}{}
	}
}

// recoverLanes takes up who has and who waits for a place. No lane goes on before thaw.
func (e *Engine) recoverLanes(ctx context.Context) error {
	f := &e.flow
	g := e.current.Load()
	for after := int64(0); ; {
		page, err := e.cfg.Store.InLanes(ctx, after, scanPage)
		if err != nil {
			return err
		}
		f.mu.Lock()
		for _, run := range page {
			after = run.Seq
			f.noteOrder(run, g.recipes[run.Recipe])
			l := f.lane(run.Lane, run.Recipe)
			l.rule(g.recipes[run.Recipe])
			switch {
			case run.Status == runtime.RunQueued && run.Queue == runtime.QueueLane:
				l.awaits(run.Order)
				l.queued++
			case run.Status == runtime.RunWaiting && run.Queue == runtime.QueueLane:
				f.left(run)
			default:
				l.holders[run.ID] = struct{}{}
			}
		}
		f.mu.Unlock()
		if len(page) < scanPage {
			break
		}
	}
	f.mu.Lock()
	f.frozen = true
	f.mu.Unlock()
	return nil
}

// thaw lets lanes go on.
func (e *Engine) thaw() {
	f := &e.flow
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frozen = false
	for name, l := range f.lanes {
		if l.queued > 0 {
			f.due[name] = struct{}{}
		}
		if waits := l.queued + l.pending; waits > 0 && l.onClash == check.CancelRunning && len(l.holders)+len(l.away)+waits > l.limit {
			e.work.Add(1)
			go e.clash(name, l, time.Time{})() // the last process meant to
		}
	}
	signal(f.wake)
}

// obey makes all lanes follow the recipes of a new program.
func (e *Engine) obey(g *generation) {
	f := &e.flow
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, l := range f.lanes {
		before := l.limit
		l.rule(g.recipes[l.recipe])
		if l.limit > before && l.queued > 0 {
			f.look(name)
		}
	}
}

// thawAfter lets lanes go on once the holders of earlier tickets have been admitted.
func (e *Engine) thawAfter(ticket int64) {
	e.wg.Go(func() {
		e.turns.wait(ticket)
		e.turns.pass(ticket)
		e.thaw()
	})
}

// laneStatus returns how many lanes there are, and how many runs wait in them.
func (f *flow) laneStatus() (lanes, queued int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.lanes {
		queued += l.queued + l.pending
	}
	return len(f.lanes), queued
}
