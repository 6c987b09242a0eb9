// Package draw shows checked recipes as graphs: as Mermaid for a page, as DOT for Graphviz, and as JSON for programs. It
// draws what check found (what starts a recipe, which gate holds which step back, which step reads which, what stands in
// which case, what follows a failure), and adds nothing of its own.
//
// The package reads no file and evaluates nothing; the texts of conditions are cut out of the files it is given.
package draw

import (
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/flowrun/flowrun/lang/check"
)

// Graph is one recipe. Its JSON is a contract: members are added, none changes its meaning.
type Graph struct {
	Recipe      string    `json:"recipe"`
	Description string    `json:"description,omitempty"`
	Disabled    bool      `json:"disabled,omitempty"`
	Triggers    []Trigger `json:"triggers"`
	Nodes       []Node    `json:"nodes"`              // in the order they are written; a switch stands before what its cases hold
	OnError     []Node    `json:"on_error,omitempty"` // what runs when a run has failed: the recipe's own, or that of flowrun.hcl
	Edges       []Edge    `json:"edges"`
}

// Trigger is one way in which the recipe starts.
type Trigger struct {
	Name       string   `json:"name"` // the block's: the type where it has no name of its own
	Type       string   `json:"type"`
	Connection string   `json:"connection"`
	Events     []string `json:"events"`           // the vendor's types; "*" for all
	Latest     bool     `json:"latest,omitempty"` // its object is fetched when the recipe starts, by a node that says so
	Range      Range    `json:"range"`
}

// Node is a gate, a switch or a step.
type Node struct {
	ID         string   `json:"id"`                   // "action.customer", "filter.1", "on_error.action.tell"; unique within the recipe
	Kind       string   `json:"kind"`                 // "filter", "wait", "switch" or "action"
	Name       string   `json:"name"`                 // of a step or wait; the label of a filter or switch, which may be empty
	Action     string   `json:"action,omitempty"`     // the type of an action
	Connection string   `json:"connection,omitempty"` // of an action
	Calls      string   `json:"calls,omitempty"`      // the recipe that an action calls
	Fetches    string   `json:"fetches,omitempty"`    // the name of the trigger whose object an action that nobody wrote fetches
	Condition  string   `json:"condition,omitempty"`  // of a filter, as it is written
	When       string   `json:"when,omitempty"`       // the condition under which an action isn't skipped, as it is written
	ForEach    string   `json:"for_each,omitempty"`   // the list or map for whose elements an action is done, as it is written
	Continues  bool     `json:"continue_on_error,omitempty"`
	Wait       *Wait    `json:"wait,omitempty"`   // of a wait
	On         string   `json:"on,omitempty"`     // what a switch is on, as it is written
	Cases      []Case   `json:"cases,omitempty"`  // of a switch, in the order they are written
	Within     *Within  `json:"within,omitempty"` // the case it stands in; absent at the top
	Needs      []string `json:"needs"`            // the nodes whose results it reads or that it depends on
	Gates      []string `json:"gates"`            // the nodes that hold it back
	After      []string `json:"after,omitempty"`  // of a wait: the nodes that must have ended before it begins
	Range      Range    `json:"range"`            // the block's header
}

// Wait is what a wait waits for: For, Until or Event is set.
type Wait struct {
	For     string `json:"for,omitempty"`     // a duration: "12h", "3d"
	Until   string `json:"until,omitempty"`   // a time, as it is written
	Event   string `json:"event,omitempty"`   // the type of a trigger
	Match   string `json:"match,omitempty"`   // which of its events, as it is written
	Timeout string `json:"timeout,omitempty"` // how long at most for an event
}

// Case is a case of a switch, or its default.
type Case struct {
	Default bool     `json:"default,omitempty"`
	Values  []string `json:"values"` // any of them
	Nodes   []string `json:"nodes"`  // that stand in it, those of switches within it not among them
}

// Within says in which case of which switch a node stands.
type Within struct {
	Switch string `json:"switch"`
	Case   int    `json:"case"` // which of the switch's cases, from 0
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
	for n, t := range r.Triggers {
		if n > 0 && t.Range == r.Triggers[n-1].Range { // the types of one block, told apart by the checker
			last := &g.Triggers[len(g.Triggers)-1]
			last.Events = append(last.Events, t.Events...)
			continue
		}
		d := Trigger{Name: t.Name, Type: t.Name, Connection: t.Connection, Events: append([]string{}, t.Events...), Latest: t.Latest != nil, Range: rangeOf(t.Range)}
		if t.Spec != nil {
			d.Type = t.Spec.Name
		}
		g.Triggers = append(g.Triggers, d)
	}
	g.Nodes = append(g.Nodes, nodesOf(r.Nodes, files)...)
	g.OnError = nodesOf(r.OnError, files)
	g.Edges = edgesOf(g)
	return g
}

func nodesOf(list []*check.Node, files map[string][]byte) []Node {
	addresses := func(indices []int) []string {
		out := make([]string, 0, len(indices))
		for _, n := range indices {
			out = append(out, list[n].Address)
		}
		return out
	}
	var out []Node
	for _, n := range list {
		d := Node{
			ID: n.Address, Kind: kindOf(n.Kind), Name: n.Name, Connection: n.Connection, Calls: n.Calls,
			Condition: textOf(n.Condition, files), When: textOf(n.When, files), ForEach: textOf(n.ForEach, files), On: textOf(n.On, files),
			Continues: n.ContinueOnError, Wait: waitOf(n.Wait, files),
			Needs: addresses(n.Needs), Gates: addresses(n.Gates), After: addresses(n.After), Range: rangeOf(n.Range),
		}
		if n.Action != nil {
			d.Action = n.Action.Name
		}
		if n.Latest != nil {
			d.Fetches = n.Latest.Name
		}
		for _, c := range n.Cases {
			values := make([]string, 0, len(c.Values))
			for _, v := range c.Values {
				values = append(values, valueText(v))
			}
			d.Cases = append(d.Cases, Case{Default: c.Default, Values: values, Nodes: addresses(c.Nodes)})
		}
		if n.Parent >= 0 {
			d.Within = &Within{Switch: list[n.Parent].Address, Case: n.Case}
		}
		out = append(out, d)
	}
	return out
}

func waitOf(w *check.WaitFor, files map[string][]byte) *Wait {
	if w == nil {
		return nil
	}
	out := &Wait{Until: textOf(w.Until, files), Match: textOf(w.Match, files)}
	if w.For > 0 {
		out.For = durationText(w.For)
	}
	if w.Timeout > 0 {
		out.Timeout = durationText(w.Timeout)
	}
	if w.Event != nil {
		out.Event = w.Event.Name
		if w.Event.Spec != nil {
			out.Event = w.Event.Spec.Name
		}
	}
	return out
}

// durationText writes a duration as a recipe does: "90s", "12h", "3d".
func durationText(d time.Duration) string {
	if day := 24 * time.Hour; d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// valueText is the value of a case as its label is written.
func valueText(v cty.Value) string {
	text, err := convert.Convert(v, cty.String)
	if err != nil || !text.IsKnown() || text.IsNull() {
		return ""
	}
	return text.AsString()
}

func kindOf(k check.NodeKind) string {
	switch k {
	case check.Filter:
		return "filter"
	case check.Wait:
		return "wait"
	case check.Switch:
		return "switch"
	}
	return "action"
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
