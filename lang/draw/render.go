package draw

// Labels are texts of recipes, which may hold anything; what a reader could take for its own syntax is escaped.

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Mermaid writes graphs as a Mermaid flow chart: triggers are round, gates pointed, waits slanted, switches diamonds,
// steps square, with a double edge where they are repeated. A solid arrow says that the one waits for the other, a thick
// one that it reads its answer, a dotted one that it follows a failure. What stands in a case, and on_error, is a
// subgraph. Several graphs are several subgraphs.
func Mermaid(w io.Writer, graphs ...*Graph) error {
	m := &mermaid{}
	m.b.WriteString("flowchart TD\n")
	for i, g := range graphs {
		if len(graphs) == 1 {
			m.recipe(g, "  ")
			continue
		}
		m.prefix = fmt.Sprintf("r%d", i)
		fmt.Fprintf(&m.b, "  subgraph r%d[\"%s\"]\n", i, mermaidLabel([]string{g.Recipe}))
		m.recipe(g, "    ")
		m.b.WriteString("  end\n")
	}
	_, err := io.WriteString(w, m.b.String())
	return err
}

type mermaid struct {
	b      strings.Builder
	prefix string // of ids
}

func (m *mermaid) recipe(g *Graph, indent string) {
	l := layoutOf(g)
	m.items(l.items, indent)
	for _, e := range l.edges {
		arrow := "-->"
		switch {
		case e.failed:
			arrow = "-.->"
		case e.data:
			arrow = "==>"
		}
		if e.label != "" {
			arrow += `|"` + mermaidLabel([]string{e.label}) + `"|`
		}
		fmt.Fprintf(&m.b, "%s%s%s %s %s%s\n", indent, m.prefix, e.from, arrow, m.prefix, e.to)
	}
}

func (m *mermaid) items(items []item, indent string) {
	brackets := [...][2]string{round: {`(["`, `"])`}, pointed: {`{{"`, `"}}`}, slanted: {`[/"`, `"/]`}, diamond: {`{"`, `"}`},
		square: {`["`, `"]`}, double: {`[["`, `"]]`}, small: {`("`, `")`}}
	for _, it := range items {
		if it.group == nil {
			fmt.Fprintf(&m.b, "%s%s%s%s%s%s\n", indent, m.prefix, it.id, brackets[it.form][0], mermaidLabel(it.label), brackets[it.form][1])
			continue
		}
		fmt.Fprintf(&m.b, "%ssubgraph %s%s[\"%s\"]\n", indent, m.prefix, it.id, mermaidLabel(it.label))
		m.items(it.group, indent+"  ")
		fmt.Fprintf(&m.b, "%send\n", indent)
	}
}

func mermaidLabel(lines []string) string {
	escaped := make([]string, len(lines))
	for i, line := range lines {
		escaped[i] = mermaidText(line)
	}
	if text := strings.Join(escaped, "<br/>"); text != "" {
		return text
	}
	return " " // Mermaid has no empty labels
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
// a bold one that it reads its answer, a dashed one that it follows a failure. What stands in a case, and on_error, is a
// cluster.
func DOT(w io.Writer, graphs ...*Graph) error {
	var b strings.Builder
	for _, g := range graphs {
		fmt.Fprintf(&b, "digraph %s {\n  rankdir=TB;\n  node [fontname=\"sans-serif\"];\n", dotText(g.Recipe))
		l := layoutOf(g)
		dotItems(&b, l.items, "  ")
		for _, e := range l.edges {
			var style []string
			switch {
			case e.failed:
				style = append(style, "style=dashed")
			case e.data:
				style = append(style, "style=bold")
			}
			if e.label != "" {
				style = append(style, "label="+dotText(e.label))
			}
			with := ""
			if len(style) > 0 {
				with = " [" + strings.Join(style, ", ") + "]"
			}
			fmt.Fprintf(&b, "  %s -> %s%s;\n", e.from, e.to, with)
		}
		b.WriteString("}\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func dotItems(b *strings.Builder, items []item, indent string) {
	shapes := [...]string{round: "shape=oval", pointed: "shape=hexagon", slanted: "shape=parallelogram", diamond: "shape=diamond",
		square: "shape=box", double: "shape=box, peripheries=2", small: "shape=plaintext"}
	for _, it := range items {
		if it.group == nil {
			fmt.Fprintf(b, "%s%s [%s, label=%s];\n", indent, it.id, shapes[it.form], dotText(it.label...))
			continue
		}
		fmt.Fprintf(b, "%ssubgraph cluster_%s {\n%s  label=%s;\n", indent, it.id, indent, dotText(it.label...))
		dotItems(b, it.group, indent+"  ")
		fmt.Fprintf(b, "%s}\n", indent)
	}
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
