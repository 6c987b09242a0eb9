package sqlite

import (
	"context"
	"fmt"

	"github.com/flowrun/flowrun/runtime"
)

// stepBits are the low bits of a step's key, which hold its index.
const stepBits = 16

// Record implements runtime.Store. It sets the Seq of the change's runs. Where ctx ends while it waits for the commit,
// the change may be recorded all the same.
func (s *Store) Record(ctx context.Context, c *runtime.Change) error {
	op, size, err := s.recordOp(ctx, c)
	if err == nil {
		err = s.w.do(ctx, op, size)
	}
	if err != nil {
		return fmt.Errorf("recording progress: %w", err)
	}
	for i, r := range c.Runs {
		r.Seq = op.runs[i].seq
	}
	return nil
}

// recordOp turns a change into rows, so that the writer has only to bind them.
func (s *Store) recordOp(ctx context.Context, c *runtime.Change) (op *recordOp, size int, err error) {
	op = &recordOp{runs: make([]runRow, len(c.Runs)), marks: markRows(c.Marks), keys: awaitHashes(c.Keys)}
	size = 64 * (len(op.marks) + len(op.keys))
	if c.Wake != nil {
		op.wake = &wakeRow{run: c.Wake.Run}
		if op.wake.arrivalRow, err = s.arrivalRow(ctx, c.Wake.Arrival); err != nil {
			return nil, 0, err
		}
	}
	if d := c.Decision; d != nil {
		row := &decisionRow{event: d.EventSeq, at: timeValue(d.At), matched: append([]byte(nil), d.Matched...), runs: int64(d.Runs)}
		if d.Matched != nil && row.matched == nil {
			row.matched = []byte{}
		}
		if row.program, err = s.number(ctx, d.Program); err != nil {
			return nil, 0, err
		}
		op.decision = row
		size += 64
	}
	for i, r := range c.Runs {
		if err := s.runRow(ctx, &op.runs[i], r); err != nil {
			return nil, 0, fmt.Errorf("run %s: %w", r.ID, err)
		}
		size += 128
		for _, st := range op.runs[i].steps {
			size += len(st.data) + 16
		}
	}
	return op, size, nil
}

type decisionRow struct {
	event, program, runs int64
	at                   optTime
	matched              []byte
}

type runRow struct {
	id                     string
	event, recipe, program int64
	status                 runtime.RunStatus
	started, ended, due    optTime
	data                   []byte
	lane                   string
	place                  optTime
	queue                  runtime.Queue
	steps                  []stepRow
	looked                 []arrivalRow // that can be forgotten

	seq    int64
	before runtime.RunStatus // 0 where it was not recorded yet
}

type stepRow struct {
	index, item int64
	loop        bool
	data        []byte

	address int64
	each    string
	waiting bool
	awaits  []int64
}

func (s *Store) runRow(ctx context.Context, row *runRow, r *runtime.Run) (err error) {
	if r.Status == 0 || r.Status > runtime.RunSkipped {
		return fmt.Errorf("invalid status %d", r.Status)
	}
	*row = runRow{id: r.ID, event: r.EventSeq, status: r.Status, started: timeValue(r.StartedAt),
		ended: timeValue(r.EndedAt), due: timeValue(r.Due), lane: r.Lane, place: timeValue(r.Order), queue: r.Queue}
	if row.recipe, err = s.number(ctx, r.Recipe); err != nil {
		return err
	}
	if row.program, err = s.number(ctx, r.Program); err != nil {
		return err
	}
	if row.data, err = s.packRun(ctx, r); err != nil {
		return err
	}
	if r.Status == runtime.RunWaiting {
		for _, a := range r.Arrived {
			looked, err := s.arrivalRow(ctx, a)
			if err != nil {
				return err
			}
			row.looked = append(row.looked, looked)
		}
	}
	row.steps = make([]stepRow, len(r.Steps))
	for i, st := range r.Steps {
		if st.Index < 0 || st.Index >= 1<<stepBits {
			return fmt.Errorf("step index %d is out of range", st.Index)
		}
		data, err := s.packStep(ctx, st)
		if err != nil {
			return fmt.Errorf("step %s: %w", st.Address, err)
		}
		row.steps[i] = stepRow{index: int64(st.Index), item: int64(st.Item), loop: st.Loop, data: data, each: st.Each,
			waiting: st.Status == runtime.StepWaiting, awaits: awaitHashes(st.Awaits)}
		if row.steps[i].address, err = s.number(ctx, st.Address); err != nil {
			return err
		}
	}
	return nil
}

type recordOp struct {
	decision *decisionRow
	runs     []runRow
	keys     []int64
	marks    []markRow
	wake     *wakeRow
}

func (*recordOp) kind() opKind { return opRecord }

func (o *recordOp) apply(w *writer) error {
	for i := range o.runs {
		if err := o.runs[i].apply(w); err != nil {
			return err
		}
	}
	if o.decision != nil {
		fresh, err := o.decision.apply(w)
		if err != nil {
			return err
		}
		if fresh && len(o.keys) > 0 {
			if err := w.deliver(o.decision, o.keys); err != nil {
				return err
			}
		}
	}
	if o.wake != nil {
		if err := o.wake.apply(w, o.runs); err != nil {
			return err
		}
	}
	// What has come may make a run due that this change puts off.
	for i := range o.runs {
		if r := &o.runs[i]; r.status == runtime.RunWaiting {
			if err := w.hasten(r.seq); err != nil {
				return err
			}
		}
	}
	for i := range o.marks {
		if err := o.marks[i].apply(w); err != nil {
			return err
		}
	}
	return nil
}

// apply reports whether the decision is the event's first.
func (d *decisionRow) apply(w *writer) (fresh bool, err error) {
	s, err := w.c.prepare(`INSERT INTO decisions (event, program, at, matched, runs) VALUES (?,?,?,?,?) ON CONFLICT DO NOTHING`)
	if err != nil {
		return false, err
	}
	s.bindInt(1, d.event)
	s.bindInt(2, d.program)
	d.at.bind(s, 3)
	s.bindBlob(4, d.matched)
	s.bindInt(5, d.runs)
	if err := s.run(); err != nil {
		return false, err
	}
	fresh = w.c.changes() > 0
	if !fresh || d.event <= w.n.decidedTo {
		return fresh, nil
	}
	return fresh, w.decided(d.event)
}

// advanceEvery is after how many decisions decidedTo is brought up while there is always something undecided.
const advanceEvery = 4096

// decided counts a new decision. One for an event that was forgotten, or never was, does not count.
func (w *writer) decided(event int64) error {
	there, err := w.c.queryInt(`SELECT 1 FROM events WHERE seq = ?`, event)
	if err != nil || there == 0 {
		return err
	}
	w.n.undecided--
	w.n.sinceAdvance++
	if w.n.undecided == 0 {
		w.n.decidedTo, w.n.sinceAdvance = w.n.lastEvent, 0
	} else if w.n.sinceAdvance >= advanceEvery {
		first, err := w.c.queryInt(`SELECT seq FROM events e WHERE seq > ? AND NOT EXISTS
			(SELECT 1 FROM decisions WHERE event = e.seq) ORDER BY seq LIMIT 1`, w.n.decidedTo)
		if err != nil {
			return err
		}
		w.n.decidedTo, w.n.sinceAdvance = first-1, 0
	}
	return nil
}

func (r *runRow) apply(w *writer) error {
	s, err := w.c.prepare(`INSERT INTO runs (seq, id, event, recipe, program, status, started, ended, due, data, lane, place, queue)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`)
	if err != nil {
		return err
	}
	r.seq, r.before = w.n.lastRun+1, 0
	s.bindInt(1, r.seq)
	s.bindText(2, r.id)
	s.bindInt(3, r.event)
	s.bindInt(4, r.recipe)
	s.bindInt(5, r.program)
	s.bindInt(6, int64(r.status))
	r.started.bind(s, 7)
	r.ended.bind(s, 8)
	r.due.bind(s, 9)
	s.bindBlob(10, r.data)
	r.bindFlow(s, 11)
	if err := s.run(); err != nil {
		return err
	}
	if w.c.changes() > 0 {
		w.n.lastRun = r.seq
	} else if err := r.update(w); err != nil {
		return err
	}
	w.n.runs[r.status]++
	w.t.add(r.started, r.recipe, int64(r.status), r.seq, 1)
	for i := range r.steps {
		if err := r.steps[i].apply(w, r.seq); err != nil {
			return err
		}
	}
	return w.follow(r)
}

// bindFlow binds lane, place and queue.
func (r *runRow) bindFlow(s *stmt, i int) {
	if r.lane != "" {
		s.bindText(i, r.lane)
	} else {
		s.bindNull(i)
	}
	r.place.bind(s, i+1)
	if r.queue != 0 {
		s.bindInt(i+2, int64(r.queue))
	} else {
		s.bindNull(i + 2)
	}
}

func (st *stepRow) apply(w *writer, run int64) error {
	key := run<<stepBits | st.index
	if st.loop {
		return w.c.run(`INSERT INTO items (step, item, data) VALUES (?,?,?) ON CONFLICT (step, item) DO UPDATE SET data = excluded.data`,
			key, st.item, st.data)
	}
	s, err := w.c.prepare(`INSERT OR REPLACE INTO steps (key, data) VALUES (?,?)`)
	if err != nil {
		return err
	}
	s.bindInt(1, key)
	s.bindBlob(2, st.data)
	return s.run()
}

// update overwrites the row of a run that was recorded before.
func (r *runRow) update(w *writer) error {
	old := int64(0)
	err := w.c.query(`SELECT seq, status, started, recipe FROM runs WHERE id = ?`, func(s *stmt) error {
		r.seq, old = s.int(0), s.int(1)
		w.t.add(optTime{s.int(2), !s.null(2)}, s.int(3), old, r.seq, -1)
		return nil
	}, r.id)
	if err != nil {
		return err
	}
	w.n.runs[old]--
	r.before = runtime.RunStatus(old)
	s, err := w.c.prepare(`UPDATE runs SET event=?, recipe=?, program=?, status=?, started=?, ended=?, due=?, data=?, lane=?, place=?, queue=? WHERE seq=?`)
	if err != nil {
		return err
	}
	s.bindInt(1, r.event)
	s.bindInt(2, r.recipe)
	s.bindInt(3, r.program)
	s.bindInt(4, int64(r.status))
	r.started.bind(s, 5)
	r.ended.bind(s, 6)
	r.due.bind(s, 7)
	s.bindBlob(8, r.data)
	r.bindFlow(s, 9)
	s.bindInt(12, r.seq)
	return s.run()
}
