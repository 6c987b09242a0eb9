package connectors_test

import (
	"io"
	"log"
	"net/url"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func FuzzAppendPathEscape(f *testing.F) {
	for _, seed := range []string{"", "cus_123", "jo+news@example.com", "a/b", "..", "a b", "é", "\x00\xff", "%2F", "?q#f", "~-._"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := string(connectors.AppendPathEscape(nil, s))
		if strings.ContainsAny(got, "/?#&+@ ;=:,$!'()*[]") {
			t.Errorf("%q: %q holds a reserved character", s, got)
		}
		back, err := url.PathUnescape(got)
		if err != nil || back != s {
			t.Errorf("%q: %q is read as %q, %v", s, got, back, err)
		}
		if query, err := url.QueryUnescape(got); err != nil || query != s {
			t.Errorf("%q: %q is read in a query as %q, %v", s, got, query, err)
		}
	})
}

func TestAppendForm(t *testing.T) {
	for want, v := range map[string]cty.Value{
		"":                      cty.NullVal(cty.String),
		"p=a%26b%3Dc":           cty.StringVal("a&b=c"),
		"p=9007199254740993":    cty.MustParseNumberVal("9007199254740993"),
		"p=0.1":                 cty.MustParseNumberVal("0.1"),
		"p=false":               cty.False,
		"p[0]=1&p[1]=2":         cty.ListVal([]cty.Value{cty.NumberIntVal(1), cty.NumberIntVal(2)}),
		"p[a]=1&p[b%26][0][c]=": cty.ObjectVal(map[string]cty.Value{"a": cty.NumberIntVal(1), "n": cty.NullVal(cty.Bool), "b&": cty.TupleVal([]cty.Value{cty.ObjectVal(map[string]cty.Value{"c": cty.StringVal("")})})}),
		"p=":                    cty.ListValEmpty(cty.String),
		"p[l]=":                 cty.ObjectVal(map[string]cty.Value{"l": cty.EmptyTupleVal, "m": cty.MapValEmpty(cty.String)}),
		"p[x]=1&p[y]=2":         cty.MapVal(map[string]cty.Value{"y": cty.StringVal("2"), "x": cty.StringVal("1")}),
	} {
		got, err := connectors.AppendForm(nil, "p", v)
		if err != nil || string(got) != want {
			t.Errorf("%#v: %q, %v; want %q", v, got, err, want)
		}
	}
}
