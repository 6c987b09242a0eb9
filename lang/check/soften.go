package check

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/eval"
)

// Absent and null are one in the language: trigger.metadata.plan is null where the map has no such key, and
// trigger.items.data[0] is null where the list is empty. HCL fails there. So the reads that the checker found to go
// through a map, or to a list's element, are replaced by an expression that tries HCL's way first and, where that
// fails, walks the steps itself.

// softRead is such a read. It embeds the parentheses that hold the original, so that the walkers of hclsyntax find the
// original's variables.
type softRead struct {
	*hclsyntax.ParenthesesExpr
}

func soft(x hclsyntax.Expression) hclsyntax.Expression {
	return &softRead{&hclsyntax.ParenthesesExpr{Expression: x, SrcRange: x.Range()}}
}

var _ eval.Wrapper = (*softRead)(nil)

// Rewrap lets eval.Bound see what the read holds, so that its cost is counted.
func (s *softRead) Rewrap(rebuild func(hclsyntax.Expression) hclsyntax.Expression) hclsyntax.Expression {
	return soft(rebuild(s.Expression))
}

// Value returns the value of the original, or null where an element on its way is missing. What is read from is
// evaluated once: reads nest.
func (s *softRead) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	switch x := s.Expression.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		v, diags := x.Value(ctx)
		if !diags.HasErrors() {
			return v, diags
		}
		root := &hclsyntax.ScopeTraversalExpr{Traversal: x.Traversal[:1], SrcRange: x.SrcRange}
		base, baseDiags := root.Value(ctx)
		if baseDiags.HasErrors() {
			return v, diags
		}
		if w, ok := walk(base, x.Traversal[1:]); ok {
			return w, nil
		}
		return v, diags
	case *hclsyntax.RelativeTraversalExpr:
		base, diags := x.Source.Value(ctx)
		if diags.HasErrors() {
			return cty.DynamicVal, diags
		}
		if w, ok := walk(base, x.Traversal); ok {
			return w, nil
		}
		return x.Traversal.TraverseRel(base)
	case *hclsyntax.IndexExpr:
		base, diags := x.Collection.Value(ctx)
		key, keyDiags := x.Key.Value(ctx)
		if diags = append(diags, keyDiags...); diags.HasErrors() {
			return cty.DynamicVal, diags
		}
		plain, marks := key.Unmark()
		if w, ok := walk(base, hcl.Traversal{hcl.TraverseIndex{Key: plain, SrcRange: x.SrcRange}}); ok {
			return w.WithMarks(marks), nil
		}
		return hcl.Index(base, key, &x.BracketRange)
	}
	return s.Expression.Value(ctx)
}

// walk goes down from v; a missing element is null, and going on from null fails.
func walk(v cty.Value, rest hcl.Traversal) (cty.Value, bool) {
	for _, step := range rest {
		if next, missing := absent(v, step); missing {
			v = next
			continue
		}
		next, diags := hcl.Traversal{step}.TraverseRel(v)
		if diags.HasErrors() {
			return cty.NilVal, false
		}
		v = next
	}
	return v, true
}

// absent returns null where step names an element that v has not.
func absent(v cty.Value, step hcl.Traverser) (cty.Value, bool) {
	v, marks := v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return cty.NilVal, false
	}
	var key cty.Value
	switch step := step.(type) {
	case hcl.TraverseAttr:
		key = cty.StringVal(step.Name)
	case hcl.TraverseIndex:
		key, _ = step.Key.Unmark()
	default:
		return cty.NilVal, false
	}
	if key.IsNull() || !key.IsKnown() {
		return cty.NilVal, false
	}
	t := v.Type()
	elem := cty.DynamicPseudoType
	switch {
	case t.IsMapType():
		elem = t.ElementType()
		if key.Type() != cty.String {
			return cty.NilVal, false
		}
	case t.IsListType(), t.IsTupleType():
		if t.IsListType() {
			elem = t.ElementType()
		}
		if key.Type() != cty.Number {
			return cty.NilVal, false
		}
		if n, ok := wholeNumber(key); ok && n >= 0 && n < v.LengthInt() {
			return cty.NilVal, false
		}
		return cty.NullVal(elem).WithMarks(marks), true
	case t.IsObjectType():
		if key.Type() != cty.String || t.HasAttribute(key.AsString()) {
			return cty.NilVal, false
		}
		return cty.NullVal(elem).WithMarks(marks), true
	default:
		return cty.NilVal, false
	}
	if v.HasIndex(key).True() {
		return cty.NilVal, false
	}
	return cty.NullVal(elem).WithMarks(marks), true
}

// soften returns x with its soft reads replaced, at any depth.
func (c *checker) soften(x hclsyntax.Expression) hclsyntax.Expression {
	if x == nil || len(c.soft) == 0 {
		return x
	}
	parts(x, func(p *hclsyntax.Expression) { *p = c.soften(*p) })
	if c.soft[x] {
		return soft(x)
	}
	return x
}

// parts calls f with each expression that x is made of, for f to replace it.
func parts(x hclsyntax.Expression, f func(*hclsyntax.Expression)) {
	in := func(p *hclsyntax.Expression) {
		if *p != nil {
			f(p)
		}
	}
	switch y := x.(type) {
	case *hclsyntax.ParenthesesExpr:
		in(&y.Expression)
	case *hclsyntax.TemplateWrapExpr:
		in(&y.Wrapped)
	case *hclsyntax.TemplateExpr:
		for n := range y.Parts {
			in(&y.Parts[n])
		}
	case *hclsyntax.TemplateJoinExpr:
		in(&y.Tuple)
	case *hclsyntax.RelativeTraversalExpr:
		in(&y.Source)
	case *hclsyntax.FunctionCallExpr:
		for n := range y.Args {
			in(&y.Args[n])
		}
	case *hclsyntax.ConditionalExpr:
		in(&y.Condition)
		in(&y.TrueResult)
		in(&y.FalseResult)
	case *hclsyntax.BinaryOpExpr:
		in(&y.LHS)
		in(&y.RHS)
	case *hclsyntax.UnaryOpExpr:
		in(&y.Val)
	case *hclsyntax.TupleConsExpr:
		for n := range y.Exprs {
			in(&y.Exprs[n])
		}
	case *hclsyntax.ObjectConsExpr:
		for n := range y.Items {
			in(&y.Items[n].ValueExpr)
			if k, ok := y.Items[n].KeyExpr.(*hclsyntax.ObjectConsKeyExpr); ok {
				in(&k.Wrapped)
			}
		}
	case *hclsyntax.ForExpr:
		in(&y.CollExpr)
		in(&y.KeyExpr)
		in(&y.ValExpr)
		in(&y.CondExpr)
	case *hclsyntax.IndexExpr:
		in(&y.Collection)
		in(&y.Key)
	case *hclsyntax.SplatExpr:
		in(&y.Source)
		in(&y.Each)
	}
}
