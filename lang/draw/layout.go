package draw

// What is drawn, the same for every language that draws it: boxes, groups of boxes, and arrows.
//
// A drawing leaves out what another line says already: of the gates above a step only the nearest has an arrow, and
// none where a step that it reads is held back by the same one. A wait has arrows from what ends last above it.

import (
	"fmt"
	"slices"
	"strings"
)

// longest is how many characters of a condition a label shows.
const longest = 120

// figure is the form of a box. The zero figure is invalid.
type figure uint8

const (
	_ figure = iota
	round
	pointed // a gate
	slanted // a wait
	diamond // a switch
	square
	double // a step that is repeated
	small  // nothing is done
)

// item is a box, or a group of what stands in one case or in on_error.
type item struct {
	id    string
	form  figure // of a box
	label []string
	group []item // of a group
}

// edge is an arrow between boxes.
type edge struct {
	from, to string
	data     bool   // the one reads what the other answers; else it waits only
	failed   bool   // it is taken when the run fails
	label    string // the case
}

// layout is one recipe as it is drawn: "t0" is the first trigger, "n0" the first node, "n0c1" what stands in its second
// case, "e0" the first node of on_error.
type layout struct {
	items []item
	edges []edge
}

func layoutOf(g *Graph) layout {
	var l layout
	var starts []string
	for i := range g.Triggers {
		id := fmt.Sprintf("t%d", i)
		starts = append(starts, id)
		l.items = append(l.items, item{id: id, form: round, label: g.Triggers[i].label()})
	}
	main := newSequence("n", g.Nodes)
	l.items = append(l.items, main.items(nil)...)
	l.edges = main.edges(starts, false)
	l.edges = slices.DeleteFunc(l.edges, func(e edge) bool { return g.apart(e) })
	if len(g.OnError) > 0 {
		failed := newSequence("e", g.OnError)
		start := item{id: "e", form: round, label: []string{"the run has failed"}}
		l.items = append(l.items, item{id: "failed", label: []string{"on_error"}, group: append([]item{start}, failed.items(nil)...)})
		l.edges = append(l.edges, failed.edges([]string{start.id}, true)...)
	}
	return l
}

// apart reports whether an arrow leads from a trigger to what fetches the object of another.
func (g *Graph) apart(e edge) bool {
	for i := range g.Triggers {
		for k := range g.Nodes {
			if n := &g.Nodes[k]; n.Fetches != "" && n.Fetches != g.Triggers[i].Name && e.from == fmt.Sprintf("t%d", i) && e.to == fmt.Sprintf("n%d", k) {
				return true
			}
		}
	}
	return false
}

// sequence is the nodes of a recipe, or of its on_error.
type sequence struct {
	prefix string
	nodes  []Node
	index  map[string]int
}

func newSequence(prefix string, nodes []Node) *sequence {
	s := &sequence{prefix: prefix, nodes: nodes, index: map[string]int{}}
	for i := range nodes {
		s.index[nodes[i].ID] = i
	}
	return s
}

func (s *sequence) box(id string) string { return fmt.Sprintf("%s%d", s.prefix, s.index[id]) }

func (s *sequence) node(id string) *Node { return &s.nodes[s.index[id]] }

// items returns what stands in a case, or at the top.
func (s *sequence) items(in *Within) []item {
	var out []item
	for i := range s.nodes {
		n := &s.nodes[i]
		if !sameBlock(n.Within, in) {
			continue
		}
		out = append(out, item{id: s.box(n.ID), form: n.form(), label: n.label()})
		for k := range n.Cases {
			one := item{id: fmt.Sprintf("%sc%d", s.box(n.ID), k), label: []string{n.Cases[k].label()}}
			if one.group = s.items(&Within{n.ID, k}); len(one.group) == 0 {
				one.form, one.label = small, []string{"nothing"}
			}
			out = append(out, one)
		}
	}
	return out
}

func sameBlock(a, b *Within) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// edges returns the arrows; starts are the boxes with which it all begins.
func (s *sequence) edges(starts []string, failed bool) []edge {
	var out []edge
	for i := range s.nodes {
		n := &s.nodes[i]
		to := s.box(n.ID)
		before := len(out)
		for _, need := range n.Needs {
			out = append(out, edge{from: s.box(need), to: to, data: true})
		}
		for _, id := range s.last(n) {
			out = append(out, edge{from: s.box(id), to: to})
		}
		if gate := s.nearest(n); gate != "" && len(n.After) == 0 && !s.implied(n, gate) {
			out = append(out, edge{from: s.box(gate), to: to})
			for _, other := range n.Gates { // the object of whichever trigger it was
				if other != gate && s.node(gate).Fetches != "" && s.node(other).Fetches != "" {
					out = append(out, edge{from: s.box(other), to: to})
				}
			}
		}
		switch {
		case n.Within != nil && !s.reachedWithin(n):
			out = append(out, edge{from: s.box(n.Within.Switch), to: to, label: s.node(n.Within.Switch).Cases[n.Within.Case].label()})
		case len(out) == before && n.Within == nil:
			for _, start := range starts {
				out = append(out, edge{from: start, to: to, failed: failed})
			}
		}
		for k := range n.Cases {
			if len(n.Cases[k].Nodes) == 0 {
				out = append(out, edge{from: to, to: fmt.Sprintf("%sc%d", to, k), label: n.Cases[k].label()})
			}
		}
	}
	return out
}

// last returns which of the nodes above a wait no other of them follows, without those that it needs.
func (s *sequence) last(n *Node) []string {
	var out []string
	for _, id := range n.After {
		followed := slices.ContainsFunc(n.After, func(other string) bool {
			o := s.node(other)
			return slices.Contains(o.Needs, id) || slices.Contains(o.Gates, id) || slices.Contains(o.After, id) || o.Within != nil && o.Within.Switch == id
		})
		if !followed && !slices.Contains(n.Needs, id) {
			out = append(out, id)
		}
	}
	return out
}

// nearest returns the gate that holds a node back last, among those of its own block; those around its switch hold the
// switch back.
func (s *sequence) nearest(n *Node) string {
	for _, gate := range slices.Backward(n.Gates) {
		if sameBlock(s.node(gate).Within, n.Within) {
			return gate
		}
	}
	return ""
}

// implied reports whether a step that n needs is held back by the gate, too.
func (s *sequence) implied(n *Node, gate string) bool {
	return slices.ContainsFunc(n.Needs, func(need string) bool { return need == gate || slices.Contains(s.node(need).Gates, gate) })
}

// reachedWithin reports whether an arrow to the node comes from its own block, so that its case is told already.
func (s *sequence) reachedWithin(n *Node) bool {
	mine := func(id string) bool { return sameBlock(s.node(id).Within, n.Within) }
	return slices.ContainsFunc(n.Needs, mine) || slices.ContainsFunc(n.After, mine) || s.nearest(n) != ""
}

func (n *Node) form() figure {
	switch {
	case n.Kind == "filter":
		return pointed
	case n.Kind == "wait":
		return slanted
	case n.Kind == "switch":
		return diamond
	case n.ForEach != "":
		return double
	}
	return square
}

// label returns the lines of a node's label.
func (n *Node) label() []string {
	var lines []string
	add := func(prefix, text string) {
		if text = strings.Join(strings.Fields(text), " "); text != "" {
			lines = append(lines, prefix+shortened(text))
		}
	}
	if n.Fetches != "" {
		add("", "as it is now")
	} else {
		add("", n.Name)
	}
	if n.Action != n.Name {
		add("", n.Action)
	}
	add("", n.Condition)
	add("on ", n.On)
	if w := n.Wait; w != nil {
		add("wait for ", w.For)
		add("wait until ", w.Until)
		add("wait for ", w.Event)
		add("where ", w.Match)
		add("at most ", w.Timeout)
	}
	add("for each of ", n.ForEach)
	add("when ", n.When)
	if n.Continues {
		lines = append(lines, "the run goes on where it fails")
	}
	if len(lines) == 0 {
		lines = append(lines, n.ID)
	}
	return lines
}

func (c *Case) label() string {
	if c.Default {
		return "default"
	}
	if text := strings.Join(strings.Fields(strings.Join(c.Values, ", ")), " "); text != "" {
		return shortened(text)
	}
	return `""`
}

func (t *Trigger) label() []string {
	if t.Name == t.Type {
		return []string{t.Type}
	}
	return []string{shortened(t.Name), t.Type}
}

func shortened(s string) string {
	runes := []rune(s)
	if len(runes) <= longest {
		return s
	}
	return string(runes[:longest-1]) + "…"
}
