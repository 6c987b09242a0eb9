package edit

// Where the cursor stands is read from the tokens before it and not from the parser: while somebody types there is
// hardly a moment at which the file is one that parses.

import (
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/syntax"
)

// spot is what may be written at the cursor. The zero spot is nothing: a comment, a number.
type spot uint8

const (
	nowhere spot = iota
	inBody       // an argument or a block
	inLabel      // a label of a block
	inValue      // an expression
	inKey        // a name in an object that is written out
)

// cursor is what the tokens before a place say of it.
type cursor struct {
	spot       spot
	quoted     bool // within quotes
	start, end int  // of the word at the cursor, or of the text between the quotes
	member     bool // the word stands behind a dot

	blocks []frame // around it, the outermost first
	inner  []frame // what else is open in the innermost block, the outermost first
	block  string  // inLabel: the type of the block
	labels []string
	attr   string // inValue and inKey: the argument
	value  int    // where its expression begins

	open []byte // what is open between the block and the cursor, by its closing character, the outermost first
	has  bool   // the text has an interpolation within
}

// frame is something that an opening token began.
type frame struct {
	kind   byte // 'b' a block's body, 'o' an object, '(' '[', 't' an interpolation, 'q' quotes, 'h' a heredoc
	block  string
	labels []string
	at     int // where its text begins

	word   string   // of a body: the word that a statement began with; of an object: the name of the member
	parts  []string // and its labels
	attr   string   // once there is an equals sign
	from   int      // where the expression begins
	label  bool     // of quotes: they hold a label
	broken bool     // of quotes: they hold more than text
	value  bool     // of an object: behind the equals sign
}

// findCursor reads the text up to a byte of it.
func findCursor(name string, text []byte, at int) cursor {
	c := cursor{start: at, end: at}
	for c.start > 0 {
		r, n := utf8.DecodeLastRune(text[:c.start])
		if !wordRune(r) {
			break
		}
		c.start -= n
	}
	for c.end < len(text) {
		r, n := utf8.DecodeRune(text[c.end:])
		if !wordRune(r) {
			break
		}
		c.end += n
	}
	stack, last, ok := scan(name, text[:c.start])
	if !ok {
		return c
	}
	top := &stack[len(stack)-1]
	for _, f := range stack[1:] {
		if f.kind == 'b' {
			c.blocks = append(c.blocks, f)
			c.open, c.inner = nil, nil
			continue
		}
		c.inner = append(c.inner, f)
		c.open = append(c.open, closer(f.kind))
	}
	for _, f := range slices.Backward(stack) {
		if f.kind == 'b' {
			c.attr, c.value, c.block, c.labels = f.attr, f.from, f.word, f.parts
			break
		}
	}
	c.member = last == hclsyntax.TokenDot
	switch top.kind {
	case 'b':
		switch {
		case top.attr != "":
			c.spot = inValue
		case top.word != "":
			c.spot = inLabel
		default:
			c.spot = inBody
		}
	case 'o':
		c.spot = inKey
		if top.value {
			c.spot = inValue
		}
	case 'q':
		c.quoted, c.has, c.start = true, top.broken, top.at
		c.end = at
		for c.end < len(text) && text[c.end] != '"' && text[c.end] != '\n' && text[c.end] != '\r' {
			c.end++
		}
		c.spot = inValue
		if top.label {
			c.spot = inLabel
		}
	case 'h':
		c.spot = nowhere
	default:
		c.spot = inValue
	}
	if c.spot == inValue && !c.quoted && c.start < len(text) && c.start < c.end && unicode.IsDigit(rune(text[c.start])) {
		c.spot = nowhere
	}
	return c
}

func wordRune(r rune) bool { return r == '_' || r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r) }

func closer(kind byte) byte {
	switch kind {
	case '(':
		return ')'
	case '[':
		return ']'
	case 'q':
		return '"'
	}
	return '}'
}

// scan returns what is open at the end of a text, the file itself first, and the last token but white space. It is not
// ok within a comment.
func scan(name string, text []byte) (stack []frame, last hclsyntax.TokenType, ok bool) {
	tokens := lex(text, name)
	stack = []frame{{kind: 'b'}}
	words := syntax.Inside(name).Blocks
	last, fresh := hclsyntax.TokenNewline, true
	for i, tok := range tokens {
		if tok.Type == hclsyntax.TokenEOF {
			break
		}
		if fresh && tok.Type == hclsyntax.TokenIdent && tok.Range.Start.Column == 1 && slices.Contains(words, string(tok.Bytes)) && i+1 < len(tokens) {
			switch tokens[i+1].Type {
			case hclsyntax.TokenOQuote, hclsyntax.TokenOBrace:
				stack = []frame{{kind: 'b'}} // whatever was left open above
			}
		}
		fresh = tok.Type == hclsyntax.TokenNewline || tok.Type == hclsyntax.TokenComment
		if tok.Type == hclsyntax.TokenComment {
			if n := len(tok.Bytes); tok.Bytes[n-1] != '\n' {
				if tok.Bytes[0] == '#' || n > 1 && tok.Bytes[1] == '/' || n < 4 || string(tok.Bytes[n-2:]) != "*/" {
					return stack, last, false
				}
				continue
			}
			tok.Type = hclsyntax.TokenNewline
		}
		stack = advance(stack, tok)
		last = tok.Type
	}
	return stack, last, true
}

// advance takes one token in.
func advance(stack []frame, tok hclsyntax.Token) []frame {
	top := &stack[len(stack)-1]
	push := func(f frame) []frame {
		f.at = tok.Range.End.Byte
		return append(stack, f)
	}
	pop := func(kinds ...byte) []frame {
		if len(stack) > 1 && slices.Contains(kinds, top.kind) {
			return stack[:len(stack)-1]
		}
		return stack
	}
	switch top.kind {
	case 'q', 'h':
		switch tok.Type {
		case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit:
			below := &stack[len(stack)-2]
			switch {
			case top.label:
				below.parts[len(below.parts)-1] += string(tok.Bytes)
			case below.kind == 'o' && !below.value:
				below.word = string(tok.Bytes)
			}
		case hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			top.broken = true
			return push(frame{kind: 't'})
		case hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			return pop('q', 'h')
		}
		return stack
	case 'b':
		if top.attr == "" {
			return begin(stack, top, tok, push, pop)
		}
		if tok.Type == hclsyntax.TokenNewline {
			top.attr, top.word, top.parts = "", "", nil
			return stack
		}
	case 'o':
		switch tok.Type {
		case hclsyntax.TokenEqual, hclsyntax.TokenColon:
			top.value = true
			return stack
		case hclsyntax.TokenComma, hclsyntax.TokenNewline:
			top.value = false
			return stack
		case hclsyntax.TokenIdent:
			if string(tok.Bytes) == "for" {
				top.value = true // it is a for expression
			}
			if !top.value {
				top.word = string(tok.Bytes)
			}
		}
	}
	switch tok.Type {
	case hclsyntax.TokenOBrace:
		return push(frame{kind: 'o'})
	case hclsyntax.TokenOParen:
		return push(frame{kind: '('})
	case hclsyntax.TokenOBrack:
		return push(frame{kind: '['})
	case hclsyntax.TokenOQuote:
		return push(frame{kind: 'q'})
	case hclsyntax.TokenOHeredoc:
		return push(frame{kind: 'h'})
	case hclsyntax.TokenCBrace:
		if top.kind == 'b' {
			return pop('b') // the value and the block end on one line
		}
		return pop('o', 't')
	case hclsyntax.TokenTemplateSeqEnd:
		return pop('t')
	case hclsyntax.TokenCParen:
		return pop('(')
	case hclsyntax.TokenCBrack:
		return pop('[')
	}
	return stack
}

// begin takes a token of a body in before there is an equals sign.
func begin(stack []frame, top *frame, tok hclsyntax.Token, push func(frame) []frame, pop func(...byte) []frame) []frame {
	switch tok.Type {
	case hclsyntax.TokenIdent:
		if top.word == "" {
			top.word = string(tok.Bytes)
		} else {
			top.parts = append(top.parts, string(tok.Bytes))
		}
	case hclsyntax.TokenEqual:
		top.attr, top.from = top.word, tok.Range.End.Byte
		if top.attr == "" {
			top.attr = "?"
		}
	case hclsyntax.TokenOQuote:
		if top.word != "" {
			top.parts = append(top.parts, "")
			return push(frame{kind: 'q', label: true})
		}
		return push(frame{kind: 'q'})
	case hclsyntax.TokenOBrace:
		f := frame{kind: 'b', block: top.word, labels: top.parts}
		top.word, top.parts = "", nil
		return push(f)
	case hclsyntax.TokenCBrace:
		top.word, top.parts = "", nil
		return pop('b')
	case hclsyntax.TokenNewline:
		top.word, top.parts = "", nil
	}
	return stack
}

// hole is the place of the cursor's word, for another text.
func (c *cursor) hole(insert string) hole {
	return hole{start: c.start, end: c.end, insert: insert, open: c.open, value: c.value}
}

// path returns the types of the blocks around the cursor.
func (c *cursor) path() []string {
	var out []string
	for _, f := range c.blocks {
		out = append(out, f.block)
	}
	return out
}
