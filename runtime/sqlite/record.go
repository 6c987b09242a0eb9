package sqlite

import (
	"context"
	"fmt"
	"time"

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
	op = &recordOp{runs: make([]runRow, len(c.Runs))}
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
	steps                  []stepRow

	seq int64
}

type stepRow struct {
	index int64
	data  []byte
}

func (s *Store) runRow(ctx context.Context, row *runRow, r *runtime.Run) (err error) {
	if r.Status == 0 || r.Status > runtime.RunCanceled {
		return fmt.Errorf("invalid status %d", r.Status)
	}
	*row = runRow{id: r.ID, event: r.EventSeq, status: r.Status, started: timeValue(r.StartedAt),
		ended: timeValue(r.EndedAt), due: timeValue(r.Due)}
	if row.recipe, err = s.number(ctx, r.Recipe); err != nil {
		return err
	}
	if row.program, err = s.number(ctx, r.Program); err != nil {
		return err
	}
	connection, err := s.number(ctx, r.Connection)
	if err != nil {
		return err
	}
	typ, err := s.number(ctx, r.EventType)
	if err != nil {
		return err
	}
	p := make(packer, 0, 64+len(r.EventID))
	p.int(connection)
	p.int(typ)
	p.int(int64(r.Generation))
	p.text(r.EventID)
	p.text(r.StoppedBy)
	p.text(r.ReplayOf)
	p.err(r.Error)
	row.data = p
	row.steps = make([]stepRow, len(r.Steps))
	for i, st := range r.Steps {
		if st.Index < 0 || st.Index >= 1<<stepBits {
			return fmt.Errorf("step index %d is out of range", st.Index)
		}
		data, err := s.packStep(ctx, st)
		if err != nil {
			return fmt.Errorf("step %s: %w", st.Address, err)
		}
		row.steps[i] = stepRow{index: int64(st.Index), data: data}
	}
	return nil
}

type recordOp struct {
	decision *decisionRow
	runs     []runRow
}

func (*recordOp) kind() opKind { return opRecord }

func (o *recordOp) apply(w *writer) error {
	for i := range o.runs {
		if err := o.runs[i].apply(w); err != nil {
			return err
		}
	}
	if o.decision != nil {
		return o.decision.apply(w)
	}
	return nil
}

func (d *decisionRow) apply(w *writer) error {
	s, err := w.c.prepare(`INSERT INTO decisions (event, program, at, matched, runs) VALUES (?,?,?,?,?) ON CONFLICT DO NOTHING`)
	if err != nil {
		return err
	}
	s.bindInt(1, d.event)
	s.bindInt(2, d.program)
	d.at.bind(s, 3)
	s.bindBlob(4, d.matched)
	s.bindInt(5, d.runs)
	if err := s.run(); err != nil {
		return err
	}
	if w.c.changes() == 0 || d.event <= w.n.decidedTo {
		return nil
	}
	return w.decided(d.event)
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
	s, err := w.c.prepare(`INSERT INTO runs (seq, id, event, recipe, program, status, started, ended, due, data)
		VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`)
	if err != nil {
		return err
	}
	r.seq = w.n.lastRun + 1
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
	if err := s.run(); err != nil {
		return err
	}
	if w.c.changes() > 0 {
		w.n.lastRun = r.seq
	} else if err := r.update(w); err != nil {
		return err
	}
	w.n.runs[r.status]++
	if len(r.steps) == 0 {
		return nil
	}
	if s, err = w.c.prepare(`INSERT OR REPLACE INTO steps (key, data) VALUES (?,?)`); err != nil {
		return err
	}
	for _, st := range r.steps {
		s.bindInt(1, r.seq<<stepBits|st.index)
		s.bindBlob(2, st.data)
		if err := s.run(); err != nil {
			return err
		}
	}
	return nil
}

// update overwrites the row of a run that was recorded before.
func (r *runRow) update(w *writer) error {
	old := int64(0)
	err := w.c.query(`SELECT seq, status FROM runs WHERE id = ?`, func(s *stmt) error {
		r.seq, old = s.int(0), s.int(1)
		return nil
	}, r.id)
	if err != nil {
		return err
	}
	w.n.runs[old]--
	s, err := w.c.prepare(`UPDATE runs SET event=?, recipe=?, program=?, status=?, started=?, ended=?, due=?, data=? WHERE seq=?`)
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
	s.bindInt(9, r.seq)
	return s.run()
}

// packStep makes the blob of a step: all of it but the index.
func (s *Store) packStep(ctx context.Context, st *runtime.Step) ([]byte, error) {
	address, err := s.number(ctx, st.Address)
	if err != nil {
		return nil, err
	}
	action, err := s.number(ctx, st.Action)
	if err != nil {
		return nil, err
	}
	p := make(packer, 0, 160+len(st.Input)+len(st.Output))
	p.int(address)
	p.int(action)
	p.int(int64(st.Status))
	p.key(st.Key)
	p.time(st.StartedAt)
	p.time(st.EndedAt)
	p.time(st.Due)
	p.int(int64(len(st.Attempts)))
	for _, a := range st.Attempts {
		p.time(a.At)
		p.int(int64(a.Duration))
		p.int(int64(a.Status))
		p.err(a.Error)
	}
	p.bytes(st.Input)
	p.bytes(st.Output)
	p.err(st.Error)
	return s.codec.compress(p, packMinStep), nil
}

func (s *Store) unpackStep(index int64, data []byte) (*runtime.Step, error) {
	b, err := s.codec.expand(data)
	if err != nil {
		return nil, err
	}
	u := unpacker{b: b}
	st := &runtime.Step{Index: int(index)}
	st.Address = s.names.text(u.int())
	st.Action = s.names.text(u.int())
	st.Status = runtime.StepStatus(u.int())
	st.Key = u.key()
	st.StartedAt, st.EndedAt, st.Due = u.time(), u.time(), u.time()
	n := u.int()
	for i := int64(0); i < n && !u.bad; i++ {
		st.Attempts = append(st.Attempts, runtime.Attempt{At: u.time(), Duration: time.Duration(u.int()), Status: int(u.int()), Error: u.err()})
	}
	st.Input, st.Output = u.bytes(), u.bytes()
	st.Error = u.err()
	return st, u.done()
}
