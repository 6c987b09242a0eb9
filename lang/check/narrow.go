package check

import (
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/schema"
)

// Narrowing: what a condition that held, or did not hold, proves of the places it speaks of. A place is named by its
// path, "trigger.customer"; a local that only names another place stands for that place. Facts are monotone and are
// only ever weaker than the truth: where a condition proves one of two things, what both imply is kept.

// assume returns what is proved by the condition being true, or false. It is kept for each condition: what a || b
// proves needs both answers for each side, which nested would double the work at each level.
func (e *env) assume(x hclsyntax.Expression, truth bool) *facts {
	switch x.(type) {
	case *hclsyntax.BinaryOpExpr, *hclsyntax.ConditionalExpr:
	default:
		return e.prove(x, truth)
	}
	key := proofKey{x: x, truth: truth, facts: e.facts, inner: e.inner, in: e.in}
	if f, ok := e.sc.proofs[key]; ok {
		return f
	}
	if e.spent() {
		return noFacts
	}
	f := e.prove(x, truth)
	if e.sc.proofs == nil {
		e.sc.proofs = map[proofKey]*facts{}
	}
	e.sc.proofs[key] = f
	return f
}

func (e *env) prove(x hclsyntax.Expression, truth bool) *facts {
	switch x := x.(type) {
	case *hclsyntax.ParenthesesExpr:
		return e.assume(x.Expression, truth)
	case *hclsyntax.TemplateWrapExpr:
		return e.assume(x.Wrapped, truth)
	case *hclsyntax.LiteralValueExpr:
		if x.Val.Type() == cty.Bool && !x.Val.IsNull() && x.Val.IsKnown() && x.Val.True() != truth {
			return &facts{dead: true}
		}
	case *hclsyntax.UnaryOpExpr:
		if x.Op == hclsyntax.OpLogicalNot {
			return e.assume(x.Val, !truth)
		}
	case *hclsyntax.BinaryOpExpr:
		return e.assumeBinary(x, truth)
	case *hclsyntax.FunctionCallExpr:
		return e.assumeCall(x, truth)
	case *hclsyntax.ScopeTraversalExpr:
		if l := e.localOf(x.Traversal); l != nil && len(x.Traversal) == 2 && !e.sc.busy[l] {
			return e.assumeLocal(l, truth)
		}
		if path, ok := e.pathOf(x); ok {
			is := among(path, word("true"), truth)
			if name, ok := timedOut(path); ok && !truth {
				return is.and(arrived(name))
			}
			if truth {
				return is.and(proves(path))
			}
			return is
		}
	case *hclsyntax.ConditionalExpr:
		return e.assume(x.Condition, true).and(e.assume(x.TrueResult, truth)).
			or(e.assume(x.Condition, false).and(e.assume(x.FalseResult, truth)))
	}
	return noFacts
}

// assumeLocal looks into a local. What it proves by itself is kept, so that locals made of each other take no more time
// than they are long.
func (e *env) assumeLocal(l *local, truth bool) *facts {
	key := assumeKey{l, truth, e.in}
	if f, ok := e.sc.told[key]; ok {
		return f
	}
	e.sc.busy[l] = true
	in := e.plain()
	in.facts = noFacts
	f := in.assume(l.Expr, truth)
	delete(e.sc.busy, l)
	if e.sc.told == nil {
		e.sc.told = map[assumeKey]*facts{}
	}
	e.sc.told[key] = f
	return f
}

func (e *env) assumeBinary(x *hclsyntax.BinaryOpExpr, truth bool) *facts {
	switch x.Op {
	case hclsyntax.OpLogicalAnd:
		if truth {
			return e.assume(x.LHS, true).and(e.assume(x.RHS, true))
		}
		return e.assume(x.LHS, false).or(e.assume(x.LHS, true).and(e.assume(x.RHS, false)))
	case hclsyntax.OpLogicalOr:
		if truth {
			return e.assume(x.LHS, true).or(e.assume(x.LHS, false).and(e.assume(x.RHS, true)))
		}
		return e.assume(x.LHS, false).and(e.assume(x.RHS, false))
	case hclsyntax.OpEqual:
		return e.assumeEqual(x.LHS, x.RHS, truth)
	case hclsyntax.OpNotEqual:
		return e.assumeEqual(x.LHS, x.RHS, !truth)
	case hclsyntax.OpGreaterThan:
		return e.assumeOrder(x.LHS, x.RHS, true, truth)
	case hclsyntax.OpGreaterThanOrEqual:
		return e.assumeOrder(x.LHS, x.RHS, false, truth)
	case hclsyntax.OpLessThan:
		return e.assumeOrder(x.RHS, x.LHS, true, truth)
	case hclsyntax.OpLessThanOrEqual:
		return e.assumeOrder(x.RHS, x.LHS, false, truth)
	}
	return noFacts
}

// assumeEqual returns what a == b proves: a place that equals something that is not null is not null; one that does not equal
// null isn't either.
func (e *env) assumeEqual(a, b hclsyntax.Expression, equal bool) *facts {
	out := noFacts
	for _, pair := range [][2]hclsyntax.Expression{{a, b}, {b, a}} {
		place, other := pair[0], pair[1]
		if isNullLiteral(other) {
			path, ok := e.pathOf(place)
			switch {
			case ok && !equal:
				out = out.and(proves(path))
			case ok && e.facts.nonNull[path]:
				return &facts{dead: true}
			}
			continue
		}
		v, known := literal(other)
		if path, ok := e.pathOf(place); ok && known {
			if set, ok := point(v); ok {
				out = out.and(among(path, set, equal))
			}
		}
		if known && v.Type() == cty.Bool {
			if equal && v.True() || !equal && v.False() {
				out = out.and(e.assume(place, true))
			} else if equal {
				out = out.and(e.assume(place, false))
				if path, ok := e.pathOf(place); ok {
					out = out.and(proves(path))
				}
			} else if path, ok := e.pathOf(place); ok {
				if name, ok := timedOut(path); ok {
					out = out.and(arrived(name)) // it is never null, so that it is false
				}
			}
			continue
		}
		if known && v.Type() == cty.Number && isLength(place) {
			if !equal && v.Equals(cty.Zero).True() {
				out = out.and(e.atLeast(place, 1))
			} else if equal {
				if n, ok := wholeNumber(v); ok {
					out = out.and(e.atLeast(place, n))
				}
			}
			continue
		}
		if known && v.Type() == cty.String && e.isEventType(place) {
			out = out.and(e.assumeEventType(v.AsString(), equal))
		}
		if equal {
			if path, ok := e.pathOf(place); ok && (known || !e.silent().infer(other).null) {
				out = out.and(proves(path))
			}
		}
	}
	return out
}

func (e *env) isEventType(x hclsyntax.Expression) bool {
	path, ok := e.pathOf(x)
	return ok && path == "event.type"
}

// assumeEventType tells apart the triggers of a recipe: of the one under scrutiny it is known which types it has.
func (e *env) assumeEventType(name string, equal bool) *facts {
	if e.sc == nil || e.sc.variant == nil || len(e.sc.variant.Events) == 0 {
		return noFacts
	}
	has, others := false, false
	for _, t := range e.sc.variant.Events {
		if t == "*" {
			return noFacts
		}
		if t == name {
			has = true
		} else {
			others = true
		}
	}
	if equal && !has || !equal && !others {
		return &facts{dead: true}
	}
	return noFacts
}

// assumeOrder returns what big > small, or big >= small, proves of lengths.
func (e *env) assumeOrder(big, small hclsyntax.Expression, strict, truth bool) *facts {
	if path, ok := e.pathOf(big); ok {
		if v, ok := literal(small); ok && v.Type() == cty.Number {
			return among(path, numbers(interval{lo: v.AsBigFloat(), loOpen: strict}), truth)
		}
	}
	if path, ok := e.pathOf(small); ok {
		if v, ok := literal(big); ok && v.Type() == cty.Number {
			return among(path, numbers(interval{hi: v.AsBigFloat(), hiOpen: strict}), truth)
		}
	}
	if !truth {
		return noFacts
	}
	v, ok := literal(small)
	if !ok || v.Type() != cty.Number || !isLength(big) {
		return noFacts
	}
	n, ok := wholeNumber(v)
	if !ok {
		return noFacts
	}
	if strict {
		n++
	}
	return e.atLeast(big, n)
}

func (e *env) atLeast(length hclsyntax.Expression, n int) *facts {
	call, ok := unwrap(length).(*hclsyntax.FunctionCallExpr)
	if !ok || n < 1 {
		return noFacts
	}
	path, ok := e.pathOf(call.Args[0])
	if !ok {
		return noFacts
	}
	return &facts{minLen: map[string]int{path: n}, nonNull: map[string]bool{path: true}}
}

func isLength(x hclsyntax.Expression) bool {
	call, ok := unwrap(x).(*hclsyntax.FunctionCallExpr)
	return ok && call.Name == "length" && len(call.Args) == 1
}

func wholeNumber(v cty.Value) (int, bool) {
	n, acc := v.AsBigFloat().Int64()
	return int(n), acc == 0 && n >= 0 && n < 1<<30
}

// assumeCall knows what can() proves: that the places on the way to what it reads are there.
func (e *env) assumeCall(x *hclsyntax.FunctionCallExpr, truth bool) *facts {
	if x.Name == "contains" && len(x.Args) == 2 && !x.ExpandFinal {
		return e.assumeContains(x.Args[0], x.Args[1], truth)
	}
	if x.Name != "can" || len(x.Args) != 1 || !truth {
		return noFacts
	}
	path, ok := e.pathOf(x.Args[0])
	if !ok {
		return noFacts
	}
	out := noFacts
	for {
		i := strings.LastIndexByte(path, '.')
		if i < 0 {
			return out
		}
		path = path[:i]
		out = out.and(proves(path))
	}
}

// assumeContains knows contains(["a", "b"], place).
func (e *env) assumeContains(list, place hclsyntax.Expression, truth bool) *facts {
	path, ok := e.pathOf(place)
	tuple := tupleOf(list)
	if !ok || tuple == nil || len(tuple.Exprs) > mostWords {
		return noFacts
	}
	set := nothing()
	for _, x := range tuple.Exprs {
		v, ok := literal(x)
		if !ok {
			return noFacts
		}
		one, ok := point(v)
		if !ok {
			return noFacts
		}
		set = set.or(one)
	}
	return among(path, set, truth)
}

// pathOf names the place that an expression reads, if it only reads one.
func (e *env) pathOf(x hclsyntax.Expression) (string, bool) {
	switch x := x.(type) {
	case *hclsyntax.ParenthesesExpr:
		return e.pathOf(x.Expression)
	case *hclsyntax.TemplateWrapExpr:
		return e.pathOf(x.Wrapped)
	case *hclsyntax.ScopeTraversalExpr:
		root, rest := e.rootPath(x.Traversal)
		return extend(root, rest)
	case *hclsyntax.RelativeTraversalExpr:
		base, ok := e.pathOf(x.Source)
		if !ok {
			return "", false
		}
		return extend(base, x.Traversal)
	case *hclsyntax.IndexExpr:
		base, ok := e.pathOf(x.Collection)
		if !ok {
			return "", false
		}
		key, ok := literal(x.Key)
		if !ok {
			return "", false
		}
		return extend(base, hcl.Traversal{hcl.TraverseIndex{Key: key}})
	case *hclsyntax.AnonSymbolExpr:
		if n := len(e.anon); n > 0 {
			return e.anon[n-1].id, true
		}
	}
	return "", false
}

// rootPath names where a traversal starts, looking through locals that only name a place.
func (e *env) rootPath(t hcl.Traversal) (string, hcl.Traversal) {
	name := t.RootName()
	if lv, ok := e.loop[name]; ok {
		return lv.id, t[1:]
	}
	if l := e.localOf(t); l != nil && !e.sc.busy[l] {
		e.sc.busy[l] = true
		path, ok := e.plain().pathOf(l.Expr)
		delete(e.sc.busy, l)
		if ok {
			return path, t[2:]
		}
	}
	return name, t[1:]
}

func extend(base string, rest hcl.Traversal) (string, bool) {
	for _, step := range rest {
		switch step := step.(type) {
		case hcl.TraverseAttr:
			base += "." + step.Name
		case hcl.TraverseIndex:
			key, ok := keyText(step.Key)
			if !ok {
				return "", false
			}
			base += key
		default:
			return "", false
		}
	}
	return base, true
}

// keyText writes a key so that m["a"] and m.a are the same place.
func keyText(key cty.Value) (string, bool) {
	switch {
	case key.IsNull() || !key.IsKnown():
		return "", false
	case key.Type() == cty.String:
		if name := key.AsString(); hclsyntax.ValidIdentifier(name) {
			return "." + name, true
		} else {
			return "[" + strconv.Quote(name) + "]", true
		}
	case key.Type() == cty.Number:
		return "[" + key.AsBigFloat().Text('f', -1) + "]", true
	}
	return "", false
}

// localOf returns the local that the traversal begins with, or nil.
func (e *env) localOf(t hcl.Traversal) *local {
	if e.sc == nil || len(t) < 2 || t.RootName() != "local" {
		return nil
	}
	if _, shadowed := e.loop["local"]; shadowed {
		return nil
	}
	attr, ok := t[1].(hcl.TraverseAttr)
	if !ok {
		return nil
	}
	return e.sc.locals[attr.Name]
}

func unwrap(x hclsyntax.Expression) hclsyntax.Expression {
	for {
		switch y := x.(type) {
		case *hclsyntax.ParenthesesExpr:
			x = y.Expression
		case *hclsyntax.TemplateWrapExpr:
			x = y.Wrapped
		default:
			return x
		}
	}
}

// literal returns the value of a literal that is not null: a string without interpolation, a number, a bool.
func literal(x hclsyntax.Expression) (cty.Value, bool) {
	switch x := unwrap(x).(type) {
	case *hclsyntax.LiteralValueExpr:
		return x.Val, !x.Val.IsNull() && x.Val.IsKnown()
	case *hclsyntax.TemplateExpr:
		if x.IsStringLiteral() {
			v, diags := x.Value(nil)
			return v, !diags.HasErrors()
		}
		if len(x.Parts) == 0 {
			return cty.StringVal(""), true
		}
	case *hclsyntax.UnaryOpExpr:
		if v, ok := literal(x.Val); ok && x.Op == hclsyntax.OpNegate && v.Type() == cty.Number {
			return v.Negate(), true
		}
	}
	return cty.NilVal, false
}

func isNullLiteral(x hclsyntax.Expression) bool {
	l, ok := unwrap(x).(*hclsyntax.LiteralValueExpr)
	return ok && l.Val.IsNull()
}

// typesOf lists the event types of all triggers, or nil where one takes them all.
func typesOf(triggers []*Trigger) []string {
	var out []string
	seen := map[string]bool{}
	for _, t := range triggers {
		for _, name := range t.Events {
			if name == "*" {
				return nil
			}
			if !seen[name] {
				seen[name] = true
				out = append(out, name)
			}
		}
	}
	return out
}

// guardFacts is what a trigger's settings prove of its payload.
func guardFacts(guards []schema.Guard) *facts {
	out := noFacts
	for _, g := range guards {
		if g.Proves() {
			out = out.and(proves("trigger." + g.Path.String()))
		}
	}
	return out
}
