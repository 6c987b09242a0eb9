package sqlite

// How steps, and what runs have beyond their columns, are packed. Fields are only ever added at the end.

import (
	"context"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

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
	if err := s.packStepMore(ctx, &p, st); err != nil {
		return nil, err
	}
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
	if len(u.b) > 0 && !u.bad {
		s.unpackStepMore(&u, st)
	}
	return st, u.done()
}

// packStepMore appends what only steps of flow control have; a step without it is packed as it was in version 2.
func (s *Store) packStepMore(ctx context.Context, p *packer, st *runtime.Step) error {
	if st.Each == "" && st.Rekey == 0 && !st.Shadow && st.Child == "" && len(st.Awaits) == 0 {
		return nil
	}
	p.text(st.Each)
	p.int(int64(st.Rekey))
	p.int(boolInt(st.Shadow))
	p.text(st.Child)
	return s.packAwaits(ctx, p, st.Awaits)
}

func (s *Store) unpackStepMore(u *unpacker, st *runtime.Step) {
	st.Each = u.text()
	st.Rekey = int(u.int())
	st.Shadow = u.int() != 0
	st.Child = u.text()
	st.Awaits = s.unpackAwaits(u)
}

func (s *Store) packAwaits(ctx context.Context, p *packer, awaits []runtime.Await) error {
	p.int(int64(len(awaits)))
	for _, a := range awaits {
		for _, word := range [...]string{a.Connection, a.EventType} {
			n, err := s.number(ctx, word)
			if err != nil {
				return err
			}
			p.int(n)
		}
		p.text(a.Path)
		p.text(a.Key)
	}
	return nil
}

func (s *Store) unpackAwaits(u *unpacker) []runtime.Await {
	var awaits []runtime.Await
	for n := u.int(); n > 0 && !u.bad; n-- {
		awaits = append(awaits, runtime.Await{Connection: s.names.text(u.int()), EventType: s.names.text(u.int()), Path: u.text(), Key: u.text()})
	}
	return awaits
}

// packRun makes the blob of a run: what has no column of its own.
func (s *Store) packRun(ctx context.Context, r *runtime.Run) ([]byte, error) {
	connection, err := s.number(ctx, r.Connection)
	if err != nil {
		return nil, err
	}
	typ, err := s.number(ctx, r.EventType)
	if err != nil {
		return nil, err
	}
	p := make(packer, 0, 64+len(r.EventID))
	p.int(connection)
	p.int(typ)
	p.int(int64(r.Generation))
	p.text(r.EventID)
	p.text(r.StoppedBy)
	p.text(r.ReplayOf)
	p.err(r.Error)
	s.packMore(&p, r)
	return p, nil
}

// packMore appends what only runs of flow control have, as a value of its own that can grow.
func (s *Store) packMore(p *packer, r *runtime.Run) {
	if !r.Bulk && !r.Shadow && r.Waited == 0 && r.Retries == 0 && r.Parent == "" && r.ParentStep == "" && r.ParentEach == "" &&
		r.Input == nil && r.Output == nil {
		return
	}
	inner := make(packer, 0, 64+len(r.Input)+len(r.Output))
	inner.int(boolInt(r.Bulk))
	inner.int(boolInt(r.Shadow))
	inner.int(int64(r.Waited))
	inner.int(int64(r.Retries))
	inner.text(r.Parent)
	inner.text(r.ParentStep)
	inner.text(r.ParentEach)
	inner.bytes(r.Input)
	inner.bytes(r.Output)
	p.bytes(s.codec.compress(inner, packMinStep))
}

func (s *Store) unpackMore(u *unpacker, r *runtime.Run) error {
	b, ok := u.take(1)
	if !ok {
		return nil
	}
	b, err := s.codec.expand(b)
	if err != nil {
		return err
	}
	inner := unpacker{b: b}
	r.Bulk, r.Shadow = inner.int() != 0, inner.int() != 0
	r.Waited, r.Retries = time.Duration(inner.int()), int(inner.int())
	r.Parent, r.ParentStep, r.ParentEach = inner.text(), inner.text(), inner.text()
	r.Input, r.Output = inner.bytes(), inner.bytes()
	return inner.done()
}
