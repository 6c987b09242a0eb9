package lang_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"testing/fstest"

	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/langtest"
)

func matches(pattern, s string) bool { return regexp.MustCompile("(?s)" + pattern).MatchString(s) }

// corpus returns the projects that the checker is tested with.
func corpus(t testing.TB) map[string]map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("check/testdata/*")
	if err != nil || len(paths) == 0 {
		t.Fatal("no corpus", err)
	}
	out := map[string]map[string][]byte{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out[path] = langtest.Files("a.hcl", text)
	}
	return out
}

func TestCompileReadsFolders(t *testing.T) {
	fsys := fstest.MapFS{
		"billing/dunning.hcl":      {Data: []byte(recipe)},
		"billing/dunning.test.hcl": {Data: []byte(`test "x" {}`)},
		"flowrun.hcl":              {Data: []byte("variable \"token\" {\n  default = \"t\"\n}\n")},
	}
	p, diags := lang.Compile(fsys, langtest.Catalog())
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	if p.Recipe("billing/dunning") == nil || len(p.Recipes()) != 1 || p.Recipe("dunning") != nil {
		t.Errorf("recipes: %v", p.Recipes())
	}
	if len(p.Files()) != 2 || len(p.Digest()) != 64 {
		t.Errorf("%d files, digest %q", len(p.Files()), p.Digest())
	}
	if cs := p.Connections(); len(cs) != 1 || cs[0].Name != "stripe" || !cs[0].Listens || cs[0].Settings != nil {
		t.Errorf("connections: %+v", cs)
	}
	again, _ := lang.CompileFiles(maps.Clone(p.Files()), langtest.Catalog())
	if again.Digest() != p.Digest() {
		t.Error("the same files have another digest")
	}
	moved := map[string][]byte{"billing/other.hcl": []byte(recipe), "flowrun.hcl": p.Files()["flowrun.hcl"]}
	if other, _ := lang.CompileFiles(moved, langtest.Catalog()); other.Digest() == p.Digest() {
		t.Error("a file's name is not part of the digest")
	}
}

// TestDeterminism compiles the same text again and again: every byte of what is said must be the same.
func TestDeterminism(t *testing.T) {
	for name, files := range corpus(t) {
		first := describe(t, files)
		for range 5 {
			if again := describe(t, maps.Clone(files)); !bytes.Equal(first, again) {
				t.Fatalf("%s: two compilations differ:\n%s\n%s", name, first, again)
			}
		}
	}
}

func describe(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	p, diags := lang.CompileFiles(files, langtest.Catalog())
	var b bytes.Buffer
	if err := diag.WriteText(&b, diags, files, diag.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, r := range p.Recipes() {
		reads, err := json.Marshal([]any{r.Reads, r.ReadsPrevious})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&b, r.Name, r.Vars, string(reads))
		for _, n := range r.Nodes {
			fmt.Fprintln(&b, n.Address, n.Needs, n.Gates, n.Locals, n.Connection, n.Leading, n.Exact, len(n.Simple))
		}
		for _, l := range r.Locals {
			fmt.Fprintln(&b, l.Name, l.Needs)
		}
	}
	for _, c := range p.Connections() {
		fmt.Fprintln(&b, c.Name, c.Service.Name, c.Listens)
	}
	return b.Bytes()
}

// FuzzCompile: whatever the text, nothing panics and every message points into its file.
func FuzzCompile(f *testing.F) {
	for _, files := range corpus(f) {
		for _, text := range files {
			f.Add(text, files["flowrun.hcl"])
		}
	}
	for _, row := range diag.Table() {
		f.Add([]byte(row.Bad), []byte{})
	}
	cat := langtest.Catalog()
	f.Fuzz(func(t *testing.T, text, config []byte) {
		files := map[string][]byte{"a.hcl": text, "flowrun.hcl": config}
		p, diags := lang.CompileFiles(files, cat)
		for _, d := range diags {
			if err := langtest.InFile(files, d); err != nil {
				t.Error(err)
			}
			if m, ok := diag.MetaOf(d); !ok || m.Code == "" {
				t.Errorf("no code: %s", d)
			}
		}
		if p == nil {
			t.Fatal("no program")
		}
		for _, r := range p.Recipes() {
			for _, n := range r.Nodes {
				if n.Kind == check.Action && n.Action != nil && !diags.HasErrors() && n.Connection == "" {
					t.Errorf("%s has no connection", n.Address)
				}
			}
		}
		if !diags.HasErrors() {
			p.Bind(lang.Inputs{})
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	tour, err := os.ReadFile("check/testdata/tour.hcl")
	if err != nil {
		b.Fatal(err)
	}
	files := map[string][]byte{}
	for n := range 1000 {
		files[fmt.Sprintf("r%04d.hcl", n)] = tour
	}
	cat := langtest.Catalog()
	b.ReportAllocs()
	for b.Loop() {
		if _, diags := lang.CompileFiles(files, cat); diags.HasErrors() { // that they all do the same is a warning
			b.Fatal(diags)
		}
	}
}
