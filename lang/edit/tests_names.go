package edit

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/syntax"
)

// testMentions returns the names in a file of tests: they are declared in the recipe that is tested.
func testMentions(f *file) []mention {
	n := testNames{file: f, about: syntax.TestedRecipe(f.name) + ".hcl"}
	n.recipe(f.blocks())
	whole := n.about
	for _, b := range f.blocks().Blocks {
		if b.Type != "test" {
			continue
		}
		n.about = whole
		n.recipe(b.Body)
		n.test(b.Body)
	}
	slices.SortStableFunc(n.out, func(a, b mention) int { return cmp.Compare(a.rng.Start.Byte, b.rng.Start.Byte) })
	return n.out
}

type testNames struct {
	file  *file
	about string // the recipe's file
	out   []mention
}

// add notes a name that is written in quotes; of an address, such as on_error.tell, its last part.
func (n *testNames) add(root, name string, rng hcl.Range) {
	rng = unquoted(n.file.text, rng)
	if i := strings.LastIndexByte(name, '.'); i >= 0 && (root == "action" || root == "wait") {
		name = name[i+1:]
		rng.Start.Byte = rng.End.Byte - len(name)
		rng.Start.Column = rng.End.Column - len(name)
	}
	n.out = append(n.out, mention{root: root, name: name, file: n.file.name, about: n.about, rng: rng})
}

func (n *testNames) text(root string, x hclsyntax.Expression) {
	if name, ok := written(x); ok {
		n.add(root, name, x.Range())
	}
}

// recipe reads the argument that names the recipe.
func (n *testNames) recipe(body *hclsyntax.Body) {
	if a := body.Attributes["recipe"]; a != nil {
		if name, ok := written(a.Expr); ok {
			n.about = name + ".hcl"
			n.add("recipe", name, a.Expr.Range())
		}
	}
}

func (n *testNames) test(body *hclsyntax.Body) {
	if a := body.Attributes["variables"]; a != nil {
		if o, ok := a.Expr.(*hclsyntax.ObjectConsExpr); ok {
			for _, item := range o.Items {
				if k, ok := item.KeyExpr.(*hclsyntax.ObjectConsKeyExpr); ok {
					if word := hcl.ExprAsKeyword(k.Wrapped); word != "" {
						n.add("var", word, k.Range())
					}
				}
			}
		}
	}
	for _, b := range body.Blocks {
		switch {
		case b.Type == "event" && len(b.Labels) == 1:
			n.add("trigger", b.Labels[0], b.LabelRanges[0])
		case b.Type == "mock" && len(b.Labels) == 2, b.Type == "expect" && len(b.Labels) == 2 && (b.Labels[0] == "action" || b.Labels[0] == "wait"):
			n.add(b.Labels[0], b.Labels[1], b.LabelRanges[1])
		}
		if b.Type != "expect" {
			continue
		}
		if a := b.Body.Attributes["order"]; a != nil {
			if list, ok := a.Expr.(*hclsyntax.TupleConsExpr); ok {
				for _, x := range list.Exprs {
					n.text("action", x)
				}
			}
		}
		for _, inner := range b.Body.Blocks {
			if a := inner.Body.Attributes["step"]; a != nil && inner.Type == "error" {
				n.text("action", a.Expr)
			}
		}
	}
}

// declarations returns where what a test names, and what has no name in recipes, is declared: a recipe's file, the
// triggers of a type.
func (w *Workspace) declarations(m mention) []hcl.Range {
	f := w.files[m.about]
	if f == nil {
		return nil
	}
	if m.root == "recipe" {
		return []hcl.Range{{Filename: m.about, Start: hcl.InitialPos, End: hcl.InitialPos}}
	}
	if f.blocks() == nil {
		return nil
	}
	var out []hcl.Range
	for _, b := range f.blocks().Blocks {
		switch {
		case b.Type == "trigger" && len(b.Labels) > 0 && b.Labels[0] == m.name:
			out = append(out, b.DefRange())
		case b.Type == "wait":
			for _, inner := range b.Body.Blocks {
				if inner.Type == "event" && len(inner.Labels) > 0 && inner.Labels[0] == m.name {
					out = append(out, inner.DefRange())
				}
			}
		}
	}
	return out
}
