package sqlite

// Lists of events and runs. What is indexed is looked up in the segments of fields.go; what came since is read, the
// newest first, and looked into.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/runtime"
)

const (
	defaultLimit, maxLimit = 50, 1000

	// fewMatches is how many matching events are followed to their runs; beyond it the runs are read and compared.
	fewMatches = 20_000
	// fewRuns is how many runs of a status are read rather than those of a recipe.
	fewRuns = 10_000
)

// errEnough ends a query early.
var errEnough = errors.New("enough")

func enough(err error) error {
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func limitOf(limit int) int {
	if limit <= 0 {
		return defaultLimit
	}
	return min(limit, maxLimit)
}

// filter gathers the conditions of a list.
type filter struct {
	where []string
	args  []any
}

func (f *filter) add(condition string, args ...any) {
	f.where = append(f.where, condition)
	f.args = append(f.args, args...)
}

// sql lists rows the newest first, without an end where limit is negative.
func (f filter) sql(columns, from string, limit int) (string, []any) {
	q := `SELECT ` + columns + ` FROM ` + from
	if len(f.where) > 0 {
		q += ` WHERE ` + strings.Join(f.where, ` AND `)
	}
	return q + ` ORDER BY seq DESC LIMIT ?`, append(slices.Clip(f.args), limit)
}

func (f filter) with(condition string, args ...any) filter {
	return filter{append(slices.Clip(f.where), condition), append(slices.Clip(f.args), args...)}
}

// word adds that a column of numbers is the word's, and reports whether any row can have it.
func (s *Store) word(f *filter, column, word string) bool {
	if word == "" {
		return true
	}
	n, ok := s.names.known(word)
	f.add(column+` = ?`, n)
	return ok
}

// hashes returns the hashes of fields and words; words are pairs of a name and a value that may be empty.
func hashes(where []runtime.Field, words ...string) []uint64 {
	var list []uint64
	for _, f := range where {
		list = append(list, fieldHash(f.Name, f.Value))
	}
	for i := 0; i < len(words); i += 2 {
		if words[i+1] != "" {
			list = append(list, fieldHash(words[i], words[i+1]))
		}
	}
	return list
}

func holds(where, fields []runtime.Field) bool {
	for _, f := range where {
		if !slices.Contains(fields, f) {
			return false
		}
	}
	return true
}

// indexed calls each with the Seqs below before that have all hashes, the greatest first. Segments without anything as
// new as since are left out.
func indexed(c *conn, kind int, all []uint64, before, since int64, each func(seq int64) error) error {
	var lists [][]int64
	return c.query(`SELECT id, first, directory FROM segments WHERE kind = ? AND first < ? AND newest >= ? ORDER BY last DESC`, func(st *stmt) error {
		id, first, directory := st.int(0), st.int(1), st.blob(2)
		lists = slices.Grow(lists, len(all))[:len(all)]
		for i, hash := range all {
			lists[i] = lists[i][:0]
			page, ok := pageOf(directory, hash)
			if !ok {
				return nil
			}
			err := c.query(`SELECT data FROM pages WHERE id = ?`, func(st *stmt) error {
				return readPage(st.blob(0), func(h uint64, n int, packed []byte) bool {
					if h == hash {
						lists[i] = unpackSeqs(lists[i], n, first, packed)
					}
					return h < hash
				})
			}, id<<pageBits|int64(page))
			if err != nil || len(lists[i]) == 0 {
				return err
			}
		}
		for _, seq := range slices.Backward(lists[0]) {
			in := seq < before
			for _, other := range lists[1:] {
				if !in {
					break
				}
				_, in = slices.BinarySearch(other, seq)
			}
			if in {
				if err := each(seq); err != nil {
					return err
				}
			}
		}
		return nil
	}, kind, before, since)
}

const forever = int64(1<<63 - 1)

// Events implements runtime.Store.
func (s *Store) Events(ctx context.Context, q runtime.EventQuery) (list []*runtime.Event, err error) {
	var f filter
	if !s.word(&f, `connection`, q.Connection) || !s.word(&f, `type`, q.Type) {
		return nil, s.alive(ctx)
	}
	since, before, limit := int64(-1<<63), forever, limitOf(q.Limit)
	if !q.Since.IsZero() {
		since = nanos(q.Since)
		f.add(`received >= ?`, since)
	}
	if q.Before > 0 {
		before = q.Before
	}
	take := func(st *stmt) error {
		list = append(list, s.event(st))
		if len(list) == limit {
			return errEnough
		}
		return nil
	}
	read := func(c *conn, f filter) error {
		sql, args := f.sql(eventColumns, `events e`, limit-len(list))
		return c.query(sql, take, args...)
	}
	err = s.pool.read(ctx, func(c *conn) error {
		all := hashes(q.Where, typeName, q.Type, connName, q.Connection)
		if len(all) == 0 {
			return read(c, f.with(`seq < ?`, before))
		}
		to, _, err := indexedTo(c)
		if err != nil {
			return err
		}
		switch fresh := f.with(`seq < ? AND seq > ?`, before, to); {
		case len(q.Where) == 0:
			err = read(c, fresh)
		case q.Look != nil:
			err = s.look(c, fresh, q.Where, q.Look, func(e *runtime.Event) error {
				e.Payload = nil
				if list = append(list, e); len(list) == limit {
					return errEnough
				}
				return nil
			})
		}
		if err != nil {
			return err
		}
		sql, _ := f.with(`seq = ?`).sql(eventColumns, `events e`, 1)
		return indexed(c, ofEvents, all, min(before, to+1), since, func(seq int64) error {
			return c.query(sql, take, append(slices.Clip(f.args), seq, 1)...)
		})
	})
	if err = enough(err); err != nil {
		return nil, fmt.Errorf("listing events: %w", err)
	}
	return list, nil
}

// look calls each for the events that f selects and where holds for, the newest first.
func (s *Store) look(c *conn, f filter, where []runtime.Field, fields func(*runtime.Event) []runtime.Field, each func(*runtime.Event) error) error {
	sql, args := f.sql(eventColumns+`, (SELECT data FROM payloads p WHERE p.seq = e.seq)`, `events e`, -1)
	return c.query(sql, func(st *stmt) error {
		e, err := s.eventWithPayload(st)
		if err != nil {
			return err
		}
		if e.Payload == nil || !holds(where, fields(e)) {
			return nil
		}
		return each(e)
	}, args...)
}

// Runs implements runtime.Store.
func (s *Store) Runs(ctx context.Context, q runtime.RunQuery) (list []*runtime.Run, err error) {
	var f filter
	if !s.word(&f, `recipe`, q.Recipe) {
		return nil, s.alive(ctx)
	}
	if q.EventID != "" {
		f.add(`event IN (SELECT seq FROM events WHERE id = ?)`, q.EventID)
	}
	switch q.Status {
	case 0:
	case runtime.RunCompleted:
		f.add(`status = 3`)
	default:
		f.add(`status <> 3 AND status = ?`, int(q.Status)) // in the words of the partial index
	}
	since := int64(-1 << 63)
	if !q.Since.IsZero() {
		since = nanos(q.Since)
		f.add(`started >= ?`, since)
	}
	l := &runList{store: s, q: q, f: f, since: since, before: forever, limit: limitOf(q.Limit)}
	if q.Before > 0 {
		l.before = q.Before
	}
	if err := enough(s.pool.read(ctx, l.fill)); err != nil {
		return nil, fmt.Errorf("listing runs: %w", err)
	}
	return l.list, nil
}

// runList is a list of runs that is being filled.
type runList struct {
	store         *Store
	q             runtime.RunQuery
	f             filter
	since, before int64
	limit         int
	list          []*runtime.Run
}

func (l *runList) fill(c *conn) error {
	switch {
	case len(l.q.Where) > 0:
		return l.byFields(c)
	case l.q.Recipe == "" || l.q.EventID != "":
		return l.read(c, l.f.with(`seq < ?`, l.before))
	case l.q.Status != 0 && l.q.Status != runtime.RunCompleted && l.store.w.counters().runs[l.q.Status] <= fewRuns:
		return l.read(c, l.f.with(`seq < ?`, l.before)) // by the index on status
	}
	_, to, err := indexedTo(c)
	if err != nil {
		return err
	}
	if err := l.read(c, l.f.with(`seq < ? AND seq > ?`, l.before, to)); err != nil {
		return err
	}
	return indexed(c, ofRuns, hashes(nil, recipeName, l.q.Recipe), min(l.before, to+1), l.since, func(seq int64) error { return l.one(c, seq) })
}

func (l *runList) take(st *stmt) error {
	r, err := l.store.run(st)
	if err != nil {
		return err
	}
	r.Input, r.Output = nil, nil
	if l.list = append(l.list, r); len(l.list) == l.limit {
		return errEnough
	}
	return nil
}

func (l *runList) read(c *conn, f filter) error {
	sql, args := f.sql(runColumns, `runs`, l.limit-len(l.list))
	return c.query(sql, l.take, args...)
}

// one takes the run of a Seq if the other conditions hold.
func (l *runList) one(c *conn, seq int64) error {
	sql, args := l.f.with(`seq = ?`, seq).sql(runColumns, `runs`, 1)
	return c.query(sql, l.take, args...)
}

// byFields finds the events first. Their order is not quite that of their runs, some of which are recorded much later.
func (l *runList) byFields(c *conn) error {
	to, _, err := indexedTo(c)
	if err != nil {
		return err
	}
	var events []int64 // descending
	if l.q.Look != nil {
		var f filter
		f.add(`seq > ?`, to)
		err := l.store.look(c, f, l.q.Where, l.q.Look, func(e *runtime.Event) error { events = append(events, e.Seq); return nil })
		if err != nil {
			return err
		}
	}
	err = indexed(c, ofEvents, hashes(l.q.Where), to+1, -1<<63, func(seq int64) error { events = append(events, seq); return nil })
	if err != nil {
		return err
	}
	slices.Reverse(events)
	if len(events) > fewMatches {
		sql, args := l.f.with(`seq < ?`, l.before).sql(runColumns, `runs`, -1)
		return c.query(sql, func(st *stmt) error {
			if _, ok := slices.BinarySearch(events, st.int(2)); !ok {
				return nil
			}
			return l.take(st)
		}, args...)
	}
	var seqs []int64
	for _, e := range events {
		err := c.query(`SELECT seq FROM runs WHERE event = ?`, func(st *stmt) error { seqs = append(seqs, st.int(0)); return nil }, e)
		if err != nil {
			return err
		}
	}
	slices.Sort(seqs)
	for _, seq := range slices.Backward(seqs) {
		if seq < l.before {
			if err := l.one(c, seq); err != nil {
				return err
			}
		}
	}
	return nil
}
