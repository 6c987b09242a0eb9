package memstore

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// AddFields implements runtime.Store.
func (s *Store) AddFields(ctx context.Context, upTo int64, events []runtime.EventFields) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for _, e := range events {
		if e.Seq > s.fieldsTo {
			s.fields[e.Seq] = slices.Clone(e.Fields)
		}
	}
	s.fieldsTo = max(s.fieldsTo, upTo)
	return nil
}

// FieldsTo implements runtime.Store.
func (s *Store) FieldsTo(ctx context.Context) (int64, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	return s.fieldsTo, nil
}

// has reports whether all of where holds for an event.
func (s *Store) has(seq int64, where []runtime.Field, look func(*runtime.Event) []runtime.Field) bool {
	if len(where) == 0 {
		return true
	}
	fields := s.fields[seq]
	if e := s.events[seq]; seq > s.fieldsTo && e != nil && look != nil {
		fields = look(copyEvent(e, true))
	}
	for _, f := range where {
		if !slices.Contains(fields, f) {
			return false
		}
	}
	return true
}

// Events implements runtime.Store.
func (s *Store) Events(ctx context.Context, q runtime.EventQuery) ([]*runtime.Event, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var list []*runtime.Event
	for _, seq := range slices.Backward(s.order) {
		if len(list) == limitOf(q.Limit) {
			break
		}
		e := s.events[seq]
		if (q.Connection == "" || e.Connection == q.Connection) && (q.Type == "" || e.Type == q.Type) &&
			strings.HasPrefix(e.ID, q.Prefix) && within(e.ReceivedAt, q.Since, q.Until) && (q.Before <= 0 || e.Seq < q.Before) && s.has(seq, q.Where, q.Look) {
			list = append(list, copyEvent(e, false))
		}
	}
	return list, nil
}

// Runs implements runtime.Store.
func (s *Store) Runs(ctx context.Context, q runtime.RunQuery) ([]*runtime.Run, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var list []*runtime.Run
	for _, r := range slices.Backward(s.runs) {
		if len(list) == limitOf(q.Limit) {
			break
		}
		if (q.Recipe == "" || r.Recipe == q.Recipe) && (q.EventID == "" || r.EventID == q.EventID) &&
			inStatus(r, &q) && within(r.StartedAt, q.Since, q.Until) && (q.Before <= 0 || r.Seq < q.Before) &&
			q.Holds(r) && s.has(r.EventSeq, q.Where, q.Look) {
			list = append(list, copyRun(r, false))
		}
	}
	return list, nil
}

func inStatus(r *runtime.Run, q *runtime.RunQuery) bool {
	if len(q.Statuses) > 0 {
		return slices.Contains(q.Statuses, r.Status)
	}
	return q.Status == 0 || r.Status == q.Status
}

// within reports whether t is at since or later, and before until. A time that is not known is in no span.
func within(t, since, until time.Time) bool {
	return !t.Before(since) && (until.IsZero() || !t.IsZero() && t.Before(until))
}
