package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/flowrun/flowrun/runtime"
)

// KeepProgram implements runtime.Store.
func (s *Store) KeepProgram(ctx context.Context, p *runtime.Program) error {
	var files packer
	files.int(int64(len(p.Files)))
	for _, name := range slices.Sorted(maps.Keys(p.Files)) {
		files.text(name)
		files.bytes(p.Files[name])
	}
	op := &programOp{digest: p.Digest, at: timeValue(p.At), files: s.codec.compress(files, packMin)}
	if len(p.Awaits) > 0 {
		var awaits packer
		if err := s.packAwaits(ctx, &awaits, p.Awaits); err != nil {
			return fmt.Errorf("keeping program %s: %w", p.Digest, err)
		}
		op.awaits = awaits
	}
	if err := s.w.do(ctx, op, len(op.files)); err != nil {
		return fmt.Errorf("keeping program %s: %w", p.Digest, err)
	}
	return nil
}

type programOp struct {
	digest string
	at     optTime
	files  []byte
	awaits []byte // nil for none
}

func (*programOp) kind() opKind { return opOther }

func (o *programOp) apply(w *writer) error {
	s, err := w.c.prepare(`INSERT INTO programs (digest, at, files, awaits) VALUES (?,?,?,?) ON CONFLICT DO NOTHING`)
	if err != nil {
		return err
	}
	s.bindText(1, o.digest)
	o.at.bind(s, 2)
	s.bindBlob(3, o.files)
	s.bindBlob(4, o.awaits)
	return s.run()
}

// Program implements runtime.Store.
func (s *Store) Program(ctx context.Context, digest string) (*runtime.Program, error) {
	var p *runtime.Program
	err := s.pool.lend(ctx, func(c *conn) error {
		return c.query(`SELECT at, files, awaits FROM programs WHERE digest = ?`, func(st *stmt) error {
			p = &runtime.Program{Digest: digest, At: st.time(0)}
			files, err := s.codec.expand(st.blob(1))
			if err != nil {
				return err
			}
			u := unpacker{b: files}
			p.Files = map[string][]byte{}
			for n := u.int(); n > 0 && !u.bad; n-- {
				name := u.text()
				p.Files[name] = u.bytes()
			}
			if err := u.done(); err != nil {
				return err
			}
			p.Awaits, err = s.programAwaits(st.blob(2))
			return err
		}, digest)
	})
	if err != nil {
		return nil, fmt.Errorf("reading program %s: %w", digest, err)
	}
	if p == nil {
		return nil, runtime.ErrNotFound
	}
	return p, nil
}

// programsQuery reads the first two columns of rows whose files may be big; SQLite leaves the pages of those alone.
const programsQuery = `SELECT digest, at FROM programs ORDER BY at DESC, digest LIMIT ?`

// Programs implements runtime.Store.
func (s *Store) Programs(ctx context.Context, limit int) (list []*runtime.Program, err error) {
	err = s.pool.lend(ctx, func(c *conn) error {
		return c.query(programsQuery, func(st *stmt) error {
			list = append(list, &runtime.Program{Digest: st.text(0), At: st.time(1)})
			return nil
		}, limit)
	})
	if err != nil {
		return nil, fmt.Errorf("listing programs: %w", err)
	}
	return list, nil
}

func (s *Store) programAwaits(packed []byte) ([]runtime.Await, error) {
	if packed == nil {
		return nil, nil
	}
	u := unpacker{b: packed}
	awaits := s.unpackAwaits(&u)
	return awaits, u.done()
}

// Awaited implements runtime.Store.
func (s *Store) Awaited(ctx context.Context) ([]runtime.Await, error) {
	found := map[runtime.Await]bool{}
	err := s.pool.read(ctx, func(c *conn) error {
		programs := map[string][]runtime.Await{}
		err := c.query(`SELECT digest, awaits FROM programs WHERE awaits IS NOT NULL`, func(st *stmt) (err error) {
			programs[st.text(0)], err = s.programAwaits(st.blob(1))
			return err
		})
		if err != nil || len(programs) == 0 {
			return err
		}
		return c.query(`SELECT DISTINCT program FROM runs WHERE status <> 3 AND `+unended, func(st *stmt) error {
			for _, a := range programs[s.names.text(st.int(0))] {
				found[a] = true
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("reading what is awaited: %w", err)
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b runtime.Await) int {
		return cmp.Or(cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.EventType, b.EventType),
			cmp.Compare(a.Path, b.Path), cmp.Compare(a.Key, b.Key))
	}), nil
}
