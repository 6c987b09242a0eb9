package lsp

import (
	"bytes"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// position is a place as editors count: lines and characters from 0, characters in UTF-16 unless agreed otherwise.
type position struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

// textRange is from a position up to another, which is not in it.
type textRange struct {
	Start position `json:"start"`
	End   position `json:"end"`
}

// encoding is how characters are counted.
type encoding string

const (
	utf8Encoding  encoding = "utf-8"
	utf16Encoding encoding = "utf-16"
)

// offset returns the byte that a position means. A position beyond the end of its line means that end, and one beyond
// the last line the end of the text.
func (e encoding) offset(text []byte, p position) int {
	at := 0
	for n := 0; n < p.Line; n++ {
		i := bytes.IndexByte(text[at:], '\n')
		if i < 0 {
			return len(text)
		}
		at += i + 1
	}
	for units := 0; at < len(text) && text[at] != '\n' && units < p.Character; {
		if text[at] == '\r' && at+1 < len(text) && text[at+1] == '\n' {
			break
		}
		r, size := utf8.DecodeRune(text[at:])
		units += e.width(r, size)
		if units > p.Character {
			break // in the middle of a character
		}
		at += size
	}
	return at
}

func (e encoding) width(r rune, size int) int {
	switch {
	case e == utf8Encoding:
		return size
	case r >= 0x10000:
		return 2
	}
	return 1
}

// lines finds positions in one text.
type lines struct {
	enc    encoding
	text   []byte
	starts []int
}

func (e encoding) lines(text []byte) *lines {
	l := &lines{enc: e, text: text, starts: []int{0}}
	for i, c := range text {
		if c == '\n' {
			l.starts = append(l.starts, i+1)
		}
	}
	return l
}

// position returns where a byte stands.
func (l *lines) position(at int) position {
	at = max(0, min(at, len(l.text)))
	lo, hi := 0, len(l.starts)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; l.starts[mid] <= at {
			lo = mid
		} else {
			hi = mid
		}
	}
	p := position{Line: lo}
	for i := l.starts[lo]; i < at; {
		r, size := utf8.DecodeRune(l.text[i:])
		p.Character += l.enc.width(r, size)
		i += size
	}
	return p
}

func (l *lines) between(start, end int) textRange {
	return textRange{l.position(start), l.position(max(start, end))}
}

func (l *lines) of(r hcl.Range) textRange { return l.between(r.Start.Byte, r.End.Byte) }
