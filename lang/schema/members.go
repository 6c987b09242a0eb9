package schema

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// Members calls fn for each member of the object raw, in the order of the text, with the member's name and the bytes
// of its value, until fn returns false. It decodes no value, and it does not check what it skips: give it what
// CheckJSON has passed. A name that occurs twice is reported twice; Lookup and Decode take the last. It returns a
// *JSONError where raw is no object or its structure is broken. The bytes belong to raw; the name must be cloned where
// it is kept longer than raw stays unchanged.
func Members(raw []byte, fn func(name string, value []byte) (more bool)) error {
	i := skipSpace(raw, 0)
	if i >= len(raw) || raw[i] != '{' {
		return &JSONError{Offset: i, Reason: "not an object"}
	}
	i = skipSpace(raw, i+1)
	if i < len(raw) && raw[i] == '}' {
		return nil
	}
	for {
		if i >= len(raw) || raw[i] != '"' {
			return &JSONError{Offset: i, Reason: "a member's name is missing"}
		}
		end := skipString(raw, i)
		if end < 0 {
			return &JSONError{Offset: i, Reason: "a string is not closed"}
		}
		name, ok := inPlace(raw[i:end])
		if !ok {
			return &JSONError{Offset: i, Reason: "not a string"}
		}
		if i = skipSpace(raw, end); i >= len(raw) || raw[i] != ':' {
			return &JSONError{Offset: i, Reason: "a colon is missing"}
		}
		i = skipSpace(raw, i+1)
		if end = skipValue(raw, i); end < 0 {
			return &JSONError{Offset: i, Reason: "a value is missing or not closed"}
		}
		if !fn(name, raw[i:end:end]) {
			return nil
		}
		i = skipSpace(raw, end)
		switch {
		case i >= len(raw):
			return &JSONError{Offset: i, Reason: "an object is not closed"}
		case raw[i] == '}':
			return nil
		case raw[i] != ',':
			return &JSONError{Offset: i, Reason: "a comma or the end of an object is missing"}
		}
		i = skipSpace(raw, i+1)
	}
}

// elements is Members for arrays.
func elements(raw []byte, fn func(value []byte) error) error {
	i := skipSpace(raw, 0)
	if i >= len(raw) || raw[i] != '[' {
		return &JSONError{Offset: i, Reason: "not an array"}
	}
	i = skipSpace(raw, i+1)
	if i < len(raw) && raw[i] == ']' {
		return nil
	}
	for {
		end := skipValue(raw, i)
		if end < 0 {
			return &JSONError{Offset: i, Reason: "a value is missing or not closed"}
		}
		if err := fn(raw[i:end:end]); err != nil {
			return err
		}
		i = skipSpace(raw, end)
		switch {
		case i >= len(raw):
			return &JSONError{Offset: i, Reason: "an array is not closed"}
		case raw[i] == ']':
			return nil
		case raw[i] != ',':
			return &JSONError{Offset: i, Reason: "a comma or the end of an array is missing"}
		}
		i = skipSpace(raw, i+1)
	}
}

// Lookup returns the bytes of the value at path, going through objects by their members' names, or nil where there is
// none. Where a name occurs twice the last one counts. With no path it returns raw.
func Lookup(raw []byte, path ...string) []byte {
	for _, want := range path {
		var found []byte
		err := Members(raw, func(name string, value []byte) bool {
			if name == want {
				found = value
			}
			return true
		})
		if err != nil || found == nil {
			return nil
		}
		raw = found
	}
	return raw
}

// StringOf returns the text of a JSON string; ok is false for anything else.
func StringOf(raw []byte) (s string, ok bool) {
	raw = trim(raw)
	s, ok = inPlace(raw)
	if !ok {
		return "", false
	}
	return string(append([]byte(nil), s...)), true
}

// Int64Of returns the value of a JSON number written as an integer that fits; ok is false for anything else.
func Int64Of(raw []byte) (n int64, ok bool) {
	raw = trim(raw)
	if len(raw) == 0 || len(raw) > 20 {
		return 0, false
	}
	digits := raw
	if digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || digits[0] == '0' && len(digits) > 1 || skipDigits(digits, 0) != len(digits) {
		return 0, false
	}
	if len(digits) < 19 {
		for _, b := range digits {
			n = n*10 + int64(b-'0')
		}
		if raw[0] == '-' {
			n = -n
		}
		return n, true
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	return n, err == nil
}

// BoolOf returns the value of true or false; ok is false for anything else.
func BoolOf(raw []byte) (b, ok bool) {
	switch string(trim(raw)) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// IsNull reports whether raw is null.
func IsNull(raw []byte) bool { return string(trim(raw)) == "null" }

func trim(raw []byte) []byte {
	i, end := skipSpace(raw, 0), len(raw)
	for end > i && (raw[end-1] == ' ' || raw[end-1] == '\n' || raw[end-1] == '\t' || raw[end-1] == '\r') {
		end--
	}
	return raw[i:end]
}

// inPlace returns the text of a JSON string. Where it holds no escape and is valid UTF-8, which is nearly always, the
// result shares memory with raw; the callers of this package either don't keep it or clone it.
func inPlace(raw []byte) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' {
		return "", false
	}
	body := raw[1 : len(raw)-1]
	plain := true
	for _, b := range body {
		if b == '\\' || b >= utf8.RuneSelf || b == '"' || b < 0x20 {
			plain = false
			break
		}
	}
	if plain {
		return unsafe.String(unsafe.SliceData(body), len(body)), true
	}
	return unescape(body)
}

func unescape(body []byte) (string, bool) {
	out := make([]byte, 0, len(body))
	for i := 0; i < len(body); {
		switch b := body[i]; {
		case b == '"' || b < 0x20:
			return "", false
		case b == '\\':
			if i+1 >= len(body) {
				return "", false
			}
			i += 2
			switch body[i-1] {
			case '"', '\\', '/':
				out = append(out, body[i-1])
			case 'b':
				out = append(out, '\b')
			case 'f':
				out = append(out, '\f')
			case 'n':
				out = append(out, '\n')
			case 'r':
				out = append(out, '\r')
			case 't':
				out = append(out, '\t')
			case 'u':
				r, ok := hex4(body, i)
				if !ok {
					return "", false
				}
				i += 4
				if utf16.IsSurrogate(r) {
					pair := rune(utf8.RuneError)
					if i+1 < len(body) && body[i] == '\\' && body[i+1] == 'u' {
						if low, ok := hex4(body, i+2); ok {
							pair = utf16.DecodeRune(r, low)
						}
					}
					if r = pair; r != utf8.RuneError {
						i += 6
					}
				}
				out = utf8.AppendRune(out, r)
			default:
				return "", false
			}
		case b < utf8.RuneSelf:
			out = append(out, b)
			i++
		default:
			r, size := utf8.DecodeRune(body[i:])
			out = utf8.AppendRune(out, r)
			i += size
		}
	}
	return string(out), true
}
