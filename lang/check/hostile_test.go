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
