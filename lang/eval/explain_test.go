package eval

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

func TestExplain(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		{`trigger.amount >= 5000 && trigger.customer != null`, `
0 trigger.amount >= 5000 && trigger.customer != null = false
1 trigger.amount >= 5000 = false
2 trigger.amount = 1200
1 trigger.customer != null skipped
2 trigger.customer skipped`},
		{`!(trigger.amount < 1 || trigger.customer == "cus_1")`, `
0 !(trigger.amount < 1 || trigger.customer == "cus_1") = false
1 trigger.amount < 1 || trigger.customer == "cus_1" = true
2 trigger.amount < 1 = false
3 trigger.amount = 1200
2 trigger.customer == "cus_1" = true
3 trigger.customer = "cus_1"`},
		{`contains(["a", "b"], trigger.customer)`, `
0 contains(["a", "b"], trigger.customer) = false
1 trigger.customer = "cus_1"`},
		{`trigger.amount > 1 ? local.big : trigger.customer`, `
0 trigger.amount > 1 ? local.big : trigger.customer = "yes cus_1"
1 trigger.amount > 1 = true
2 trigger.amount = 1200
1 local.big = "yes cus_1"
1 trigger.customer skipped`},
		{`upper("x ${trigger.customer}") == var.token`, `
0 upper("x ${trigger.customer}") == var.token secret
1 upper("x ${trigger.customer}") = "X CUS_1"
2 "x ${trigger.customer}" = "x cus_1"
3 trigger.customer = "cus_1"
1 var.token secret`},
		{`trigger.items[0].name == "x"`, `
0 trigger.items[0].name == "x" failed
1 trigger.items[0].name failed`},
		{`true`, `
0 true = true`},
	} {
		t.Run(c.expr, func(t *testing.T) {
			s := NewScope(Table(), []Local{{Name: "big", Expr: bounds(t, `"yes ${trigger.customer}"`)}})
			s.Set("trigger", cty.ObjectVal(map[string]cty.Value{
				"amount": cty.NumberIntVal(1200), "customer": cty.StringVal("cus_1"), "items": cty.ListValEmpty(cty.EmptyObject),
			}))
			s.Set("var", cty.ObjectVal(map[string]cty.Value{"token": cty.StringVal("t0k").Mark(Secret)}))
			var b strings.Builder
			for _, p := range s.Explain(bounds(t, c.expr)) {
				fmt.Fprintf(&b, "\n%d %s ", p.Depth, p.Range.SliceBytes([]byte(c.expr)))
				switch {
				case p.Skipped:
					b.WriteString("skipped")
				case p.Err != nil:
					b.WriteString("failed")
				case p.Secret:
					b.WriteString("secret")
				default:
					fmt.Fprintf(&b, "= %s", show(p.Value))
				}
			}
			if b.String() != c.want {
				t.Errorf("got%s\nwant%s", b.String(), c.want)
			}
		})
	}
}

func TestExplainIsBounded(t *testing.T) {
	s := NewScope(Table(), nil)
	s.Set("trigger", cty.ObjectVal(map[string]cty.Value{"amount": cty.NumberIntVal(1)}))
	long := "trigger.amount == 1" + strings.Repeat(" && trigger.amount == 1", 1000)
	if n := len(s.Explain(bounds(t, long))); n > maxParts {
		t.Errorf("%d parts", n)
	}
}

func bounds(t *testing.T, src string) hcl.Expression {
	t.Helper()
	e, diags := hclsyntax.ParseExpression([]byte(src), "x.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return Bound(e)
}

func show(v cty.Value) string {
	switch {
	case v.IsNull():
		return "null"
	case v.Type() == cty.String:
		return fmt.Sprintf("%q", v.AsString())
	case v.Type() == cty.Bool:
		return fmt.Sprint(v.True())
	}
	return v.AsBigFloat().String()
}
