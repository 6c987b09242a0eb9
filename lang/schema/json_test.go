package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

var validJSON = []string{
	`null`, ` true `, `false`, `0`, `-0`, `12.5e+3`, `1E308`, `""`, `"a\"\\\/\b\f\n\r\tA"`, `"\ud83d\ude00"`, `"\ud800"`,
	`"\ud800A"`, `"é😀"`, `[]`, `[ ]`, `[1,"a",null,[true]]`, `{}`, ` { "a" : 1 , "b":{"c":[]}} `, `{"a":1,"a":2}`, "\t[\r\n1 ]\n",
	`9007199254740993`, `0.1`, `{"":""}`, `"\u0000"`, `"\\"`, `["\\","\""]`,
}

var invalidJSON = map[string]int{ // the offset at which it is refused
	``: 0, `  `: 2, `nul`: 0, `nulL`: 0, `+1`: 0, `01`: 1, `1.`: 2, `.5`: 0, `-`: 1, `1e`: 2, `1e+`: 3, `0x1`: 1, `'a'`: 0, `"a`: 2, `"\x"`: 1,
	`"\u12g4"`: 1, `"\u123`: 1, `"\`: 1, "\"\n\"": 1, "\"\x00\"": 1, "\"\xff\"": 1, "\"\xed\xa0\x80\"": 1, `[1,]`: 3, `[1 2]`: 3, `[`: 1, `[1`: 2, `]`: 0,
	`{`: 1, `{a:1}`: 1, `{"a"}`: 4, `{"a":}`: 5, `{"a":1,}`: 7, `{"a":1`: 6, `{"a":1 "b":2}`: 7, `{1:2}`: 1, `1 1`: 2, `{}x`: 2, `NaN`: 0, "\ufeff1": 0, `/**/1`: 0, "1\v": 1,
}

func TestCheckJSON(t *testing.T) {
	for _, src := range validJSON {
		if err := CheckJSON([]byte(src), JSONLimits{}); err != nil {
			t.Errorf("%q: %v", src, err)
		}
	}
	for src, at := range invalidJSON {
		err := CheckJSON([]byte(src), JSONLimits{})
		var e *JSONError
		if !errors.As(err, &e) {
			t.Errorf("%q passes", src)
		} else if e.Offset != at {
			t.Errorf("%q: %v, want byte %d", src, err, at)
		}
	}
}

func TestCheckJSONLimits(t *testing.T) {
	deep := func(n int, open, inner, end string) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
	}
	for _, c := range []struct {
		src string
		lim JSONLimits
		ok  bool
	}{
		{deep(64, `[`, ``, `]`), JSONLimits{}, true},
		{deep(65, `[`, ``, `]`), JSONLimits{}, false},
		{deep(64, `{"a":`, `1`, `}`), JSONLimits{}, true},
		{deep(65, `{"a":`, `1`, `}`), JSONLimits{}, false},
		{deep(3, `[`, `1`, `]`), JSONLimits{Depth: 2}, false},
		{strings.Repeat(`[[`, 500_000), JSONLimits{}, false},
		{strings.Repeat("1", 64), JSONLimits{}, true},
		{strings.Repeat("1", 65), JSONLimits{}, false},
		{strings.Repeat("1", 1<<20), JSONLimits{}, false},
		{`1e308`, JSONLimits{}, true},
		{`1e-308`, JSONLimits{}, true},
		{`1e309`, JSONLimits{}, false},
		{`1e-309`, JSONLimits{}, false},
		{`1e0000308`, JSONLimits{}, true},
		{`1e99999999999999999999999999`, JSONLimits{}, false},
		{`1e99999999999999999999999999`, JSONLimits{Exponent: 400}, false},
		{`1e350`, JSONLimits{Exponent: 400}, true},
	} {
		if err := CheckJSON([]byte(c.src), c.lim); (err == nil) != c.ok {
			t.Errorf("%.40q %+v: %v", c.src, c.lim, err)
		}
	}
}

func FuzzCheckJSON(f *testing.F) {
	for _, src := range validJSON {
		f.Add([]byte(src))
	}
	for src := range invalidJSON {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		err := CheckJSON(raw, JSONLimits{Depth: 1 << 30, Number: 1 << 30, Exponent: 1 << 30})
		if want := json.Valid(raw) && utf8.Valid(raw); (err == nil) != want {
			if err != nil && strings.Contains(err.Error(), "exponent") {
				return
			}
			t.Fatalf("%q: %v, encoding/json says %t", raw, err, want)
		}
		if err != nil {
			return
		}
		end := skipValue(raw, skipSpace(raw, 0))
		if end < 0 || skipSpace(raw, end) != len(raw) {
			t.Fatalf("%q: skipping ends at %d", raw, end)
		}
		if s, ok := StringOf(raw); ok {
			var want string
			if err := json.Unmarshal(raw, &want); err != nil || s != want {
				t.Fatalf("%q is %q, encoding/json says %q", raw, s, want)
			}
		}
		if n, ok := Int64Of(raw); ok {
			var want int64
			if err := json.Unmarshal(raw, &want); err != nil || n != want {
				t.Fatalf("%q is %d, encoding/json says %d", raw, n, want)
			}
		}
	})
}

func TestMembersAndLookup(t *testing.T) {
	raw := []byte(` {"a": {"b": [1, {"x": "}\""}], "b2": "x"}, "é" : null, "dup":1, "dup" : {"k":2} , "u\u0041": true} `)
	var got []string
	if err := Members(raw, func(name string, value []byte) bool {
		got = append(got, name+"="+string(value))
		return true
	}); err != nil {
		t.Fatal(err)
	}
	want := `[a={"b": [1, {"x": "}\""}], "b2": "x"} é=null dup=1 dup={"k":2} uA=true]`
	if fmt.Sprint(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
	calls := 0
	if err := Members(raw, func(string, []byte) bool { calls++; return false }); err != nil || calls != 1 {
		t.Error(calls, err)
	}
	for path, want := range map[string]string{"a b2": `"x"`, "dup k": `2`, "é": `null`, "uA": `true`, "a nosuch": ``, "dup k more": ``, "nosuch a": ``} {
		if got := string(Lookup(raw, strings.Fields(path)...)); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	for _, bad := range []string{``, `1`, `[]`, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1;`, `{"a":1,`, `{a:1}`, `{"a":[}`, `{"a" 1}`} {
		if err := Members([]byte(bad), func(string, []byte) bool { return true }); err == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

func TestScalars(t *testing.T) {
	for raw, want := range map[string]string{
		`"a"`: `a true`, ` "a\n" `: "a\n true", `"\ud83d\ude00"`: "😀 true", `"\ud800"`: "\ufffd true", `"\ude00\ud83d"`: "\ufffd\ufffd true", `"\ud800\u0041"`: "\ufffdA true",
		`1`: ` false`, `"`: ` false`, ``: ` false`, `"a"b"`: ` false`, `"\q"`: ` false`,
	} {
		if s, ok := StringOf([]byte(raw)); fmt.Sprint(s, " ", ok) != want {
			t.Errorf("%s: %q %t, want %q", raw, s, ok, want)
		}
	}
	for raw, want := range map[string]string{
		`0`: `0 true`, `-0`: `0 true`, ` 42 `: `42 true`, `-9223372036854775808`: `-9223372036854775808 true`, `9223372036854775807`: `9223372036854775807 true`,
		`9223372036854775808`: `0 false`, `1.0`: `0 false`, `1e3`: `0 false`, `01`: `0 false`, `-`: `0 false`, ``: `0 false`, `"1"`: `0 false`, `null`: `0 false`,
	} {
		n, ok := Int64Of([]byte(raw))
		if !ok {
			n = 0
		}
		if fmt.Sprint(n, ok) != want {
			t.Errorf("%s: %d %t, want %s", raw, n, ok, want)
		}
	}
	if b, ok := BoolOf([]byte(` true`)); !b || !ok {
		t.Error("true")
	}
	if b, ok := BoolOf([]byte(`false`)); b || !ok {
		t.Error("false")
	}
	if _, ok := BoolOf([]byte(`1`)); ok {
		t.Error("1 is a bool")
	}
	if !IsNull([]byte(` null `)) || IsNull([]byte(`nul`)) || IsNull(nil) {
		t.Error("null")
	}
}

func TestStringOfOwnsItsText(t *testing.T) {
	raw := []byte(`"abc"`)
	s, _ := StringOf(raw)
	raw[1] = 'x'
	if s != "abc" {
		t.Errorf("the string changed to %q with its source", s)
	}
}
