package sqlite

// The lists that the engine works from, and what flow control remembers.

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// Queued implements runtime.Store.
func (s *Store) Queued(ctx context.Context, lane string, limit int) ([]*runtime.Run, error) {
	return s.runs(ctx, "reading a lane", false, `SELECT `+runColumns+` FROM runs INDEXED BY runs_lane
		WHERE lane = ? AND status = 7 AND queue = 1 ORDER BY place, seq LIMIT ?`, lane, limit)
}

// InLanes implements runtime.Store.
func (s *Store) InLanes(ctx context.Context, after int64, limit int) ([]*runtime.Run, error) {
	const of = `SELECT * FROM (SELECT * FROM runs WHERE status <> 3 AND lane IS NOT NULL AND seq > ?1 AND status = `
	return s.runs(ctx, "reading runs in lanes", false, `SELECT `+runColumns+` FROM (`+
		of+`1 ORDER BY seq LIMIT ?2) UNION ALL `+of+`2 ORDER BY seq LIMIT ?2) UNION ALL `+of+`7 ORDER BY seq LIMIT ?2)
		) ORDER BY seq LIMIT ?2`, after, limit)
}

// Held implements runtime.Store.
func (s *Store) Held(ctx context.Context, recipe string, limit int) ([]*runtime.Run, error) {
	n, ok := s.names.known(recipe)
	if !ok {
		return nil, s.alive(ctx)
	}
	return s.runs(ctx, "reading held runs", false, `SELECT `+runColumns+` FROM runs INDEXED BY runs_held
		WHERE recipe = ? AND status = 7 AND queue = 4 ORDER BY seq LIMIT ?`, n, limit)
}

// RecipeCounts implements runtime.Store.
func (s *Store) RecipeCounts(ctx context.Context) ([]runtime.RecipeCount, error) {
	var list []runtime.RecipeCount
	err := s.pool.lend(ctx, func(c *conn) error {
		return c.query(`SELECT recipe, program, count(*) FILTER (WHERE status = 1), count(*) FILTER (WHERE status = 2), count(*) FILTER (WHERE status = 7)
			FROM runs WHERE status <> 3 AND `+unended+` GROUP BY recipe, program`, func(st *stmt) error {
			list = append(list, runtime.RecipeCount{Recipe: s.names.text(st.int(0)), Program: s.names.text(st.int(1)),
				Running: st.int(2), Waiting: st.int(3), Queued: st.int(4)})
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("counting runs by recipe: %w", err)
	}
	slices.SortFunc(list, func(a, b runtime.RecipeCount) int {
		return cmp.Or(cmp.Compare(a.Recipe, b.Recipe), cmp.Compare(a.Program, b.Program))
	})
	return list, nil
}

// opFunc is an operation that nothing needs to tell from others.
type opFunc func(*writer) error

func (f opFunc) apply(w *writer) error { return f(w) }
func (opFunc) kind() opKind            { return opOther }

type markRow struct {
	key, run    string
	at, expires optTime
}

func markRows(marks []runtime.Mark) []markRow {
	if len(marks) == 0 {
		return nil
	}
	rows := make([]markRow, len(marks))
	for i, m := range marks {
		rows[i] = markRow{key: m.Key, run: m.Run, at: timeValue(m.At), expires: timeValue(m.Expires)}
	}
	return rows
}

func (m *markRow) apply(w *writer) error {
	s, err := w.c.prepare(`INSERT INTO marks (key, run, at, expires) VALUES (?,?,?,?)
		ON CONFLICT DO UPDATE SET run = excluded.run, at = excluded.at, expires = excluded.expires`)
	if err != nil {
		return err
	}
	s.bindText(1, m.key)
	s.bindText(2, m.run)
	m.at.bind(s, 3)
	m.expires.bind(s, 4)
	return s.run()
}

// Mark implements runtime.Store.
func (s *Store) Mark(ctx context.Context, key string) (*runtime.Mark, error) {
	var m *runtime.Mark
	err := s.pool.lend(ctx, func(c *conn) error {
		return c.query(`SELECT run, at, expires FROM marks WHERE key = ?`, func(st *stmt) error {
			m = &runtime.Mark{Key: key, Run: st.text(0), At: st.time(1), Expires: st.time(2)}
			return nil
		}, key)
	})
	if err != nil {
		return nil, fmt.Errorf("reading a mark: %w", err)
	}
	if m == nil {
		return nil, runtime.ErrNotFound
	}
	return m, nil
}

// Pause implements runtime.Store.
func (s *Store) Pause(ctx context.Context, p *runtime.Pause) error {
	kept := *p
	err := s.w.do(ctx, opFunc(func(w *writer) error {
		return w.c.run(`INSERT OR REPLACE INTO pauses (recipe, dropping, by, at, reason) VALUES (?,?,?,?,?)`,
			kept.Recipe, boolInt(kept.Drop), kept.By, kept.At, kept.Reason)
	}), 128+len(kept.Reason))
	if err != nil {
		return fmt.Errorf("pausing %s: %w", p.Recipe, err)
	}
	return nil
}

// Resume implements runtime.Store.
func (s *Store) Resume(ctx context.Context, recipe string) error {
	err := s.w.do(ctx, opFunc(func(w *writer) error {
		if err := w.c.run(`DELETE FROM spent WHERE recipe = ?`, recipe); err != nil {
			return err
		}
		return w.c.run(`DELETE FROM pauses WHERE recipe = ?`, recipe)
	}), 64)
	if err != nil {
		return fmt.Errorf("resuming %s: %w", recipe, err)
	}
	return nil
}

// Pauses implements runtime.Store.
func (s *Store) Pauses(ctx context.Context) (list []*runtime.Pause, err error) {
	err = s.pool.lend(ctx, func(c *conn) error {
		return c.query(`SELECT recipe, dropping, by, at, reason FROM pauses ORDER BY recipe`, func(st *stmt) error {
			list = append(list, &runtime.Pause{Recipe: st.text(0), Drop: st.int(1) != 0, By: st.text(2), At: st.time(3), Reason: st.text(4)})
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("reading which recipes are paused: %w", err)
	}
	return list, nil
}

// expireRows is how many rows are forgotten in one transaction, so that events need not wait long.
const expireRows = 1000

// Expire implements runtime.Store.
func (s *Store) Expire(ctx context.Context, now time.Time) (forgotten int, err error) {
	for _, o := range []struct {
		apply func(*writer, int64) (touched int, err error)
		upTo  int64
		moves bool // what it touches is not forgotten yet
	}{
		{apply: deleting(`DELETE FROM marks WHERE key IN (SELECT key FROM marks WHERE expires <= ? ORDER BY expires LIMIT ?)`), upTo: nanos(now)},
		{apply: deleting(`DELETE FROM state WHERE rowid IN (SELECT rowid FROM state WHERE expires <= ? ORDER BY expires LIMIT ?)`), upTo: nanos(now)},
		{apply: deleting(`DELETE FROM spent WHERE (recipe, budget, id) IN
			(SELECT recipe, budget, id FROM spent WHERE expires <= ? ORDER BY expires LIMIT ?)`), upTo: nanos(now)},
		{apply: endIncrements, upTo: nanos(now), moves: true},
		{apply: deleting(`DELETE FROM increments WHERE (counter, id) IN
			(SELECT counter, id FROM increments WHERE expires IS NULL AND at <= ? ORDER BY at LIMIT ?)`), upTo: nanos(now.Add(-runtime.CountedFor))},
	} {
		for touched := expireRows; touched == expireRows; {
			err := s.w.do(ctx, opFunc(func(w *writer) (err error) { touched, err = o.apply(w, o.upTo); return err }), batchBytes/8)
			if err != nil {
				return forgotten, fmt.Errorf("forgetting what has expired: %w", err)
			}
			if !o.moves {
				forgotten += touched
			}
		}
	}
	return forgotten, nil
}

func deleting(sql string) func(*writer, int64) (int, error) {
	return func(w *writer, upTo int64) (int, error) {
		err := w.c.run(sql, upTo, expireRows)
		return w.c.changes(), err
	}
}
