package check

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/schema"
)

// predicates returns the comparisons that begin a condition and that can be decided by looking at the payload, up to
// the first conjunct that is more than that: what comes after it may rely on it, or fail where it would have been false.
// exact says that they are the whole condition.
func (e env) predicates(x hclsyntax.Expression) (list []Predicate, exact bool) {
	x = unwrap(x)
	if and, ok := x.(*hclsyntax.BinaryOpExpr); ok && and.Op == hclsyntax.OpLogicalAnd {
		left, exact := e.predicates(and.LHS)
		if !exact {
			return left, false
		}
		right, exact := e.predicates(and.RHS)
		return append(left, right...), exact
	}
	if p, ok := e.predicate(x); ok {
		return []Predicate{p}, true
	}
	return nil, false
}

func (e env) predicate(x hclsyntax.Expression) (Predicate, bool) {
	switch x := x.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		if path, kind := e.payloadPath(x); kind == schema.KindBool {
			return Predicate{Path: path, Op: Equal, Value: cty.True}, true
		}
	case *hclsyntax.UnaryOpExpr:
		if x.Op == hclsyntax.OpLogicalNot {
			if path, kind := e.payloadPath(unwrap(x.Val)); kind == schema.KindBool {
				return Predicate{Path: path, Op: Equal, Value: cty.False}, true
			}
		}
	case *hclsyntax.BinaryOpExpr:
		if p, ok := e.comparison(x.LHS, x.RHS, x.Op, false); ok {
			return p, true
		}
		return e.comparison(x.RHS, x.LHS, x.Op, true)
	}
	return Predicate{}, false
}

func (e env) comparison(place, value hclsyntax.Expression, op *hclsyntax.Operation, swapped bool) (Predicate, bool) {
	path, kind := e.payloadPath(unwrap(place))
	if path == nil {
		return Predicate{}, false
	}
	var o Op
	switch op {
	case hclsyntax.OpEqual:
		o = Equal
	case hclsyntax.OpNotEqual:
		o = NotEqual
	case hclsyntax.OpLessThan:
		o = Less
	case hclsyntax.OpLessThanOrEqual:
		o = LessOrEqual
	case hclsyntax.OpGreaterThan:
		o = Greater
	case hclsyntax.OpGreaterThanOrEqual:
		o = GreaterOrEqual
	default:
		return Predicate{}, false
	}
	if swapped {
		o = map[Op]Op{Equal: Equal, NotEqual: NotEqual, Less: Greater, LessOrEqual: GreaterOrEqual, Greater: Less, GreaterOrEqual: LessOrEqual}[o]
	}
	if isNullLiteral(value) {
		return Predicate{Path: path, Op: o, Value: cty.NullVal(cty.DynamicPseudoType)}, o == Equal || o == NotEqual
	}
	v, ok := literal(value)
	if !ok || !primitive(kind) || v.Type() != ctyOf(schema.Type{Kind: kind}) {
		return Predicate{}, false
	}
	if o != Equal && o != NotEqual && kind != schema.KindNumber {
		return Predicate{}, false
	}
	return Predicate{Path: path, Op: o, Value: v}, true
}

// payloadPath returns the path of trigger.a.b and the kind that stands there, if only objects are on the way.
func (e env) payloadPath(x hclsyntax.Expression) (schema.Path, schema.Kind) {
	t, ok := x.(*hclsyntax.ScopeTraversalExpr)
	if !ok || t.Traversal.RootName() != "trigger" || len(t.Traversal) < 2 || e.sc.variant == nil {
		return nil, 0
	}
	o := e.sc.variant.Payload
	var path schema.Path
	var kind schema.Kind
	for n, step := range t.Traversal[1:] {
		attr, ok := step.(hcl.TraverseAttr)
		if !ok || o == nil {
			return nil, 0
		}
		f := o.Field(attr.Name)
		if f == nil {
			return nil, 0
		}
		path = append(path, attr.Name)
		kind = f.Type.Kind
		if n < len(t.Traversal)-2 && kind != schema.KindObject {
			return nil, 0
		}
		o = f.Type.Object
	}
	return path, kind
}
