package lang_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/langtest"
	"github.com/flowrun/flowrun/lang/schema"
)

// TestWhatPassesRuns is the checker's promise: a recipe that passes does not fail at run time on any payload of the
// declared shape, nulls and absences included. Recipes and payloads are random, from a fixed seed.
func TestWhatPassesRuns(t *testing.T) {
	g := &generator{Rand: rand.New(rand.NewPCG(1, 2))}
	cat := langtest.Catalog()
	funcs := eval.Table()
	passed, ran := 0, 0
	for range 2000 {
		text := g.recipe()
		p, diags := lang.CompileFiles(map[string][]byte{"a.hcl": []byte(text)}, cat)
		if diags.HasErrors() {
			continue
		}
		passed++
		r := p.Recipe("a")
		for range 8 {
			raw := g.payload(r.Triggers[0].Payload)
			trigger, drift, err := r.Triggers[0].Payload.Decode(raw, r.Reads)
			if err != nil || len(drift) > 0 {
				t.Fatalf("decoding %s: %v %v", raw, drift, err)
			}
			var locals []eval.Local
			for _, l := range r.Locals {
				locals = append(locals, eval.Local{Name: l.Name, Expr: l.Expr})
			}
			scope := eval.NewScope(funcs, locals)
			scope.Set("trigger", trigger)
			scope.Set("event", cty.ObjectVal(map[string]cty.Value{"type": cty.StringVal("charge.failed"), "account": cty.NullVal(cty.String)}))
			done, err := runNodes(scope, r)
			if err != nil && dependsOnValues.MatchString(err.Error()) {
				continue
			}
			if err != nil {
				t.Fatalf("%v\n%s\n%s", err, text, raw)
			}
			if done {
				ran++
			}
		}
	}
	if passed < 300 || ran < 500 {
		t.Errorf("%d recipes passed and %d runs came to an action: too few to say anything", passed, ran)
	}
}

// dependsOnValues are failures that no shape tells: texts that are empty, or too long.
var dependsOnValues = regexp.MustCompile(`every argument is null or an empty string|is longer than \d+ bytes`)

// runNodes does what an engine does with filters, when and inputs.
func runNodes(scope *eval.Scope, r *check.Recipe) (done bool, err error) {
	admitted := false
	for _, n := range r.Nodes {
		if c := r.Flow.Concurrency; c != nil && !n.Leading && !admitted {
			admitted = true
			v, err := scope.Value(c.Key)
			if err != nil {
				return false, fmt.Errorf("the key: %w", err)
			}
			if !v.IsNull() && !v.Type().IsPrimitiveType() {
				return false, fmt.Errorf("the key: it is %s", v.Type().FriendlyName())
			}
		}
		if n.Kind == check.Filter {
			v, err := scope.Value(n.Condition)
			if err != nil {
				return false, fmt.Errorf("the filter: %w", err)
			}
			if v.IsNull() {
				return false, fmt.Errorf("the filter is null")
			}
			if v.False() {
				return false, nil
			}
			continue
		}
		if n.When != nil {
			v, err := scope.Value(n.When)
			if err != nil || v.IsNull() {
				return false, fmt.Errorf("when: %w", err)
			}
			if v.False() {
				return false, nil
			}
		}
		given := map[string]cty.Value{}
		for _, in := range n.Inputs {
			v, err := scope.Value(in.Expr)
			if err != nil {
				return false, fmt.Errorf("%s: %w", in.Field.Name, err)
			}
			given[in.Field.Name] = v
		}
		if _, err := n.Action.In.Convert(cty.ObjectVal(given)); err != nil {
			return false, fmt.Errorf("converting the input: %w", err)
		}
	}
	return true, nil
}

type generator struct {
	*rand.Rand
	sober bool     // only what is never null
	names []string // texts that a loop binds
}

func (g *generator) pick(options ...string) string { return options[g.IntN(len(options))] }

// recipe writes a recipe with a random expression in a few places, and harmless ones elsewhere: the more there are, the
// fewer recipes pass.
func (g *generator) recipe() string {
	or := func(odds int, random func(int) string, depth int, otherwise string) string {
		if g.IntN(odds) == 0 {
			return random(depth)
		}
		return otherwise
	}
	var b strings.Builder
	b.WriteString("trigger \"stripe_charge_failed\" {}\n\n")
	fmt.Fprintf(&b, "locals {\n  s = %s\n  b = %s\n}\n\n", or(3, g.text, 2, "trigger.customer"), or(3, g.truth, 1, "trigger.customer != null"))
	for range g.IntN(4) {
		guard := g.place() + " != null"
		fmt.Fprintf(&b, "filter {\n  condition = %s\n}\n\n", or(3, g.truth, 2, guard))
	}
	fmt.Fprintf(&b, "action \"customerio_track\" {\n  id   = %s\n  name = %s\n  data = %s\n",
		or(4, g.text, 1, "trigger.id"), or(2, g.text, 2, `"x"`), or(2, g.any, 2, "null"))
	if g.IntN(6) == 0 {
		fmt.Fprintf(&b, "  timestamp = %s\n", g.number(1))
	}
	if g.IntN(5) == 0 {
		fmt.Fprintf(&b, "  when = %s\n", g.truth(1))
	}
	b.WriteString("}\n")
	if g.IntN(3) == 0 {
		fmt.Fprintf(&b, "\naction \"customerio_send_email\" {\n  transactional_message_id = 1\n  to = \"a@b.c\"\n  identifiers = { id = %s }\n  bcc = %s\n  headers = %s\n}\n",
			or(2, g.text, 1, "trigger.id"), or(2, g.list, 2, "[]"), or(2, g.texts, 1, "trigger.metadata"))
	}
	return b.String()
}

func (g *generator) place() string {
	return g.pick("trigger.customer", "trigger.failure_code", "trigger.billing_details.email", "trigger.billing_details.address",
		"trigger.payment_method_details", "trigger.payment_method_details.card", "trigger.refunds", "trigger.metadata.plan", "trigger.tags[0]", "local.s")
}

func (g *generator) text(depth int) string {
	if len(g.names) > 0 && g.IntN(3) == 0 {
		return g.pick(g.names...)
	}
	if g.sober && (depth == 0 || g.IntN(3) == 0) {
		return g.pick("trigger.currency", "trigger.status", `"text"`, "trigger.id", "event.id")
	}
	if depth == 0 || g.IntN(3) == 0 {
		return g.pick("trigger.currency", "trigger.customer", "trigger.failure_code", "trigger.status", "trigger.metadata.plan", "trigger.tags[0]",
			"trigger.billing_details.email", "trigger.billing_details.address.city", "trigger.payment_method_details.card.brand",
			"trigger.payment_method_details.type", "trigger.refunds.data[0].reason", "local.s", "event.account", `"text"`, "trigger.id", "trigger.metadata[trigger.id]")
	}
	d := depth - 1
	switch g.IntN(14) {
	case 0, 1:
		return fmt.Sprintf("coalesce(%s, %s)", g.text(d), g.text(d))
	case 2:
		return fmt.Sprintf("try(%s, %s)", g.text(d), g.text(d))
	case 3, 4:
		return fmt.Sprintf("(%s ? %s : %s)", g.truth(d), g.text(d), g.text(d))
	case 5:
		return fmt.Sprintf("%s(%s)", g.pick("upper", "lower", "trimspace", "title"), g.text(d))
	case 6:
		return fmt.Sprintf(`"a ${%s} b"`, g.any(d))
	case 7:
		place := g.place()
		return fmt.Sprintf("(%s != null ? %s : %s)", place, g.text(d), g.text(d))
	case 8:
		return fmt.Sprintf("join(\",\", %s)", g.list(d))
	case 9:
		return fmt.Sprintf("lookup(trigger.metadata, %s, %s)", g.text(d), g.text(d))
	case 10:
		return fmt.Sprintf("tostring(%s)", g.any(d))
	case 11:
		return fmt.Sprintf("element(%s, %s)", g.list(d), g.number(0))
	case 12:
		return fmt.Sprintf("substr(%s, 0, 2)", g.text(d))
	}
	return fmt.Sprintf("jsonencode(%s)", g.any(d))
}

func (g *generator) number(depth int) string {
	if g.sober && depth == 0 {
		return g.pick("trigger.amount", "trigger.amount_refunded", "5", "0")
	}
	if depth == 0 || g.IntN(3) == 0 {
		return g.pick("trigger.amount", "trigger.created", "5", "0", "trigger.refunds.data[0].amount", "trigger.payment_method_details.card.exp_month")
	}
	d := depth - 1
	switch g.IntN(6) {
	case 0:
		return fmt.Sprintf("(%s %s %s)", g.number(d), g.pick("+", "-", "*"), g.number(d))
	case 1:
		return fmt.Sprintf("length(%s)", g.list(d))
	case 2:
		return fmt.Sprintf("(%s ? %s : %s)", g.truth(d), g.number(d), g.number(d))
	case 3:
		return fmt.Sprintf("coalesce(%s, %s)", g.number(d), g.number(d))
	case 4:
		return fmt.Sprintf("try(%s, %s)", g.number(d), g.number(d))
	}
	return fmt.Sprintf("max(%s, %s)", g.number(d), g.number(d))
}

func (g *generator) truth(depth int) string {
	if g.sober && depth == 0 {
		return g.pick("trigger.paid", "trigger.livemode", "local.b", g.place()+" != null")
	}
	if depth == 0 || g.IntN(4) == 0 {
		return g.pick("trigger.paid", "trigger.disputed", "local.b", "trigger.livemode", g.place()+" != null", g.place()+" == null")
	}
	d := depth - 1
	switch g.IntN(9) {
	case 0, 1:
		return fmt.Sprintf("(%s && %s)", g.truth(d), g.truth(d))
	case 2, 3:
		return fmt.Sprintf("(%s || %s)", g.truth(d), g.truth(d))
	case 4:
		return fmt.Sprintf("!(%s)", g.truth(d))
	case 5:
		return fmt.Sprintf("%s == %s", g.text(d), g.text(d))
	case 6:
		return fmt.Sprintf("%s %s %s", g.number(d), g.pick("<", ">=", "==", "!="), g.number(d))
	case 7:
		return fmt.Sprintf("contains(%s, %s)", g.list(d), g.text(d))
	}
	return fmt.Sprintf("can(%s)", g.text(d))
}

func (g *generator) list(depth int) string {
	if g.sober && depth == 0 {
		return g.pick("trigger.tags", `["a", "b"]`, "values(trigger.metadata)", "keys(trigger.metadata)")
	}
	if depth == 0 || g.IntN(3) == 0 {
		return g.pick("trigger.tags", "[]", `["a", "b"]`, "trigger.refunds.data[*].reason", "values(trigger.metadata)")
	}
	d := depth - 1
	switch g.IntN(6) {
	case 0:
		return fmt.Sprintf("[for x in %s : %s]", g.list(d), g.pick("x", "upper(x)", `"${x}!"`, "coalesce(x, \"none\")", g.text(d)))
	case 1:
		return fmt.Sprintf("[for x in %s : upper(x) if x != null]", g.list(d))
	case 2:
		return fmt.Sprintf("concat(%s, %s)", g.list(d), g.list(d))
	case 3:
		return fmt.Sprintf("try(%s, [])", g.list(d))
	case 4:
		return fmt.Sprintf("[%s, %s]", g.text(d), g.text(d))
	}
	return fmt.Sprintf("%s(%s)", g.pick("reverse", "distinct", "sort", "compact"), g.list(d))
}

// texts writes a map of texts.
func (g *generator) texts(depth int) string {
	return g.pick(fmt.Sprintf("{ a = %s }", g.text(depth)), fmt.Sprintf("merge(trigger.metadata, { a = %s })", g.text(depth)),
		fmt.Sprintf("{ for k, v in trigger.metadata : k => %s }", g.text(depth)), fmt.Sprintf("tomap({ a = %s, b = %s })", g.text(depth), g.text(depth)))
}

func (g *generator) any(depth int) string {
	switch g.IntN(9) {
	case 0, 1:
		return g.text(depth)
	case 2:
		return g.number(depth)
	case 3:
		return g.truth(depth)
	case 4:
		return g.list(depth)
	case 5:
		return g.place()
	case 6:
		return fmt.Sprintf("merge(trigger.metadata, { a = %s })", g.text(max(0, depth-1)))
	case 7:
		return fmt.Sprintf("{ for k, v in trigger.metadata : k => %s }", g.pick("v", "upper(v)", g.text(max(0, depth-1))))
	}
	return fmt.Sprintf("{ a = %s, b = %s }", g.text(max(0, depth-1)), g.list(max(0, depth-1)))
}

// payload makes JSON of a shape.
func (g *generator) payload(o *schema.Object) []byte {
	raw, err := json.Marshal(g.object(o))
	if err != nil {
		panic(err)
	}
	return raw
}

func (g *generator) object(o *schema.Object) map[string]any {
	out := map[string]any{}
	for _, f := range o.Fields() {
		if !f.Required && g.IntN(3) == 0 {
			continue
		}
		if f.Nullable && g.IntN(3) == 0 {
			out[f.Name] = nil
			continue
		}
		out[f.Name] = g.value(f.Type)
	}
	return out
}

func (g *generator) value(t schema.Type) any {
	switch t.Kind {
	case schema.KindString:
		if len(t.Enum) > 0 {
			return g.pick(t.Enum...)
		}
		return t.Prefix + g.pick("a", "pro", "text", "12")
	case schema.KindNumber:
		return g.IntN(20)
	case schema.KindBool:
		return g.IntN(2) == 0
	case schema.KindList:
		out := make([]any, g.IntN(3))
		for i := range out {
			out[i] = g.value(*t.Elem)
		}
		return out
	case schema.KindMap:
		out := map[string]any{}
		for range g.IntN(3) {
			out[g.pick("plan", "a", "ch_pro")] = g.value(*t.Elem)
		}
		return out
	case schema.KindObject:
		return g.object(t.Object)
	}
	return map[string]any{"x": 1}
}
