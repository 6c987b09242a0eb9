package check

// A project that is being edited is checked again with every pause of the author's fingers. Recipes are checked one by
// one and know of each other only what those see that call them; what joins them (circles, twins, what nobody reads) is
// cheap. So a session keeps what it knows of each recipe until its text, flowrun.hcl or a recipe that it calls changes.

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// Session checks one project again and again. It is not safe for concurrent use.
type Session struct {
	c       *checker
	config  *syntax.Config
	pr      *project
	shared  *reporter // what is wrong with flowrun.hcl
	recipes map[*syntax.Recipe]*checked
	byName  map[string]*checked
	onError []*Node // that of flowrun.hcl
	handled bool    // onError is known
	broken  bool    // flowrun.hcl has mistakes
}

// checked is a recipe and what is wrong with it.
type checked struct {
	b      *builder
	rep    *reporter
	callee *callee            // as others see it
	calls  map[string]*callee // those that it calls, as it has seen them
	whole  *Recipe            // once somebody looks at it
}

// NewSession returns a session that has seen nothing.
func NewSession(cat schema.Catalog) *Session {
	return &Session{c: newChecker(nil, cat), recipes: map[*syntax.Recipe]*checked{}}
}

// Check returns what Check does, sorted. A recipe that is the same object as before is not looked at again, unless the
// Config or a recipe that it calls is another. Between recipes it asks whether to stop; then done is false, and the next call goes on from there.
func (s *Session) Check(p *syntax.Project, stop func() bool) (diags hcl.Diagnostics, done bool) {
	s.c.files, s.c.soft = p.Files, map[hclsyntax.Expression]bool{}
	if s.config != p.Config {
		s.config, s.shared, s.recipes = p.Config, newReporter(), map[*syntax.Recipe]*checked{}
		s.onError, s.handled = nil, false
		s.pr = s.c.checkConfig(p.Config, s.shared)
	}
	s.c.callees, s.c.parsed = map[string]*callee{}, map[string]bool{}
	for _, r := range p.Recipes {
		s.c.parsed[r.Name] = true
	}
	keep := make(map[*syntax.Recipe]*checked, len(p.Recipes))
	built := make([]*builder, len(p.Recipes))
	rep := newReporter()
	rep.take(s.shared)
	for _, n := range s.c.callOrder(p.Recipes, rep) {
		r := p.Recipes[n]
		known := s.recipes[r]
		if known == nil || !s.sees(known) {
			if stop() {
				return nil, false
			}
			known = s.check(r)
			s.recipes[r] = known
		}
		s.c.callees[r.Name] = known.callee
		keep[r] = known
		built[n] = known.b
		rep.take(known.rep)
	}
	s.recipes, s.byName = keep, map[string]*checked{}
	for r, known := range keep {
		s.byName[r.Name] = known
	}
	if alert := s.c.checkOnAlert(p, s.pr, rep); alert != nil {
		built = append(built, alert)
	}
	for _, l := range s.pr.locals {
		l.used = false
	}
	if shared := s.c.checkOnError(p.Config.OnError, built, s.pr, rep); shared != nil && !s.handled {
		shared.tell()
		s.onError = shared.out.OnError
	}
	s.handled = true
	s.c.checkCircles(built, rep)
	s.c.checkTwins(built, rep)
	s.c.checkDoors(built, rep)
	for _, b := range built {
		for name := range b.usedLocals() {
			if l := b.byName[name]; l != nil && l.project {
				l.used = true
			}
		}
	}
	s.c.checkUnusedLocals(s.pr, rep)
	s.broken = slices.ContainsFunc(rep.diags, func(d *hcl.Diagnostic) bool {
		return d.Severity == hcl.DiagError && d.Subject.Filename == syntax.ConfigFile
	})
	diags = ignore(rep.diags, p.Files)
	diag.Sort(diags)
	return diags, true
}

// Recipe returns a recipe as the last Check that ended saw it, for those who look at it and do not run it: its expressions
// are not ready to be evaluated. It is the same object until the recipe, or what it was checked with, changes; nil where
// there is none of that name. It is not sound where it, or flowrun.hcl, has mistakes: steps may lack their actions then.
func (s *Session) Recipe(name string) (r *Recipe, sound bool) {
	known := s.byName[name]
	if known == nil {
		return nil, false
	}
	if known.whole == nil {
		known.b.tell()
		whole := *known.b.out
		if known.b.served() {
			whole.OnError = s.onError
		}
		known.whole = &whole
	}
	return known.whole, !s.broken && !known.rep.diags.HasErrors()
}

// Recipes returns all that Recipe would, by name.
func (s *Session) Recipes() []*Recipe {
	var out []*Recipe
	for _, name := range keys(s.byName) {
		r, _ := s.Recipe(name)
		out = append(out, r)
	}
	return out
}

// Variables returns the project's variables, then those of each recipe.
func (s *Session) Variables() []*Variable {
	if s.pr == nil {
		return nil
	}
	out := slices.Clone(s.pr.variables)
	for _, name := range keys(s.byName) {
		out = append(out, s.byName[name].b.variables...)
	}
	return out
}

// tell puts down what only the last pass over a recipe would, as far as those need it who do not run it.
func (b *builder) tell() {
	var payloads []*schema.Object
	for _, t := range b.out.Triggers {
		if t.Payload != nil {
			payloads = append(payloads, t.Payload)
		}
	}
	for _, n := range b.all() {
		n.ForEach = expr(n.src.ForEach)
		b.out.Reads.Merge(pathsOf(n.refs.trig, payloads))
	}
}

// check checks one recipe; those that it calls have been.
func (s *Session) check(r *syntax.Recipe) *checked {
	out := &checked{rep: newReporter(), calls: map[string]*callee{}}
	calls := callsIn(r.Steps)
	if r.OnError != nil {
		calls = append(calls, callsIn(r.OnError.Steps)...)
	}
	for _, k := range calls {
		out.calls[k.recipe] = s.c.callees[k.recipe]
	}
	out.b = s.c.checkRecipe(r, s.pr, out.rep)
	out.callee = s.c.callees[r.Name]
	return out
}

// sees reports whether the recipes that one calls are what they were. Of one that is not there nobody can say that.
func (s *Session) sees(known *checked) bool {
	for name, before := range known.calls {
		if before == nil || s.c.callees[name] != before {
			return false
		}
	}
	return known.callee == nil || !known.callee.broken && s.c.callees[known.callee.name] == nil
}

// take adds what another has collected.
func (r *reporter) take(other *reporter) {
	for _, d := range other.diags {
		r.add(d)
	}
}
