package check

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
)

// Inference is an abstract interpretation of HCL's expressions: the same walk as evaluation, over shapes instead of
// values. Evaluating unknown values with HCL itself was tried first and says too little: it lets a string pass for a
// number, hides what a for expression does wrong behind an unknown list, and knows neither enums nor what a condition
// proved.

// infer returns what is known of the value of x, and reports what is wrong with it.
func (e env) infer(x hclsyntax.Expression) info {
	if e.c.probe != nil {
		e.c.probe.see(e, x, nil)
	}
	if e.spent() {
		if e.sc.looks == mostLooks+1 {
			e.mute, e.facts = false, noFacts
			return e.report(diag.TooExpensive, x.Range(), "this recipe nests conditions so deeply that checking it would take too long.")
		}
		return mistake()
	}
	switch x := x.(type) {
	case *hclsyntax.LiteralValueExpr:
		return e.numeral(x)
	case *hclsyntax.ParenthesesExpr:
		return e.infer(x.Expression)
	case *hclsyntax.TemplateWrapExpr:
		return e.infer(x.Wrapped)
	case *hclsyntax.TemplateExpr:
		return e.inferTemplate(x)
	case *hclsyntax.TemplateJoinExpr:
		return e.inferTemplateJoin(x)
	case *hclsyntax.ScopeTraversalExpr:
		return e.inferTraversal(x)
	case *hclsyntax.RelativeTraversalExpr:
		src := e.infer(x.Source)
		path, known := e.pathOf(x.Source)
		return e.follow(x, src, path, known, x.Source.Range(), x.Traversal)
	case *hclsyntax.FunctionCallExpr:
		return e.inferCall(x)
	case *hclsyntax.ConditionalExpr:
		return e.inferConditional(x)
	case *hclsyntax.BinaryOpExpr:
		return e.inferBinary(x)
	case *hclsyntax.UnaryOpExpr:
		return e.inferUnary(x)
	case *hclsyntax.TupleConsExpr:
		return e.inferTuple(x)
	case *hclsyntax.ObjectConsExpr:
		return e.inferObject(x)
	case *hclsyntax.ForExpr:
		return e.inferFor(x)
	case *hclsyntax.IndexExpr:
		return e.inferIndex(x)
	case *hclsyntax.SplatExpr:
		return e.inferSplat(x)
	case *hclsyntax.AnonSymbolExpr:
		if n := len(e.anon); n > 0 {
			return e.anon[n-1].info
		}
	}
	return e.report(diag.BadCall, x.Range(), "this kind of expression is not part of the language.")
}

func (e env) inferTemplate(x *hclsyntax.TemplateExpr) info {
	out := of(stringType)
	for _, part := range x.Parts {
		i := e.infer(part)
		out.taint(i)
		out.bad = out.bad || i.bad
		e.templatePart(part, i)
	}
	if v, ok := literal(x); ok && !out.bad {
		out.val = v
	}
	return out
}

func (e env) templatePart(part hclsyntax.Expression, i info) {
	switch {
	case i.bad:
	case i.null:
		e.null(part, i, "text can't hold null")
	case !i.lax() && !primitive(i.t.Kind):
		e.report(diag.NotATemplatePart, part.Range(), "text can't hold %s. Name an attribute of it, or write it as JSON: jsonencode(%s).",
			article(i.t.String()), e.source(part.Range()))
	}
}

func (e env) inferTemplateJoin(x *hclsyntax.TemplateJoinExpr) info {
	out := of(stringType)
	i := e.infer(x.Tuple)
	out.bad = i.bad
	out.taint(i)
	if i.t.Kind == schema.KindList && i.t.Elem != nil && !i.bad && !primitive(i.t.Elem.Kind) && i.t.Elem.Kind != schema.KindAny {
		e.report(diag.NotATemplatePart, x.Tuple.Range(), "text can't hold %s.", article(i.t.Elem.String()))
	}
	return out
}

func (e env) inferConditional(x *hclsyntax.ConditionalExpr) info {
	cond := e.infer(x.Condition)
	e.wantBool(x.Condition, cond, "the condition of ?:")
	yes, no := e.given(e.assume(x.Condition, true)), e.given(e.assume(x.Condition, false))
	a, b := reached(yes, yes.infer(x.TrueResult), no, no.infer(x.FalseResult))
	return e.either(x, cond, a, b)
}

// reached takes what is said of a result that is never taken for nothing but its type: no mistake within it counts.
func reached(yes env, a info, no env, b info) (info, info) {
	switch {
	case yes.facts.dead && !no.facts.dead:
		a = a.unreached(b)
	case no.facts.dead && !yes.facts.dead:
		b = b.unreached(a)
	}
	return a, b
}

func (i info) unreached(other info) info {
	if i.bad || i.isNull {
		return other
	}
	return of(i.t)
}

// either is the value of a conditional whose parts are known.
func (e env) either(x *hclsyntax.ConditionalExpr, cond, a, b info) info {
	t := a.t
	switch {
	case a.isNull:
		t = b.t
	case b.isNull:
	case a.bad || b.bad:
		t = anyType
	default:
		var ok bool
		if t, ok = unify(a.t, b.t); !ok {
			return e.report(diag.WrongType, hcl.RangeBetween(x.TrueResult.Range(), x.FalseResult.Range()),
				"both results of ?: must be of one type; the first is %s, the second %s.", article(a.t.String()), article(b.t.String()))
		}
	}
	out := e.kept(merged(a, b, t), a, b)
	out.taint(cond)
	out.bad = out.bad || cond.bad
	return out
}

func (e env) inferTuple(x *hclsyntax.TupleConsExpr) info {
	out := info{elems: make([]info, 0, len(x.Exprs))}
	elem := schema.Type{}
	vals := make([]cty.Value, 0, len(x.Exprs))
	for n, ex := range x.Exprs {
		i := e.infer(ex)
		out.elems = append(out.elems, i)
		out.taint(i)
		out.bad = out.bad || i.bad
		out.elemNull = out.elemNull || i.null
		out.inner |= i.within()
		if n == 0 || elem.Kind == 0 {
			elem = i.t
		} else if !i.isNull {
			elem = join(elem, i.t)
		}
		if i.val != cty.NilVal {
			vals = append(vals, i.val)
		}
	}
	out.t = elem.ListOf()
	if elem.Kind == 0 {
		out.t = schema.Type{Kind: schema.KindList} // [] can be a list of anything
	}
	if len(vals) == len(x.Exprs) {
		out.val = cty.TupleVal(vals)
	}
	return e.kept(out, out.elems...)
}

func (e env) inferObject(x *hclsyntax.ObjectConsExpr) info {
	var out info
	var fields []schema.Field
	index := map[string]int{}
	dynamic, maybe := false, false
	elem := schema.Type{}
	vals := map[string]cty.Value{}
	for _, item := range x.Items {
		key, ok := e.objectKey(item)
		i := e.infer(item.ValueExpr)
		out.taint(i)
		out.bad = out.bad || i.bad
		out.inner, maybe = out.inner|i.within(), maybe || i.null
		if elem.Kind == 0 {
			elem = i.t
		} else {
			elem = join(elem, i.t)
		}
		if !ok {
			dynamic = true
			out.taint(e.keyInfo(item))
			continue
		}
		if i.val != cty.NilVal {
			vals[key] = i.val
		}
		f := schema.Field{Name: key, Type: i.t, Required: true, Nullable: i.null, Secret: i.secret, Role: roleOf(i)}
		if at, dup := index[key]; dup {
			fields[at] = f
			continue
		}
		index[key] = len(fields)
		fields = append(fields, f)
	}
	if dynamic {
		if elem.Kind == 0 {
			elem = anyType
		}
		out.t, out.elemNull = elem.MapOf(), maybe
		return out
	}
	if len(vals) == len(fields) {
		out.val = cty.ObjectVal(vals)
	}
	out.t = schema.ObjectType(schema.NewObject("", fields...))
	return out
}

// keyInfo is what is known of a key that is computed.
func (e env) keyInfo(item hclsyntax.ObjectConsItem) info {
	key := item.KeyExpr
	if k, ok := key.(*hclsyntax.ObjectConsKeyExpr); ok {
		key = k.Wrapped
	}
	return e.silent().infer(key)
}

// objectKey returns the name that an item of an object is written under; ok is false where it is computed.
func (e env) objectKey(item hclsyntax.ObjectConsItem) (string, bool) {
	key := item.KeyExpr
	if k, ok := key.(*hclsyntax.ObjectConsKeyExpr); ok {
		if !k.ForceNonLiteral {
			if word := hcl.ExprAsKeyword(k.Wrapped); word != "" {
				return word, true
			}
		}
		key = k.Wrapped
	}
	if v, ok := literal(key); ok {
		if v.Type() == cty.String {
			return v.AsString(), true
		}
		if text, ok := textOf(v); ok {
			return text, true
		}
	}
	i := e.infer(key)
	if i.null {
		e.null(key, i, "a key needs a string")
	} else if !i.lax() && !primitive(i.t.Kind) {
		e.report(diag.WrongType, key.Range(), "a key must be a string; %s is %s.", e.source(key.Range()), article(i.t.String()))
	}
	return "", false
}

func (e env) inferFor(x *hclsyntax.ForExpr) info {
	coll := e.evenSo(x.CollExpr, e.infer(x.CollExpr))
	if coll.bad {
		return mistake()
	}
	if coll.null {
		e.null(x.CollExpr, coll, "for needs a list or a map")
		if !e.quiet {
			return mistake()
		}
	}
	key, elem, ok := e.parts(coll)
	if !ok {
		return e.report(diag.WrongType, x.CollExpr.Range(), "for needs a list or a map; %s is %s.",
			e.source(x.CollExpr.Range()), article(coll.t.String()))
	}
	in := e.bind(x.ValVar, elem)
	if path, ok := e.pathOf(x.CollExpr); ok && coll.t.Kind == schema.KindList {
		in = in.given(&facts{minLen: map[string]int{path: 1}}) // an element stands before it
	}
	if n := constantLength(coll); n > 1 {
		if in.times = max(1, in.times) * n; in.times > mostTurns {
			return e.report(diag.TooExpensive, x.Range(), "the loops around this run %d times at the least; an expression may take %d steps.", in.times, mostTurns)
		}
	}
	if x.KeyVar != "" {
		in = in.bind(x.KeyVar, key)
	}
	var cond info
	if x.CondExpr != nil {
		cond = in.infer(x.CondExpr)
		in.wantBool(x.CondExpr, cond, "the condition of for")
		in = in.given(in.assume(x.CondExpr, true))
	}
	val := in.infer(x.ValExpr)
	if in.facts.dead && !e.facts.dead {
		val = of(anyType) // no element passes
	}
	out := info{bad: val.bad || cond.bad, elemNull: val.null, inner: val.within()}
	out.taint(coll, val, cond)
	if x.KeyExpr == nil {
		out.t = val.t.ListOf()
		return out
	}
	k := in.infer(x.KeyExpr)
	out.taint(k)
	out.bad = out.bad || k.bad
	if k.null {
		in.null(x.KeyExpr, k, "a key needs a string")
	} else if !k.lax() && !primitive(k.t.Kind) {
		in.report(diag.WrongType, x.KeyExpr.Range(), "a key must be a string; this is %s.", article(k.t.String()))
	}
	if x.Group {
		list := info{elemNull: val.null, inner: val.within()}
		out.t, out.elemNull, out.inner = val.t.ListOf().MapOf(), false, list.within()
	} else {
		out.t = val.t.MapOf()
	}
	return out
}

// mostTurns is how many steps eval.Bound grants an expression.
const mostTurns = 100_000

// constantLength returns how many elements a constant collection has; 0 where it isn't known.
func constantLength(i info) int {
	if i.constant() && i.val.CanIterateElements() {
		return i.val.LengthInt()
	}
	return len(i.elems)
}

// parts returns what a collection's keys and elements are.
func (e env) parts(coll info) (key, elem info, ok bool) {
	key, elem = of(stringType), of(anyType)
	if coll.lax() {
		return of(anyType), elem, true
	}
	elem.taint(coll)
	elem.emerge(coll.inner)
	switch coll.t.Kind {
	case schema.KindList:
		key = of(numberType)
		fallthrough
	case schema.KindMap:
		if coll.t.Elem != nil {
			elem.t = *coll.t.Elem
		}
		elem.null = coll.elemNull
		return key, elem, true
	case schema.KindObject:
		for n, f := range coll.t.Object.Fields() {
			if n == 0 {
				elem.t = f.Type
			} else {
				elem.t = join(elem.t, f.Type)
			}
			elem.null = elem.null || f.MayBeNull()
			elem.taint(info{secret: f.Secret, personal: f.Role.Personal()})
		}
		return key, elem, true
	}
	return key, elem, false
}

func (e env) inferSplat(x *hclsyntax.SplatExpr) info {
	src := e.evenSo(x.Source, e.infer(x.Source))
	if src.bad {
		return mistake()
	}
	elem := src
	if src.null && len(e.anon) > 0 && src.t.Kind != schema.KindList && !e.quiet {
		return e.report(diag.MayBeNull, x.Source.Range(), "in a splat, * gives lists of one type; %s is %s, which makes a list with or without it.\nWrite [for … if … != null] instead.",
			e.source(x.Source.Range()), withWhy(src))
	}
	elem.null, elem.isNull = false, false // null has no elements
	if src.t.Kind == schema.KindList && !src.isNull {
		_, elem, _ = e.parts(src)
	}
	each := e.standOn(elem).infer(x.Each)
	out := info{t: each.t.ListOf(), bad: each.bad, elemNull: each.null, inner: each.within()}
	out.taint(src, each)
	return out
}

func (e env) inferIndex(x *hclsyntax.IndexExpr) info {
	coll := e.infer(x.Collection)
	key := e.infer(x.Key)
	if coll.bad || key.bad {
		return mistake()
	}
	if key.null {
		e.null(x.Key, key, "an index can't be null")
	}
	e.lookedUp(x.Collection, x.Key, key)
	path, known := e.pathOf(x.Collection)
	return e.element(x, coll, key, path, known, x.Collection.Range(), x.Key.Range())
}
