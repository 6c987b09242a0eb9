package check_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestHostileNesting checks texts that are small and would take for ever if the checker looked at anything twice for
// each level. There is no clock here: the test's own time limit is the assertion.
func TestHostileNesting(t *testing.T) {
	const depth = 30
	mixed := "trigger.paid"
	for n := range depth {
		op := "&&"
		if n%2 == 0 {
			op = "||"
		}
		mixed = fmt.Sprintf("(%s %s trigger.customer != null)", mixed, op)
	}
	conditional, compared := "trigger.paid", "trigger.paid"
	for range depth {
		conditional = fmt.Sprintf("(%s ? trigger.customer != null : trigger.paid)", conditional)
		compared = fmt.Sprintf("(trigger.paid == (%s ? true : trigger.livemode))", compared)
	}
	var locals strings.Builder
	locals.WriteString("locals {\n  l0 = trigger.paid\n")
	for n := range 200 {
		fmt.Fprintf(&locals, "  l%d = local.l%d && trigger.customer != null || local.l%d\n", n+1, n, n)
	}
	locals.WriteString("}\n")
	for name, condition := range map[string]string{
		"mixed":       mixed,
		"conditional": conditional,
		"compared":    compared,
		"locals":      "local.l200",
		"chain":       strings.Repeat("trigger.customer != null && ", 90) + "trigger.paid",
		"lists":       strings.Repeat("[", 40) + "trigger.id" + strings.Repeat("]", 40) + " == null",
	} {
		t.Run(name, func(t *testing.T) {
			text := "trigger \"stripe_charge_failed\" {}\n\n" + locals.String() + "filter {\n  condition = " + condition + "\n}\n"
			compile(t, map[string][]byte{"a.hcl": []byte(text)})
		})
	}
}

// TestHostileCalls checks recipes that call each other in a long chain, each giving back twice what it got.
func TestHostileCalls(t *testing.T) {
	const length = 200
	files := map[string][]byte{"r0.hcl": []byte("trigger \"recipe_call\" {}\n\noutput {\n  a = event.id\n}\n")}
	for n := range length {
		files[fmt.Sprintf("r%d.hcl", n+1)] = fmt.Appendf(nil, `trigger "recipe_call" {}

action "recipe_run" "x" {
  recipe = "r%d"
}

output {
  a = { l = action.x, r = action.x }
  b = [action.x, { a = action.x.a }]
  c = trigger == null ? action.x : action.x.a
}
`, n)
	}
	result, _ := compile(t, files)
	if len(result.Recipes) != length+1 {
		t.Errorf("%d recipes", len(result.Recipes))
	}
	files["r0.hcl"] = fmt.Appendf(nil, "trigger \"recipe_call\" {}\n\naction \"recipe_run\" \"x\" {\n  recipe = \"r%d\"\n}\n", length)
	_, diags := compile(t, files)
	if len(diags) != 1 || !strings.Contains(diags[0].Detail, "calls r0") {
		t.Errorf("%d problems, the first %v", len(diags), diags[0])
	}
}
