package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang/diag"
)

// types interprets every expression of the recipe once for each trigger. A mistake that all triggers share is reported
// once; one that only some make names them.
func (b *builder) types() {
	triggers := b.out.Triggers
	if len(triggers) == 0 {
		triggers = []*Trigger{{Name: ""}}
	}
	types := typesOf(triggers)
	all := make([]*reporter, len(triggers))
	for n, t := range triggers {
		all[n] = newReporter()
		b.typesFor(t, types, all[n])
	}
	b.mergeVariants(triggers, all)
	for n, node := range b.nodes {
		if node.Kind != Filter || node.src.Condition == nil {
			continue
		}
		b.in(b.e.sc.rep, node.context(), func() { b.predicates(b.nodes[n], triggers) })
	}
	b.constants(triggers, types)
	b.unusedLocals(triggers[0], types)
	b.noAction()
}

func (b *builder) scope(t *Trigger, types []string, rep *reporter) *scope {
	sc := &scope{
		variant: t,
		event:   eventObject(types),
		locals:  b.byName,
		steps:   b.steps,
		waits:   b.waits,
		failure: errorObject(),
		shared:  b.shared,
		vars:    b.vars,
		varInfo: b.varInfo,
		busy:    map[*local]bool{},
		memo:    map[memoKey]info{},
		rep:     rep,

		incomplete: b.pr.incomplete,
	}
	if t.Spec != nil && t.Spec.Previous && t.Payload != nil {
		sc.prev = nullable(t.Payload)
	}
	return sc
}

func (b *builder) typesFor(t *Trigger, types []string, rep *reporter) {
	e := env{c: b.c, sc: b.scope(t, types, rep), facts: guardFacts(t.Guards)}
	b.typesOfKeys(e, rep)
	if t.Latest != nil {
		e.facts = noFacts // what its settings ask for is so of the event, and need not be any more
	}
	b.typesOfOutputs(b.typesOfBody(e, b.top, rep), rep)
	if b.failed != nil {
		b.typesOfBody(e, b.failed, rep)
	}
}

// typesOfBody checks steps that stand in one block, from the top: what a filter proves holds below it.
// It returns the place below all of them.
func (b *builder) typesOfBody(e env, in *body, rep *reporter) env {
	e.in = in
	for _, n := range in.nodes {
		if e.facts.dead {
			rep.dead = append(rep.dead, hcl.RangeBetween(n.src.Range, n.src.BodyRange))
		}
		if n.Latest != nil { // nobody wrote it
			b.visited(e, n)
			continue
		}
		b.in(rep, n.context(), func() {
			if n.Kind != Action {
				b.visited(e, n)
			}
			switch n.Kind {
			case Filter:
				if n.src.Condition != nil {
					e.wantBool(n.src.Condition, e.infer(n.src.Condition), "a filter")
					e.facts = e.facts.and(e.assume(n.src.Condition, true))
				}
			case Wait:
				b.typesOfWait(e, n)
			case Switch:
				b.typesOfSwitch(e, n, rep)
			default:
				b.typesOfAction(e, n)
			}
		})
	}
	if in == b.top {
		b.visited(e, nil)
	}
	return e
}

// visited tells what is in reach of a step.
func (b *builder) visited(e env, n *nodeSrc) {
	if b.visit == nil {
		return
	}
	if n != nil && n.Kind == Wait && n.Wait.Event != nil {
		e.incoming = n
	}
	b.visit(n, e)
}

func (b *builder) typesOfAction(e env, n *nodeSrc) {
	if n.src.ForEach != nil {
		e = e.forEach(n.src.ForEach)
	}
	if n.src.When != nil {
		e.wantBool(n.src.When, e.infer(n.src.When), `"when"`)
		e.facts = e.facts.and(e.assume(n.src.When, true))
	}
	b.visited(e, n)
	if n.Action == nil {
		for _, a := range n.args {
			e.infer(a.Expr)
		}
		return
	}
	owner := "the action " + n.Action.Name
	if n.Calls != "" {
		owner = fmt.Sprintf("the recipe %q", n.Calls)
	}
	n.tellsOf(e.assignArgs(n.Action.In, n.args, n.src.Range, owner))
	for _, a := range n.args {
		if f := n.Action.In.Field(a.Name); f != nil && f.Caution != "" {
			e.report(diag.SideEffect, a.NameRange, "%s. Where that is meant, write on the line above: # flowrun:ignore FR5060 because …", f.Caution)
		}
	}
	e.sayAmount(b.out.Limits, n)
	if n.Action.Service == builtin && n.Calls == "" && slices.Contains(n.Personal, "name") {
		e.report(diag.PersonalName, n.argRange("name"), "the name of a value is kept and shown as it is, and this one tells of a person. Make it of an identifier, or of a digest: sha256(…).")
	}
}

// mergeVariants hands on what the passes reported.
func (b *builder) mergeVariants(triggers []*Trigger, all []*reporter) {
	rep := b.e.sc.rep
	if len(all) == 1 {
		for _, d := range all[0].diags {
			rep.add(d)
		}
		return
	}
	for n, own := range all {
		for _, d := range own.diags {
			m, _ := diag.MetaOf(d)
			key := reportKey{code: m.Code, rng: *d.Subject}
			var bad, good []string
			for k, other := range all {
				if triggers[k].Spec == nil || other.passesOver(*d.Subject) {
					continue
				}
				if other.seen[key] {
					bad = append(bad, triggers[k].among(triggers))
				} else {
					good = append(good, triggers[k].among(triggers))
				}
			}
			if m.Code == diag.UnreachableCase && len(good) > 0 {
				continue // another trigger reaches it
			}
			if triggers[n].Spec != nil && len(good) > 0 {
				d = onSome(d, m, bad, good)
			}
			if rep.seen[key] {
				continue
			}
			rep.add(d)
			rep.seen[key] = true
		}
	}
}

// among names the trigger among the others of its recipe.
func (t *Trigger) among(all []*Trigger) string {
	for _, o := range all {
		if o != t && o.Name == t.Name {
			return fmt.Sprintf("%s of %s", t.Name, strings.Join(t.Events, ", "))
		}
	}
	return t.Name
}

// onSome says for which triggers a mistake is one.
func onSome(d *hcl.Diagnostic, m diag.Meta, bad, good []string) *hcl.Diagnostic {
	code := m.Code
	if code == diag.UnknownAttribute || code == diag.UnknownName {
		code = diag.TriggersDiffer
	}
	out := diag.New(code, *d.Subject, fmt.Sprintf("%s\nThis is so for the trigger %s, not for %s: every expression must hold for each trigger.",
		d.Detail, strings.Join(quoteEach(bad), ", "), strings.Join(quoteEach(good), ", ")))
	out.Severity = d.Severity
	out.Extra = diag.Meta{Code: code, Context: m.Context}
	return out
}

func quoteEach(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fmt.Sprintf("%q", n)
	}
	return out
}

// predicates finds what of a filter can be told without evaluation.
func (b *builder) predicates(n *nodeSrc, triggers []*Trigger) {
	x := n.src.Condition
	for k, t := range triggers {
		e := env{c: b.c, sc: b.scope(t, nil, newReporter()), facts: noFacts}
		list, exact := e.predicates(x)
		if k == 0 {
			n.Simple, n.Exact = list, exact
			continue
		}
		if len(list) < len(n.Simple) {
			n.Simple, n.Exact = list, false
		}
		n.Exact = n.Exact && exact
	}
}

func (b *builder) unusedLocals(t *Trigger, types []string) {
	e := env{c: b.c, sc: b.scope(t, types, newReporter()), facts: noFacts}
	used := b.usedLocals()
	for _, l := range b.locals {
		if l.project {
			l.used = l.used || used[l.Name]
			continue
		}
		if used[l.Name] {
			continue
		}
		b.in(b.e.sc.rep, "in locals", func() {
			if !l.broken {
				before := len(e.sc.rep.diags)
				e.lenient().infer(l.Expr)
				for _, d := range e.sc.rep.diags[before:] {
					b.e.sc.rep.add(d)
				}
				if len(e.sc.rep.diags) > before {
					return
				}
			}
			if !l.broken {
				b.e.report(diag.UnusedLocal, l.Range, "nothing reads local.%s.", l.Name)
			}
		})
	}
}

// usedLocals are the locals that something of the recipe reads, those of the project among them.
func (b *builder) usedLocals() map[string]bool {
	used := map[string]bool{}
	for _, refs := range b.allRefs() {
		for name := range refs.locals {
			used[name] = true
		}
	}
	return used
}

func (b *builder) noAction() {
	for _, n := range b.nodes {
		if n.Kind == Action && n.Latest == nil {
			return
		}
	}
	if len(b.src.Triggers) > 0 && len(b.outputs) == 0 {
		b.e.report(diag.NoAction, b.src.Triggers[0].Range, "this recipe has no action, so an event changes nothing.")
	}
}
