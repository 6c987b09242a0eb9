// Package check turns parsed files into recipes that can be run. It resolves every name, infers the type of every
// expression, and says what can't work before anything runs.
//
// The algorithm, for one recipe. First the names: triggers, steps, locals and variables are collected, duplicates and
// unknown ones reported, connections resolved (build.go, variables.go, connections.go). Then the graph: what each step
// and gate reads, directly and through locals, who needs whom, and circles (refs.go, graph.go). Then the types: every
// expression is interpreted over shapes instead of values (infer.go and its neighbours), once for each trigger, since
// each has its own payload (variants.go). Facts that gates above and `when` prove go down with the interpretation
// (narrow.go). A local is interpreted where it is read, under the facts that hold there. Last, expressions are made
// ready to be evaluated within bounds (soften.go, match.go).
//
// A recipe that calls others is checked after them, since it is typed by what they take and give back (called.go). What
// flow control reads (control.go) is interpreted below the filters at the top, and outputs below everything.
//
// The package evaluates nothing but constants and keeps no state between calls.
package check

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// Result is all that a project says, checked. Where the diagnostics hold an error it is for tooling only.
type Result struct {
	Recipes     []*Recipe     // by name
	Connections []*Connection // by name, declared and implied
	Variables   []*Variable   // the project's by name, then each recipe's
}

// argument is one argument of a block.
type argument = *syntax.Arg

// Check checks a project against what the catalogue offers. The diagnostics are sorted; a warning whose line says to
// ignore it is left out.
func Check(p *syntax.Project, cat schema.Catalog) (*Result, hcl.Diagnostics) {
	c := newChecker(p.Files, cat)
	rep := newReporter()
	pr := c.checkConfig(p.Config, rep)
	out := &Result{Variables: pr.variables}
	built := make([]*builder, len(p.Recipes))
	for _, r := range p.Recipes {
		c.parsed[r.Name] = true
	}
	for _, n := range c.callOrder(p.Recipes, rep) {
		built[n] = c.checkRecipe(p.Recipes[n], pr, rep)
	}
	if alert := c.checkOnAlert(p, pr, rep); alert != nil {
		built = append(built, alert)
	}
	shared := c.checkOnError(p.Config.OnError, built, pr, rep)
	c.checkCircles(built, rep)
	c.checkTwins(built, rep)
	if shared != nil {
		shared.finish()
	}
	for _, rc := range built { // once everything is checked: softening rewrites what the project's locals share
		rc.finish()
		rc.inherit(shared)
		out.Recipes = append(out.Recipes, rc.out)
		out.Variables = append(out.Variables, rc.variables...)
	}
	slices.SortFunc(out.Recipes, func(a, b *Recipe) int { return strings.Compare(a.Name, b.Name) })
	c.checkUnusedLocals(pr, rep)
	out.Connections = pr.connections()
	diags := ignore(rep.diags, p.Files)
	diag.Sort(diags)
	return out, diags
}

func newChecker(files map[string][]byte, cat schema.Catalog) *checker {
	c := &checker{
		cat:   cat,
		files: files,
		funcs: eval.Table(),
		soft:  map[hclsyntax.Expression]bool{},

		callees: map[string]*callee{},
		doors:   map[string]*door{},
		parsed:  map[string]bool{},
	}
	c.names = append(keys(c.funcs), "env", "file")
	slices.Sort(c.names)
	return c
}

// checkOnError checks the on_error of flowrun.hcl, which serves the recipes that have none, as if it were a recipe of its
// own. It returns nil where there is none.
func (c *checker) checkOnError(block *syntax.OnError, built []*builder, pr *project, rep *reporter) *builder {
	if block == nil {
		return nil
	}
	idle := true // no recipe that runs is served by it
	for _, b := range built {
		idle = idle && (b.out.Disabled || !b.served())
	}
	b := c.newBuilder(&syntax.Recipe{Filename: syntax.ConfigFile, OnError: block}, pr, rep)
	b.shared, b.out.Disabled = true, idle
	b.check()
	return b
}

// served reports whether the project's on_error is for this recipe, too: it has none, nobody called it (who did hears of
// its failure) and it is not itself what is done about an alert.
func (b *builder) served() bool {
	return b.src.OnError == nil && b.out.Callable == nil && b.out.Name != alertRecipe
}

// inherit takes over the project's on_error where the recipe has none.
func (b *builder) inherit(shared *builder) {
	if shared == nil || !b.served() {
		return
	}
	b.out.OnError = shared.out.OnError
	for _, name := range shared.out.Vars {
		if !slices.Contains(b.out.Vars, name) {
			b.out.Vars = append(b.out.Vars, name)
		}
	}
	slices.Sort(b.out.Vars)
}

// project is what recipes share.
type project struct {
	incomplete bool // flowrun.hcl is broken: what it should hold is not known
	variables  []*Variable
	vars       map[string]*Variable
	varInfo    map[*Variable]info
	locals     []*local // in a good order
	declared   map[string]*Connection
	implied    map[string]*Connection
	used       map[string]bool // connections that an enabled recipe uses
}

func (c *checker) checkConfig(cfg *syntax.Config, rep *reporter) *project {
	pr := &project{
		incomplete: cfg.Incomplete,
		vars:       map[string]*Variable{},
		varInfo:    map[*Variable]info{},
		declared:   map[string]*Connection{},
		implied:    map[string]*Connection{},
		used:       map[string]bool{},
	}
	pr.variables = c.checkVariables(cfg.Variables, "", pr.vars, pr.varInfo, rep)
	taken := map[string]hcl.Range{}
	for n, a := range cfg.Locals {
		if n == mostLocals {
			e := env{sc: &scope{rep: rep}, facts: noFacts}
			e.report(diag.TooExpensive, a.NameRange, "a project has %d locals at most; this one has %d.", mostLocals, len(cfg.Locals))
			break
		}
		if duplicate(rep, "local", a.Name, a.NameRange, taken) {
			continue
		}
		pr.locals = append(pr.locals, &local{Name: a.Name, Expr: a.Expr, Range: a.NameRange, project: true})
	}
	c.checkConnections(cfg.Connections, pr, rep)
	return pr
}

// duplicate reports a name that is taken already.
func duplicate(rep *reporter, what, name string, rng hcl.Range, taken map[string]hcl.Range) bool {
	first, ok := taken[name]
	if !ok {
		taken[name] = rng
		return false
	}
	e := env{sc: &scope{rep: rep}, facts: noFacts}
	e.report(diag.DuplicateName, rng, "the %s %q is there already, at %s line %d. Give one of them another name.",
		what, name, first.Filename, first.Start.Line)
	return true
}

// checkUnusedLocals warns of locals that nothing reads.
func (c *checker) checkUnusedLocals(pr *project, rep *reporter) {
	sc := &scope{rep: rep, locals: map[string]*local{}, vars: pr.vars, varInfo: pr.varInfo, busy: map[*local]bool{}, memo: map[memoKey]info{}}
	for _, l := range pr.locals {
		sc.locals[l.Name] = l
	}
	e := env{c: c, sc: sc, facts: noFacts}
	for _, l := range pr.locals {
		if !l.used {
			e.report(diag.UnusedLocal, l.Range, "no recipe reads local.%s.", l.Name)
			if !l.broken {
				e.lenient().infer(l.Expr)
			}
		}
	}
}
