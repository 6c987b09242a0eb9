package testrun

import (
	"fmt"
	"slices"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

// Point is one thing that a recipe can do and a test can show.
type Point struct {
	Recipe  string
	Address string
	What    string // "passes", "holds back", "runs", "is skipped", "fails and goes on", "comes", "times out", "ends", "takes case …"
	Line    int
	Covered bool
}

// Coverage is what of some recipes their tests have shown, recipe by recipe.
type Coverage struct {
	Recipes []RecipeCoverage
	Covered int
	Points  int
}

// RecipeCoverage is the coverage of one recipe.
type RecipeCoverage struct {
	Recipe  string
	Covered int
	Points  []Point
}

// Cover counts what the results show of recipes: each filter letting through and holding back, each case, each step
// running, and skipped where it has a condition, each error branch, each wait ending in each way that it can.
func Cover(recipes []*check.Recipe, results []*Result) Coverage {
	var out Coverage
	for _, r := range recipes {
		shown := map[[2]string]bool{}
		for _, res := range results {
			if res.Test.Recipe.Name == r.Name {
				show(shown, res.Events)
			}
			for _, o := range res.Called {
				if o.Run.Recipe == r.Name {
					show(shown, []*Outcome{o})
				}
			}
		}
		rc := RecipeCoverage{Recipe: r.Name}
		for _, p := range points(r) {
			if p.Covered = shown[[2]string{p.Address, p.What}]; p.Covered {
				rc.Covered++
			}
			rc.Points = append(rc.Points, p)
		}
		out.Recipes = append(out.Recipes, rc)
		out.Covered += rc.Covered
		out.Points += len(rc.Points)
	}
	return out
}

func points(r *check.Recipe) []Point {
	var out []Point
	for _, n := range slices.Concat(r.Nodes, r.OnError) {
		if n.Range.Filename != r.Filename || n.Latest != nil {
			continue // the project's on_error is not this recipe's, and what is fetched for a trigger is no step of its text
		}
		add := func(what string) {
			out = append(out, Point{Recipe: r.Name, Address: n.Address, What: what, Line: n.Range.Start.Line})
		}
		switch n.Kind {
		case check.Filter:
			add("passes")
			add("holds back")
		case check.Switch:
			for i := range n.Cases {
				add(caseWord(n, i))
			}
		case check.Wait:
			switch {
			case n.Wait.Event == nil:
				add("ends")
			case n.Wait.Timeout > 0:
				add("comes")
				add("times out")
			default:
				add("comes")
			}
		case check.Action:
			add("runs")
			if n.When != nil {
				add("is skipped")
			}
			if n.ContinueOnError {
				add("fails and goes on")
			}
		}
	}
	return out
}

func caseWord(n *check.Node, i int) string {
	if n.Cases[i].Default {
		return "takes default"
	}
	return fmt.Sprintf("takes case at line %d", n.Cases[i].Range.Start.Line)
}

// show notes what runs showed of their recipe.
func show(shown map[[2]string]bool, outcomes []*Outcome) {
	for _, o := range outcomes {
		if o.Verdict != nil {
			for _, g := range o.Verdict.Gates {
				switch {
				case g.When:
				case g.Node.Kind == check.Filter && g.Passed:
					shown[[2]string{g.Node.Address, "passes"}] = true
				case g.Node.Kind == check.Filter:
					shown[[2]string{g.Node.Address, "holds back"}] = true
				case g.Node.Kind == check.Switch && g.Case >= 0:
					shown[[2]string{g.Node.Address, caseWord(g.Node, g.Case)}] = true
				}
			}
		}
		if o.Run == nil {
			continue
		}
		for _, s := range o.Run.Steps {
			for _, what := range words(s) {
				shown[[2]string{s.Address, what}] = true
			}
		}
	}
}

// words is what a recorded step shows.
func words(s *runtime.Step) []string {
	if s.Action == "" {
		if s.Status != runtime.StepDone {
			return nil
		}
		timedOut, _ := schema.BoolOf(schema.Lookup(s.Output, "timed_out"))
		if timedOut {
			return []string{"times out"}
		}
		return []string{"comes", "ends"}
	}
	switch s.Status {
	case runtime.StepSkipped:
		return []string{"is skipped"}
	case runtime.StepFailed, runtime.StepUnknown:
		return []string{"runs", "fails and goes on"}
	}
	return []string{"runs"}
}
