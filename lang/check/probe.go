package check

// What an editor wants to know is what the checker knows while it checks: which names are in reach at a place, what
// they are there, what is wanted. A probe watches the inference of one file and keeps the environments of the
// expressions around one byte; questions are then answered by the same inference.
//
// Rejected: a second walk that finds the place and rebuilds what is proved there. It would have to know all that the
// checker knows of switches, loops, locals and facts.

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// Place is what the checker knows where an expression stands. It is not safe for concurrent use.
type Place struct {
	filename string
	at       int

	sights  []sight // what was checked around the place, each expression once for each trigger
	muted   []sight // what was looked at in passing only
	allowed []string

	c     *checker
	steps []*syntax.Step // around the place, the outermost first
}

type sight struct {
	e    env
	x    hclsyntax.Expression
	want *target
}

// Sight is what is known of a value when one trigger has started the recipe.
type Sight struct {
	Trigger   string // its name; empty where none is meant
	Type      schema.Type
	Known     bool // the expression makes sense; else the type is any
	MayBeNull bool
	Null      bool   // it always is
	Why       string // why it may be null, the end of a sentence such as "on stripe_charge_failed"; may be empty
	Secret    bool
}

// sightOf is what is known of a value that was inferred.
func sightOf(i info) Sight {
	s := Sight{Type: i.t, Known: !i.bad, MayBeNull: i.null, Null: i.isNull, Why: i.why, Secret: i.secret}
	if i.bad || s.Type.Kind == 0 {
		s.Type = anyType
	}
	return s
}

// Name is something that an expression can name.
type Name struct {
	Text   string // "trigger", or what stands behind the dot: "customer"
	Detail string // of a step its type; may be empty
}

// Probe checks one file of a project aside and returns what is known at a byte of it, which may be at the end of an
// expression, too. The session stays as it is.
func (s *Session) Probe(p *syntax.Project, filename string, at int) *Place {
	fresh := *s.c // but for the functions and what is known of the catalogue
	c := &fresh
	c.files, c.soft, c.callees = p.Files, map[hclsyntax.Expression]bool{}, maps.Clone(s.c.callees)
	delete(c.callees, strings.TrimSuffix(filename, ".hcl"))
	place := &Place{filename: filename, at: at, c: c}
	c.probe = place
	rep := newReporter()
	pr := c.checkConfig(p.Config, rep)
	for _, r := range p.Recipes {
		if r.Filename == filename {
			c.checkRecipe(r, pr, rep)
			place.around(r.Steps)
			if r.OnError != nil {
				place.around(r.OnError.Steps)
			}
		}
	}
	if filename == syntax.ConfigFile {
		c.checkOnAlert(p, pr, rep)
		c.checkOnError(p.Config.OnError, nil, pr, rep)
		c.checkUnusedLocals(pr, rep)
	}
	c.probe = nil
	if len(place.sights) == 0 {
		place.sights = place.muted
	}
	slices.SortStableFunc(place.sights, func(a, b sight) int {
		return cmp.Compare(length(a.x.Range()), length(b.x.Range()))
	})
	return place
}

func length(r hcl.Range) int { return r.End.Byte - r.Start.Byte }

// around collects the steps that hold the place.
func (p *Place) around(steps []*syntax.Step) {
	for _, s := range steps {
		if !p.in(hcl.RangeBetween(s.Range, s.BodyRange)) {
			continue
		}
		p.steps = append(p.steps, s)
		if s.Switch != nil {
			for _, c := range s.Switch.Cases {
				p.around(c.Steps)
			}
		}
	}
}

func (p *Place) in(rng hcl.Range) bool {
	return rng.Filename == p.filename && rng.Start.Byte <= p.at && p.at <= rng.End.Byte
}

// see is told of every expression that is inferred or assigned.
func (p *Place) see(e env, x hclsyntax.Expression, want *target) {
	if !p.in(x.Range()) {
		return
	}
	list := &p.sights
	if e.mute {
		list = &p.muted
	}
	for i := range *list {
		s := &(*list)[i]
		if s.x == x && s.e.sc.variant == e.sc.variant {
			if s.want == nil {
				s.want = want
			}
			return
		}
	}
	*list = append(*list, sight{e, x, want})
}

// allow is told of every set of values that a text is not among.
func (p *Place) allow(rng hcl.Range, values []string) {
	if p.in(rng) && len(p.allowed) == 0 {
		p.allowed = values
	}
}

// evenSo returns what is known of a value of which the checker has complained, for those who look at what stands within a
// loop over it: null is passed over.
func (e env) evenSo(x hclsyntax.Expression, i info) info {
	if e.c.probe == nil || !i.bad && !i.null {
		return i
	}
	i = e.silent().lenient().infer(x)
	i.null = false
	return i
}

// Enclosing returns the expressions that hold the place, the innermost first.
func (p *Place) Enclosing() []hclsyntax.Expression {
	var out []hclsyntax.Expression
	for _, s := range p.sights {
		if !slices.Contains(out, s.x) {
			out = append(out, s.x)
		}
	}
	return out
}

// envs returns what is in reach at the place: one for each trigger, that of the innermost expression.
func (p *Place) envs() []env {
	var out []env
	for _, s := range p.sights {
		if !slices.ContainsFunc(out, func(e env) bool { return e.sc.variant == s.e.sc.variant }) {
			out = append(out, s.e.aside())
		}
	}
	return out
}

// aside returns the place with a report of its own, so that looking leaves no trace.
func (e env) aside() env {
	sc := *e.sc
	sc.rep, sc.looks = newReporter(), 0
	sc.memo, sc.proofs, sc.told = map[memoKey]info{}, nil, nil
	e.sc, e.mute = &sc, false
	if e.facts.dead {
		e.facts = noFacts
	}
	return e
}

// Sights returns what x, an expression made of what is in reach at the place, is for each trigger.
func (p *Place) Sights(x hclsyntax.Expression) []Sight {
	var out []Sight
	for _, e := range p.envs() {
		if e.sc.variant != nil && e.sc.variant.Name == alertTrigger {
			_ = hclsyntax.Walk(x, &renamer{}) // the renamer complains of nothing
		}
		i := e.silent().lenient().infer(x)
		s := sightOf(i)
		if e.sc.variant != nil {
			s.Trigger = e.sc.variant.Name
		}
		out = append(out, s)
	}
	return out
}

// Wanted returns the type of what is wanted of the expression at the place, where that is known: the innermost
// expression that begins where the place's does decides. What stands on the other side of a comparison counts, too.
func (p *Place) Wanted() (schema.Type, bool) {
	for n, s := range p.sights {
		if s.want != nil {
			return s.want.t, true
		}
		if op, ok := s.x.(*hclsyntax.BinaryOpExpr); ok && (op.Op == hclsyntax.OpEqual || op.Op == hclsyntax.OpNotEqual) {
			other := op.LHS
			if p.in(op.LHS.Range()) {
				other = op.RHS
			}
			if i := s.e.aside().silent().lenient().infer(other); !i.bad {
				return i.t, true
			}
			return schema.Type{}, false
		}
		if n > 0 && length(s.x.Range()) > length(p.sights[0].x.Range())+2 {
			return schema.Type{}, false // a part of something that is not looked at as a place
		}
	}
	return schema.Type{}, false
}

// WantedAround returns the type of what is wanted of the written-out object that holds the place.
func (p *Place) WantedAround() (schema.Type, *hclsyntax.ObjectConsExpr) {
	for _, s := range p.sights {
		obj, ok := s.x.(*hclsyntax.ObjectConsExpr)
		if !ok {
			continue
		}
		if s.want != nil {
			return s.want.t, obj
		}
		return anyType, obj
	}
	return anyType, nil
}

// Allowed returns the values of which the text at the place would have to be one: the checker complained that it isn't.
func (p *Place) Allowed() []string { return p.allowed }

// Roots returns the names that an expression at the place can begin with.
func (p *Place) Roots() []Name {
	var out []Name
	seen := map[string]bool{}
	for _, e := range p.envs() {
		for _, name := range append(keys(e.loop), append(slices.Clone(roots), "each", "error", "incoming")...) {
			if !seen[name] && e.aside().reaches(name, p) {
				seen[name] = true
				if name == "trigger" && e.sc.variant != nil && e.sc.variant.Name == alertTrigger {
					name = "alert" // see renameAlert
				}
				out = append(out, Name{Text: name})
			}
		}
	}
	slices.SortFunc(out, func(a, b Name) int { return cmp.Compare(a.Text, b.Text) })
	return out
}

// reaches reports whether an expression can begin with the name.
func (e env) reaches(name string, p *Place) bool {
	if _, ok := e.loop[name]; ok {
		return true
	}
	switch name {
	case "action", "wait", "local", "var":
		return len(p.members(e, name)) > 0
	case "each":
		return e.each != nil
	}
	if e.sc.variant == nil {
		return false
	}
	e.infer(&hclsyntax.ScopeTraversalExpr{Traversal: hcl.Traversal{hcl.TraverseRoot{Name: name}}})
	for _, d := range e.sc.rep.diags {
		if m, _ := diag.MetaOf(d); m.Code == diag.UnknownName {
			return false
		}
	}
	return true
}

// Outside are the functions that are in reach at the place and read the world outside; they are in no other table.
func (p *Place) Outside() []string {
	if len(p.sights) > 0 && p.sights[0].e.world {
		return []string{"env", "file"}
	}
	return nil
}

// Members returns the names that can follow "action", "wait", "local" or "var" at the place; none where root is another.
func (p *Place) Members(root string) []Name {
	var out []Name
	for _, e := range p.envs() {
		for _, m := range p.members(e, root) {
			if !slices.Contains(out, m) {
				out = append(out, m)
			}
		}
	}
	return out
}

func (p *Place) members(e env, root string) []Name {
	var out []Name
	steps := map[string]*step(nil)
	switch root {
	case "action":
		steps = e.sc.steps
	case "wait":
		steps = e.sc.waits
	case "local":
		for _, name := range keys(e.sc.locals) {
			if l := e.sc.locals[name]; !p.in(l.Expr.Range()) && !l.broken {
				out = append(out, Name{Text: name})
			}
		}
	case "var":
		for _, name := range keys(e.sc.vars) {
			out = append(out, Name{Text: name, Detail: e.sc.vars[name].Description})
		}
	}
	for _, name := range keys(steps) {
		s := steps[name]
		if possible, _ := s.reach(e.in); !possible || slices.Contains(p.steps, s.from.src) {
			continue
		}
		n := Name{Text: name}
		if s.node.Action != nil {
			n.Detail = s.node.Action.Name
		}
		out = append(out, n)
	}
	return out
}
