package lang_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/langtest"
)

// TestTable compiles the examples of `flowrun explain`. A bad one has the mistake it is about and no other; a good one
// has none. Mistakes that only show when values are bound are looked for there, with an empty environment.
func TestTable(t *testing.T) {
	for _, row := range diag.Table() {
		if row.Code == diag.FileTooLarge || row.Code == diag.FileUnreadable {
			continue // about files as they are read, not as text; tested where they are read
		}
		if strings.HasPrefix(string(row.Code), "FR6") {
			continue // about tests of recipes; tested there
		}
		t.Run(string(row.Code), func(t *testing.T) {
			diags := compileText(row.Bad)
			if row.Code == diag.MissingVariable || row.Code == diag.MissingSetting {
				diags = append(diags, bindText(row.Bad)...)
			}
			found := false
			for _, d := range diags {
				m, ok := diag.MetaOf(d)
				switch {
				case ok && m.Code == row.Code:
					found = true
				case d.Severity == hcl.DiagError:
					t.Errorf("bad example: %s: surplus %s: %s", d.Subject, m.Code, d.Detail)
				}
			}
			if !found {
				t.Errorf("bad example: no %s in %v", row.Code, diags)
			}
			for _, d := range compileText(row.Good) {
				m, _ := diag.MetaOf(d)
				t.Errorf("good example: %s: %s: %s", d.Subject, m.Code, d.Detail)
			}
		})
	}
}

func compileText(text string) hcl.Diagnostics {
	_, diags := lang.CompileFiles(langtest.Files("example.hcl", []byte(text)), langtest.Catalog())
	return diags
}

func bindText(text string) hcl.Diagnostics {
	p, diags := lang.CompileFiles(langtest.Files("example.hcl", []byte(text)), langtest.Catalog())
	if diags.HasErrors() {
		return nil
	}
	_, diags = p.Bind(lang.Inputs{Env: func(name string) (string, bool) {
		return "x", name == "STRIPE_WEBHOOK_SECRET" || name == "CUSTOMERIO_SITE_ID" || name == "CUSTOMERIO_API_KEY" || name == "STRIPE_API_KEY"
	}})
	return diags
}
