package langtest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/langtest"
)

// recorder is a test that remembers its failures.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Helper()           {}
func (r *recorder) Error(args ...any) { r.failures = append(r.failures, fmt.Sprint(args...)) }
func (r *recorder) Errorf(f string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(f, args...))
}

func at(line, from, to int) hcl.Range {
	return hcl.Range{Filename: "a.hcl", Start: hcl.Pos{Line: line, Column: 1, Byte: from}, End: hcl.Pos{Line: line, Column: 2, Byte: to}}
}

func TestCheck(t *testing.T) {
	const text = "a = 1 # want FR2004 \"no attribute\"\nb = 2\n"
	for _, c := range []struct {
		name  string
		diags hcl.Diagnostics
		want  string
	}{
		{"as wanted", hcl.Diagnostics{diag.New(diag.UnknownAttribute, at(1, 0, 1), "It has no attribute.")}, ""},
		{"missing", nil, "missing FR2004"},
		{"other code", hcl.Diagnostics{diag.New(diag.UnknownName, at(1, 0, 1), "It has no attribute.")}, "surplus FR2005"},
		{"other text", hcl.Diagnostics{diag.New(diag.UnknownAttribute, at(1, 0, 1), "something")}, "surplus FR2004"},
		{"other line", hcl.Diagnostics{diag.New(diag.UnknownAttribute, at(2, 36, 37), "It has no attribute.")}, "surplus FR2004"},
		{"twice", hcl.Diagnostics{
			diag.New(diag.UnknownAttribute, at(1, 0, 1), "It has no attribute."),
			diag.New(diag.UnknownAttribute, at(1, 0, 1), "It has no attribute."),
		}, "surplus FR2004"},
		{"beyond the end", hcl.Diagnostics{diag.New(diag.UnknownAttribute, at(1, 0, 999), "It has no attribute.")}, "bytes 0 to 999"},
		{"on another line than it says", hcl.Diagnostics{diag.New(diag.UnknownAttribute, at(1, 36, 37), "It has no attribute.")}, "not on that line"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &recorder{TB: t}
			langtest.Check(r, langtest.Files("a.hcl", []byte(text)), c.diags)
			got := strings.Join(r.failures, "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("failures %q, want %q", got, c.want)
			}
		})
	}
}
