package runtimetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// spender asks a store to count calls of one recipe, and tests what it says.
type spender struct {
	t *testing.T
	s runtime.Store
}

// call counts a call at so many minutes, for an hour. want is the index of the budget that it is too much for, or -1,
// and spent what that has without it.
func (p spender) call(recipe, id string, minute, want int, spent int64, budgets ...runtime.Budget) {
	p.t.Helper()
	now := origin.Add(time.Duration(minute) * time.Minute)
	over, has, err := p.s.Spend(p.t.Context(), &runtime.Spending{Recipe: recipe, ID: id, At: now, Expires: now.Add(time.Hour), Budgets: budgets})
	if err != nil || over != want || has != spent {
		p.t.Errorf("%s of %s at minute %d: over %d with %d spent, %v; want %d with %d", id, recipe, minute, over, has, err, want, spent)
	}
}

func testSpend(t *testing.T, h Harness) {
	p := spender{t, h.Open(t)}
	calls := func(most int64) runtime.Budget { return runtime.Budget{Name: "calls", By: 1, Most: most} }
	money := func(by int64) runtime.Budget { return runtime.Budget{Name: "amount/usd", By: by, Most: 100} }
	p.call("r", "a", 0, -1, 0, calls(2), money(60))
	p.call("r", "a", 10, -1, 0, calls(2), money(60)) // again: it counts once, and from now on
	p.call("r", "b", 11, 1, 60, calls(2), money(41)) // nothing of it is counted
	p.call("r", "b", 12, -1, 0, calls(2), money(40))
	p.call("r", "c", 13, 0, 2, calls(2), money(1))
	p.call("r", "c", 13, -1, 0, calls(3)) // a budget that is larger now
	p.call("other", "c", 13, -1, 0, calls(1), money(100))
	p.call("r", "a", 14, -1, 0, calls(3), money(60)) // what is counted is no obstacle to itself
	if h.Reopen != nil {
		p.s = h.Reopen(t, p.s)
	}
	p.call("r", "d", 71, 0, 3, calls(3))
	p.call("r", "d", 72, -1, 0, calls(3)) // b is an hour old
	p.call("r", "e", 73, -1, 0, calls(3)) // and so is c
	if n := must[int](t)(p.s.Expire(t.Context(), origin.Add(73*time.Minute))); n != 5 {
		t.Errorf("%d were forgotten; want b twice, c, and c of the other recipe twice", n)
	}
	p.call("r", "f", 73, 0, 3, calls(3))
	if err := p.s.Pause(t.Context(), &runtime.Pause{Recipe: "r", At: at(1)}); err != nil {
		t.Fatal(err)
	}
	p.call("r", "f", 73, 0, 3, calls(3))
	if err := p.s.Resume(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	p.call("r", "f", 73, -1, 0, calls(1), money(100)) // they begin anew
	p.call("other", "x", 72, -1, 0, calls(1))
	if err := p.s.Resume(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	p.call("other", "y", 73, 0, 1, calls(1)) // only those of the recipe
	if n := must[int](t)(p.s.Expire(t.Context(), origin.Add(1000*time.Hour))); n != 1 {
		t.Errorf("%d were forgotten in the end", n)
	}
}

// testSpendAtOnce counts many calls at the same time.
func testSpendAtOnce(t *testing.T, h Harness) {
	s := h.Open(t)
	const senders, each, most = 8, 25, 50
	var wg sync.WaitGroup
	fits := make([]int, senders)
	for n := range senders {
		wg.Go(func() {
			for i := range each {
				over, _, err := s.Spend(t.Context(), &runtime.Spending{Recipe: "r", ID: fmt.Sprintf("%d/%d", n, i), At: origin,
					Expires: origin.Add(time.Hour), Budgets: []runtime.Budget{{Name: "calls", By: 1, Most: most}}})
				if err != nil {
					t.Error(err)
				}
				if over < 0 {
					fits[n]++
				}
			}
		})
	}
	wg.Wait()
	sum := 0
	for _, n := range fits {
		sum += n
	}
	if sum != most {
		t.Errorf("%d calls fit, want %d", sum, most)
	}
}
