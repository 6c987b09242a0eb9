package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/lang/diag"
)

// Recipes can make each other run: an action changes something at a vendor, the vendor sends an event of it, the event
// starts a recipe. Where that comes back to where it began, and nothing on the way looks at what happened, it never
// ends. A filter above the step, or a `when` on it, counts as looking: whether it does break the circle only the author
// knows.

// happening is one kind of event of one connection. An empty event stands for all of them.
type happening struct{ service, connection, event string }

// cause is what a step makes the vendor send.
type cause struct {
	happening
	node *nodeSrc
}

// checkCircles warns of recipes that fire each other, or themselves, for ever; once for each set of recipes that are in
// circles with each other.
func (c *checker) checkCircles(built []*builder, rep *reporter) {
	g := &firing{built: built, starts: map[happening][]int{}, causes: make([][]cause, len(built)), seen: map[int]bool{}, called: map[string][]happening{}}
	for n, b := range built {
		if b.out.Disabled {
			continue
		}
		g.add(n, b)
	}
	for n := range built {
		if len(g.causes[n]) == 0 || g.seen[n] {
			continue
		}
		path, first := g.back(n)
		if path == nil {
			continue
		}
		for _, step := range path {
			g.seen[step.to] = true
		}
		e := built[n].e
		e.sc.rep = rep
		before := len(rep.diags)
		what, at := first.Action.Name, first.Action.Service
		if first.Calls != "" {
			what, at = fmt.Sprintf("the recipe %q", first.Calls), "a vendor"
		}
		e.report(diag.Circle, first.src.TypeRange, "%s makes %s send an event that starts this recipe again, for ever: %s.\nPut a filter above the step that looks at what happened, such as event.caused_by == null, or a when on it.",
			what, at, g.draw(n, path))
		diag.In(first.context(), rep.diags[before:])
	}
}

// firing is who makes whom run.
type firing struct {
	built  []*builder
	starts map[happening][]int // recipes, ascending
	causes [][]cause           // of each recipe
	seen   map[int]bool        // recipes that have been drawn
	called map[string][]happening
}

// hop is one event on the way from a recipe to another.
type hop struct {
	event string
	to    int
}

func (g *firing) add(n int, b *builder) {
	for _, t := range b.out.Triggers {
		if t.Spec == nil || len(t.Guards) > 0 {
			continue
		}
		for _, event := range t.Events {
			if event == "*" {
				event = ""
			}
			h := happening{t.Spec.Service, t.Connection, event}
			if list := g.starts[h]; len(list) == 0 || list[len(list)-1] != n {
				g.starts[h] = append(list, n)
			}
		}
	}
	for _, node := range b.nodes {
		for _, h := range g.emits(b, node) {
			g.causes[n] = append(g.causes[n], cause{h, node})
		}
	}
}

// emits returns what a step makes vendors send, itself or through the recipe that it calls.
func (g *firing) emits(b *builder, node *nodeSrc) []happening {
	if node.Action == nil || node.src.When != nil || b.held(node) {
		return nil
	}
	var out []happening
	for _, event := range node.Action.Emits {
		out = append(out, happening{node.Action.Service, node.Connection, event})
	}
	if node.Calls == "" {
		return out
	}
	if known, ok := g.called[node.Calls]; ok {
		return known
	}
	for _, to := range g.built {
		if to.out.Name != node.Calls {
			continue
		}
		for _, inner := range to.nodes {
			out = append(out, g.emits(to, inner)...)
		}
	}
	g.called[node.Calls] = out
	return out
}

// held reports whether a filter stands above a step, or a case around it.
func (b *builder) held(n *nodeSrc) bool {
	return n.in.sw != nil || slices.ContainsFunc(n.Gates, func(g int) bool { return b.out.Nodes[g].Kind == Filter })
}

// back returns the shortest way from a recipe to itself and the step it begins with, or nil. It looks at each event
// and each recipe once.
func (g *firing) back(from int) ([]hop, *nodeSrc) {
	type origin struct {
		recipe int
		event  string
		node   *nodeSrc
	}
	came := map[int]origin{}
	happened := map[happening]bool{}
	for queue := []int{from}; len(queue) > 0; {
		n := queue[0]
		queue = queue[1:]
		for _, c := range g.causes[n] {
			if happened[c.happening] {
				continue
			}
			happened[c.happening] = true
			all := c.happening
			all.event = ""
			for _, to := range slices.Concat(g.starts[c.happening], g.starts[all]) {
				if _, ok := came[to]; ok {
					continue
				}
				came[to] = origin{n, c.event, c.node}
				queue = append(queue, to)
			}
		}
		if _, ok := came[from]; ok {
			break
		}
	}
	if _, ok := came[from]; !ok {
		return nil, nil
	}
	var path []hop
	for at := from; ; {
		o := came[at]
		path = append(path, hop{o.event, at})
		if at = o.recipe; at == from {
			slices.Reverse(path)
			return path, o.node
		}
	}
}

// draw writes a → customer.updated → b → customer.created → a.
func (g *firing) draw(from int, path []hop) string {
	words := []string{g.built[from].out.Name}
	for _, h := range path {
		words = append(words, h.event, g.built[h.to].out.Name)
	}
	return strings.Join(words, " → ")
}
