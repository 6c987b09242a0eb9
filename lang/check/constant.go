package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/diag"
)

// solved is what the conditions of a recipe come to for one of its triggers.
type solved struct {
	solver  *solver
	start   *state
	trigger *Trigger
	after   map[int]*state // below each filter, by its index
}

// constants solves the conditions of the recipe from the top and warns of those that are the same for every event, or
// for every one that the filters above let through. A filter below one that lets nothing through is passed over.
func (b *builder) constants(triggers []*Trigger, types []string) {
	b.solved, b.mistakes = nil, nil
	for _, d := range b.e.sc.rep.diags {
		if d.Severity == hcl.DiagError && d.Subject.Filename == b.src.Filename {
			b.mistakes = append(b.mistakes, *d.Subject)
		}
	}
	for _, t := range triggers {
		s := b.newSolver(t, types)
		b.solved = append(b.solved, &solved{solver: s, start: s.start(t), trigger: t, after: map[int]*state{}})
	}
	for _, n := range b.nodes {
		switch {
		case n.Kind == Filter && n.src.Condition != nil:
			b.in(b.e.sc.rep, n.context(), func() { b.solve(n, n.src.Condition, true) })
		case n.Kind != Filter && n.src.When != nil:
			b.in(b.e.sc.rep, n.context(), func() { b.solve(n, n.src.When, false) })
		}
	}
}

// above returns what holds where a node stands.
func (v *solved) above(n *Node) *state {
	for i := len(n.Gates) - 1; i >= 0; i-- {
		if st, ok := v.after[n.Gates[i]]; ok {
			return st
		}
	}
	return v.start
}

// reach returns what holds where a node stands, the cases that it stands in taken.
func (v *solved) reach(n *nodeSrc) *state {
	v.solver.e.in = n.in
	st := v.above(n.Node)
	for in := n.in; in != nil && in.sw != nil && st != nil; in = in.parent {
		st = v.solver.inCase(in.sw, in.nth, st)
	}
	v.solver.clashes = nil
	return st
}

// inCase returns what holds in a case of a switch.
func (s *solver) inCase(sw *nodeSrc, nth int, in *state) *state {
	if sw.src.Switch.On == nil || nth >= len(sw.Cases) {
		return in.blurred()
	}
	key, p, i, ok := s.place(sw.src.Switch.On)
	if !ok || p.other {
		return in.blurred()
	}
	taken := func(c Case) values {
		out := nothing()
		for _, v := range c.Values {
			if set, ok := point(v); ok && typeOf(v.Type()).Kind == i.t.Kind {
				out = out.or(set)
			}
		}
		return out
	}
	set := taken(sw.Cases[nth])
	if sw.Cases[nth].Default {
		for _, c := range sw.Cases {
			set = set.or(taken(c))
		}
		set = set.but()
	} else if set.empty() {
		return in.blurred()
	}
	st, _ := s.apply(atom{key: key, place: p, yes: set}, sw.Cases[nth].Range, in)
	return st
}

// solve solves one condition for every trigger.
func (b *builder) solve(n *nodeSrc, x hclsyntax.Expression, filter bool) {
	broken := b.complained(x.Range())
	never, always, ways := true, true, 0
	early, because := filter, ""
	var why []clash
	for _, v := range b.solved {
		in := v.reach(n)
		if in == nil {
			v.after[n.Index] = nil
			continue
		}
		if broken {
			v.after[n.Index] = in.blurred()
			continue
		}
		yes, no := v.solver.solve(x, in)
		if v.after[n.Index] = yes; !filter {
			delete(v.after, n.Index)
		}
		never, always = never && yes == nil, always && no == nil
		if ways++; ways == 1 {
			why = v.solver.clashes
		}
		if at, reason, ok := v.solver.atFirst(v.trigger, in); ok && early {
			then, _ := v.solver.solve(x, at)
			early, because = then == nil, reason
		} else {
			early = false
		}
	}
	if early && !never && !broken && ways > 0 {
		b.e.report(diag.NotTrueYet, x.Range(), "this is not true yet when the event comes: %s.", because)
		return
	}
	if broken || ways == 0 || never == always {
		return
	}
	if n := len(why); len(b.solved) > 1 && n > 0 && len(why[n-1].ground()) == 0 {
		why = nil // it is so for each trigger for a reason of its own
	}
	b.constant(x, never, filter, why)
}

// complained reports whether there is a mistake within the range, or around it.
func (b *builder) complained(rng hcl.Range) bool {
	return slices.ContainsFunc(b.mistakes, func(m hcl.Range) bool {
		return m.Filename == rng.Filename && m.Start.Byte < rng.End.Byte && rng.Start.Byte < m.End.Byte
	})
}

func (b *builder) constant(x hclsyntax.Expression, never, filter bool, why []clash) {
	end := "so the filter stops nothing"
	switch {
	case never && filter:
		end = "so nothing below the filter ever runs"
	case never:
		end = "so the step never runs"
	case !filter:
		end = "so the step is never skipped"
	}
	verdict := "true"
	if never {
		verdict = "false"
	}
	if len(why) == 0 {
		b.e.report(diag.ConstantFilter, x.Range(), "this is always %s, %s.", verdict, end)
		return
	}
	b.e.report(diag.ConstantFilter, x.Range(), "this is always %s, %s: %s.", verdict, end, b.explain(why[len(why)-1], x.Range()))
}

// ground returns the fewest of the comparisons above that leave the clash as it is.
func (c clash) ground() []reason {
	ground := slices.Clone(c.place.by)
	for n := len(ground) - 1; n >= 0; n-- {
		left := c.place.base.and(c.set)
		for k, r := range ground {
			if k != n {
				left = left.and(r.set)
			}
		}
		if left.empty() {
			ground = slices.Delete(ground, n, n+1)
		}
	}
	return ground
}

// explain says why a comparison is constant.
func (b *builder) explain(c clash, at hcl.Range) string {
	var because []string
	for _, r := range c.ground() {
		what := r.text
		if what == "" {
			what = b.e.source(r.rng)
			if r.not {
				what = "the opposite of " + what
			}
		}
		where := fmt.Sprintf("line %d", r.rng.Start.Line)
		if r.rng.Filename != at.Filename {
			where = r.rng.Filename + " " + where
		}
		because = append(because, fmt.Sprintf("%s (%s)", what, where))
	}
	verdict := "true"
	if c.truth {
		verdict = "false"
	}
	if len(because) == 0 {
		return fmt.Sprintf("%s, so %s is %s", c.place.why, b.e.source(c.rng), verdict)
	}
	if len(because) > 3 {
		because = append(because[:2], "others")
	}
	return fmt.Sprintf("with %s, %s is always %s", strings.Join(because, " and "), b.e.source(c.rng), verdict)
}
