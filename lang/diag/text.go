package diag

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// TextOptions say how WriteText writes.
type TextOptions struct {
	Color bool // for a terminal that understands ANSI sequences
	Width int  // columns; 0 means 100
}

const (
	ansiRed    = "\x1b[31m"
	ansiYellow = "\x1b[33m"
	ansiBold   = "\x1b[1m"
	ansiReset  = "\x1b[0m"
)

// WriteText writes diagnostics for people, in the order given, with the lines of the files that they are about. It
// shows what stands in files and never the value of a variable.
func WriteText(w io.Writer, diags hcl.Diagnostics, files map[string][]byte, opts TextOptions) error {
	t := textWriter{width: cmp.Or(opts.Width, 100), color: opts.Color}
	for i, d := range diags {
		if i > 0 {
			t.b.WriteByte('\n')
		}
		t.diagnostic(d, files)
	}
	_, err := w.Write(t.b.Bytes())
	return err
}

type textWriter struct {
	b     bytes.Buffer
	width int
	color bool
}

func (t *textWriter) diagnostic(d *hcl.Diagnostic, files map[string][]byte) {
	word, color := "Error", ansiRed
	if d.Severity == hcl.DiagWarning {
		word, color = "Warning", ansiYellow
	}
	m, _ := MetaOf(d)
	if m.Code != "" {
		word += " " + string(m.Code)
	}
	t.b.WriteString(t.paint(ansiBold+color, word+":") + " " + t.paint(ansiBold, clean(d.Summary)) + "\n\n")
	if d.Subject != nil {
		t.place(*d.Subject, m.Context, files, color)
	}
	for _, line := range strings.Split(clean(d.Detail), "\n") {
		t.wrapped(line)
	}
}

func (t *textWriter) place(rng hcl.Range, context string, files map[string][]byte, color string) {
	src, known := files[rng.Filename]
	where := "on " + cmp.Or(clean(rng.Filename), "the input")
	if !isWholeFile(rng) {
		where += fmt.Sprintf(" line %d", rng.Start.Line)
	}
	if context != "" {
		where += ", " + clean(context)
	}
	fmt.Fprintf(&t.b, "  %s:\n", strings.ReplaceAll(where, "\n", "\ufffd"))
	if !known || !placed(rng, src) {
		return
	}
	line, start := lineAt(src, rng.Start.Byte)
	t.snippet(rng.Start.Line, rng.End.Line, line, rng.Start.Byte-start, rng.End.Byte-start, color)
	if last, lastStart := lineAt(src, rng.End.Byte); rng.End.Line > rng.Start.Line && rng.End.Byte > lastStart {
		if rng.End.Line > rng.Start.Line+1 {
			fmt.Fprintf(&t.b, "  %s…\n", strings.Repeat(" ", len(lineNumber(rng.Start.Line, rng.End.Line))))
		}
		t.snippet(rng.End.Line, rng.End.Line, last, -1, -1, color)
	}
}

// lineNumber is the number of a line as it stands before it; all lines of one snippet have the same width.
func lineNumber(n, last int) string { return fmt.Sprintf("%*d: ", len(fmt.Sprint(last)), n) }

// snippet writes one line and marks the bytes from start to end in it, if start is not negative.
func (t *textWriter) snippet(number, last int, line []byte, start, end int, color string) {
	all := cells(line)
	from, to := span(all, start, end, len(line))
	prefix := lineNumber(number, last)
	all, from, to, cropped := crop(all, from, to, max(20, t.width-2-len(prefix)))

	t.b.WriteString("  " + prefix + cropped)
	for _, c := range all {
		t.b.WriteString(c.text)
	}
	t.trimSpaces()
	t.b.WriteByte('\n')
	if start < 0 {
		return
	}
	indent, marked := len(prefix)+textWidth(cropped), 0
	for i, c := range all {
		switch {
		case i < from:
			indent += c.width
		case i < to:
			marked += c.width
		}
	}
	t.b.WriteString("  " + strings.Repeat(" ", indent) + t.paint(color, strings.Repeat("^", max(1, marked))) + "\n")
}

// span finds the cells that hold the bytes from start to end of a line; from is len(all) where start is behind it.
func span(all []cell, start, end, lineBytes int) (from, to int) {
	from = len(all)
	if start < lineBytes {
		for from = 0; from+1 < len(all) && all[from+1].offset <= start; from++ {
		}
	}
	for to = from; to < len(all) && all[to].offset < end; to++ {
	}
	return from, to
}

// crop shortens a line that is too wide to the part around the marked cells. What is cut is shown as "…".
func crop(all []cell, from, to, room int) (part []cell, newFrom, newTo int, before string) {
	total := 0
	for _, c := range all {
		total += c.width
	}
	if total <= room {
		return all, from, to, ""
	}
	room -= 2 // for the two "…"
	lo, hi, used := min(from, len(all)), min(from, len(all)), 0
	grow := func(i int) bool {
		if i < 0 || i >= len(all) || used+all[i].width > room {
			return false
		}
		used += all[i].width
		return true
	}
	for hi < to && grow(hi) {
		hi++
	}
	left, right := true, true
	for left || right {
		if left = left && grow(lo-1); left {
			lo--
		}
		if right = right && grow(hi); right {
			hi++
		}
	}
	part = all[lo:hi:hi]
	if lo > 0 {
		before = "…"
	}
	if hi < len(all) {
		part = append(part, cell{text: "…", width: 1})
	}
	return part, from - lo, min(to, hi) - lo, before
}

func (t *textWriter) trimSpaces() {
	t.b.Truncate(len(bytes.TrimRight(t.b.Bytes(), " ")))
}

// wrapped writes one paragraph of a detail, indented. Lines that begin with a space are laid out already.
func (t *textWriter) wrapped(line string) {
	const indent = "  "
	if line == "" || line[0] == ' ' {
		t.b.WriteString(strings.TrimRight(indent+line, " ") + "\n")
		return
	}
	column := 0
	for _, word := range strings.Fields(line) {
		w := textWidth(word)
		switch {
		case column == 0:
			t.b.WriteString(indent)
			column = len(indent)
		case column+1+w > t.width:
			t.b.WriteString("\n" + indent)
			column = len(indent)
		default:
			t.b.WriteByte(' ')
			column++
		}
		t.b.WriteString(word)
		column += w
	}
	t.b.WriteByte('\n')
}

func (t *textWriter) paint(color, s string) string {
	if !t.color {
		return s
	}
	return color + s + ansiReset
}
