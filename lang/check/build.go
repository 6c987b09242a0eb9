package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// builder makes one recipe.
type builder struct {
	c   *checker
	pr  *project
	src *syntax.Recipe
	out *Recipe
	e   env // reports; names no trigger

	variables []*Variable
	vars      map[string]*Variable
	varInfo   map[*Variable]info
	locals    []*local // the project's, then the recipe's
	own       int      // where the recipe's begin
	byName    map[string]*local
	reads     map[string]*refs // of locals
	steps     map[string]*step
	waits     map[string]*step
	nodes     []*nodeSrc
	onError   []*nodeSrc
	top       *body // holds the nodes
	failed    *body // of on_error; nil where there is none
	outputs   []*outputSrc
	keys      []*keySrc // of flow control
	misshapen bool      // what it is called with, or gives back, is mistaken
	shared    bool      // it is made of the project's on_error, which no trigger starts

	mistakes []hcl.Range // of the recipe's file
	solved   []*solved   // for each trigger
	signed   map[*nodeSrc]signed

	// visit is told of each step, and of the end of the recipe with nil, what is in reach and proved there; may be nil.
	visit func(*nodeSrc, env)
}

func (c *checker) checkRecipe(r *syntax.Recipe, pr *project, rep *reporter) *builder {
	b := c.newBuilder(r, pr, rep)
	b.check()
	return b
}

func (c *checker) newBuilder(r *syntax.Recipe, pr *project, rep *reporter) *builder {
	b := &builder{
		c: c, pr: pr, src: r,
		out:     &Recipe{Name: r.Name, Filename: r.Filename, Reads: &schema.Paths{}, ReadsPrevious: &schema.Paths{}},
		vars:    maps.Clone(pr.vars),
		varInfo: maps.Clone(pr.varInfo),
		byName:  map[string]*local{},
		reads:   map[string]*refs{},
		steps:   map[string]*step{},
		waits:   map[string]*step{},
	}
	b.e = env{c: c, sc: &scope{rep: rep, busy: map[*local]bool{}, memo: map[memoKey]info{}}, facts: noFacts}
	return b
}

func (b *builder) check() {
	b.settings()
	b.variables = b.c.checkVariables(b.src.Variables, b.src.Name, b.vars, b.varInfo, b.e.sc.rep)
	b.collectLocals()
	b.triggers()
	b.controls()
	b.collectSteps()
	b.collectOutputs()
	b.graph()
	b.types()
	b.controlWarnings()
	b.called()
}

// in runs f and gives what it reports a context.
func (b *builder) in(rep *reporter, context string, f func()) {
	before := len(rep.diags)
	f()
	diag.In(context, rep.diags[before:])
}

func (b *builder) settings() {
	s := b.src.Settings
	if s == nil {
		return
	}
	e := b.e
	b.in(e.sc.rep, "in recipe", func() {
		if s.Description != nil {
			b.out.Description, _ = e.constantString(s.Description, `"description"`)
		}
		if s.Enabled != nil {
			if v, ok := e.constantBool(s.Enabled, `"enabled"`); ok {
				b.out.Disabled = !v
			}
		}
		if s.Timeout != nil {
			b.out.Timeout = e.constantDuration(s.Timeout, `"timeout"`)
		}
		if s.Labels != nil {
			b.out.Labels = e.constantLabels(s.Labels)
		}
	})
}

func (e env) constantDuration(x hclsyntax.Expression, name string) time.Duration {
	s, ok := e.constantString(x, name)
	if !ok {
		return 0
	}
	d, err := schema.ParseDuration(s)
	if err != nil || d <= 0 {
		e.report(diag.BadLiteral, x.Range(), "%s needs a duration such as \"90s\", \"72h\" or \"7d\"; %q is none.", name, s)
		return 0
	}
	return d
}

func (e env) constantLabels(x hclsyntax.Expression) map[string]string {
	obj, ok := unwrap(x).(*hclsyntax.ObjectConsExpr)
	if !ok {
		if i := e.infer(x); !i.bad {
			e.report(diag.NotConstant, x.Range(), "labels are written out: labels = { team = \"billing\" }.")
		}
		return nil
	}
	out := map[string]string{}
	for _, item := range obj.Items {
		key, ok := e.objectKey(item)
		if !ok {
			e.report(diag.NotConstant, item.KeyExpr.Range(), "the name of a label must be written out.")
			continue
		}
		if v, ok := e.constantString(item.ValueExpr, fmt.Sprintf("the label %q", key)); ok {
			out[key] = v
		}
	}
	return out
}

// Who needs whom is kept for each pair, so that more than anybody writes is refused.
const (
	mostSteps  = 1000
	mostLocals = 1000 // of a recipe, and of the project
)

func (b *builder) collectLocals() {
	taken := map[string]hcl.Range{}
	for _, l := range b.pr.locals {
		taken[l.Name] = l.Range
	}
	b.locals = slices.Clone(b.pr.locals)
	b.own = len(b.locals)
	for n, a := range b.src.Locals {
		if n == mostLocals {
			b.e.report(diag.TooExpensive, a.NameRange, "a recipe has %d locals at most; this one has %d.", mostLocals, len(b.src.Locals))
			break
		}
		if duplicate(b.e.sc.rep, "local", a.Name, a.NameRange, taken) {
			continue
		}
		b.locals = append(b.locals, &local{Name: a.Name, Expr: a.Expr, Range: a.NameRange})
	}
	for _, l := range b.locals {
		b.byName[l.Name] = l
		r := newRefs()
		r.add(l.Expr)
		b.reads[l.Name] = r
	}
	b.in(b.e.sc.rep, "in locals", func() { b.e.checkLocalCircles(b.locals, b.reads) })
	b.locals = append(order(b.locals[:b.own:b.own], b.reads), order(b.locals[b.own:], b.reads)...)
}

func (b *builder) triggers() {
	taken := map[string]hcl.Range{}
	for _, t := range b.src.Triggers {
		context := fmt.Sprintf("in trigger %q", t.Type)
		if t.Name != t.Type {
			context += fmt.Sprintf(" %q", t.Name)
		}
		b.in(b.e.sc.rep, context, func() {
			if duplicate(b.e.sc.rep, "trigger", t.Name, t.Range, taken) {
				return
			}
			b.out.Triggers = append(b.out.Triggers, b.trigger(t).apart()...)
		})
	}
}

func (b *builder) trigger(t *syntax.Trigger) *Trigger {
	e := b.e
	if t.Type == callTrigger {
		return b.callTrigger(t)
	}
	out := &Trigger{Name: t.Name, Range: t.Range}
	spec := b.c.cat.Trigger(t.Type)
	if spec == nil {
		names := b.c.cat.TriggerNames()
		fix := suggest(t.Type, names)
		e.reportFix(diag.UnknownTrigger, t.TypeRange, quoted(fix), "there is no trigger %q.%s", t.Type, b.hint(fix, t.Type, names, "triggers"))
		return out
	}
	out.Spec, out.Events, out.Payload = spec, spec.Events, spec.Payload
	out.Connection = e.connect(b.pr, spec.Service, t.Connection, t.TypeRange)
	if !b.out.Disabled {
		b.pr.use(out.Connection, spec.Service != builtin) // no webhooks come in for flowrun itself
	}
	settings := spec.Settings
	if settings == nil {
		settings = schema.NewObject(spec.Name)
	}
	e.assignArgs(settings, t.Args, t.Range, "the trigger "+spec.Name)
	values := map[string]cty.Value{}
	for _, a := range t.Args {
		f := settings.Field(a.Name)
		if f == nil {
			continue
		}
		if i := e.silent().infer(a.Expr); i.val != cty.NilVal {
			values[a.Name] = i.val
		} else if !i.bad {
			e.report(diag.NotConstant, a.Expr.Range(), "%q must be written out: it says which events are meant before there is one.", a.Name)
		}
		if a.Name == spec.TypesSetting {
			out.Events = e.eventTypes(a.Expr, spec)
			if spec.PayloadFor != nil && len(out.Events) > 0 {
				out.Payload = spec.PayloadFor(out.Events)
			}
		}
	}
	for _, g := range spec.Guards {
		if v, ok := values[g.Setting]; ok && !v.IsNull() && v.Type() == cty.Bool && v.True() {
			out.Guards = append(out.Guards, g)
		}
	}
	if spec.Choose != nil {
		events, guards := spec.Choose(values)
		out.Events, out.Guards = events, append(out.Guards, guards...)
	}
	return out
}

// mostApart is how many objects the types of one trigger may have between them for each to be looked at by itself.
const mostApart = 16

// apart returns a trigger that is told its types as one for each object that they carry, so that the types are told
// apart as several triggers are: what all share can be read, and under event.type == "…" what that one has. A trigger
// whose shape has the fields of each of its types, null where one has none, stays one.
func (t *Trigger) apart() []*Trigger {
	if t.Spec == nil || t.Spec.PayloadFor == nil || len(t.Events) < 2 || slices.Contains(t.Events, "*") {
		return []*Trigger{t}
	}
	var out []*Trigger
	for _, name := range t.Events {
		payload := t.Spec.PayloadFor([]string{name})
		if t.Payload != nil && slices.ContainsFunc(t.Payload.Fields(), func(f schema.Field) bool { return payload.Field(f.Name) == nil }) {
			return []*Trigger{t}
		}
		if n := slices.IndexFunc(out, func(o *Trigger) bool { return o.Payload == payload }); n >= 0 {
			out[n].Events = append(out[n].Events, name)
			continue
		}
		one := *t
		one.Events, one.Payload = []string{name}, payload
		out = append(out, &one)
	}
	if len(out) > mostApart {
		return []*Trigger{t}
	}
	return out
}

// eventTypes reads the list of a trigger that is told its types.
func (e env) eventTypes(x hclsyntax.Expression, spec *schema.Trigger) []string {
	tuple := tupleOf(x)
	if tuple == nil {
		return nil
	}
	var out []string
	for _, ex := range tuple.Exprs {
		v, ok := literal(ex)
		if !ok || v.Type() != cty.String {
			continue
		}
		s := v.AsString()
		if s != "*" && len(spec.KnownTypes) > 0 && !slices.Contains(spec.KnownTypes, s) {
			if e.c.probe != nil {
				e.c.probe.allow(ex.Range(), spec.KnownTypes)
			}
			fix := suggest(s, spec.KnownTypes)
			hint := ""
			if fix != "" {
				hint = fmt.Sprintf(" Did you mean %q?", fix)
			}
			e.reportFix(diag.NotInEnum, ex.Range(), quoted(fix), "%s has no event %q.%s", spec.Service, s, hint)
			continue
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return `"` + s + `"`
}

func tupleOf(x hclsyntax.Expression) *hclsyntax.TupleConsExpr {
	t, _ := unwrap(x).(*hclsyntax.TupleConsExpr)
	return t
}

// hint helps with an unknown trigger or action.
func (b *builder) hint(fix, name string, names []string, what string) string {
	if fix != "" {
		return didYouMean(name, names)
	}
	service, _, _ := strings.Cut(name, "_")
	var same []string
	for _, n := range names {
		if strings.HasPrefix(n, service+"_") {
			same = append(same, n)
		}
	}
	if len(same) > mostListed {
		if near := alike(same, name); len(near) > 0 {
			return fmt.Sprintf(" Near it are %s. \"flowrun connectors -search WORDS\" finds others.", quoteList(near))
		}
		return fmt.Sprintf(" \"flowrun connectors -search WORDS\" finds one of the %d %s of %s.", len(same), what, service)
	}
	if len(same) > 0 {
		return fmt.Sprintf(" The %s of %s are %s.", what, service, quoteList(same))
	}
	return " There are " + what + " of " + quoteList(b.c.cat.ServiceNames()) + "."
}

// mostListed is how many names are listed to somebody who knows none of them.
const mostListed = 12

// alike returns the names that begin with as many words of name as any does, and more than its service's.
func alike(names []string, name string) []string {
	for prefix := name; strings.Count(prefix, "_") > 0; prefix = prefix[:strings.LastIndexByte(prefix, '_')] {
		var out []string
		for _, n := range names {
			if n == prefix || strings.HasPrefix(n, prefix+"_") {
				out = append(out, n)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// expr keeps a nil expression nil as another interface.
func expr(x hclsyntax.Expression) hcl.Expression {
	if x == nil {
		return nil
	}
	return x
}

func (b *builder) action(ns *nodeSrc, taken map[string]hcl.Range) {
	e, s, node := b.e, ns.src, ns.Node
	ns.refs.add(expr(s.When))
	for _, a := range s.Args {
		ns.refs.add(a.Expr)
	}
	dup := duplicate(e.sc.rep, "step", s.Name, s.NameRange, taken)
	b.flow(ns)
	st := &step{node: node, from: ns, null: s.When != nil, why: "when the step is skipped"}
	if node.ContinueOnError && !st.null {
		st.null, st.why = true, "when the step fails"
	}
	if !dup {
		b.steps[s.Name] = st
	}
	if s.Type == runAction {
		b.call(ns, st)
		return
	}
	node.Action = b.c.cat.Action(s.Type)
	b.retry(ns)
	if node.Action == nil {
		st.broken = true
		names := b.c.cat.ActionNames()
		fix := suggest(s.Type, names)
		e.reportFix(diag.UnknownAction, s.TypeRange, quoted(fix), "there is no action %q.%s", s.Type, b.hint(fix, s.Type, names, "actions"))
		return
	}
	node.Out = e.answerShape(node.Action, s.Args)
	if node.Action.OutMayBeNull {
		if !st.null {
			st.why = "where nothing was found"
		}
		st.null = true
	}
	node.Connection = e.connect(b.pr, node.Action.Service, s.Connection, s.TypeRange)
	if !b.out.Disabled {
		b.pr.use(node.Connection, false)
	}
}

// answerShape returns the shape of an action's answer, which one of its arguments may say more of.
func (e env) answerShape(a *schema.Action, args []argument) *schema.Object {
	i := slices.IndexFunc(args, func(arg argument) bool { return arg.Name == a.OutSetting })
	if a.OutSetting == "" || i < 0 {
		return a.Out
	}
	x := args[i].Expr
	tuple := tupleOf(x)
	if tuple == nil {
		if in := e.silent().infer(x); !in.bad && !in.isNull {
			e.report(diag.NotConstant, x.Range(), "%q must be written out: it says what the answer of %s holds.", a.OutSetting, a.Name)
		}
		return a.Out
	}
	var values []string
	for _, el := range tuple.Exprs {
		v, ok := literal(el)
		if !ok || v.IsNull() || v.Type() != cty.String {
			if in := e.silent().infer(el); !in.bad && !in.isNull {
				e.report(diag.NotConstant, el.Range(), "%q must be written out: it says what the answer of %s holds.", a.OutSetting, a.Name)
			}
			return a.Out
		}
		if _, err := a.OutFor([]string{v.AsString()}); err != nil {
			e.report(diag.BadLiteral, el.Range(), "%s.", err)
			continue
		}
		values = append(values, v.AsString())
	}
	out, err := a.OutFor(values)
	if err != nil {
		e.report(diag.BadLiteral, x.Range(), "%s.", err)
		return a.Out
	}
	return out
}

var kinds = []string{"network", "timeout", "rate_limited", "conflict", "server", "refused", "unauthorized", "not_found", "gone",
	"invalid", "drift", "unknown", "canceled"}

func (b *builder) retry(ns *nodeSrc) {
	e, s, node := b.e, ns.src, ns.Node
	node.Retry = Retry{For: 24 * time.Hour, Min: time.Second, Max: 15 * time.Minute}
	if s.Timeout != nil {
		node.Timeout = e.constantDuration(s.Timeout, `"timeout"`)
	}
	known := true // whether repeats are allowed
	if s.AllowDuplicates != nil {
		node.AllowDuplicates, known = e.constantBool(s.AllowDuplicates, `"allow_duplicates"`)
	}
	r := s.Retry
	if r == nil {
		return
	}
	if r.Attempts != nil {
		if v, ok := e.constantValue(r.Attempts, numberType, `"attempts"`); ok {
			if n, whole := wholeNumber(v); whole && n > 0 {
				node.Retry.Attempts = n
			} else {
				e.report(diag.BadLiteral, r.Attempts.Range(), `"attempts" needs a whole number from 1 on; the first attempt counts.`)
			}
		}
	}
	if r.Min != nil {
		node.Retry.Min = e.constantDuration(r.Min, `"min"`)
	}
	if r.Max != nil {
		node.Retry.Max = e.constantDuration(r.Max, `"max"`)
	}
	if node.Retry.Min > node.Retry.Max && node.Retry.Max > 0 {
		if r.Max != nil {
			e.report(diag.BadLiteral, r.Max.Range(), `"max" is shorter than "min".`)
		} else {
			node.Retry.Max = node.Retry.Min
		}
	}
	if r.On != nil {
		node.Retry.On = e.retryKinds(r.On)
	}
	if a := b.c.cat.Action(s.Type); a != nil && a.Effect == schema.AtMostOnce && !node.AllowDuplicates && known {
		e.report(diag.RetryUnsafe, r.Range,
			"%s can't be repeated safely: %s has no way to recognise a repeat, so a retry may do it twice. Leave the retry block out, or write allow_duplicates = true if twice is fine.",
			a.Name, a.Service)
	}
}

func (e env) retryKinds(x hclsyntax.Expression) []string {
	tuple := tupleOf(x)
	if tuple == nil {
		e.report(diag.NotConstant, x.Range(), `"on" is a list that is written out, such as ["network", "server"].`)
		return nil
	}
	var out []string
	for _, ex := range tuple.Exprs {
		s, ok := e.constantString(ex, `an element of "on"`)
		if !ok {
			continue
		}
		if !slices.Contains(kinds, s) {
			e.notInEnum(ex.Range(), s, kinds, "there is no kind of failure %q.", s)
			continue
		}
		out = append(out, s)
	}
	return out
}

func (b *builder) dependsOn(n *nodeSrc, needs map[int]bool, mention map[[2]int]hcl.Range) {
	x := n.src.DependsOn
	if x == nil {
		return
	}
	tuple := tupleOf(x)
	if tuple == nil {
		b.e.report(diag.WrongType, x.Range(), "depends_on is a list of steps, such as [action.customer].")
		return
	}
	for _, ex := range tuple.Exprs {
		t, ok := unwrap(ex).(*hclsyntax.ScopeTraversalExpr)
		if !ok || t.Traversal.RootName() != "action" || len(t.Traversal) != 2 {
			b.e.report(diag.WrongType, ex.Range(), "depends_on is a list of steps, such as [action.customer].")
			continue
		}
		attr, ok := t.Traversal[1].(hcl.TraverseAttr)
		if !ok {
			b.e.report(diag.WrongType, ex.Range(), "depends_on is a list of steps, such as [action.customer].")
			continue
		}
		st := b.steps[attr.Name]
		if st == nil {
			e := b.e
			e.sc = &scope{rep: e.sc.rep, steps: b.steps}
			e.unknownStep(attr.Name, nameRange(attr))
			continue
		}
		b.need(n, st, ex.Range(), needs, mention)
	}
}

// finish makes the recipe that is run.
func (b *builder) finish() {
	r := b.out
	index := map[string]int{}
	for n, l := range b.locals {
		index[l.Name] = n
	}
	for _, l := range b.locals { // each stands after those it needs
		needs := map[int]bool{}
		for _, n := range indices(b.reads[l.Name].locals, index) {
			if n >= len(r.Locals) {
				continue // a circle
			}
			needs[n] = true
			for _, through := range r.Locals[n].Needs {
				needs[through] = true
			}
		}
		r.Locals = append(r.Locals, &Local{Name: l.Name, Needs: indexSet(needs), Range: l.Range})
	}
	var payloads, previous []*schema.Object
	for _, t := range r.Triggers {
		if t.Payload != nil {
			payloads = append(payloads, t.Payload)
			if t.Spec.Previous {
				previous = append(previous, t.Payload)
			}
		}
	}
	vars := map[string]bool{}
	for _, n := range b.all() {
		n.Locals = indices(n.refs.locals, index)
		n.Reads = pathsOf(n.refs.trig, payloads)
		n.ReadsPrevious = pathsOf(n.refs.prev, previous)
		r.Reads.Merge(n.Reads)
		r.ReadsPrevious.Merge(n.ReadsPrevious)
	}
	for _, k := range b.keys {
		r.Reads.Merge(pathsOf(k.refs.trig, payloads))
		r.ReadsPrevious.Merge(pathsOf(k.refs.prev, previous))
		*k.to = b.c.bound(k.x)
	}
	for _, o := range b.outputs {
		r.Reads.Merge(pathsOf(o.node.refs.trig, payloads))
		r.ReadsPrevious.Merge(pathsOf(o.node.refs.prev, previous))
		o.Expr = b.c.bound(o.x)
	}
	for _, refs := range b.allRefs() {
		for name := range refs.vars {
			if b.vars[name] != nil {
				vars[name] = true
			}
		}
	}
	for name, st := range b.waits {
		b.readsOfWait(name, st)
	}
	r.Vars = slices.Sorted(maps.Keys(vars))
	for n, l := range b.locals {
		if l.bound == nil {
			l.bound = b.c.bound(l.Expr)
		}
		r.Locals[n].Expr = l.bound
	}
	for _, n := range b.all() {
		b.boundFlow(n)
		n.Condition = expr(b.c.bound(n.src.Condition))
		n.When = expr(b.c.bound(n.src.When))
		if n.Action == nil {
			continue
		}
		for _, a := range n.args {
			if f := n.Action.In.Field(a.Name); f != nil {
				n.Inputs = append(n.Inputs, Input{Field: f, Expr: b.c.bound(a.Expr)})
			} else if n.Action.In.Open {
				n.Inputs = append(n.Inputs, Input{Field: &schema.Field{Name: a.Name, Type: anyType}, Expr: b.c.bound(a.Expr)})
			}
		}
	}
}

// all returns the nodes of the recipe and those of on_error.
func (b *builder) all() []*nodeSrc { return slices.Concat(b.nodes, b.onError) }

// boundFlow makes the expressions of waits, switches and repeated steps ready.
func (b *builder) boundFlow(n *nodeSrc) {
	switch n.Kind {
	case Wait:
		n.Wait.Until = expr(b.c.bound(n.src.Wait.Until))
		if n.src.Wait.Event != nil {
			match := n.src.Wait.Event.Match
			if by, with := n.lookup(match); by != nil {
				n.Wait.By, n.Wait.ByExpr = by, b.c.bound(with)
			}
			n.Wait.Match = expr(b.c.boundMatch(match))
		}
	case Switch:
		n.On = expr(b.c.bound(n.src.Switch.On))
	case Action:
		n.ForEach = expr(b.c.bound(n.src.ForEach))
	}
}

// readsOfWait fills in what is read of the payload of the event that a wait waits for.
func (b *builder) readsOfWait(name string, st *step) {
	event := st.node.Wait.Event
	if event == nil || event.Payload == nil {
		return
	}
	read := slices.Clone(st.from.refs.incoming)
	for _, refs := range b.allRefs() {
		read = append(read, refs.waited[name]...)
	}
	st.node.Wait.Reads = pathsOf(read, []*schema.Object{event.Payload})
}

// bound makes an expression ready for evaluation.
func (c *checker) bound(x hclsyntax.Expression) hclsyntax.Expression {
	if x == nil {
		return nil
	}
	return eval.Bound(c.soften(x))
}

func indices(names map[string]hcl.Range, index map[string]int) []int {
	var out []int
	for name := range names {
		if n, ok := index[name]; ok {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}
