package sqlite

import (
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
	if err := s.w.do(ctx, op, len(op.files)); err != nil {
		return fmt.Errorf("keeping program %s: %w", p.Digest, err)
	}
	return nil
}

type programOp struct {
	digest string
	at     optTime
	files  []byte
}

func (*programOp) kind() opKind { return opOther }

func (o *programOp) apply(w *writer) error {
	s, err := w.c.prepare(`INSERT INTO programs (digest, at, files) VALUES (?,?,?) ON CONFLICT DO NOTHING`)
	if err != nil {
		return err
	}
	s.bindText(1, o.digest)
	o.at.bind(s, 2)
	s.bindBlob(3, o.files)
	return s.run()
}

// Program implements runtime.Store.
func (s *Store) Program(ctx context.Context, digest string) (*runtime.Program, error) {
	var p *runtime.Program
	err := s.pool.lend(ctx, func(c *conn) error {
		return c.query(`SELECT at, files FROM programs WHERE digest = ?`, func(st *stmt) error {
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
			return u.done()
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
