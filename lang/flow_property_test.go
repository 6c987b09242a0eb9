package lang_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/langtest"
	"github.com/flowrun/flowrun/lang/schema"
)

// TestWhatPassesFlows is the promise of TestWhatPassesRuns for what decides, waits and repeats: cases that are taken or
// not, waits that time out or don't, answers that are missing.
func TestWhatPassesFlows(t *testing.T) {
	g := &generator{}
	g.Rand = rand.New(rand.NewPCG(3**seedFlag, 4))
	cat := langtest.Catalog()
	limits := readLimits(t)
	passed, ran := 0, 0
	for range *recipesFlag / 2 {
		text := g.flowRecipe()
		p, diags := lang.CompileFiles(map[string][]byte{"a.hcl": []byte(text)}, cat)
		if diags.HasErrors() {
			continue
		}
		passed++
		for range *payloadsFlag {
			f := &flow{g: g, r: p.Recipe("a"), chosen: map[int]int{}, open: map[int]bool{}, waits: map[string]cty.Value{}}
			err := f.run(t)
			if err != nil && limits.excuse(text, err) {
				continue
			}
			if err != nil {
				t.Fatalf("%v\n%s\n%s", err, text, f.raw)
			}
			ran += f.calls
		}
	}
	t.Logf("%d recipes passed, with %d calls", passed, ran)
	if passed < *recipesFlag/4 || ran < passed**payloadsFlag {
		t.Errorf("%d recipes passed with %d calls: too few to say anything", passed, ran)
	}
}

// flow runs a recipe as an engine would, in the order it is written.
type flow struct {
	g      *generator
	r      *check.Recipe
	scope  *eval.Scope
	raw    []byte
	chosen map[int]int  // the case of each switch that was reached
	open   map[int]bool // gates
	waits  map[string]cty.Value
	calls  int
}

func (f *flow) run(t *testing.T) error {
	payload := f.r.Triggers[0].Payload
	f.raw = f.g.payload(payload)
	trigger, drift, err := payload.Decode(f.raw, f.r.Reads)
	if err != nil || len(drift) > 0 {
		t.Fatalf("decoding %s: %v %v", f.raw, drift, err)
	}
	var locals []eval.Local
	for _, l := range f.r.Locals {
		locals = append(locals, eval.Local{Name: l.Name, Expr: l.Expr})
	}
	f.scope = eval.NewScope(eval.Table(), locals)
	f.scope.Set("trigger", trigger)
	f.scope.Set("event", envelope("charge.failed"))
	for _, list := range [][]*check.Node{f.r.Nodes, f.r.OnError} {
		for _, n := range list {
			switch n.Kind {
			case check.Action:
				f.scope.SetAction(n.Name, cty.NullVal(cty.DynamicPseudoType))
			case check.Wait:
				f.waits[n.Name] = cty.NullVal(cty.DynamicPseudoType)
			}
		}
	}
	f.scope.Set("wait", cty.ObjectVal(f.waits))
	if err := f.nodes(f.r.Nodes); err != nil {
		return err
	}
	f.scope.Set("error", cty.ObjectVal(map[string]cty.Value{
		"step": cty.StringVal("action.c"), "message": cty.StringVal("m"), "kind": cty.StringVal("network"),
		"status": cty.NullVal(cty.Number), "attempts": cty.NumberIntVal(1),
	}))
	f.chosen, f.open = map[int]int{}, map[int]bool{}
	return f.nodes(f.r.OnError)
}

func envelope(event string) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{"type": cty.StringVal(event), "account": cty.NullVal(cty.String), "id": cty.StringVal("evt_1")})
}

func (f *flow) nodes(list []*check.Node) error {
	for _, n := range list {
		reached := true
		if n.Parent >= 0 {
			taken, ok := f.chosen[n.Parent]
			reached = ok && taken == n.Case
		}
		for _, gate := range n.Gates {
			reached = reached && f.open[gate]
		}
		if !reached {
			continue
		}
		if err := f.node(n); err != nil {
			return fmt.Errorf("%s: %w", n.Address, err)
		}
	}
	return nil
}

func (f *flow) node(n *check.Node) error {
	switch n.Kind {
	case check.Filter:
		v, err := f.scope.Value(n.Condition)
		if err != nil {
			return err
		}
		f.open[n.Index] = v.True()
		return nil
	case check.Wait:
		f.open[n.Index] = true
		return f.wait(n)
	case check.Switch:
		return f.decide(n)
	}
	if n.ForEach == nil {
		v, err := f.call(n)
		if err == nil {
			f.scope.SetAction(n.Name, v)
		}
		return err
	}
	coll, err := f.scope.Value(n.ForEach)
	if err != nil {
		return err
	}
	if coll.IsNull() || !coll.CanIterateElements() {
		return fmt.Errorf("for_each is %#v", coll)
	}
	var list []cty.Value
	byKey := map[string]cty.Value{}
	for it := coll.ElementIterator(); it.Next(); {
		k, v := it.Element()
		f.scope.Set("each", cty.ObjectVal(map[string]cty.Value{"key": k, "value": v}))
		answer, err := f.call(n)
		if err != nil {
			return err
		}
		list = append(list, answer)
		if k.Type() == cty.String {
			byKey[k.AsString()] = answer
		}
	}
	if coll.Type().IsMapType() || coll.Type().IsObjectType() {
		f.scope.SetAction(n.Name, cty.ObjectVal(byKey))
	} else {
		f.scope.SetAction(n.Name, cty.TupleVal(list))
	}
	return nil
}

func (f *flow) call(n *check.Node) (cty.Value, error) {
	nothing := cty.NullVal(cty.DynamicPseudoType)
	if n.When != nil {
		v, err := f.scope.Value(n.When)
		if err != nil {
			return nothing, fmt.Errorf("when: %w", err)
		}
		if v.False() {
			return nothing, nil
		}
	}
	given := map[string]cty.Value{}
	for _, in := range n.Inputs {
		v, err := f.scope.Value(in.Expr)
		if err != nil {
			return nothing, fmt.Errorf("%s: %w", in.Field.Name, err)
		}
		given[in.Field.Name] = v
	}
	if _, err := n.Action.In.Convert(cty.ObjectVal(given)); err != nil {
		return nothing, fmt.Errorf("converting the input: %w", err)
	}
	f.calls++
	missing := (n.ContinueOnError || n.Action.OutMayBeNull) && f.g.IntN(3) == 0
	if n.Action.Out == nil || missing {
		return nothing, nil
	}
	return f.answer(n.Action.Out)
}

func (f *flow) answer(o *schema.Object) (cty.Value, error) {
	v, _, err := o.Decode(f.g.payload(o), &schema.Paths{All: true})
	return v, err
}

func (f *flow) wait(n *check.Node) error {
	v := map[string]cty.Value{"timed_out": cty.False}
	if n.Wait.Until != nil {
		until, err := f.scope.Value(n.Wait.Until)
		if err != nil || until.IsNull() || until.Type() != cty.String {
			return fmt.Errorf("until is %#v: %w", until, err)
		}
	}
	if n.Wait.Event != nil {
		trigger, _, err := n.Wait.Event.Payload.Decode(f.g.payload(n.Wait.Event.Payload), n.Wait.Reads)
		if err != nil {
			return err
		}
		v["trigger"], v["event"] = trigger, envelope(n.Wait.Event.Events[0])
		f.scope.Set("incoming", cty.ObjectVal(map[string]cty.Value{"trigger": v["trigger"], "event": v["event"]}))
		if n.Wait.Match != nil {
			match, err := f.scope.Value(n.Wait.Match)
			if err != nil || match.IsNull() {
				return fmt.Errorf("match is %#v: %w", match, err)
			}
		}
		if f.g.IntN(2) == 0 {
			v["timed_out"], v["trigger"], v["event"] = cty.True, cty.NullVal(cty.DynamicPseudoType), cty.NullVal(cty.DynamicPseudoType)
		}
	}
	f.waits[n.Name] = cty.ObjectVal(v)
	f.scope.Set("wait", cty.ObjectVal(f.waits))
	return nil
}

func (f *flow) decide(n *check.Node) error {
	on, err := f.scope.Value(n.On)
	if err != nil {
		return err
	}
	last := -1
	for i, c := range n.Cases {
		if c.Default {
			last = i
		}
		for _, v := range c.Values {
			if on.IsNull() {
				continue
			}
			label, err := convert.Convert(v, on.Type())
			if err != nil {
				return fmt.Errorf("a label: %w", err)
			}
			if label.Equals(on).True() {
				f.chosen[n.Index] = i
				return nil
			}
		}
	}
	if last >= 0 {
		f.chosen[n.Index] = last
	} else if on.IsNull() || on.Type() == cty.Bool {
		return fmt.Errorf("no case takes %#v", on)
	}
	return nil
}

// flowRecipe writes a recipe with a look-up, a repeated one, a switch, a wait and steps that read them all. Each place is
// mostly one that passes, and sometimes one that need not: were all left to chance, hardly a recipe would pass.
func (g *generator) flowRecipe() string {
	g.sober = g.IntN(3) > 0
	var b strings.Builder
	maybe := func(odds int, format string, args ...any) {
		if g.IntN(odds) == 0 {
			fmt.Fprintf(&b, format, args...)
		}
	}
	b.WriteString("trigger \"stripe_charge_failed\" {}\n\nlocals {\n  s = coalesce(trigger.customer, trigger.id)\n")
	fmt.Fprintf(&b, "  b = trigger.customer != null\n  read = %s\n}\n\n", g.pick(g.answerText(late), "null"))
	maybe(6, "filter {\n  condition = %s\n}\n\n", g.condition())
	b.WriteString("action \"stripe_customer_retrieve\" \"c\" {\n  customer = \"cus_1\"\n")
	maybe(3, "  when = %s\n", g.condition())
	maybe(3, "  on_error = \"continue\"\n")
	fmt.Fprintf(&b, "}\n\naction \"stripe_customer_retrieve\" \"l\" {\n%s}\n\nswitch {\n", g.repeated())
	g.cases(&b)
	b.WriteString("}\n\n")
	fmt.Fprintf(&b, "wait \"w\" {\n  event \"stripe_customer_updated\" {\n    match = %s\n  }\n  timeout = \"1h\"\n}\n\n",
		g.pick("incoming.trigger.id == trigger.customer", "incoming.trigger.email != null && upper(incoming.trigger.email) == \"A\"", "incoming.event.id == trigger.id"))
	maybe(8, "filter {\n  condition = %s\n}\n\n", g.answerTruth())
	fmt.Fprintf(&b, "action \"customerio_track\" \"last\" {\n  id = trigger.id\n  name = %s\n  data = { a = %s }\n",
		g.pick(g.answerText(late), g.answerText(late), "local.s", "coalesce(local.read, \"x\")"),
		g.pick(g.answerText(late), "[for x in action.l : x == null ? null : x.id]", "wait.w.event", "local.b", "local.read"))
	maybe(6, "  when = %s\n", g.answerTruth())
	fmt.Fprintf(&b, "}\n\non_error {\n  action \"customerio_track\" \"failed\" {\n    id = %s\n    name = \"${error.kind} %s\"\n  }\n}\n",
		g.pick("trigger.id", "trigger.id", g.answerText(failed)), g.pick("", "${error.message}", "${error.attempts}", "${error.status == null ? 0 : error.status}", g.seldom("${error.status}", "")))
	return b.String()
}

// seldom is the first of the two once in a while.
func (g *generator) seldom(daring, safe string) string {
	if g.IntN(8) == 0 {
		return daring
	}
	return safe
}

// condition is mostly one that reads nothing that may be null.
func (g *generator) condition() string {
	if g.IntN(3) == 0 {
		return g.truth(0)
	}
	return g.pick("trigger.paid", "local.b", "trigger.customer != null", "trigger.amount > 5 || trigger.disputed == true", "trigger.refunds != null && length(trigger.refunds.data) > 0",
		"trigger.failure_code != null && trigger.failure_code != \"x\"", "contains(trigger.tags, \"a\")")
}

// repeated writes the arguments of a step that is done for each element of something.
func (g *generator) repeated() string {
	var each, customer, when string
	switch g.IntN(5) {
	case 0, 1:
		each, customer = "trigger.metadata", g.pick("each.value", "\"y${each.key}\"")
		when = g.pick("each.key != \"a\"", "each.value == \"a\"", "length(each.value) > 1")
	case 2:
		each, customer = g.pick("trigger.tags", `["a", "b"]`, "values(trigger.metadata)"), g.pick("each.value", "\"x${each.key}\"")
		when = g.pick("each.key > 0", "each.value == \"a\"")
	case 3:
		each, customer = g.pick(`["a", null]`, "try(trigger.refunds.data, [])[*].charge"), g.seldom("each.value", "coalesce(each.value, \"none\")")
		when = "each.value != null"
	default:
		each, customer, when = g.texts(0), g.pick("\"y${each.key}\"", "each.value"), "each.value != null"
	}
	if g.IntN(3) > 0 {
		when = ""
	} else {
		when = "  when = " + when + "\n"
	}
	return fmt.Sprintf("  for_each = %s\n  customer = %s\n%s", each, customer, when)
}

func (g *generator) cases(b *strings.Builder) {
	labels := [][]string{{"a"}, {"12", "pro"}}
	guard, open := "x", false
	switch g.IntN(6) {
	case 0:
		b.WriteString("  on = trigger.status\n")
		labels = [][]string{{"failed"}, {"succeeded", "pending"}}
		open = g.IntN(3) == 0
	case 1:
		fmt.Fprintf(b, "  on = %s\n", g.pick("trigger.amount", "length(trigger.tags)", g.number(0)))
		labels = [][]string{{"5"}, {"0", "12"}}
	case 2:
		fmt.Fprintf(b, "  on = %s\n", g.condition())
		labels = [][]string{{"true"}, {"false"}}
		open = g.IntN(3) == 0
	case 3, 4:
		b.WriteString("  on = trigger.failure_code\n")
		guard = "trigger.failure_code"
	default:
		fmt.Fprintf(b, "  on = %s\n", g.pick("trigger.id", "trigger.metadata.plan", g.text(1)))
		if strings.Contains(b.String(), "on = trigger.id") {
			labels = [][]string{{"ch_a"}, {"ch_12", "ch_pro"}}
		}
	}
	if guard == "x" {
		guard = `"x"`
	}
	fmt.Fprintf(b, "  case %q {\n", labels[0][0])
	if g.IntN(2) == 0 {
		fmt.Fprintf(b, "    filter {\n      condition = %s\n    }\n", g.pick("trigger.customer != null", "trigger.invoice != null", g.condition()))
	}
	b.WriteString("    action \"stripe_customer_retrieve\" \"inner\" {\n      customer = \"cus_1\"\n    }\n")
	fmt.Fprintf(b, "    action \"customerio_track\" \"one\" {\n      id = %s\n      name = %s\n    }\n",
		g.pick("trigger.id", "action.inner.id"), g.pick("action.inner.id", guard, "coalesce(trigger.failure_code, action.inner.id)", g.seldom("trigger.failure_code", guard), g.answerText(early)))
	fmt.Fprintf(b, "  }\n  case %q {\n", labels[1][0])
	fmt.Fprintf(b, "    action \"customerio_track\" \"two\" {\n      id = trigger.id\n      name = %s\n    }\n", g.seldom("trigger.failure_code", guard))
	b.WriteString("  }\n")
	if len(labels[1]) > 1 {
		fmt.Fprintf(b, "  case %q {}\n", labels[1][1])
	}
	if !open {
		fmt.Fprintf(b, "  default {\n    action \"customerio_track\" \"three\" {\n      id = trigger.id\n      name = %s\n    }\n  }\n", g.seldom("trigger.failure_code", `"x"`))
	}
}

// moment is where an expression stands, which tells what has been answered there.
type moment int

const (
	early  moment = iota // in a case, above the wait
	late                 // below all
	failed               // in on_error
)

// answerText reads what steps answered, guarded in one way or another, or once in a while not.
func (g *generator) answerText(at moment) string {
	places := []string{"action.c", "action.inner", "action.l[0]", `action.l[each]`, "wait.w.trigger", "wait.w.event"}
	if at == early {
		places = []string{"action.c", "action.inner"}
	}
	place := g.pick(places...)
	if place == "action.l[each]" {
		return `join(",", [for x in action.l : x.id if x != null])`
	}
	field := g.pick("id", "email", "name")
	if place == "wait.w.event" {
		field = g.pick("id", "type", "account")
	}
	read := place + "." + field
	timedOut := g.pick("wait.w.timed_out", "wait.w.timed_out == true", "wait.w.timed_out != false")
	arrived := g.pick("!wait.w.timed_out", "wait.w.timed_out == false", "wait.w.timed_out != true")
	switch g.IntN(9) {
	case 0:
		return g.seldom(read, "trigger.id")
	case 1:
		return fmt.Sprintf("(%s != null ? coalesce(%s, \"none\") : \"none\")", place, read)
	case 2:
		return g.seldom(fmt.Sprintf("(%s != null ? %s : null)", place, read), fmt.Sprintf("(%s != null && %s != null ? %s : \"none\")", place, read, read))
	case 3:
		return fmt.Sprintf("try(coalesce(%s, \"none\"), \"none\")", read)
	case 4, 5:
		if at == late && g.IntN(2) == 0 {
			return fmt.Sprintf("(%s ? \"late\" : %s)", timedOut, g.pick("wait.w.trigger.id", "wait.w.event.id", g.seldom("wait.w.trigger.email", "wait.w.event.type")))
		}
		if at == late {
			return fmt.Sprintf("(%s ? wait.w.event.id : %s)", arrived, g.seldom("wait.w.trigger.id", "trigger.id"))
		}
	case 6:
		if at == late {
			return fmt.Sprintf("join(\",\", [for x in action.l : x.id%s])", g.seldom("", " if x != null"))
		}
	case 7:
		return fmt.Sprintf("(%s == null || %s == null ? \"none\" : %s)", place, read, read)
	}
	if at == late {
		return g.pick(`"${length(action.l)}"`, "trigger.id", "jsonencode([for x in action.l : x == null ? \"\" : x.id])")
	}
	return "trigger.id"
}

func (g *generator) answerTruth() string {
	return g.pick("!wait.w.timed_out", "wait.w.timed_out", "action.c == null || action.c.delinquent == true", "length(action.l) > 0",
		g.answerText(late)+` == "x"`, "wait.w.trigger != null || action.inner != null", "can(action.l[0].id)")
}
