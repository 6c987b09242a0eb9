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
