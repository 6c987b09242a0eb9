package sqlite

// Lists of events and runs. What is indexed is looked up in the segments of fields.go; what came since is read, the
// newest first, and looked into.

import (
	"cmp"
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
	// fewBegun is how many ids may begin alike for them to be looked up; of more, the newest are met soon by reading.
	fewBegun = 5_000
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
	if !q.Until.IsZero() {
		f.add(`received < ?`, nanos(q.Until))
	}
	if q.Before > 0 {
		before = q.Before
	}
	add := func(e *runtime.Event) error {
		if !strings.HasPrefix(e.ID, q.Prefix) {
			return nil
		}
		if list = append(list, e); len(list) == limit {
			return errEnough
		}
		return nil
	}
	take := func(st *stmt) error { return add(s.event(st)) }
	read := func(c *conn, f filter) error {
		most := limit - len(list)
		if q.Prefix != "" {
			most = -1
		}
		sql, args := f.sql(eventColumns, `events e`, most)
		return c.query(sql, take, args...)
	}
	one := func(c *conn, seq int64) error {
		sql, args := f.with(`seq = ?`, seq).sql(eventColumns, `events e`, 1)
		return c.query(sql, take, args...)
	}
	err = s.pool.read(ctx, func(c *conn) error {
		if q.Prefix != "" && len(q.Where) == 0 {
			seqs, few, err := begun(c, `events`, q.Prefix)
			switch {
			case err != nil:
				return err
			case few:
				return backward(seqs, before, func(seq int64) error { return one(c, seq) })
			}
		}
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
				return add(e)
			})
		}
		if err != nil {
			return err
		}
		return indexed(c, ofEvents, all, min(before, to+1), since, func(seq int64) error { return one(c, seq) })
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

// begun returns the Seqs of the events or runs whose ids begin with a prefix, ascending. few is false where there are
// too many to look at.
func begun(c *conn, table, prefix string) (seqs []int64, few bool, err error) {
	where, args := `id >= ?`, []any{prefix}
	if end := afterPrefix(prefix); end != "" {
		where, args = where+` AND id < ?`, append(args, end)
	}
	err = c.query(`SELECT seq FROM `+table+` WHERE `+where+` LIMIT ?`, func(st *stmt) error {
		seqs = append(seqs, st.int(0))
		return nil
	}, append(args, fewBegun+1)...)
	slices.Sort(seqs)
	return seqs, len(seqs) <= fewBegun, err
}

// afterPrefix is the least text behind all that begin with the prefix; empty where there is none.
func afterPrefix(prefix string) string {
	b := []byte(prefix)
	for len(b) > 0 && b[len(b)-1] == 0xff {
		b = b[:len(b)-1]
	}
	if len(b) == 0 {
		return ""
	}
	b[len(b)-1]++
	return string(b)
}

// backward calls each for the Seqs below before, the greatest first.
func backward(ascending []int64, before int64, each func(int64) error) error {
	for _, seq := range slices.Backward(ascending) {
		if seq < before {
			if err := each(seq); err != nil {
				return err
			}
		}
	}
	return nil
}

// Runs implements runtime.Store.
func (s *Store) Runs(ctx context.Context, q runtime.RunQuery) (list []*runtime.Run, err error) {
	statuses := slices.Clone(q.Statuses)
	switch {
	case len(statuses) > 0:
	case q.Status == 0 && (q.Kind != "" || q.Step != ""):
		// Of these there are few; those that ended well have no error.
		statuses = []runtime.RunStatus{runtime.RunFailed, runtime.RunCanceled, runtime.RunWaiting, runtime.RunRunning, runtime.RunQueued}
	default:
		statuses = []runtime.RunStatus{q.Status}
	}
	slices.Sort(statuses)
	err = s.pool.read(ctx, func(c *conn) error {
		for _, status := range slices.Compact(statuses) {
			q.Status = status
			part, err := s.runsOf(c, q)
			if err != nil {
				return err
			}
			list = append(list, part...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing runs: %w", err)
	}
	if len(statuses) > 1 {
		slices.SortFunc(list, func(a, b *runtime.Run) int { return cmp.Compare(b.Seq, a.Seq) })
		list = list[:min(len(list), limitOf(q.Limit))]
	}
	return list, nil
}

// runsOf lists the runs of one status, or of all.
func (s *Store) runsOf(c *conn, q runtime.RunQuery) ([]*runtime.Run, error) {
	var f filter
	if !s.word(&f, `recipe`, q.Recipe) {
		return nil, nil
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
	l := &runList{store: s, q: q, since: -1 << 63, before: forever, limit: limitOf(q.Limit)}
	if q.Before > 0 {
		l.before = q.Before
	}
	if !q.Since.IsZero() {
		l.since = nanos(q.Since)
		f.add(`started >= ?`, l.since)
	}
	if !q.Until.IsZero() {
		f.add(`started < ?`, nanos(q.Until))
	}
	if !q.Since.IsZero() || !q.Until.IsZero() {
		first, last, any, err := s.startedWithin(c, &q)
		if err != nil || !any {
			return nil, err
		}
		l.before = min(l.before, last+1)
		f.add(`seq >= ?`, first)
	}
	l.f = f
	err := enough(l.fill(c))
	return l.list, err
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
	if l.q.Prefix != "" && len(l.q.Where) == 0 {
		seqs, few, err := l.begun(c)
		switch {
		case err != nil:
			return err
		case few:
			return backward(seqs, l.before, func(seq int64) error { return l.one(c, seq) })
		}
	}
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

// begun returns the Seqs of the runs that have ids which begin with the prefix, or whose events have.
func (l *runList) begun(c *conn) (seqs []int64, few bool, err error) {
	seqs, few, err = begun(c, `runs`, l.q.Prefix)
	if err != nil || !few {
		return nil, false, err
	}
	events, few, err := begun(c, `events`, l.q.Prefix)
	if err != nil || !few {
		return nil, false, err
	}
	for _, e := range events {
		err := c.query(`SELECT seq FROM runs WHERE event = ?`, func(st *stmt) error { seqs = append(seqs, st.int(0)); return nil }, e)
		if err != nil {
			return nil, false, err
		}
	}
	slices.Sort(seqs)
	return slices.Compact(seqs), true, nil
}

func (l *runList) take(st *stmt) error {
	r, err := l.store.run(st)
	if err != nil {
		return err
	}
	if !l.q.Holds(r) {
		return nil
	}
	r.Input, r.Output = nil, nil
	if l.list = append(l.list, r); len(l.list) == l.limit {
		return errEnough
	}
	return nil
}

func (l *runList) read(c *conn, f filter) error {
	most := l.limit - len(l.list)
	if l.q.Prefix != "" || l.q.Kind != "" || l.q.Step != "" {
		most = -1 // take leaves some out
	}
	sql, args := f.sql(runColumns, `runs`, most)
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
	return backward(seqs, l.before, func(seq int64) error { return l.one(c, seq) })
}
