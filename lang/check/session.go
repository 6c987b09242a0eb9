package check

// A project that is being edited is checked again with every pause of the author's fingers. Recipes are checked one by
// one and know of each other only what those see that call them; what joins them (circles, twins, what nobody reads) is
// cheap. So a session keeps what it knows of each recipe until its text, flowrun.hcl or a recipe that it calls changes.

import (
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
}

// checked is a recipe and what is wrong with it.
type checked struct {
	b      *builder
	rep    *reporter
	callee *callee            // as others see it
	calls  map[string]*callee // those that it calls, as it has seen them
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
	s.recipes = keep
	if alert := s.c.checkOnAlert(p, s.pr, rep); alert != nil {
		built = append(built, alert)
	}
	for _, l := range s.pr.locals {
		l.used = false
	}
	s.c.checkOnError(p.Config.OnError, built, s.pr, rep)
	s.c.checkCircles(built, rep)
	s.c.checkTwins(built, rep)
	for _, b := range built {
		for name := range b.usedLocals() {
			if l := b.byName[name]; l != nil && l.project {
				l.used = true
			}
		}
	}
	s.c.checkUnusedLocals(s.pr, rep)
	diags = ignore(rep.diags, p.Files)
	diag.Sort(diags)
	return diags, true
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
