package check_test

import (
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/eval"
)

// TestMissingElementsAreNull evaluates reads of what is not there: as the checker says, they are null.
func TestMissingElementsAreNull(t *testing.T) {
	trigger := cty.ObjectVal(map[string]cty.Value{
		"id":       cty.StringVal("ch_1"),
		"metadata": cty.MapVal(map[string]cty.Value{"plan": cty.StringVal("pro")}),
		"tags":     cty.ListValEmpty(cty.String),
	})
	secret := cty.MapVal(map[string]cty.Value{"a": cty.StringVal("x")}).Mark(eval.Secret)
	for source, want := range map[string]cty.Value{
		`trigger.metadata.plan`:                                   cty.StringVal("pro"),
		`trigger.metadata.none`:                                   cty.NullVal(cty.String),
		`trigger.metadata["none"]`:                                cty.NullVal(cty.String),
		`trigger.metadata[trigger.id]`:                            cty.NullVal(cty.String),
		`(trigger.metadata).none`:                                 cty.NullVal(cty.String),
		`trigger.tags[0]`:                                         cty.NullVal(cty.String),
		`trigger.tags[length(trigger.tags)]`:                      cty.NullVal(cty.String),
		`[for k in ["plan", "b"] : trigger.metadata[k]]`:          cty.TupleVal([]cty.Value{cty.StringVal("pro"), cty.NullVal(cty.String)}),
		`[trigger.metadata, tomap({})][*].plan`:                   cty.TupleVal([]cty.Value{cty.StringVal("pro"), cty.NullVal(cty.DynamicPseudoType)}),
		`coalesce(trigger.metadata.none, "x")`:                    cty.StringVal("x"),
		`"${coalesce(trigger.tags[0], "none")}!"`:                 cty.StringVal("none!"),
		`trigger.metadata.none == null ? "a" : "b"`:               cty.StringVal("a"),
		`try(upper(trigger.metadata.none), "failed")`:             cty.StringVal("failed"),
		`{ a = trigger.tags[0] }.a`:                               cty.NullVal(cty.String),
		`[trigger.tags[0], trigger.id][1]`:                        cty.StringVal("ch_1"),
		`lookup(trigger.metadata, "none", trigger.tags[0])`:       cty.NullVal(cty.String),
		`!(trigger.tags[0] != null)`:                              cty.True,
		`[for m in [trigger.metadata] : m.x if m.y == null]`:      cty.TupleVal([]cty.Value{cty.NullVal(cty.String)}),
		`{ for k, v in trigger.metadata : k => trigger.tags[1] }`: cty.ObjectVal(map[string]cty.Value{"plan": cty.NullVal(cty.String)}),
	} {
		t.Run(source, func(t *testing.T) {
			text := "trigger \"stripe_charge_failed\" {}\n\naction \"customerio_track\" {\n  id   = \"x\"\n  name = \"y\"\n  data = " + source + "\n}\n"
			result, diags := compile(t, map[string][]byte{"a.hcl": []byte(text)})
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			scope := eval.NewScope(eval.Table(), nil)
			scope.Set("trigger", trigger)
			got, err := scope.Value(result.Recipes[0].Nodes[0].Inputs[2].Expr)
			if err != nil {
				t.Fatal(err)
			}
			if !got.RawEquals(want) {
				t.Errorf("got %#v, want %#v", got, want)
			}
		})
	}
	t.Run("marks stay", func(t *testing.T) {
		text := "variable \"v\" {\n  type = map(string)\n  sensitive = true\n}\n\ntrigger \"stripe_charge_failed\" {}\n\naction \"stripe_webhook_endpoint_update\" {\n  url   = \"https://example.com\"\n  token = var.v[trigger.id]\n}\n"
		result, diags := compile(t, map[string][]byte{"a.hcl": []byte(text)})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		scope := eval.NewScope(eval.Table(), nil)
		scope.Set("trigger", trigger)
		scope.Set("var", cty.ObjectVal(map[string]cty.Value{"v": secret}))
		got, err := scope.Value(result.Recipes[0].Nodes[0].Inputs[1].Expr)
		if err != nil {
			t.Fatal(err)
		}
		if v, marked := eval.Unmark(got); !marked || !v.IsNull() {
			t.Errorf("got %#v", got)
		}
	})
}

// TestSoftReadsAreCharged: a read that may find nothing must not hide from the budget what it reads from.
func TestSoftReadsAreCharged(t *testing.T) {
	source := "trigger.id"
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		source = "[for " + name + " in trigger.tags : " + source + "]"
	}
	text := "trigger \"stripe_charge_failed\" {}\n\naction \"customerio_track\" {\n  id   = \"x\"\n  name = \"y\"\n  data = " + source + "[999]\n}\n"
	result, diags := compile(t, map[string][]byte{"a.hcl": []byte(text)})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	tags := make([]cty.Value, 10)
	for i := range tags {
		tags[i] = cty.StringVal("x")
	}
	scope := eval.NewScope(eval.Table(), nil)
	scope.Set("trigger", cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal("ch_1"), "tags": cty.ListVal(tags)}))
	if v, err := scope.Value(result.Recipes[0].Nodes[0].Inputs[2].Expr); err == nil {
		t.Errorf("evaluated to %#v", v)
	}
}
