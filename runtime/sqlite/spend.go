package sqlite

// What recipes have spent of their budgets. A sum is made anew from its rows each time: there are as many as calls that
// can't be undone were made within an hour, and there is nothing that could run apart from them.

import (
	"context"
	"fmt"

	"github.com/flowrun/flowrun/runtime"
)

// Spend implements runtime.Store.
func (s *Store) Spend(ctx context.Context, sp *runtime.Spending) (over int, spent int64, err error) {
	op := &spendOp{Spending: *sp}
	if err := s.w.do(ctx, op, 256); err != nil {
		return 0, 0, fmt.Errorf("counting a call of %s: %w", sp.Recipe, err)
	}
	return op.over, op.spent, nil
}

type spendOp struct {
	runtime.Spending
	over  int
	spent int64
}

func (*spendOp) kind() opKind { return opOther }

func (o *spendOp) apply(w *writer) error {
	for i, b := range o.Budgets {
		others, err := w.c.queryInt(`SELECT coalesce(sum(amount), 0) FROM spent WHERE recipe = ? AND budget = ? AND id <> ? AND expires > ?`,
			o.Recipe, b.Name, o.ID, nanos(o.At))
		if err != nil {
			return err
		}
		if others+b.By > b.Most {
			o.over, o.spent = i, others
			return nil
		}
	}
	o.over, o.spent = -1, 0
	for _, b := range o.Budgets {
		err := w.c.run(`INSERT INTO spent (recipe, budget, id, amount, expires) VALUES (?,?,?,?,?)
			ON CONFLICT DO UPDATE SET amount = excluded.amount, expires = max(expires, excluded.expires)`,
			o.Recipe, b.Name, o.ID, b.By, nanos(o.Expires))
		if err != nil {
			return err
		}
	}
	return nil
}
