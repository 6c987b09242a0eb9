package edit

// Format is hclwrite's formatter with what it leaves open: blank lines, labels, the end of the file. hclwrite trusts
// its input (it makes 200 MB out of 60 KB of nested blocks, and gigabytes out of one long line among many short ones),
// so what it would write is bounded first; and since a formatter that changes a meaning is worse than none, the result
// is compared with the source, token by token.

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/syntax"
)

const (
	maxPadded = 16 << 20 // bytes that alignment may make of one file, before it is found to be too large
	maxRounds = 4        // until the output of one round is that of the next
)

// Format returns the file in canonical form: two spaces of indent, equals signs aligned, labels in quotes, one blank
// line between the blocks at the top, one line end at the end. Comments stay, line ends stay what they are ("\n" or
// "\r\n"), and formatting what was formatted changes nothing. A file with errors is returned as it is, with the errors.
func Format(src []byte, filename string) ([]byte, hcl.Diagnostics) {
	body, diags := syntax.ParseFile(src, filename)
	if diags.HasErrors() {
		return src, diags
	}
	quoted := quoteLabels(src, body)
	out := quoted
	for range maxRounds {
		tokens := lex(out, filename)
		if padded(tokens) > maxPadded {
			return src, refuse(diag.TooDeep, filename, "One very long line stands among very many others, and aligning them would make the file thousands of times larger. Part them with an empty line.")
		}
		next := hclwrite.Format(space(out, tokens))
		if len(next) > syntax.MaxFileBytes {
			return src, refuse(diag.FileTooLarge, filename, fmt.Sprintf("Once it is formatted the file would have more than the %d KiB that a file may have.", syntax.MaxFileBytes>>10))
		}
		if bytes.Equal(next, out) {
			break
		}
		out = next
	}
	if !slices.Equal(meaning(quoted, filename), meaning(out, filename)) {
		return src, refuse(diag.Syntax, filename, "The file can't be formatted without changing what it means. Put the parts of its longest expressions on lines of their own.")
	}
	return out, nil
}

func refuse(code diag.Code, filename, detail string) hcl.Diagnostics {
	return hcl.Diagnostics{diag.New(code, hcl.Range{Filename: filename, Start: hcl.InitialPos, End: hcl.InitialPos}, detail)}
}

func lex(src []byte, filename string) hclsyntax.Tokens {
	// The source was parsed, so the lexer has nothing to say.
	tokens, _ := hclsyntax.LexConfig(src, filename, hcl.InitialPos)
	return tokens
}

// quoteLabels puts labels that are written as names into quotes, which mean the same. What a test mocks or expects is a
// word of the language, mock action "customer", and stays one.
func quoteLabels(src []byte, body *hclsyntax.Body) []byte {
	var bare []hcl.Range
	var walk func(*hclsyntax.Body)
	walk = func(body *hclsyntax.Body) {
		for _, block := range body.Blocks {
			for i, rng := range block.LabelRanges {
				if i == 0 && len(block.Labels) > 1 && (block.Type == "mock" || block.Type == "expect") {
					continue
				}
				if src[rng.Start.Byte] != '"' {
					bare = append(bare, rng)
				}
			}
			walk(block.Body)
		}
	}
	walk(body)
	slices.SortFunc(bare, func(a, b hcl.Range) int { return a.Start.Byte - b.Start.Byte })
	out, at := make([]byte, 0, len(src)+2*len(bare)), 0
	for _, rng := range bare {
		out = append(out, src[at:rng.Start.Byte]...)
		out = append(out, '"')
		out = append(out, src[rng.Start.Byte:rng.End.Byte]...)
		out = append(out, '"')
		at = rng.End.Byte
	}
	return append(out, src[at:]...)
}

// chunk is one thing at the top of a file: a block or argument with all its lines, or a comment on lines of its own.
type chunk struct {
	text   []byte // with its line end
	kind   chunkKind
	parted bool // a blank line stands before it
}

type chunkKind uint8

const (
	_ chunkKind = iota
	commentChunk
	argChunk
	blockChunk
)

// space puts exactly one blank line between blocks at the top, keeps one at most elsewhere at the top, and none at the
// beginning and the end. Inside of blocks, too, one blank line stands where several do. Spaces at the end of comments go.
func space(src []byte, tokens hclsyntax.Tokens) []byte {
	eol := []byte("\n")
	if i := bytes.IndexByte(src, '\n'); i > 0 && src[i-1] == '\r' {
		eol = []byte("\r\n")
	}
	out := make([]byte, 0, len(src))
	before := chunk{}
	for _, c := range chunks(src, tokens, eol) {
		if before.kind != 0 && blankBetween(before, c) {
			out = append(out, eol...)
		}
		out = append(out, c.text...)
		before = c
	}
	return out
}

func blankBetween(a, b chunk) bool {
	switch {
	case a.kind == blockChunk, a.kind == argChunk && b.kind == blockChunk:
		return true // a comment behind a block belongs to what follows
	}
	return b.parted
}

func chunks(src []byte, tokens hclsyntax.Tokens, eol []byte) []chunk {
	var all []chunk
	var c chunk
	at, depth := 0, 0
	if len(tokens) > 0 {
		at = tokens[0].Range.Start.Byte - len(bytes.TrimPrefix(src[:tokens[0].Range.Start.Byte], []byte("\ufeff")))
	}
	for i, tok := range tokens {
		gap := src[at:tok.Range.Start.Byte]
		at = tok.Range.End.Byte
		depth += bracket(tok.Type)
		ends := depth <= 0 && endsLine(tok)
		switch {
		case tok.Type == hclsyntax.TokenEOF || tok.Type == hclsyntax.TokenNewline && depth <= 0:
			if c.kind != 0 {
				c.text = append(c.text, eol...)
			}
			ends = true
		case tok.Type == hclsyntax.TokenNewline && i > 1 && endsLine(tokens[i-1]) && endsLine(tokens[i-2]):
			// One blank line is enough inside a block, too.
		case tok.Type == hclsyntax.TokenComment:
			c.text = append(append(c.text, gap...), trimComment(tok.Bytes)...)
			if c.kind == 0 {
				c.kind = commentChunk
			}
		default:
			c.text = append(append(c.text, gap...), tok.Bytes...)
			if c.kind == 0 || c.kind == commentChunk {
				c.kind = blockChunk
				if next(tokens[i+1:]) == hclsyntax.TokenEqual {
					c.kind = argChunk
				}
			}
		}
		if !ends {
			continue
		}
		if c.kind == 0 {
			c.parted = true // a line without anything: it parts what follows
			continue
		}
		all = append(all, c)
		c = chunk{}
	}
	return all
}

func bracket(t hclsyntax.TokenType) int {
	switch t {
	case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc,
		hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		return 1
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc,
		hclsyntax.TokenTemplateSeqEnd:
		return -1
	}
	return 0
}

// endsLine reports whether a token holds the end of its line: a newline, or a comment to the end of the line.
func endsLine(tok hclsyntax.Token) bool {
	return tok.Type == hclsyntax.TokenNewline || tok.Type == hclsyntax.TokenComment && bytes.HasSuffix(tok.Bytes, []byte("\n"))
}

// trimComment cuts the spaces before the line end of a comment.
func trimComment(b []byte) []byte {
	text := bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
	if len(text) == len(b) {
		return b
	}
	return append(bytes.TrimRight(bytes.Clone(text), " \t"), b[len(text):]...)
}

// next is the type of the first token that is no comment.
func next(tokens hclsyntax.Tokens) hclsyntax.TokenType {
	for _, tok := range tokens {
		if tok.Type != hclsyntax.TokenComment {
			return tok.Type
		}
	}
	return hclsyntax.TokenNil
}

// padded bounds what hclwrite makes of the tokens: lines that follow each other without a blank one between may all
// become as wide as the widest.
func padded(tokens hclsyntax.Tokens) int {
	total, lines, widest, width, depth := 0, 0, 0, 0, 0
	for _, tok := range tokens {
		depth = max(0, depth+bracket(tok.Type))
		if tok.Type == hclsyntax.TokenNewline && width == 0 { // a blank line ends the paragraph
			total += lines * widest
			lines, widest = 0, 0
			continue
		}
		width += len(tok.Bytes) + 1
		if bytes.IndexByte(tok.Bytes, '\n') >= 0 {
			lines++
			widest = max(widest, width+2*depth)
			width = 0
		}
	}
	return total + (lines+1)*max(widest, width)
}

// meaning is what must not change: the tokens, with their line ends, without spaces and empty lines.
func meaning(src []byte, filename string) []string {
	var all []string
	line := func() {
		if n := len(all); n > 0 && all[n-1] != "\n" {
			all = append(all, "\n")
		}
	}
	for _, tok := range lex(src, filename) {
		switch {
		case tok.Type == hclsyntax.TokenNewline:
			line()
		case tok.Type == hclsyntax.TokenComment:
			all = append(all, string(bytes.TrimRight(tok.Bytes, " \t\r\n")))
			if endsLine(tok) {
				line()
			}
		case tok.Type == hclsyntax.TokenEOF:
			line()
		default:
			all = append(all, string(tok.Type)+string(tok.Bytes))
		}
	}
	return all
}
