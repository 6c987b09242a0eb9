package diag

// What all renderers need of a source file: its lines, and what a terminal makes of them. A recipe is shown to people
// and machines that its author doesn't control, so nothing of it reaches a terminal as a control sequence.

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"

	"github.com/hashicorp/hcl/v2"
)

const tabWidth = 4

// lineAt returns the line that holds the byte at an offset, without its end, and the offset of its beginning.
func lineAt(src []byte, offset int) (line []byte, start int) {
	offset = max(0, min(offset, len(src)))
	start = bytes.LastIndexByte(src[:offset], '\n') + 1
	end := bytes.IndexByte(src[start:], '\n')
	if end < 0 {
		end = len(src) - start
	}
	return bytes.TrimSuffix(src[start:start+end], []byte("\r")), start
}

// placed reports whether the range lies in the file, and is more than the file's beginning, which stands for the file.
func placed(rng hcl.Range, src []byte) bool {
	if rng.Start.Byte < 0 || rng.End.Byte < rng.Start.Byte || rng.End.Byte > len(src) {
		return false
	}
	return rng.Start.Line >= 1 && !isWholeFile(rng)
}

func isWholeFile(rng hcl.Range) bool { return rng.Start.Byte == 0 && rng.End.Byte == 0 }

// cell is one character as a terminal shows it.
type cell struct {
	text   string
	width  int
	offset int // of its first byte in the line
}

// mostBytes is how much of a character with its combining ones is shown. No script needs more.
const mostBytes = 64

// cells splits a line into what a terminal shows. Tabs become spaces; what can't be seen becomes U+FFFD, except
// combining characters, which stay with the cell before them.
func cells(line []byte) []cell {
	all := make([]cell, 0, len(line))
	column := 0
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRune(line[i:])
		if r == 0xFEFF && i == 0 {
			i += size // a byte order mark
			continue
		}
		c := cell{text: string(r), width: runeWidth(r), offset: i}
		switch {
		case r == '\t':
			c.width = tabWidth - column%tabWidth
			c.text = strings.Repeat(" ", c.width)
		case r == utf8.RuneError, !shown(r):
			c.text, c.width = "\ufffd", 1
		case c.width == 0 && len(all) > 0:
			if last := &all[len(all)-1]; len(last.text) < mostBytes {
				last.text += c.text
			}
			i += size
			continue
		}
		column += c.width
		all = append(all, c)
		i += size
	}
	return all
}

// shown reports whether a rune may be sent to a terminal.
func shown(r rune) bool {
	if unicode.IsControl(r) {
		return false
	}
	switch {
	case r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0x200B, r == 0x2060, r == 0xFEFF, r == 0x2028, r == 0x2029:
		return false
	}
	return true
}

func runeWidth(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// clean makes a text that may hold anything fit to be shown. Line ends stay, as "\n".
func clean(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		if r == '\n' || shown(r) {
			return r
		}
		if r == '\t' {
			return ' '
		}
		return utf8.RuneError
	}, s)
}

func textWidth(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

// severity is the word for a severity, as machines read it.
func severity(d *hcl.Diagnostic) string {
	if d.Severity == hcl.DiagWarning {
		return "warning"
	}
	return "error"
}
