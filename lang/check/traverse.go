package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
)

// roots are the names that expressions begin with.
var roots = []string{"action", "event", "local", "previous", "run", "trigger", "var", "wait"}

var runObject = schema.NewObject("run",
	schema.Field{Name: "id", Type: stringType, Required: true},
	schema.Field{Name: "recipe", Type: stringType, Required: true},
	schema.Field{Name: "started_at", Type: stringType, Required: true},
	schema.Field{Name: "url", Type: schema.Type{Kind: schema.KindString, Format: schema.URL}, Required: true, Nullable: true},
)

// eventObject returns the shape of the envelope; types may be nil.
func eventObject(types []string) *schema.Object {
	return schema.NewObject("event",
		schema.Field{Name: "id", Type: stringType, Required: true},
		schema.Field{Name: "type", Type: schema.EnumOf(types...), Required: true},
		schema.Field{Name: "time", Type: stringType, Required: true},
		schema.Field{Name: "received_at", Type: stringType, Required: true},
		schema.Field{Name: "connection", Type: stringType, Required: true},
		schema.Field{Name: "account", Type: stringType, Required: true, Nullable: true},
		schema.Field{Name: "livemode", Type: boolType, Required: true},
		schema.Field{Name: "api_version", Type: stringType, Required: true, Nullable: true},
		schema.Field{Name: "changed", Type: stringType.ListOf(), Required: true},
		schema.Field{Name: "replayed", Type: boolType, Required: true},
		schema.Field{Name: "caused_by", Required: true, Nullable: true, Type: schema.ObjectType(schema.NewObject("cause",
			schema.Field{Name: "recipe", Type: stringType, Required: true}, schema.Field{Name: "run", Type: stringType, Required: true}))},
	)
}

func (e env) inferTraversal(x *hclsyntax.ScopeTraversalExpr) info {
	t := x.Traversal
	name := t.RootName()
	rootRange := t[0].SourceRange()
	if lv, ok := e.loop[name]; ok {
		return e.follow(x, lv.info, lv.id, true, rootRange, t[1:])
	}
	if e.sc.variant == nil && slices.Contains(roots, name) && name != "var" && (name != "local" || e.world) {
		if e.world {
			return e.report(diag.UnknownName, rootRange, "%q can't be read here: only variables and functions are in reach.", name)
		}
		if name != "local" {
			return of(anyType) // of a local of the project that no recipe uses
		}
	}
	switch name {
	case "trigger", "previous":
		if e.sc.shared {
			return e.report(diag.UnknownName, rootRange, "%q is not in reach in the on_error of flowrun.hcl, which serves recipes with all kinds of triggers; event, run and error are.", name)
		}
	}
	switch name {
	case "trigger":
		base := of(schema.ObjectType(e.sc.variant.Payload))
		if e.sc.variant.Payload == nil {
			return mistake()
		}
		return e.follow(x, base, name, true, rootRange, t[1:])
	case "previous":
		if e.sc.prev == nil {
			return e.report(diag.UnknownName, rootRange, "previous is there for triggers of updates only; %s has none.", e.sc.variant.Name)
		}
		return e.follow(x, of(schema.ObjectType(e.sc.prev)), name, true, rootRange, t[1:])
	case "event":
		return e.follow(x, of(schema.ObjectType(e.sc.event)), name, true, rootRange, t[1:])
	case "run":
		return e.follow(x, of(schema.ObjectType(runObject)), name, true, rootRange, t[1:])
	case "action", "local", "var", "wait":
		return e.inferNamed(x, name)
	case "each", "error", "incoming":
		return e.inferFlow(x, name)
	case "alert":
		return e.report(diag.UnknownName, rootRange, "alert is in reach in on_alert only.")
	}
	return e.unknownRoot(name, rootRange)
}

func (e env) unknownRoot(name string, rng hcl.Range) info {
	if e.sc.variant != nil {
		var better string
		switch {
		case e.sc.locals[name] != nil:
			better = "local." + name
		case e.sc.vars[name] != nil:
			better = "var." + name
		case e.sc.steps[name] != nil:
			better = "action." + name
		case e.sc.variant.Payload != nil && e.sc.variant.Payload.Field(name) != nil:
			better = "trigger." + name
		}
		if better != "" {
			return e.reportFix(diag.UnknownName, rng, better, "there is no %q in reach. Did you mean %q?", name, better)
		}
	}
	candidates := slices.Clone(roots)
	if e.sc.variant == nil {
		candidates = []string{"var"}
	}
	for n := range e.loop {
		candidates = append(candidates, n)
	}
	slices.Sort(candidates)
	return e.unknown(diag.UnknownName, rng, name, candidates, "there is no %q in reach. Text stands in quotes; names begin with %s.",
		name, strings.Join(candidates, ", "))
}

// inferNamed reads action.NAME, local.NAME or var.NAME.
func (e env) inferNamed(x *hclsyntax.ScopeTraversalExpr, root string) info {
	t := x.Traversal
	if len(t) < 2 {
		return e.report(diag.UnknownName, x.SrcRange, "%q is not a value by itself; write %s.NAME.", root, root)
	}
	attr, ok := t[1].(hcl.TraverseAttr)
	if !ok {
		return e.report(diag.UnknownName, t[1].SourceRange(), "write %s.NAME.", root)
	}
	head := hcl.RangeBetween(t[0].SourceRange(), attr.SrcRange)
	name := attr.Name
	switch root {
	case "local":
		l := e.sc.locals[name]
		if l == nil {
			if e.sc.incomplete {
				return mistake()
			}
			return e.unknown(diag.UnknownName, nameRange(attr), name, keys(e.sc.locals), "there is no local %q.", name)
		}
		path, known := e.pathOf(&hclsyntax.ScopeTraversalExpr{Traversal: t[:2], SrcRange: head})
		return e.follow(x, e.inferLocal(l), path, known, head, t[2:])
	case "var":
		v := e.sc.vars[name]
		if v == nil {
			if e.sc.incomplete {
				return mistake()
			}
			return e.unknown(diag.UnknownName, nameRange(attr), name, keys(e.sc.vars), "there is no variable %q.", name)
		}
		return e.follow(x, e.sc.varInfo[v], "var."+name, true, head, t[2:])
	}
	if root == "wait" {
		s := e.sc.waits[name]
		if s == nil {
			return e.unknown(diag.UnknownName, nameRange(attr), name, keys(e.sc.waits), "there is no wait %q in this recipe.", name)
		}
		return e.inferStep(x, s, head)
	}
	s := e.sc.steps[name]
	if s == nil {
		return e.unknownStep(name, nameRange(attr))
	}
	return e.inferStep(x, s, head)
}

func (e env) unknownStep(name string, rng hcl.Range) info {
	for _, n := range keys(e.sc.steps) {
		if s := e.sc.steps[n]; s.node.Action != nil && s.node.Action.Name == name {
			return e.reportFix(diag.UnknownName, rng, n, "there is no step %q: the step of that type is named %q. Did you mean %q?", name, n, n)
		}
	}
	return e.unknown(diag.UnknownName, rng, name, keys(e.sc.steps), "there is no step %q in this recipe.", name)
}

// inferLocal returns what a local is where what has been proved holds.
func (e env) inferLocal(l *local) info {
	if l.broken || e.sc.busy[l] {
		return mistake()
	}
	key := memoKey{local: l, facts: e.facts.key(), quiet: e.quiet, mute: e.mute, in: e.in}
	if i, ok := e.sc.memo[key]; ok {
		return i
	}
	e.sc.busy[l] = true
	i := e.plain().infer(l.Expr)
	delete(e.sc.busy, l)
	e.sc.memo[key] = i
	return i
}

// follow goes down from a value by attributes and indices. base is the range of what has been read so far, path its
// place where known says that it has one.
func (e env) follow(x hclsyntax.Expression, cur info, path string, known bool, base hcl.Range, rest hcl.Traversal) info {
	cur = e.narrowed(cur, path, known)
	for _, step := range rest {
		if cur.bad {
			return mistake()
		}
		rng := step.SourceRange()
		var next info
		switch step := step.(type) {
		case hcl.TraverseAttr:
			next = e.attribute(x, cur, step.Name, base, nameRange(step))
		case hcl.TraverseIndex:
			next = e.element(x, cur, infoOf(step.Key), path, known, base, rng)
		default:
			return e.report(diag.BadCall, rng, "this kind of expression is not part of the language.")
		}
		if known {
			path, known = extend(path, hcl.Traversal{step})
		}
		base = hcl.RangeBetween(base, rng)
		cur = e.narrowed(next, path, known)
	}
	return cur
}

// narrowed applies what has been proved of the place.
func (e env) narrowed(i info, path string, known bool) info {
	if known && i.null && !i.isNull && e.facts.nonNull[path] {
		i.null = false
	}
	return i
}

// attribute reads a named part of a value.
func (e env) attribute(x hclsyntax.Expression, cur info, name string, base, rng hcl.Range) info {
	if cur.isNull {
		return e.report(diag.MayBeNull, base, "%s is null, which has no attribute %q.", e.source(base), name)
	}
	if cur.null && !e.quiet {
		src, why := e.source(base), ""
		if cur.why != "" {
			why = " " + cur.why
		}
		e.report(diag.MayBeNull, base, "%s may be null%s, and null has no attribute %q.\n%s, or give a value: try(%s.%s, …).",
			src, why, name, e.guard(x, src), src, name)
		return mistake()
	}
	if cur.lax() {
		return info{t: anyType, secret: cur.secret, personal: cur.personal}
	}
	switch cur.t.Kind {
	case schema.KindObject:
		f := cur.t.Object.Field(name)
		if f == nil {
			if cur.t.Object.Open {
				e.c.soft[x] = true
				return info{t: anyType, null: true, secret: cur.secret, personal: cur.personal}
			}
			return e.unknownAttribute(cur.t.Object, name, base, rng)
		}
		return e.fieldInfo(f, cur)
	case schema.KindMap:
		e.c.soft[x] = true
		i := info{t: anyType, null: true, secret: cur.secret, personal: cur.personal, why: fmt.Sprintf("where the map has no %q", name)}
		i.emerge(cur.inner)
		if cur.t.Elem != nil {
			i.t = *cur.t.Elem
		}
		return i
	case schema.KindList:
		return e.report(diag.UnknownAttribute, rng, "%s is a list, which has no attribute %q. Take an element, %s[0].%s, or one from each: %s[*].%s.",
			e.source(base), name, e.source(base), name, e.source(base), name)
	}
	return e.report(diag.UnknownAttribute, rng, "%s is %s, which has no attributes.", e.source(base), article(cur.t.String()))
}

func (e env) fieldInfo(f *schema.Field, in info) info {
	i := info{t: f.Type, null: f.MayBeNull(), secret: f.Secret || in.secret, personal: f.Role.Personal() || in.personal}
	i.emerge(in.inner)
	if i.null && e.sc != nil && e.sc.variant != nil && e.sc.variant.Name != "" {
		i.why = "on " + e.sc.variant.Spec.Name
	}
	if i.null && in.t.Object != nil && in.t.Object.Name == waitName {
		i.why = "when the event did not come in time"
	}
	if i.t.Kind == schema.KindObject && i.t.Object == nil {
		i.t = anyType
	}
	return i
}

func (e env) unknownAttribute(o *schema.Object, name string, base, rng hcl.Range) info {
	what := "this object"
	if o.Name != "" {
		what = article(o.Name)
	}
	pinned := ""
	if e.sc.variant != nil && e.sc.variant.Spec != nil && e.sc.variant.Spec.Service == "stripe" && strings.HasPrefix(e.source(base), "trigger") {
		pinned = " in the pinned version of Stripe's API"
	}
	names := o.Names()
	list := ""
	if len(names) > 0 && len(names) <= 12 {
		list = " It has " + quoteList(names) + "."
	} else if near := nearest(name, names); len(near) > 0 && diag.Suggest(name, names) == "" {
		list = " Similar ones: " + quoteList(near) + "."
	}
	return e.unknown(diag.UnknownAttribute, rng, name, names, "%s has no attribute %q: %s has none of that name%s.%s", e.source(base), name, what, pinned, list)
}

// nearest returns the names that contain the wanted one, or are contained in it.
func nearest(name string, names []string) []string {
	var out []string
	for _, n := range names {
		if len(name) > 2 && len(n) > 2 && (strings.Contains(n, name) || strings.Contains(name, n)) && len(out) < 5 {
			out = append(out, n)
		}
	}
	return out
}

// element reads a part of a value by a key.
func (e env) element(x hclsyntax.Expression, cur, key info, path string, known bool, base, rng hcl.Range) info {
	if cur.null && !e.quiet {
		src := e.source(base)
		return e.report(diag.MayBeNull, base, "%s may be null, and null has no elements.\nGuard it with a filter above (%s != null), or give a value: try(%s[…], …).", src, src, src)
	}
	if cur.lax() {
		return info{t: anyType, secret: cur.secret, personal: cur.personal}
	}
	secret := cur.secret || key.secret
	switch cur.t.Kind {
	case schema.KindList:
		if !key.lax() && key.t.Kind != schema.KindNumber {
			return e.report(diag.BadIndex, rng, "the elements of a list are numbered from 0; %s is %s.", e.source(rng), article(key.t.String()))
		}
		return e.listElement(x, cur, key, path, known, rng)
	case schema.KindMap:
		if !key.lax() && key.t.Kind != schema.KindString {
			return e.report(diag.BadIndex, rng, "the keys of a map are strings; this is %s.", article(key.t.String()))
		}
		e.c.soft[x] = true
		i := info{t: anyType, null: true, secret: secret, personal: cur.personal || key.personal, why: "where the map has no such key"}
		i.emerge(cur.inner)
		if cur.t.Elem != nil {
			i.t = *cur.t.Elem
		}
		return i
	case schema.KindObject:
		if name, ok := key.text(); ok {
			i := e.attribute(x, cur, name, base, rng)
			i.taint(key)
			return i
		}
		if !key.lax() && key.t.Kind != schema.KindString {
			return e.report(diag.BadIndex, rng, "the attributes of an object have names; %s is %s.", e.source(rng), article(key.t.String()))
		}
		e.c.soft[x] = true
		_, elem, _ := e.parts(cur)
		elem.null = true
		elem.taint(key)
		return elem
	}
	return e.report(diag.BadIndex, rng, "%s is %s, which has no elements.", e.source(base), article(cur.t.String()))
}

func (e env) listElement(x hclsyntax.Expression, cur, key info, path string, known bool, rng hcl.Range) info {
	_, elem, _ := e.parts(cur)
	elem.taint(key)
	n, whole := -1, false
	if key.constant() && key.val.Type() == cty.Number {
		if n, whole = wholeNumber(key.val); !whole {
			return e.report(diag.BadIndex, rng, "the elements of a list are numbered 0, 1, 2 and so on.")
		}
	}
	if whole && len(cur.elems) > 0 {
		if n >= len(cur.elems) {
			return e.report(diag.BadIndex, rng, "the list has %d elements, numbered from 0.", len(cur.elems))
		}
		return cur.elems[n]
	}
	if whole && known && e.facts.minLen[path] > n {
		return elem
	}
	e.c.soft[x] = true
	elem.null = true
	elem.why = "where the list is shorter"
	return elem
}

// nameRange is the range of an attribute's name, without the dot.
func nameRange(step hcl.TraverseAttr) hcl.Range {
	rng := step.SrcRange
	if rng.End.Byte-rng.Start.Byte == len(step.Name)+1 {
		rng.Start.Byte++
		rng.Start.Column++
	}
	return rng
}

func nameRangeOf(step hcl.Traverser) hcl.Range {
	if attr, ok := step.(hcl.TraverseAttr); ok {
		return nameRange(attr)
	}
	return step.SourceRange()
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
