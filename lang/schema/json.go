package schema

// A webhook's body is written by a stranger, and most of it is never read. encoding/json would build all of it, and
// cty's JSON decoder is quadratic in nesting; so this file walks the bytes once, in place, and hands out slices of
// them. CheckJSON is the strict gate; everything else may then skip without looking.

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// JSONLimits bounds a JSON text. The zero value means the defaults.
type JSONLimits struct {
	Depth    int // deepest nesting of objects and arrays; 64 where zero
	Number   int // longest number literal in bytes; 64 where zero
	Exponent int // greatest magnitude of an exponent; 308 where zero
}

func (l JSONLimits) withDefaults() JSONLimits {
	if l.Depth == 0 {
		l.Depth = 64
	}
	if l.Number == 0 {
		l.Number = 64
	}
	if l.Exponent == 0 {
		l.Exponent = 308
	}
	return l
}

// JSONError says where a JSON text is refused, and why. The reason quotes none of the text.
type JSONError struct {
	Offset int // in bytes, from 0
	Reason string
}

func (e *JSONError) Error() string {
	return fmt.Sprintf("invalid JSON at byte %d: %s", e.Offset, e.Reason)
}

// CheckJSON returns nil if raw is exactly one JSON value (RFC 8259, with white space around it) in valid UTF-8 and
// within the limits, and a *JSONError otherwise. It takes linear time and allocates nothing on success. Lone surrogate
// escapes are accepted; they decode to U+FFFD.
func CheckJSON(raw []byte, lim JSONLimits) error {
	c := checker{raw: raw, lim: lim.withDefaults()}
	i := skipSpace(raw, 0)
	i = c.value(i, 0)
	if c.err == nil {
		if i = skipSpace(raw, i); i != len(raw) {
			c.fail(i, "text after the value")
		}
	}
	if c.err != nil {
		return c.err
	}
	return nil
}

// checker walks one text. Its methods take the offset of a token and return the offset behind it; once err is set the
// offset means nothing.
type checker struct {
	raw []byte
	lim JSONLimits
	err *JSONError
}

func (c *checker) fail(at int, reason string) int {
	if c.err == nil {
		c.err = &JSONError{Offset: at, Reason: reason}
	}
	return len(c.raw)
}

func (c *checker) value(i, depth int) int {
	if i >= len(c.raw) {
		return c.fail(i, "a value is missing")
	}
	switch b := c.raw[i]; {
	case b == '"':
		return c.string(i)
	case b == '{':
		return c.object(i, depth+1)
	case b == '[':
		return c.array(i, depth+1)
	case b == '-' || '0' <= b && b <= '9':
		return c.number(i)
	case b == 't':
		return c.word(i, "true")
	case b == 'f':
		return c.word(i, "false")
	case b == 'n':
		return c.word(i, "null")
	}
	return c.fail(i, "not the beginning of a value")
}

func (c *checker) word(i int, word string) int {
	if len(c.raw)-i < len(word) || string(c.raw[i:i+len(word)]) != word {
		return c.fail(i, "not a value; "+word+" was begun")
	}
	return i + len(word)
}

func (c *checker) object(i, depth int) int {
	if depth > c.lim.Depth {
		return c.fail(i, "nested too deeply")
	}
	i = skipSpace(c.raw, i+1)
	if i < len(c.raw) && c.raw[i] == '}' {
		return i + 1
	}
	for {
		if i >= len(c.raw) || c.raw[i] != '"' {
			return c.fail(i, "a member's name is missing")
		}
		i = c.string(i)
		if c.err != nil {
			return i
		}
		if i = skipSpace(c.raw, i); i >= len(c.raw) || c.raw[i] != ':' {
			return c.fail(i, "a colon is missing")
		}
		i = c.value(skipSpace(c.raw, i+1), depth)
		if c.err != nil {
			return i
		}
		i = skipSpace(c.raw, i)
		switch {
		case i >= len(c.raw):
			return c.fail(i, "an object is not closed")
		case c.raw[i] == '}':
			return i + 1
		case c.raw[i] != ',':
			return c.fail(i, "a comma or the end of an object is missing")
		}
		i = skipSpace(c.raw, i+1)
	}
}

func (c *checker) array(i, depth int) int {
	if depth > c.lim.Depth {
		return c.fail(i, "nested too deeply")
	}
	i = skipSpace(c.raw, i+1)
	if i < len(c.raw) && c.raw[i] == ']' {
		return i + 1
	}
	for {
		i = c.value(i, depth)
		if c.err != nil {
			return i
		}
		i = skipSpace(c.raw, i)
		switch {
		case i >= len(c.raw):
			return c.fail(i, "an array is not closed")
		case c.raw[i] == ']':
			return i + 1
		case c.raw[i] != ',':
			return c.fail(i, "a comma or the end of an array is missing")
		}
		i = skipSpace(c.raw, i+1)
	}
}

func (c *checker) string(i int) int {
	raw := c.raw
	for j := i + 1; j < len(raw); {
		switch b := raw[j]; {
		case b == '"':
			return j + 1
		case b == '\\':
			if j+1 >= len(raw) {
				return c.fail(j, "a string is not closed")
			}
			switch raw[j+1] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				j += 2
			case 'u':
				if _, ok := hex4(raw, j+2); !ok {
					return c.fail(j, "an escape needs four hexadecimal digits")
				}
				j += 6
			default:
				return c.fail(j, "not an escape that JSON knows")
			}
		case b < 0x20:
			return c.fail(j, "a control character in a string")
		case b < utf8.RuneSelf:
			j++
		default:
			r, size := utf8.DecodeRune(raw[j:])
			if r == utf8.RuneError && size == 1 {
				return c.fail(j, "not valid UTF-8")
			}
			j += size
		}
	}
	return c.fail(len(raw), "a string is not closed")
}

func (c *checker) number(i int) int {
	raw, j := c.raw, i
	if raw[j] == '-' {
		j++
	}
	switch {
	case j < len(raw) && raw[j] == '0':
		j++
	case j < len(raw) && '1' <= raw[j] && raw[j] <= '9':
		j = skipDigits(raw, j)
	default:
		return c.fail(j, "a digit is missing")
	}
	if j < len(raw) && raw[j] == '.' {
		k := skipDigits(raw, j+1)
		if k == j+1 {
			return c.fail(k, "a digit is missing")
		}
		j = k
	}
	if j < len(raw) && (raw[j] == 'e' || raw[j] == 'E') {
		k := j + 1
		if k < len(raw) && (raw[k] == '+' || raw[k] == '-') {
			k++
		}
		end := skipDigits(raw, k)
		if end == k {
			return c.fail(k, "a digit is missing")
		}
		exponent := 0
		for ; k < end; k++ {
			if exponent = exponent*10 + int(raw[k]-'0'); exponent > c.lim.Exponent {
				return c.fail(i, "a number's exponent is too large")
			}
		}
		j = end
	}
	if j-i > c.lim.Number {
		return c.fail(i, "a number is too long")
	}
	return j
}

func skipSpace(raw []byte, i int) int {
	for i < len(raw) && (raw[i] == ' ' || raw[i] == '\n' || raw[i] == '\t' || raw[i] == '\r') {
		i++
	}
	return i
}

func skipDigits(raw []byte, i int) int {
	for i < len(raw) && '0' <= raw[i] && raw[i] <= '9' {
		i++
	}
	return i
}

func hex4(raw []byte, i int) (rune, bool) {
	if i+4 > len(raw) {
		return 0, false
	}
	var r rune
	for _, b := range raw[i : i+4] {
		switch {
		case '0' <= b && b <= '9':
			r = r<<4 | rune(b-'0')
		case 'a' <= b && b <= 'f':
			r = r<<4 | rune(b-'a'+10)
		case 'A' <= b && b <= 'F':
			r = r<<4 | rune(b-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// skipString returns the offset behind the string that begins at i, or -1 where it is not closed.
func skipString(raw []byte, i int) int {
	for i++; ; i++ {
		n := bytes.IndexByte(raw[i:], '"')
		if n < 0 {
			return -1
		}
		start := i
		i += n
		// The quote ends the string unless an odd number of backslashes stands before it.
		end := i
		for end > start && raw[end-1] == '\\' {
			end--
		}
		if (i-end)%2 == 0 {
			return i + 1
		}
	}
}

// structural tells the bytes at which skipValue must look within an object or an array.
var structural = [256]bool{'"': true, '{': true, '[': true, '}': true, ']': true}

// skipValue returns the offset behind the value that begins at i, or -1 where it does not end. It balances brackets
// and looks at nothing else.
func skipValue(raw []byte, i int) int {
	if i >= len(raw) {
		return -1
	}
	switch raw[i] {
	case '"':
		return skipString(raw, i)
	case '{', '[':
		depth := 0
		for i < len(raw) {
			b := raw[i]
			if !structural[b] {
				i++
				continue
			}
			switch b {
			case '"':
				if i = skipString(raw, i); i < 0 {
					return -1
				}
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
		return -1
	}
	start := i
	for i < len(raw) {
		switch raw[i] {
		case ',', '}', ']', ' ', '\n', '\t', '\r', ':', '"':
			if i == start {
				return -1
			}
			return i
		}
		i++
	}
	return i
}
