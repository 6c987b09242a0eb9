package check

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/eval"
)

// answer is one of the three: -1 for false, 0 where it can't be told, 1 for true.
type answer int

func told(truth bool) answer {
	if truth {
		return 1
	}
	return -1
}

// condition is a match as the test knows it: its text and what it answers.
type condition struct {
	text string
	ask  func(vals map[string]cty.Value) answer
}

// conditions makes them up.
type conditions struct{ *rand.Rand }

func (r conditions) pick(words ...string) string { return words[r.IntN(len(words))] }

// side is one side of a comparison: a value that may be null, or one that is written out.
func (r conditions) side() (string, func(map[string]cty.Value) cty.Value) {
	if r.IntN(5) == 0 {
		n := int64(r.IntN(3))
		return fmt.Sprint(n), func(map[string]cty.Value) cty.Value { return cty.NumberIntVal(n) }
	}
	name := r.pick("a", "b", "c")
	root := r.pick("incoming", "trigger")
	return root + "." + name, func(vals map[string]cty.Value) cty.Value { return vals[root+"."+name] }
}

func (r conditions) comparison() condition {
	left, valueOf := r.side()
	if r.IntN(6) == 0 {
		return condition{left + " != null", func(vals map[string]cty.Value) answer { return told(!valueOf(vals).IsNull()) }}
	}
	right, otherOf := r.side()
	op := r.pick("==", "!=")
	return condition{left + " " + op + " " + right, func(vals map[string]cty.Value) answer {
		a, b := valueOf(vals), otherOf(vals)
		if a.IsNull() || b.IsNull() {
			return 0
		}
		return told(a.RawEquals(b) == (op == "=="))
	}}
}

func (r conditions) make(depth int) condition {
	if depth == 0 {
		return r.comparison()
	}
	a, b, c := r.make(depth-1), r.make(depth-1), r.make(depth-1)
	switch r.IntN(7) {
	case 0:
		return condition{"!(" + a.text + ")", func(v map[string]cty.Value) answer { return -a.ask(v) }}
	case 1:
		return condition{"(" + a.text + ") && (" + b.text + ")", func(v map[string]cty.Value) answer { return min(a.ask(v), b.ask(v)) }}
	case 2:
		return condition{"(" + a.text + ") || (" + b.text + ")", func(v map[string]cty.Value) answer { return max(a.ask(v), b.ask(v)) }}
	case 3:
		return condition{"(" + a.text + ") ? (" + b.text + ") : (" + c.text + ")", func(v map[string]cty.Value) answer {
			return map[answer]answer{-1: c.ask(v), 1: b.ask(v)}[a.ask(v)]
		}}
	case 4:
		return condition{"(" + a.text + ") == (" + b.text + ")", func(v map[string]cty.Value) answer { return a.ask(v) * b.ask(v) }}
	case 5: // within a value nothing is left open
		return condition{"anytrue([" + a.text + ", " + b.text + "])", func(v map[string]cty.Value) answer { return told(a.ask(v) > 0 || b.ask(v) > 0) }}
	}
	return r.comparison()
}

// TestMatchIsFalseForNull holds what a match answers against three-valued logic, for all kinds of conditions and values:
// it is true where that is, and false where that is false or can't tell.
func TestMatchIsFalseForNull(t *testing.T) {
	seed := rand.Uint64()
	r := conditions{rand.New(rand.NewPCG(seed, 4))}
	funcs := eval.Table()
	trues, unknowns := 0, 0
	for range 1500 {
		c := r.make(r.IntN(4))
		x, diags := hclsyntax.ParseExpression([]byte(c.text), "match", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatalf("%s: %v", c.text, diags)
		}
		bound := (&checker{}).boundMatch(x)
		for range 6 {
			vals := map[string]cty.Value{}
			sides := map[string]map[string]cty.Value{"incoming": {}, "trigger": {}}
			for _, root := range []string{"incoming", "trigger"} {
				for _, name := range []string{"a", "b", "c"} {
					v := cty.NullVal(cty.Number)
					if n := r.IntN(4); n > 0 {
						v = cty.NumberIntVal(int64(n - 1))
					}
					vals[root+"."+name], sides[root][name] = v, v
				}
			}
			scope := eval.NewScope(funcs, nil)
			for root, attrs := range sides {
				scope.Set(root, cty.ObjectVal(attrs))
			}
			want := c.ask(vals)
			got, err := scope.Value(bound)
			if err != nil {
				t.Fatalf("seed %d: %s with %v: %v", seed, c.text, vals, err)
			}
			if got.IsNull() || got.Type() != cty.Bool || got.True() != (want == 1) {
				t.Fatalf("seed %d: %s with %v: %#v, want %d", seed, c.text, vals, got, want)
			}
			if want == 1 {
				trues++
			} else if want == 0 {
				unknowns++
			}
		}
	}
	if trues < 500 || unknowns < 500 {
		t.Errorf("the test asked too little: %d true, %d can't be told", trues, unknowns)
	}
}

// TestMatchLeavesValuesAlone holds that what is no comparison keeps its nulls, and that a guard protects what it guards.
func TestMatchLeavesValuesAlone(t *testing.T) {
	null := cty.NullVal(cty.String)
	scope := eval.NewScope(eval.Table(), nil)
	scope.Set("incoming", cty.ObjectVal(map[string]cty.Value{"a": cty.StringVal("x"), "none": null, "also": null}))
	for text, want := range map[string]bool{
		`incoming.none == incoming.also`:                                          false,
		`incoming.none != incoming.also`:                                          false,
		`incoming.none == null`:                                                   true,
		`coalesce((incoming.none), "x") == "x"`:                                   true,
		`coalesce(true ? incoming.none : null, "x") == incoming.a`:                true,
		`incoming.none != null && upper(incoming.none) == "X"`:                    false,
		`incoming.none == "x" && upper(incoming.none) == "X"`:                     false,
		`!(incoming.none == "x" && upper(incoming.none) == "X")`:                  false,
		`incoming.none == null || upper(incoming.none) == "X"`:                    true,
		`contains([for s in [incoming.none, "x"] : s == incoming.also], true)`:    false,
		`length([for s in [incoming.a] : s if s == incoming.a || s == "y"]) == 1`: true,
	} {
		x, diags := hclsyntax.ParseExpression([]byte(text), "match", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		v, err := scope.Value((&checker{}).boundMatch(x))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if v.True() != want {
			t.Errorf("%s is %#v, want %t", text, v, want)
		}
	}
}
