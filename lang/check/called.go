package check

// Recipes that call each other. A recipe that is called has the trigger recipe_call, which declares what it is called
// with, and may have an output; the one that calls has an action recipe_run. So that a call is typed by what is called,
// recipes are checked after those they call, and calls in a circle are refused before.

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// Words of the language that belong to no vendor.
const (
	builtin     = "flowrun" // the service, and its only connection
	callTrigger = "recipe_call"
	runAction   = "recipe_run"
)

// callee is a recipe as those see it that call it.
type callee struct {
	name     string
	callable *schema.Object // nil where it can't be called
	output   *schema.Object // nil where it gives nothing back
	stops    bool           // a gate, or flow control, may end it without an output
	disabled bool
	broken   bool // it is in a circle, or its shape is mistaken: nothing more is said of it
	doc      string
}

// recipeCall is a recipe_run as it is written.
type recipeCall struct {
	recipe string
	at     hcl.Range
}

// callsIn lists the calls of steps, at any depth, that name a recipe.
func callsIn(steps []*syntax.Step) []recipeCall {
	var out []recipeCall
	for _, s := range steps {
		if s.Kind == syntax.ActionStep && s.Type == runAction {
			for _, a := range s.Args {
				if v, ok := literal(a.Expr); ok && a.Name == "recipe" {
					text, _ := textOf(v)
					out = append(out, recipeCall{text, a.Expr.Range()})
				}
			}
		}
		if s.Switch != nil {
			for _, c := range s.Switch.Cases {
				out = append(out, callsIn(c.Steps)...)
			}
		}
	}
	return out
}

// callOrder returns the recipes' indices, each after those it calls, and reports circles. Those in one are marked as
// broken callees.
func (c *checker) callOrder(recipes []*syntax.Recipe, rep *reporter) []int {
	index := map[string]int{}
	for n, r := range recipes {
		index[r.Name] = n
	}
	calls := make([][]recipeCall, len(recipes))
	for n, r := range recipes {
		calls[n] = callsIn(r.Steps)
		if r.OnError != nil {
			calls[n] = append(calls[n], callsIn(r.OnError.Steps)...)
		}
	}
	next := func(n int) []int {
		var out []int
		for _, k := range calls[n] {
			if m, ok := index[k.recipe]; ok && !slices.Contains(out, m) {
				out = append(out, m)
			}
		}
		return out
	}
	for _, circle := range circles(len(recipes), next) {
		c.callCircle(recipes, calls, circle, rep)
	}
	var order []int
	done := make([]bool, len(recipes))
	var visit func(int)
	visit = func(n int) {
		if done[n] {
			return
		}
		done[n] = true
		for _, m := range next(n) {
			visit(m)
		}
		order = append(order, n)
	}
	for n := range recipes {
		visit(n)
	}
	return order
}

// callCircle reports recipes that call each other: a (a.hcl line 3) calls b (b.hcl line 7) calls a.
func (c *checker) callCircle(recipes []*syntax.Recipe, calls [][]recipeCall, circle []int, rep *reporter) {
	var way []string
	var at hcl.Range
	for i, n := range circle {
		r, to := recipes[n], recipes[circle[(i+1)%len(circle)]]
		c.callees[r.Name] = &callee{name: r.Name, broken: true}
		k := slices.IndexFunc(calls[n], func(k recipeCall) bool { return k.recipe == to.Name })
		if i == 0 {
			at = calls[n][k].at
		}
		way = append(way, fmt.Sprintf("%s (%s line %d)", r.Name, r.Filename, calls[n][k].at.Start.Line))
	}
	way = append(way, recipes[circle[0]].Name)
	e := env{c: c, sc: &scope{rep: rep}, facts: noFacts}
	e.report(diag.CallCircle, at, "a recipe can't come to call itself: %s.", strings.Join(way, " calls "))
}

// called makes what others see of a recipe once it is checked.
func (b *builder) called() {
	r := b.out
	if known := b.c.callees[r.Name]; known != nil && known.broken {
		known.callable, known.disabled = r.Callable, r.Disabled
		return
	}
	f := r.Flow
	out := &callee{name: r.Name, callable: r.Callable, disabled: r.Disabled, doc: r.Description, broken: b.misshapen}
	out.stops = f.Deduplicate != nil || f.RateLimit != nil || f.Debounce != nil || f.Concurrency != nil && f.Concurrency.OnConflict == SkipConflict
	for _, n := range b.top.nodes {
		out.stops = out.stops || n.Kind == Filter
	}
	if len(r.Outputs) > 0 {
		fields := make([]schema.Field, len(r.Outputs))
		for n, o := range r.Outputs {
			fields[n] = schema.Field{Name: o.Name, Type: o.Type, Required: true, Nullable: o.Null, Role: b.outputs[n].role}
		}
		out.output = schema.NewObject("output", fields...)
	}
	b.c.callees[r.Name] = out
}

// isCalled reports whether a recipe is one that others call.
func isCalled(r *syntax.Recipe) bool {
	return slices.ContainsFunc(r.Triggers, func(t *syntax.Trigger) bool { return t.Type == callTrigger })
}

// callTrigger reads the trigger of a recipe that others call.
func (b *builder) callTrigger(t *syntax.Trigger) *Trigger {
	e := b.e
	spec := &schema.Trigger{Name: callTrigger, Service: builtin, Doc: "Another recipe calls this one", Settings: schema.NewObject(callTrigger)}
	out := &Trigger{Spec: spec, Name: t.Name, Connection: builtin, Range: t.Range}
	if len(b.src.Triggers) > 1 {
		e.report(diag.CallOnly, t.TypeRange, "a recipe that others call has no other trigger: what starts it is the call. Move what both do to a recipe that both call.")
	}
	if t.Connection != nil {
		e.report(diag.UnknownInput, t.Connection.Range(), "the trigger %s has no connection: nothing comes in.", callTrigger)
	}
	shape := schema.NewObject("list of inputs")
	for _, a := range t.Args {
		if a.Name != "inputs" {
			e.unknown(diag.UnknownInput, a.NameRange, a.Name, []string{"inputs"}, "the trigger %s takes no %q. It takes inputs = { name = TYPE }.", callTrigger, a.Name)
			continue
		}
		before := len(e.sc.rep.diags)
		if o := e.declared(a.Expr, "inputs"); o != nil {
			shape = o
		}
		b.misshapen = len(e.sc.rep.diags) > before
	}
	spec.Payload, out.Payload = shape, shape
	if b.out.Callable == nil {
		b.out.Callable = shape
	}
	return out
}

// call reads an action that calls another recipe.
func (b *builder) call(ns *nodeSrc, st *step) {
	e, s, node := b.e, ns.src, ns.Node
	ns.args = nil
	node.Connection = e.connect(b.pr, builtin, nil, s.TypeRange)
	for _, x := range []struct {
		name string
		expr hclsyntax.Expression
		why  string
	}{
		{"connection", s.Connection, "each step of the recipe says its own"},
		{"timeout", s.Timeout, "the recipe has its own, in its recipe block"},
		{"allow_duplicates", s.AllowDuplicates, "each step of the recipe says its own"},
	} {
		if x.expr != nil {
			e.report(diag.UnknownInput, x.expr.Range(), "%s takes no %q: %s.", runAction, x.name, x.why)
		}
	}
	if s.Retry != nil {
		e.report(diag.UnexpectedBlock, s.Retry.Range, "%s has no retry: the steps of the recipe that it calls have their own.", runAction)
	}
	var recipe, inputs *syntax.Arg
	for _, a := range s.Args {
		switch a.Name {
		case "recipe":
			recipe = a
		case "inputs":
			inputs = a
		default:
			hint := ""
			if inputs == nil {
				hint = fmt.Sprintf(" What the recipe is called with stands in inputs = { %s = … }.", a.Name)
			}
			e.unknown(diag.UnknownInput, a.NameRange, a.Name, []string{"recipe", "inputs"}, "%s takes no %q.%s", runAction, a.Name, hint)
		}
	}
	st.broken = true
	if recipe == nil {
		e.report(diag.MissingInput, s.Range, "%s needs the recipe that it calls: recipe = \"lib/notify\".", runAction)
		return
	}
	to := b.callee(recipe)
	if inputs != nil {
		ns.args = b.inputs(inputs)
	}
	if to == nil {
		return
	}
	st.broken = false
	node.Calls = to.name
	node.Action = &schema.Action{Name: runAction, Service: builtin, Doc: to.doc, In: to.callable, Out: to.output, Effect: schema.Keyed, OutMayBeNull: to.stops}
	node.Out = to.output
	if to.stops {
		if !st.null {
			st.why = "where the recipe stopped early"
		}
		st.null = true
	}
}

// callee finds the recipe that is called, or reports that there is none.
func (b *builder) callee(a *syntax.Arg) *callee {
	e := b.e
	v, ok := literal(a.Expr)
	name, _ := textOf(v)
	if !ok || name == "" {
		if i := e.silent().infer(a.Expr); !i.bad || i.t.Kind == schema.KindAny {
			e.report(diag.NotConstant, a.Expr.Range(), "\"recipe\" is the name of a recipe in quotes: which one is called must be known before anything runs.")
		}
		return nil
	}
	to := b.c.callees[name]
	switch {
	case to != nil && to.broken:
		return nil // which is reported where it is
	case to == nil && b.c.files[name+".hcl"] != nil && name+".hcl" != syntax.ConfigFile && !b.c.parsed[name]:
		return nil // its file is not valid
	case to == nil:
		var names []string
		for _, n := range keys(b.c.callees) {
			if b.c.callees[n].callable != nil && n != b.out.Name {
				names = append(names, n)
			}
		}
		if b.c.probe != nil {
			b.c.probe.allow(a.Expr.Range(), names)
		}
		fix := suggest(name, names)
		hint := fmt.Sprintf(" No recipe has the trigger %s.", callTrigger)
		if fix != "" {
			hint = fmt.Sprintf(" Did you mean %q?", fix)
		} else if len(names) > 0 {
			hint = " There is " + quoteList(names) + "."
		}
		e.reportFix(diag.UnknownRecipe, a.Expr.Range(), quoted(fix), "there is no recipe %q.%s", name, hint)
		return nil
	case to.callable == nil:
		e.report(diag.NotCallable, a.Expr.Range(), "the recipe %q is started by events and can't be called: that takes the trigger %s.", name, callTrigger)
		return nil
	case to.disabled && !b.out.Disabled:
		e.report(diag.NotCallable, a.Expr.Range(), "the recipe %q is switched off (enabled = false), so a call of it would never end.", name)
		return nil
	}
	return to
}

// inputs takes the object apart that a recipe is called with.
func (b *builder) inputs(a *syntax.Arg) []argument {
	obj, ok := unwrap(a.Expr).(*hclsyntax.ObjectConsExpr)
	if !ok {
		e := b.e
		e.report(diag.NotConstant, a.Expr.Range(), "\"inputs\" is written out: inputs = { name = … }.")
		return nil
	}
	var out []argument
	taken := map[string]hcl.Range{}
	for _, item := range obj.Items {
		key := writtenKey(item)
		if key == "" {
			b.e.report(diag.NotConstant, item.KeyExpr.Range(), "the name of an input must be written out.")
			continue
		}
		rng := item.KeyExpr.Range()
		if duplicate(b.e.sc.rep, "input", key, rng, taken) {
			continue
		}
		out = append(out, &syntax.Arg{Name: key, NameRange: rng, Expr: item.ValueExpr, Range: hcl.RangeBetween(rng, item.ValueExpr.Range())})
	}
	return out
}

// outputSrc is an output with the text it is made of. Its node stands below all others and is not run.
type outputSrc struct {
	*Output
	node *nodeSrc
	x    hclsyntax.Expression
	role schema.Role
}

// collectOutputs reads the output block.
func (b *builder) collectOutputs() {
	block := b.src.Output
	if block == nil {
		return
	}
	b.in(b.e.sc.rep, "in output", func() {
		if b.out.Callable == nil && len(b.out.Triggers) > 0 {
			b.e.report(diag.CallOnly, block.Range, "nobody sees what this recipe gives back: it is started by events. An output belongs to a recipe that others call, with the trigger %s.", callTrigger)
		}
		for _, a := range block.Args {
			o := &outputSrc{Output: &Output{Name: a.Name, Range: a.Range, Type: anyType}, x: a.Expr}
			o.node = &nodeSrc{Node: &Node{Index: -1, Parent: -1}, refs: newRefs(), in: b.top}
			o.node.refs.add(a.Expr)
			b.outputs = append(b.outputs, o)
			b.out.Outputs = append(b.out.Outputs, o.Output)
		}
	})
}

// graphOfOutputs finds what the outputs read.
func (b *builder) graphOfOutputs() {
	for _, o := range b.outputs {
		o.node.refs.through(b.reads)
		needs := map[int]bool{}
		mention := map[[2]int]hcl.Range{}
		b.in(b.e.sc.rep, "in output", func() {
			for _, name := range keys(o.node.refs.steps) {
				b.need(o.node, b.steps[name], o.node.refs.steps[name], needs, mention)
			}
			for _, name := range keys(o.node.refs.waits) {
				b.need(o.node, b.waits[name], o.node.refs.waits[name], needs, mention)
			}
		})
		o.Needs = indexSet(needs)
	}
}

// settledType is the type that a value has once it has been written down and read again: what may be of one kind or
// another is anything then.
func settledType(t schema.Type) schema.Type {
	switch {
	case t.Format == mixed:
		return anyType
	case t.Elem != nil:
		elem := settledType(*t.Elem)
		t.Elem = &elem
	case t.Kind == schema.KindObject && t.Object != nil && hasMixed(t, 0):
		fields := slices.Clone(t.Object.Fields())
		for n := range fields {
			fields[n].Type = settledType(fields[n].Type)
		}
		open := t.Object.Open
		t.Object = schema.NewObject(t.Object.Name, fields...)
		t.Object.Open = open
	}
	return t
}

// hasMixed looks into objects that expressions make; those of vendors, which lead anywhere, have nothing mixed.
func hasMixed(t schema.Type, depth int) bool {
	const deepest = 8
	switch {
	case t.Format == mixed:
		return true
	case depth > deepest:
		return false
	case t.Elem != nil:
		return hasMixed(*t.Elem, depth+1)
	case t.Kind == schema.KindObject && t.Object != nil && t.Object.Name == "":
		return slices.ContainsFunc(t.Object.Fields(), func(f schema.Field) bool { return hasMixed(f.Type, depth+1) })
	}
	return false
}

// typesOfOutputs finds the types of what the recipe gives back, below all that stands in it.
func (b *builder) typesOfOutputs(e env, rep *reporter) {
	b.in(rep, "in output", func() {
		for _, o := range b.outputs {
			i := e.infer(o.x)
			if i.bad {
				b.misshapen = true
				continue
			}
			if !e.fits(o.x, i, target{t: anyType, name: fmt.Sprintf("the output %q", o.Name)}) {
				b.misshapen = true
				continue
			}
			if i.elemNull && i.t.Elem != nil && i.t.Elem.Kind != schema.KindAny && !i.isNull {
				src := e.source(o.x.Range())
				e.report(diag.MayBeNull, o.x.Range(), "the output %q is a %s, and elements of it may be null.\nLeave those out: [for v in %s : v if v != null].", o.Name, i.t.String(), src)
				b.misshapen = true
			}
			o.Type, o.Null = settledType(i.t), i.null
			if i.isNull || i.t.Kind == 0 {
				o.Type = anyType
			}
			if i.personal {
				o.role = schema.RoleName
			}
		}
	})
}
