package memstore

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// Record implements runtime.Store.
func (s *Store) Record(ctx context.Context, c *runtime.Change) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for _, r := range c.Runs {
		if r.Status == 0 || r.Status > runtime.RunSkipped {
			return fmt.Errorf("recording run %s: invalid status %d", r.ID, r.Status)
		}
	}
	touched := map[string]bool{} // runs whose Due what has come may change
	ended := map[string]bool{}   // runs that had ended before: their end has woken their caller
	for _, r := range c.Runs {
		if old := s.runByID[r.ID]; old != nil {
			ended[r.ID] = old.Status.Ended()
		}
		s.recordRun(r)
		s.waits.follow(r)
		touched[r.ID] = true
	}
	if d := c.Decision; d != nil && s.decisions[d.EventSeq] == nil {
		kept := *d
		kept.Matched = bytes.Clone(d.Matched)
		kept.At = utc(d.At)
		s.decisions[d.EventSeq] = &kept
		for _, id := range s.waits.decided(c.Keys, d.EventSeq, kept.At) {
			touched[id] = true
		}
	}
	if w := c.Wake; w != nil {
		if r := s.runByID[w.Run]; r != nil && !r.Status.Ended() && !ended[w.Arrival.Run] {
			at := time.Time{}
			if child := s.runByID[w.Arrival.Run]; child != nil {
				at = child.EndedAt
			}
			s.waits.arrive(w.Run, arrival{w.Arrival, at})
			touched[w.Run] = true
		}
	}
	for id := range touched {
		s.hasten(s.runByID[id])
	}
	for i := range c.Marks {
		m := c.Marks[i]
		m.At, m.Expires = utc(m.At), utc(m.Expires)
		s.marks[m.Key] = &m
	}
	return nil
}

func (s *Store) recordRun(r *runtime.Run) {
	kept := copyRun(r, true)
	if old := s.runByID[r.ID]; old != nil {
		kept.Seq = old.Seq
		kept.Steps = mergeSteps(old.Steps, kept.Steps)
		*old = *kept
	} else {
		s.runSeq++
		kept.Seq = s.runSeq
		kept.Steps = mergeSteps(nil, kept.Steps)
		s.runByID[r.ID] = kept
		s.runs = append(s.runs, kept)
	}
	r.Seq = kept.Seq
}

func mergeSteps(old, changed []*runtime.Step) []*runtime.Step {
	type place struct{ index, item int }
	byPlace := map[place]*runtime.Step{}
	for _, list := range [][]*runtime.Step{old, changed} {
		for _, st := range list {
			byPlace[place{st.Index, st.Item}] = st
		}
	}
	merged := slices.Collect(maps.Values(byPlace))
	slices.SortFunc(merged, func(a, b *runtime.Step) int {
		return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Item, b.Item))
	})
	return merged
}

// hasten makes a waiting run due at the first of what has come for it.
func (s *Store) hasten(r *runtime.Run) {
	if r == nil || r.Status != runtime.RunWaiting {
		return
	}
	for _, a := range s.waits.arrived[r.ID] {
		at := a.at
		if at.IsZero() {
			at = time.Unix(0, 0).UTC()
		}
		if r.Due.IsZero() || at.Before(r.Due) {
			r.Due = at
		}
	}
}
