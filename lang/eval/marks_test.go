package eval

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// TestMarksSurviveEverything marks an argument of every function, as a whole and in a part, and a part of every form of an
// expression: what comes out is marked. An object's attribute by a computed name is left out: hcl drops the mark of the
// name there, and the checker reads such attributes in a way of its own, which keeps it.
func TestMarksSurviveEverything(t *testing.T) {
	secret := func(v cty.Value) cty.Value { return v.Mark(Secret) }
	check := func(src string, m cty.Value) {
		t.Helper()
		s := NewScope(Table(), []Local{{Name: "l", Expr: Bound(parse(t, "m"))}})
		s.Set("m", m)
		v, err := s.Value(Bound(parse(t, src)))
		if err != nil {
			t.Errorf("%s: %v", src, err)
			return
		}
		if _, is := Unmark(v); !is {
			t.Errorf("%s with %#v: %#v is not secret", src, m, v)
		}
	}
	calls := 0
	for _, f := range Functions() {
		src, _, _ := strings.Cut(f.Example, " → ")
		call := callOf(t, f.Name, src)
		for n, a := range call.Args {
			var args []string
			for k, other := range call.Args {
				if args = append(args, string(other.Range().SliceBytes([]byte(src)))); k == n {
					args[k] = "m"
				}
			}
			v, diags := a.Value(&hcl.EvalContext{Functions: Table()})
			if diags.HasErrors() {
				v = cty.StringVal("a") // an argument of try or can that is there to fail
			}
			if v.IsNull() {
				continue // what is null is passed over
			}
			if f.Name == "try" && n > 0 || f.Name == "coalesce" && v.Type() == cty.String && v.AsString() != "a" {
				continue // passed over, too
			}
			if f.Name == "lookup" && n == 0 {
				args[1] = `"a"`
			}
			src := f.Name + "(" + strings.Join(args, ", ") + ")"
			check(src, secret(v))
			calls++
			if v.CanIterateElements() && v.LengthInt() > 0 && f.Name != "length" && f.Name != "keys" && f.Name != "merge" {
				all, err := cty.Transform(v, func(p cty.Path, v cty.Value) (cty.Value, error) {
					if len(p) > 0 && !v.CanIterateElements() {
						return secret(v), nil
					}
					return v, nil
				})
				if err != nil {
					t.Fatal(err)
				}
				check(src, all)
				calls++
			}
		}
	}
	if calls < 150 {
		t.Errorf("%d calls are too few", calls)
	}
	for kind, forms := range map[string][]string{
		"text": {"m", "(m)", `"a ${m}"`, `"${m}"`, `"%{ for x in ["a"] }${m}%{ endfor }"`, `m == "a"`, `"b" != m`, "m == null", `{ a = m }`, `{ (m) = 1 }`, `{ a = m }.a`, `[m, 1][0]`, `[m]`,
			`[for x in ["a"] : m]`, `{ for k in ["a"] : m => 1 }`, `{ for k in ["a"] : k => m }`, `{ for k in ["a"] : k => m... }`, `[{ a = m }][*].a`, "m[*]", "m.*",
			"local.l", "try(m, 1)", `true ? m : "b"`, `false ? "b" : m`, "upper(m)"},
		"number": {"-m", "m < 1", "1 >= m", "m + 1", "1 - m", "m * 2", "m / 2", "m % 2", "[1, 2, 3][m]", "max([m, 1]...)"},
		"bool":   {"!m", "m && true", "true && m", "m || false", "false || m", "m ? 1 : 2", `"%{ if m }a%{ endif }"`, `[for x in ["a"] : x if m]`},
		"list":   {"m[0]", "m[*]", "m.*", "[for x in m : x]", "[for x in m : 1]", `"%{ for x in m }a%{ endfor }"`, `{ for x in m : x => 1 }`, "max(length(m), 1)"},
	} {
		v := map[string]cty.Value{"text": cty.StringVal("a"), "number": cty.NumberIntVal(1), "bool": cty.True, "list": cty.ListVal([]cty.Value{cty.StringVal("a")})}[kind]
		for _, src := range forms {
			check(src, secret(v))
		}
	}
}

func callOf(t *testing.T, name, src string) *hclsyntax.FunctionCallExpr {
	t.Helper()
	var call *hclsyntax.FunctionCallExpr
	if diags := hclsyntax.VisitAll(parse(t, src), func(n hclsyntax.Node) hcl.Diagnostics {
		if c, ok := n.(*hclsyntax.FunctionCallExpr); ok && c.Name == name && call == nil {
			call = c
		}
		return nil
	}); diags.HasErrors() || call == nil {
		t.Fatalf("no call of %s in %s", name, src)
	}
	return call
}
