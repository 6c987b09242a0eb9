package eval

// "Why did it not run?" is answered by the values of a condition's parts. They are had by evaluating each part again:
// evaluation is pure, so that what is shown is what decided.

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Part is an expression within another, and what it came to.
type Part struct {
	Range   hcl.Range
	Depth   int       // 0 for the whole
	Value   cty.Value // cty.NilVal where it has none
	Secret  bool      // Value must not be shown
	Skipped bool      // it was not evaluated: what stands before it had decided
	Err     error     // why it has no value; an *Error
}

// maxParts bounds an explanation: a condition of hundreds of parts is read in its source.
const maxParts = 200

// Explain evaluates e and its parts, each after the one it is part of, in the order they are written. Literals are left
// out, and so is what lies within `for`, a list or an object, whose parts have a value for each element.
func (s *Scope) Explain(e hcl.Expression) []Part {
	x := explainer{scope: s}
	x.add(e, 0, false)
	return x.parts
}

type explainer struct {
	scope *Scope
	parts []Part
}

// unwrap takes off what Bound and others put around a node, and parentheses.
func unwrap(e hcl.Expression) hcl.Expression {
	for {
		switch w := e.(type) {
		case *hclsyntax.ParenthesesExpr:
			e = w.Expression
		case *hclsyntax.TemplateWrapExpr:
			e = w.Wrapped
		case interface{ UnwrapExpression() hcl.Expression }:
			e = w.UnwrapExpression()
		default:
			return e
		}
	}
}

// add explains e and returns its value.
func (x *explainer) add(e hcl.Expression, depth int, skipped bool) cty.Value {
	node := unwrap(e)
	if isLiteral(node) && depth > 0 || len(x.parts) >= maxParts {
		v, _ := x.scope.Value(e)
		return v
	}
	p := Part{Range: node.Range(), Depth: depth, Skipped: skipped}
	if !skipped {
		v, err := x.scope.Value(e)
		if p.Err = err; err == nil {
			p.Value, p.Secret = Unmark(v)
		}
	}
	x.parts = append(x.parts, p)
	x.within(node, depth+1, skipped)
	return p.Value
}

func (x *explainer) within(node hcl.Expression, depth int, skipped bool) {
	switch e := node.(type) {
	case *hclsyntax.BinaryOpExpr:
		left := x.add(e.LHS, depth, skipped)
		x.add(e.RHS, depth, skipped || decides(e.Op, left))
	case *hclsyntax.UnaryOpExpr:
		x.add(e.Val, depth, skipped)
	case *hclsyntax.ConditionalExpr:
		c := x.add(e.Condition, depth, skipped)
		x.add(e.TrueResult, depth, skipped || !isTrue(c))
		x.add(e.FalseResult, depth, skipped || isTrue(c))
	case *hclsyntax.FunctionCallExpr:
		for _, arg := range e.Args {
			x.add(arg, depth, skipped)
		}
	case *hclsyntax.TemplateExpr:
		for _, part := range e.Parts {
			x.add(part, depth, skipped)
		}
	case *hclsyntax.RelativeTraversalExpr:
		x.add(e.Source, depth, skipped)
	case *hclsyntax.IndexExpr:
		x.add(e.Collection, depth, skipped)
		x.add(e.Key, depth, skipped)
	}
}

// decides reports whether the left side of an operator leaves nothing to its right.
func decides(op *hclsyntax.Operation, left cty.Value) bool {
	switch op {
	case hclsyntax.OpLogicalAnd:
		return isBool(left) && left.False()
	case hclsyntax.OpLogicalOr:
		return isBool(left) && left.True()
	}
	return false
}

func isBool(v cty.Value) bool {
	return v != cty.NilVal && !v.IsMarked() && v.Type() == cty.Bool && v.IsKnown() && !v.IsNull()
}

func isTrue(v cty.Value) bool { return isBool(v) && v.True() }

func isLiteral(e hcl.Expression) bool {
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		return true
	case *hclsyntax.TemplateExpr:
		return e.IsStringLiteral()
	case *hclsyntax.TupleConsExpr:
		for _, item := range e.Exprs {
			if !isLiteral(unwrap(item)) {
				return false
			}
		}
		return true
	}
	return false
}
