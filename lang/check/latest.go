package check

// A trigger with latest = true: `trigger` is what the event is about as it is when the run starts, not as the event has
// it. The checker makes of that a look-up that nobody wrote, above all that could read its answer, so that the graph, the
// engine and the run log know it as the step that it is. Filters at the top that don't read `trigger` stay above it: they
// are decided before there is a run, and cost no call.

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// latest reads the argument of a trigger, which stands for as many triggers as its types carry objects.
func (b *builder) latest(src *syntax.Trigger, triggers []*Trigger) {
	if src.Latest == nil {
		return
	}
	x := src.Latest.Expr
	if wanted, ok := b.e.constantBool(x, `"latest"`); !ok || !wanted {
		return
	}
	for _, t := range triggers {
		switch {
		case src.Type == callTrigger || t.Spec != nil && t.Spec.Latest == nil:
			b.e.report(diag.NotFetchable, x.Range(), "what starts a recipe with %s is no object that could be looked up.", src.Type)
			return
		case t.Spec == nil || t.Payload == nil || len(t.Events) == 0:
			return // which is reported
		}
		fetch, err := t.Spec.Latest(t.Events)
		if err != nil {
			b.e.report(diag.NotFetchable, x.Range(), "the object can't be fetched: %s. Leave latest out: trigger is then the object as the event carries it.", err)
			return
		}
		t.Latest = fetch
	}
}

// early returns how many steps stand above what is fetched: the filters at the top that read no part of it.
func (b *builder) early() int {
	if !slices.ContainsFunc(b.out.Triggers, func(t *Trigger) bool { return t.Latest != nil }) {
		return 0
	}
	for n, s := range b.src.Steps {
		r := newRefs()
		r.add(expr(s.Condition))
		r.through(b.reads)
		if s.Kind != syntax.FilterStep || len(r.trig)+len(r.steps)+len(r.waits) > 0 {
			return n
		}
	}
	return len(b.src.Steps)
}

// fetches adds the look-ups of the triggers to the sequence.
func (b *builder) fetches(seq *sequence, in *body) {
	for _, t := range b.out.Triggers {
		if t.Latest == nil {
			continue
		}
		spec := b.c.cat.Action(t.Latest.Action)
		if spec == nil {
			continue
		}
		src := &syntax.Step{Kind: syntax.ActionStep, Type: spec.Name, TypeRange: t.Range, Name: t.Name, NameRange: t.Range, Range: t.Range, BodyRange: t.Range}
		ns := &nodeSrc{src: src, refs: newRefs(), in: in, Node: &Node{
			Kind: Action, Index: len(seq.nodes), Name: t.Name, Address: b.fetchAddress(t), Range: t.Range, Parent: -1,
			Action: spec, Out: spec.Out, Connection: t.Connection, Retry: defaultRetry(), Latest: t,
		}}
		for _, name := range slices.Sorted(maps.Keys(t.Latest.Inputs)) {
			a := &syntax.Arg{Name: name, NameRange: t.Range, Expr: readOf(t.Latest.Inputs[name], t.Range), Range: t.Range}
			src.Args = append(src.Args, a)
			ns.refs.add(a.Expr)
		}
		ns.args = src.Args
		in.nodes = append(in.nodes, ns)
		seq.nodes, seq.out = append(seq.nodes, ns), append(seq.out, ns.Node)
	}
}

// fetchAddress names what is fetched for a trigger: by its object, too, where its block stands for several.
func (b *builder) fetchAddress(t *Trigger) string {
	for _, o := range b.out.Triggers {
		if o != t && o.Name == t.Name {
			return fmt.Sprintf("trigger.%s.%s", t.Name, t.Payload.Name)
		}
	}
	return "trigger." + t.Name
}

// readOf is trigger.PATH, where there is no text that says so.
func readOf(path schema.Path, at hcl.Range) hclsyntax.Expression {
	t := hcl.Traversal{hcl.TraverseRoot{Name: "trigger", SrcRange: at}}
	for _, name := range path {
		t = append(t, hcl.TraverseAttr{Name: name, SrcRange: at})
	}
	return &hclsyntax.ScopeTraversalExpr{Traversal: t, SrcRange: at}
}

// defaultRetry is what holds where a recipe says nothing.
func defaultRetry() Retry { return Retry{For: 24 * time.Hour, Min: time.Second, Max: 15 * time.Minute} }
