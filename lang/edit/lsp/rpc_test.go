package lsp

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzRead reads whatever comes: it ends, and says of each message that it is one or why not.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"Content-Length: 2\r\n\r\n{}",
		"Content-Length: 46\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n" + `{"jsonrpc":"2.0","id":1,"method":"initialize"}`,
		"Content-Length: 4\r\n\r\nnullContent-Length: 2\r\n\r\n[]",
		"content-length:2\n\n{}", "Content-Length: -1\r\n\r\n", "Content-Length: 99999999999999999999\r\n\r\n{}", "\r\n\r\n", "x", ":\n\n",
		"Content-Length: 70000000\r\n\r\n{}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bufio.NewReader(strings.NewReader(string(data)))
		for n := 0; ; n++ {
			m, err := read(r)
			var mistake *badMessage
			switch {
			case err == nil:
				if m == nil {
					t.Fatal("neither a message nor an error")
				}
			case errors.As(err, &mistake):
				if mistake.code == 0 || mistake.text == "" {
					t.Fatalf("%+v", mistake)
				}
			case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
				return
			default:
				t.Fatal(err)
			}
			if n > len(data) {
				t.Fatal("there are more messages than bytes")
			}
		}
	})
}

// FuzzPosition goes from bytes to positions and back.
func FuzzPosition(f *testing.F) {
	for _, seed := range []string{"", "a\nb", "a\r\nb\r\n", "ö💳x\n💳", "\n\n", "a\xffb\n", "\r\r\n"} {
		for at := range 5 {
			f.Add([]byte(seed), at, at%2 == 0)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, at int, wide bool) {
		if at < 0 || at > len(text) || at < len(text) && !utf8.RuneStart(text[at]) || !utf8.Valid(text) {
			return
		}
		if at > 0 && at < len(text) && text[at] == '\n' && text[at-1] == '\r' {
			return // within a line end
		}
		enc := utf8Encoding
		if wide {
			enc = utf16Encoding
		}
		p := enc.lines(text).position(at)
		if back := enc.offset(text, p); back != at {
			t.Errorf("%q: %d is %+v, which is %d", text, at, p, back)
		}
	})
}

func TestPositions(t *testing.T) {
	text := []byte("a💳b\r\nö\n")
	for _, c := range []struct {
		enc  encoding
		p    position
		want int
	}{
		{utf16Encoding, position{0, 0}, 0},
		{utf16Encoding, position{0, 1}, 1},
		{utf16Encoding, position{0, 2}, 1}, // in the middle of the card
		{utf16Encoding, position{0, 3}, 5},
		{utf16Encoding, position{0, 99}, 6},
		{utf16Encoding, position{1, 1}, 10},
		{utf16Encoding, position{2, 0}, 11},
		{utf16Encoding, position{9, 9}, 11},
		{utf8Encoding, position{0, 5}, 5},
		{utf8Encoding, position{0, 3}, 1},
		{utf8Encoding, position{1, 2}, 10},
	} {
		if got := c.enc.offset(text, c.p); got != c.want {
			t.Errorf("%s %+v is %d, not %d", c.enc, c.p, got, c.want)
		}
	}
}

func TestURIs(t *testing.T) {
	for uri, want := range map[string]string{
		"file:///home/jo/a.hcl":              "/home/jo/a.hcl",
		"file:///home/jo/my%20recipes/a":     "/home/jo/my recipes/a",
		"file:///c%3A/recipes/a.hcl":         "C:/recipes/a.hcl",
		"file:///C:/recipes/a.hcl":           "C:/recipes/a.hcl",
		"untitled:Untitled-1":                "",
		"git:/home/jo/a.hcl?%7B%22ref%22%7D": "",
		"file://":                            "",
		"%":                                  "",
	} {
		got, ok := pathOf(uri)
		if got != want || ok != (want != "") {
			t.Errorf("%s is %q", uri, got)
		}
		if ok {
			if back, _ := pathOf(uriOf(got)); back != got {
				t.Errorf("%s is %s again", got, back)
			}
		}
	}
}
