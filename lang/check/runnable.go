package check

// What the checker understands and the engine does not run yet is told here and nowhere else, so that making a block
// run ends with taking its line out of this file.

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
)

// NotYetRunnable finds the first thing in the recipe that is checked and can't be run yet: what it is, in the author's
// words, and where it stands. The place may be in flowrun.hcl, whose on_error serves recipes that have none. ok is
// false where all of the recipe can be run.
func (r *Recipe) NotYetRunnable() (what string, at hcl.Range, ok bool) {
	header := hcl.Range{Filename: r.Filename, Start: hcl.InitialPos, End: hcl.InitialPos}
	if len(r.Triggers) > 0 {
		header = r.Triggers[0].Range
	}
	switch {
	case r.Flow != (Flow{}):
		return "flow control", header, true
	case r.Shadow:
		return `mode = "shadow"`, header, true
	case r.Callable != nil:
		return "recipe_call", header, true
	case r.Name == alertRecipe:
		return alertRecipe, header, true
	}
	for _, n := range r.Nodes {
		switch {
		case n.Calls != "":
			return runAction, n.Range, true
		case n.Kind == Wait:
			return fmt.Sprintf("wait %q", n.Name), n.Range, true
		case n.Kind == Switch && n.Name != "":
			return fmt.Sprintf("switch %q", n.Name), n.Range, true
		case n.Kind == Switch:
			return "switch", n.Range, true
		case n.ForEach != nil:
			return "for_each", n.ForEach.Range(), true
		case n.ContinueOnError:
			return `on_error = "continue"`, n.Range, true
		}
	}
	if r.onError != (hcl.Range{}) {
		return "on_error", r.onError, true
	}
	return "", hcl.Range{}, false
}
