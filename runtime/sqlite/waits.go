package sqlite

// Waits for events, and what has come for them. The writer does one change after the other, so that either an event
// finds the wait or the wait, which looks through the keys of events that came before, finds the event.

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/flowrun/flowrun/runtime"
)

// awaitHash is an await as tables have it. Two that share it, which does not happen by chance, would only make the engine
// look at an event that is not the one.
func awaitHash(a runtime.Await) int64 {
	var p packer
	p.text(a.Connection)
	p.text(a.EventType)
	p.text(a.Path)
	p.text(a.Key)
	sum := sha256.Sum256(p)
	return int64(binary.LittleEndian.Uint64(sum[:]))
}

// awaitHashes returns each hash once.
func awaitHashes(awaits []runtime.Await) []int64 {
	var list []int64
	for _, a := range awaits {
		if h := awaitHash(a); !slices.Contains(list, h) {
			list = append(list, h)
		}
	}
	return list
}

// arrivalRow is an arrival, its step as a number.
type arrivalRow struct {
	step  int64
	each  string
	event int64
	child string
}

func (s *Store) arrivalRow(ctx context.Context, a runtime.Arrival) (row arrivalRow, err error) {
	row = arrivalRow{each: a.Each, event: a.EventSeq, child: a.Run}
	row.step, err = s.number(ctx, a.Step)
	return row, err
}

func (s *Store) readArrivals(c *conn, r *runtime.Run) error {
	if r.Status.Ended() {
		return nil
	}
	return c.query(`SELECT step, each, event, child FROM arrivals WHERE run = ? ORDER BY id`, func(st *stmt) error {
		r.Arrived = append(r.Arrived, runtime.Arrival{Step: s.names.text(st.int(0)), Each: st.text(1), EventSeq: st.int(2), Run: st.text(3)})
		return nil
	}, r.Seq)
}

// follow takes note of a run whose rows were written: what its steps wait for, and what need not be kept.
func (w *writer) follow(r *runRow) error {
	if r.status.Ended() {
		if w.n.awaits > 0 {
			if err := w.delete(&w.n.awaits, `DELETE FROM awaits WHERE run = ?`, r.seq); err != nil {
				return err
			}
		}
		if w.n.arrivals > 0 {
			return w.delete(&w.n.arrivals, `DELETE FROM arrivals WHERE run = ?`, r.seq)
		}
		return nil
	}
	for _, a := range r.looked {
		err := w.delete(&w.n.arrivals, `DELETE FROM arrivals WHERE run = ? AND step = ? AND each = ? AND event = ? AND child = ?`,
			r.seq, a.step, a.each, a.event, a.child)
		if err != nil {
			return err
		}
	}
	for i := range r.steps {
		st := &r.steps[i]
		if st.waiting {
			if err := w.seek(r, st); err != nil {
				return err
			}
			continue
		}
		if w.n.awaits > 0 {
			if err := w.delete(&w.n.awaits, `DELETE FROM awaits WHERE run = ? AND step = ? AND each = ?`, r.seq, st.address, st.each); err != nil {
				return err
			}
		}
		if w.n.arrivals > 0 {
			if err := w.delete(&w.n.arrivals, `DELETE FROM arrivals WHERE run = ? AND step = ? AND each = ?`, r.seq, st.address, st.each); err != nil {
				return err
			}
		}
	}
	return nil
}

// delete deletes rows that rows counts.
func (w *writer) delete(rows *int64, sql string, args ...any) error {
	err := w.c.run(sql, args...)
	*rows -= int64(w.c.changes())
	return err
}

// seek changes what a waiting step looks for, and looks for what is new among the events that are kept.
func (w *writer) seek(r *runRow, st *stepRow) error {
	if len(st.awaits) == 0 && w.n.awaits == 0 {
		return nil
	}
	var old []int64
	err := w.c.query(`SELECT key FROM awaits WHERE run = ? AND step = ? AND each = ?`, func(s *stmt) error {
		old = append(old, s.int(0))
		return nil
	}, r.seq, st.address, st.each)
	if err != nil {
		return err
	}
	for _, key := range old {
		if !slices.Contains(st.awaits, key) {
			err := w.delete(&w.n.awaits, `DELETE FROM awaits WHERE run = ? AND step = ? AND each = ? AND key = ?`, r.seq, st.address, st.each, key)
			if err != nil {
				return err
			}
		}
	}
	type met struct{ event, at int64 }
	var found []met
	for _, key := range st.awaits {
		if slices.Contains(old, key) {
			continue
		}
		err := w.c.run(`INSERT INTO awaits (run, step, each, key, event) VALUES (?,?,?,?,?)`, r.seq, st.address, st.each, key, r.event)
		if err != nil {
			return err
		}
		w.n.awaits++
		err = w.c.query(`SELECT k.event, coalesce(d.at, 0) FROM event_keys k LEFT JOIN decisions d ON d.event = k.event
			WHERE k.key = ? AND k.event > ?`, func(s *stmt) error {
			found = append(found, met{s.int(0), s.int(1)})
			return nil
		}, key, r.event)
		if err != nil {
			return err
		}
	}
	slices.SortFunc(found, func(a, b met) int { return cmp.Compare(a.event, b.event) })
	for _, m := range found {
		if err := w.arrive(r.seq, arrivalRow{step: st.address, each: st.each, event: m.event}, m.at); err != nil {
			return err
		}
	}
	return nil
}

// deliver keeps a decided event under its keys and gives it to the steps that look for it.
func (w *writer) deliver(d *decisionRow, keys []int64) error {
	type seeker struct {
		run int64
		arrivalRow
	}
	for _, key := range keys {
		if err := w.c.run(`INSERT INTO event_keys (event, key) VALUES (?,?) ON CONFLICT DO NOTHING`, d.event, key); err != nil {
			return err
		}
		if w.n.awaits == 0 {
			continue
		}
		var found []seeker
		err := w.c.query(`SELECT run, step, each FROM awaits WHERE key = ? AND event < ? ORDER BY run, step, each`, func(s *stmt) error {
			found = append(found, seeker{s.int(0), arrivalRow{step: s.int(1), each: s.text(2), event: d.event}})
			return nil
		}, key, d.event)
		if err != nil {
			return err
		}
		for _, f := range found {
			if err := cmp.Or(w.arrive(f.run, f.arrivalRow, d.at.ns), w.hasten(f.run)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer) arrive(run int64, a arrivalRow, at int64) error {
	err := w.c.run(`INSERT INTO arrivals (run, step, each, event, child, at) VALUES (?,?,?,?,?,?) ON CONFLICT DO NOTHING`,
		run, a.step, a.each, a.event, a.child, at)
	w.n.arrivals += int64(w.c.changes())
	return err
}

// hasten makes a waiting run due at the first of what has come for it.
func (w *writer) hasten(run int64) error {
	if w.n.arrivals == 0 {
		return nil
	}
	return w.c.run(`UPDATE runs SET due = a.first FROM (SELECT min(at) AS first FROM arrivals WHERE run = ?1) AS a
		WHERE seq = ?1 AND status = 2 AND a.first IS NOT NULL AND (due IS NULL OR due > a.first)`, run)
}

// wakeRow is the end of a called run, for its caller.
type wakeRow struct {
	run string
	arrivalRow
}

// apply does nothing where the called run, recorded in the same change, had ended before: then it has done its work.
func (o *wakeRow) apply(w *writer, runs []runRow) error {
	for i := range runs {
		if runs[i].id == o.child && runs[i].before.Ended() {
			return nil
		}
	}
	seq, err := w.c.queryInt(`SELECT seq FROM runs WHERE id = ? AND `+unended, o.run)
	if err != nil || seq == 0 {
		return err
	}
	at, err := w.c.queryInt(`SELECT ended FROM runs WHERE id = ?`, o.child)
	if err != nil {
		return err
	}
	return cmp.Or(w.arrive(seq, o.arrivalRow, at), w.hasten(seq))
}
