package check

// limits: how much a recipe may do of what can't be undone. Which calls count is said by their actions (schema.Lasting);
// here it is looked up for each step, and seen to it that what must be added up is there.

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

const limitsBlock = "limits"

// Bounds of what is written out in limits.
const (
	mostCounted = 100_000
	mostAmount  = 1_000_000_000_000
)

// limits reads the block.
func (b *builder) limits(c *syntax.Control) {
	b.out.Limits = &Limits{
		MaxPerHour: b.most(c, "max_per_hour", mostCounted),
		MaxAmount:  b.most(c, "max_amount", mostAmount),
	}
}

// most reads a whole number from 1 on that is written out; 0 where it is left out or mistaken.
func (b *builder) most(c *syntax.Control, name string, most int64) int64 {
	a := c.Arg(name)
	if a == nil {
		return 0
	}
	v, ok := b.e.constantValue(a.Expr, numberType, fmt.Sprintf("%q", name))
	if !ok {
		return 0
	}
	if n, accuracy := v.AsBigFloat().Int64(); accuracy == 0 && n >= 1 && n <= most {
		return n
	}
	b.e.report(diag.BadLiteral, a.Expr.Range(), "%q needs a whole number from 1 to %d.", name, most)
	return 0
}

// counts reports whether a step's call is one that limits count.
func (b *builder) counts(n *nodeSrc) bool {
	if n.Action == nil || n.Calls != "" {
		return false
	}
	does := n.Action.Lasting
	if does.Kind == 0 || does.Kind == schema.SendsMessage && n.in.onError {
		return false
	}
	if does.Only == "" {
		return true
	}
	for _, a := range n.args {
		if a.Name == does.Only {
			i := b.e.silent().constantOf(a)
			return !i.isNull && (i.val == cty.NilVal || !i.val.IsKnown() || i.val.IsNull() || i.val.Type() != cty.Bool || i.val.True())
		}
	}
	return false
}

// sayAmount reports a step that moves money and doesn't say how much, where a sum must be kept.
func (e env) sayAmount(limits *Limits, n *nodeSrc) {
	if limits == nil || limits.MaxAmount == 0 || !n.Counts || n.Action.Lasting.Kind != schema.MovesMoney {
		return
	}
	name := n.Action.Lasting.Amount
	if name == "" {
		e.report(diag.AmountUnknown, n.src.TypeRange,
			"max_amount can't be kept: %s takes no amount, so that nobody knows before the call how much it moves. Leave max_amount out, and bound it by max_per_hour.", n.Action.Name)
		return
	}
	for _, a := range n.args {
		if a.Name != name {
			continue
		}
		if i := e.silent().infer(a.Expr); i.null && !i.bad {
			e.report(diag.AmountUnknown, a.Expr.Range(),
				"max_amount can't be kept where the amount is not said: %s may be null%s. Guard it with a filter above, or give another with coalesce(…).", e.source(a.Expr.Range()), because(i))
		}
		return
	}
	e.report(diag.AmountUnknown, n.src.TypeRange,
		"max_amount can't be kept: %s must say how much it moves, and %q is left out. Give it, for example: %s = trigger.%s.", n.Action.Name, name, name, name)
}

// limitWarnings are about limits that limit nothing, and about what should have some.
func (b *builder) limitWarnings() {
	if b.shared || b.out.Name == alertRecipe { // there is nowhere to write limits
		return
	}
	if b.out.Limits != nil {
		b.idleLimits()
		return
	}
	seen := map[string]bool{}
	for _, n := range b.all() {
		if !n.Counts || !n.Action.Lasting.Kind.Grave() || seen[n.Action.Name] || n.src.Range.Filename != b.src.Filename {
			continue
		}
		seen[n.Action.Name] = true
		b.in(b.e.sc.rep, n.context(), func() {
			b.e.report(diag.NoLimits, n.src.TypeRange,
				"%s %s, which can't be undone, and nothing bounds how often a mistake does it. Give the recipe a budget, beyond which it pauses: recipe { limits { max_per_hour = 20 } }.",
				n.Action.Name, n.Action.Lasting.Kind.Words())
		})
	}
}

// idleLimits reports limits that no step counts for.
func (b *builder) idleLimits() {
	money := false
	counted := false
	for _, n := range b.all() {
		if n.Kind == Action && n.Action == nil {
			return // nobody knows what it does
		}
		counted = counted || n.Counts
		money = money || n.Counts && n.Action.Lasting.Kind == schema.MovesMoney
	}
	for _, c := range b.src.Settings.Controls {
		if c.Word != limitsBlock {
			continue
		}
		b.in(b.e.sc.rep, "in "+limitsBlock, func() {
			if !counted {
				b.e.report(diag.NoEffect, c.Range, "limits bound what can't be undone (money that moves, deletions, cancellations, messages), and no step of this recipe does any of it.")
			} else if a := c.Arg("max_amount"); a != nil && !money {
				b.e.report(diag.NoEffect, a.Expr.Range(), "max_amount bounds how much money is moved, and no step of this recipe moves any.")
			}
		})
	}
}
