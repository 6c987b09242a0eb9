package suite_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/langtest"
	"github.com/flowrun/flowrun/lang/suite"
	"github.com/flowrun/flowrun/lang/syntax"
)

// compile compiles a project with its tests; a text that does not begin with -- NAME -- is a file of tests for a recipe
// that is there.
func compile(t testing.TB, text string) ([]*suite.Test, hcl.Diagnostics, map[string][]byte) {
	t.Helper()
	files := langtest.Files("example.test.hcl", []byte(text))
	if files["example.hcl"] == nil {
		files["example.hcl"] = []byte(dunning)
	}
	recipes, tests := map[string][]byte{}, map[string][]byte{}
	for name, src := range files {
		if strings.HasSuffix(name, syntax.TestEnding) {
			tests[name] = src
		} else {
			recipes[name] = src
		}
	}
	p, diags := lang.CompileFiles(recipes, langtest.Catalog())
	if diags.HasErrors() {
		t.Fatalf("the recipes don't compile: %v", diags)
	}
	out, diags := suite.Compile(tests, suite.Options{Program: p, Catalog: langtest.Catalog(), Kinds: []string{"network", "server", "refused"}})
	return out, diags, files
}

// TestTable compiles the examples of `flowrun explain` that are about tests: a bad one has the mistake it is about and no
// other, a good one has none.
func TestTable(t *testing.T) {
	rows := 0
	for _, row := range diag.Table() {
		if !strings.HasPrefix(string(row.Code), "FR6") {
			continue
		}
		rows++
		t.Run(string(row.Code), func(t *testing.T) {
			_, diags, files := compile(t, row.Bad)
			if len(diags) != 1 {
				t.Fatalf("bad example: %d messages: %v", len(diags), diags)
			}
			if m, _ := diag.MetaOf(diags[0]); m.Code != row.Code {
				t.Errorf("bad example: %s: %s", m.Code, diags[0].Detail)
			}
			if err := langtest.InFile(files, diags[0]); err != nil {
				t.Error(err)
			}
			if err := langtest.Sentence(files, diags[0]); err != nil {
				t.Error(err)
			}
			if _, diags, _ := compile(t, row.Good); len(diags) > 0 {
				t.Errorf("good example: %v", diags)
			}
		})
	}
	if rows < 10 {
		t.Errorf("only %d rows", rows)
	}
}
