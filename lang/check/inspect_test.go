package check_test

import (
	"os"
	"slices"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/langtest"
	"github.com/flowrun/flowrun/lang/syntax"
)

// TestInspectorSaysWhatTheCheckerSays looks at every argument of every step of every test, by itself, in its step: what
// the inspector has against it the checker has, too. The checker may have more: it knows what the argument is for.
func TestInspectorSaysWhatTheCheckerSays(t *testing.T) {
	looked, complained := 0, 0
	langtest.Each(t, os.DirFS("testdata"), func(t *testing.T, files map[string][]byte) {
		result, diags := compile(t, files)
		for _, r := range result.Recipes {
			if r.Filename == syntax.ConfigFile {
				continue // on_alert is no recipe of a file's
			}
			for _, n := range slices.Concat(r.Nodes, r.OnError) {
				for _, a := range n.Inputs {
					rng := a.Expr.Range()
					if rng.Filename != r.Filename || n.Address == "" || n.Latest != nil {
						continue
					}
					project, _ := syntax.Parse(files)
					in, err := check.Inspect(project, langtest.Catalog(), r.Name, n.Address)
					if err != nil {
						t.Fatal(err)
					}
					f := in.Look(string(rng.SliceBytes(files[rng.Filename])))
					looked++
					for _, d := range f.Diags {
						if err := langtest.InFile(in.Files(), d); err != nil {
							t.Error(err)
						}
						m, _ := diag.MetaOf(d)
						complained++
						if !slices.ContainsFunc(diags, func(o *hcl.Diagnostic) bool {
							other, _ := diag.MetaOf(o)
							return other.Code == m.Code && o.Subject.Filename == rng.Filename &&
								o.Subject.Start.Byte <= d.Subject.End.Byte+rng.Start.Byte && o.Subject.End.Byte >= d.Subject.Start.Byte+rng.Start.Byte
						}) {
							t.Errorf("%s, at %s: %s: %s: the checker has nothing against it", r.Name, n.Address, m.Code, d.Detail)
						}
					}
				}
			}
		}
	})
	if looked < 100 || complained < 20 {
		t.Errorf("%d arguments were looked at, with %d complaints: too few for a test", looked, complained)
	}
}

func TestInspectViews(t *testing.T) {
	files := map[string][]byte{"a.hcl": []byte(`
trigger "stripe_charge_failed" {}

trigger "stripe_customer_created" {}

filter {
  condition = event.type == "charge.failed" || trigger.email != null
}

action "customerio_identify" {
  id = trigger.id
}
`)}
	project, _ := syntax.Parse(files)
	in, err := check.Inspect(project, langtest.Catalog(), "a", "")
	if err != nil {
		t.Fatal(err)
	}
	f := in.Look(`event.type == "charge.failed" ? "a" : trigger.email`)
	if f.Diags.HasErrors() || len(f.Views) != 2 || f.Views[0].Trigger != "stripe_charge_failed" || f.Views[1].MayBeNull {
		t.Errorf("%v %+v", f.Diags, f.Views)
	}
	if _, err := check.Inspect(project, langtest.Catalog(), "a", "action.b"); err == nil {
		t.Error("a step that is not there is found")
	}
	for src, code := range map[string]diag.Code{"trigger.": diag.Syntax, "1 +": diag.Syntax, "": diag.Syntax, "trigger.x": diag.UnknownAttribute} {
		f := in.Look(src)
		if len(f.Diags) != 1 || f.Expr != nil {
			t.Errorf("%q: %v", src, f.Diags)
			continue
		}
		if m, _ := diag.MetaOf(f.Diags[0]); m.Code != code {
			t.Errorf("%q: %s", src, m.Code)
		}
	}
}
