package draw

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/langtest"
)

// graphs compiles a project and returns its drawings.
func graphs(t testing.TB, files map[string][]byte) []*Graph {
	t.Helper()
	p, diags := lang.CompileFiles(files, langtest.Catalog())
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var out []*Graph
	for _, r := range p.Recipes() {
		out = append(out, Of(r, p.Files()))
	}
	return out
}

func writeJSON(w io.Writer, gs ...*Graph) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(gs)
}

// TestGoldens draws each project of testdata in each format and holds it against the file beside it.
func TestGoldens(t *testing.T) {
	sources, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(sources) == 0 {
		t.Fatalf("%d projects, %v", len(sources), err)
	}
	owned := map[string]bool{}
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		gs := graphs(t, langtest.Files(source, text))
		for ending, write := range map[string]func(io.Writer, ...*Graph) error{"mmd": Mermaid, "dot": DOT, "json": writeJSON} {
			golden := strings.TrimSuffix(source, "txtar") + ending
			owned[golden] = true
			var b bytes.Buffer
			if err := write(&b, gs...); err != nil {
				t.Fatal(err)
			}
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				continue
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), b.String()); d != "" {
				t.Errorf("%s is stale (UPDATE=1 writes it):\n%s", golden, d)
			}
		}
		owned[source] = true
	}
	all, err := filepath.Glob("testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if !owned[name] {
			t.Errorf("%s belongs to no test", name)
		}
	}
}

var hostile = []string{
	`"`, `\`, `\"`, `"] --> n9["`, `"}} %% {`, "a\nb", "a\r\nclick n0 href \"javascript:alert(1)\"", `%%{init: {"theme": "dark"}}%%`, "#quot;", "&quot;", "&#34;",
	"<script>alert(1)</script>", "<br/>", "end", "style n0 fill:#f00;", "classDef x fill:#fff;", "`**bold**`", "1. first", "- item", "$$x^2$$", "---\ntitle: x\n---",
	`\N\G\l\n`, `];}digraph{`, "\x00\x1b[31m", "\u202eevil", "日本語 e\u0301", "'", ";", strings.Repeat("long ", 100), "", " ", "\xff\xfe",
}

func hostileGraph(text string) *Graph {
	return &Graph{Recipe: text, Triggers: []Trigger{{Name: text, Type: text + "x"}}, Nodes: []Node{
		{ID: "filter.1", Kind: "filter", Name: text, Condition: text, Needs: []string{"action.a"}},
		{ID: "action.a", Kind: "action", Name: text, Action: "act", When: text, Gates: []string{}},
		{ID: "switch.1", Kind: "switch", Name: text, On: text, Cases: []Case{
			{Values: []string{text, "x"}, Nodes: []string{"action.b"}}, {Values: []string{"y", text}}}},
		{ID: "action.b", Kind: "action", Name: text, Action: "act", ForEach: "[" + text, Within: &Within{Switch: "switch.1"}},
		{ID: "wait.w", Kind: "wait", Name: text, Wait: &Wait{Until: text, Event: text, Match: text}, After: []string{"action.b"}},
	}, OnError: []Node{{ID: "on_error.action.t", Kind: "action", Name: text, Action: "act"}}}
}

// hostileLabels are the labels of hostileGraph in the order in which they are drawn.
func hostileLabels(g *Graph) []string {
	n := g.Nodes
	out := []string{join(g.Triggers[0].label()), join(n[0].label()), join(n[1].label()), join(n[2].label()),
		visible(n[2].Cases[0].label()), join(n[3].label()), "nothing", join(n[4].label()), "on_error", "the run has failed", join(g.OnError[0].label())}
	return append(out, visible(n[2].Cases[1].label()), visible(n[2].Cases[0].label())) // of the arrows
}

// TestHostileLabels reads drawings back with strict little parsers: whatever a label holds, the boxes and arrows are the
// same, and the label comes out as it went in.
func TestHostileLabels(t *testing.T) {
	for _, text := range hostile {
		checkDrawings(t, text)
	}
}

func FuzzLabels(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { checkDrawings(t, text) })
}

func checkDrawings(t *testing.T, text string) {
	t.Helper()
	g := hostileGraph(text)
	want := hostileLabels(g)
	var b bytes.Buffer
	if err := Mermaid(&b, g); err != nil {
		t.Fatal(err)
	}
	if got, err := parseMermaid(b.String()); err != nil {
		t.Errorf("%q: %v\n%s", text, err, b.String())
	} else if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%q as Mermaid: %s", text, d)
	}
	b.Reset()
	if err := DOT(&b, g); err != nil {
		t.Fatal(err)
	}
	if got, err := parseDOT(b.String()); err != nil {
		t.Errorf("%q: %v\n%s", text, err, b.String())
	} else if d := cmp.Diff(append([]string{visible(text)}, want...), got); d != "" {
		t.Errorf("%q as DOT: %s", text, d)
	}
}

func join(lines []string) string {
	for i := range lines {
		lines[i] = visible(lines[i])
	}
	return strings.Join(lines, "\n")
}

var (
	mermaidBox   = regexp.MustCompile(`^ +[tne][\dc]*(?:\(\["([^"]*)"\]\)|\{\{"([^"]*)"\}\}|\{"([^"]*)"\}|\["([^"]*)"\]|\[\["([^"]*)"\]\]|\[/"([^"]*)"/\]|\("([^"]*)"\))$`)
	mermaidGroup = regexp.MustCompile(`^ +subgraph (?:n[\dc]+|failed)\["([^"]*)"\]$`)
	mermaidEdge  = regexp.MustCompile(`^  [tne][\dc]* (?:-->|==>|-\.->)(?:\|"([^"]*)"\|)? [ne][\dc]+$`)
	code         = regexp.MustCompile(`#(\d+);`)
)

// parseMermaid returns the labels of boxes, groups and arrows, and an error for any line that is none of them.
func parseMermaid(text string) ([]string, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if lines[0] != "flowchart TD" {
		return nil, fmt.Errorf("begins with %q", lines[0])
	}
	var out []string
	open := 0
	for _, line := range lines[1:] {
		if strings.TrimSpace(line) == "end" {
			if open--; open < 0 {
				return nil, fmt.Errorf("an end too many")
			}
			continue
		}
		m := mermaidEdge.FindStringSubmatch(line)
		if m != nil && m[1] == "" {
			continue
		}
		if m == nil {
			if m = mermaidGroup.FindStringSubmatch(line); m != nil {
				open++
			}
		}
		if m == nil {
			m = mermaidBox.FindStringSubmatch(line)
		}
		if m == nil {
			return nil, fmt.Errorf("what is %q?", line)
		}
		label := strings.ReplaceAll(strings.Join(m[1:], ""), "<br/>", "\n")
		if strings.ContainsAny(code.ReplaceAllString(label, ""), "#<>&%`:;{}[]$\"\\*") {
			return nil, fmt.Errorf("%q holds what Mermaid reads as its own", label)
		}
		label = code.ReplaceAllStringFunc(label, func(s string) string {
			n, err := strconv.Atoi(s[1 : len(s)-1])
			if err != nil {
				return s
			}
			return string(rune(n))
		})
		out = append(out, label)
	}
	if open != 0 {
		return nil, fmt.Errorf("%d groups are not closed", open)
	}
	return out, nil
}

// parseDOT returns the name of the graph and the labels, and an error where the tokens are not those of one digraph of
// boxes and arrows.
func parseDOT(text string) ([]string, error) {
	var out []string
	shape := "" // the text with each quoted string replaced by a Q
	for i := 0; i < len(text); i++ {
		if text[i] != '"' {
			shape += string(text[i])
			continue
		}
		var s strings.Builder
		for i++; ; i++ {
			if i >= len(text) || text[i] == '\n' {
				return nil, fmt.Errorf("a string is not closed")
			}
			if text[i] == '"' {
				break
			}
			if text[i] == '\\' {
				if i++; i >= len(text) {
					return nil, fmt.Errorf("a string is not closed")
				}
				switch text[i] {
				case 'n':
					s.WriteByte('\n')
				case '"', '\\':
					s.WriteByte(text[i])
				default:
					return nil, fmt.Errorf("a strange escape: %q", text[i])
				}
				continue
			}
			s.WriteByte(text[i])
		}
		shape += "Q"
		out = append(out, html.UnescapeString(s.String()))
	}
	const want = "digraph Q {\n  rankdir=TB;\n  node [fontname=Q];\n  t0 [shape=oval, label=Q];\n  n0 [shape=hexagon, label=Q];\n  n1 [shape=box, label=Q];\n" +
		"  n2 [shape=diamond, label=Q];\n  subgraph cluster_n2c0 {\n    label=Q;\n    n3 [shape=box, peripheries=2, label=Q];\n  }\n" +
		"  n2c1 [shape=plaintext, label=Q];\n  n4 [shape=parallelogram, label=Q];\n" +
		"  subgraph cluster_failed {\n    label=Q;\n    e [shape=oval, label=Q];\n    e0 [shape=box, label=Q];\n  }\n" +
		"  n1 -> n0 [style=bold];\n  t0 -> n1;\n  t0 -> n2;\n  n2 -> n2c1 [label=Q];\n  n2 -> n3 [label=Q];\n  n3 -> n4;\n  e -> e0 [style=dashed];\n}\n"
	if shape != want {
		return nil, fmt.Errorf("the text is %q", shape)
	}
	return append(out[:1:1], out[2:]...), nil
}
