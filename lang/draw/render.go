package draw

// A drawing leaves out what another line says already: of the gates above a step only the nearest has an arrow, and
// none where a step that it reads is held back by the same one. Labels are texts of recipes, which may hold anything;
// what a reader could take for its own syntax is escaped.

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
)

// longest is how many characters of a condition a label shows.
const longest = 120

// edge is an arrow between boxes: "t0" is the first trigger, "n0" the first node.
type edge struct {
	from, to string
	data     bool // the one reads what the other answers; else it waits only
}

func edges(g *Graph) []edge {
	index := map[string]int{}
	for i, n := range g.Nodes {
		index[n.ID] = i
	}
	box := func(id string) string { return fmt.Sprintf("n%d", index[id]) }
	var out []edge
	for i, n := range g.Nodes {
		to := fmt.Sprintf("n%d", i)
		for _, need := range n.Needs {
			out = append(out, edge{box(need), to, true})
		}
		switch {
		case len(n.Gates) > 0:
			nearest := n.Gates[len(n.Gates)-1]
			if !slices.ContainsFunc(n.Needs, func(need string) bool {
				return need == nearest || slices.Contains(g.Nodes[index[need]].Gates, nearest)
			}) {
				out = append(out, edge{box(nearest), to, false})
			}
		case len(n.Needs) == 0:
			for t := range g.Triggers {
				out = append(out, edge{fmt.Sprintf("t%d", t), to, false})
			}
		}
	}
	return out
}

// label returns the lines of a node's label.
func (n *Node) label() []string {
	var lines []string
	add := func(prefix, text string) {
		if text = strings.Join(strings.Fields(text), " "); text != "" {
			lines = append(lines, prefix+shortened(text))
		}
	}
	add("", n.Name)
	if n.Action != n.Name {
		add("", n.Action)
	}
	add("", n.Condition)
	add("when ", n.When)
	if len(lines) == 0 {
		lines = append(lines, n.ID)
	}
	return lines
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

// Mermaid writes graphs as a Mermaid flow chart: triggers are round, gates pointed, steps square. A solid arrow says
// that the one waits for the other, a thick one that it reads its answer. Several graphs are several subgraphs.
func Mermaid(w io.Writer, graphs ...*Graph) error {
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	for i, g := range graphs {
		prefix, indent := "", "  "
		if len(graphs) > 1 {
			prefix, indent = fmt.Sprintf("r%d", i), "    "
			fmt.Fprintf(&b, "  subgraph r%d[\"%s\"]\n", i, mermaidText(g.Recipe))
		}
		for j := range g.Triggers {
			fmt.Fprintf(&b, "%s%st%d([\"%s\"])\n", indent, prefix, j, mermaidLabel(g.Triggers[j].label()))
		}
		for j := range g.Nodes {
			open, end := `["`, `"]`
			if g.Nodes[j].Kind != "action" {
				open, end = `{{"`, `"}}`
			}
			fmt.Fprintf(&b, "%s%sn%d%s%s%s\n", indent, prefix, j, open, mermaidLabel(g.Nodes[j].label()), end)
		}
		for _, e := range edges(g) {
			arrow := "-->"
			if e.data {
				arrow = "==>"
			}
			fmt.Fprintf(&b, "%s%s%s %s %s%s\n", indent, prefix, e.from, arrow, prefix, e.to)
		}
		if len(graphs) > 1 {
			b.WriteString("  end\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func mermaidLabel(lines []string) string {
	escaped := make([]string, len(lines))
	for i, line := range lines {
		escaped[i] = mermaidText(line)
	}
	return strings.Join(escaped, "<br/>")
}

// mermaidText writes what is more than a letter, a digit or harmless punctuation as a character code. Mermaid looks
// for directives, comments, styles, HTML, formulas and Markdown in the whole text, quoted or not.
func mermaidText(s string) string {
	var b strings.Builder
	for _, r := range visible(s) {
		if r == ' ' || unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-/(),=!|?'…\uFFFD", r) || r > 0x2000 {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	return b.String()
}

// DOT writes graphs in Graphviz's language, one digraph for each. A solid arrow says that the one waits for the other,
// a bold one that it reads its answer.
func DOT(w io.Writer, graphs ...*Graph) error {
	var b strings.Builder
	for _, g := range graphs {
		fmt.Fprintf(&b, "digraph %s {\n  rankdir=TB;\n  node [fontname=\"sans-serif\"];\n", dotText(g.Recipe))
		for j := range g.Triggers {
			fmt.Fprintf(&b, "  t%d [shape=oval, label=%s];\n", j, dotText(g.Triggers[j].label()...))
		}
		for j := range g.Nodes {
			shape := "hexagon"
			if g.Nodes[j].Kind == "action" {
				shape = "box"
			}
			fmt.Fprintf(&b, "  n%d [shape=%s, label=%s];\n", j, shape, dotText(g.Nodes[j].label()...))
		}
		for _, e := range edges(g) {
			style := ""
			if e.data {
				style = " [style=bold]"
			}
			fmt.Fprintf(&b, "  %s -> %s%s;\n", e.from, e.to, style)
		}
		b.WriteString("}\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// dotText quotes lines. Only the quote and the backslash mean something within quotes; labels are plain text, not HTML,
// as long as they don't stand in angle brackets. Graphviz reads &name; as a character even so.
func dotText(lines ...string) string {
	escape := strings.NewReplacer(`"`, `\"`, `\`, `\\`, "&", "&amp;")
	escaped := make([]string, len(lines))
	for i, line := range lines {
		escaped[i] = escape.Replace(visible(line))
	}
	return `"` + strings.Join(escaped, `\n`) + `"`
}

// visible replaces what can't be seen, or changes the order in which the rest is shown.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == 0x2028 || r == 0x2029 {
			return '\uFFFD'
		}
		return r
	}, s)
}
