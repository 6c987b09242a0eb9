package diag

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

// declaredCodes reads the constants of type Code out of the source, so that a code without a row is noticed.
func declaredCodes(t *testing.T) []Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "table.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "Code" {
			code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, Code(code))
		}
		return true
	})
	return codes
}

func TestEveryCodeHasOneRow(t *testing.T) {
	codes := declaredCodes(t)
	slices.Sort(codes)
	var rows []Code
	for _, e := range Table() {
		rows = append(rows, e.Code)
	}
	if !slices.Equal(codes, rows) {
		t.Errorf("codes %v\nrows  %v", codes, rows)
	}
	if len(slices.Compact(slices.Clone(codes))) != len(codes) {
		t.Error("a code is declared twice")
	}
}

func TestRowsAreComplete(t *testing.T) {
	summaries := map[string]Code{}
	for _, e := range Table() {
		t.Run(string(e.Code), func(t *testing.T) {
			if got, ok := Lookup(e.Code); !ok || got != e {
				t.Errorf("Lookup = %v, %v", got, ok)
			}
			if want := hcl.DiagError; strings.HasPrefix(string(e.Code), "FR5") == (e.Severity == want) {
				t.Errorf("severity %v", e.Severity)
			}
			if e.Summary == "" || strings.HasSuffix(e.Summary, ".") || len(e.Summary) > 60 {
				t.Errorf("summary %q", e.Summary)
			}
			if other, ok := summaries[e.Summary]; ok {
				t.Errorf("%s has the same summary", other)
			}
			summaries[e.Summary] = e.Code
			if len(e.Cause) < 30 || !strings.HasSuffix(e.Cause, ".") {
				t.Errorf("cause %q", e.Cause)
			}
			if e.Good == "" || e.Good == e.Bad {
				t.Errorf("good %q", e.Good)
			}
			noText := e.Code == FileTooLarge || e.Code == FileUnreadable
			if (e.Bad == "") != noText {
				t.Errorf("bad %q", e.Bad)
			}
		})
	}
}

func TestUnknownCodes(t *testing.T) {
	for _, code := range []Code{"", "FR", "FR0000", "FR9999", "FR10010", "XX2103", "FR1000"} {
		if e, ok := Lookup(code); ok {
			t.Errorf("Lookup(%q) = %v", code, e)
		}
		if d := New(code, hcl.Range{}, "x"); d.Severity != hcl.DiagError || !strings.Contains(d.Summary, string(code)) {
			t.Errorf("New(%q) = %v", code, d)
		}
	}
}

func TestSortIsTotal(t *testing.T) {
	at := func(file string, b int, code Code, detail string) *hcl.Diagnostic {
		return New(code, hcl.Range{Filename: file, Start: hcl.Pos{Byte: b}, End: hcl.Pos{Byte: b + 1}}, detail)
	}
	want := hcl.Diagnostics{
		{Severity: hcl.DiagError, Summary: "no place"},
		at("a.hcl", 1, Syntax, "a"), at("a.hcl", 1, Syntax, "b"), at("a.hcl", 1, MayBeNull, "a"), at("a.hcl", 2, Syntax, "a"), at("b.hcl", 0, Syntax, "a"),
	}
	got := slices.Clone(want)
	for range len(got) {
		got = append(got[1:], got[0])
		sorted := slices.Clone(got)
		Sort(sorted)
		if !slices.Equal(sorted, want) {
			t.Fatalf("got %v", sorted)
		}
	}
}

func TestInKeepsAnInnerContext(t *testing.T) {
	d := in("outer", in("inner", New(Syntax, hcl.Range{}, "x")))
	if m, _ := MetaOf(d); m.Context != "inner" || m.Code != Syntax {
		t.Errorf("got %+v", m)
	}
}

func TestSuggest(t *testing.T) {
	names := []string{"action", "amount", "amount_refunded", "billing_details", "customer", "customerio_track", "email", "failure_code", "failure_message", "filter", "id", "retry", "stripe_charge_failed", "stripe_charge_succeeded", "trigger", "when"}
	for name, want := range map[string]string{
		"custmer":                        "customer",
		"customr":                        "customer",
		"Customer":                       "customer",
		"cutsomer":                       "customer",
		"failureCode":                    "failure_code",
		"failure-code":                   "failure_code",
		"code_failure":                   "failure_code",
		"charge_failed_stripe":           "stripe_charge_failed",
		"stripe_charge_fail":             "stripe_charge_failed",
		"stripe_charge_suceded":          "stripe_charge_succeeded",
		"refunded_amount":                "amount_refunded",
		"triger":                         "trigger",
		"retri":                          "retry",
		"whn":                            "when",
		"ie":                             "",
		"x":                              "",
		"":                               "",
		"customer":                       "", // the name itself is no suggestion
		"completely_different":           "",
		strings.Repeat("customer", 1000): "",
	} {
		if got := Suggest(name, names); got != want {
			t.Errorf("Suggest(%q) = %q, want %q", name, got, want)
		}
		backwards := slices.Clone(names)
		slices.Reverse(backwards)
		if got := Suggest(name, backwards); got != want {
			t.Errorf("Suggest(%q), candidates reversed = %q, want %q", name, got, want)
		}
	}
	if got, want := DidYouMean("triger", names), ` Did you mean "trigger"?`; got != want {
		t.Errorf("DidYouMean = %q, want %q", got, want)
	}
	if got := DidYouMean("zebra", names); got != "" {
		t.Errorf("DidYouMean = %q", got)
	}
	if got := Suggest("amount_", []string{"amount", ""}); got != "amount" {
		t.Errorf("got %q", got)
	}
}
