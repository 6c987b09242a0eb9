package edit

// A file that doesn't parse has no recipe, and without a recipe there are no types. So the text is mended until it
// parses: a placeholder stands where the cursor is, what is open on its line is closed, and elsewhere what is broken is
// left out. Up to the cursor every byte stays where it is.

import (
	"bytes"
	"slices"

	"github.com/flowrun/flowrun/lang/syntax"
)

// placeholder stands for the word at the cursor. Nobody has a name like it.
const placeholder = "cursor__"

// mostRepairs is how many lines of one block are left out before it is given up.
const mostRepairs = 12

// hole is a place in a text where something else shall stand.
type hole struct {
	start, end int
	insert     string
	open       []byte // what is open at the place, by its closing character, the outermost first
	value      int    // where the argument's expression begins; 0 where the place is in none
}

// filled returns the text with what shall stand there.
func (h hole) filled(text []byte) []byte {
	return slices.Concat(text[:h.start], []byte(h.insert), text[h.end:])
}

// repair returns the text with the hole filled so that it parses. Where nothing helps it is only filled.
func repair(name string, text []byte, h hole) []byte {
	head, rest := text[:h.start], text[h.end:]
	whole := h.filled(text)
	if parses(name, whole) {
		return whole
	}
	closed := []byte(h.insert)
	for _, c := range slices.Backward(h.open) {
		closed = append(closed, c)
	}
	eol := bytes.IndexByte(rest, '\n')
	if eol < 0 {
		eol = len(rest)
	}
	variants := [][]byte{
		whole,
		slices.Concat(head, closed, rest),
		slices.Concat(head, closed, blank(rest[:eol]), rest[eol:]),
		slices.Concat(head, []byte(h.insert), blank(rest[:eol]), rest[eol:]),
	}
	if chain := chainStart(text, h.start); h.value > 0 && h.value <= chain { // nothing of the expression but what is asked about
		variants = append(variants, slices.Concat(text[:h.value], blank(text[h.value:chain]), text[chain:h.start], []byte(h.insert), blank(rest[:eol]), rest[eol:]))
	}
	for _, v := range variants[1:] {
		if parses(name, v) {
			return v
		}
	}
	for _, v := range variants {
		if v, ok := repairBlocks(name, v, h.start); ok {
			return v
		}
	}
	return whole
}

// chainStart returns where the names begin that lead to the word at a byte: a.b[0].c, say.
func chainStart(text []byte, at int) int {
	for at > 0 && (wordRune(rune(text[at-1])) || bytes.IndexByte([]byte(".[]*\""), text[at-1]) >= 0) {
		at--
	}
	return at
}

func parses(name string, text []byte) bool {
	_, diags := syntax.ParseFile(text, name)
	return !diags.HasErrors()
}

// blank replaces all but line ends by spaces.
func blank(b []byte) []byte {
	out := bytes.Clone(b)
	for i, c := range out {
		if c != '\n' && c != '\r' {
			out[i] = ' '
		}
	}
	return out
}

// repairBlocks takes the file apart at the lines that begin a block at the top, and mends each by itself.
func repairBlocks(name string, text []byte, at int) ([]byte, bool) {
	var out []byte
	end := 0
	for _, part := range blocksOf(name, text) {
		begin := end
		end += len(part)
		switch {
		case parses(name, part):
			out = append(out, part...)
		case begin <= at && (at < end || end == len(text)):
			mended, ok := repairBlock(name, part, at-begin)
			if !ok {
				return nil, false
			}
			out = append(out, mended...)
		default:
			out = append(out, withoutBody(name, part)...)
		}
	}
	return out, parses(name, out)
}

// blocksOf cuts a text before each line that begins with a block's word.
func blocksOf(name string, text []byte) [][]byte {
	words := syntax.Inside(name).Blocks
	var parts [][]byte
	begin := 0
	for pos := 0; pos < len(text); {
		end := len(text)
		if i := bytes.IndexByte(text[pos:], '\n'); i >= 0 {
			end = pos + i + 1
		}
		n := 0
		for pos+n < end && (text[pos+n] == '_' || text[pos+n] >= 'a' && text[pos+n] <= 'z') {
			n++
		}
		if n > 0 && pos > begin && slices.Contains(words, string(text[pos:pos+n])) {
			if follows := bytes.TrimLeft(text[pos+n:end], " \t"); len(follows) > 0 && (follows[0] == '"' || follows[0] == '{') {
				parts = append(parts, text[begin:pos])
				begin = pos
			}
		}
		pos = end
	}
	return append(parts, text[begin:])
}

// withoutBody keeps the header of a block that can't be read; it has as many bytes as before.
func withoutBody(name string, part []byte) []byte {
	out := blank(part)
	if i := bytes.IndexByte(part, '{'); i >= 0 && i+1 < len(part) {
		copy(out, part[:i+1])
		out[i+1] = '}'
		if parses(name, out) {
			return out
		}
	}
	return blank(part)
}

// repairBlock closes what is open at the end of a block, and leaves lines out, but not that of the cursor.
func repairBlock(name string, part []byte, at int) ([]byte, bool) {
	out := bytes.Clone(part)
	for range mostRepairs {
		try := closeBraces(name, out)
		_, diags := syntax.ParseFile(try, name)
		if !diags.HasErrors() {
			return try, true
		}
		d := diags[0]
		begin, end := lineAround(out, min(d.Subject.Start.Byte, len(out)))
		if begin <= at && at <= end || len(bytes.TrimSpace(out[begin:end])) == 0 {
			return nil, false
		}
		copy(out[begin:end], blank(out[begin:end]))
	}
	return nil, false
}

func closeBraces(name string, text []byte) []byte {
	stack, _, ok := scan(name, text)
	if !ok || len(stack) == 1 {
		return text
	}
	out := bytes.Clone(text)
	for range stack[1:] {
		out = append(out, "\n}"...)
	}
	return append(out, '\n')
}

func lineAround(text []byte, at int) (begin, end int) {
	begin = bytes.LastIndexByte(text[:at], '\n') + 1
	end = len(text)
	if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
		end = at + i
	}
	return begin, end
}
