package check

// A project that is being edited is checked again with every pause of the author's fingers. Recipes are checked one by
// one and know nothing of each other; what joins them (circles, twins, what nobody reads) is cheap. So a session keeps
// what it knows of each recipe until its text or flowrun.hcl changes.

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
	b   *builder
	rep *reporter
}

// NewSession returns a session that has seen nothing.
func NewSession(cat schema.Catalog) *Session {
	return &Session{c: newChecker(nil, cat), recipes: map[*syntax.Recipe]*checked{}}
}

// Check returns what Check does, sorted. A recipe that is the same object as before is not looked at again, unless the
// Config is another. Between recipes it asks whether to stop; then done is false, and the next call goes on from there.
func (s *Session) Check(p *syntax.Project, stop func() bool) (diags hcl.Diagnostics, done bool) {
	s.c.files, s.c.soft = p.Files, map[hclsyntax.Expression]bool{}
	if s.config != p.Config {
		s.config, s.shared, s.recipes = p.Config, newReporter(), map[*syntax.Recipe]*checked{}
		s.pr = s.c.checkConfig(p.Config, s.shared)
	}
	keep := make(map[*syntax.Recipe]*checked, len(p.Recipes))
	built := make([]*builder, 0, len(p.Recipes))
	rep := newReporter()
	rep.take(s.shared)
	for _, r := range p.Recipes {
		known := s.recipes[r]
		if known == nil {
			if stop() {
				return nil, false
			}
			known = &checked{rep: newReporter()}
			known.b = s.c.checkRecipe(r, s.pr, known.rep)
			s.recipes[r] = known
		}
		keep[r] = known
		built = append(built, known.b)
		rep.take(known.rep)
	}
	s.recipes = keep
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

// take adds what another has collected.
func (r *reporter) take(other *reporter) {
	for _, d := range other.diags {
		r.add(d)
	}
}
