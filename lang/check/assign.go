package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
)

// target is a place that takes a value.
type target struct {
	t        schema.Type
	name     string // for messages, quoted where it is a name: `"customer"`, `an element of "tags"`
	required bool   // null can't be left out
	secret   bool
}

// needed reports whether a field can't do without a value: null is left out where it can.
func needed(f *schema.Field) bool { return f.Required && !f.Nullable && f.Default == "" }

func fieldTarget(f *schema.Field) target {
	return target{t: f.Type, name: fmt.Sprintf("%q", f.Name), required: needed(f), secret: f.Secret}
}

// memberTarget is the place of a field that is written out in o: of a group of which one is needed it is the one that
// was chosen, so that it can't be left out.
func memberTarget(o *schema.Object, f *schema.Field) target {
	w := fieldTarget(f)
	w.required = w.required || slices.ContainsFunc(o.OneOf, func(group []string) bool { return slices.Contains(group, f.Name) })
	return w
}

// assign checks that the value of x can go where w is. It goes down into what is written out, so that a mistake is
// shown at the very attribute.
func (e env) assign(x hclsyntax.Expression, w target) info {
	if e.c.probe != nil {
		e.c.probe.see(e, x, &w)
	}
	switch y := x.(type) {
	case *hclsyntax.ParenthesesExpr:
		return e.assign(y.Expression, w)
	case *hclsyntax.TemplateWrapExpr:
		return e.assign(y.Wrapped, w)
	case *hclsyntax.ConditionalExpr:
		cond := e.infer(y.Condition)
		e.wantBool(y.Condition, cond, "the condition of ?:")
		yes, no := e.given(e.assume(y.Condition, true)), e.given(e.assume(y.Condition, false))
		a, b := reached(yes, yes.assign(y.TrueResult, w), no, no.assign(y.FalseResult, w))
		if cond.secret {
			e.leak(y.Condition.Range(), w)
		}
		if a.bad || b.bad {
			return mistake()
		}
		return e.either(y, cond, a, b)
	case *hclsyntax.ObjectConsExpr:
		switch w.t.Kind {
		case schema.KindObject:
			return e.assignObject(y, w)
		case schema.KindMap, schema.KindAny:
			elem := anyType
			if w.t.Kind == schema.KindMap && w.t.Elem != nil {
				elem = *w.t.Elem
			}
			return e.assignItems(y, w, elem)
		}
	case *hclsyntax.TupleConsExpr:
		if w.t.Kind == schema.KindList || w.t.Kind == schema.KindAny {
			return e.assignElements(y, w)
		}
	}
	i := e.infer(x)
	if i.bad {
		return i
	}
	if !e.fits(x, i, w) {
		return mistake()
	}
	return i
}

// fits checks a value that is not written out.
func (e env) fits(x hclsyntax.Expression, i info, w target) bool {
	if i.null && w.required {
		e.null(x, i, fmt.Sprintf("%s needs %s", w.name, article(w.t.String())))
		return false
	}
	if i.secret && !w.secret {
		e.leak(x.Range(), w)
		return false
	}
	if !w.secret && e.c.holdsSecret(i.t) {
		e.report(diag.SecretLeak, x.Range(), "%s is not secret: what goes there may be logged and shown. %s holds what is secret; name the attributes that are wanted.",
			w.name, e.source(x.Range()))
		return false
	}
	if i.isNull {
		return true
	}
	w.t = e.choose(i, w.t)
	if why := e.mismatch(i, w.t, ""); why != "" {
		e.report(diag.WrongType, x.Range(), "%s needs %s; %s.", w.name, article(w.t.String()), strings.Replace(why, "\x00", e.source(x.Range()), 1))
		return false
	}
	if w.t.Kind == schema.KindList && i.elemNull && w.t.Elem != nil && w.t.Elem.Kind != schema.KindAny {
		e.report(diag.MayBeNull, x.Range(), "%s needs %s; elements of %s may be null.\nLeave those out: [for v in %s : v if v != null].",
			w.name, article(w.t.String()), e.source(x.Range()), e.source(x.Range()))
		return false
	}
	e.checkLiteral(x, i, w.t, w.name)
	return true
}

func (e env) leak(rng hcl.Range, w target) {
	if w.secret {
		return
	}
	e.report(diag.SecretLeak, rng, "%s is not secret: what goes there may be logged and shown. %s is secret.", w.name, e.source(rng))
}

// choose returns which of the types that a place takes a value is meant for: the first that it fits.
func (e env) choose(i info, want schema.Type) schema.Type {
	if want.Or == nil {
		return want
	}
	if s, written := i.text(); written {
		for or := want.Or; or != nil; or = or.Or {
			if slices.Contains(or.Enum, s) {
				return *or
			}
		}
	}
	if e.mismatch(i, plain(want), "") == "" {
		return want
	}
	for or := want.Or; or != nil; or = or.Or {
		if e.alsoTakes(i, or) {
			return *or
		}
	}
	return want
}

// alsoTakes reports whether a value fits what a place takes besides, whose enum is exact.
func (e env) alsoTakes(i info, or *schema.Type) bool {
	if s, written := i.text(); written && len(or.Enum) > 0 && !slices.Contains(or.Enum, s) {
		return false
	}
	return e.mismatch(i, plain(*or), "") == ""
}

// plain is the type without what the place takes besides.
func plain(t schema.Type) schema.Type {
	t.Or = nil
	return t
}

// mismatch says why a value can't become the wanted type, or returns "". In what it says, NUL stands for the text of
// the expression; at names the part of the value that is spoken of.
func (e env) mismatch(i info, want schema.Type, at string) string {
	if i.lax() || want.Kind == schema.KindAny || want.Kind == 0 {
		return ""
	}
	if want.Or != nil {
		why := e.mismatch(i, plain(want), at)
		for or := want.Or; or != nil && why != ""; or = or.Or {
			if e.alsoTakes(i, or) {
				why = ""
			}
		}
		return why
	}
	subject := "\x00"
	if at != "" {
		subject = fmt.Sprintf("%s of \x00", at)
	}
	is := fmt.Sprintf("%s is %s", subject, article(i.t.String()))
	switch want.Kind {
	case schema.KindString:
		if primitive(i.t.Kind) {
			return ""
		}
		return is
	case schema.KindNumber:
		if i.t.Kind == schema.KindNumber {
			return ""
		}
		if s, ok := i.text(); ok && parsesAsNumber(s) {
			return ""
		}
		if i.t.Kind == schema.KindString && !i.constant() {
			return is + ", which need not hold one; convert it with tonumber(…) if it always does"
		}
		return is
	case schema.KindBool:
		if i.t.Kind == schema.KindBool {
			return ""
		}
		if s, ok := i.text(); ok && (s == "true" || s == "false") {
			return ""
		}
		return is
	case schema.KindList:
		if i.t.Kind != schema.KindList {
			return is
		}
		if i.t.Elem == nil || want.Elem == nil {
			return ""
		}
		if len(i.elems) > 0 {
			for n, el := range i.elems {
				if why := e.mismatch(el, *want.Elem, join2(at, fmt.Sprintf("element %d", n))); why != "" {
					return why
				}
			}
			return ""
		}
		return e.mismatch(of(*i.t.Elem), *want.Elem, join2(at, "an element"))
	case schema.KindMap:
		switch i.t.Kind {
		case schema.KindMap:
			if i.t.Elem == nil || want.Elem == nil {
				return ""
			}
			return e.mismatch(of(*i.t.Elem), *want.Elem, join2(at, "a value"))
		case schema.KindObject:
			if want.Elem == nil {
				return ""
			}
			for _, f := range i.t.Object.Fields() {
				if why := e.mismatch(of(f.Type), *want.Elem, join2(at, fmt.Sprintf("%q", f.Name))); why != "" {
					return why
				}
			}
			return ""
		}
		return is
	case schema.KindObject:
		return e.objectMismatch(i, want, at, is)
	}
	return is
}

func (e env) objectMismatch(i info, want schema.Type, at, is string) string {
	if i.t.Kind == schema.KindMap && want.Object != nil && want.Object.Open && len(want.Object.Fields()) == 0 {
		return ""
	}
	if i.t.Kind != schema.KindObject || i.t.Object == nil || want.Object == nil {
		if i.t.Kind == schema.KindObject {
			return ""
		}
		return is
	}
	if i.t.Object == want.Object {
		return ""
	}
	for _, f := range i.t.Object.Fields() {
		if want.Object.Field(f.Name) == nil && !want.Object.Open {
			return fmt.Sprintf("%s, which has a %q that does not belong there", is, f.Name)
		}
	}
	for _, group := range want.Object.OneOf {
		var has []string
		null := false
		for _, name := range group {
			if f := i.t.Object.Field(name); f != nil {
				has, null = append(has, name), null || f.MayBeNull()
			}
		}
		if len(has) != 1 || null {
			return fmt.Sprintf("%s, which need not have exactly one of %s", is, quoteList(group))
		}
	}
	for _, f := range want.Object.Fields() {
		has := i.t.Object.Field(f.Name)
		switch {
		case has == nil && f.Required && f.Default == "":
			return fmt.Sprintf("%s, which has no %q", is, f.Name)
		case has == nil:
		case has.MayBeNull() && needed(&f):
			return fmt.Sprintf("%s, whose %q may be null", is, f.Name)
		case strings.Count(at, "\"") < 16: // objects may hold each other in circles
			if why := e.mismatch(of(has.Type), f.Type, join2(at, fmt.Sprintf("%q", f.Name))); why != "" {
				return why
			}
		}
	}
	return ""
}

func join2(outer, inner string) string {
	if outer == "" {
		return inner
	}
	return inner + " of " + outer
}

// assignObject checks an object that is written out against the fields it should have.
func (e env) assignObject(x *hclsyntax.ObjectConsExpr, w target) info {
	given := map[string]bool{}
	dynamic := false
	var all info
	for _, item := range x.Items {
		key, ok := e.objectKey(item)
		if !ok {
			dynamic = true
			all.take(e.assignKey(item, w))
			all.take(e.traced(e.infer(item.ValueExpr)))
			continue
		}
		f := w.t.Object.Field(key)
		if f == nil {
			if w.t.Object.Open {
				all.take(e.traced(e.assign(item.ValueExpr, target{t: anyType, name: fmt.Sprintf("%q", key), secret: w.secret})))
			} else {
				e.unknown(diag.UnknownInput, item.KeyExpr.Range(), key, w.t.Object.Names(), "%s takes no %q.", w.name, key)
				e.infer(item.ValueExpr)
			}
			continue
		}
		inner := memberTarget(w.t.Object, f)
		inner.secret = inner.secret || w.secret
		i := e.assign(item.ValueExpr, inner)
		all.take(e.traced(i))
		given[key] = !i.isNull
	}
	if !dynamic {
		e.complete(w.t.Object, given, x.OpenRange, w.name)
	}
	return info{t: w.t, personal: all.personal}
}

// complete checks that what must be given is given.
func (e env) complete(o *schema.Object, given map[string]bool, rng hcl.Range, name string) {
	grouped := map[string]bool{}
	for _, group := range o.OneOf {
		var has []string
		for _, n := range group {
			grouped[n] = true
			if _, written := given[n]; written {
				has = append(has, n)
			}
		}
		switch {
		case len(has) == 0:
			e.report(diag.OneOf, rng, "%s needs exactly one of %s; none is given.", name, quoteList(group))
		case len(has) > 1:
			e.report(diag.OneOf, rng, "%s needs exactly one of %s; %s are given.", name, quoteList(group), quoteList(has))
		}
	}
	var missing []string
	for _, f := range o.Fields() {
		if _, written := given[f.Name]; f.Required && !written && !grouped[f.Name] && f.Default == "" {
			missing = append(missing, f.Name)
		}
	}
	if len(missing) == 0 {
		return
	}
	verb := "is"
	if len(missing) > 1 {
		verb = "are"
	}
	doc := ""
	if f := o.Field(missing[0]); len(missing) == 1 && f.Doc != "" {
		doc = fmt.Sprintf(" It is %s: %s.", article(f.Type.String()), strings.TrimSuffix(f.Doc, "."))
	}
	e.report(diag.MissingInput, rng, "%s %s needed by %s and not given.%s", quoteList(missing), verb, name, doc)
}

// assignItems checks an object that is written out where any keys may stand.
func (e env) assignItems(x *hclsyntax.ObjectConsExpr, w target, elem schema.Type) info {
	var all info
	for _, item := range x.Items {
		key, ok := e.objectKey(item)
		name := "a value of " + w.name
		if ok {
			name = fmt.Sprintf("%q", key)
		} else {
			all.take(e.assignKey(item, w))
		}
		i := e.assign(item.ValueExpr, target{t: elem, name: name, secret: w.secret}) // null is left out
		all.take(e.traced(i))
	}
	return e.writtenOut(x, w, all)
}

// assignKey checks a key that is computed, which is shown wherever the object is.
func (e env) assignKey(item hclsyntax.ObjectConsItem, w target) info {
	key := e.keyInfo(item)
	if key.secret {
		e.leak(item.KeyExpr.Range(), w)
	}
	return info{personal: key.personal}
}

// writtenOut is the value of an object or a list that has been checked part by part.
func (e env) writtenOut(x hclsyntax.Expression, w target, all info) info {
	if all.bad {
		return mistake()
	}
	if w.t.Kind == schema.KindAny {
		out := e.silent().infer(x)
		out.taint(all)
		return out
	}
	return info{t: w.t, personal: all.personal}
}

func (e env) assignElements(x *hclsyntax.TupleConsExpr, w target) info {
	elem := anyType
	if w.t.Elem != nil {
		elem = *w.t.Elem
	}
	var all info
	for _, ex := range x.Exprs {
		i := e.assign(ex, target{t: elem, name: "an element of " + w.name, required: elem.Kind != schema.KindAny, secret: w.secret})
		all.take(e.traced(i))
	}
	return e.writtenOut(x, w, all)
}

// assignArgs checks the arguments of a block against an object of fields. It returns the names of those whose values
// tell of a person.
func (e env) assignArgs(o *schema.Object, args []argument, header hcl.Range, owner string) (personal []string) {
	given := map[string]bool{}
	for _, a := range args {
		f := o.Field(a.Name)
		if f == nil {
			if o.Open {
				if i := e.assign(a.Expr, target{t: anyType, name: fmt.Sprintf("%q", a.Name)}); e.tellsOfPerson(i) {
					personal = append(personal, a.Name)
				}
				continue
			}
			names := o.Names()
			list := ""
			if len(names) <= 12 && len(names) > 0 {
				list = " It takes " + quoteList(names) + "."
			}
			e.unknown(diag.UnknownInput, a.NameRange, a.Name, names, "%s takes no %q.%s", owner, a.Name, list)
			e.infer(a.Expr)
			continue
		}
		i := e.assign(a.Expr, memberTarget(o, f))
		given[a.Name] = !i.isNull
		if e.tellsOfPerson(i) {
			personal = append(personal, a.Name)
		}
	}
	e.complete(o, given, header, owner)
	return personal
}
