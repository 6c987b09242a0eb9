package lang_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/langtest"
	"github.com/flowrun/flowrun/lang/schema"
)

// TestOutputsKeepTheirTypes holds that what an output evaluates to, once it has been written down and read again as a
// caller reads it, has the type that the checker promised the caller, and is null only where it said so.
func TestOutputsKeepTheirTypes(t *testing.T) {
	g := &generator{Rand: rand.New(rand.NewPCG(*seedFlag, 5))}
	all := eval.Functions()
	cat := langtest.Catalog()
	subjects := subjects(all)
	groups := map[string]int{}
	checked, nulls := 0, 0
	for i := range *recipesFlag {
		subject := subjects[i%len(subjects)]
		text := strings.Replace(g.cell("local", subject, all), "name = ", "name = \"x\"\n  when = 1 < 2\n  data = ", 1)
		text = text[:strings.Index(text, "action ")] + "output {\n  v = local.v\n}\n"
		p, diags := lang.CompileFiles(map[string][]byte{"a.hcl": []byte(text)}, cat)
		if syntaxError(diags) {
			t.Fatalf("%v\n%s", diags, text)
		}
		sound := true
		for _, d := range diags {
			// The recipe is started by an event, whose payload is richer than what is called with. That is the only mistake.
			if m, _ := diag.MetaOf(d); m.Code != diag.CallOnly && m.Code[2] != '5' {
				sound = false
			}
		}
		if !sound {
			continue
		}
		trial := newTrial(p)
		out := trial.r.Outputs[0]
		shape := schema.NewObject("output", schema.Field{Name: "v", Type: out.Type, Required: true, Nullable: out.Null})
		for n := range *payloadsFlag {
			raw := g.payloadOf(trial.r.Triggers[0].Payload, n)
			scope := trial.scope(decode(t, trial.r.Triggers[0].Payload, raw))
			if done, err := runNodes(scope, trial.r); err != nil || !done {
				continue
			}
			v, err := scope.Value(out.Expr)
			if err != nil {
				if !byValue.MatchString(err.Error()) && !ofDecoded(subject, err) {
					t.Errorf("%s: %v\n%s\n%s", subject, err, text, raw)
				}
				continue
			}
			written, err := schema.AppendJSON(nil, cty.ObjectVal(map[string]cty.Value{"v": v}))
			if err != nil {
				if !byValue.MatchString(err.Error()) {
					t.Errorf("%s: %v\n%s", subject, err, text)
				}
				continue
			}
			if schema.CheckJSON(written, schema.JSONLimits{}) != nil {
				continue // a number longer than any that is read again, of a payload that holds one
			}
			_, drifts, err := shape.Decode(written, &schema.Paths{All: true})
			if err != nil {
				t.Fatalf("%s: %v in %s\n%s", subject, err, written, text)
			}
			checked++
			if v.IsNull() {
				nulls++
			}
			if subject == "lookup" || out.Type.Kind == schema.KindAny {
				continue // nothing is promised of any value; and lookup's default keeps its type where what is looked into is an object that the checker takes for a map
			}
			for _, d := range drifts {
				if groups[subject]++; groups[subject] == 1 {
					t.Errorf("%s, %s, null %t: %v in %s\n%s\n%s", subject, out.Type.String(), out.Null, d, written, text, raw)
				}
			}
		}
	}
	t.Logf("%d outputs, %d of them null", checked, nulls)
	if checked < *recipesFlag || nulls == 0 {
		t.Errorf("%d outputs were looked at, %d of them null: too few to say anything", checked, nulls)
	}
}
