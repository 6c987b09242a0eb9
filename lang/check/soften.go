package check

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
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

// Value returns the value of the original, or null where an element on its way is missing.
func (s *softRead) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	v, diags := s.Expression.Value(ctx)
	if !diags.HasErrors() {
		return v, diags
	}
	var w cty.Value
	var ok bool
	switch x := s.Expression.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		root := &hclsyntax.ScopeTraversalExpr{Traversal: x.Traversal[:1], SrcRange: x.SrcRange}
		base, baseDiags := root.Value(ctx)
		if baseDiags.HasErrors() {
			return v, diags
		}
		w, ok = walk(base, x.Traversal[1:])
	case *hclsyntax.RelativeTraversalExpr:
		base, baseDiags := x.Source.Value(ctx)
		if baseDiags.HasErrors() {
			return v, diags
		}
		w, ok = walk(base, x.Traversal)
	case *hclsyntax.IndexExpr:
		base, baseDiags := x.Collection.Value(ctx)
		key, keyDiags := x.Key.Value(ctx)
		if baseDiags.HasErrors() || keyDiags.HasErrors() {
			return v, diags
		}
		key, marks := key.Unmark()
		if w, ok = walk(base, hcl.Traversal{hcl.TraverseIndex{Key: key, SrcRange: x.SrcRange}}); ok {
			w = w.WithMarks(marks)
		}
	}
	if !ok {
		return v, diags
	}
	return w, nil
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
		if n, ok := wholeNumberOf(key); !ok || n < v.LengthInt() {
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

func wholeNumberOf(key cty.Value) (int, bool) {
	if key.Type() != cty.Number {
		return 0, false
	}
	return wholeNumber(key)
}

// soften returns x with its soft reads replaced, at any depth.
func (c *checker) soften(x hclsyntax.Expression) hclsyntax.Expression {
	if x == nil || len(c.soft) == 0 {
		return x
	}
	in := func(p *hclsyntax.Expression) {
		if *p != nil {
			*p = c.soften(*p)
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
	if c.soft[x] {
		return soft(x)
	}
	return x
}
