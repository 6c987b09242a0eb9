package check_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/schema"
)

// TestConstantIsConstant compares what the checker says of random filters with what they give for all values of a small
// world: where it says always, it is so for every payload that the filters above let through. It must also find most
// of what is constant, or it would pass by saying nothing.
func TestConstantIsConstant(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	found, constant := 0, 0
	for range 500 {
		filters := make([]string, 1+r.IntN(3))
		for i := range filters {
			filters[i] = randomCondition(r, 2)
		}
		text := constantRecipe(filters)
		result, diags := compile(t, map[string][]byte{"a.hcl": []byte(text)})
		if diags.HasErrors() || worldsOf(text) > 300 {
			continue
		}
		said := sayings(diags)
		alive := smallWorlds(t, result.Recipes[0].Triggers[0].Payload, text)
		for i, n := range result.Recipes[0].Nodes[:len(filters)] {
			if len(alive) == 0 {
				break
			}
			var pass []*eval.Scope
			for _, w := range alive {
				v, err := w.Value(n.Condition)
				if err != nil {
					t.Fatalf("%v\n%s", err, text)
				}
				if v.True() {
					pass = append(pass, w)
				}
			}
			truth := map[int]string{0: "always false", len(alive): "always true"}[len(pass)]
			if truth != "" {
				constant++
			}
			if s := said[filterLine(i)]; s != "" {
				if s != truth {
					t.Fatalf("filter %d is said to be %s; it is true for %d of %d\n%s", i+1, s, len(pass), len(alive), text)
				}
				found++
			}
			alive = pass
		}
	}
	if found < 50 || found*10 < constant*9 {
		t.Errorf("found %d of %d constant filters", found, constant)
	}
}

func constantRecipe(filters []string) string {
	var b strings.Builder
	b.WriteString("trigger \"stripe_charge_failed\" {}\n")
	for _, f := range filters {
		fmt.Fprintf(&b, "filter {\n  condition = %s\n}\n", f)
	}
	b.WriteString("action \"customerio_track\" {\n  id = trigger.id\n  name = \"x\"\n}\n")
	return b.String()
}

func filterLine(n int) int { return 3 + 3*n }

func sayings(diags hcl.Diagnostics) map[int]string {
	out := map[int]string{}
	for _, d := range diags {
		if m, _ := diag.MetaOf(d); m.Code != diag.ConstantFilter {
			continue
		}
		out[d.Subject.Start.Line] = "always true"
		if strings.HasPrefix(d.Detail, "This is always false") {
			out[d.Subject.Start.Line] = "always false"
		}
	}
	return out
}

// dimension is a place of a small world with values that tell all comparisons apart that randomCondition makes.
type dimension struct {
	name   string
	values []any
}

var dimensions = []dimension{
	{"amount", []any{0, 1, 2, 3, 4}},
	{"amount_refunded", []any{0.5, 1, 2, 3, 3.5}},
	{"status", []any{"succeeded", "pending", "failed"}},
	{"failure_code", []any{nil, "a", "b", "c"}},
	{"paid", []any{true, false}},
	{"disputed", []any{nil, true, false}},
	{"tags", []any{[]string{}, []string{"a"}, []string{"a", "b"}, []string{"a", "b", "c"}}},
}

// worldsOf is how many there are of them; where there are many, one recipe isn't worth the time.
func worldsOf(text string) int {
	n := 1
	for _, d := range dimensions {
		if strings.Contains(text, "trigger."+d.name) {
			n *= len(d.values)
		}
	}
	return n
}

// smallWorlds are all combinations of the values of those places that the text speaks of.
func smallWorlds(t *testing.T, payload *schema.Object, text string) []*eval.Scope {
	t.Helper()
	all := []map[string]any{{"id": "ch_1"}}
	for _, d := range dimensions {
		values := d.values
		if !strings.Contains(text, "trigger."+d.name) {
			values = values[:1]
		}
		var next []map[string]any
		for _, w := range all {
			for _, v := range values {
				more := maps.Clone(w)
				more[d.name] = v
				next = append(next, more)
			}
		}
		all = next
	}
	funcs := eval.Table()
	var out []*eval.Scope
	for _, w := range all {
		raw, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		v, _, err := payload.Decode(raw, &schema.Paths{All: true})
		if err != nil {
			t.Fatal(err)
		}
		s := eval.NewScope(funcs, nil)
		s.Set("trigger", v)
		out = append(out, s)
	}
	return out
}

func randomCondition(r *rand.Rand, depth int) string {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	if depth == 0 || r.IntN(4) == 0 {
		switch r.IntN(9) {
		case 0, 1:
			return fmt.Sprintf("trigger.amount %s %d", pick("==", "!=", "<", "<=", ">", ">="), 1+2*r.IntN(2))
		case 2:
			return fmt.Sprintf("%d %s trigger.amount_refunded", 1+2*r.IntN(2), pick("==", "!=", "<", "<=", ">", ">="))
		case 3:
			return fmt.Sprintf("trigger.status %s %q", pick("==", "!="), pick("succeeded", "pending", "failed"))
		case 4:
			return fmt.Sprintf("trigger.failure_code %s %s", pick("==", "!="), pick(`"a"`, `"b"`, "null"))
		case 5:
			return pick("trigger.paid", "trigger.paid == true", "trigger.disputed == true", "trigger.disputed != false", "trigger.disputed == null")
		case 6:
			return fmt.Sprintf("contains([%s, %s], trigger.status)", pick(`"failed"`, `"pending"`), pick(`"failed"`, `"succeeded"`))
		case 7:
			return fmt.Sprintf("length(trigger.tags) %s %d", pick("==", "!=", "<", ">="), r.IntN(3))
		}
		return pick("true", "false", "trigger.amount > trigger.amount_refunded", "1 < 2")
	}
	switch r.IntN(8) {
	case 0, 1, 2, 3:
		return fmt.Sprintf("(%s && %s)", randomCondition(r, depth-1), randomCondition(r, depth-1))
	case 4, 5:
		return fmt.Sprintf("(%s || %s)", randomCondition(r, depth-1), randomCondition(r, depth-1))
	case 6:
		return fmt.Sprintf("!%s", "("+randomCondition(r, depth-1)+")")
	}
	return fmt.Sprintf("(%s ? %s : %s)", randomCondition(r, depth-1), randomCondition(r, depth-1), randomCondition(r, depth-1))
}
