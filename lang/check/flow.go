package check

// The types of what waits, decides and repeats: wait, switch, for_each, and of the names that belong to them.

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// errorObject is the shape of `error`.
func errorObject() *schema.Object {
	return schema.NewObject("error",
		schema.Field{Name: "step", Type: stringType, Required: true},
		schema.Field{Name: "message", Type: stringType, Required: true},
		schema.Field{Name: "kind", Type: schema.EnumOf(kinds...), Required: true},
		schema.Field{Name: "status", Type: numberType, Required: true, Nullable: true},
		schema.Field{Name: "attempts", Type: numberType, Required: true},
	)
}

// element is what each.key and each.value are.
type element struct{ key, value info }

// inferFlow reads a name that only some places have: each, error, incoming.
func (e env) inferFlow(x *hclsyntax.ScopeTraversalExpr, name string) info {
	t := x.Traversal
	root := t[0].SourceRange()
	switch {
	case name == "error" && e.in != nil && e.in.onError && !e.local:
		return e.follow(x, of(schema.ObjectType(e.sc.failure)), name, true, root, t[1:])
	case name == "error":
		return e.report(diag.UnknownName, root, "error is in reach in the steps of on_error only, and not in locals.")
	case name == "incoming" && e.incoming != nil:
		if e.incoming.shape == nil {
			return mistake()
		}
		return e.follow(x, of(schema.ObjectType(e.incoming.arriving())), name, true, root, t[1:])
	case name == "incoming":
		return e.report(diag.UnknownName, root, "incoming is in reach in the match of a wait only: it is the event that might be the one.")
	case e.each == nil:
		return e.report(diag.UnknownName, root, "each is in reach in a step with for_each only, and not in locals.")
	}
	if len(t) < 2 {
		return e.report(diag.UnknownName, x.SrcRange, "\"each\" is not a value by itself; write each.key or each.value.")
	}
	attr, ok := t[1].(hcl.TraverseAttr)
	if !ok {
		return e.report(diag.UnknownName, t[1].SourceRange(), "write each.key or each.value.")
	}
	head := hcl.RangeBetween(root, attr.SrcRange)
	switch attr.Name {
	case "key":
		return e.follow(x, e.each.key, "each.key", true, head, t[2:])
	case "value":
		return e.follow(x, e.each.value, "each.value", true, head, t[2:])
	}
	return e.unknown(diag.UnknownAttribute, nameRange(attr), attr.Name, []string{"key", "value"}, "each has no attribute %q; it has key and value.", attr.Name)
}

// arriving is the shape of `incoming`.
func (n *nodeSrc) arriving() *schema.Object {
	fields := slices.Clone(n.shape.Fields()[1:])
	for i := range fields {
		fields[i].Nullable = false
	}
	return schema.NewObject("incoming", fields...)
}

// inferStep reads action.NAME or wait.NAME.
func (e env) inferStep(x *hclsyntax.ScopeTraversalExpr, s *step, head hcl.Range) info {
	t := x.Traversal
	possible, missing := s.reach(e.in)
	if s.broken || !possible || e.deciding != nil && s.from.in.inCaseOf(e.deciding) {
		return mistake() // which is reported elsewhere
	}
	path := "wait." + s.node.Name
	var i info
	if s.node.Kind == Wait {
		i = of(schema.ObjectType(s.from.shape))
	} else {
		path = "action." + s.node.Name
		i = e.answer(s)
		if i.isNull && len(t) > 2 {
			return e.report(diag.UnknownAttribute, nameRangeOf(t[2]), "%s answers nothing, so action.%s has no attributes.", s.node.Action.Name, s.node.Name)
		}
	}
	if missing != "" {
		i.null, i.why = true, missing
	}
	return e.follow(x, i, path, true, head, t[2:])
}

// answer is what an action answers, to a step that is sure to see it.
func (e env) answer(s *step) info {
	one := info{t: anyType, null: true, isNull: true}
	if s.node.Out != nil {
		one = info{t: schema.ObjectType(s.node.Out), null: s.null, why: s.why}
	}
	if s.from.src.ForEach == nil {
		return one
	}
	coll := e.collection(s)
	if coll.bad {
		return mistake()
	}
	out := info{t: one.t.ListOf(), elemNull: one.null}
	switch {
	case coll.lax():
		out.t = anyType
	case coll.t.Kind != schema.KindList:
		out.t, out.secret = one.t.MapOf(), coll.secret
	}
	return out
}

// collection is what a step's for_each goes through. What the conditions around that step prove is left aside: it does
// not change whether it is a list or a map.
func (e env) collection(s *step) info {
	if i, ok := e.sc.collections[s]; ok {
		return i
	}
	if e.sc.collections == nil {
		e.sc.collections = map[*step]info{}
	}
	e.sc.collections[s] = mistake() // while it is being looked at: a circle, which is reported elsewhere
	in := env{c: e.c, sc: e.sc, facts: noFacts, quiet: true, mute: true, in: s.from.in}
	i := in.infer(s.from.src.ForEach)
	e.sc.collections[s] = i
	return i
}

// forEach is the place within a step that is done for each element of x.
func (e env) forEach(x hclsyntax.Expression) env {
	coll := e.evenSo(x, e.infer(x))
	e.each = &element{key: mistake(), value: mistake()}
	if coll.bad {
		return e
	}
	if coll.null {
		e.null(x, coll, `"for_each" needs a list or a map`)
		return e
	}
	key, value, ok := e.parts(coll)
	if !ok {
		e.report(diag.WrongType, x.Range(), `"for_each" needs a list or a map; %s is %s.`, e.source(x.Range()), article(coll.t.String()))
		return e
	}
	key.taint(coll)
	e.each = &element{key: key, value: value}
	return e
}

// typesOfWait checks the expressions of a wait.
func (b *builder) typesOfWait(e env, n *nodeSrc) {
	w := n.src.Wait
	if w.Until != nil {
		e.wantTime(w.Until, e.infer(w.Until))
	}
	if w.Event == nil || w.Event.Match == nil {
		return
	}
	e.incoming = n
	if n.Wait.Event.Spec != nil {
		for _, g := range n.Wait.Event.Guards {
			if g.Proves() {
				e.facts = e.facts.and(proves("incoming.trigger." + g.Path.String()))
			}
		}
	}
	e.wantBool(w.Event.Match, e.infer(w.Event.Match), `"match"`)
}

func (e env) wantTime(x hclsyntax.Expression, i info) {
	const need = `"until" needs a time as text, such as "2026-12-24T18:00:00Z"`
	switch {
	case i.bad:
	case i.null:
		e.null(x, i, need)
	case i.lax():
	case i.t.Kind == schema.KindNumber:
		e.report(diag.WrongType, x.Range(), "%s; %s is a number. Where it counts seconds, write from_unix(%s).", need, e.source(x.Range()), e.source(x.Range()))
	case i.t.Kind != schema.KindString:
		e.report(diag.WrongType, x.Range(), "%s; %s is %s.", need, e.source(x.Range()), article(i.t.String()))
	default:
		if s, ok := i.text(); ok {
			if _, err := time.Parse(time.RFC3339, s); err != nil {
				e.report(diag.BadLiteral, x.Range(), "%s; %q is none.", need, s)
			}
		}
	}
}

// typesOfSwitch checks a switch and what stands in its cases, each under what its labels prove.
func (b *builder) typesOfSwitch(e env, n *nodeSrc, rep *reporter) {
	x := n.src.Switch.On
	deciding := e
	deciding.deciding = n
	on := deciding.infer(x)
	if !on.lax() && !primitive(on.t.Kind) {
		e.report(diag.WrongType, x.Range(), "a switch decides by a string, a number or true and false; %s is %s.", e.source(x.Range()), article(on.t.String()))
		on = mistake()
	}
	taken := map[string]hcl.Range{}
	rest := noFacts
	proved := make([]*facts, len(n.bodies))
	open := true
	for i, c := range n.src.Switch.Cases {
		proved[i] = noFacts
		if c.Default {
			open = false
			continue
		}
		values, some := make([]cty.Value, len(c.Labels)), false
		for k, l := range c.Labels {
			v, ok := e.label(x, l, on)
			values[k] = v
			if !ok {
				continue
			}
			e.reachable(x, l, v, on, taken)
			equal := &hclsyntax.BinaryOpExpr{LHS: x, Op: hclsyntax.OpEqual, RHS: &hclsyntax.LiteralValueExpr{Val: v, SrcRange: l.Range}, SrcRange: l.Range}
			rest = rest.and(e.assume(equal, false))
			if f := e.assume(equal, true); some {
				proved[i] = proved[i].or(f)
			} else {
				proved[i], some = f, true
			}
		}
		n.Cases[i].Values = agreed(n.Cases[i].Values, values, c.Labels)
	}
	if open && !on.bad {
		e.closed(n, on, taken)
	}
	for i, in := range n.bodies {
		if n.Cases[i].Default {
			proved[i] = rest
		}
		b.typesOfBody(e.given(proved[i]), in, rep)
	}
}

// label converts the label of a case to the type of what the switch is on, or reports that it can't be.
func (e env) label(x hclsyntax.Expression, l syntax.Label, on info) (cty.Value, bool) {
	text := cty.StringVal(l.Text)
	if on.lax() {
		return text, !on.bad
	}
	src := e.source(x.Range())
	switch on.t.Kind {
	case schema.KindNumber:
		v, err := cty.ParseNumberVal(l.Text)
		if err != nil {
			e.report(diag.WrongType, l.Range, "%s is a number; %q is none.", src, l.Text)
			return text, false
		}
		return v, true
	case schema.KindBool:
		if l.Text != "true" && l.Text != "false" {
			e.notInEnum(l.Range, l.Text, []string{"true", "false"}, "%s is never %q.", src, l.Text)
			return text, false
		}
		return cty.BoolVal(l.Text == "true"), true
	}
	if enum := on.t.Enum; len(enum) > 0 && !slices.Contains(enum, l.Text) {
		e.notInEnum(l.Range, l.Text, enum, "%s never has the value %q.", src, l.Text)
		return text, false
	}
	if why := wrongFormat(l.Text, on.t); why != "" {
		e.report(diag.BadLiteral, l.Range, "%s is %s; %q is none.", src, why, l.Text)
		return text, false
	}
	return text, true
}

// reachable reports a label whose value a case above has already, or that can't come.
func (e env) reachable(x hclsyntax.Expression, l syntax.Label, v cty.Value, on info, taken map[string]hcl.Range) {
	key, _ := textOf(v)
	if first, ok := taken[key]; ok {
		e.report(diag.UnreachableCase, l.Range, "%q is taken by the case on line %d already.", l.Text, first.Start.Line)
		return
	}
	taken[key] = l.Range
	if on.constant() && !same(on.val, v) {
		is, _ := textOf(on.val)
		e.report(diag.UnreachableCase, l.Range, "the switch is on what is written out and always %q.", is)
		return
	}
	set, ok := point(v)
	if path, named := e.pathOf(x); named && ok {
		if left, narrowed := e.facts.sets[path]; narrowed && left.and(set).empty() {
			e.report(diag.UnreachableCase, l.Range, "%s is never %q here: a condition above leaves it out.", e.source(x.Range()), l.Text)
		}
	}
}

func same(a, b cty.Value) bool { return a.Type() == b.Type() && a.Equals(b).True() }

// closed reports values that no case takes.
func (e env) closed(n *nodeSrc, on info, taken map[string]hcl.Range) {
	src := e.source(n.src.Switch.On.Range())
	var left []string
	possible := on.t.Enum
	if on.t.Kind == schema.KindBool {
		possible = []string{"true", "false"}
	}
	for _, v := range e.possible(n.src.Switch.On, possible) {
		if _, ok := taken[v]; !ok && !on.constant() {
			left = append(left, v)
		}
	}
	switch {
	case on.null && len(left) > 0:
		e.report(diag.OpenSwitch, n.Range, "%s may be null, or %s, and no case takes that. Add the cases, and a default for null.", src, quoteList(left))
	case on.null:
		e.report(diag.OpenSwitch, n.Range, "%s may be null, and no case takes that. Add a default, which takes null.", src)
	case len(left) > 0:
		e.report(diag.OpenSwitch, n.Range, "%s may be %s, and no case takes that. Add the cases, or a default, which may be empty.", src, quoteList(left))
	}
}

// agreed returns the values of a case for all triggers: those of this one where the others had the same, else text.
func agreed(before, now []cty.Value, labels []syntax.Label) []cty.Value {
	for i := range before {
		if !before[i].RawEquals(now[i]) {
			now[i] = cty.StringVal(labels[i].Text)
		}
	}
	return now
}

// timedOut returns the name of the wait whose timed_out the path is.
func timedOut(path string) (string, bool) {
	name, ok := strings.CutPrefix(path, "wait.")
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(name, ".timed_out")
	return name, ok && !strings.Contains(name, ".")
}

// arrived is what the event of a wait having come proves.
func arrived(name string) *facts {
	return &facts{nonNull: map[string]bool{fmt.Sprintf("wait.%s.trigger", name): true, fmt.Sprintf("wait.%s.event", name): true}}
}
