package sqlite

import (
	"context"
	"fmt"

	"github.com/flowrun/flowrun/runtime"
)

// AcceptEvent implements runtime.Store. Where ctx ends while it waits for the commit, the event may be stored all the
// same; to whoever sends it again it is then a duplicate.
func (s *Store) AcceptEvent(ctx context.Context, e *runtime.Event) (bool, error) {
	op := &acceptOp{id: e.ID, account: e.Account, livemode: e.Livemode}
	for _, n := range []struct {
		id   *int64
		word string
	}{{&op.connection, e.Connection}, {&op.service, e.Service}, {&op.typ, e.Type}, {&op.version, e.APIVersion}} {
		var err error
		if *n.id, err = s.number(ctx, n.word); err != nil {
			return false, fmt.Errorf("accepting event %s: %w", e.ID, err)
		}
	}
	// What the writer needs is copied: the caller may be gone when it gets there.
	op.time, op.received = timeValue(e.Time), timeValue(e.ReceivedAt)
	if e.Payload != nil {
		op.payload = s.codec.compress(e.Payload, packMin)
	}
	if err := s.w.do(ctx, op, len(op.payload)+128); err != nil {
		return false, fmt.Errorf("accepting event %s: %w", e.ID, err)
	}
	e.Seq = op.seq
	return !op.duplicate, nil
}

type acceptOp struct {
	id, account                       string
	connection, service, typ, version int64
	time, received                    optTime
	livemode                          bool
	payload                           []byte

	seq       int64
	duplicate bool
}

func (*acceptOp) kind() opKind { return opAccept }

func (o *acceptOp) apply(w *writer) error {
	s, err := w.c.prepare(`INSERT INTO events (seq, id, connection, service, type, time, received, account, version, livemode)
		VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`)
	if err != nil {
		return err
	}
	o.seq, o.duplicate = w.n.lastEvent+1, false
	s.bindInt(1, o.seq)
	s.bindText(2, o.id)
	s.bindInt(3, o.connection)
	s.bindInt(4, o.service)
	s.bindInt(5, o.typ)
	o.time.bind(s, 6)
	o.received.bind(s, 7)
	if o.account == "" {
		s.bindNull(8)
	} else {
		s.bindText(8, o.account)
	}
	s.bindInt(9, o.version)
	s.bindInt(10, boolInt(o.livemode))
	if err := s.run(); err != nil {
		return err
	}
	if w.c.changes() == 0 {
		o.duplicate = true
		o.seq, err = w.c.queryInt(`SELECT seq FROM events WHERE id = ? AND connection = ?`, o.id, o.connection)
		return err
	}
	w.n.lastEvent = o.seq
	w.n.events++
	w.n.undecided++
	if o.payload == nil {
		return nil
	}
	if s, err = w.c.prepare(`INSERT INTO payloads (seq, data) VALUES (?,?)`); err != nil {
		return err
	}
	s.bindInt(1, o.seq)
	s.bindBlob(2, o.payload)
	return s.run()
}
