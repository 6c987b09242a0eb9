package lang_test

// What is secret stays secret, and what tells of a person is known to, through every function and every form of an
// expression: for the checker, which follows both, and for values, which carry a mark.

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/langtest"
	"github.com/flowrun/flowrun/lang/schema"
)

// marked is a catalogue whose charges have a secret and a personal field of every kind.
type marked struct{ schema.Catalog }

func (m marked) Trigger(name string) *schema.Trigger {
	t := *m.Catalog.Trigger(name)
	text, number, truth := schema.Type{Kind: schema.KindString}, schema.Type{Kind: schema.KindNumber}, schema.Type{Kind: schema.KindBool}
	fields := slices.Clone(t.Payload.Fields())
	for kind, ty := range map[string]schema.Type{
		"text": text, "number": number, "bool": truth, "list": text.ListOf(), "numbers": number.ListOf(), "bools": truth.ListOf(), "map": text.MapOf(),
		"lists": text.ListOf().ListOf(),
	} {
		fields = append(fields,
			schema.Field{Name: "secret_" + kind, Type: ty, Required: true, Secret: true},
			schema.Field{Name: "personal_" + kind, Type: ty, Required: true, Role: schema.RoleName})
	}
	for _, what := range []string{"secret", "personal"} {
		of := func(f schema.Field) schema.Field {
			if f.Secret = what == "secret"; !f.Secret {
				f.Role = schema.RoleName
			}
			return f
		}
		inner := schema.ObjectType(schema.NewObject("inner", of(schema.Field{Name: "text", Type: text, Required: true}), schema.Field{Name: "plain", Type: text, Required: true}))
		fields = append(fields,
			schema.Field{Name: what + "_object", Type: inner, Required: true},
			schema.Field{Name: what + "_objects", Type: inner.ListOf(), Required: true},
			schema.Field{Name: what + "_map_of_objects", Type: inner.MapOf(), Required: true})
	}
	slices.SortFunc(fields, func(a, b schema.Field) int { return strings.Compare(a.Name, b.Name) })
	t.Payload = schema.NewObject("charge", fields...)
	return &t
}

// forms are expressions with a marked part at each place where one can stand; @kind stands for it.
func forms() []string {
	return []string{
		"@text", "(@text)", `"a ${@text}"`, `"${@text}"`, `"%{ if @bool }a%{ endif }"`, `"%{ for x in @list }a%{ endfor }"`, `"%{ for x in ["a"] }${@text}%{ endfor }"`,
		"!@bool", "-@number", "@bool && trigger.paid", "trigger.paid && @bool", "@bool || trigger.paid", "trigger.paid || @bool",
		`@text == "a"`, `"a" != @text`, "@text == null", "@number < 1", "1 >= @number", "@number + 1", "1 - @number", "@number * 2", "@number / 2", "@number % 2",
		"@bool ? 1 : 2", `trigger.paid ? @text : "a"`, `trigger.paid ? "a" : @text`, "trigger.paid ? @map : {}", "@bool ? { a = 1 } : { a = 2 }", "@bool ? [1] : [2]",
		"[@text]", "[[@text]]", "{ a = @text }", "{ a = { b = [@text] } }", "{ (@text) = 1 }", `{ "${@text}" = 1 }`, "{ a = @text }.a", "[@text, 1][0]",
		"[for x in @list : x]", "[for x in @list : 1]", `[for x in ["a"] : @text]`, `[for x in ["a"] : x if @bool]`, "[for i, x in @list : i]",
		"{ for k, v in @map : k => 1 }", `{ for k in ["a"] : @text => 1 }`, `{ for k in ["a"] : k => @text }`, `{ for k in ["a"] : k => @text... }`, `{ for k in ["a"] : @text => 1... }`,
		"@list[0]", "trigger.tags[@number]", "trigger.metadata[@text]", "{ a = 1, b = 2 }[@text]", "@map.a", `@map["a"]`, "@list[*]", "@list.*", "[{ a = @text }][*].a", "@text[*]", "@text.*",
		"@object", "@object.text", "@objects", "@objects[0]", "@objects[*]", "@objects[*].text", "[for o in @objects : o]", "[for o in @objects : o.text]", "@map_of_objects", "@map_of_objects.a",
		"[for k, v in @object : v]", "{ a = @object }", "[@object]", "[@object][0]", "trigger.paid ? @object : null", "trigger",
		"local.marked", "try(@text, 1)", "try(trigger.raw.x, @text)", "can(@text)", "max([@number, 1]...)", "max(@number, trigger.refunds.data[*].amount...)", "join(\",\", [@list]...)",
		"jsonencode(@object)", "merge({ a = 1 }, @map_of_objects)", "values(@object)", "lookup(@map_of_objects, \"a\", null)", "concat(@objects, [])", "flatten([@objects])",
		"coalesce(trigger.raw, @object)", "one(@objects)", "element([@object], 0)", "reverse(@objects)", "zipmap([\"a\"], [@object])", "distinct(@objects)", "slice([@object], 0, 1)",
		"tolist([@object])", "tomap({ a = @object })", "format(\"%v\", @object)",
	}
}

// callsOf writes calls of every function with a marked value in the place of each argument.
func callsOf(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, f := range eval.Functions() {
		src, _, _ := strings.Cut(f.Example, " → ")
		x, diags := hclsyntax.ParseExpression([]byte(src), "example", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatalf("%s: %v", f.Name, diags)
		}
		var call *hclsyntax.FunctionCallExpr
		_ = hclsyntax.VisitAll(x, func(n hclsyntax.Node) hcl.Diagnostics {
			if c, ok := n.(*hclsyntax.FunctionCallExpr); ok && c.Name == f.Name && call == nil {
				call = c
			}
			return nil
		})
		if call == nil {
			t.Fatalf("the example of %s has no call of it", f.Name)
		}
		for n := range call.Args {
			var args []string
			for k, a := range call.Args {
				text := string(a.Range().SliceBytes([]byte(src)))
				if k == n {
					v, _ := a.Value(&hcl.EvalContext{Functions: eval.Table()})
					text = markedLike(f.Name, k, v)
				}
				args = append(args, text)
			}
			if !slices.Contains(args, "") {
				out = append(out, fmt.Sprintf("%s(%s)", f.Name, strings.Join(args, ", ")))
			}
		}
	}
	return out
}

// markedLike writes a marked value of the type of v, or nothing where the place takes only what is written out.
func markedLike(fn string, n int, v cty.Value) string {
	ty := v.Type()
	first := cty.DynamicPseudoType
	if v.CanIterateElements() && !v.IsNull() && v.LengthInt() > 0 {
		it := v.ElementIterator()
		it.Next()
		_, e := it.Element()
		first = e.Type()
	}
	switch {
	case fn == "try" || fn == "can":
		return "@text"
	case ty == cty.Number:
		return "@number"
	case ty == cty.Bool:
		return "@bool"
	case ty.IsObjectType() || ty.IsMapType():
		if fn == "lookup" || fn == "keys" || fn == "values" || fn == "merge" || fn == "tomap" {
			return "@map"
		}
		return "{ a = @text }"
	case fn == "element":
		return "[@text]"
	case fn == "flatten":
		return "@lists"
	case !v.CanIterateElements():
		return "@text"
	case first == cty.Number:
		return "@numbers"
	case first == cty.Bool:
		return "@bools"
	}
	return "@list"
}

func TestMarksSurviveForTheChecker(t *testing.T) {
	cat := marked{langtest.Catalog()}
	list := append(forms(), callsOf(t)...)
	for _, form := range list {
		for _, what := range []string{"secret", "personal"} {
			expr := strings.ReplaceAll(form, "@", "trigger."+what+"_")
			local := ""
			if form == "local.marked" {
				local = "locals {\n  marked = trigger." + what + "_text\n}\n\n"
			}
			text := fmt.Sprintf("trigger \"stripe_charge_failed\" {}\n\nfilter {\n  condition = trigger.raw != null && trigger.refunds != null\n}\n\n%saction \"customerio_track\" {\n  id   = trigger.id\n  name = \"x\"\n  data = { a = %s }\n}\n", local, expr)
			p, diags := lang.CompileFiles(map[string][]byte{"a.hcl": []byte(text)}, cat)
			leaks := 0
			for _, d := range diags {
				m, _ := diag.MetaOf(d)
				switch {
				case m.Code == diag.SecretLeak:
					leaks++
				case d.Severity == hcl.DiagError:
					t.Errorf("%s: %s %s", expr, m.Code, d.Detail)
				}
			}
			switch {
			case what == "secret" && leaks != 1:
				t.Errorf("%s: %d leaks are reported", expr, leaks)
			case what == "personal" && leaks > 0 && form != "trigger":
				t.Errorf("%s: a leak is reported", expr)
			case what == "personal" && !diags.HasErrors() && !slices.Contains(dataOf(p).Personal, "data"):
				t.Errorf("%s: nobody knows that it tells of a person", expr)
			}
		}
	}
	if len(list) < 200 {
		t.Errorf("%d forms are too few", len(list))
	}
}

func dataOf(p *lang.Program) *check.Node {
	r := p.Recipe("a")
	return r.Nodes[len(r.Nodes)-1]
}
