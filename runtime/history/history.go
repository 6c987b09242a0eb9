// Package history makes webhooks hints: it compares what a vendor says has happened with what has come in, and takes
// what is missing, once, as if it had come. It never acts on the past: an event type has a watermark, the moment when a
// recipe first wanted it, and what is older is left alone. Where no webhook can reach the server it is the way in.
package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/runtime"
)

const (
	// grace is how long an event may be on its way by webhook before it counts as missing.
	grace = 2 * time.Minute
	// overlap is how far a look goes back behind the one before it: events can show late.
	overlap = 10 * time.Minute
	// maxGaps is how many missing events of a connection are remembered.
	maxGaps = 200
)

// Source is a connection whose vendor keeps its events.
type Source struct {
	Conn   *connectors.Conn
	API    *connectors.History
	Types  []string // that recipes want
	Polled bool     // no webhook comes: everything comes in this way, so that nothing is missing
}

// Gap is an event that no webhook had brought.
type Gap struct {
	Connection string    `json:"connection"`
	ID         string    `json:"id"`
	Type       string    `json:"type"`
	Time       time.Time `json:"time"`  // when it happened
	Found      time.Time `json:"found"` // when it was taken
}

// Report is what a look at one connection came to.
type Report struct {
	From, To time.Time
	Seen     int       // events that the vendor had
	Taken    []Gap     // those that were not here; of a polled source all that are new
	Lost     time.Time // what happened before then, and after the last look, can't be had any more; zero where nothing is lost
}

// Config is what a reader works with. Store and Clock must be set.
type Config struct {
	Store    runtime.Store
	Clock    runtime.Clock
	Log      *slog.Logger
	Accepted func(*runtime.Event) // is told of each event that was taken
}

// Reader reads histories. It is safe for concurrent use.
type Reader struct {
	cfg Config
	mu  sync.Mutex // one look at a time: each rewrites what is remembered of a connection
}

// New returns a reader.
func New(cfg Config) *Reader {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Accepted == nil {
		cfg.Accepted = func(*runtime.Event) {}
	}
	return &Reader{cfg: cfg}
}

// memory is what is remembered of a connection, in the store.
type memory struct {
	Wanted  map[string]time.Time `json:"wanted"`  // the watermark of each type
	Checked time.Time            `json:"checked"` // everything before is known to be here
	Gaps    []Gap                `json:"gaps,omitempty"`
}

// stateName is where a connection's memory is. No recipe can write a name that begins so.
func stateName(connection string) string { return "\x00history/" + connection }

func (r *Reader) load(ctx context.Context, connection string) (*memory, error) {
	m := &memory{Wanted: map[string]time.Time{}}
	v, err := r.cfg.Store.State(ctx, stateName(connection), r.cfg.Clock.Now())
	if errors.Is(err, runtime.ErrNotFound) {
		return m, nil
	}
	if err == nil {
		err = json.Unmarshal(v.Value, m)
	}
	if err != nil {
		return nil, fmt.Errorf("reading what is known of the history of %s: %w", connection, err)
	}
	return m, nil
}

func (r *Reader) save(ctx context.Context, connection string, m *memory) error {
	raw, err := json.Marshal(m)
	if err == nil {
		err = r.cfg.Store.SetState(ctx, stateName(connection), &runtime.StateValue{Value: raw, At: r.cfg.Clock.Now()})
	}
	if err != nil {
		return fmt.Errorf("keeping what is known of the history of %s: %w", connection, err)
	}
	return nil
}

// Want notes which types are wanted from now on: one that is new gets its watermark, one that is wanted no more loses
// it, so that what happens until it is wanted again stays in the past.
func (r *Reader) Want(ctx context.Context, connection string, types []string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, err := r.load(ctx, connection)
	if err != nil {
		return err
	}
	if !m.want(types, r.cfg.Clock.Now()) {
		return nil
	}
	return r.save(ctx, connection, m)
}

// want reports whether it changed anything.
func (m *memory) want(types []string, now time.Time) bool {
	changed := false
	for t := range m.Wanted {
		if !slices.Contains(types, t) {
			delete(m.Wanted, t)
			changed = true
		}
	}
	for _, t := range types {
		if _, known := m.Wanted[t]; !known {
			m.Wanted[t] = now
			changed = true
		}
	}
	return changed
}

// oldest returns the earliest watermark.
func (m *memory) oldest() time.Time {
	var first time.Time
	for _, t := range m.Wanted {
		if first.IsZero() || t.Before(first) {
			first = t
		}
	}
	return first
}

// Look compares a connection's history with what is here since the look before, and takes what is missing. Where it
// fails, or the process ends, the next look begins where this one did; what was taken is known by its id.
func (r *Reader) Look(ctx context.Context, s Source) (*Report, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.cfg.Clock.Now()
	m, err := r.load(ctx, s.Conn.Name)
	if err != nil {
		return nil, err
	}
	m.want(s.Types, now)
	rep := &Report{To: now.Add(-grace)}
	if s.Polled {
		rep.To = now.Add(time.Second) // the vendor's times are whole seconds
	}
	if len(m.Wanted) == 0 {
		return rep, r.save(ctx, s.Conn.Name, m)
	}
	rep.From = m.oldest()
	if back := m.Checked.Add(-overlap); !m.Checked.IsZero() && back.After(rep.From) {
		rep.From = back
	}
	if edge := now.Add(-s.API.Window); rep.From.Before(edge) {
		rep.From, rep.Lost = edge, edge
	}
	rep.From = rep.From.Truncate(time.Second)
	if !rep.From.Before(rep.To) {
		return rep, r.save(ctx, s.Conn.Name, m)
	}
	types := slices.Clone(s.Types)
	slices.Sort(types)
	err = s.API.Events(ctx, s.Conn, connectors.HistoryQuery{Types: types, From: rep.From, To: rep.To}, func(e connectors.PastEvent) error {
		rep.Seen++
		since, wanted := m.Wanted[e.Type]
		if !wanted || e.Time.Before(since.Truncate(time.Second)) {
			return nil
		}
		taken, err := r.take(ctx, s.Conn, e)
		if taken {
			rep.Taken = append(rep.Taken, Gap{s.Conn.Name, e.ID, e.Type, e.Time, now})
		}
		return err
	})
	if !s.Polled {
		m.Gaps = append(m.Gaps, rep.Taken...)
		m.Gaps = m.Gaps[max(0, len(m.Gaps)-maxGaps):]
	}
	if err == nil && rep.To.After(m.Checked) {
		m.Checked = rep.To
	}
	if e := r.save(context.WithoutCancel(ctx), s.Conn.Name, m); e != nil || err != nil {
		return rep, errors.Join(err, e)
	}
	return rep, nil
}

// take accepts an event that is not here yet.
func (r *Reader) take(ctx context.Context, c *connectors.Conn, e connectors.PastEvent) (bool, error) {
	ev := EventOf(c, e, r.cfg.Clock.Now())
	// Most are here: looking is cheaper than a write that finds out.
	_, err := r.cfg.Store.Event(ctx, ev.Connection, ev.ID)
	if err == nil {
		return false, nil
	}
	if !errors.Is(err, runtime.ErrNotFound) {
		return false, fmt.Errorf("looking for event %s: %w", ev.ID, err)
	}
	accepted, err := r.cfg.Store.AcceptEvent(ctx, ev)
	if err != nil {
		return false, fmt.Errorf("taking event %s: %w", ev.ID, err)
	}
	if accepted {
		r.cfg.Accepted(ev)
	}
	return accepted, nil
}

// EventOf makes of a past event what a webhook would have made.
func EventOf(c *connectors.Conn, e connectors.PastEvent, now time.Time) *runtime.Event {
	return &runtime.Event{Connection: c.Name, Service: c.Service, ID: e.ID, Type: e.Type, Time: e.Time, ReceivedAt: now,
		Account: e.Account, APIVersion: e.APIVersion, Livemode: e.Livemode, Payload: e.Body}
}

// Gaps returns the newest events of the connections that no webhook had brought, the newest first.
func (r *Reader) Gaps(ctx context.Context, connections []string) ([]Gap, error) {
	var out []Gap
	for _, name := range connections {
		m, err := r.load(ctx, name)
		if err != nil {
			return nil, err
		}
		out = append(out, m.Gaps...)
	}
	slices.SortStableFunc(out, func(a, b Gap) int { return b.Found.Compare(a.Found) })
	return out, nil
}
