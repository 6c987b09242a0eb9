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
	g.Rand = rand.New(rand.NewPCG(3, 4))
	cat := langtest.Catalog()
	limits := readLimits(t)
	passed, ran := 0, 0
	for range 2000 {
		text := g.flowRecipe()
		p, diags := lang.CompileFiles(map[string][]byte{"a.hcl": []byte(text)}, cat)
		if diags.HasErrors() {
			continue
		}
		passed++
		for range 8 {
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
	if passed < 100 || ran < 2000 {
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

// flowRecipe writes a recipe with a look-up, a repeated one, a switch, a wait and steps that read them all.
func (g *generator) flowRecipe() string {
	var b strings.Builder
	maybe := func(odds int, format string, args ...any) {
		if g.IntN(odds) == 0 {
			fmt.Fprintf(&b, format, args...)
		}
	}
	b.WriteString("trigger \"stripe_charge_failed\" {}\n\nlocals {\n  s = coalesce(trigger.customer, trigger.id)\n")
	fmt.Fprintf(&b, "  b = trigger.customer != null\n  read = %s\n}\n\n", g.pick(g.answerText(), "null"))
	maybe(6, "filter {\n  condition = %s\n}\n\n", g.truth(0))
	b.WriteString("action \"stripe_customer_retrieve\" \"c\" {\n  customer = \"cus_1\"\n")
	maybe(3, "  when = %s\n", g.truth(0))
	maybe(3, "  on_error = \"continue\"\n")
	fmt.Fprintf(&b, "}\n\naction \"stripe_customer_retrieve\" \"l\" {\n  for_each = %s\n  customer = %s\n",
		g.pick("trigger.tags", "trigger.tags", "trigger.metadata", g.texts(0), `["a", null]`, "try(trigger.refunds.data, [])[*].reason"),
		g.pick("each.value", `"x${each.key}"`, `"y${each.key}"`))
	maybe(3, "  when = %s\n", g.pick(`"${each.key}" != "1"`, "each.value != null", "each.value == \"a\""))
	b.WriteString("}\n\nswitch {\n")
	g.cases(&b)
	b.WriteString("}\n\n")
	fmt.Fprintf(&b, "wait \"w\" {\n  event \"stripe_customer_updated\" {\n    match = %s\n  }\n  timeout = \"1h\"\n}\n\n",
		g.pick("incoming.trigger.id == trigger.customer", "incoming.trigger.email != null && upper(incoming.trigger.email) == \"A\"", "incoming.event.type == trigger.status"))
	maybe(8, "filter {\n  condition = %s\n}\n\n", g.answerTruth())
	fmt.Fprintf(&b, "action \"customerio_track\" \"last\" {\n  id = trigger.id\n  name = %s\n  data = { a = %s }\n",
		g.pick(g.answerText(), "local.s", `"x"`), g.pick(g.answerText(), "action.l", "wait.w", "local.b"))
	maybe(6, "  when = %s\n", g.answerTruth())
	fmt.Fprintf(&b, "}\n\non_error {\n  action \"customerio_track\" \"failed\" {\n    id = %s\n    name = \"${error.kind} %s\"\n  }\n}\n",
		g.pick("trigger.id", "trigger.id", g.answerText()), g.pick("", "${error.message}", "${error.message}", "${error.status}"))
	return b.String()
}

func (g *generator) cases(b *strings.Builder) {
	labels := [][]string{{"a"}, {"12", "pro"}}
	switch g.IntN(5) {
	case 0:
		b.WriteString("  on = trigger.status\n")
		labels = [][]string{{"failed"}, {"succeeded", "pending"}}
	case 1:
		fmt.Fprintf(b, "  on = %s\n", g.number(0))
		labels = [][]string{{"5"}, {"0", "12"}}
	case 2:
		fmt.Fprintf(b, "  on = %s\n", g.truth(0))
		labels = [][]string{{"true"}, {"false"}}
	case 3:
		b.WriteString("  on = trigger.failure_code\n")
	default:
		fmt.Fprintf(b, "  on = %s\n", g.text(0))
	}
	inside := func(name string) {
		fmt.Fprintf(b, "    action \"customerio_track\" %q {\n      id = %s\n      name = %s\n    }\n", name,
			g.pick("trigger.id", "action.inner.id"), g.pick("action.inner.id", "action.inner.id", `"x"`, "coalesce(trigger.failure_code, action.inner.id)", "trigger.failure_code", g.answerText()))
	}
	fmt.Fprintf(b, "  case %q {\n", labels[0][0])
	if g.IntN(2) == 0 {
		fmt.Fprintf(b, "    filter {\n      condition = %s\n    }\n", g.pick("trigger.customer != null", g.truth(0)))
	}
	b.WriteString("    action \"stripe_customer_retrieve\" \"inner\" {\n      customer = \"cus_1\"\n    }\n")
	inside("one")
	fmt.Fprintf(b, "  }\n  case %q {\n", labels[1][0])
	fmt.Fprintf(b, "    action \"customerio_track\" \"two\" {\n      id = trigger.id\n      name = %s\n    }\n", g.pick("trigger.failure_code", `"x"`, `"x"`))
	b.WriteString("  }\n")
	if len(labels[1]) > 1 {
		fmt.Fprintf(b, "  case %q {}\n", labels[1][1])
	}
	if g.IntN(6) > 0 {
		fmt.Fprintf(b, "  default {\n    action \"customerio_track\" \"three\" {\n      id = trigger.id\n      name = %s\n    }\n  }\n", g.pick("trigger.failure_code", `"x"`, `"y"`, `"z"`))
	}
}

// answerText reads what steps answered, guarded in one way or another, or not.
func (g *generator) answerText() string {
	place := g.pick("action.c", "action.inner", "action.l[0]", `action.l["plan"]`, "wait.w.trigger", "wait.w.event")
	field := g.pick("id", "email", "name")
	if place == "wait.w.event" {
		field = g.pick("id", "type", "account")
	}
	read := place + "." + field
	switch g.IntN(9) {
	case 0:
		return read
	case 1, 2:
		return fmt.Sprintf("%s != null ? %s : null", place, read)
	case 3:
		return fmt.Sprintf("try(coalesce(%s, \"none\"), \"none\")", read)
	case 4:
		return fmt.Sprintf("(%s ? \"late\" : wait.w.trigger.%s)", g.pick("wait.w.timed_out", "wait.w.timed_out == true", "wait.w.timed_out != false"), g.pick("id", "email"))
	case 5:
		return fmt.Sprintf("(%s ? wait.w.event.id : wait.w.trigger.id)", g.pick("!wait.w.timed_out", "wait.w.timed_out == false", "wait.w.timed_out"))
	case 6:
		return fmt.Sprintf("join(\",\", [for x in action.l : x.id%s])", g.pick("", " if x != null"))
	case 7:
		return fmt.Sprintf("(%s == null || %s == null ? \"none\" : %s)", place, read, read)
	}
	return g.pick(`"${length(action.l)}"`, "trigger.id", "jsonencode(action.l)")
}

func (g *generator) answerTruth() string {
	return g.pick("!wait.w.timed_out", "wait.w.timed_out", "action.c != null", "action.inner != null && action.c != null", "length(action.l) > 0",
		g.answerText()+` == "x"`, "wait.w.trigger != null && action.c == null", g.answerText()+" != null")
}
