package memstore

import (
	"context"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// spentOn is a sum of a recipe's.
type spentOn struct{ recipe, budget string }

// spending is what one call has added to a sum.
type spending struct {
	amount  int64
	expires time.Time
}

// Spend implements runtime.Store.
func (s *Store) Spend(ctx context.Context, sp *runtime.Spending) (over int, spent int64, err error) {
	if err := s.enter(ctx); err != nil {
		return 0, 0, err
	}
	defer s.mu.Unlock()
	for i, b := range sp.Budgets {
		others := int64(0)
		for id, o := range s.spent[spentOn{sp.Recipe, b.Name}] {
			if id != sp.ID && o.expires.After(sp.At) {
				others += o.amount
			}
		}
		if others+b.By > b.Most {
			return i, others, nil
		}
	}
	for _, b := range sp.Budgets {
		k := spentOn{sp.Recipe, b.Name}
		if s.spent[k] == nil {
			s.spent[k] = map[string]spending{}
		}
		expires := sp.Expires
		if before := s.spent[k][sp.ID].expires; before.After(expires) {
			expires = before
		}
		s.spent[k][sp.ID] = spending{b.By, expires}
	}
	return -1, 0, nil
}

// forgetSpent drops what a recipe has spent; s.mu must be held.
func (s *Store) forgetSpent(recipe string) {
	for k := range s.spent {
		if k.recipe == recipe {
			delete(s.spent, k)
		}
	}
}

// expireSpent drops what has expired; s.mu must be held.
func (s *Store) expireSpent(now time.Time) (n int) {
	for k, calls := range s.spent {
		for id, o := range calls {
			if !o.expires.After(now) {
				delete(calls, id)
				n++
			}
		}
		if len(calls) == 0 {
			delete(s.spent, k)
		}
	}
	return n
}
