package check_test

import (
	"os"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/langtest"
	"github.com/flowrun/flowrun/lang/syntax"
)

func compile(t testing.TB, files map[string][]byte) (*check.Result, hcl.Diagnostics) {
	t.Helper()
	project, diags := syntax.Parse(files)
	result, more := check.Check(project, langtest.Catalog())
	return result, append(diags, more...)
}

func TestDiagnostics(t *testing.T) {
	langtest.Each(t, os.DirFS("testdata"), func(t *testing.T, files map[string][]byte) {
		_, diags := compile(t, files)
		langtest.Check(t, files, diags)
	})
}
