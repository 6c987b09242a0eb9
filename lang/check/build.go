package check

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/diag"
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

	doors []door // the paths at which its triggers have events come in

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
	b.limitWarnings()
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
	spec := b.c.cat.Action(s.Type)
	shape, ok := (*schema.Type)(nil), true
	if spec != nil {
		ns.args, shape, ok = e.shapeArg(s.Args, spec.ShapeInput)
	}
	for _, a := range ns.args {
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
	node.Action = spec
	if spec != nil && spec.For != nil {
		b.actionUse(ns, shape)
		st.broken = !ok
	}
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
	node.Counts = b.counts(ns)
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

// FailureKinds are the kinds of failure that recipes and tests can name.
func FailureKinds() []string { return slices.Clone(kinds) }

var kinds = []string{"network", "timeout", "rate_limited", "conflict", "server", "refused", "unauthorized", "not_found", "gone",
	"invalid", "drift", "unknown", "canceled"}

func (b *builder) retry(ns *nodeSrc) {
	e, s, node := b.e, ns.src, ns.Node
	node.Retry = defaultRetry()
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
	if a := node.Action; a != nil && a.Effect == schema.AtMostOnce && !node.AllowDuplicates && known {
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
