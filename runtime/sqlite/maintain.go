package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// Counts implements runtime.Store.
func (s *Store) Counts(ctx context.Context) (runtime.Counts, error) {
	if err := s.alive(ctx); err != nil {
		return runtime.Counts{}, err
	}
	n := s.w.counters()
	c := runtime.Counts{Events: n.events, Undecided: n.undecided, LastSeq: n.lastEvent, Runs: map[runtime.RunStatus]int64{}}
	for status, count := range n.runs {
		if count != 0 {
			c.Runs[runtime.RunStatus(status)] = count
		}
	}
	for _, suffix := range [...]string{"", "-wal"} {
		switch info, err := os.Stat(s.path + suffix); {
		case err == nil:
			c.Bytes += info.Size()
		case !errors.Is(err, os.ErrNotExist):
			return c, fmt.Errorf("measuring the store: %w", err)
		}
	}
	return c, nil
}

// pruneEvents is how many events are pruned in one transaction, so that new ones need not wait long.
const pruneEvents = 256

// Prune implements runtime.Store. An event that is undecided, or has a run that has not ended, keeps all it has. Of the
// steps of a pruned event their inputs and outputs go; what they were and how they ended stays until the event is
// forgotten.
func (s *Store) Prune(ctx context.Context, payloads, ids time.Time) (dropped, forgotten int, err error) {
	const settled = `EXISTS (SELECT 1 FROM decisions WHERE event = e.seq) AND NOT EXISTS (SELECT 1 FROM runs WHERE event = e.seq AND ` + unended + `)
		AND NOT EXISTS (SELECT 1 FROM arrivals WHERE event = e.seq)`
	for _, pass := range []struct {
		from   string
		cutoff time.Time
		forget bool
		n      *int
	}{
		{`events e`, ids, true, &forgotten},
		{`payloads p JOIN events e ON e.seq = p.seq`, payloads, false, &dropped},
	} {
		for after := int64(0); ; {
			var seqs []int64
			err := s.pool.lend(ctx, func(c *conn) error {
				return c.query(`SELECT e.seq FROM `+pass.from+` WHERE e.seq > ? AND e.received < ? AND `+settled+` ORDER BY e.seq LIMIT ?`,
					func(st *stmt) error { seqs = append(seqs, st.int(0)); return nil }, after, nanos(pass.cutoff), pruneEvents)
			})
			if err == nil && len(seqs) > 0 {
				op := &pruneOp{store: s, seqs: seqs, forget: pass.forget}
				if err = s.w.do(ctx, op, batchBytes); err == nil {
					*pass.n += op.n
					after = seqs[len(seqs)-1]
				}
			}
			if err != nil {
				return dropped, forgotten, fmt.Errorf("pruning the store: %w", err)
			}
			if len(seqs) < pruneEvents {
				break
			}
		}
	}
	err = s.w.do(ctx, dropKeysOp{}, batchBytes)
	if err == nil {
		err = s.dropAudits(ctx, ids)
	}
	if err == nil && forgotten > 0 {
		err = s.dropSegments(ctx)
	}
	if err != nil {
		return dropped, forgotten, fmt.Errorf("pruning the store: %w", err)
	}
	return dropped, forgotten, nil
}

// unended is the status of a run that has not ended.
const unended = `status IN (1, 2, 7)`

// dropKeysOp forgets the keys of events that no wait can look for any more: no run and no decision to come is older.
type dropKeysOp struct{}

func (dropKeysOp) kind() opKind { return opOther }

func (dropKeysOp) apply(w *writer) error {
	oldest := w.n.lastEvent
	first, err := w.c.queryInt(`SELECT min(event) FROM runs WHERE status <> 3 AND ` + unended)
	if err != nil {
		return err
	}
	if first > 0 {
		oldest = min(oldest, first)
	}
	if w.n.undecided > 0 {
		first, err := w.c.queryInt(`SELECT seq FROM events e WHERE seq > ? AND NOT EXISTS
			(SELECT 1 FROM decisions WHERE event = e.seq) ORDER BY seq LIMIT 1`, w.n.decidedTo)
		if err != nil {
			return err
		}
		oldest = min(oldest, first)
	}
	return w.c.run(`DELETE FROM event_keys WHERE event <= ?`, oldest)
}

type pruneOp struct {
	store  *Store
	seqs   []int64
	forget bool

	n int
}

func (*pruneOp) kind() opKind { return opOther }

func (o *pruneOp) apply(w *writer) error {
	o.n = 0
	for _, seq := range o.seqs {
		// A replay may have begun since the event was chosen.
		busy, err := w.c.queryInt(`SELECT (SELECT count(*) FROM runs WHERE event = ?1 AND `+unended+`) + (SELECT count(*) FROM arrivals WHERE event = ?1)`, seq)
		if err != nil {
			return err
		}
		if busy > 0 {
			continue
		}
		if o.forget {
			err = o.forgetEvent(w, seq)
		} else {
			err = o.dropEvent(w, seq)
		}
		if err != nil {
			return err
		}
		o.n++
	}
	return nil
}

func (o *pruneOp) forgetEvent(w *writer, seq int64) error {
	err := w.c.query(`SELECT status, started, recipe, seq FROM runs WHERE event = ?`, func(s *stmt) error {
		w.n.runs[s.int(0)]--
		w.t.add(optTime{s.int(1), !s.null(1)}, s.int(2), s.int(0), s.int(3), -1)
		return nil
	}, seq)
	if err != nil {
		return err
	}
	for _, sql := range []string{
		`DELETE FROM steps WHERE key IN (SELECT s.key FROM runs r JOIN steps s ON s.key BETWEEN r.seq << 16 AND (r.seq << 16) + 65535 WHERE r.event = ?)`,
		`DELETE FROM items WHERE id IN (SELECT i.id FROM runs r JOIN items i ON i.step BETWEEN r.seq << 16 AND (r.seq << 16) + 65535 WHERE r.event = ?)`,
		`DELETE FROM event_keys WHERE event = ?`,
		`DELETE FROM runs WHERE event = ?`,
		`DELETE FROM payloads WHERE seq = ?`,
		`DELETE FROM decisions WHERE event = ?`,
		`DELETE FROM events WHERE seq = ?`,
	} {
		if err := w.c.run(sql, seq); err != nil {
			return err
		}
	}
	w.n.events--
	return nil
}

// dropEvent packs the event's runs and steps again, without their data.
func (o *pruneOp) dropEvent(w *writer, seq int64) error {
	type row struct {
		sql  string
		key  int64
		data []byte
	}
	var rows []row
	for _, from := range [...]struct{ sql, update string }{
		{`SELECT s.key, s.data, s.key FROM runs r JOIN steps s ON s.key BETWEEN r.seq << 16 AND (r.seq << 16) + 65535 WHERE r.event = ?`,
			`UPDATE steps SET data = ? WHERE key = ?`},
		{`SELECT i.step, i.data, i.id FROM runs r JOIN items i ON i.step BETWEEN r.seq << 16 AND (r.seq << 16) + 65535 WHERE r.event = ?`,
			`UPDATE items SET data = ? WHERE id = ?`},
	} {
		err := w.c.query(from.sql, func(st *stmt) error {
			step, err := o.store.unpackStep(st.int(0)&(1<<stepBits-1), st.blob(1))
			if err != nil {
				return err
			}
			if step.Input == nil && step.Output == nil {
				return nil
			}
			step.Input, step.Output = nil, nil
			// Its words were numbered when it was written, so that this asks nothing of the writer.
			data, err := o.store.packStep(context.Background(), step)
			rows = append(rows, row{from.update, st.int(2), data})
			return err
		}, seq)
		if err != nil {
			return err
		}
	}
	err := w.c.query(`SELECT `+runColumns+` FROM runs WHERE event = ?`, func(st *stmt) error {
		r, err := o.store.run(st)
		if err != nil || r.Input == nil && r.Output == nil {
			return err
		}
		r.Input, r.Output = nil, nil
		data, err := o.store.packRun(context.Background(), r)
		rows = append(rows, row{`UPDATE runs SET data = ? WHERE seq = ?`, r.Seq, data})
		return err
	}, seq)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := w.c.run(r.sql, r.data, r.key); err != nil {
			return err
		}
	}
	return w.c.run(`DELETE FROM payloads WHERE seq = ?`, seq)
}

// Backup implements runtime.Store. Writing goes on meanwhile; the copy is of one moment. It is readable by its owner
// only, and synced.
func (s *Store) Backup(ctx context.Context, path string) (err error) {
	if err := s.alive(ctx); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("backing up the store: %w", err)
	}
	defer func() {
		f.Close()
		if err != nil {
			os.Remove(path)
			err = fmt.Errorf("backing up the store to %s: %w", path, err)
		}
	}()
	// SQLite takes an empty file as one that does not exist yet.
	if err := s.pool.lend(ctx, func(c *conn) error { return c.vacuumInto(path) }); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// vacuumInto makes the copy. The connection is otherwise barred from writing, to the copy too.
func (c *conn) vacuumInto(path string) error {
	if err := c.exec(`PRAGMA query_only = 0`); err != nil {
		return err
	}
	err := c.run(`VACUUM INTO ?`, path)
	return errors.Join(err, c.exec(`PRAGMA query_only = 1`))
}

// Check reads the whole file and reports damage, and rows that contradict each other.
func (s *Store) Check(ctx context.Context) error {
	err := s.pool.read(ctx, func(c *conn) error {
		var errs []error
		report := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
		err := c.query(`PRAGMA quick_check(20)`, func(st *stmt) error {
			if word := st.text(0); word != "ok" {
				report("%s", word)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, q := range []struct{ what, sql string }{
			{"payloads without their event", `SELECT count(*) FROM payloads WHERE seq NOT IN (SELECT seq FROM events)`},
			{"steps without their run", `SELECT count(*) FROM steps WHERE key >> 16 NOT IN (SELECT seq FROM runs)`},
			{"steps of loops without their run", `SELECT count(*) FROM items WHERE step >> 16 NOT IN (SELECT seq FROM runs)`},
			{"waits without an unfinished run", `SELECT (SELECT count(*) FROM awaits WHERE run NOT IN (SELECT seq FROM runs WHERE ` + unended + `)) +
				(SELECT count(*) FROM arrivals WHERE run NOT IN (SELECT seq FROM runs WHERE ` + unended + `))`},
			{"pages of no segment", `SELECT count(*) FROM pages WHERE id >> 20 NOT IN (SELECT id FROM segments)`},
			{"keys without their event", `SELECT count(*) FROM event_keys WHERE event NOT IN (SELECT seq FROM events)`},
			{"rows of an unknown word", `SELECT (SELECT count(*) FROM events WHERE type <> 0 AND type NOT IN (SELECT id FROM names)
				OR connection <> 0 AND connection NOT IN (SELECT id FROM names)) +
				(SELECT count(*) FROM runs WHERE recipe <> 0 AND recipe NOT IN (SELECT id FROM names))`},
			{"numbers of runs over time that are wrong", `SELECT count(*) FROM (
				SELECT bucket, recipe, status, runs FROM tallies EXCEPT
				SELECT started / 300000000000, recipe, status, count(*) FROM runs WHERE started IS NOT NULL GROUP BY 1, 2, 3)`},
			{"runs that are not counted over time", `SELECT count(*) FROM (
				SELECT started / 300000000000, recipe, status, count(*) FROM runs WHERE started IS NOT NULL GROUP BY 1, 2, 3 EXCEPT
				SELECT bucket, recipe, status, runs FROM tallies)`},
			{"undecided events at or below the mark", `SELECT count(*) FROM events WHERE seq <= (SELECT decided_to FROM counters)
				AND seq NOT IN (SELECT event FROM decisions)`},
		} {
			n, err := c.queryInt(q.sql)
			if err != nil {
				return err
			}
			if n > 0 {
				report("%d %s", n, q.what)
			}
		}
		want, err := count(c)
		if err != nil {
			return err
		}
		have, err := loadCounters(c)
		if err != nil {
			return err
		}
		if have.events != want.events || have.undecided != want.undecided || have.runs != want.runs ||
			have.lastEvent < want.lastEvent || have.lastRun < want.lastRun {
			report("the counters say %+v, counted are %+v", have, want)
		}
		return errors.Join(errs...)
	})
	if err != nil {
		return fmt.Errorf("checking the store: %w", err)
	}
	return nil
}
