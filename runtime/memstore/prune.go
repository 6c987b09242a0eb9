package memstore

import (
	"context"
	"slices"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// Prune implements runtime.Store.
func (s *Store) Prune(ctx context.Context, payloads, ids time.Time) (dropped, forgotten int, err error) {
	if err := s.enter(ctx); err != nil {
		return 0, 0, err
	}
	defer s.mu.Unlock()
	busy := map[int64]bool{} // events that something still needs
	oldest := s.seq          // the first event that something may still come of
	for _, r := range s.runs {
		if r.Status.Ended() {
			continue
		}
		busy[r.EventSeq] = true
		oldest = min(oldest, r.EventSeq)
		for _, a := range s.waits.arrived[r.ID] {
			busy[a.EventSeq] = true
		}
	}
	gone, bare := map[int64]bool{}, map[int64]bool{}
	for seq, e := range s.events {
		if s.decisions[seq] == nil {
			oldest = min(oldest, seq)
		}
		switch {
		case s.decisions[seq] == nil || busy[seq] || e.ReceivedAt.IsZero():
		case e.ReceivedAt.Before(ids):
			gone[seq] = true
			delete(s.events, seq)
			delete(s.byID, key{e.Connection, e.ID})
			delete(s.decisions, seq)
			delete(s.fields, seq)
			forgotten++
		case e.ReceivedAt.Before(payloads) && e.Payload != nil:
			bare[seq] = true
			e.Payload = nil
			dropped++
		}
	}
	s.order = slices.DeleteFunc(s.order, func(seq int64) bool { return gone[seq] })
	s.runs = slices.DeleteFunc(s.runs, func(r *runtime.Run) bool {
		if gone[r.EventSeq] {
			delete(s.runByID, r.ID)
		}
		return gone[r.EventSeq]
	})
	for _, r := range s.runs {
		if bare[r.EventSeq] {
			r.Input, r.Output = nil, nil
			for _, st := range r.Steps {
				st.Input, st.Output = nil, nil
			}
		}
	}
	s.waits.drop(oldest, gone)
	s.audits = slices.DeleteFunc(s.audits, func(a *runtime.Audit) bool { return a.At.Before(ids) })
	return dropped, forgotten, nil
}
