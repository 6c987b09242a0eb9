package lang

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang/diag"
)

// NotYetRunnable reports what of the program is checked and can't be run by this version: once for each recipe, at the
// first block that is too much for it. Without names it is asked of all recipes that are enabled, else of those named.
// A program with such diagnostics may be bound and looked at, but neither the named recipes nor all may be run.
func (p *Program) NotYetRunnable(names ...string) hcl.Diagnostics {
	var diags hcl.Diagnostics
	seen := map[hcl.Range]bool{} // flowrun.hcl's on_error serves many
	for _, r := range p.result.Recipes {
		if len(names) > 0 && !slices.Contains(names, r.Name) || len(names) == 0 && r.Disabled {
			continue
		}
		what, at, ok := r.NotYetRunnable()
		if !ok || seen[at] {
			continue
		}
		seen[at] = true
		diags = append(diags, diag.New(diag.NotYetRunnable, at, fmt.Sprintf(
			"%s is checked, but this version of flowrun can't run it yet. Take it out, or switch the recipe off (enabled = false) until a version can.", what)))
	}
	diag.Sort(diags)
	return diags
}
