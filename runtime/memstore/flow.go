package memstore

// The lists that the engine works from, and what flow control remembers.

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// selectRuns returns up to limit runs in the order of Seq, all of them where limit is negative.
func (s *Store) selectRuns(ctx context.Context, limit int, want func(*runtime.Run) bool) ([]*runtime.Run, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var list []*runtime.Run
	for _, r := range s.runs {
		if len(list) == limit {
			break
		}
		if want(r) {
			list = append(list, copyRun(r, false))
		}
	}
	return list, nil
}

// whole copies a run with all that is kept of it.
func (s *Store) whole(r *runtime.Run) *runtime.Run {
	c := copyRun(r, true)
	for _, a := range s.waits.arrived[r.ID] {
		c.Arrived = append(c.Arrived, a.Arrival)
	}
	return c
}

// RunsOf implements runtime.Store.
func (s *Store) RunsOf(ctx context.Context, eventSeq int64) ([]*runtime.Run, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var list []*runtime.Run
	for _, r := range s.runs {
		if r.EventSeq == eventSeq {
			list = append(list, s.whole(r))
		}
	}
	return list, nil
}

// Unfinished implements runtime.Store.
func (s *Store) Unfinished(ctx context.Context, after int64, limit int) ([]*runtime.Run, error) {
	return s.selectRuns(ctx, limit, func(r *runtime.Run) bool { return r.Seq > after && r.Status == runtime.RunRunning })
}

// timed reports whether the run goes on at its Due.
func timed(r *runtime.Run) bool {
	return (r.Status == runtime.RunWaiting || r.Status == runtime.RunQueued) && !r.Due.IsZero()
}

// Due implements runtime.Store.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]*runtime.Run, error) {
	list, err := s.selectRuns(ctx, -1, func(r *runtime.Run) bool { return timed(r) && !r.Due.After(now) })
	slices.SortStableFunc(list, func(a, b *runtime.Run) int { return a.Due.Compare(b.Due) })
	return list[:min(len(list), limit)], err
}

// NextDue implements runtime.Store.
func (s *Store) NextDue(ctx context.Context) (next time.Time, err error) {
	if err := s.enter(ctx); err != nil {
		return next, err
	}
	defer s.mu.Unlock()
	for _, r := range s.runs {
		if timed(r) && (next.IsZero() || r.Due.Before(next)) {
			next = r.Due
		}
	}
	return next, nil
}

// Queued implements runtime.Store.
func (s *Store) Queued(ctx context.Context, lane string, limit int) ([]*runtime.Run, error) {
	list, err := s.selectRuns(ctx, -1, func(r *runtime.Run) bool {
		return r.Status == runtime.RunQueued && r.Queue == runtime.QueueLane && r.Lane == lane
	})
	slices.SortStableFunc(list, func(a, b *runtime.Run) int { return a.Order.Compare(b.Order) })
	return list[:min(len(list), limit)], err
}

// InLanes implements runtime.Store.
func (s *Store) InLanes(ctx context.Context, after int64, limit int) ([]*runtime.Run, error) {
	return s.selectRuns(ctx, limit, func(r *runtime.Run) bool { return r.Seq > after && !r.Status.Ended() && r.Lane != "" })
}

// Held implements runtime.Store.
func (s *Store) Held(ctx context.Context, recipe string, limit int) ([]*runtime.Run, error) {
	list, err := s.selectRuns(ctx, -1, func(r *runtime.Run) bool {
		return r.Status == runtime.RunQueued && r.Queue == runtime.QueuePaused && r.Recipe == recipe
	})
	return list[:min(len(list), limit)], err
}

// Awaited implements runtime.Store.
func (s *Store) Awaited(ctx context.Context) ([]runtime.Await, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	found := map[runtime.Await]bool{}
	for _, r := range s.runs {
		if p := s.programs[r.Program]; p != nil && !r.Status.Ended() {
			for _, a := range p.Awaits {
				found[a] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(found), compareAwaits), nil
}

func compareAwaits(a, b runtime.Await) int {
	return cmp.Or(cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.EventType, b.EventType),
		cmp.Compare(a.Path, b.Path), cmp.Compare(a.Key, b.Key))
}

// RecipeCounts implements runtime.Store.
func (s *Store) RecipeCounts(ctx context.Context) ([]runtime.RecipeCount, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	type pinned struct{ recipe, program string }
	counts := map[pinned]*runtime.RecipeCount{}
	for _, r := range s.runs {
		if r.Status.Ended() {
			continue
		}
		k := pinned{r.Recipe, r.Program}
		if counts[k] == nil {
			counts[k] = &runtime.RecipeCount{Recipe: r.Recipe, Program: r.Program}
		}
		switch r.Status {
		case runtime.RunRunning:
			counts[k].Running++
		case runtime.RunWaiting:
			counts[k].Waiting++
		case runtime.RunQueued:
			counts[k].Queued++
		}
	}
	var list []runtime.RecipeCount
	for _, c := range counts {
		list = append(list, *c)
	}
	slices.SortFunc(list, func(a, b runtime.RecipeCount) int {
		return cmp.Or(cmp.Compare(a.Recipe, b.Recipe), cmp.Compare(a.Program, b.Program))
	})
	return list, nil
}

// Mark implements runtime.Store.
func (s *Store) Mark(ctx context.Context, key string) (*runtime.Mark, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	m := s.marks[key]
	if m == nil {
		return nil, runtime.ErrNotFound
	}
	out := *m
	return &out, nil
}

// Pause implements runtime.Store.
func (s *Store) Pause(ctx context.Context, p *runtime.Pause) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	kept := *p
	kept.At = utc(p.At)
	s.pauses[p.Recipe] = &kept
	return nil
}

// Resume implements runtime.Store.
func (s *Store) Resume(ctx context.Context, recipe string) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	s.forgetSpent(recipe)
	delete(s.pauses, recipe)
	return nil
}

// Pauses implements runtime.Store.
func (s *Store) Pauses(ctx context.Context) ([]*runtime.Pause, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var list []*runtime.Pause
	for _, recipe := range slices.Sorted(maps.Keys(s.pauses)) {
		p := *s.pauses[recipe]
		list = append(list, &p)
	}
	return list, nil
}
