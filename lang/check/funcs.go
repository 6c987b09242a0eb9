package check

import (
	"fmt"
	"slices"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
)

// rule says what a function returns whose result depends on its arguments' shapes more finely than cty can say: enums,
// nulls and objects pass through them.
type rule func(e env, c *call) info

func special(name string) rule {
	switch name {
	case "coalesce":
		return ruleCoalesce
	case "merge":
		return ruleMerge
	case "lookup":
		return ruleLookup
	case "element", "one":
		return ruleElement
	case "concat":
		return ruleConcat
	case "flatten":
		return ruleFlatten
	case "keys":
		return ruleKeys
	case "values":
		return ruleValues
	case "reverse", "slice", "distinct", "tolist", "toset", "sort", "compact":
		return ruleSameList
	case "contains":
		return ruleContains
	case "length":
		return ruleLength
	case "tomap":
		return ruleToMap
	case "tostring", "tonumber", "tobool":
		return ruleConvert
	case "zipmap":
		return ruleZipmap
	case "jsondecode":
		return ruleJSONDecode
	case "jsonencode":
		return ruleJSONEncode
	case "index":
		return ruleIndex
	case "csvdecode":
		return ruleCSVDecode
	case "format", "formatlist":
		return ruleFormat
	}
	return nil
}

func convertTo(v cty.Value, t cty.Type) (cty.Value, error) { return convert.Convert(v, t) }

func ruleCoalesce(e env, c *call) info {
	out := c.arg(0)
	for n := 1; n < len(c.args); n++ {
		a := c.args[n]
		t := a.t
		switch {
		case a.isNull:
			t = out.t
		case out.isNull:
		default:
			var ok bool
			if t, ok = unify(out.t, a.t); !ok {
				return e.report(diag.WrongType, c.argExpr(n).Range(), "all arguments of coalesce must be of one type; %s is %s, those before it %s.",
					e.source(c.argExpr(n).Range()), article(a.t.String()), article(out.t.String()))
			}
		}
		null := out.null && a.null
		out = merged(out, a, t)
		out.null = null
	}
	out.val = cty.NilVal
	if !e.quiet && !slices.ContainsFunc(c.args, func(a info) bool { return !a.null && !a.empty() }) {
		if last := len(c.args) - 1; c.args[last].empty() {
			return e.report(diag.MayBeNull, c.argExpr(last).Range(),
				"coalesce passes over empty text as over null, so nothing may be left here. End with text that is not empty, or write x != null ? x : \"\".")
		}
	}
	if out.null && !e.quiet {
		last := len(c.args) - 1
		return e.report(diag.MayBeNull, c.argExpr(last).Range(),
			"coalesce needs an argument that is not null; %s is %s, and so are those before it.\nAdd one that can't be, such as a text.",
			e.source(c.argExpr(last).Range()), withWhy(c.args[last]))
	}
	out.null, out.isNull, out.why = false, false, ""
	if len(c.args) > 1 {
		out.elems = nil
	}
	return out
}

// wantCollection checks the n-th argument.
func (e env) wantCollection(c *call, n int, what string, kinds ...schema.Kind) bool {
	i := c.arg(n)
	x := c.argExpr(n)
	if i.null {
		e.null(x, i, fmt.Sprintf("%s needs %s", c.x.Name, what))
		return e.quiet
	}
	if i.lax() || slices.Contains(kinds, i.t.Kind) {
		return true
	}
	e.report(diag.WrongType, x.Range(), "%s needs %s; %s is %s.", c.x.Name, what, e.source(x.Range()), article(i.t.String()))
	return false
}

func ruleMerge(e env, c *call) info {
	var fields []schema.Field
	index := map[string]int{}
	maps, open, null := false, false, false
	elem := schema.Type{}
	for n, a := range c.args {
		if a.null {
			a.null = false // merge leaves null out
			open = open || !a.isNull
		}
		if a.isNull {
			continue
		}
		if a.lax() {
			open = true
			continue
		}
		switch a.t.Kind {
		case schema.KindMap:
			maps, null = true, null || a.elemNull
			if a.t.Elem != nil {
				elem = joinOrFirst(elem, *a.t.Elem)
			}
		case schema.KindObject:
			for _, f := range a.t.Object.Fields() {
				elem, null = joinOrFirst(elem, f.Type), null || f.MayBeNull()
				if at, ok := index[f.Name]; ok {
					fields[at] = f
					continue
				}
				index[f.Name] = len(fields)
				fields = append(fields, f)
			}
		default:
			return e.report(diag.WrongType, c.argExpr(n).Range(), "merge needs objects or maps; %s is %s.",
				e.source(c.argExpr(n).Range()), article(a.t.String()))
		}
	}
	switch {
	case open:
		return c.out(anyType)
	case maps:
		out := c.out(elem.MapOf())
		out.elemNull = null
		return out
	}
	return c.out(schema.ObjectType(schema.NewObject("", fields...)))
}

func joinOrFirst(a, b schema.Type) schema.Type {
	if a.Kind == 0 {
		return b
	}
	return join(a, b)
}

func ruleLookup(e env, c *call) info {
	if !e.wantCollection(c, 0, "a map or an object", schema.KindMap, schema.KindObject) {
		return mistake()
	}
	if c.arg(1).null {
		e.null(c.argExpr(1), c.arg(1), "lookup needs a key")
	}
	coll := c.arg(0)
	if !c.x.ExpandFinal {
		e.lookedUp(c.x.Args[0], c.x.Args[1], c.arg(1))
	}
	if e.missingKey(c, coll) {
		return mistake()
	}
	out := of(anyType)
	switch coll.t.Kind {
	case schema.KindMap:
		if coll.t.Elem != nil {
			out.t = *coll.t.Elem
		}
		out.null = coll.elemNull
		out.emerge(coll.inner)
	case schema.KindObject:
		name, named := c.arg(1).text()
		switch f := coll.t.Object.Field(name); {
		case coll.lax() || coll.t.Object.Open:
		case named && f != nil:
			out = e.fieldInfo(f, coll)
			out.taint(c.out(anyType))
			return out
		case named && len(c.args) > 2:
			out = c.arg(2)
			out.val = cty.NilVal
			out.taint(c.out(anyType))
			return out
		default:
			t, ok := mapOf(coll.t.Object)
			if !ok {
				return e.report(diag.WrongType, c.argExpr(0).Range(), "lookup by a key that is not written out needs values of one type; those of %s are not.", e.source(c.argExpr(0).Range()))
			}
			if t.Elem != nil {
				out.t = *t.Elem
			}
			_, elem, _ := e.parts(coll)
			out.null, out.elemNull, out.inner = elem.null, elem.elemNull, elem.inner
		}
	}
	if len(c.args) > 2 {
		d := c.arg(2)
		if !d.isNull {
			if t, ok := unify(out.t, d.t); ok {
				out.t = t
			} else {
				return e.report(diag.WrongType, c.argExpr(2).Range(), "the default of lookup must be of the elements' type; they are %s, it is %s.",
					out.t.String(), article(d.t.String()))
			}
		}
		out.null, out.elemNull, out.inner = out.null || d.null, out.elemNull || d.elemNull, out.inner|d.inner
	}
	out.taint(c.out(anyType))
	return out
}

func ruleElement(e env, c *call) info {
	if !e.wantCollection(c, 0, "a list", schema.KindList) {
		return mistake()
	}
	if c.x.Name == "element" && !e.checkArg(c, 1) {
		return mistake()
	}
	_, out, _ := e.parts(c.arg(0))
	out.taint(c.out(anyType))
	if c.x.Name == "one" {
		out.null = true
		out.why = "where the list is empty"
		return out
	}
	path, ok := e.pathOf(c.x.Args[0])
	if len(c.arg(0).elems) == 0 && !(ok && e.facts.minLen[path] > 0) && !e.quiet {
		src := e.source(c.x.Args[0].Range())
		return e.report(diag.BadIndex, c.x.Args[0].Range(), "element fails where the list is empty. Guard it (length(%s) > 0), or write %s[0], which is null then.", src, src)
	}
	return out
}

func ruleConcat(e env, c *call) info {
	elem := schema.Type{}
	null := false
	for n, a := range c.args {
		if !e.wantCollection(c, n, "lists", schema.KindList) {
			return mistake()
		}
		null = null || a.elemNull
		switch {
		case a.t.Kind == schema.KindList && a.t.Elem == nil && a.constant(): // []
		case a.lax() || a.t.Elem == nil:
			elem = anyType
		default:
			elem = joinOrFirst(elem, *a.t.Elem)
		}
	}
	if elem.Kind == 0 {
		elem = anyType
	}
	out := c.out(elem.ListOf())
	out.elemNull = null
	return out
}

func ruleFlatten(e env, c *call) info {
	if !e.wantCollection(c, 0, "a list", schema.KindList) {
		return mistake()
	}
	leaf := leaves(c.arg(0), schema.Type{})
	if leaf.Kind == 0 {
		leaf = anyType
	}
	out := c.out(leaf.ListOf())
	out.elemNull = c.arg(0).within() != 0
	return out
}

// leaves joins a type with those of what is in a list and in lists within it.
func leaves(i info, t schema.Type) schema.Type {
	switch {
	case i.t.Kind != schema.KindList || i.isNull:
		return joinOrFirst(t, i.t)
	case len(i.elems) > 0:
		for _, elem := range i.elems {
			t = leaves(elem, t)
		}
		return t
	case i.t.Elem == nil && i.constant(): // []
		return t
	case i.t.Elem == nil:
		return anyType
	}
	return leaves(of(*i.t.Elem), t)
}

func ruleKeys(e env, c *call) info {
	if !e.wantCollection(c, 0, "a map or an object", schema.KindMap, schema.KindObject) {
		return mistake()
	}
	return c.out(stringType.ListOf())
}

func ruleValues(e env, c *call) info {
	if !e.wantCollection(c, 0, "a map or an object", schema.KindMap, schema.KindObject) {
		return mistake()
	}
	_, elem, _ := e.parts(c.arg(0))
	out := c.out(elem.t.ListOf())
	out.elemNull = elem.null
	return out
}

func ruleSameList(e env, c *call) info {
	if !e.wantCollection(c, 0, "a list", schema.KindList) {
		return mistake()
	}
	for n := 1; n < len(c.args); n++ {
		if !e.checkArg(c, n) {
			return mistake()
		}
	}
	in := c.arg(0)
	t := in.t
	if in.lax() || t.Elem == nil {
		t = anyType.ListOf()
	}
	out := c.out(t)
	out.elemNull = in.elemNull && c.x.Name != "compact"
	if (c.x.Name == "sort" || c.x.Name == "compact") && t.Elem.Kind != schema.KindAny {
		if !primitive(t.Elem.Kind) {
			return e.report(diag.WrongType, c.x.Args[0].Range(), "%s needs a list of string; this is %s.", c.x.Name, article(t.String()))
		}
		if c.x.Name == "sort" && in.elemNull && !e.quiet {
			return e.report(diag.MayBeNull, c.x.Args[0].Range(), "sort can't order null, and elements may be null. Leave them out with compact(…).")
		}
		if t.Elem.Kind != schema.KindString {
			out.t = stringType.ListOf()
		}
	}
	return out
}

func ruleContains(e env, c *call) info {
	if !e.wantCollection(c, 0, "a list", schema.KindList) {
		return mistake()
	}
	list, v := c.arg(0), c.arg(1)
	if v.null && !c.param(1).AllowNull {
		e.null(c.argExpr(1), v, "contains needs a value to look for")
		if !e.quiet {
			return mistake()
		}
	}
	out := c.out(boolType)
	if list.lax() || v.lax() || list.t.Elem == nil {
		return out
	}
	elem := *list.t.Elem
	if elem.Kind != schema.KindAny && elem.Format != mixed && v.t.Format != mixed && shapeOf(elem.Kind) != shapeOf(v.t.Kind) && !(len(list.elems) == 0 && list.val != cty.NilVal) {
		return e.report(diag.NeverEqual, c.x.Range(), "%s is %s, and the list holds %s: values of different types are never equal, so this is always false.",
			e.source(c.argExpr(1).Range()), article(v.t.String()), elem.String())
	}
	e.compareEnum(c.argExpr(1), of(elem), v)
	e.compareFormat(c.argExpr(1), of(elem), v)
	e.compareElements(c, list, v)
	return out
}

// compareElements checks constants in a list that is written out against what is looked for in it.
func (e env) compareElements(c *call, list, v info) {
	if tuple := tupleOf(c.x.Args[0]); tuple != nil && len(tuple.Exprs) == len(list.elems) {
		for n, el := range list.elems {
			e.compareEnum(tuple.Exprs[n], v, el)
			e.compareFormat(tuple.Exprs[n], v, el)
		}
	}
}

func ruleLength(e env, c *call) info {
	if !e.wantCollection(c, 0, "a list, a map or a string", schema.KindList, schema.KindMap, schema.KindObject, schema.KindString) {
		return mistake()
	}
	return c.out(numberType)
}

func ruleToMap(e env, c *call) info {
	if !e.wantCollection(c, 0, "an object or a map", schema.KindMap, schema.KindObject) {
		return mistake()
	}
	in := c.arg(0)
	if in.lax() {
		return c.out(anyType.MapOf())
	}
	out := c.out(in.t)
	out.elemNull = in.elemNull
	if in.t.Kind == schema.KindMap {
		return out
	}
	t, ok := mapOf(in.t.Object)
	if !ok {
		return e.report(diag.WrongType, c.x.Args[0].Range(), "the values of a map must be of one type; those of %s are not.", e.source(c.x.Args[0].Range()))
	}
	_, elem, _ := e.parts(in)
	out.t, out.elemNull = t, elem.null
	return out
}

func ruleConvert(e env, c *call) info {
	in := c.arg(0)
	x := c.x.Args[0]
	t := map[string]schema.Type{"tostring": stringType, "tonumber": numberType, "tobool": boolType}[c.x.Name]
	out := c.out(t)
	out.null, out.isNull, out.why = in.null, in.isNull, in.why
	if in.lax() {
		return out
	}
	possible := primitive(in.t.Kind) && (in.t.Kind == t.Kind || in.t.Kind == schema.KindString || t.Kind == schema.KindString)
	if s, ok := in.text(); ok && possible {
		possible = t.Kind == schema.KindString || t.Kind == schema.KindNumber && parsesAsNumber(s) || t.Kind == schema.KindBool && (s == "true" || s == "false")
	}
	if !possible {
		if e.quiet {
			return out
		}
		return e.report(diag.WrongType, x.Range(), "%s is %s, which can't become a %s.", e.source(x.Range()), article(in.t.String()), t.String())
	}
	if in.constant() {
		if v, err := convertTo(in.val, ctyOf(t)); err == nil {
			out.val = v
		}
	}
	if in.t.Kind == t.Kind {
		out.t = in.t
	}
	return out
}

func ruleZipmap(e env, c *call) info {
	if !e.wantCollection(c, 0, "a list of keys", schema.KindList) || !e.wantCollection(c, 1, "a list of values", schema.KindList) {
		return mistake()
	}
	_, elem, _ := e.parts(c.arg(1))
	out := c.out(elem.t.MapOf())
	out.elemNull = elem.null
	return out
}

func ruleJSONDecode(e env, c *call) info {
	if !e.checkArg(c, 0) {
		return mistake()
	}
	if s, ok := c.arg(0).text(); ok && wrongFormat(s, schema.Type{Format: schema.JSON}) != "" && !e.quiet {
		return e.report(diag.BadLiteral, c.x.Args[0].Range(), "this is not valid JSON.")
	}
	if v, ok := c.onConstants(); ok {
		out := c.out(anyType)
		decoded := decodedInfo(v)
		out.t, out.null, out.isNull, out.elems, out.elemNull, out.inner, out.val = decoded.t, decoded.null, decoded.isNull, decoded.elems, decoded.elemNull, decoded.inner, v
		return out
	}
	return c.out(anyType)
}

func ruleJSONEncode(_ env, c *call) info {
	return c.out(schema.Type{Kind: schema.KindString, Format: schema.JSON})
}

func ruleIndex(e env, c *call) info {
	if !e.wantCollection(c, 0, "a list", schema.KindList) {
		return mistake()
	}
	if c.arg(1).null {
		e.null(c.argExpr(1), c.arg(1), "index needs a value to look for")
	}
	if v := c.arg(1); !v.lax() {
		e.compareElements(c, c.arg(0), v)
	}
	return c.out(numberType)
}
