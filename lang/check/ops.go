package check

import (
	"math/big"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
)

var opWords = map[*hclsyntax.Operation]string{
	hclsyntax.OpLogicalOr:          "||",
	hclsyntax.OpLogicalAnd:         "&&",
	hclsyntax.OpLogicalNot:         "!",
	hclsyntax.OpEqual:              "==",
	hclsyntax.OpNotEqual:           "!=",
	hclsyntax.OpGreaterThan:        ">",
	hclsyntax.OpGreaterThanOrEqual: ">=",
	hclsyntax.OpLessThan:           "<",
	hclsyntax.OpLessThanOrEqual:    "<=",
	hclsyntax.OpAdd:                "+",
	hclsyntax.OpSubtract:           "-",
	hclsyntax.OpMultiply:           "*",
	hclsyntax.OpDivide:             "/",
	hclsyntax.OpModulo:             "%",
	hclsyntax.OpNegate:             "-",
}

func (e env) inferBinary(x *hclsyntax.BinaryOpExpr) info {
	if x.Op == hclsyntax.OpLogicalAnd || x.Op == hclsyntax.OpLogicalOr {
		return e.inferLogic(x)
	}
	a, b := e.infer(x.LHS), e.infer(x.RHS)
	out := info{t: boolType, bad: a.bad || b.bad}
	out.taint(a, b)
	if x.Op == hclsyntax.OpEqual || x.Op == hclsyntax.OpNotEqual {
		if e.compare(x, a, b); !a.bad && !b.bad {
			out.val = fold(x.Op.Impl, a, b)
		}
		return out
	}
	out.t = typeOf(x.Op.Type)
	okA, okB := e.wantNumber(x.LHS, a, x.Op), e.wantNumber(x.RHS, b, x.Op)
	if !okA || !okB {
		out.bad = true
		return out
	}
	if b.constant() && b.val.Type() == cty.Number && b.val.Equals(cty.Zero).True() &&
		(x.Op == hclsyntax.OpDivide || x.Op == hclsyntax.OpModulo) {
		return e.report(diag.BadLiteral, x.RHS.Range(), "nothing can be divided by zero.")
	}
	if (x.Op == hclsyntax.OpDivide || x.Op == hclsyntax.OpModulo) && e.isZero(x.RHS) {
		return e.report(diag.EvalFailed, x.RHS.Range(), "%s is always 0 here, and nothing can be divided by zero.", e.source(x.RHS.Range()))
	}
	out.val = fold(x.Op.Impl, a, b)
	return out
}

// isZero reports whether the conditions around leave nothing but 0 at a place.
func (e env) isZero(x hclsyntax.Expression) bool {
	path, ok := e.pathOf(x)
	set, narrowed := e.facts.sets[path]
	if !ok || !narrowed || e.quiet || e.facts.dead {
		return false
	}
	zero := numbers(interval{lo: new(big.Float), hi: new(big.Float)})
	return !set.and(zero).empty() && set.and(zero.but()).nums == nil
}

func (e env) inferLogic(x *hclsyntax.BinaryOpExpr) info {
	and := x.Op == hclsyntax.OpLogicalAnd
	what := "|| "
	if and {
		what = "&& "
	}
	a := e.infer(x.LHS)
	e.wantBool(x.LHS, a, what[:2])
	right := e.given(e.assume(x.LHS, and))
	b := right.infer(x.RHS)
	if right.facts.dead && !e.facts.dead {
		b = of(boolType) // it is never asked
	}
	e.wantBool(x.RHS, b, what[:2])
	out := info{t: boolType, bad: a.bad || b.bad}
	out.taint(a, b)
	for _, side := range []info{a, b} {
		if side.constant() && side.val.Type() == cty.Bool && side.val.True() != and {
			out.val = side.val
		}
	}
	if out.val == cty.NilVal && !out.bad {
		out.val = fold(x.Op.Impl, a, b)
	}
	return out
}

// fold computes an operation on constants, or returns cty.NilVal.
func fold(impl function.Function, args ...info) cty.Value {
	vals := make([]cty.Value, len(args))
	for n, a := range args {
		if a.val == cty.NilVal {
			return cty.NilVal
		}
		vals[n] = a.val
	}
	v, err := impl.Call(vals)
	if err != nil || !v.IsKnown() {
		return cty.NilVal
	}
	return v
}

func (e env) inferUnary(x *hclsyntax.UnaryOpExpr) info {
	i := e.infer(x.Val)
	out := info{t: typeOf(x.Op.Type), bad: i.bad}
	out.taint(i)
	if x.Op == hclsyntax.OpLogicalNot {
		e.wantBool(x.Val, i, "!")
	} else if !e.wantNumber(x.Val, i, x.Op) {
		out.bad = true
	}
	if i.constant() && !out.bad {
		out.val = fold(x.Op.Impl, i)
	}
	return out
}

// wantBool checks a condition or an operand of logic.
func (e env) wantBool(x hclsyntax.Expression, i info, what string) {
	if i.bad {
		return
	}
	if i.null {
		if i.t.Kind == schema.KindBool && !i.isNull && !e.quiet {
			src := e.source(x.Range())
			e.report(diag.MayBeNull, x.Range(), "%s needs true or false; %s is %s.\nWrite %s == true, so that null counts as false, or guard it (%s != null).",
				what, src, withWhy(i), src, src)
			return
		}
		e.null(x, i, what+" needs true or false")
		return
	}
	if i.lax() || i.t.Kind == schema.KindBool {
		return
	}
	if s, ok := i.text(); ok && (s == "true" || s == "false") {
		return
	}
	e.report(diag.WrongType, x.Range(), "%s needs true or false; %s is %s.", what, e.source(x.Range()), article(i.t.String()))
}

func withWhy(i info) string {
	if i.why == "" {
		return i.describe()
	}
	return i.describe() + " " + i.why
}

// wantNumber checks an operand of arithmetic or of an ordering.
func (e env) wantNumber(x hclsyntax.Expression, i info, op *hclsyntax.Operation) bool {
	if i.bad {
		return false
	}
	word := opWords[op]
	if i.null {
		e.null(x, i, `"`+word+`" needs a number`)
		return e.quiet
	}
	if i.lax() || i.t.Kind == schema.KindNumber {
		return true
	}
	if s, ok := i.text(); ok && parsesAsNumber(s) {
		return true
	}
	hint := ""
	if i.t.Kind == schema.KindString {
		hint = " Convert it with tonumber(…) if it always holds a number."
		if op == hclsyntax.OpAdd {
			hint = " To join texts, write them into one: \"${…}${…}\"."
		}
	}
	e.report(diag.WrongType, x.Range(), "%q needs a number; %s is %s.%s", word, e.source(x.Range()), article(i.t.String()), hint)
	return false
}

// compare checks that an equality can be true and false.
func (e env) compare(x *hclsyntax.BinaryOpExpr, a, b info) {
	if a.lax() || b.lax() || a.t.Format == mixed || b.t.Format == mixed {
		return
	}
	ka, kb := shapeOf(a.t.Kind), shapeOf(b.t.Kind)
	if ka != kb {
		always := "false"
		if x.Op == hclsyntax.OpNotEqual {
			always = "true"
		}
		e.report(diag.NeverEqual, x.Range(), "%s is %s and %s is %s: values of different types are never equal, so this is always %s.%s",
			e.source(x.LHS.Range()), article(a.t.String()), e.source(x.RHS.Range()), article(b.t.String()), always, e.convertHint(x, a, b))
		return
	}
	e.compareEnum(x.RHS, a, b)
	e.compareEnum(x.LHS, b, a)
	e.compareFormat(x.RHS, a, b)
	e.compareFormat(x.LHS, b, a)
}

func (e env) convertHint(x *hclsyntax.BinaryOpExpr, a, b info) string {
	for _, pair := range []struct {
		lit   info
		other info
		expr  hclsyntax.Expression
	}{{b, a, x.RHS}, {a, b, x.LHS}} {
		s, ok := pair.lit.text()
		if !ok {
			continue
		}
		if pair.other.t.Kind == schema.KindNumber && parsesAsNumber(s) || pair.other.t.Kind == schema.KindBool && (s == "true" || s == "false") {
			return " Write " + s + " without quotes."
		}
	}
	return ""
}

// shapeOf groups kinds whose values can be equal.
func shapeOf(k schema.Kind) schema.Kind {
	if k == schema.KindMap {
		return schema.KindObject
	}
	return k
}

// compareEnum checks a constant against the values that the other side can have.
func (e env) compareEnum(x hclsyntax.Expression, place, value info) {
	s, ok := value.text()
	if !ok || place.t.Kind != schema.KindString || len(place.t.Enum) == 0 || slices.Contains(place.t.Enum, s) {
		return
	}
	e.notInEnum(x.Range(), s, place.t.Enum, "this never has the value %q.", s)
}

func (e env) notInEnum(rng hcl.Range, s string, enum []string, format string, args ...any) info {
	if e.c.probe != nil {
		e.c.probe.allow(rng, enum)
	}
	fix := suggest(s, enum)
	hint := ""
	if fix != "" {
		hint = " Did you mean \"" + fix + "\"?"
		fix = `"` + fix + `"`
	}
	args = append(args, hint, quoteList(enum))
	return e.reportFix(diag.NotInEnum, rng, fix, format+"%s It can be %s.", args...)
}
