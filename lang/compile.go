package lang

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// CompileFiles parses and checks files given by their slash-separated path in the folder. The program keeps the map.
func CompileFiles(files map[string][]byte, cat schema.Catalog) (*Program, hcl.Diagnostics) {
	project, diags := syntax.Parse(files)
	result, more := check.Check(project, cat)
	diags = append(diags, more...)
	diag.Sort(diags)
	return newProgram(files, result), diags
}

// Inspect returns what tells of expressions at a place of a recipe, as check.Inspect describes. cat is the catalogue the
// program was compiled with, and the program has no errors.
func (p *Program) Inspect(cat schema.Catalog, recipe, at string) (*check.Inspector, error) {
	project, _ := syntax.Parse(p.files) // parsed once without errors
	return check.Inspect(project, cat, recipe, at)
}
