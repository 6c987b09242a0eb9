package sqlite

// The values and counters that recipes keep. A counter is its total and the increments that made it, which tell a
// repeated one and take themselves out of the total when they expire.

import (
	"context"
	"fmt"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// State implements runtime.Store.
func (s *Store) State(ctx context.Context, name string, now time.Time) (*runtime.StateValue, error) {
	var v *runtime.StateValue
	err := s.pool.lend(ctx, func(c *conn) error {
		return c.query(`SELECT value, at, expires FROM state WHERE name = ? AND (expires IS NULL OR expires > ?)`, func(st *stmt) error {
			v = &runtime.StateValue{At: st.time(1), Expires: st.time(2)}
			if value := st.blob(0); value != nil {
				v.Value = append([]byte{}, value...)
			}
			return nil
		}, name, nanos(now))
	})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if v == nil {
		return nil, runtime.ErrNotFound
	}
	return v, nil
}

// SetState implements runtime.Store.
func (s *Store) SetState(ctx context.Context, name string, v *runtime.StateValue) error {
	at, expires := v.At, v.Expires
	var value any
	if v.Value != nil {
		value = append([]byte{}, v.Value...)
	}
	err := s.w.do(ctx, opFunc(func(w *writer) error {
		return w.c.run(`INSERT INTO state (name, value, at, expires) VALUES (?,?,?,?)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = excluded.at, expires = excluded.expires`, name, value, at, expires)
	}), 64+len(v.Value))
	if err != nil {
		return fmt.Errorf("setting %s: %w", name, err)
	}
	return nil
}

// Increment implements runtime.Store.
func (s *Store) Increment(ctx context.Context, i *runtime.Increment) (sum int64, err error) {
	op := &incrementOp{Increment: *i}
	if err := s.w.do(ctx, op, 128); err != nil {
		return 0, fmt.Errorf("adding to %s: %w", i.Name, err)
	}
	return op.sum, nil
}

type incrementOp struct {
	runtime.Increment
	sum int64
}

func (*incrementOp) kind() opKind { return opOther }

func (o *incrementOp) apply(w *writer) error {
	if err := w.c.run(`INSERT INTO totals (name, total) VALUES (?, 0) ON CONFLICT DO NOTHING`, o.Name); err != nil {
		return err
	}
	var id, total int64
	err := w.c.query(`SELECT id, total FROM totals WHERE name = ?`, func(s *stmt) error { id, total = s.int(0), s.int(1); return nil }, o.Name)
	if err != nil {
		return err
	}
	err = w.c.run(`INSERT INTO increments (counter, id, amount, at, expires) VALUES (?,?,?,?,?) ON CONFLICT DO NOTHING`,
		id, o.ID, o.By, nanos(o.At), o.Expires)
	if err != nil {
		return err
	}
	if w.c.changes() > 0 {
		total += o.By
		if err := w.c.run(`UPDATE totals SET total = ? WHERE id = ?`, total, id); err != nil {
			return err
		}
	}
	gone, err := w.c.queryInt(`SELECT sum(amount) FROM increments WHERE counter = ? AND expires <= ?`, id, nanos(o.At))
	o.sum = total - gone
	return err
}

// endIncrements takes increments that have expired out of their totals. Their IDs stay for as long as others'.
func endIncrements(w *writer, now int64) (touched int, err error) {
	type row struct {
		counter, amount int64
		id              string
	}
	var rows []row
	err = w.c.query(`SELECT counter, id, amount FROM increments WHERE expires <= ? ORDER BY expires LIMIT ?`, func(s *stmt) error {
		rows = append(rows, row{s.int(0), s.int(2), s.text(1)})
		return nil
	}, now, expireRows)
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		if err := w.c.run(`UPDATE totals SET total = total - ? WHERE id = ?`, r.amount, r.counter); err != nil {
			return 0, err
		}
		if err := w.c.run(`UPDATE increments SET amount = 0, expires = NULL WHERE counter = ? AND id = ?`, r.counter, r.id); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}
