package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

const (
	eventColumns = `e.seq, e.id, e.connection, e.service, e.type, e.time, e.received, e.account, e.version, e.livemode`
	runColumns   = `seq, id, event, recipe, program, status, started, ended, due, data, lane, place, queue`
)

func (s *Store) event(st *stmt) *runtime.Event {
	return &runtime.Event{
		Seq: st.int(0), ID: st.text(1), Connection: s.names.text(st.int(2)), Service: s.names.text(st.int(3)),
		Type: s.names.text(st.int(4)), Time: st.time(5), ReceivedAt: st.time(6), Account: st.text(7),
		APIVersion: s.names.text(st.int(8)), Livemode: st.int(9) != 0,
	}
}

// eventWithPayload reads eventColumns and the payload after them.
func (s *Store) eventWithPayload(st *stmt) (*runtime.Event, error) {
	e := s.event(st)
	if packed := st.blob(10); packed != nil {
		var err error
		if e.Payload, err = s.codec.expand(packed); err != nil {
			return nil, fmt.Errorf("event %d: %w", e.Seq, err)
		}
	}
	return e, nil
}

func (s *Store) run(st *stmt) (*runtime.Run, error) {
	u := unpacker{b: st.blob(9)}
	r := &runtime.Run{
		Seq: st.int(0), ID: st.text(1), EventSeq: st.int(2), Recipe: s.names.text(st.int(3)), Program: s.names.text(st.int(4)),
		Status: runtime.RunStatus(st.int(5)), StartedAt: st.time(6), EndedAt: st.time(7), Due: st.time(8),
		Connection: s.names.text(u.int()), EventType: s.names.text(u.int()), Generation: int(u.int()),
		EventID: u.text(), StoppedBy: u.text(), ReplayOf: u.text(), Error: u.err(),
		Lane: st.text(10), Order: st.time(11), Queue: runtime.Queue(st.int(12)),
	}
	err := u.done()
	if err == nil && len(u.b) > 0 {
		err = cmp.Or(s.unpackMore(&u, r), u.done())
	}
	if err != nil {
		return nil, fmt.Errorf("run %d: %w", r.Seq, err)
	}
	return r, nil
}

// events runs a query for eventColumns and payload.
func (s *Store) events(ctx context.Context, doing, sql string, args ...any) (events []*runtime.Event, err error) {
	err = s.pool.lend(ctx, func(c *conn) error {
		return c.query(sql, func(st *stmt) error {
			e, err := s.eventWithPayload(st)
			events = append(events, e)
			return err
		}, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return events, nil
}

// runs runs a query for runColumns. What lists leave out is there if whole is set.
func (s *Store) runs(ctx context.Context, doing string, whole bool, sql string, args ...any) (runs []*runtime.Run, err error) {
	err = s.pool.read(ctx, func(c *conn) error {
		err := c.query(sql, func(st *stmt) error {
			r, err := s.run(st)
			runs = append(runs, r)
			return err
		}, args...)
		if err != nil {
			return err
		}
		for _, r := range runs {
			if !whole {
				r.Input, r.Output = nil, nil
				continue
			}
			if err := cmp.Or(s.readSteps(c, r), s.readItems(c, r), s.readArrivals(c, r)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return runs, nil
}

func (s *Store) readSteps(c *conn, r *runtime.Run) error {
	return c.query(`SELECT key, data FROM steps WHERE key BETWEEN ? AND ? ORDER BY key`, func(st *stmt) error {
		step, err := s.unpackStep(st.int(0)&(1<<stepBits-1), st.blob(1))
		if err != nil {
			return fmt.Errorf("run %d: %w", r.Seq, err)
		}
		r.Steps = append(r.Steps, step)
		return nil
	}, r.Seq<<stepBits, (r.Seq+1)<<stepBits-1)
}

// readItems adds the steps of loops to those of readSteps.
func (s *Store) readItems(c *conn, r *runtime.Run) error {
	there := len(r.Steps)
	err := c.query(`SELECT step, item, data FROM items WHERE step BETWEEN ? AND ? ORDER BY step, item`, func(st *stmt) error {
		step, err := s.unpackStep(st.int(0)&(1<<stepBits-1), st.blob(2))
		if err != nil {
			return fmt.Errorf("run %d: %w", r.Seq, err)
		}
		step.Loop, step.Item = true, int(st.int(1))
		r.Steps = append(r.Steps, step)
		return nil
	}, r.Seq<<stepBits, (r.Seq+1)<<stepBits-1)
	if there > 0 && len(r.Steps) > there {
		slices.SortFunc(r.Steps, func(a, b *runtime.Step) int {
			return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Item, b.Item))
		})
	}
	return err
}

// Undecided implements runtime.Store.
func (s *Store) Undecided(ctx context.Context, after int64, limit int) ([]*runtime.Event, error) {
	n := s.w.counters()
	if n.undecided == 0 {
		return nil, s.alive(ctx)
	}
	return s.events(ctx, "reading undecided events", `SELECT `+eventColumns+`, p.data
		FROM events e LEFT JOIN payloads p ON p.seq = e.seq
		WHERE e.seq > ? AND NOT EXISTS (SELECT 1 FROM decisions WHERE event = e.seq) ORDER BY e.seq LIMIT ?`,
		max(after, n.decidedTo), limit)
}

// EventsAfter implements runtime.Store.
func (s *Store) EventsAfter(ctx context.Context, after int64, limit int) ([]*runtime.Event, error) {
	if after >= s.w.counters().lastEvent {
		return nil, s.alive(ctx)
	}
	return s.events(ctx, "reading events", `SELECT `+eventColumns+`, p.data
		FROM events e LEFT JOIN payloads p ON p.seq = e.seq WHERE e.seq > ? ORDER BY e.seq LIMIT ?`, after, limit)
}

// alive fails where a query would for another reason than the data.
func (s *Store) alive(ctx context.Context) error {
	select {
	case <-s.closed:
		return runtime.ErrClosed
	default:
		return ctx.Err()
	}
}

// Unfinished implements runtime.Store.
func (s *Store) Unfinished(ctx context.Context, after int64, limit int) ([]*runtime.Run, error) {
	return s.runs(ctx, "reading unfinished runs", false, `SELECT `+runColumns+` FROM runs
		WHERE status <> 3 AND status = 1 AND seq > ? ORDER BY seq LIMIT ?`, after, limit)
}

// Due implements runtime.Store.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]*runtime.Run, error) {
	return s.runs(ctx, "reading due runs", false, `SELECT `+runColumns+` FROM runs INDEXED BY runs_timed
		WHERE status IN (2, 7) AND due <= ? ORDER BY due, seq LIMIT ?`, nanos(now), limit)
}

// NextDue implements runtime.Store.
func (s *Store) NextDue(ctx context.Context) (due time.Time, err error) {
	err = s.pool.lend(ctx, func(c *conn) error {
		return c.query(`SELECT due FROM runs INDEXED BY runs_timed WHERE status IN (2, 7) AND due IS NOT NULL ORDER BY due LIMIT 1`,
			func(st *stmt) error { due = st.time(0); return nil })
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the next due run: %w", err)
	}
	return due, nil
}

func one[T any](list []*T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, runtime.ErrNotFound
	}
	return list[0], nil
}

// Event implements runtime.Store. Where connection is empty and several connections had such an event, it returns the
// one accepted first.
func (s *Store) Event(ctx context.Context, connection, id string) (*runtime.Event, error) {
	const query = `SELECT ` + eventColumns + `, p.data FROM events e LEFT JOIN payloads p ON p.seq = e.seq WHERE e.id = ?`
	if connection == "" {
		return one(s.events(ctx, "reading event "+id, query+` ORDER BY e.seq LIMIT 1`, id))
	}
	n, ok := s.names.known(connection)
	if !ok {
		return nil, cmp.Or(s.alive(ctx), runtime.ErrNotFound)
	}
	return one(s.events(ctx, "reading event "+id, query+` AND e.connection = ?`, id, n))
}

// EventBySeq implements runtime.Store.
func (s *Store) EventBySeq(ctx context.Context, seq int64) (*runtime.Event, error) {
	return one(s.events(ctx, fmt.Sprint("reading event ", seq), `SELECT `+eventColumns+`, p.data
		FROM events e LEFT JOIN payloads p ON p.seq = e.seq WHERE e.seq = ?`, seq))
}

// Decision implements runtime.Store.
func (s *Store) Decision(ctx context.Context, eventSeq int64) (*runtime.Decision, error) {
	var d *runtime.Decision
	err := s.pool.lend(ctx, func(c *conn) error {
		return c.query(`SELECT program, at, matched, runs FROM decisions WHERE event = ?`, func(st *stmt) error {
			d = &runtime.Decision{EventSeq: eventSeq, Program: s.names.text(st.int(0)), At: st.time(1), Runs: int(st.int(3))}
			if m := st.blob(2); m != nil {
				d.Matched = append([]byte{}, m...)
			}
			return nil
		}, eventSeq)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the decision on event %d: %w", eventSeq, err)
	}
	if d == nil {
		return nil, runtime.ErrNotFound
	}
	return d, nil
}

// Run implements runtime.Store.
func (s *Store) Run(ctx context.Context, id string) (*runtime.Run, error) {
	return one(s.runs(ctx, "reading run "+id, true, `SELECT `+runColumns+` FROM runs WHERE id = ?`, id))
}

// RunsOf implements runtime.Store.
func (s *Store) RunsOf(ctx context.Context, eventSeq int64) ([]*runtime.Run, error) {
	return s.runs(ctx, fmt.Sprint("reading runs of event ", eventSeq), true,
		`SELECT `+runColumns+` FROM runs WHERE event = ? ORDER BY seq`, eventSeq)
}
