package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang/diag"
)

// circles finds circles in a graph of n nodes, one for each knot: each is returned as the nodes along it, from the
// smallest on.
func circles(n int, next func(int) []int) [][]int {
	const (
		white = iota
		grey
		black
	)
	color := make([]int, n)
	var stack []int
	var out [][]int
	var visit func(int)
	visit = func(v int) {
		color[v] = grey
		stack = append(stack, v)
		for _, w := range next(v) {
			switch color[w] {
			case white:
				visit(w)
			case grey:
				circle := slices.Clone(stack[slices.Index(stack, w):])
				if !slices.ContainsFunc(out, func(c []int) bool { return overlaps(c, circle) }) {
					out = append(out, circle)
				}
			}
		}
		stack = stack[:len(stack)-1]
		color[v] = black
	}
	for v := range n {
		if color[v] == white {
			visit(v)
		}
	}
	for _, c := range out {
		least := slices.Index(c, slices.Min(c))
		copy(c, append(slices.Clone(c[least:]), c[:least]...))
	}
	return out
}

func overlaps(a, b []int) bool {
	return slices.ContainsFunc(a, func(v int) bool { return slices.Contains(b, v) })
}

// checkLocalCircles reports locals that need themselves and marks them.
func (e env) checkLocalCircles(locals []*local, reads map[string]*refs) {
	index := map[string]int{}
	for n, l := range locals {
		index[l.Name] = n
	}
	next := func(n int) []int {
		var out []int
		for _, name := range keys(reads[locals[n].Name].locals) {
			if m, ok := index[name]; ok {
				out = append(out, m)
			}
		}
		return out
	}
	for _, circle := range circles(len(locals), next) {
		var way []string
		for _, n := range circle {
			locals[n].broken = true
			way = append(way, fmt.Sprintf("local.%s (line %d)", locals[n].Name, locals[n].Range.Start.Line))
		}
		first := locals[circle[0]]
		way = append(way, "local."+first.Name)
		rng := first.Range
		if at, ok := reads[first.Name].locals[locals[circle[1%len(circle)]].Name]; ok {
			rng = at
		}
		e.report(diag.Cycle, rng, "a value can't be made from itself: %s.", strings.Join(way, " needs "))
	}
}

// order returns the locals so that each stands after those it reads; otherwise their order stays.
func order(locals []*local, reads map[string]*refs) []*local {
	index := map[string]*local{}
	for _, l := range locals {
		index[l.Name] = l
	}
	done := map[*local]bool{}
	var out []*local
	var visit func(*local)
	visit = func(l *local) {
		if done[l] {
			return
		}
		done[l] = true
		for _, name := range keys(reads[l.Name].locals) {
			if m := index[name]; m != nil {
				visit(m)
			}
		}
		out = append(out, l)
	}
	for _, l := range locals {
		visit(l)
	}
	return out
}

// checkStepCircles reports steps and gates that wait for each other. at says where one node names another.
func (e env) checkStepCircles(nodes []*Node, at func(node, needed int) hcl.Range) {
	held := map[int]bool{}
	for _, g := range nodes {
		word := "filter"
		switch g.Kind {
		case Filter:
		case Wait:
			word = "wait"
		default:
			continue
		}
		for _, need := range g.Needs {
			if slices.Contains(nodes[need].Gates, g.Index) {
				held[g.Index] = true
				e.report(diag.GateNeedsHeldBack, at(g.Index, need),
					"this %s (line %d) needs %s (line %d), which it holds back itself: a %s stops everything written below it. Move the step above the %s.",
					word, g.Range.Start.Line, nodes[need].Address, nodes[need].Range.Start.Line, word, word)
			}
		}
	}
	next := func(n int) []int {
		if held[n] {
			return nil
		}
		out := slices.Concat(nodes[n].Needs, nodes[n].Gates, nodes[n].After)
		if nodes[n].Parent >= 0 {
			out = append(out, nodes[n].Parent)
		}
		return out
	}
	for _, circle := range circles(len(nodes), next) {
		var way []string
		gate := false
		for _, n := range circle {
			gate = gate || nodes[n].Kind == Filter || nodes[n].Kind == Wait
			way = append(way, fmt.Sprintf("%s (line %d)", nodes[n].Address, nodes[n].Range.Start.Line))
		}
		way = append(way, nodes[circle[0]].Address)
		rng := nodes[circle[0]].Range
		for i, n := range circle {
			needed := circle[(i+1)%len(circle)]
			if slices.Contains(nodes[n].Needs, needed) {
				rng = at(n, needed)
				break
			}
		}
		code := diag.Cycle
		if gate {
			code = diag.GateNeedsHeldBack
		}
		e.report(code, rng, "steps can't wait for each other: %s.", strings.Join(way, " needs "))
	}
}
