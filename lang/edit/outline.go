package edit

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/syntax"
)

// Symbol is a block or a name of a file.
type Symbol struct {
	Name, Detail string
	Kind         Kind // Block, or NameOf for a local
	Range, Label hcl.Range
	Children     []Symbol
}

// Symbols returns the blocks of a file in the order of the text, with what lies in them.
func (w *Workspace) Symbols(name string) []Symbol {
	f := w.files[name]
	if f == nil || f.blocks() == nil {
		return nil
	}
	return symbols(f.blocks())
}

func symbols(body *hclsyntax.Body) []Symbol {
	var out []Symbol
	for _, b := range body.Blocks {
		s := Symbol{Name: b.Type, Kind: Block, Range: hcl.RangeBetween(b.TypeRange, b.CloseBraceRange), Label: b.TypeRange}
		if n := len(b.Labels); n > 0 {
			s.Name, s.Label = b.Labels[n-1], b.LabelRanges[n-1]
			s.Detail = strings.Join(append([]string{b.Type}, b.Labels[:n-1]...), " ")
			if b.Type == "case" {
				s.Name, s.Detail = "case "+strings.Join(quotedAll(b.Labels), " "), ""
			}
		}
		if s.Name == "" {
			s.Name = b.Type
		}
		s.Children = symbols(b.Body)
		if b.Type == "locals" {
			for _, a := range b.Body.Attributes {
				s.Children = append(s.Children, Symbol{Name: a.Name, Kind: NameOf, Range: a.SrcRange, Label: a.NameRange})
			}
			slices.SortFunc(s.Children, func(a, b Symbol) int { return cmp.Compare(a.Range.Start.Byte, b.Range.Start.Byte) })
		}
		out = append(out, s)
	}
	return out
}

func quotedAll(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = fmt.Sprintf("%q", w)
	}
	return out
}

// TokenKind is what a word is for the eye. The zero TokenKind is invalid.
type TokenKind uint8

const (
	_ TokenKind = iota
	KeywordToken
	PropertyToken
	TypeToken
	VariableToken
	FunctionToken
	StringToken
	NumberToken
	CommentToken
)

// Token is a piece of a line.
type Token struct {
	Kind       TokenKind
	Start, End int // bytes
}

// Tokens returns the words of a file by kind, in order; none spans a line end. It works for files that don't parse.
func (w *Workspace) Tokens(name string) []Token {
	f := w.files[name]
	if f == nil || f.unsafe() {
		return nil
	}
	var out []Token
	tokens := lex(f.text, name)
	stack := []frame{{kind: 'b'}}
	last := hclsyntax.TokenNewline
	for i, tok := range tokens {
		following := hclsyntax.TokenEOF
		if i+1 < len(tokens) {
			following = tokens[i+1].Type
		}
		if kind := kindOf(stack, tok, last, following); kind != 0 {
			out = appendToken(out, kind, f.text, tok.Range)
		}
		if tok.Type == hclsyntax.TokenComment && endsLine(tok) {
			tok.Type = hclsyntax.TokenNewline
		}
		if tok.Type != hclsyntax.TokenComment {
			stack = advance(stack, tok)
			last = tok.Type
		}
	}
	return out
}

// appendToken adds a token line by line.
func appendToken(out []Token, kind TokenKind, text []byte, rng hcl.Range) []Token {
	for start := rng.Start.Byte; start < rng.End.Byte; {
		end := rng.End.Byte
		next := end
		if i := bytes.IndexByte(text[start:end], '\n'); i >= 0 {
			end, next = start+i, start+i+1
			if end > start && text[end-1] == '\r' {
				end--
			}
		}
		if n := len(out); n > 0 && out[n-1].Kind == kind && out[n-1].End == start && end > start { // quotes and what is between
			out[n-1].End = end
		} else if end > start {
			out = append(out, Token{kind, start, end})
		}
		start = next
	}
	return out
}

// kindOf says what a token is where it stands; 0 for what has no colour of its own.
func kindOf(stack []frame, tok hclsyntax.Token, last, following hclsyntax.TokenType) TokenKind {
	top := &stack[len(stack)-1]
	switch tok.Type {
	case hclsyntax.TokenComment:
		return CommentToken
	case hclsyntax.TokenNumberLit:
		return NumberToken
	case hclsyntax.TokenOQuote:
		if top.kind == 'b' && top.attr == "" && top.word != "" {
			return labelKind(top, len(top.parts))
		}
		return StringToken
	case hclsyntax.TokenQuotedLit, hclsyntax.TokenCQuote:
		if top.kind == 'q' && top.label && len(stack) > 1 {
			below := &stack[len(stack)-2]
			return labelKind(below, len(below.parts)-1)
		}
		return StringToken
	case hclsyntax.TokenStringLit, hclsyntax.TokenOHeredoc, hclsyntax.TokenCHeredoc:
		return StringToken
	case hclsyntax.TokenIdent:
		return identKind(top, string(tok.Bytes), last, following)
	}
	return 0
}

// labelKind tells types from names and from free text.
func labelKind(block *frame, nth int) TokenKind {
	labels := syntax.LabelsOf(block.word)
	switch {
	case block.word == "mock" || block.word == "expect":
		return []TokenKind{KeywordToken, VariableToken}[min(max(nth, 0), 1)]
	case nth == 0 && labels.Type != "":
		return TypeToken
	case labels.Name || labels.Type != "":
		return VariableToken
	}
	return StringToken
}

func identKind(top *frame, word string, last, following hclsyntax.TokenType) TokenKind {
	if top.kind == 'b' && top.attr == "" {
		switch {
		case top.word != "":
			return labelKind(top, len(top.parts))
		case following == hclsyntax.TokenEqual:
			return PropertyToken
		}
		return KeywordToken
	}
	switch {
	case last == hclsyntax.TokenDot:
		return PropertyToken
	case top.kind == 'o' && !top.value && (following == hclsyntax.TokenEqual || following == hclsyntax.TokenColon):
		return PropertyToken
	case following == hclsyntax.TokenOParen:
		return FunctionToken
	}
	switch word {
	case "true", "false", "null", "for", "in", "if", "else", "endif", "endfor":
		return KeywordToken
	}
	return VariableToken
}
