// Package memstore keeps the journal in memory, for runs that nobody will ask about later and for tests. It behaves as
// a store on disk does, but for what the word durable means, and has no Backup.
package memstore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

const defaultLimit, maxLimit = 50, 1000

// errNoBackup is why Backup fails.
var errNoBackup = errors.New("a store in memory can't be backed up")

// Store is a runtime.Store in memory.
type Store struct {
	mu        sync.Mutex
	closed    bool
	seq       int64
	events    map[int64]*runtime.Event
	order     []int64 // seqs of events, ascending
	byID      map[key]int64
	decisions map[int64]*runtime.Decision
	runs      []*runtime.Run // in the order of Seq; runs[i].Seq ascends
	runByID   map[string]*runtime.Run
	runSeq    int64
	programs  map[string]*runtime.Program
}

type key struct{ connection, id string }

var _ runtime.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store {
	return &Store{
		events: map[int64]*runtime.Event{}, byID: map[key]int64{}, decisions: map[int64]*runtime.Decision{},
		runByID: map[string]*runtime.Run{}, programs: map[string]*runtime.Program{},
	}
}

// enter locks the store, unless it is closed or ctx has ended.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return runtime.ErrClosed
	}
	return nil
}

// AcceptEvent implements runtime.Store.
func (s *Store) AcceptEvent(ctx context.Context, e *runtime.Event) (bool, error) {
	if err := s.enter(ctx); err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	k := key{e.Connection, e.ID}
	if seq, ok := s.byID[k]; ok {
		e.Seq = seq
		return false, nil
	}
	s.seq++
	e.Seq = s.seq
	s.byID[k] = e.Seq
	s.events[e.Seq] = copyEvent(e, true)
	s.order = append(s.order, e.Seq)
	return true, nil
}

// Record implements runtime.Store.
func (s *Store) Record(ctx context.Context, c *runtime.Change) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for _, r := range c.Runs {
		if r.Status == 0 || r.Status > runtime.RunCanceled {
			return fmt.Errorf("recording run %s: invalid status %d", r.ID, r.Status)
		}
	}
	for _, r := range c.Runs {
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
	if d := c.Decision; d != nil && s.decisions[d.EventSeq] == nil {
		kept := *d
		kept.Matched = bytes.Clone(d.Matched)
		kept.At = utc(d.At)
		s.decisions[d.EventSeq] = &kept
	}
	return nil
}

func mergeSteps(old, changed []*runtime.Step) []*runtime.Step {
	byIndex := map[int]*runtime.Step{}
	for _, list := range [][]*runtime.Step{old, changed} {
		for _, st := range list {
			byIndex[st.Index] = st
		}
	}
	merged := slices.Collect(maps.Values(byIndex))
	slices.SortFunc(merged, func(a, b *runtime.Step) int { return cmp.Compare(a.Index, b.Index) })
	return merged
}

// KeepProgram implements runtime.Store.
func (s *Store) KeepProgram(ctx context.Context, p *runtime.Program) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if s.programs[p.Digest] == nil {
		s.programs[p.Digest] = copyProgram(p)
	}
	return nil
}

// Program implements runtime.Store.
func (s *Store) Program(ctx context.Context, digest string) (*runtime.Program, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if p := s.programs[digest]; p != nil {
		return copyProgram(p), nil
	}
	return nil, runtime.ErrNotFound
}

// Undecided implements runtime.Store.
func (s *Store) Undecided(ctx context.Context, after int64, limit int) ([]*runtime.Event, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var list []*runtime.Event
	from, _ := slices.BinarySearch(s.order, after+1)
	for _, seq := range s.order[from:] {
		if len(list) >= limit {
			break
		}
		if s.decisions[seq] == nil {
			list = append(list, copyEvent(s.events[seq], true))
		}
	}
	return list, nil
}

// Unfinished implements runtime.Store.
func (s *Store) Unfinished(ctx context.Context, after int64, limit int) ([]*runtime.Run, error) {
	return s.selectRuns(ctx, limit, func(r *runtime.Run) bool { return r.Seq > after && !r.Status.Ended() })
}

// RunsOf implements runtime.Store.
func (s *Store) RunsOf(ctx context.Context, eventSeq int64) ([]*runtime.Run, error) {
	return s.selectRuns(ctx, -1, func(r *runtime.Run) bool { return r.EventSeq == eventSeq })
}

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
			list = append(list, copyRun(r, true))
		}
	}
	return list, nil
}

// Due implements runtime.Store.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]*runtime.Run, error) {
	list, err := s.selectRuns(ctx, -1, func(r *runtime.Run) bool {
		return r.Status == runtime.RunWaiting && !r.Due.IsZero() && !r.Due.After(now)
	})
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
		if r.Status == runtime.RunWaiting && !r.Due.IsZero() && (next.IsZero() || r.Due.Before(next)) {
			next = r.Due
		}
	}
	return next, nil
}

// Event implements runtime.Store.
func (s *Store) Event(ctx context.Context, connection, id string) (*runtime.Event, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if connection != "" {
		if seq, ok := s.byID[key{connection, id}]; ok {
			return copyEvent(s.events[seq], true), nil
		}
		return nil, runtime.ErrNotFound
	}
	for _, seq := range s.order {
		if e := s.events[seq]; e.ID == id {
			return copyEvent(e, true), nil
		}
	}
	return nil, runtime.ErrNotFound
}

// EventBySeq implements runtime.Store.
func (s *Store) EventBySeq(ctx context.Context, seq int64) (*runtime.Event, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if e := s.events[seq]; e != nil {
		return copyEvent(e, true), nil
	}
	return nil, runtime.ErrNotFound
}

// Decision implements runtime.Store.
func (s *Store) Decision(ctx context.Context, eventSeq int64) (*runtime.Decision, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	d := s.decisions[eventSeq]
	if d == nil {
		return nil, runtime.ErrNotFound
	}
	out := *d
	out.Matched = bytes.Clone(d.Matched)
	return &out, nil
}

// Run implements runtime.Store.
func (s *Store) Run(ctx context.Context, id string) (*runtime.Run, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if r := s.runByID[id]; r != nil {
		return copyRun(r, true), nil
	}
	return nil, runtime.ErrNotFound
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
			!e.ReceivedAt.Before(q.Since) && (q.Before <= 0 || e.Seq < q.Before) {
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
			(q.Status == 0 || r.Status == q.Status) && !r.StartedAt.Before(q.Since) && (q.Before <= 0 || r.Seq < q.Before) {
			list = append(list, copyRun(r, false))
		}
	}
	return list, nil
}

func limitOf(limit int) int {
	if limit <= 0 {
		return defaultLimit
	}
	return min(limit, maxLimit)
}

// Counts implements runtime.Store. Bytes is that of the payloads.
func (s *Store) Counts(ctx context.Context) (runtime.Counts, error) {
	if err := s.enter(ctx); err != nil {
		return runtime.Counts{}, err
	}
	defer s.mu.Unlock()
	c := runtime.Counts{Events: int64(len(s.events)), LastSeq: s.seq, Runs: map[runtime.RunStatus]int64{}}
	for seq, e := range s.events {
		c.Bytes += int64(len(e.Payload))
		if s.decisions[seq] == nil {
			c.Undecided++
		}
	}
	for _, r := range s.runs {
		c.Runs[r.Status]++
	}
	return c, nil
}

// Prune implements runtime.Store.
func (s *Store) Prune(ctx context.Context, payloads, ids time.Time) (dropped, forgotten int, err error) {
	if err := s.enter(ctx); err != nil {
		return 0, 0, err
	}
	defer s.mu.Unlock()
	busy := map[int64]bool{}
	for _, r := range s.runs {
		if !r.Status.Ended() {
			busy[r.EventSeq] = true
		}
	}
	gone, bare := map[int64]bool{}, map[int64]bool{}
	for seq, e := range s.events {
		switch {
		case s.decisions[seq] == nil || busy[seq] || e.ReceivedAt.IsZero():
		case e.ReceivedAt.Before(ids):
			gone[seq] = true
			delete(s.events, seq)
			delete(s.byID, key{e.Connection, e.ID})
			delete(s.decisions, seq)
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
			for _, st := range r.Steps {
				st.Input, st.Output = nil, nil
			}
		}
	}
	return dropped, forgotten, nil
}

// Backup implements runtime.Store by failing.
func (s *Store) Backup(ctx context.Context, _ string) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	return errNoBackup
}

// Close implements runtime.Store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}
