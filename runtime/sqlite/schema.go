package sqlite

import (
	"errors"
	"fmt"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

const busyTimeout = 10 * time.Second

// migration is one step of the schema. Steps are never edited once released: a change is a further step.
type migration struct {
	sql  string
	fill func(*conn) error // after sql
}

// migrations lead from an empty file to the current schema; step i makes version i+1.
//
// Rows of events, payloads and decisions are only ever appended, so that the pages a commit dirties are the last ones
// of each table. The payload stands apart from what lists and queues read of an event, and retention deletes it without
// touching the event. Words that repeat (types, recipes, digests, addresses) are numbers from names. A step's key is
// its run's seq and its index in one integer: a table without rowid would push every row above 1 KB to pages of its own.
func migrations() []migration {
	return []migration{
		{sql: `
CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE programs (digest TEXT PRIMARY KEY, at INTEGER, files BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE events (
	seq INTEGER PRIMARY KEY,
	id TEXT NOT NULL, connection INTEGER NOT NULL, service INTEGER NOT NULL, type INTEGER NOT NULL,
	time INTEGER, received INTEGER, account TEXT, version INTEGER NOT NULL, livemode INTEGER NOT NULL
);
CREATE UNIQUE INDEX events_id ON events (id, connection);
CREATE TABLE payloads (seq INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE decisions (
	event INTEGER PRIMARY KEY, program INTEGER NOT NULL, at INTEGER, matched BLOB, runs INTEGER NOT NULL
);
CREATE TABLE runs (
	seq INTEGER PRIMARY KEY,
	id TEXT NOT NULL, event INTEGER NOT NULL, recipe INTEGER NOT NULL, program INTEGER NOT NULL,
	status INTEGER NOT NULL, started INTEGER, ended INTEGER, due INTEGER, data BLOB NOT NULL
);
CREATE UNIQUE INDEX runs_id ON runs (id);
CREATE INDEX runs_event ON runs (event);
CREATE INDEX runs_due ON runs (due, seq) WHERE status = 2;
CREATE INDEX runs_status ON runs (status, seq) WHERE status <> 3;
CREATE TABLE steps (key INTEGER PRIMARY KEY, data BLOB NOT NULL);`},

		// Counting a million rows at every start and for every status page took seconds; version 2 keeps the counts.
		{sql: `
CREATE TABLE counters (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	last_event INTEGER NOT NULL, last_run INTEGER NOT NULL, decided_to INTEGER NOT NULL,
	events INTEGER NOT NULL, undecided INTEGER NOT NULL,
	running INTEGER NOT NULL, waiting INTEGER NOT NULL, completed INTEGER NOT NULL,
	filtered INTEGER NOT NULL, failed INTEGER NOT NULL, canceled INTEGER NOT NULL
);`, fill: func(c *conn) error {
			// In the words of this version: what saves counters today knows later columns.
			return c.run(`INSERT INTO counters SELECT 1, (SELECT coalesce(max(seq), 0) FROM events), (SELECT coalesce(max(seq), 0) FROM runs), 0,
				(SELECT count(*) FROM events), (SELECT count(*) FROM events WHERE seq NOT IN (SELECT event FROM decisions)),
				count(*) FILTER (WHERE status = 1), count(*) FILTER (WHERE status = 2), count(*) FILTER (WHERE status = 3),
				count(*) FILTER (WHERE status = 4), count(*) FILTER (WHERE status = 5), count(*) FILTER (WHERE status = 6) FROM runs`)
		}},

		{sql: flowSchema},
		{sql: budgetSchema},

		// Version 5: what people do is kept, and the page asks for numbers of runs over time, which took a look at each.
		{sql: `
CREATE TABLE audits (
	seq INTEGER PRIMARY KEY, at INTEGER, who TEXT NOT NULL, what TEXT NOT NULL, data BLOB NOT NULL
);
CREATE TABLE tallies (
	bucket INTEGER NOT NULL, recipe INTEGER NOT NULL, status INTEGER NOT NULL,
	runs INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
	PRIMARY KEY (bucket, recipe, status)
) WITHOUT ROWID;
INSERT INTO tallies SELECT started / 300000000000 AS bucket, recipe, status, count(*), min(seq), max(seq) FROM runs
	WHERE started IS NOT NULL GROUP BY bucket, recipe, status;`},
	}
}

// budgetSchema is version 4: what recipes have spent of their budgets, a row for each call and budget, and why a recipe
// is paused.
const budgetSchema = `
CREATE TABLE spent (
	recipe TEXT NOT NULL, budget TEXT NOT NULL, id TEXT NOT NULL, amount INTEGER NOT NULL, expires INTEGER NOT NULL,
	PRIMARY KEY (recipe, budget, id)
) WITHOUT ROWID;
CREATE INDEX spent_expires ON spent (expires);
ALTER TABLE pauses ADD COLUMN reason TEXT NOT NULL DEFAULT '';`

// flowSchema is version 3: flow control, waits for events, loops, and the index of fields. Whoever uses none of it
// pays with three NULLs in the row of a run: the indexes on runs are partial, and the tables stay empty.
//
// What waits look for and what events can be looked for by are hashes (see awaitHash). Events' keys are in the order of
// events, for the look that begins a wait and for retention; arrivals refer to a run's step by its number in names.
// Items are the steps of a loop: their place in it is a column, since a step's key has no room for it.
//
// Fields are kept in segments of pages, sorted once and never changed; see fields.go.
const flowSchema = `
ALTER TABLE runs ADD COLUMN lane TEXT;
ALTER TABLE runs ADD COLUMN place INTEGER;
ALTER TABLE runs ADD COLUMN queue INTEGER;
DROP INDEX runs_due;
CREATE INDEX runs_timed ON runs (due, seq) WHERE status IN (2, 7) AND due IS NOT NULL;
CREATE INDEX runs_lane ON runs (lane, place, seq) WHERE status = 7 AND queue = 1;
CREATE INDEX runs_held ON runs (recipe, seq) WHERE status = 7 AND queue = 4;
ALTER TABLE counters ADD COLUMN queued INTEGER NOT NULL DEFAULT 0;
ALTER TABLE counters ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE programs ADD COLUMN awaits BLOB;
CREATE TABLE items (id INTEGER PRIMARY KEY, step INTEGER NOT NULL, item INTEGER NOT NULL, data BLOB NOT NULL);
CREATE UNIQUE INDEX items_at ON items (step, item);
CREATE TABLE event_keys (event INTEGER NOT NULL, key INTEGER NOT NULL, PRIMARY KEY (event, key)) WITHOUT ROWID;
CREATE INDEX event_keys_key ON event_keys (key, event);
CREATE TABLE awaits (
	run INTEGER NOT NULL, step INTEGER NOT NULL, each TEXT NOT NULL, key INTEGER NOT NULL, event INTEGER NOT NULL,
	PRIMARY KEY (run, step, each, key)
) WITHOUT ROWID;
CREATE INDEX awaits_key ON awaits (key, event);
CREATE TABLE arrivals (
	id INTEGER PRIMARY KEY,
	run INTEGER NOT NULL, step INTEGER NOT NULL, each TEXT NOT NULL, event INTEGER NOT NULL, child TEXT NOT NULL, at INTEGER NOT NULL
);
CREATE UNIQUE INDEX arrivals_run ON arrivals (run, step, each, event, child);
CREATE INDEX arrivals_event ON arrivals (event);
CREATE TABLE marks (key TEXT PRIMARY KEY, at INTEGER, run TEXT NOT NULL, expires INTEGER) WITHOUT ROWID;
CREATE INDEX marks_expires ON marks (expires) WHERE expires IS NOT NULL;
CREATE TABLE pauses (recipe TEXT PRIMARY KEY, dropping INTEGER NOT NULL, by TEXT NOT NULL, at INTEGER) WITHOUT ROWID;
CREATE TABLE state (name TEXT PRIMARY KEY, value BLOB, at INTEGER, expires INTEGER);
CREATE INDEX state_expires ON state (expires) WHERE expires IS NOT NULL;
CREATE TABLE totals (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, total INTEGER NOT NULL);
CREATE TABLE increments (
	counter INTEGER NOT NULL, id TEXT NOT NULL, amount INTEGER NOT NULL, at INTEGER NOT NULL, expires INTEGER,
	PRIMARY KEY (counter, id)
) WITHOUT ROWID;
CREATE INDEX increments_expires ON increments (counter, expires) WHERE expires IS NOT NULL;
CREATE INDEX increments_ending ON increments (expires) WHERE expires IS NOT NULL;
CREATE INDEX increments_at ON increments (at) WHERE expires IS NULL;
CREATE TABLE segments (
	id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, level INTEGER NOT NULL,
	first INTEGER NOT NULL, last INTEGER NOT NULL, newest INTEGER NOT NULL, directory BLOB NOT NULL
);
CREATE INDEX segments_last ON segments (kind, last);
CREATE TABLE pages (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE indexed (one INTEGER PRIMARY KEY CHECK (one = 1), events INTEGER NOT NULL, runs INTEGER NOT NULL);
INSERT INTO indexed VALUES (1, 0, 0);`

// migrate brings the file to the current version, each step in a transaction of its own.
func migrate(c *conn, steps []migration) error {
	v, err := c.queryInt(`PRAGMA user_version`)
	if err != nil {
		return err
	}
	if int(v) > len(steps) {
		return fmt.Errorf("the store has schema version %d and this flowrun knows up to %d: it was written by a newer flowrun", v, len(steps))
	}
	for ; int(v) < len(steps); v++ {
		m := steps[v]
		err := c.transact(func() error {
			if err := c.exec(m.sql); err != nil {
				return err
			}
			if m.fill != nil {
				if err := m.fill(c); err != nil {
					return err
				}
			}
			return c.exec(fmt.Sprintf(`PRAGMA user_version = %d`, v+1))
		})
		if err != nil {
			return fmt.Errorf("migrating the store to schema version %d: %w", v+1, err)
		}
	}
	return nil
}

// transact runs f between BEGIN IMMEDIATE and COMMIT, or ROLLBACK where it fails.
func (c *conn) transact(f func() error) error {
	if err := c.run(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	err := f()
	if err == nil {
		err = c.run(`COMMIT`)
	}
	if err != nil && c.inTransaction() {
		err = errors.Join(err, c.run(`ROLLBACK`))
	}
	return err
}

// counters is what the writer numbers and counts. A copy of it is put back when a transaction fails.
type counters struct {
	lastEvent, lastRun int64
	decidedTo          int64 // no event up to here is undecided
	events, undecided  int64
	runs               [runtime.RunSkipped + 1]int64

	// These are not stored.
	sinceAdvance     int   // decisions since decidedTo moved
	awaits, arrivals int64 // rows of these tables: where there are none, nobody need look
}

func (n *counters) save(c *conn) error {
	s, err := c.prepare(`UPDATE counters SET last_event=?, last_run=?, decided_to=?, events=?, undecided=?,
		running=?, waiting=?, completed=?, filtered=?, failed=?, canceled=?, queued=?, skipped=? WHERE one = 1`)
	if err != nil {
		return err
	}
	for i, v := range [...]int64{n.lastEvent, n.lastRun, n.decidedTo, n.events, n.undecided} {
		s.bindInt(i+1, v)
	}
	for i, v := range n.runs[1:] {
		s.bindInt(i+6, v)
	}
	return s.run()
}

func loadCounters(c *conn) (n counters, err error) {
	err = c.query(`SELECT last_event, last_run, decided_to, events, undecided, running, waiting, completed, filtered, failed, canceled,
		queued, skipped, (SELECT count(*) FROM awaits), (SELECT count(*) FROM arrivals) FROM counters`,
		func(s *stmt) error {
			n.lastEvent, n.lastRun, n.decidedTo, n.events, n.undecided = s.int(0), s.int(1), s.int(2), s.int(3), s.int(4)
			for i := range n.runs[1:] {
				n.runs[i+1] = s.int(5 + i)
			}
			n.awaits, n.arrivals = s.int(5+len(n.runs)-1), s.int(5+len(n.runs))
			return nil
		})
	return n, err
}

// count counts what counters ought to say, the slow way.
func count(c *conn) (n counters, err error) {
	err = c.query(`SELECT (SELECT max(seq) FROM events), (SELECT max(seq) FROM runs), (SELECT count(*) FROM events),
		(SELECT count(*) FROM events WHERE seq NOT IN (SELECT event FROM decisions))`, func(s *stmt) error {
		n.lastEvent, n.lastRun, n.events, n.undecided = s.int(0), s.int(1), s.int(2), s.int(3)
		return nil
	})
	if err != nil {
		return n, err
	}
	err = c.query(`SELECT status, count(*) FROM runs GROUP BY status`, func(s *stmt) error {
		if i := s.int(0); i > 0 && i < int64(len(n.runs)) {
			n.runs[i] = s.int(1)
		}
		return nil
	})
	return n, err
}
