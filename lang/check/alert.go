package check

// on_alert of flowrun.hcl is compiled into a recipe of its own, with the builtin trigger flowrun_alert, so that alerts
// are events like any other. `alert` is the trigger's payload by another name.

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/syntax"
)

const (
	alertRecipe  = "on_alert" // no file can be named so
	alertTrigger = "flowrun_alert"
)

// checkOnAlert checks the on_alert of flowrun.hcl. It returns nil where there is none.
func (c *checker) checkOnAlert(p *syntax.Project, pr *project, rep *reporter) *builder {
	for _, r := range p.Recipes {
		if r.Name == alertRecipe {
			e := env{c: c, sc: &scope{rep: rep}, facts: noFacts}
			e.report(diag.ReservedName, r.Triggers[0].Range, "the name %q is that of the steps in on_alert of %s. Give the file another name.", alertRecipe, syntax.ConfigFile)
			return nil
		}
	}
	block := p.Config.OnAlert
	if block == nil {
		return nil
	}
	renameAlert(block.Steps)
	b := c.newBuilder(&syntax.Recipe{
		Name:     alertRecipe,
		Filename: syntax.ConfigFile,
		Triggers: []*syntax.Trigger{{Type: alertTrigger, TypeRange: block.Range, Name: alertTrigger, Range: block.Range}},
		Steps:    block.Steps,
	}, pr, rep)
	b.check()
	return b
}

// renameAlert makes `alert` of all expressions in the steps the name that it stands for.
func renameAlert(steps []*syntax.Step) {
	for _, s := range steps {
		exprs := []hclsyntax.Expression{s.Condition, s.When, s.ForEach}
		for _, a := range s.Args {
			exprs = append(exprs, a.Expr)
		}
		if w := s.Wait; w != nil {
			exprs = append(exprs, w.Until)
			if w.Event != nil {
				exprs = append(exprs, w.Event.Match)
			}
		}
		if s.Switch != nil {
			exprs = append(exprs, s.Switch.On)
			for _, c := range s.Switch.Cases {
				renameAlert(c.Steps)
			}
		}
		for _, x := range exprs {
			if x != nil {
				_ = hclsyntax.Walk(x, &renamer{}) // the renamer complains of nothing
			}
		}
	}
}

// renamer renames where no loop has a variable of that name.
type renamer struct{ shadowed int }

// Enter implements hclsyntax.Walker.
func (r *renamer) Enter(n hclsyntax.Node) hcl.Diagnostics {
	switch n := n.(type) {
	case hclsyntax.ChildScope:
		if _, ok := n.LocalNames["alert"]; ok {
			r.shadowed++
		}
	case *hclsyntax.ScopeTraversalExpr:
		if root, ok := n.Traversal[0].(hcl.TraverseRoot); ok && root.Name == "alert" && r.shadowed == 0 {
			root.Name = "trigger"
			n.Traversal[0] = root
		}
	}
	return nil
}

// Exit implements hclsyntax.Walker.
func (r *renamer) Exit(n hclsyntax.Node) hcl.Diagnostics {
	if scope, ok := n.(hclsyntax.ChildScope); ok {
		if _, ok := scope.LocalNames["alert"]; ok {
			r.shadowed--
		}
	}
	return nil
}
