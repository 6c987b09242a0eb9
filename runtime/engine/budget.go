package engine

// Limits: how much a recipe may do of what can't be undone. A call that counts is counted in the store before it is made,
// in one transaction that also looks whether it fits, so that neither runs in parallel nor a crash can go beyond. One
// that does not fit is not made: the recipe is paused, which stands in the store as well, and the run is held as events
// of a paused recipe are, behind nobody and with all that it has done. Resuming starts the budgets anew and lets the run
// go on with that call.

import (
	"context"
	"fmt"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

const (
	// budgetHour is how long a call counts.
	budgetHour = time.Hour

	byLimits    = "limits" // who paused, and Run.StoppedBy of a run that is held for it
	budgetCalls = "calls"
	budgetMoney = "amount" // followed by "/" and the currency, where the call names one
)

// limitsOf returns the limits that hold for a recipe: those that are served now, for a recipe that is served no more
// those that it had.
func (e *Engine) limitsOf(rec *recipe) *check.Limits {
	if g := e.current.Load(); g != nil {
		if now := g.recipes[rec.Name]; now != nil {
			return now.Limits
		}
	}
	return rec.Limits
}

// spending returns what a call counts for, or nil where it counts for nothing.
func (r *runner) spending(n *check.Node, input cty.Value, key string) (*runtime.Spending, error) {
	if !n.Counts {
		return nil, nil
	}
	limits := r.e.limitsOf(r.rec)
	if limits == nil {
		return nil, nil
	}
	does := n.Action.Lasting
	if v := inputOf(input, does.Only); does.Only != "" && (v.IsNull() || v.Type() != cty.Bool || v.False()) {
		return nil, nil
	}
	s := &runtime.Spending{Recipe: r.rec.Name, ID: key}
	if limits.MaxPerHour > 0 {
		s.Budgets = append(s.Budgets, runtime.Budget{Name: budgetCalls, By: 1, Most: limits.MaxPerHour})
	}
	if limits.MaxAmount > 0 && does.Kind == schema.MovesMoney {
		by, err := amountOf(input, does)
		if err != nil {
			return nil, err
		}
		name := budgetMoney
		if v := inputOf(input, does.Currency); !v.IsNull() && v.Type() == cty.String {
			name += "/" + v.AsString()
		}
		s.Budgets = append(s.Budgets, runtime.Budget{Name: name, By: by, Most: limits.MaxAmount})
	}
	if len(s.Budgets) == 0 {
		return nil, nil
	}
	return s, nil
}

// inputOf returns a member of an action's input, null where it is left out.
func inputOf(input cty.Value, name string) cty.Value {
	if name == "" || input.IsNull() || !input.Type().IsObjectType() || !input.Type().HasAttribute(name) {
		return null
	}
	return input.GetAttr(name)
}

// amountOf returns how much a call moves, whichever way.
func amountOf(input cty.Value, does schema.Lasting) (int64, error) {
	v := inputOf(input, does.Amount)
	if v.IsNull() || v.Type() != cty.Number {
		return 0, &connectors.Error{Kind: connectors.KindInvalid, Final: true, NotSent: true,
			Message: "the recipe has max_amount, and how much the call would move is not said"}
	}
	n, accuracy := v.AsBigFloat().Int64()
	if accuracy != 0 || n > 1<<53 || n < -1<<53 {
		return 0, &connectors.Error{Kind: connectors.KindInvalid, Final: true, NotSent: true,
			Message: does.Amount + " is not a whole number of the currency's smallest unit"}
	}
	return max(n, -n), nil
}

// spend counts a call that is about to be made. It returns false where that must not be made now, and the recipe is
// paused then. It fails only when the engine is cut off.
func (e *Engine) spend(s *runtime.Spending) (fits bool, err error) {
	if e.stopped(s.Recipe) {
		return false, nil
	}
	s.At = e.clock.Now()
	s.Expires = s.At.Add(budgetHour)
	var over int
	var spent int64
	err = e.insist(func() error {
		over, spent, err = e.cfg.Store.Spend(context.Background(), s)
		return err
	})
	if err != nil || over < 0 {
		return err == nil, err
	}
	return false, e.stop(s.Recipe, overWords(s.Budgets[over], spent))
}

// overWords says why a call would be too much.
func overWords(b runtime.Budget, spent int64) string {
	switch {
	case b.Name == budgetCalls:
		return fmt.Sprintf("max_per_hour = %d is reached: one more call that can't be undone would have been made within an hour", b.Most)
	case b.By > b.Most:
		return fmt.Sprintf("max_amount = %d is less than a single call would have moved: %d", b.Most, b.By)
	}
	return fmt.Sprintf("max_amount = %d is reached: %d were moved within an hour, and the next call would have moved %d", b.Most, spent, b.By)
}

// stopped reports whether a recipe has reached its limits and nobody has resumed it.
func (e *Engine) stopped(recipe string) bool {
	if !e.anyPaused.Load() {
		return false
	}
	e.flow.mu.Lock()
	defer e.flow.mu.Unlock()
	p := e.flow.paused[recipe]
	return p != nil && !p.resuming && p.Reason != ""
}

// stop pauses a recipe that has reached its limits, and tells of it.
func (e *Engine) stop(recipe, reason string) error {
	e.pausing.Lock()
	defer e.pausing.Unlock()
	if e.stopped(recipe) {
		return nil // another run was first
	}
	p := &runtime.Pause{Recipe: recipe, By: byLimits, At: e.clock.Now(), Reason: reason}
	e.flow.mu.Lock()
	if old := e.flow.paused[recipe]; old != nil && !old.resuming {
		p.Drop = old.Drop
	}
	e.flow.mu.Unlock()
	if err := e.insist(func() error { return e.cfg.Store.Pause(context.Background(), p) }); err != nil {
		return err
	}
	e.paused(p)
	e.Alert(AlertBudgetExceeded, fmt.Sprintf("recipe %s is paused: %s. flowrun recipes resume %s lets it go on", recipe, reason, recipe), 1)
	return nil
}

// holds reports whether a step waits for the recipe's limits, and for nothing that comes by itself sooner.
func (r *runner) holds() bool {
	over := false
	r.eachOfAll(func(u *unit) { over = over || u.over && u.step.Status == runtime.StepWaiting })
	return over
}

// hold makes a run that is being put down one that is held with its recipe, and returns what to call once that is
// recorded. Where the recipe has been resumed meanwhile the run goes on by itself, at once.
func (r *runner) hold() (recorded func()) {
	f := &r.e.flow
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.paused[r.run.Recipe]
	if p == nil || p.resuming {
		return func() {}
	}
	p.pending++
	r.run.Status, r.run.Queue, r.run.Due, r.run.StoppedBy = runtime.RunQueued, runtime.QueuePaused, time.Time{}, byLimits
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		p.recorded()
	}
}

// heldForLimits reports whether a run had begun, and is held since its recipe has reached its limits.
func heldForLimits(run *runtime.Run) bool {
	return run.Status == runtime.RunQueued && run.Queue == runtime.QueuePaused && run.StoppedBy == byLimits
}

// releaseHeld makes such a run one that goes on: the time in which it was held is no part of the time that it takes.
func releaseHeld(run *runtime.Run, now time.Time) {
	since := now
	for _, s := range run.Steps {
		if s.Status == runtime.StepWaiting && s.Action != "" && !s.Due.IsZero() && s.Due.Before(since) {
			since = s.Due
		}
	}
	run.Waited += now.Sub(since)
	run.StoppedBy = ""
}
