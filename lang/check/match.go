package check

// The match of a wait is evaluated for each event that might be the one, and null says nothing there: that two
// customers are both unknown does not make them one. So its comparisons know a third answer, where a side is null, which
// is neither true nor false through !, && and ||; at the end it is false. A comparison with null that is written out
// means what it says.

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/schema"
)

// boundMatch makes a match ready for evaluation.
func (c *checker) boundMatch(x hclsyntax.Expression) hclsyntax.Expression {
	if x == nil {
		return nil
	}
	return eval.Bound(settled(weighed(c.soften(x))))
}

// weighing is a comparison, or what is made of them, with three answers: true, false and null. With settle the third is
// false. It embeds the parentheses that hold the original, as softRead does.
type weighing struct {
	*hclsyntax.ParenthesesExpr
	settle bool
}

var _ eval.Wrapper = (*weighing)(nil)

func weigh(x hclsyntax.Expression) *weighing {
	return &weighing{ParenthesesExpr: &hclsyntax.ParenthesesExpr{Expression: x, SrcRange: x.Range()}}
}

// settled is x where no third answer is known.
func settled(x hclsyntax.Expression) hclsyntax.Expression {
	if w, ok := x.(*weighing); ok {
		return &weighing{ParenthesesExpr: w.ParenthesesExpr, settle: true}
	}
	return x
}

// weighed returns x with its comparisons, at any depth, made to know the third answer. It rewrites x.
func weighed(x hclsyntax.Expression) hclsyntax.Expression {
	switch y := x.(type) {
	case *hclsyntax.ParenthesesExpr:
		y.Expression = weighed(y.Expression)
		if w, ok := y.Expression.(*weighing); ok {
			return w
		}
		return y
	case *hclsyntax.TemplateWrapExpr:
		return weighed(y.Wrapped)
	case *hclsyntax.UnaryOpExpr:
		if y.Op == hclsyntax.OpLogicalNot {
			y.Val = weighed(y.Val)
			return weigh(y)
		}
	case *hclsyntax.ConditionalExpr:
		y.Condition, y.TrueResult, y.FalseResult = weighed(y.Condition), weighed(y.TrueResult), weighed(y.FalseResult)
		if isCondition(y.TrueResult) || isCondition(y.FalseResult) {
			return weigh(y)
		}
		y.Condition = settled(y.Condition) // it chooses a value, not an answer
		return y
	case *hclsyntax.BinaryOpExpr:
		switch y.Op {
		case hclsyntax.OpLogicalAnd, hclsyntax.OpLogicalOr:
			y.LHS, y.RHS = weighed(y.LHS), weighed(y.RHS)
			return weigh(y)
		case hclsyntax.OpEqual, hclsyntax.OpNotEqual:
			if !isNullLiteral(y.LHS) && !isNullLiteral(y.RHS) {
				y.LHS, y.RHS = weighed(y.LHS), weighed(y.RHS)
				return weigh(y)
			}
		}
	}
	parts(x, func(p *hclsyntax.Expression) { *p = settled(weighed(*p)) })
	return x
}

// isCondition reports whether x, as far as its form tells, is true or false.
func isCondition(x hclsyntax.Expression) bool {
	switch x := unwrap(x).(type) {
	case *weighing:
		return true
	case *hclsyntax.BinaryOpExpr:
		return x.Op.Type == cty.Bool
	case *hclsyntax.LiteralValueExpr:
		return x.Val.Type() == cty.Bool
	case *hclsyntax.FunctionCallExpr:
		switch x.Name {
		case "alltrue", "anytrue", "can", "contains", "endswith", "matches", "startswith", "strcontains", "tobool":
			return true
		}
	}
	return false
}

// Rewrap lets eval.Bound see what is weighed, so that its cost is counted.
func (w *weighing) Rewrap(rebuild func(hclsyntax.Expression) hclsyntax.Expression) hclsyntax.Expression {
	out := weigh(rebuild(w.Expression))
	out.settle = w.settle
	return out
}

// Value returns true, false, or null where that can't be told for want of a value.
func (w *weighing) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	v, diags := w.value(ctx)
	if w.settle && !diags.HasErrors() && v.IsNull() {
		_, marks := v.Unmark()
		return cty.False.WithMarks(marks), diags
	}
	return v, diags
}

func (w *weighing) value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	switch x := w.Expression.(type) {
	case *hclsyntax.UnaryOpExpr:
		v, diags := x.Val.Value(ctx)
		if diags.HasErrors() || v.IsNull() {
			return v, diags
		}
		y := *x
		y.Val = given(v, x.Val)
		return y.Value(ctx)
	case *hclsyntax.ConditionalExpr:
		v, diags := x.Condition.Value(ctx)
		if diags.HasErrors() || v.IsNull() {
			return v, diags
		}
		y := *x
		y.Condition = given(v, x.Condition)
		return y.Value(ctx)
	case *hclsyntax.BinaryOpExpr:
		switch x.Op {
		case hclsyntax.OpLogicalAnd:
			return decide(ctx, x, cty.False)
		case hclsyntax.OpLogicalOr:
			return decide(ctx, x, cty.True)
		}
		return compareSides(ctx, x)
	}
	return w.Expression.Value(ctx)
}

// given is an expression that has been evaluated.
func given(v cty.Value, x hclsyntax.Expression) hclsyntax.Expression {
	return &hclsyntax.LiteralValueExpr{Val: v, SrcRange: x.Range()}
}

func compareSides(ctx *hcl.EvalContext, x *hclsyntax.BinaryOpExpr) (cty.Value, hcl.Diagnostics) {
	a, diags := x.LHS.Value(ctx)
	b, more := x.RHS.Value(ctx)
	if diags = append(diags, more...); diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	if a.IsNull() || b.IsNull() {
		_, marksA := a.Unmark()
		_, marksB := b.Unmark()
		return cty.NullVal(cty.Bool).WithMarks(marksA, marksB), diags
	}
	y := *x
	y.LHS, y.RHS = given(a, x.LHS), given(b, x.RHS)
	return y.Value(ctx)
}

// decide is a && b, where false decides, or a || b, where true does. The right side is not asked where the left decides; it
// may rely on the left, so that its failure says nothing where the left can't be told.
func decide(ctx *hcl.EvalContext, x *hclsyntax.BinaryOpExpr, decides cty.Value) (cty.Value, hcl.Diagnostics) {
	a, diags := x.LHS.Value(ctx)
	if diags.HasErrors() {
		return a, diags
	}
	plain, marks := a.Unmark()
	if !plain.IsNull() && plain.RawEquals(decides) {
		return a, diags
	}
	b, more := x.RHS.Value(ctx)
	if more.HasErrors() {
		if plain.IsNull() {
			return cty.NullVal(cty.Bool).WithMarks(marks), diags
		}
		return b, append(diags, more...)
	}
	other, otherMarks := b.Unmark()
	switch {
	case !other.IsNull() && other.RawEquals(decides):
		return b.WithMarks(marks), diags
	case plain.IsNull() || other.IsNull():
		return cty.NullVal(cty.Bool).WithMarks(marks, otherMarks), diags
	}
	y := *x
	y.LHS, y.RHS = given(a, x.LHS), given(b, x.RHS)
	return y.Value(ctx)
}

// lookup finds an equality among the conjuncts of a match by which the event can be looked up. One whose other side is
// made of the run is better than a constant, which all runs share.
func (n *nodeSrc) lookup(x hclsyntax.Expression) (by schema.Path, with hclsyntax.Expression) {
	var constant schema.Path
	var constantWith hclsyntax.Expression
	for _, c := range conjuncts(x, nil) {
		eq, ok := c.(*hclsyntax.BinaryOpExpr)
		if !ok || eq.Op != hclsyntax.OpEqual {
			continue
		}
		for _, side := range [][2]hclsyntax.Expression{{eq.LHS, eq.RHS}, {eq.RHS, eq.LHS}} {
			path := n.incomingPath(unwrap(side[0]))
			vars := side[1].Variables()
			if path == nil || isNullLiteral(side[1]) || readsIncoming(vars) {
				continue
			}
			if len(vars) > 0 {
				return path, side[1]
			}
			if constant == nil {
				constant, constantWith = path, side[1]
			}
		}
	}
	return constant, constantWith
}

func conjuncts(x hclsyntax.Expression, list []hclsyntax.Expression) []hclsyntax.Expression {
	x = unwrap(x)
	if and, ok := x.(*hclsyntax.BinaryOpExpr); ok && and.Op == hclsyntax.OpLogicalAnd {
		return conjuncts(and.RHS, conjuncts(and.LHS, list))
	}
	return append(list, x)
}

func readsIncoming(vars []hcl.Traversal) bool {
	for _, t := range vars {
		if t.RootName() == "incoming" {
			return true
		}
	}
	return false
}

// incomingPath returns the path of incoming.trigger.a.b where a string, a number or a bool stands there.
func (n *nodeSrc) incomingPath(x hclsyntax.Expression) schema.Path {
	t, ok := x.(*hclsyntax.ScopeTraversalExpr)
	if !ok || t.Traversal.RootName() != "incoming" || len(t.Traversal) < 3 || n.Wait.Event == nil {
		return nil
	}
	if attr, ok := t.Traversal[1].(hcl.TraverseAttr); !ok || attr.Name != "trigger" {
		return nil
	}
	at := schema.ObjectType(n.Wait.Event.Payload)
	var path schema.Path
	for _, step := range t.Traversal[2:] {
		name, ok := plainKey(step)
		if !ok {
			return nil
		}
		switch {
		case at.Kind == schema.KindMap && at.Elem != nil:
			at = *at.Elem
		case at.Kind == schema.KindObject && at.Object != nil && at.Object.Field(name) != nil:
			at = at.Object.Field(name).Type
		default:
			return nil
		}
		path = append(path, name)
	}
	if !primitive(at.Kind) {
		return nil
	}
	return path
}

// plainKey is the name that a step of a traversal asks for, if a dot can stand before it.
func plainKey(step hcl.Traverser) (string, bool) {
	switch step := step.(type) {
	case hcl.TraverseAttr:
		return step.Name, true
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String && hclsyntax.ValidIdentifier(step.Key.AsString()) {
			return step.Key.AsString(), true
		}
	}
	return "", false
}
