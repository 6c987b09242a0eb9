package syntax

// The HCL parser recurses without a bound, and Go cannot recover from a stack overflow: 64 KB of "[" end the process.
// Some of its loops are quadratic, too. So every file passes through Guard first, which is linear and keeps no more
// than a hundred numbers: it reads the tokens and counts what would nest. It is stricter than needed and looser than
// exact: a file that it refuses was not written by hand, and what it lets pass the parser survives.
//
// Rejected: parsing in a goroutine with a smaller stack (the overflow ends the process all the same), and a fork of
// the parser.

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/diag"
)

// What a file may hold at most; more is FR1002.
const (
	maxNesting       = 100   // brackets, templates, blocks, template directives inside each other
	maxUnary         = 100   // - and ! in a row
	maxOperators     = 1_000 // operators, conditionals and index steps open at one place
	maxTemplateParts = 5_000 // lines and interpolations of one string: the parser joins them in quadratic time
	maxNumberBytes   = 400
	maxIdentBytes    = 1_024
	maxOpenComments  = 256 // "/*" without a "*/" behind it: the lexer reads to the end of the file for each
	maxInvisible     = 10  // reported in one file
)

// Guard reports what would make it unsafe or misleading to hand a file to the HCL parser or formatter: too large, too
// deeply nested, or with characters that hide what it says. It takes linear time whatever the file. Without errors the
// file may still hold any number of syntax errors.
func Guard(src []byte, filename string) hcl.Diagnostics {
	if len(src) > MaxFileBytes {
		return hcl.Diagnostics{tooLarge(filename)}
	}
	if diags := invisible(src, filename); diags.HasErrors() {
		return diags
	}
	if d := openComments(src, filename); d != nil {
		return hcl.Diagnostics{d}
	}
	for _, n := range [...]int{8 << 10, 32 << 10} {
		if n < len(src) {
			if d := beginning(src[:n], filename); d != nil {
				return hcl.Diagnostics{d}
			}
		}
	}
	// What the lexer itself complains of the parser says again.
	tokens, _ := hclsyntax.LexConfig(src, filename, hcl.InitialPos)
	if d := inspect(tokens, len(tokens)); d != nil {
		return hcl.Diagnostics{d}
	}
	return nil
}

// beginning looks at the beginning of a file, so that one that must be refused is not read to its end: the lexer is slower
// than all the rest. Its tokens are those of the whole file but for the last ones, unless a comment is open at the cut.
func beginning(src []byte, filename string) *hcl.Diagnostic {
	const unsure = 16 // bytes: the cut may go through a token
	if bytes.Contains(src, []byte("/*")) {
		return nil
	}
	tokens, _ := hclsyntax.LexConfig(src, filename, hcl.InitialPos)
	n := len(tokens)
	for n > 0 && tokens[n-1].Range.End.Byte > len(src)-unsure {
		n--
	}
	return inspect(tokens, n)
}

// inspect looks at the first n tokens.
func inspect(tokens hclsyntax.Tokens, n int) *hcl.Diagnostic {
	g := guard{tokens: tokens, levels: make([]level, 1, maxNesting+2)}
	for i := range n {
		if reason := g.token(i); reason != "" {
			return diag.New(diag.TooDeep, tokens[i].Range, reason)
		}
		if d := g.balance(i); d != nil {
			return d
		}
	}
	return nil
}

// level is one open bracket, block or string.
type level struct {
	open       hclsyntax.TokenType
	at         int // index of the opening token
	operators  int // since the level or its current item began
	parts      int // of a string
	directives int // of a string: %{ if } and %{ for } that are open
}

type guard struct {
	tokens     hclsyntax.Tokens
	strange    bool // a token was seen that no file may hold; brackets behind it mean little
	levels     []level
	operators  int // the sum over all levels
	directives int
	unary      int
}

// token takes the next token and returns why it is too much, or "".
func (g *guard) token(i int) string {
	tok := g.tokens[i]
	top := &g.levels[len(g.levels)-1]
	if tok.Type != hclsyntax.TokenMinus && tok.Type != hclsyntax.TokenBang &&
		tok.Type != hclsyntax.TokenNewline && tok.Type != hclsyntax.TokenComment {
		g.unary = 0
	}
	switch tok.Type {
	case hclsyntax.TokenOBrack:
		// An index step deepens the expression that it follows as an operator does.
		if reason := g.operator(top); reason != "" {
			return reason
		}
		return g.push(i)
	case hclsyntax.TokenOBrace, hclsyntax.TokenOParen, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
		return g.push(i)
	case hclsyntax.TokenTemplateInterp:
		if reason := g.part(top); reason != "" {
			return reason
		}
		return g.push(i)
	case hclsyntax.TokenTemplateControl:
		if reason := g.part(top); reason != "" {
			return reason
		}
		g.directive(top, g.tokens[i+1:])
		return g.push(i)

	case hclsyntax.TokenComma, hclsyntax.TokenEqual:
		g.reset(top)
	case hclsyntax.TokenNewline:
		if top.open == 0 || top.open == hclsyntax.TokenOBrace {
			g.reset(top)
		}

	case hclsyntax.TokenMinus, hclsyntax.TokenBang:
		if g.unary++; g.unary > maxUnary {
			return fmt.Sprintf("More than %d \"-\" or \"!\" follow each other.", maxUnary)
		}
		return g.operator(top)
	case hclsyntax.TokenPlus, hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPercent,
		hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq,
		hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenAnd, hclsyntax.TokenOr,
		hclsyntax.TokenQuestion, hclsyntax.TokenDoubleColon:
		return g.operator(top)

	case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit:
		return g.part(top)
	case hclsyntax.TokenNumberLit:
		if len(tok.Bytes) > maxNumberBytes {
			return fmt.Sprintf("A number may have %d digits at most.", maxNumberBytes)
		}
	case hclsyntax.TokenIdent:
		if len(tok.Bytes) > maxIdentBytes {
			return fmt.Sprintf("A name may have %d bytes at most.", maxIdentBytes)
		}
	}
	return ""
}

func (g *guard) push(i int) string {
	if len(g.levels)+g.directives > maxNesting {
		return fmt.Sprintf("Brackets, blocks and templates are nested more than %d deep here. Give the inner parts names of their own in a locals block.", maxNesting)
	}
	g.levels = append(g.levels, level{open: g.tokens[i].Type, at: i})
	return ""
}

func (g *guard) reset(l *level) {
	g.operators -= l.operators
	l.operators = 0
}

func (g *guard) operator(l *level) string {
	l.operators++
	if g.operators++; g.operators > maxOperators {
		return fmt.Sprintf("One expression holds more than %d operators. Give parts of it names of their own in a locals block.", maxOperators)
	}
	return ""
}

func (g *guard) part(l *level) string {
	if l.parts++; l.parts > maxTemplateParts {
		return fmt.Sprintf("One string holds more than %d lines and interpolations. Split it into several.", maxTemplateParts)
	}
	return ""
}

// directive counts %{ if } and %{ for }, which nest without a bracket that stays open.
func (g *guard) directive(l *level, rest hclsyntax.Tokens) {
	if len(rest) == 0 || rest[0].Type != hclsyntax.TokenIdent {
		return
	}
	switch string(rest[0].Bytes) {
	case "if", "for":
		l.directives++
		g.directives++
	case "endif", "endfor":
		if l.directives > 0 {
			l.directives--
			g.directives--
		}
	}
}

// balance closes the level that the next token closes. Brackets that don't match are reported here and not by the
// parser: its own message stands where it gave up, and the way in which it goes on afterwards would let a file nest
// deeper than was counted.
func (g *guard) balance(i int) *hcl.Diagnostic {
	tok := g.tokens[i]
	top := g.levels[len(g.levels)-1]
	switch tok.Type {
	case hclsyntax.TokenInvalid, hclsyntax.TokenBadUTF8, hclsyntax.TokenApostrophe, hclsyntax.TokenBacktick:
		g.strange = true
	case hclsyntax.TokenQuotedNewline:
		if !g.strange {
			if interp, ok := g.around(top); ok {
				return syntaxError(interp.Range, fmt.Sprintf("This %q is not closed: its \"}\" is missing on the line.", interp.Bytes))
			}
			return syntaxError(g.tokens[top.at].Range,
				"The string that begins here doesn't end on its line. Close it with a quote; write \\n for a new line, or use a heredoc (<<EOT … EOT) for a text of several lines.")
		}
	case hclsyntax.TokenSlash:
		if next := g.tokens[i+1]; next.Type == hclsyntax.TokenStar && next.Range.Start.Byte == tok.Range.End.Byte {
			return syntaxError(hcl.RangeBetween(tok.Range, next.Range), "The comment that begins here is never closed with \"*/\".")
		}
	case hclsyntax.TokenEOF:
		if len(g.levels) > 1 && !g.strange {
			return g.unclosed(top)
		}
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen,
		hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
		if closes(top.open, tok.Type) {
			g.reset(&g.levels[len(g.levels)-1])
			g.directives -= top.directives
			g.levels = g.levels[:len(g.levels)-1]
			return nil
		}
		if g.strange {
			return nil
		}
		if len(g.levels) == 1 {
			return syntaxError(tok.Range, fmt.Sprintf("This %q closes nothing: what it could belong to is closed already.", tok.Bytes))
		}
		opener := g.tokens[top.at]
		return syntaxError(tok.Range, fmt.Sprintf("This %q can't close the %q of line %d, which is still open.", tok.Bytes, opener.Bytes, opener.Range.Start.Line))
	}
	return nil
}

// around returns the opening token of the interpolation in which the string at the top begins, where that is on the same
// line: then the quote that seems to begin the string was meant to end the one around it.
func (g *guard) around(top level) (hclsyntax.Token, bool) {
	below := g.levels[len(g.levels)-2]
	opener := g.tokens[below.at]
	return opener, (below.open == hclsyntax.TokenTemplateInterp || below.open == hclsyntax.TokenTemplateControl) &&
		opener.Range.Start.Line == g.tokens[top.at].Range.Start.Line
}

func (g *guard) unclosed(top level) *hcl.Diagnostic {
	opener := g.tokens[top.at]
	if top.open == hclsyntax.TokenOHeredoc {
		marker := strings.TrimLeft(strings.TrimSpace(string(opener.Bytes)), "<-")
		rng := opener.Range
		length := len(bytes.TrimSpace(opener.Bytes)) // without the line end
		rng.End = hcl.Pos{Line: rng.Start.Line, Column: rng.Start.Column + length, Byte: rng.Start.Byte + length}
		if last := g.tokens[len(g.tokens)-2]; string(bytes.TrimSpace(last.Bytes)) == marker {
			return syntaxError(rng, fmt.Sprintf("The text that begins here ends with the last line of the file, and that line has no line end. Add an empty line behind %s.", marker))
		}
		return syntaxError(rng, fmt.Sprintf("The text that begins here never ends: a line that holds only %s is missing.", marker))
	}
	return syntaxError(opener.Range, fmt.Sprintf("This %q is never closed.", opener.Bytes))
}

func closes(open, end hclsyntax.TokenType) bool {
	switch end {
	case hclsyntax.TokenCBrace:
		return open == hclsyntax.TokenOBrace
	case hclsyntax.TokenCBrack:
		return open == hclsyntax.TokenOBrack
	case hclsyntax.TokenCParen:
		return open == hclsyntax.TokenOParen
	case hclsyntax.TokenCQuote:
		return open == hclsyntax.TokenOQuote
	case hclsyntax.TokenCHeredoc:
		return open == hclsyntax.TokenOHeredoc
	case hclsyntax.TokenTemplateSeqEnd:
		return open == hclsyntax.TokenTemplateInterp || open == hclsyntax.TokenTemplateControl
	}
	return false
}

func syntaxError(rng hcl.Range, detail string) *hcl.Diagnostic {
	return diag.New(diag.Syntax, rng, detail)
}

func openComments(src []byte, filename string) *hcl.Diagnostic {
	tail := src[bytes.LastIndex(src, []byte("*/"))+1:]
	if bytes.Count(tail, []byte("/*")) <= maxOpenComments {
		return nil
	}
	return diag.New(diag.TooDeep, rangeAt(src, filename, len(src)-len(tail)+bytes.Index(tail, []byte("/*")), 2),
		fmt.Sprintf("From here on \"/*\" stands more than %d times and \"*/\" never. Begin comments with # instead.", maxOpenComments))
}

// invisible finds the characters that an editor doesn't show or that make it show a file in another order than it is
// read in.
func invisible(src []byte, filename string) hcl.Diagnostics {
	if len(src) >= 2 && (src[0] == 0xFE && src[1] == 0xFF || src[0] == 0xFF && src[1] == 0xFE) {
		return hcl.Diagnostics{diag.New(diag.InvisibleChar, wholeFile(filename),
			"The file is UTF-16. Save it as UTF-8.")}
	}
	var diags hcl.Diagnostics
	lastLine := -1 // one message for a line is enough
	line := 1
	for i := 0; i < len(src); {
		if c := src[i]; c < utf8.RuneSelf {
			if c == '\n' {
				line++
			}
			if (c >= 0x20 && c != 0x7F) || c == '\t' || c == '\n' || c == '\r' {
				i++
				continue
			}
		}
		r, size := utf8.DecodeRune(src[i:])
		if hidden(r) && !(r == 0xFEFF && i == 0) && line != lastLine {
			lastLine = line
			escape := fmt.Sprintf("\\u%04x", r)
			diags = append(diags, diag.New(diag.InvisibleChar, rangeAt(src, filename, i, size),
				fmt.Sprintf("The character U+%04X stands here and can't be seen%s. Remove it; where a string needs it, write %s.", r, bidiWhy(r), escape)))
			if len(diags) == maxInvisible {
				return diags
			}
		}
		i += size
	}
	return diags
}

func hidden(r rune) bool {
	switch {
	case r < 0x20, r == 0x7F:
		return true
	case r == 0x200B, r == 0x2060, r == 0xFEFF: // zero-width space, word joiner, byte order mark
		return true
	}
	return isBidi(r)
}

// isBidi reports the controls that change the order in which what follows is shown.
func isBidi(r rune) bool { return r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 }

func bidiWhy(r rune) string {
	if isBidi(r) {
		return ", but it changes the order in which editors show the rest of the line"
	}
	return ""
}

// rangeAt is the range of n bytes at an offset, on one line. Columns count characters.
func rangeAt(src []byte, filename string, offset, n int) hcl.Range {
	lineStart := bytes.LastIndexByte(src[:offset], '\n') + 1
	start := hcl.Pos{
		Line:   1 + bytes.Count(src[:offset], []byte{'\n'}),
		Column: 1 + utf8.RuneCount(src[lineStart:offset]),
		Byte:   offset,
	}
	end := start
	end.Column += utf8.RuneCount(src[offset : offset+n])
	end.Byte += n
	return hcl.Range{Filename: filename, Start: start, End: end}
}
