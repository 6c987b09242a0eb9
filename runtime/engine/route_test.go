package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/runtime"
)

// TestIndexDecidesAsExpressionsDo holds the index against what it stands for: for random recipes and random payloads,
// drifted ones included, deciding through the index must give what evaluating every filter in order gives.
func TestIndexDecidesAsExpressionsDo(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	conjuncts := []string{
		"trigger.amount >= %d", "trigger.amount > %d", "trigger.amount < %d", "%d >= trigger.amount", "trigger.amount == %d",
		`trigger.customer == "c%d"`, `trigger.customer != "c%d"`, "trigger.customer != null && trigger.amount != %d",
		"(trigger.note == null || trigger.amount == %d)", `trigger.status == "paid" && trigger.amount <= %d`, "trigger.paid && trigger.amount > %d",
		"!trigger.paid && trigger.amount < %d", "contains([1, 2, %d], trigger.amount)",
	}
	values := map[string][]string{
		"amount":   {"1", "2", "3", "4", "5", "2.5", "1e2", "null", `"3"`, ""},
		"customer": {`"c1"`, `"c2"`, `"c3"`, "null", "7", ""},
		"status":   {`"open"`, `"paid"`, `"other"`, "null"},
		"paid":     {"true", "false", "null", `"true"`},
		"note":     {`"x"`, "null", ""},
	}
	for range 15 {
		files := map[string]string{}
		for i := range 12 {
			var b strings.Builder
			b.WriteString("trigger \"acme_order_created\" {}\n")
			for range 1 + rng.IntN(3) {
				var parts []string
				for range 1 + rng.IntN(3) {
					parts = append(parts, fmt.Sprintf(conjuncts[rng.IntN(len(conjuncts))], rng.IntN(6)))
				}
				fmt.Fprintf(&b, "filter {\n  condition = %s\n}\n", strings.Join(parts, " && "))
			}
			b.WriteString("action \"acme_put\" {\n  name = \"x\"\n}\n")
			files[fmt.Sprintf("r%02d.hcl", i)] = b.String()
		}
		w := &world{t: t, vendor: &vendor{}, clock: nil}
		w.cfg.Registry = w.vendor.registry(t)
		raw := map[string][]byte{}
		for name, src := range files {
			raw[name] = []byte(src)
		}
		e := New(Config{Registry: w.cfg.Registry})
		p, bindings := compile(t, w.cfg.Registry, raw)
		g, err := e.newGeneration(p, bindings)
		if err != nil {
			t.Fatal(err)
		}
		for range 40 {
			var members []string
			for _, k := range []string{"amount", "customer", "status", "paid", "note"} {
				if v := values[k][rng.IntN(len(values[k]))]; v != "" {
					members = append(members, fmt.Sprintf("%q:%s", k, v))
				}
			}
			ev := &runtime.Event{Connection: "acme", Service: "acme", ID: "e", Type: "order.created",
				Payload: []byte(`{"object":{` + strings.Join(members, ",") + `}}`)}
			rt := g.route("acme", "order.created")
			got := verdicts(e.match(g, rt, ev, &eventWork{decision: &runtime.Decision{}}))
			want := verdicts(slowMatch(e, g, ev))
			if !slices.Equal(got, want) {
				for name, src := range files {
					t.Log(name + "\n" + src)
				}
				t.Fatalf("payload %s\nindex:       %v\nexpressions: %v", ev.Payload, got, want)
			}
		}
	}
}

// slowMatch is match without the index.
func slowMatch(e *Engine, g *generation, ev *runtime.Event) []*runner {
	object, previous := e.payload(ev)
	var runs []*runner
	for _, en := range g.route(ev.Connection, ev.Type).entries {
		r := e.newRunner(g, en.recipe, en.trigger, ev, nil)
		r.object, r.previous = object, previous
		if r.passLeading(leading(en.recipe)) {
			runs = append(runs, r)
		}
	}
	return runs
}

func verdicts(runs []*runner) []string {
	var out []string
	for _, r := range runs {
		v := r.rec.Name
		if r.run.Error != nil {
			v += " " + string(r.run.Error.Kind) + " at " + r.run.Error.Step
		}
		out = append(out, v)
	}
	return out
}

func TestEqualToIsHCLs(t *testing.T) {
	vals := []cty.Value{cty.StringVal("a"), cty.StringVal("1"), cty.NumberIntVal(1), cty.NumberFloatVal(1.5), cty.True, cty.False,
		cty.NullVal(cty.String), cty.NullVal(cty.DynamicPseudoType), cty.EmptyObjectVal}
	for _, a := range vals {
		for _, b := range vals {
			want := false
			switch {
			case a.IsNull() || b.IsNull():
				want = a.IsNull() && b.IsNull()
			case a.Type().Equals(b.Type()):
				want = a.Equals(b).True()
			}
			if got := equalTo(a, b); got != want {
				t.Errorf("equalTo(%#v, %#v) = %v", a, b, got)
			}
		}
	}
}

// BenchmarkDecide is the cost of deciding one event among recipes of which one takes it.
func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("recipes=%d", n), func(b *testing.B) {
			raw := map[string][]byte{"match.hcl": []byte(big)}
			for i := 1; i < n; i++ {
				cond := fmt.Sprintf(`trigger.customer == "nobody%d"`, i)
				if i%2 == 0 {
					cond = fmt.Sprintf("trigger.amount >= %d", 1000+i)
				}
				raw[fmt.Sprintf("r%d.hcl", i)] = []byte("trigger \"acme_order_created\" {}\nfilter {\n condition = " + cond + "\n}\naction \"acme_put\" {\n name = \"x\"\n}\n")
			}
			v := &vendor{}
			reg := v.registry(b)
			e := New(Config{Registry: reg})
			p, bindings := compile(b, reg, raw)
			g, err := e.newGeneration(p, bindings)
			if err != nil {
				b.Fatal(err)
			}
			ev := &runtime.Event{Connection: "acme", Service: "acme", ID: "e", Type: "order.created",
				Payload: []byte(`{"object":{"id":"o1","amount":100,"customer":"c1","status":"open","paid":false}}`)}
			b.ReportAllocs()
			for b.Loop() {
				if runs := e.match(g, g.route("acme", "order.created"), ev, &eventWork{decision: &runtime.Decision{}}); len(runs) != 1 {
					b.Fatal(len(runs))
				}
			}
		})
	}
}
