package diag

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
)

type renderCase struct {
	name  string
	files map[string][]byte
	diags hcl.Diagnostics
}

// mark returns the range of the nth occurrence (from 0) of part in the file.
func mark(t *testing.T, files map[string][]byte, name, part string, nth int) hcl.Range {
	t.Helper()
	src := files[name]
	at := 0
	for ; ; nth-- {
		i := bytes.Index(src[at:], []byte(part))
		if i < 0 {
			t.Fatalf("%q is not in %s", part, name)
		}
		at += i
		if nth == 0 {
			break
		}
		at += len(part)
	}
	pos := func(offset int) hcl.Pos {
		before := string(src[:offset])
		return hcl.Pos{Line: 1 + strings.Count(before, "\n"), Column: 1 + len([]rune(before[strings.LastIndex(before, "\n")+1:])), Byte: offset}
	}
	return hcl.Range{Filename: name, Start: pos(at), End: pos(at + len(part))}
}

func in(context string, d *hcl.Diagnostic) *hcl.Diagnostic {
	return In(context, hcl.Diagnostics{d})[0]
}

func renderCases(t *testing.T) []renderCase {
	dunning := map[string][]byte{"billing/dunning.hcl": []byte("trigger \"stripe_charge_failed\" {}\n\naction \"stripe_customer_retrieve\" \"customer\" {\n  customer = trigger.customer\n}\n")}
	odd := map[string][]byte{"odd, name: 100%.hcl": []byte("\ufeffa\t= [\n\t\t\"日本語 e\u0301 👩\u200d💻\",\tbad,\n\t\t\"\x1b[31m\x00\u202e\xff\", worse\n]\r\nlast = end")}
	name := "odd, name: 100%.hcl"
	long := map[string][]byte{"long.hcl": []byte("a = \"" + strings.Repeat("left ", 60) + "\" + wrong + \"" + strings.Repeat(" right", 60) + "\"\nb = " + strings.Repeat("日本", 100) + "\nc = [\n  1,\n  2,\n]\n")}
	replaced := New(UnexpectedArg, mark(t, odd, name, "last", 0), `A filter has no argument "last". Did you mean "list"?`)
	replaced.Extra = Meta{Code: UnexpectedArg, Replacement: "list"}
	return []renderCase{
		{"none", nil, nil},
		{"style", dunning, hcl.Diagnostics{in(`in action "stripe_customer_retrieve" "customer"`,
			New(MayBeNull, mark(t, dunning, "billing/dunning.hcl", "trigger.customer", 0),
				"\"customer\" needs a string; trigger.customer is a string or null on stripe_charge_failed.\nGuard it with a filter above (trigger.customer != null), or give a value: coalesce(trigger.customer, …)."))}},
		{"odd", odd, hcl.Diagnostics{
			New(UnknownName, mark(t, odd, name, "a", 0), "Behind a byte order mark."),
			New(UnknownName, mark(t, odd, name, "bad", 0), "Behind tabs, wide and combining characters."),
			New(WrongType, mark(t, odd, name, "👩\u200d💻", 0), "A wide character itself."),
			New(UnknownName, mark(t, odd, name, "worse", 0), "Behind \x1b[31mcharacters\x00 that must not reach a terminal."),
			New(WrongType, mark(t, odd, name, "[\n\t\t\"日本語 e\u0301 👩\u200d💻\",\tbad,\n\t\t\"\x1b[31m\x00\u202e\xff\", worse\n]", 0), "Several lines."),
			New(Syntax, mark(t, odd, name, "end", 0), "The last line has no end."),
			replaced,
		}},
		{"long", long, hcl.Diagnostics{
			New(UnknownName, mark(t, long, "long.hcl", "wrong", 0), strings.Repeat("A detail that is long is broken into lines. ", 8)+"\n  what is indented stays\n\nand so does an empty line"),
			New(UnknownName, mark(t, long, "long.hcl", strings.Repeat("日本", 100), 0), "A range that is wider than the page."),
			New(Syntax, mark(t, long, "long.hcl", "[\n  1,\n  2,\n]", 0), "Lines between are left out."),
			New(Syntax, mark(t, long, "long.hcl", "1,\n", 0), "The line end is part of the range."),
		}},
		{"nowhere", dunning, hcl.Diagnostics{
			New(NotARecipe, hcl.Range{Filename: "empty.hcl", Start: hcl.InitialPos, End: hcl.InitialPos}, "The file holds nothing."),
			New(FileUnreadable, hcl.Range{Filename: "gone.hcl", Start: hcl.Pos{Line: 3, Column: 4, Byte: 20}, End: hcl.Pos{Line: 3, Column: 5, Byte: 21}}, "The file is not among those known."),
			New(Syntax, hcl.Range{Filename: "billing/dunning.hcl", Start: hcl.Pos{Line: 900, Column: 1, Byte: 9000}, End: hcl.Pos{Line: 900, Column: 2, Byte: 9001}}, "Behind the end."),
			{Severity: hcl.DiagError, Summary: "No place", Detail: "And no code."},
			New(NoAction, mark(t, dunning, "billing/dunning.hcl", `trigger "stripe_charge_failed"`, 0), "A warning: 100%, really\r\nin two lines."),
			New(ConstantFilter, hcl.Range{Filename: "billing/dunning.hcl", Start: hcl.Pos{Line: 1, Column: 34, Byte: 33}, End: hcl.Pos{Line: 1, Column: 34, Byte: 33}}, "An empty range at the end of a line."),
		}},
	}
}

func TestRenderers(t *testing.T) {
	renderers := map[string]func(io.Writer, renderCase) error{
		"txt": func(w io.Writer, c renderCase) error { return WriteText(w, c.diags, c.files, TextOptions{}) },
		"ansi": func(w io.Writer, c renderCase) error {
			return WriteText(w, c.diags, c.files, TextOptions{Color: true, Width: 60})
		},
		"json":  func(w io.Writer, c renderCase) error { return WriteJSON(w, c.diags, c.files) },
		"sarif": func(w io.Writer, c renderCase) error { return WriteSARIF(w, c.diags, c.files) },
		"gh":    func(w io.Writer, c renderCase) error { return WriteGitHub(w, c.diags, c.files) },
	}
	owned := map[string]bool{}
	for _, c := range renderCases(t) {
		for ending, render := range renderers {
			file := c.name + "." + ending
			owned[file] = true
			t.Run(file, func(t *testing.T) {
				var b bytes.Buffer
				if err := render(&b, c); err != nil {
					t.Fatal(err)
				}
				if (ending == "json" || ending == "sarif") && !json.Valid(b.Bytes()) {
					t.Error("not JSON")
				}
				golden(t, filepath.Join("testdata", "render", file), b.Bytes())
			})
		}
	}
	entries, err := os.ReadDir(filepath.Join("testdata", "render"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !owned[e.Name()] {
			t.Errorf("no test owns testdata/render/%s", e.Name())
		}
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if os.Getenv("UPDATE") == "1" {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s differs (UPDATE=1 rewrites it):\n%s", path, d)
	}
}

// Whatever the text and the range, a terminal gets no control sequence, and the carets are as wide as the page at most.
func FuzzWriteText(f *testing.F) {
	f.Add([]byte("a = \x1b[2J\u202e\tb\n"), 2, 7)
	f.Add([]byte("日本語\r\n👩\u200d💻"), 3, 20)
	f.Add([]byte(""), 0, 0)
	f.Add([]byte(strings.Repeat("\u0301", 300)), 5, 90)
	f.Fuzz(func(t *testing.T, src []byte, start, end int) {
		rng := hcl.Range{Filename: "x.hcl", Start: hcl.Pos{Line: 1, Column: 1, Byte: start}, End: hcl.Pos{Line: 1, Column: 1, Byte: end}}
		if start >= 0 && end >= start && end <= len(src) {
			rng.Start.Line += bytes.Count(src[:start], []byte("\n"))
			rng.End.Line += bytes.Count(src[:end], []byte("\n"))
		}
		diags := hcl.Diagnostics{New(Syntax, rng, string(src))}
		files := map[string][]byte{"x.hcl": src}
		var b bytes.Buffer
		if err := WriteText(&b, diags, files, TextOptions{}); err != nil {
			t.Fatal(err)
		}
		for _, r := range b.String() {
			if r != '\n' && !shown(r) {
				t.Fatalf("%q holds %U", b.String(), r)
			}
		}
		for _, line := range strings.Split(b.String(), "\n") {
			if carets := strings.Trim(line, " "); strings.Trim(carets, "^") == "" && len(carets) > 100 {
				t.Fatalf("%d carets", len(carets))
			}
		}
		for _, write := range []func(io.Writer, hcl.Diagnostics, map[string][]byte) error{WriteJSON, WriteSARIF, WriteGitHub} {
			if err := write(io.Discard, diags, files); err != nil {
				t.Fatal(err)
			}
		}
	})
}
