package edit_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/flowrun/flowrun/lang/edit"
	"github.com/flowrun/flowrun/lang/langtest"
)

// marked returns the workspace of an archive, and the file and the byte at which its mark "|" stands alone: "||" is an
// operator.
func marked(t testing.TB, files map[string][]byte) (w *edit.Workspace, name string, at int) {
	t.Helper()
	w = edit.NewWorkspace(langtest.Catalog())
	for n, text := range files {
		plain := strings.ReplaceAll(string(text), "||", "\x00\x00")
		if i := strings.IndexByte(plain, '|'); i >= 0 {
			name, at = n, i
			text = append(append([]byte{}, text[:i]...), text[i+1:]...)
		}
		w.Set(n, text)
	}
	if name == "" {
		t.Fatal("no file has a mark")
	}
	return w, name, at
}

// TestComplete runs archives. The comment of each has expectations, one a line: "label" is offered, "label: detail" with
// that detail, "not label" isn't, "first label" before all others, "insert label: text" with that text ("_" for a space at its end), "nothing" is.
func TestComplete(t *testing.T) {
	archives, err := filepath.Glob("testdata/complete/*.txtar")
	if err != nil || len(archives) < 20 {
		t.Fatalf("%d archives: %v", len(archives), err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files := langtest.Files("", text)
			w, name, at := marked(t, files)
			w.Diagnostics(never) // what recipes see of those that they call is known once they are checked
			items := w.Complete(name, at)
			for _, line := range strings.Split(strings.TrimSpace(string(txtar.Parse(text).Comment)), "\n") {
				if err := expect(items, line); err != nil {
					t.Error(err)
				}
			}
			if t.Failed() {
				for _, i := range items[:min(len(items), 40)] {
					t.Logf("%s: %s [%d]", i.Label, i.Detail, i.Rank)
				}
			}
		})
	}
}

func expect(items []edit.Item, line string) error {
	find := func(label string) *edit.Item {
		for i := range items {
			if items[i].Label == label {
				return &items[i]
			}
		}
		return nil
	}
	switch {
	case strings.HasPrefix(line, "#"):
		return nil
	case line == "nothing":
		if len(items) > 0 {
			return fmt.Errorf("%d items are offered, %q first", len(items), items[0].Label)
		}
		return nil
	case strings.HasPrefix(line, "not "):
		if find(line[4:]) != nil {
			return fmt.Errorf("%q is offered", line[4:])
		}
		return nil
	case strings.HasPrefix(line, "first "):
		if len(items) == 0 || items[0].Label != line[6:] {
			return fmt.Errorf("%q is not the first", line[6:])
		}
		return nil
	case strings.HasPrefix(line, "insert "):
		label, text, _ := strings.Cut(line[7:], ": ")
		if i := find(label); i == nil || i.Insert != strings.NewReplacer(`\n`, "\n", "=_", "= ").Replace(text) {
			return fmt.Errorf("%q does not insert %q: %+v", label, text, i)
		}
		return nil
	}
	label, detail, has := strings.Cut(line, ": ")
	i := find(label)
	if i == nil {
		return fmt.Errorf("%q is not offered", label)
	}
	if has && i.Detail != detail {
		return fmt.Errorf("%q has the detail %q, not %q", label, i.Detail, detail)
	}
	return nil
}
