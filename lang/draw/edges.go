package draw

import "fmt"

// Edge is an arrow of the drawing. Which arrows are left out, since another says the same, is told in layout.go.
type Edge struct {
	From  string `json:"from"`            // id of a node, "trigger.0" for the first of the triggers, or "on_error" for the failure that starts it
	To    string `json:"to"`              // id of a node
	Kind  string `json:"kind"`            // "data": it reads what the other answers; "order": it comes after; "case"; "failed": it begins on_error
	Label string `json:"label,omitempty"` // of a case
}

// edgesOf returns the arrows between nodes. A case in which nothing stands has none.
func edgesOf(g *Graph) []Edge {
	names := map[string]string{"e": "on_error"}
	for i := range g.Triggers {
		names[fmt.Sprintf("t%d", i)] = fmt.Sprintf("trigger.%d", i)
	}
	for i := range g.Nodes {
		names[fmt.Sprintf("n%d", i)] = g.Nodes[i].ID
	}
	for i := range g.OnError {
		names[fmt.Sprintf("e%d", i)] = g.OnError[i].ID
	}
	out := []Edge{}
	for _, e := range layoutOf(g).edges {
		from, to := names[e.from], names[e.to]
		if from == "" || to == "" {
			continue
		}
		one := Edge{From: from, To: to, Kind: "order", Label: e.label}
		switch {
		case e.data:
			one.Kind = "data"
		case e.failed:
			one.Kind = "failed"
		case e.label != "":
			one.Kind = "case"
		}
		out = append(out, one)
	}
	return out
}
