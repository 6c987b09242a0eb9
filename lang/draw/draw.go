// Package draw shows checked recipes as graphs: as Mermaid for a page, as DOT for Graphviz, and as JSON for programs. It
// draws what check found (what starts a recipe, which gate holds which step back, which step reads which), and adds
// nothing of its own.
//
// The package reads no file and evaluates nothing; the texts of conditions are cut out of the files it is given.
package draw

import (
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang/check"
)

// Graph is one recipe. Its JSON is a contract: members are added, none changes its meaning.
type Graph struct {
	Recipe      string    `json:"recipe"`
	Description string    `json:"description,omitempty"`
	Disabled    bool      `json:"disabled,omitempty"`
	Triggers    []Trigger `json:"triggers"`
	Nodes       []Node    `json:"nodes"` // in the order they are written
}

// Trigger is one way in which the recipe starts.
type Trigger struct {
	Name       string   `json:"name"` // the block's: the type where it has no name of its own
	Type       string   `json:"type"`
	Connection string   `json:"connection"`
	Events     []string `json:"events"` // the vendor's types; "*" for all
	Range      Range    `json:"range"`
}

// Node is a gate or a step.
type Node struct {
	ID         string   `json:"id"`                   // "action.customer", "filter.1"; unique within the recipe
	Kind       string   `json:"kind"`                 // "filter" or "action"
	Name       string   `json:"name"`                 // of a step; the label of a filter, which may be empty
	Action     string   `json:"action,omitempty"`     // the type of an action
	Connection string   `json:"connection,omitempty"` // of an action
	Calls      string   `json:"calls,omitempty"`      // the recipe that an action calls
	Condition  string   `json:"condition,omitempty"`  // of a filter, as it is written
	When       string   `json:"when,omitempty"`       // the condition under which an action isn't skipped, as it is written
	Needs      []string `json:"needs"`                // the nodes whose results it reads or that it depends on
	Gates      []string `json:"gates"`                // the nodes that hold it back
	Range      Range    `json:"range"`                // the block's header
}

// Range is where something is written. Lines and columns count from 1, columns in characters, bytes from 0.
type Range struct {
	Filename string `json:"filename"`
	Start    Pos    `json:"start"`
	End      Pos    `json:"end"`
}

// Pos is one place in a file.
type Pos struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

// Of returns the graph of a recipe that was checked without errors. files are those it was compiled from.
func Of(r *check.Recipe, files map[string][]byte) *Graph {
	g := &Graph{Recipe: r.Name, Description: r.Description, Disabled: r.Disabled, Triggers: []Trigger{}, Nodes: []Node{}}
	for _, t := range r.Triggers {
		d := Trigger{Name: t.Name, Type: t.Name, Connection: t.Connection, Events: append([]string{}, t.Events...), Range: rangeOf(t.Range)}
		if t.Spec != nil {
			d.Type = t.Spec.Name
		}
		g.Triggers = append(g.Triggers, d)
	}
	addresses := func(list []int) []string {
		out := make([]string, 0, len(list))
		for _, n := range list {
			out = append(out, r.Nodes[n].Address)
		}
		return out
	}
	for _, n := range r.Nodes {
		d := Node{
			ID: n.Address, Kind: kindOf(n), Name: n.Name, Connection: n.Connection, Calls: n.Calls,
			Condition: textOf(n.Condition, files), When: textOf(n.When, files),
			Needs: addresses(n.Needs), Gates: addresses(n.Gates), Range: rangeOf(n.Range),
		}
		if n.Action != nil {
			d.Action = n.Action.Name
		}
		g.Nodes = append(g.Nodes, d)
	}
	return g
}

// kindOf is the word for a node's block, with which its address begins.
func kindOf(n *check.Node) string {
	kind, _, _ := strings.Cut(n.Address, ".")
	return kind
}

func textOf(x hcl.Expression, files map[string][]byte) string {
	if x == nil {
		return ""
	}
	rng := x.Range()
	src := files[rng.Filename]
	if rng.Start.Byte < 0 || rng.End.Byte > len(src) || rng.Start.Byte > rng.End.Byte {
		return ""
	}
	return strings.ToValidUTF8(string(src[rng.Start.Byte:rng.End.Byte]), "\uFFFD")
}

func rangeOf(r hcl.Range) Range {
	return Range{Filename: r.Filename, Start: Pos(r.Start), End: Pos(r.End)}
}
