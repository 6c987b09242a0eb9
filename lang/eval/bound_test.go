package eval

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// nest writes n levels of src around inner, in the place of @.
func nest(n int, src, inner string) string {
	for range n {
		inner = strings.ReplaceAll(src, "@", inner)
	}
	return inner
}

func TestBombsAreStopped(t *testing.T) {
	table := Table()
	ten := `[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]`
	for name, src := range map[string]string{
		"nested for":        nest(9, `[for x in `+ten+` : @]`, `1`),
		"nested object for": nest(9, `{for x in `+ten+` : x => @}`, `1`),
		"for with a filter": nest(9, `[for x in `+ten+` : 1 if length(@) > 99]`, `[]`),
		"template for":      `"` + nest(9, `%{for x in `+ten+`}@%{endfor}`, `a`) + `"`,
		"nested splat":      `[for i in range(1000) : range(1000)[*]]`,
		"replace":           nest(9, `replace(@, "", "0123456789")`, `"a"`),
		"replace by regex":  nest(9, `replace(@, "/(.)/", "$1$1$1$1$1$1$1$1$1$1")`, `"a"`),
		"join":              nest(9, `join(@, range(20))`, `"a"`),
		"format":            nest(9, `format("%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s", @)`, `"a"`),
		"formatlist":        nest(5, `join("", formatlist("%s%s", @, range(1000)))`, `"abc"`),
		"template":          nest(9, `join("", [for x in `+ten+` : "${x}-${upper(@)}"])`, `"a"`),
		"list doubling":     nest(9, `[for x in [@] : [x, x, x, x, x, x, x, x, x, x]]`, `1`),
		"flatten":           `flatten(` + nest(9, `[for x in [@] : [x, x, x, x, x, x, x, x, x, x]]`, `1`) + `)`,
		"jsonencode":        nest(20, `jsonencode(@)`, `"\""`),
		"urlencode":         `urlencode(replace(s, "x", "%%%%"))`,
		"base64":            nest(60, `base64encode(@)`, `"abc"`),
		"indent":            nest(9, `replace(indent(900, replace(@, " ", "\n")), "x", "y")`, `" "`),
		"concat":            nest(20, `[for x in [@] : concat(x, x)][0]`, `[1]`),
		"tuples":            `[for a in range(1000) : [for b in range(1000) : b]]`,
		"products":          nest(25, `[for x in [@] : x * x][0]`, `1e300`),
		"big literal":       `"${1e100000000 + 0}"`,
		"big literal alone": `"x${1e100000000}"`,
		"big from a string": `"x${tonumber("1e100000000")}"`,
		"big by conversion": `"x${"1e100000000" * 1}"`,
		"big by format":     `format("%d", "1e100000000")`,
		"big sum":           `"1e999999999" + 1`,
		"big modulo":        `"1e999999999" % 3`,
		"big sum of a list": `sum(["1e999999999", 1])`,
		"big floor":         `floor("1e-999999999")`,
		"big key":           `{"1" = 2}[1e999999999]`,
		"big constant key":  `o[1e999999999]`,
		"big string key":    `[1]["1e999999999"]`,
		"big minus":         `-"1e999999999" + 1`,
		"digits":            `"${replace(s, "x", "1")}" + 1`,
		"width":             `format("%999999999d", 1)`,
		"precision":         `format("%.999999999f", 1)`,
		"csv":               `csvdecode(replace(s, "x", "\n1"))`,
		"split":             `split("", replace(s, "x", "xxxx"))`,
		"regexall":          `regexall("", s)`,
		"regex cost":        `[for i in range(1000) : matches("(x+x+)+y", s)]`,
		"big regex":         `matches("((a{30}){30}){30}", "a")`,
		"comparison":        `[for i in range(1000) : [for j in range(1000) : s == "${s}x"]]`,
		"hash":              `[for i in range(1000) : [for j in range(1000) : sha256(s)]]`,
		"try hides nothing": `try(` + `[for i in range(1000) : [for j in range(1000) : s]]` + `, 1)`,
		"can hides nothing": `can(` + `[for i in range(1000) : [for j in range(1000) : s]]` + `)`,
		"&& hides nothing":  `false && length(` + `[for i in range(1000) : [for j in range(1000) : s]]` + `) > 0`,
	} {
		t.Run(name, func(t *testing.T) {
			s := NewScope(table, nil)
			if name != "nested for" {
				s.budget.maxSteps = maxSteps / 20 // one shows that the real bound holds; the others need not take as long
			}
			s.Set("s", cty.StringVal(strings.Repeat("x", 200_000)))
			s.Set("o", cty.ObjectVal(map[string]cty.Value{"a": cty.True}))
			v, err := s.Value(Bound(parse(t, src)))
			if err == nil {
				size, _ := sizeOf(v, 1<<30)
				t.Fatalf("it was evaluated, to %d bytes", size)
			}
			if s.budget.steps < -1 {
				t.Errorf("it took %d steps too many", -s.budget.steps)
			}
		})
	}
}

func TestNestedTryIsLinear(t *testing.T) {
	s := NewScope(Table(), nil)
	v, err := s.Value(Bound(parse(t, nest(60, `try(@, 2)`, `1`))))
	if err != nil || text(t, v) != "1" {
		t.Fatal(v, err)
	}
	if used := maxSteps - s.budget.steps; used > 1000 {
		t.Errorf("60 levels took %d steps", used)
	}
}

func TestOrdinaryWorkIsAllowed(t *testing.T) {
	items := make([]cty.Value, 200)
	ids := make([]cty.Value, len(items))
	for i := range items {
		ids[i] = cty.StringVal(fmt.Sprint("item_", i))
		items[i] = cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal(fmt.Sprint("item_", i)), "amount": cty.NumberIntVal(int64(i))})
	}
	s := NewScope(Table(), nil)
	s.Set("items", cty.ListVal(items))
	s.Set("ids", cty.ListVal(ids))
	for src, want := range map[string]string{
		`sum(items[*].amount)`:                                              `19900`,
		`length([for i in items : i if contains(ids, i.id)])`:               `200`,
		`length(join(",", [for i in items : "${i.id}: ${i.amount}"]))`:      `2579`,
		`length({for i in items : i.id => i.amount})`:                       `200`,
		`[for i, x in items : x.id if i < 2]`:                               `["item_0","item_1"]`,
		`length(jsonencode(items))`:                                         `5981`,
		`"%{for i in items}%{if i.amount < 3}${i.id} %{endif}%{endfor}"`:    `"item_0 item_1 item_2 "`,
		`{for i in items : (i.amount < 2 ? "a" : "b") => i.amount...}["a"]`: `[0,1]`,
	} {
		v, err := s.Value(Bound(parse(t, src)))
		if err != nil {
			t.Errorf("%s: %v", src, err)
		} else if got := text(t, v); got != want {
			t.Errorf("%s = %.80s, want %s", src, got, want)
		}
	}
}

func TestBoundKeepsMeaning(t *testing.T) {
	ctx := &hcl.EvalContext{Functions: Table(), Variables: map[string]cty.Value{
		"n": cty.NumberIntVal(3),
		"o": cty.ObjectVal(map[string]cty.Value{"a": cty.StringVal("x"), "l": cty.TupleVal([]cty.Value{cty.True, cty.StringVal("q")})}),
		"z": cty.NullVal(cty.String),
		"u": cty.UnknownVal(cty.String),
		"m": cty.StringVal("hidden").Mark(Secret),
	}}
	for _, src := range seeds {
		e := parse(t, src)
		want, wantDiags := e.Value(ctx)
		b := Bound(e)
		got, diags := b.Value(ctx)
		if src == `1/0` {
			if !diags.HasErrors() {
				t.Error("an infinite number passes")
			}
			continue
		}
		if diags.HasErrors() != wantDiags.HasErrors() {
			t.Errorf("%s: %v, want %v", src, diags, wantDiags)
			continue
		}
		if !diags.HasErrors() && !got.RawEquals(want) {
			t.Errorf("%s = %#v, want %#v", src, got, want)
		}
		if b.Range() != e.Range() || b.StartRange() != e.StartRange() {
			t.Errorf("%s: its place has changed", src)
		}
		if g, w := fmt.Sprint(b.Variables()), fmt.Sprint(e.Variables()); g != w {
			t.Errorf("%s reads %s, want %s", src, g, w)
		}
		if g, w := fmt.Sprint(hclsyntax.Variables(b)), fmt.Sprint(e.Variables()); g != w {
			t.Errorf("%s: a walk finds %s, want %s", src, g, w)
		}
		again, againDiags := e.Value(ctx)
		if againDiags.HasErrors() != wantDiags.HasErrors() || !again.RawEquals(want) {
			t.Errorf("%s: the original has changed", src)
		}
	}
}

// seeds are expressions of every kind of node.
var seeds = []string{
	`1 + n * 2 - 3 / 4 % 5`, `!true || n > 2 && n <= 3`, `-n`, `(n)`, `"a"`, `"a${n}b${o.a}"`, `"${n}"`, `"${z}"`, `null`,
	`o.a`, `o["a"]`, `o.l[0]`, `o.l[n - 3]`, `o.l[*]`, `z[*]`, `o[*].a`, `[o, o][*].a`, `[o].*.a`, `[[1], [2]][*][0]`,
	`[1, "a", null, o]`, `{a = 1, "b" = 2, (o.a) = 3, n = 4}`, `{"${o.a}" = 1}`, `[for x in o.l : x]`,
	`[for i, x in [3, 4] : i * x if x > 3]`, `{for k, v in o : k => v...}`, `{for k, v in o : upper(k) => v}`,
	`n == 3 ? "y" : "x"`, `n == 3 ? [1] : []`, `z == null`, `o == o`, `o != z`, `upper("a")`, `max([1, 2, 3]...)`,
	`try(o.b, "none")`, `can(o.b)`, `coalesce(z, "d")`, `u`, `"x${u}"`, `upper(u)`, `[for x in [u] : x]`, `m`, `"x${m}"`,
	`upper(m)`, `u == "a" ? m : "b"`, `"%{if n > 2}big%{else}small%{endif}"`, `"%{for x in o.l}[${x}]%{endfor}"`,
	"<<EOT\na ${n}\nEOT\n", `1/0`, `nosuch`, `nosuch()`, `o.nosuch`, `upper()`, `upper(1, 2)`, `[for x in n : x]`, `n.a`,
	`trigger.amount >= 5000 && trigger.customer != null`, `jsonencode(o)`, `regex("[0-9]+", "a12")`, `o[m]`,
}

func TestBoundExpressionsCanBeAnalysed(t *testing.T) {
	trav, diags := hcl.AbsTraversalForExpr(Bound(parse(t, `action.customer`)))
	if diags.HasErrors() || trav.RootName() != "action" || len(trav) != 2 {
		t.Error(trav, diags)
	}
	if got := hcl.ExprAsKeyword(Bound(parse(t, `network`))); got != "network" {
		t.Errorf("keyword %q", got)
	}
	list, diags := hcl.ExprList(Bound(parse(t, `[action.a, action.b]`)))
	if diags.HasErrors() || len(list) != 2 {
		t.Error(list, diags)
	}
	if _, diags := hcl.AbsTraversalForExpr(list[1]); diags.HasErrors() {
		t.Error(diags)
	}
	call, diags := hcl.ExprCall(Bound(parse(t, `file("x")`)))
	if diags.HasErrors() || call.Name != "file" {
		t.Error(call, diags)
	}
}

// orNull is null where what it holds fails, as another package may have it.
type orNull struct{ *hclsyntax.ParenthesesExpr }

func (n orNull) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	v, diags := n.Expression.Value(ctx)
	if diags.HasErrors() {
		return cty.NullVal(cty.DynamicPseudoType), nil
	}
	return v, nil
}

func (n orNull) Rewrap(rebuild func(hclsyntax.Expression) hclsyntax.Expression) hclsyntax.Expression {
	return orNull{&hclsyntax.ParenthesesExpr{Expression: rebuild(n.Expression), SrcRange: n.SrcRange}}
}

func TestBoundSeesIntoWrappers(t *testing.T) {
	for src, bad := range map[string]bool{`[1][9]`: false, `[for i in range(1000) : [for j in range(1000) : "${i}${j}"]][9]`: true} {
		inner := parse(t, src)
		v, err := NewScope(Table(), nil).Value(Bound(orNull{&hclsyntax.ParenthesesExpr{Expression: inner, SrcRange: inner.Range()}}))
		if (err != nil) != bad {
			t.Errorf("%s: %#v %v", src, v, err)
		}
	}
}

func TestBoundIsConcurrent(t *testing.T) {
	e := Bound(parse(t, `[for x in items : upper(x)][*]`))
	table := Table()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			s := NewScope(table, nil)
			for range 50 {
				s.Set("items", cty.ListVal([]cty.Value{cty.StringVal(fmt.Sprint("a", i))}))
				v, err := s.Value(e)
				if err != nil || text(t, v) != fmt.Sprintf(`["A%d"]`, i) {
					t.Errorf("%d: %v %v", i, v, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func FuzzEval(f *testing.F) {
	for _, src := range seeds {
		f.Add(src)
	}
	for _, fn := range Functions() {
		call, _, _ := strings.Cut(fn.Example, " → ")
		f.Add(call)
	}
	table := Table()
	trigger := cty.ObjectVal(map[string]cty.Value{"amount": cty.NumberIntVal(5000), "customer": cty.NullVal(cty.String)})
	f.Fuzz(func(t *testing.T, src string) {
		if len(src) > 2000 || strings.Count(src, "(")+strings.Count(src, "[")+strings.Count(src, "{") > 100 {
			return // the parser is guarded elsewhere
		}
		e, diags := hclsyntax.ParseExpression([]byte(src), "f.hcl", hcl.InitialPos)
		if diags.HasErrors() {
			return
		}
		s := NewScope(table, []Local{{"x", Bound(e)}})
		s.Set("trigger", trigger)
		s.Set("o", trigger)
		s.Set("n", cty.NumberIntVal(3))
		v, err := s.Value(Bound(e))
		if s.budget.steps < -1 {
			t.Errorf("%d steps beyond the bound", -s.budget.steps)
		}
		if err != nil {
			if strings.Contains(err.Error(), "bug in flowrun") {
				t.Error(err)
			}
			return
		}
		if size, _ := sizeOf(v, 1<<30); size > maxValueBytes {
			t.Errorf("a value of %d bytes", size)
		}
	})
}
