package check

// The last pass over a recipe that is sound: its expressions are bounded, and what it reads is put together.

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/schema"
)

// finish makes the recipe that is run.
func (b *builder) finish() {
	r := b.out
	index := map[string]int{}
	for n, l := range b.locals {
		index[l.Name] = n
	}
	for _, l := range b.locals { // each stands after those it needs
		needs := map[int]bool{}
		for _, n := range indices(b.reads[l.Name].locals, index) {
			if n >= len(r.Locals) {
				continue // a circle
			}
			needs[n] = true
			for _, through := range r.Locals[n].Needs {
				needs[through] = true
			}
		}
		r.Locals = append(r.Locals, &Local{Name: l.Name, Needs: indexSet(needs), Range: l.Range})
	}
	var payloads, previous []*schema.Object
	for _, t := range r.Triggers {
		if t.Payload != nil {
			payloads = append(payloads, t.Payload)
			if t.Spec.Previous {
				previous = append(previous, t.Payload)
			}
		}
	}
	vars := map[string]bool{}
	for _, n := range b.all() {
		n.Locals = indices(n.refs.locals, index)
		n.Reads = pathsOf(n.refs.trig, payloads)
		n.ReadsPrevious = pathsOf(n.refs.prev, previous)
		r.Reads.Merge(n.Reads)
		r.ReadsPrevious.Merge(n.ReadsPrevious)
	}
	for _, k := range b.keys {
		r.Reads.Merge(pathsOf(k.refs.trig, payloads))
		r.ReadsPrevious.Merge(pathsOf(k.refs.prev, previous))
		*k.to = b.c.bound(k.x)
	}
	for _, o := range b.outputs {
		r.Reads.Merge(pathsOf(o.node.refs.trig, payloads))
		r.ReadsPrevious.Merge(pathsOf(o.node.refs.prev, previous))
		o.Expr = b.c.bound(o.x)
	}
	for _, refs := range b.allRefs() {
		for name := range refs.vars {
			if b.vars[name] != nil {
				vars[name] = true
			}
		}
	}
	for name, st := range b.waits {
		b.readsOfWait(name, st)
	}
	r.Vars = slices.Sorted(maps.Keys(vars))
	for n, l := range b.locals {
		if l.bound == nil {
			l.bound = b.c.bound(l.Expr)
		}
		r.Locals[n].Expr = l.bound
	}
	for _, n := range b.all() {
		b.boundFlow(n)
		n.Condition = expr(b.c.bound(n.src.Condition))
		n.When = expr(b.c.bound(n.src.When))
		if n.Action == nil {
			continue
		}
		for _, a := range n.args {
			if f := n.Action.In.Field(a.Name); f != nil {
				n.Inputs = append(n.Inputs, Input{Field: f, Expr: b.c.bound(a.Expr)})
			} else if n.Action.In.Open {
				n.Inputs = append(n.Inputs, Input{Field: &schema.Field{Name: a.Name, Type: anyType}, Expr: b.c.bound(a.Expr)})
			}
		}
	}
}

// all returns the nodes of the recipe and those of on_error.
func (b *builder) all() []*nodeSrc { return slices.Concat(b.nodes, b.onError) }

// boundFlow makes the expressions of waits, switches and repeated steps ready.
func (b *builder) boundFlow(n *nodeSrc) {
	switch n.Kind {
	case Wait:
		n.Wait.Until = expr(b.c.bound(n.src.Wait.Until))
		if n.src.Wait.Event != nil {
			match := n.src.Wait.Event.Match
			if by, with := n.lookup(match); by != nil {
				n.Wait.By, n.Wait.ByExpr = by, b.c.bound(with)
			}
			n.Wait.Match = expr(b.c.boundMatch(match))
		}
	case Switch:
		n.On = expr(b.c.bound(n.src.Switch.On))
	case Action:
		n.ForEach = expr(b.c.bound(n.src.ForEach))
	}
}

// readsOfWait fills in what is read of the payload of the event that a wait waits for.
func (b *builder) readsOfWait(name string, st *step) {
	event := st.node.Wait.Event
	if event == nil || event.Payload == nil {
		return
	}
	read := slices.Clone(st.from.refs.incoming)
	for _, refs := range b.allRefs() {
		read = append(read, refs.waited[name]...)
	}
	st.node.Wait.Reads = pathsOf(read, []*schema.Object{event.Payload})
}

// bound makes an expression ready for evaluation.
func (c *checker) bound(x hclsyntax.Expression) hclsyntax.Expression {
	if x == nil {
		return nil
	}
	return eval.Bound(c.soften(x))
}

func indices(names map[string]hcl.Range, index map[string]int) []int {
	var out []int
	for name := range names {
		if n, ok := index[name]; ok {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}
