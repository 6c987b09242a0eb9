package engine

import (
	"slices"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/runtime"
)

// nodeState is where a node of a run stands in this process. Unlike a step's status it covers gates, and it is not
// kept: a run that is resumed evaluates its gates and switches again, which gives the same, since evaluation is pure.
type nodeState uint8

const (
	pending nodeState = iota
	passed            // a filter that lets through
	stopped           // a filter that does not
	running           // a call is under way, or some of the elements that it is done for are not done
	waiting           // until the step's Due, or for something to come
	done              // a step that was done, a wait that ended, a switch that was decided
	skipped           // its `when` was false
	failed
	unknown
	gaveUp   // it failed, and the run goes on
	off      // it stands in a case that was not taken
	held     // a gate above it does not let through, or it needs what is held
	shadowed // recorded and not made, so that its answer is not known
	dark     // it needs what is not known for that reason
)

// settled reports whether what needs the node can go on.
func (s nodeState) settled() bool {
	return s == done || s == skipped || s == passed || s == gaveUp || s == off
}

// ended reports whether nothing more comes of the node.
func (s nodeState) ended() bool { return s != pending && s != running && s != waiting }

// graph is the nodes of a recipe or of its on_error, with what calling them needs.
type graph struct {
	nodes   []*check.Node
	actions []*connectors.Action // by node; nil for what makes no call
	conns   []*connectors.Conn   // by node
	base    int                  // Step.Index of the first
}

// progress is how far a run has come in a graph.
type progress struct {
	*graph
	state []nodeState // by node
	units []unit      // by node
}

func newProgress(g *graph) progress {
	return progress{graph: g, state: make([]nodeState, len(g.nodes)), units: make([]unit, len(g.nodes))}
}

// unit is one thing to be done: a node, or a node for one element.
type unit struct {
	node  *check.Node
	step  *runtime.Step // nil before it is begun
	dirty bool          // step is not in the store as it is
	loop  *loop         // of a node with for_each, once it is begun or restored

	over bool // its call was too much for the recipe's limits

	of    *loop // whose element it is; nil for a node
	item  int
	state nodeState // of an element; that of a node is in progress.state
}

// at returns the unit of a node.
func (p *progress) at(n *check.Node) *unit {
	u := &p.units[n.Index]
	u.node = n
	return u
}

// each calls f for all units that have a step, nodes in their order and elements in theirs.
func (p *progress) each(f func(*unit)) {
	for i := range p.units {
		u := &p.units[i]
		if u.step != nil {
			f(u)
		}
		if u.loop != nil {
			elements := u.loop.units
			if !u.loop.begun {
				elements = u.loop.restored
			}
			for j := range elements {
				if elements[j].step != nil {
					f(&elements[j])
				}
			}
		}
	}
}

// fate is what can be said of a node that is pending.
type fate uint8

const (
	ready fate = iota
	blocked
	isHeld
	isDark
)

// fate returns whether a node can go on, must wait for others, or never will.
func (p *progress) fate(n *check.Node) fate {
	f := ready
	worse := func(g fate) { f = max(f, g) }
	if n.Parent >= 0 {
		switch p.state[n.Parent] {
		case done:
		case held:
			return isHeld
		case dark:
			worse(isDark)
		default:
			worse(blocked)
		}
	}
	for _, i := range n.Gates {
		switch p.state[i] {
		case passed, done:
		case stopped, held:
			return isHeld
		case dark:
			worse(isDark)
		default:
			worse(blocked)
		}
	}
	for _, i := range n.Needs {
		switch s := p.state[i]; {
		case s.settled():
		case s == held || s == stopped:
			if p.within(n, p.nodes[i]) {
				return isHeld
			}
		case s == shadowed || s == dark:
			if !slices.Contains(n.Ordered, i) {
				worse(isDark)
			}
		default:
			worse(blocked)
		}
	}
	for _, i := range n.After {
		if s := p.state[i]; !s.ended() {
			worse(blocked)
		}
	}
	return f
}

// within reports whether n stands in the block that m stands in.
func (p *progress) within(n, m *check.Node) bool {
	if m.Parent < 0 {
		return true
	}
	for n.Parent >= 0 {
		if n.Parent == m.Parent {
			return n.Case == m.Case
		}
		n = p.nodes[n.Parent]
	}
	return false
}

// unfinished reports whether something could go on but for a shutdown.
func (p *progress) unfinished() bool {
	return slices.ContainsFunc(p.nodes, func(n *check.Node) bool {
		switch p.state[n.Index] {
		case pending:
			return p.fate(n) == ready
		case running:
			l := p.units[n.Index].loop
			return l != nil && l.startable()
		}
		return false
	})
}
