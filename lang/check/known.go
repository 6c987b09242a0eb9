package check

// What the text and the shapes tell of the very values that a call is given: constants, the values of an enum, lists
// whose length is written out. A call that fails on all of them, or on one that nothing above leaves out, is a mistake.

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
)

// onConstants calls the function where the text gives all arguments and the function takes them.
func (c *call) onConstants() (cty.Value, bool) {
	if c.x.ExpandFinal || !known(c) {
		return cty.NilVal, false
	}
	v, err := c.with(-1, cty.NilVal)
	if err != nil || !v.IsWhollyKnown() {
		return cty.NilVal, false
	}
	return v, true
}

// with calls the function with its constant arguments and, in the n-th place, v.
func (c *call) with(n int, v cty.Value) (cty.Value, error) {
	vals := make([]cty.Value, len(c.args))
	for k, a := range c.args {
		val := a.val
		if k == n {
			val = v
		}
		p := c.param(k)
		if p != nil && !p.Type.HasDynamicTypes() && !val.IsNull() {
			if converted, err := convertTo(val, p.Type); err == nil {
				val = converted
			}
		}
		vals[k] = val
	}
	return safely(func() (cty.Value, error) { return c.spec.Call(vals) })
}

// decodedInfo is what is known of a value, down to which of its parts are null.
func decodedInfo(v cty.Value) info {
	if v.IsNull() || primitive(typeOf(v.Type()).Kind) {
		return infoOf(v)
	}
	out := info{val: v}
	if v.Type().IsObjectType() {
		var fields []schema.Field
		for _, name := range slices.Sorted(maps.Keys(v.Type().AttributeTypes())) {
			i := decodedInfo(v.GetAttr(name))
			fields = append(fields, schema.Field{Name: name, Type: i.t, Required: true, Nullable: i.null})
			out.inner |= i.within()
		}
		out.t = schema.ObjectType(schema.NewObject("", fields...))
		return out
	}
	if !v.CanIterateElements() {
		return infoOf(v)
	}
	elem := schema.Type{}
	for it := v.ElementIterator(); it.Next(); {
		_, part := it.Element()
		i := decodedInfo(part)
		out.elems, out.elemNull, out.inner = append(out.elems, i), out.elemNull || i.null, out.inner|i.within()
		if !i.isNull {
			elem = joinOrFirst(elem, i.t)
		}
	}
	if out.t = elem.ListOf(); elem.Kind == 0 {
		out.t = schema.Type{Kind: schema.KindList}
	}
	return out
}

// onKnown reports a call that fails on arguments that are known, and whether it said nothing.
func (e env) onKnown(c *call) bool {
	if e.quiet || c.x.ExpandFinal || len(c.args) == 0 {
		return true
	}
	if known(c) {
		if _, err := c.with(-1, cty.NilVal); err != nil {
			e.report(diag.EvalFailed, c.x.Range(), "%s fails on these arguments: %s.", c.x.Name, err)
			return false
		}
		return true
	}
	return e.tried(c) && e.onLengths(c) && e.onWords(c)
}

// onLengths holds lists against each other whose lengths are written out.
func (e env) onLengths(c *call) bool {
	length := func(n int) int {
		if i := c.arg(n); i.constant() || len(i.elems) > 0 {
			return constantLength(i)
		}
		return -1
	}
	switch c.x.Name {
	case "zipmap":
		if a, b := length(0), length(1); a >= 0 && b >= 0 && a != b {
			e.report(diag.BadCall, c.x.Range(), "zipmap needs as many values as keys; these are %d keys and %s.", a, countOf(b, "value"))
			return false
		}
	case "one":
		if n := length(0); n > 1 {
			e.report(diag.BadCall, c.x.Range(), "one needs a list with at most one element; this one has %d.", n)
			return false
		}
	case "formatlist":
		first := -1
		for n := 1; n < len(c.args); n++ {
			if c.arg(n).t.Kind != schema.KindList {
				continue
			}
			k := length(n)
			if first >= 0 && k >= 0 && k != first {
				e.report(diag.BadCall, c.argExpr(n).Range(), "the lists of formatlist must have the same length; this one has %d, one before it %s.", k, countOf(first, "element"))
				return false
			}
			first = max(first, k)
		}
	case "slice":
		return e.sliced(c, length(0))
	}
	return true
}

// sliced checks the indices of slice as far as they are known; n is the list's length, -1 where it is not.
func (e env) sliced(c *call, n int) bool {
	at := [2]int{-1, -1}
	for k := range at {
		i := c.arg(k + 1)
		if !i.constant() || i.val.Type() != cty.Number {
			continue
		}
		index, whole := wholeNumber(i.val)
		if !whole || n >= 0 && index > n {
			e.report(diag.BadIndex, c.argExpr(k+1).Range(), "slice needs whole numbers from 0 to the length of the list.")
			return false
		}
		at[k] = index
	}
	if at[0] >= 0 && at[1] >= 0 && at[0] > at[1] {
		e.report(diag.BadIndex, c.argExpr(1).Range(), "slice needs a start that is not behind its end.")
		return false
	}
	return true
}

// lookedUp checks the keys of an object that is written out against the values that the key it is asked for may have.
func (e env) lookedUp(coll, at hclsyntax.Expression, key info) {
	if len(key.t.Enum) == 0 || key.t.Kind != schema.KindString {
		return
	}
	coll = unwrap(coll)
	named := false
	if t, ok := coll.(*hclsyntax.ScopeTraversalExpr); ok && len(t.Traversal) == 2 {
		if l := e.localOf(t.Traversal); l != nil {
			coll, named = unwrap(l.Expr), true
		}
	}
	obj, ok := coll.(*hclsyntax.ObjectConsExpr)
	if !ok {
		return
	}
	for _, item := range obj.Items {
		k, ok := item.KeyExpr.(*hclsyntax.ObjectConsKeyExpr)
		if !ok {
			continue
		}
		name := hcl.ExprAsKeyword(k.Wrapped)
		if v, ok := literal(k.Wrapped); ok && v.Type() == cty.String {
			name = v.AsString()
		}
		if name != "" && !k.ForceNonLiteral && !slices.Contains(key.t.Enum, name) {
			rng := item.KeyExpr.Range()
			if named {
				rng = at.Range()
			}
			e.notInEnum(rng, name, key.t.Enum, "%s, which is looked up here, never has the value %q.", e.source(at.Range()), name)
		}
	}
}

// onWords tries a call with each value that its one argument of an enum may have, all others being known or such that a
// call takes them.
func (e env) onWords(c *call) bool {
	at := -1
	right := samples(c.x.Name)
	for n, a := range c.args {
		switch {
		case a.val != cty.NilVal:
		case at < 0 && a.t.Kind == schema.KindString && len(a.t.Enum) > 0 && len(a.t.Enum) <= mostWords:
			at = n
		case n >= len(right) || len(c.args) > len(right):
			return true
		}
	}
	if at < 0 || at >= len(c.x.Args) {
		return true
	}
	tried := *c
	tried.args = slices.Clone(c.args)
	for n := range tried.args {
		if n != at && tried.args[n].val == cty.NilVal {
			tried.args[n].val = right[n]
		}
	}
	possible := e.possible(c.x.Args[at], c.args[at].t.Enum)
	var failing []string
	why := ""
	for _, s := range possible {
		if _, err := tried.with(at, cty.StringVal(s)); err != nil {
			failing, why = append(failing, s), err.Error()
		}
	}
	if len(failing) == 0 {
		return true
	}
	where := "where it is " + quoteList(failing)
	if len(failing) == len(possible) && len(failing) > 1 {
		where = fmt.Sprintf("for each of its values (%s)", quoteList(failing))
	}
	e.report(diag.EvalFailed, c.x.Args[at].Range(), "%s fails on %s %s: %s.", c.x.Name, e.source(c.x.Args[at].Range()), where, why)
	return false
}
