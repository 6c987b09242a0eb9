// Package memstore keeps the journal in memory, for runs that nobody will ask about later and for tests. It behaves as
// a store on disk does, but for what the word durable means, and has no Backup.
package memstore

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"

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

	waits    waits
	marks    map[string]*runtime.Mark
	pauses   map[string]*runtime.Pause
	state    map[string]*runtime.StateValue
	counters map[string]*counter
	spent    map[spentOn]map[string]spending // by the call's id
	fields   map[int64][]runtime.Field       // of events, by Seq
	fieldsTo int64
	audits   []*runtime.Audit // in the order of Seq
	auditSeq int64
}

type key struct{ connection, id string }

var _ runtime.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store {
	return &Store{
		events: map[int64]*runtime.Event{}, byID: map[key]int64{}, decisions: map[int64]*runtime.Decision{},
		runByID: map[string]*runtime.Run{}, programs: map[string]*runtime.Program{}, waits: newWaits(),
		marks: map[string]*runtime.Mark{}, pauses: map[string]*runtime.Pause{}, state: map[string]*runtime.StateValue{},
		counters: map[string]*counter{}, spent: map[spentOn]map[string]spending{}, fields: map[int64][]runtime.Field{},
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

// EventsAfter implements runtime.Store.
func (s *Store) EventsAfter(ctx context.Context, after int64, limit int) ([]*runtime.Event, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	from, _ := slices.BinarySearch(s.order, after+1)
	var list []*runtime.Event
	for _, seq := range s.order[from:min(from+limit, len(s.order))] {
		list = append(list, copyEvent(s.events[seq], true))
	}
	return list, nil
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
		return s.whole(r), nil
	}
	return nil, runtime.ErrNotFound
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
