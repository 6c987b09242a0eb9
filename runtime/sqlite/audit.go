package sqlite

// What people did through the control door. There is little of it, so that it is looked through from the newest on.

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// Audit implements runtime.Store.
func (s *Store) Audit(ctx context.Context, a *runtime.Audit) error {
	kept := *a
	p := make(packer, 0, 128)
	for _, text := range [...]string{kept.Role, kept.Via, kept.From, kept.Detail, kept.Result} {
		p.text(text)
	}
	p.int(int64(kept.Count))
	p.int(int64(len(kept.IDs)))
	for _, id := range kept.IDs {
		p.text(id)
	}
	seq := kept.Seq
	err := s.w.do(ctx, opFunc(func(w *writer) error {
		var row any
		if kept.Seq != 0 {
			row = kept.Seq
		}
		err := w.c.run(`INSERT OR REPLACE INTO audits (seq, at, who, what, data) VALUES (?,?,?,?,?)`, row, kept.At, kept.Who, kept.What, []byte(p))
		if err != nil || kept.Seq != 0 {
			return err
		}
		seq, err = w.c.queryInt(`SELECT last_insert_rowid()`)
		return err
	}), 128+len(p))
	if err != nil {
		return fmt.Errorf("keeping what was done: %w", err)
	}
	a.Seq = seq
	return nil
}

// Audits implements runtime.Store.
func (s *Store) Audits(ctx context.Context, q runtime.AuditQuery) (list []*runtime.Audit, err error) {
	var f filter
	if q.Who != "" {
		f.add(`who = ?`, q.Who)
	}
	if q.What != "" {
		f.add(`what = ?`, q.What)
	}
	if !q.Since.IsZero() {
		f.add(`at >= ?`, nanos(q.Since))
	}
	if q.Before > 0 {
		f.add(`seq < ?`, q.Before)
	}
	sql, args := f.sql(`seq, at, who, what, data`, `audits`, -1)
	err = s.pool.lend(ctx, func(c *conn) error {
		return c.query(sql, func(st *stmt) error {
			a := &runtime.Audit{Seq: st.int(0), At: st.time(1), Who: st.text(2), What: st.text(3)}
			u := unpacker{b: st.blob(4)}
			for _, text := range [...]*string{&a.Role, &a.Via, &a.From, &a.Detail, &a.Result} {
				*text = u.text()
			}
			a.Count = int(u.int())
			for n := u.int(); n > 0 && !u.bad; n-- {
				a.IDs = append(a.IDs, u.text())
			}
			if err := u.done(); err != nil {
				return fmt.Errorf("audit %d: %w", a.Seq, err)
			}
			if q.ID != "" && !slices.Contains(a.IDs, q.ID) {
				return nil
			}
			if list = append(list, a); len(list) == limitOf(q.Limit) {
				return errEnough
			}
			return nil
		}, args...)
	})
	if err = enough(err); err != nil {
		return nil, fmt.Errorf("reading what was done: %w", err)
	}
	return list, nil
}

// dropAudits forgets what was done before then.
func (s *Store) dropAudits(ctx context.Context, then time.Time) error {
	return s.w.do(ctx, opFunc(func(w *writer) error { return w.c.run(`DELETE FROM audits WHERE at < ?`, nanos(then)) }), 128)
}
