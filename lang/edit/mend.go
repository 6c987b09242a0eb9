package edit

// What the checker proposes, as changes of the text. A change that the author would have to undo is worse than none: a
// guard is offered only where the file, checked again with it, has fewer mistakes.

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// Fix is a change that mends a mistake.
type Fix struct {
	Title     string
	Diag      *hcl.Diagnostic
	Edits     []Edit
	Preferred bool // it is the only likely one
}

// Fixes returns what mends the given diagnostics of a file.
func (w *Workspace) Fixes(name string, diags hcl.Diagnostics) []Fix {
	f := w.files[name]
	if f == nil {
		return nil
	}
	var out []Fix
	for _, d := range diags {
		m, ok := diag.MetaOf(d)
		if !ok || d.Subject == nil || d.Subject.Filename != name || d.Subject.End.Byte > len(f.text) || d.Subject.Start.Byte > d.Subject.End.Byte {
			continue
		}
		if m.Replacement != "" {
			out = append(out, Fix{
				Title: "Change to " + m.Replacement, Diag: d, Preferred: true,
				Edits: []Edit{{File: name, Start: d.Subject.Start.Byte, End: d.Subject.End.Byte, Text: m.Replacement}},
			})
		}
		if m.Code == diag.MayBeNull {
			out = append(out, w.guards(name, f, d)...)
		}
	}
	return out
}

// guards are the ways to keep a value from being null.
func (w *Workspace) guards(name string, f *file, d *hcl.Diagnostic) []Fix {
	start, end := d.Subject.Start.Byte, d.Subject.End.Byte
	src := string(f.text[start:end])
	if src == "" || strings.ContainsAny(src, "\r\n") {
		return nil
	}
	var out []Fix
	offer := func(title string, e Edit) {
		e.File = name
		if w.helps(name, f.text, e) {
			out = append(out, Fix{Title: title, Diag: d, Edits: []Edit{e}})
		}
	}
	if at, indent, ok := stepAbove(f, start); ok {
		eol := "\n"
		if bytes.Contains(f.text, []byte("\r\n")) {
			eol = "\r\n"
		}
		text := strings.Join([]string{indent + "filter {", indent + "  condition = " + src + " != null", indent + "}", "", ""}, eol)
		offer(fmt.Sprintf("Add a filter above: %s != null", src), Edit{Start: at, End: at, Text: text})
	}
	if at, ok := conditionAt(f, start); ok {
		offer(fmt.Sprintf("Test %s != null first", src), Edit{Start: at, End: at, Text: src + " != null && "})
	}
	place := w.probe(name, f.text, hole{start: start, end: start}, start)
	want, known := place.Wanted()
	if !known || want.Kind == schema.KindAny {
		for _, x := range place.Enclosing() {
			if x.Range().Start.Byte == start && x.Range().End.Byte == end {
				if s := place.Sights(x); len(s) > 0 {
					want = s[0].Type
				}
			}
		}
	}
	if value := zero(want); value != "" {
		offer(fmt.Sprintf("Give a value for null: coalesce(%s, %s)", src, value),
			Edit{Start: start, End: end, Text: fmt.Sprintf("coalesce(%s, %s)", src, value)})
	}
	return out
}

// zero is a value of a type that stands for nothing, as it is written. An empty text is nothing to coalesce.
func zero(t schema.Type) string {
	if len(t.Enum) > 0 {
		return fmt.Sprintf("%q", t.Enum[0])
	}
	switch t.Kind {
	case schema.KindString:
		return `"unknown"`
	case schema.KindNumber:
		return "0"
	case schema.KindBool:
		return "false"
	case schema.KindList:
		return "[]"
	case schema.KindMap:
		return "{}"
	}
	return ""
}

// stepAbove returns the beginning of the line of the step that holds a byte, and that line's indent.
func stepAbove(f *file, at int) (line int, indent string, ok bool) {
	if f.parse().recipe == nil {
		return 0, "", false
	}
	var found *syntax.Step
	for _, s := range stepsOf(f.recipe) {
		if s.Range.Start.Byte <= at && at <= s.BodyRange.End.Byte && (found == nil || found.Range.Start.Byte < s.Range.Start.Byte) {
			found = s
		}
	}
	if found == nil || found.Kind == syntax.FilterStep {
		return 0, "", false
	}
	begin, _ := lineAround(f.text, found.Range.Start.Byte)
	indent = string(f.text[begin:found.Range.Start.Byte])
	return begin, indent, strings.TrimSpace(indent) == ""
}

// conditionAt returns where the condition begins that a byte is in: a filter's, or the "when" of an action.
func conditionAt(f *file, at int) (int, bool) {
	if f.parse().recipe == nil {
		return 0, false
	}
	for _, s := range stepsOf(f.recipe) {
		for _, x := range []hclsyntax.Expression{s.Condition, s.When} {
			if x != nil && x.Range().Start.Byte <= at && at < x.Range().End.Byte && x.Range().End.Byte > x.Range().Start.Byte {
				return x.Range().Start.Byte, true
			}
		}
	}
	return 0, false
}

// helps reports whether the file has fewer mistakes with a change, and none that it had not.
func (w *Workspace) helps(name string, text []byte, e Edit) bool {
	before := w.mistakes(name, text)
	after := w.mistakes(name, slices.Concat(text[:e.Start], []byte(e.Text), text[e.End:]))
	return after < before
}

// mistakes counts the errors of one text of a file.
func (w *Workspace) mistakes(name string, text []byte) int {
	p := w.shared()
	parsed, diags := syntax.Parse(map[string][]byte{name: text})
	p.Files[name] = text
	p.Recipes = parsed.Recipes
	if name == syntax.ConfigFile {
		p.Config = parsed.Config
	}
	more, _ := check.NewSession(w.cat).Check(p, func() bool { return false })
	n := 0
	for _, d := range append(diags, more...) {
		if d.Severity == hcl.DiagError {
			n++
		}
	}
	return n
}
