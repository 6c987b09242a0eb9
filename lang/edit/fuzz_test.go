package edit_test

import (
	"os"
	"testing"

	"github.com/flowrun/flowrun/lang/edit"
	"github.com/flowrun/flowrun/lang/langtest"
)

// FuzzWorkspace asks everything at a place of whatever text: nothing panics, and what comes back lies within the text.
func FuzzWorkspace(f *testing.F) {
	entries, err := os.ReadDir("../check/testdata")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile("../check/testdata/" + e.Name())
		if err != nil {
			f.Fatal(err)
		}
		for _, src := range langtest.Files("a.hcl", text) {
			f.Add(src, len(src)/3, false)
		}
	}
	for _, src := range []string{shared, first, second, "", "\"", "a {", "a = {", "a = \"${", "trigger \"", "<<X\n", "/*", "\xff", "switch {\n on = \n case \""} {
		f.Add([]byte(src), len(src), true)
		f.Add([]byte(src), len(src)/2, false)
	}
	f.Fuzz(func(t *testing.T, src []byte, at int, config bool) {
		if len(src) > 8<<10 {
			return
		}
		w := edit.NewWorkspace(langtest.Catalog())
		name := "a.hcl"
		w.Set("flowrun.hcl", []byte(shared))
		if config {
			name = "flowrun.hcl"
			w.Set("a.hcl", []byte(first))
		}
		w.Set(name, src)
		for _, i := range w.Complete(name, at) {
			if i.Start < 0 || i.Start > i.End || i.End > len(src) || i.Label == "" {
				t.Fatalf("%+v", i)
			}
		}
		if h := w.Hover(name, at); h != nil && (h.Text == "" || h.Start < 0 || h.Start > h.End || h.End > len(src)) {
			t.Fatalf("%+v", h)
		}
		w.Definition(name, at)
		w.References(name, at, true)
		w.Symbols(name)
		last := 0
		for _, tok := range w.Tokens(name) {
			if tok.Start < last || tok.End <= tok.Start || tok.End > len(src) {
				t.Fatalf("%+v after %d", tok, last)
			}
			last = tok.End
		}
		all, _ := w.Diagnostics(never)
		for _, fix := range w.Fixes(name, all[name][:min(3, len(all[name]))]) {
			for _, e := range fix.Edits {
				if e.Start < 0 || e.Start > e.End || e.End > len(src) {
					t.Fatalf("%+v", fix)
				}
			}
		}
		edits, err := w.Rename(name, at, "renamed")
		if err == nil {
			apply(w, edits)
		}
	})
}

// TestEverywhere completes and hovers all over the checker's tests, as they are and cut off there.
func TestEverywhere(t *testing.T) {
	langtest.Each(t, os.DirFS("../check/testdata"), func(t *testing.T, files map[string][]byte) {
		for name, src := range files {
			w := edit.NewWorkspace(langtest.Catalog())
			for n, text := range files {
				w.Set(n, text)
			}
			for at := 0; at <= len(src); at += 499 {
				w.Complete(name, at)
				w.Hover(name, at)
			}
			for at := 0; at <= len(src); at += 997 {
				w.Set(name, src[:at])
				w.Complete(name, at)
			}
		}
	})
}
