package check

// The checker as a tool for looking: what it knows of an expression at a place of a recipe, by the same inference that
// checks the recipe. A recipe is walked once up to the place, and what is in reach and proved there is kept; expressions
// are then looked at one by one.
//
// An Inspector is asked by step and about expressions that are written nowhere, in a recipe that is sound, and complains of
// them as of a recipe's own; a Probe (probe.go) is asked by byte, in a text that is being written, and complains of nothing.
// What both tell of a value is one thing, a Sight.

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// ExpressionFile is the name that diagnostics of an inspected expression have for its file.
const ExpressionFile = "expression"

// Inspector looks at expressions at one place of a recipe. It is not safe for concurrent use.
type Inspector struct {
	b        *builder
	at       *nodeSrc // nil at the end
	triggers []*Trigger
	envs     []env // what is in reach at the place, for each trigger
}

// Finding is what is known of an expression.
type Finding struct {
	// Expr is ready to be evaluated; nil where the diagnostics hold an error.
	Expr hcl.Expression
	// Views has one element for each trigger with which the place can be reached.
	Views []View
	// Diags are of the expression alone, in the file ExpressionFile.
	Diags hcl.Diagnostics
}

// View is what is known of an expression's value when one trigger has started the recipe.
type View struct {
	Sight
	Proved   bool // it is not null because a condition above says so
	Elements bool // the elements of the list or map may be null
	Personal bool // it tells of a person
}

// UnknownPlaceError says that a recipe has no such step.
type UnknownPlaceError struct {
	At    string
	Steps []string // the addresses there are
}

// Error says it.
func (e *UnknownPlaceError) Error() string { return fmt.Sprintf("the recipe has no step %q", e.At) }

// Inspect returns an Inspector for a place of a recipe of a sound project. The place is the end, below all gates, where
// at is empty, else a step: its address ("action.customer", "filter.1", "on_error.action.tell"), its name, or the label
// of a filter or switch. In a step the names and facts are those of its arguments. p is used up. The error is an
// *UnknownPlaceError where there is no such step.
func Inspect(p *syntax.Project, cat schema.Catalog, recipe, at string) (*Inspector, error) {
	i := slices.IndexFunc(p.Recipes, func(r *syntax.Recipe) bool { return r.Name == recipe })
	if i < 0 {
		return nil, fmt.Errorf("there is no recipe %q", recipe)
	}
	c := newChecker(p.Files, cat)
	c.files = maps.Clone(p.Files)
	rep := newReporter()
	pr := c.checkConfig(p.Config, rep)
	for _, r := range p.Recipes {
		c.parsed[r.Name] = true
	}
	for _, n := range c.callOrder(p.Recipes, rep) { // so that what recipe_run answers is known
		if n != i && isCalled(p.Recipes[n]) {
			c.checkRecipe(p.Recipes[n], pr, rep)
		}
	}
	b := c.newBuilder(p.Recipes[i], pr, rep)
	b.variables = c.checkVariables(b.src.Variables, b.src.Name, b.vars, b.varInfo, rep)
	b.collectLocals()
	b.triggers()
	b.collectSteps()
	b.graph()

	in := &Inspector{b: b}
	if at != "" {
		var addresses []string
		for _, n := range b.all() {
			if n.Latest != nil {
				continue
			}
			if n.Address == at || n.Name == at && in.at == nil {
				in.at = n
			}
			addresses = append(addresses, n.Address)
		}
		if in.at == nil {
			return nil, &UnknownPlaceError{At: at, Steps: addresses}
		}
	}
	types := typesOf(b.out.Triggers)
	for _, t := range b.out.Triggers {
		b.visit = func(n *nodeSrc, e env) {
			if n == in.at && !e.facts.dead {
				in.triggers, in.envs = append(in.triggers, t), append(in.envs, e)
			}
		}
		b.typesFor(t, types, newReporter())
	}
	b.visit = nil
	return in, nil
}

// Files returns the files of the project and the expression that was looked at last.
func (in *Inspector) Files() map[string][]byte { return in.b.c.files }

// Place is where the expression stands, in the words of diagnostics: `in action "customerio_track"`.
func (in *Inspector) Place() string {
	if in.at == nil {
		return "at the end of " + in.b.src.Name
	}
	return in.at.context()
}

// Look says what is known of an expression.
func (in *Inspector) Look(src string) Finding {
	in.b.c.files[ExpressionFile] = []byte(src)
	x, diags := syntax.ParseExpression([]byte(src), ExpressionFile)
	if diags.HasErrors() {
		return Finding{Diags: diags}
	}
	out := Finding{}
	rep := newReporter()
	reports := make([]*reporter, len(in.envs))
	for n, e := range in.envs {
		reports[n] = newReporter()
		out.Views = append(out.Views, in.view(e, x, reports[n]))
		out.Views[n].Trigger = in.triggers[n].Name
	}
	probe := *in.b
	probe.e.sc = &scope{rep: rep}
	if len(in.envs) > 0 {
		probe.mergeVariants(in.triggers, reports)
	}
	in.steps(&probe, x)
	out.Diags = rep.diags
	diag.In(in.Place(), out.Diags)
	diag.Sort(out.Diags)
	if !out.Diags.HasErrors() {
		out.Expr = eval.Bound(in.b.c.soften(x))
	}
	return out
}

func (in *Inspector) view(e env, x hclsyntax.Expression, rep *reporter) View {
	e.sc.rep, e.sc.looks = rep, 0
	i := e.infer(x)
	v := View{Sight: sightOf(i), Elements: i.elemNull, Personal: e.tellsOfPerson(i)}
	if len(v.Type.Enum) > 0 {
		v.Type.Enum = e.possible(x, v.Type.Enum)
	}
	if !i.null && !i.bad {
		bare := e.silent()
		bare.facts = noFacts
		v.Proved = bare.infer(x).null
	}
	return v
}

// steps reports the steps that an expression can't read where it stands.
func (in *Inspector) steps(b *builder, x hclsyntax.Expression) {
	from := &nodeSrc{Node: &Node{Index: len(b.nodes)}, in: b.top}
	if in.at != nil {
		from = in.at
	}
	r := newRefs()
	r.add(x)
	r.through(b.reads)
	needs, mention := map[int]bool{}, map[[2]int]hcl.Range{}
	for _, name := range keys(r.steps) {
		b.need(from, b.steps[name], r.steps[name], needs, mention)
	}
	for _, name := range keys(r.waits) {
		b.need(from, b.waits[name], r.waits[name], needs, mention)
	}
	if in.at == nil {
		return
	}
	nodes := slices.Clone(b.out.Nodes)
	if in.at.in.onError {
		nodes = slices.Clone(b.out.OnError)
	}
	before, nowhere := b.e, newReporter()
	before.sc = &scope{rep: nowhere}
	before.checkStepCircles(nodes, func(int, int) hcl.Range { return x.Range() })
	if len(nowhere.diags) > 0 {
		return // the recipe has circles of its own
	}
	step := *in.at.Node
	step.Needs = indexSet(needs)
	nodes[step.Index] = &step
	b.e.checkStepCircles(nodes, func(node, needed int) hcl.Range {
		if node == step.Index {
			return mention[[2]int{node, needed}]
		}
		return x.Range()
	})
}

// Describe says in plain words what a type is beyond its kind: which values it has, what a number counts, what an
// identifier names. It returns "" where there is nothing to say.
func Describe(t schema.Type) string {
	var parts []string
	if len(t.Enum) > 0 {
		parts = append(parts, "one of "+quoteList(t.Enum))
	}
	if words := Meaning(t); words != "" {
		parts = append(parts, words)
	}
	return strings.Join(parts, "; ")
}

// Meaning is the part of Describe that is about the format of a type.
func Meaning(t schema.Type) string {
	switch t.Format {
	case schema.UnixTime:
		return "seconds since 1970 in UTC"
	case schema.Currency:
		return "a currency's three letters"
	case schema.MinorUnit:
		return "an amount in the currency's smallest unit"
	case schema.Email:
		return "an e-mail address"
	case schema.URL:
		return "a URL"
	case schema.Duration:
		return "a duration, such as \"90s\", \"72h\" or \"7d\""
	case schema.ID:
		word := "an identifier"
		if t.Refers != "" {
			word += " of " + article(strings.ReplaceAll(t.Refers, "_", " "))
		}
		if t.Prefix != "" {
			word += fmt.Sprintf(" that begins with %q", t.Prefix)
		}
		return word
	case schema.Country:
		return "a country's two letters"
	case schema.JSON:
		return "JSON as text"
	case schema.Integer:
		return "a whole number"
	}
	return ""
}
