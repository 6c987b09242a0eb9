package suite

import (
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// Outcomes are how a run can end, or stand where time does not go on.
func Outcomes() []string {
	return []string{"canceled", "completed", "failed", "filtered", "queued", "skipped", "waiting"}
}

// node finds a step by its name, "on_error.NAME" for one of on_error, or by its address.
func (c *checker) node(kind check.NodeKind, name string, rng hcl.Range) *check.Node {
	if n := Step(c.recipe, kind, name); n != nil {
		return n
	}
	word := "action"
	if kind == check.Wait {
		word = "wait"
	}
	known := Steps(c.recipe, kind)
	has := ""
	if len(known) > 0 {
		has = " It has " + strings.Join(known, ", ") + "."
	}
	c.report(diag.TestUnknownStep, rng, "Recipe %s has no %s %q.%s%s", c.recipe.Name, word, name, diag.DidYouMean(name, known), has)
	c.mendText(name, known)
	return nil
}

// fetch finds the look-up of a trigger with latest, by the trigger's name or by its address.
func (c *checker) fetch(name string, rng hcl.Range) *check.Node {
	var found []*check.Node
	var known []string
	for _, n := range c.recipe.Nodes {
		if n.Latest == nil {
			continue
		}
		short := strings.TrimPrefix(n.Address, "trigger.")
		known = append(known, short)
		if name == n.Name || name == short || name == n.Address {
			found = append(found, n)
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	has := " Its triggers are what their events carry, since none has latest."
	if len(known) > 0 {
		has = " Those with latest are " + strings.Join(known, ", ") + "."
	}
	c.report(diag.TestUnknownStep, rng, "Recipe %s fetches no object of a trigger %q.%s%s", c.recipe.Name, name, diag.DidYouMean(name, known), has)
	return nil
}

func (c *checker) mock(t *Test, src *syntax.Mock) {
	find := func(name string, rng hcl.Range) *check.Node { return c.node(check.Action, name, rng) }
	if src.Trigger {
		find = c.fetch
	}
	n := find(src.Step, src.StepRange)
	if n == nil {
		return
	}
	if n.Calls != "" {
		c.report(diag.TestUnknownStep, src.StepRange, "%s calls the recipe %s, which runs in the test, too. Its actions answer from their examples.", n.Address, n.Calls)
		return
	}
	if t.Mocks[n.Address] != nil {
		c.report(diag.DuplicateBlock, src.Range, "The test has another mock of %s, on line %d. What it answers one call after the other is a sequence.", n.Address, t.Mocks[n.Address].Range.Start.Line)
		return
	}
	m := &Mock{Range: src.Range, Each: map[string][]*Answer{}}
	t.Mocks[n.Address] = m
	if len(src.Each) == 0 || src.Result != nil || src.Sequence != nil || !empty(src.ErrorRange) {
		m.Answers = c.answers(n, src.Answer, src.Range)
	}
	for _, e := range src.Each {
		if n.ForEach == nil {
			c.report(diag.TestUnknownStep, e.Range, "%s has no for_each, so that it has no element %q.", n.Address, e.Key)
		}
		m.Each[e.Key] = c.answers(n, e.Answer, e.Range)
	}
}

func empty(r hcl.Range) bool { return r == hcl.Range{} }

func (c *checker) answers(n *check.Node, a syntax.Answer, rng hcl.Range) []*Answer {
	given := 0
	for _, there := range []bool{a.Result != nil, a.Sequence != nil, !empty(a.ErrorRange)} {
		if there {
			given++
		}
	}
	if given != 1 {
		c.report(diag.TestAnswer, rng, "A mock says one thing: result = { … }, error { kind = \"…\" }, or sequence = [{ error = { kind = \"…\" } }, { result = { … } }].")
		return nil
	}
	switch {
	case a.Result != nil:
		return []*Answer{c.result(n, c.value(a.Result.Expr), a.Result.Expr, a.Result.Expr.Range())}
	case a.Sequence == nil:
		return []*Answer{{Range: a.ErrorRange, Error: c.failure(a.Error, a.ErrorRange, true)}}
	}
	v := c.value(a.Sequence.Expr)
	cons, ok := a.Sequence.Expr.(*hclsyntax.TupleConsExpr)
	if !ok || v.IsKnown() && v.LengthInt() == 0 {
		c.report(diag.TestAnswer, a.Sequence.Expr.Range(), "A sequence is a list of answers, one for each call: [{ error = { kind = \"server\" } }, { result = { … } }].")
		return nil
	}
	var out []*Answer
	for _, x := range cons.Exprs {
		out = append(out, c.oneOfSequence(n, x))
	}
	return out
}

// oneOfSequence checks { result = … } or { error = … }.
func (c *checker) oneOfSequence(n *check.Node, x hclsyntax.Expression) *Answer {
	out := &Answer{Range: x.Range(), Result: cty.NullVal(cty.DynamicPseudoType)}
	count := 0
	c.members(x, func(name string, rng hcl.Range, v cty.Value, inner hclsyntax.Expression) {
		count++
		switch name {
		case "result":
			out = c.result(n, v, inner, rng)
		case "error":
			cons, _ := inner.(*hclsyntax.ObjectConsExpr)
			if cons == nil {
				c.report(diag.TestAnswer, rng, "An error is an object: { kind = \"server\", message = \"…\" }.")
				return
			}
			var args []*syntax.Arg
			for _, item := range cons.Items {
				if k, diags := item.KeyExpr.Value(nil); !diags.HasErrors() && isKnown(k, cty.String) {
					args = append(args, &syntax.Arg{Name: k.AsString(), NameRange: item.KeyExpr.Range(), Expr: item.ValueExpr})
				}
			}
			out.Error = c.failure(args, cons.Range(), true)
		default:
			c.report(diag.TestAnswer, rng, "An answer of a sequence has no %q: it is { result = { … } } or { error = { kind = \"…\" } }.", name)
		}
	})
	if count != 1 {
		c.report(diag.TestAnswer, x.Range(), "An answer of a sequence is { result = { … } } or { error = { kind = \"…\" } }.")
	}
	return out
}

func (c *checker) result(n *check.Node, v cty.Value, x hclsyntax.Expression, rng hcl.Range) *Answer {
	switch {
	case !v.IsKnown():
	case n.Action.Out == nil && (v.IsNull() || !v.RawEquals(cty.EmptyObjectVal)):
		c.report(diag.TestAnswer, rng, "%s answers nothing that a recipe could read: that it succeeds is result = {}.", n.Action.Name)
	case n.Action.Out == nil:
	case v.IsNull() && !n.Action.OutMayBeNull:
		c.report(diag.TestValue, rng, "The answer of %s is never null.", n.Action.Name)
	case n.Latest != nil && !v.IsNull():
		c.fit(v, x, rng, &schema.Type{Kind: schema.KindObject, Object: n.Latest.Payload})
	default:
		c.fit(v, x, rng, &schema.Type{Kind: schema.KindObject, Object: n.Action.Out})
	}
	return &Answer{Range: rng, Result: v}
}

// failure checks what stands in an error block. A mocked one needs a kind.
func (c *checker) failure(args []*syntax.Arg, rng hcl.Range, mocked bool) *Failure {
	f := &Failure{}
	known := []string{"kind", "message", "status", "step"}
	if mocked {
		known = []string{"kind", "message", "retry_after", "status"}
	}
	for _, a := range args {
		switch {
		case !slices.Contains(known, a.Name):
			c.report(diag.TestUnknownName, a.NameRange, "An error has no %q here.%s It has %s.", a.Name, diag.DidYouMean(a.Name, known), strings.Join(known, ", "))
			c.mend(diag.Suggest(a.Name, known))
		case a.Name == "kind":
			f.Kind, _ = c.text(a.Expr, "a kind of error")
			if f.Kind != "" && !slices.Contains(c.Kinds, f.Kind) {
				c.report(diag.TestValue, a.Expr.Range(), "%q is no kind of error.%s The kinds are %s.", f.Kind, diag.DidYouMean(f.Kind, c.Kinds), strings.Join(c.Kinds, ", "))
				c.mendText(f.Kind, c.Kinds)
			}
		case a.Name == "message":
			f.Message, _ = c.text(a.Expr, "a message")
		case a.Name == "step":
			if text, ok := c.text(a.Expr, "a step"); ok {
				if n := c.node(check.Action, text, a.Expr.Range()); n != nil {
					f.Step = n.Address
				}
			}
		case a.Name == "retry_after":
			f.RetryAfter, _ = c.duration(a.Expr)
		default:
			if n, ok := c.whole(a.Expr); ok {
				f.Status = *n
			}
		}
	}
	if mocked && f.Kind == "" && !slices.ContainsFunc(args, func(a *syntax.Arg) bool { return a.Name == "kind" }) {
		c.report(diag.TestAnswer, rng, "An error has a kind, for example: kind = \"server\".")
	}
	return f
}

func (c *checker) expect(src *syntax.Expect, events int) *Expect {
	e := &Expect{Kind: src.Kind, Range: src.Range, Name: src.Name}
	switch src.Kind {
	case syntax.ExpectAction:
		e.Node = c.node(check.Action, src.Name, src.NameRange)
	case syntax.ExpectWait:
		e.Node = c.node(check.Wait, src.Name, src.NameRange)
	}
	for _, a := range src.Args {
		c.expectArg(e, a, events)
	}
	if !empty(src.ErrorRange) {
		e.Error = c.failure(src.Error, src.ErrorRange, false)
	}
	if e.Kind == syntax.ExpectState && src.Arg("value") == nil {
		c.report(diag.MissingArg, src.Range, "Say what is kept: value = 3; null for nothing.")
	}
	return e
}

func (c *checker) expectArg(e *Expect, a *syntax.Arg, events int) {
	x := a.Expr
	switch a.Name {
	case "outcome":
		if text, ok := c.text(x, "an outcome"); ok {
			if e.Outcome = &text; !slices.Contains(Outcomes(), text) {
				c.report(diag.TestValue, x.Range(), "%q is no outcome.%s The outcomes are %s.", text, diag.DidYouMean(text, Outcomes()), strings.Join(Outcomes(), ", "))
				c.mendText(text, Outcomes())
			}
		}
	case "by":
		if text, ok := c.text(x, "what stopped the run"); ok {
			e.By = &text
			c.gate(text, x.Range())
		}
	case "order":
		c.elements(x, func(v cty.Value, rng hcl.Range) {
			if isKnown(v, cty.String) {
				if n := c.node(check.Action, v.AsString(), rng); n != nil {
					e.Order = append(e.Order, n.Address)
				}
			}
		})
	case "event":
		if n, ok := c.whole(x); ok {
			if e.Event = *n; e.Event < 1 || e.Event > events {
				c.report(diag.TestValue, x.Range(), "The test has events 1 to %d.", events)
			}
		}
	case "calls":
		e.Calls, _ = c.whole(x)
	case "retries":
		e.Retries, _ = c.whole(x)
	case "each":
		if text, ok := c.text(x, "an element"); ok {
			e.Each = &text
			if e.Node != nil && e.Node.ForEach == nil {
				c.report(diag.TestUnknownStep, x.Range(), "%s has no for_each, so that it has no element %q.", e.Node.Address, text)
			}
		}
	case "input":
		e.Input = c.value(x)
		c.input(e, e.Input, x, x.Range())
	case "inputs":
		e.Inputs = []cty.Value{}
		cons, _ := x.(*hclsyntax.TupleConsExpr)
		c.elements(x, func(v cty.Value, rng hcl.Range) {
			var inner hclsyntax.Expression
			if cons != nil {
				inner = cons.Exprs[len(e.Inputs)]
			}
			c.input(e, v, inner, rng)
			e.Inputs = append(e.Inputs, v)
		})
	case "timed_out":
		if v := c.value(x); isKnown(v, cty.Bool) {
			b := v.True()
			e.TimedOut = &b
		} else if v.IsKnown() {
			c.report(diag.TestValue, x.Range(), "timed_out is true or false.")
		}
	case "until":
		c.until(e, x)
	case "value":
		e.Value = c.value(x)
	}
}

func (c *checker) until(e *Expect, x hclsyntax.Expression) {
	text, ok := c.text(x, "the end of a wait")
	if !ok {
		return
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		e.Until = &at
		return
	}
	d, err := schema.ParseDuration(text)
	if err != nil {
		c.report(diag.TestValue, x.Range(), "%q is neither a time, such as \"2026-01-04T00:00:00Z\", nor how long after its beginning the wait ends, such as \"72h\".", text)
		return
	}
	e.After = &d
}

func (c *checker) elements(x hclsyntax.Expression, f func(v cty.Value, rng hcl.Range)) {
	v := c.value(x)
	if !v.IsKnown() {
		return
	}
	if v.IsNull() || !v.Type().IsTupleType() && !v.Type().IsListType() {
		c.report(diag.TestValue, x.Range(), "It is a list: [ … ].")
		return
	}
	cons, _ := x.(*hclsyntax.TupleConsExpr)
	i := 0
	for it := v.ElementIterator(); it.Next(); i++ {
		_, elem := it.Element()
		rng := x.Range()
		if cons != nil && i < len(cons.Exprs) {
			rng = cons.Exprs[i].Range()
		}
		f(elem, rng)
	}
}

func (c *checker) input(e *Expect, v cty.Value, x hclsyntax.Expression, rng hcl.Range) {
	if e.Node == nil || !v.IsKnown() {
		return
	}
	if v.IsNull() {
		c.report(diag.TestValue, rng, "An input is an object: { name = value }.")
		return
	}
	c.fit(v, x, rng, &schema.Type{Kind: schema.KindObject, Object: leftOut(e.Node.Action.In)})
}

// leftOut is the shape of an input of which any field may be expected to be left out, that is, null.
func leftOut(o *schema.Object) *schema.Object {
	n := nullable(o)
	n.Open = o.Open
	return n
}

// gate looks what stopped a run up among what could: filters by label or address, settings of triggers, flow control.
func (c *checker) gate(by string, rng hcl.Range) {
	known := Stoppers(c.recipe)
	if !slices.Contains(known, by) {
		c.report(diag.TestUnknownStep, rng, "Recipe %s has no filter %q.%s", c.recipe.Name, by, diag.DidYouMean(by, known))
		c.mendText(by, known)
	}
}

// Stoppers are what can hold an event or a run of the recipe back: filters by label and by address, settings of triggers,
// flow control.
func Stoppers(r *check.Recipe) []string {
	known := []string{"deduplicate", "rate_limit", "debounce", "concurrency", "limits", "paused"}
	for _, n := range r.Nodes {
		if n.Latest != nil && !slices.Contains(known, "latest") {
			known = append(known, "latest")
		}
		if n.Kind == check.Filter {
			known = append(known, n.Address)
			if n.Name != "" {
				known = append(known, n.Name)
			}
		}
	}
	for _, t := range r.Triggers {
		for _, g := range t.Guards {
			known = append(known, g.Setting)
		}
	}
	return known
}

// Steps are the names by which tests know a recipe's actions, or its waits: "customer", and "on_error.tell" for one of
// on_error.
func Steps(r *check.Recipe, kind check.NodeKind) []string {
	var out []string
	for _, n := range slices.Concat(r.Nodes, r.OnError) {
		if n.Kind == kind && n.Latest == nil {
			out = append(out, shortAddress(n))
		}
	}
	return out
}

func shortAddress(n *check.Node) string {
	word := "action."
	if n.Kind == check.Wait {
		word = "wait."
	}
	return strings.Replace(n.Address, word, "", 1)
}

// Step finds an action or a wait by the name that tests have for it, or by its address; nil where there is none.
func Step(r *check.Recipe, kind check.NodeKind, name string) *check.Node {
	for _, n := range slices.Concat(r.Nodes, r.OnError) {
		if n.Kind == kind && n.Latest == nil && (name == n.Address || name == shortAddress(n)) {
			return n
		}
	}
	return nil
}
