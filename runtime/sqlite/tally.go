package sqlite

// How many runs started when, and how they stand. The rows are kept beside the runs: a commit gathers what it changes
// in memory and writes each row once, so that a run costs a fraction of a small update. A row also has the least and
// the greatest Seq of its runs, by which lists of a time find their place among all runs; they may be wider than what
// is left of the runs, never narrower.

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

const tallySpan = int64(runtime.TallySpan)

// tallyKey is a row of tallies.
type tallyKey struct{ bucket, recipe, status int64 }

type tallyChange struct{ runs, first, last int64 }

// tallies are the changes of the transaction under way.
type tallies map[tallyKey]tallyChange

// add counts a run in or out. One that has no start is not counted.
func (t tallies) add(started optTime, recipe, status, seq, n int64) {
	if !started.set {
		return
	}
	key := tallyKey{started.ns / tallySpan, recipe, status}
	c, ok := t[key]
	if !ok {
		c.first, c.last = seq, seq
	}
	t[key] = tallyChange{c.runs + n, min(c.first, seq), max(c.last, seq)}
}

func (t tallies) save(c *conn) error {
	for key, change := range t {
		err := c.run(`INSERT INTO tallies (bucket, recipe, status, runs, first, last) VALUES (?,?,?,?,?,?)
			ON CONFLICT DO UPDATE SET runs = runs + excluded.runs, first = min(first, excluded.first), last = max(last, excluded.last)`,
			key.bucket, key.recipe, key.status, change.runs, change.first, change.last)
		if err == nil && change.runs <= 0 {
			err = c.run(`DELETE FROM tallies WHERE bucket = ? AND recipe = ? AND status = ? AND runs = 0`, key.bucket, key.recipe, key.status)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bucketOf is the bucket that a time is in.
func bucketOf(t time.Time) int64 { return nanos(t) / tallySpan }

// Tally implements runtime.Store.
func (s *Store) Tally(ctx context.Context, q runtime.TallyQuery) (list []runtime.Tally, err error) {
	var f filter
	if !s.word(&f, `recipe`, q.Recipe) {
		return nil, s.alive(ctx)
	}
	if !q.Since.IsZero() {
		f.add(`bucket >= ?`, bucketOf(q.Since))
	}
	if !q.Until.IsZero() {
		f.add(`bucket <= ?`, (nanos(q.Until)-1)/tallySpan)
	}
	where := ``
	if len(f.where) > 0 {
		where = ` WHERE ` + strings.Join(f.where, ` AND `)
	}
	width, recipe := forever, `0`
	if q.Span > 0 {
		width = max(1, int64(q.Span)/tallySpan)
	}
	if q.ByRecipe {
		recipe = `recipe`
	}
	sql := `SELECT bucket / ? AS span, ` + recipe + ` AS of_recipe, status, sum(runs) FROM tallies` + where +
		` GROUP BY span, of_recipe, status`
	err = s.pool.lend(ctx, func(c *conn) error {
		return c.query(sql, func(st *stmt) error {
			t := runtime.Tally{Status: runtime.RunStatus(st.int(2)), Runs: st.int(3)}
			if q.Span > 0 {
				t.At = time.Unix(0, st.int(0)*width*tallySpan).UTC()
			}
			if q.ByRecipe {
				t.Recipe = s.names.text(st.int(1))
			}
			list = append(list, t)
			return nil
		}, append([]any{width}, f.args...)...)
	})
	if err != nil {
		return nil, fmt.Errorf("counting runs over time: %w", err)
	}
	slices.SortStableFunc(list, func(a, b runtime.Tally) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Recipe, b.Recipe), cmp.Compare(a.Status, b.Status))
	})
	return list, nil
}

// startedWithin returns between which Seqs the runs are that started in the time; ok is false where there are none.
func (s *Store) startedWithin(c *conn, q *runtime.RunQuery) (first, last int64, ok bool, err error) {
	var f filter
	if !s.word(&f, `recipe`, q.Recipe) {
		return 0, 0, false, nil
	}
	if q.Status != 0 {
		f.add(`status = ?`, int(q.Status))
	}
	if !q.Since.IsZero() {
		f.add(`bucket >= ?`, bucketOf(q.Since))
	}
	if !q.Until.IsZero() {
		f.add(`bucket <= ?`, bucketOf(q.Until))
	}
	err = c.query(`SELECT min(first), max(last) FROM tallies WHERE `+strings.Join(f.where, ` AND `), func(st *stmt) error {
		first, last, ok = st.int(0), st.int(1), !st.null(0)
		return nil
	}, f.args...)
	return first, last, ok, err
}
