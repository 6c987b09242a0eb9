package lang_test

// The promise's other half: what is refused for null fails on some payload of the declared shape, and what is refused
// for a value that an enum doesn't have is the same for all of them. A checker that refuses everything keeps the first
// half.

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/langtest"
)

// onlyFor reports whether all errors have the code, and there is one.
func onlyFor(code diag.Code, diags hcl.Diagnostics) bool {
	found := false
	for _, d := range diags {
		m, _ := diag.MetaOf(d)
		if d.Severity == hcl.DiagError && m.Code != code {
			return false
		}
		found = found || m.Code == code
	}
	return found
}

// TestRefusedForNullFails evaluates what is refused for null all the same.
func TestRefusedForNullFails(t *testing.T) {
	g := &generator{Rand: rand.New(rand.NewPCG(*seedFlag, 6))}
	all := eval.Functions()
	cat := langtest.Catalog()
	cells := newCells(subjects(all), positions())
	refused, fine := 0, 0
	for i := range *recipesFlag / 2 {
		position, subject := cells.turn(i)
		text := g.cell(position, subject, all)
		p, diags := lang.CompileFiles(map[string][]byte{"a.hcl": []byte(text)}, cat)
		if !onlyFor(diag.MayBeNull, diags) {
			continue
		}
		refused++
		trial := newTrial(p)
		failed := false
		for n := 0; n < 256 && !failed; n++ {
			raw := g.payloadOf(trial.r.Triggers[0].Payload, n)
			scope := trial.scope(decode(t, trial.r.Triggers[0].Payload, raw))
			_, err := runNodes(scope, trial.r)
			failed = err != nil || countsAsFalse(scope, text, diags)
		}
		if !failed {
			if fine++; fine <= 10 {
				t.Logf("%s in %s: %v\n%s", subject, position, diags, text)
			}
		}
	}
	t.Logf("seed %d: %d recipes are refused for null; %d of them failed on no payload of 256", *seedFlag, refused, fine)
	if refused < *recipesFlag/20 {
		t.Errorf("%d recipes are refused for null: too few to say anything", refused)
	}
	if fine*50 > refused {
		t.Errorf("%d of %d recipes that are refused for null never fail", fine, refused)
	}
}

// countsAsFalse reports whether a null that was complained of is one that && or || takes for false: no failure, but
// nothing that its author meant.
func countsAsFalse(scope *eval.Scope, text string, diags hcl.Diagnostics) bool {
	for _, d := range diags {
		m, _ := diag.MetaOf(d)
		if m.Code != diag.MayBeNull || !strings.HasPrefix(d.Detail, "&& ") && !strings.HasPrefix(d.Detail, "|| ") {
			continue
		}
		x, bad := hclsyntax.ParseExpression(d.Subject.SliceBytes([]byte(text)), "part", hcl.InitialPos)
		if bad.HasErrors() {
			continue
		}
		if v, err := scope.Value(x); err == nil && v.IsNull() {
			return true
		}
	}
	return false
}

// TestRefusedForEnumIsConstant evaluates comparisons that are refused for a value that the enum doesn't have.
func TestRefusedForEnumIsConstant(t *testing.T) {
	g := &generator{Rand: rand.New(rand.NewPCG(*seedFlag, 7))}
	cat := langtest.Catalog()
	refused := 0
	for range *recipesFlag / 8 {
		place := g.pick("trigger.status", "local.status", "trigger.refunds.data[0].reason", "coalesce(trigger.status, \"failed\")", "(trigger.paid ? trigger.status : \"failed\")", "event.type")
		word := g.pick(`"failed"`, `"sent"`, `"Failed"`, `"fraud"`, `"duplicate"`, `"pending"`, `"charge.failed"`, `"charge.sent"`)
		cond := fmt.Sprintf(g.pick("%[1]s == %[2]s", "%[2]s == %[1]s", "%[1]s != %[2]s", "!(%[1]s == %[2]s)", "contains([%[2]s], coalesce(%[1]s, \"none\"))", "%[1]s == (%[2]s)"), place, word)
		text := fmt.Sprintf("trigger \"stripe_charge_failed\" {}\n\nlocals {\n  status = trigger.status\n}\n\nfilter {\n  condition = trigger.refunds != null\n}\n\nfilter {\n  condition = %s && local.status != null\n}\n\naction \"customerio_track\" {\n  id = trigger.id\n  name = \"x\"\n}\n", cond)
		p, diags := lang.CompileFiles(map[string][]byte{"a.hcl": []byte(text)}, cat)
		if !onlyFor(diag.NotInEnum, diags) {
			continue
		}
		refused++
		trial := newTrial(p)
		filter := trial.r.Nodes[slices.IndexFunc(trial.r.Nodes, func(n *check.Node) bool { return n.Index == 1 })]
		said := map[bool]bool{}
		for range 32 {
			raw := g.payload(trial.r.Triggers[0].Payload) // which has no values of the future
			trigger := decode(t, trial.r.Triggers[0].Payload, raw)
			if trigger.GetAttr("refunds").IsNull() {
				continue
			}
			v, err := trial.scope(trigger).Value(filter.Condition)
			if err != nil {
				t.Fatalf("%v\n%s\n%s", err, text, raw)
			}
			said[v.True()] = true
		}
		if len(said) > 1 {
			t.Errorf("%v, and it is true for some payload and false for another\n%s", diags[0].Detail, text)
		}
	}
	t.Logf("seed %d: %d recipes are refused for a value that an enum doesn't have", *seedFlag, refused)
	if refused < *recipesFlag/40 {
		t.Errorf("%d recipes are refused: too few to say anything", refused)
	}
}
