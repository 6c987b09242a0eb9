package syntax

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/flowrun/flowrun/lang/diag"
)

// Every testdata/parse/x.txtar is a project; x.golden is what the parser makes of it: the blocks, then the messages.
func TestParse(t *testing.T) {
	inputs, err := filepath.Glob("testdata/parse/*.txtar")
	if err != nil || len(inputs) == 0 {
		t.Fatal("no inputs", err)
	}
	for _, input := range inputs {
		t.Run(filepath.Base(input), func(t *testing.T) {
			files := archive(t, input)
			p, diags := Parse(files)
			codesAndPlaces(t, files, diags)
			var b bytes.Buffer
			describe(&b, p)
			if err := diag.WriteText(&b, diags, files, diag.TextOptions{}); err != nil {
				t.Fatal(err)
			}
			path := strings.TrimSuffix(input, ".txtar") + ".golden"
			if os.Getenv("UPDATE") == "1" {
				if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), b.String()); d != "" {
				t.Errorf("%s differs (UPDATE=1 rewrites it):\n%s", path, d)
			}
		})
	}
	goldens, err := filepath.Glob("testdata/parse/*.golden")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range goldens {
		if !slices.Contains(inputs, strings.TrimSuffix(path, ".golden")+".txtar") {
			t.Errorf("no test owns %s", path)
		}
	}
}

func archive(t testing.TB, path string) map[string][]byte {
	t.Helper()
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range a.Files {
		files[f.Name] = f.Data
	}
	return files
}

// codesAndPlaces checks what holds for every message.
func codesAndPlaces(t testing.TB, files map[string][]byte, diags hcl.Diagnostics) {
	t.Helper()
	lines := map[string]bool{}
	for _, d := range diags {
		m, ok := diag.MetaOf(d)
		if _, known := diag.Lookup(m.Code); !ok || !known {
			t.Errorf("no code: %v", d)
		}
		if d.Subject == nil {
			t.Errorf("no place: %v", d)
			continue
		}
		src, ok := files[d.Subject.Filename]
		if !ok || d.Subject.Start.Byte < 0 || d.Subject.End.Byte > len(src) || d.Subject.Start.Byte > d.Subject.End.Byte {
			t.Errorf("wrong place: %v", d)
		}
		if m.Code == diag.Syntax {
			line := fmt.Sprint(d.Subject.Filename, d.Subject.Start.Line)
			if lines[line] {
				t.Errorf("two syntax errors on one line: %v", d)
			}
			lines[line] = true
		}
	}
	if !slices.IsSortedFunc(diags, func(a, b *hcl.Diagnostic) int { return strings.Compare(a.Subject.Filename, b.Subject.Filename) }) {
		t.Error("messages are not in the order of files")
	}
}

// describe writes the blocks of a project, each expression as the text it stands for.
func describe(b *bytes.Buffer, p *Project) {
	text := func(rng hcl.Range) string {
		if src := p.Files[rng.Filename]; rng.CanSliceBytes(src) {
			return strings.Join(strings.Fields(string(rng.SliceBytes(src))), " ")
		}
		return "?"
	}
	var value func(name string, v reflect.Value, indent string)
	value = func(name string, v reflect.Value, indent string) {
		switch x := v.Interface().(type) {
		case hcl.Range:
			if name != "Range" && x != (hcl.Range{}) {
				fmt.Fprintf(b, "%s%s: %s\n", indent, name, text(x))
			}
			return
		case hclsyntax.Expression:
			fmt.Fprintf(b, "%s%s: %s\n", indent, name, text(x.Range()))
			return
		}
		switch v.Kind() {
		case reflect.Interface:
		case reflect.Pointer:
			if !v.IsNil() {
				value(name, v.Elem(), indent)
			}
		case reflect.Slice:
			for i := range v.Len() {
				value(name, v.Index(i), indent)
			}
		case reflect.Struct:
			if arg, ok := v.Interface().(Arg); ok {
				fmt.Fprintf(b, "%s%s: %s = %s\n", indent, name, arg.Name, text(arg.Expr.Range()))
				return
			}
			fmt.Fprintf(b, "%s%s\n", indent, name)
			for i := range v.NumField() {
				value(v.Type().Field(i).Name, v.Field(i), indent+"  ")
			}
		default:
			if !v.IsZero() {
				fmt.Fprintf(b, "%s%s: %v\n", indent, name, v.Interface())
			}
		}
	}
	value("Config", reflect.ValueOf(p.Config), "")
	for _, r := range p.Recipes {
		value("Recipe", reflect.ValueOf(r), "")
	}
	b.WriteString("\n")
}

func TestParseDoesNotDependOnMapOrder(t *testing.T) {
	files := archive(t, "testdata/parse/blocks.txtar")
	first, firstDiags := Parse(files)
	for range 20 {
		again, diags := Parse(files)
		if len(diags) != len(firstDiags) || len(again.Recipes) != len(first.Recipes) {
			t.Fatal("another number of messages or recipes")
		}
		for i := range diags {
			if diags[i].Detail != firstDiags[i].Detail || *diags[i].Subject != *firstDiags[i].Subject {
				t.Fatalf("message %d: %v, then %v", i, firstDiags[i], diags[i])
			}
		}
		for i := range again.Recipes {
			if again.Recipes[i].Name != first.Recipes[i].Name {
				t.Fatalf("recipe %d: %s, then %s", i, first.Recipes[i].Name, again.Recipes[i].Name)
			}
		}
	}
}

func TestParseKeepsWhatIsGood(t *testing.T) {
	p, diags := Parse(map[string][]byte{
		"flowrun.hcl": []byte("locals {\n  a = 1\n}\nnope {}\n"),
		"bad.hcl":     []byte("trigger \"a\" {\n"),
		"deep.hcl":    []byte("trigger \"a\" " + strings.Repeat("{\n", 200)),
		"good.hcl":    []byte("trigger \"a\" {}\nfilter {}\n"),
	})
	if len(p.Recipes) != 1 || p.Recipes[0].Name != "good" {
		t.Errorf("recipes %v", p.Recipes)
	}
	if c := p.Recipes[0].Steps[0].Condition; c == nil {
		t.Error("the missing condition is nil")
	} else if v, diags := c.Value(nil); diags.HasErrors() || v.IsKnown() {
		t.Errorf("the missing condition is %#v", v)
	}
	if len(p.Config.Locals) != 1 || !p.Config.Incomplete {
		t.Errorf("config %+v", p.Config)
	}
	var codes []diag.Code
	for _, d := range diags {
		m, _ := diag.MetaOf(d)
		codes = append(codes, m.Code)
	}
	if want := []diag.Code{diag.Syntax, diag.TooDeep, diag.UnexpectedBlock, diag.MissingArg}; !slices.Equal(codes, want) {
		t.Errorf("codes %v, want %v", codes, want)
	}
	if p, diags := Parse(nil); p.Config == nil || p.Config.Incomplete || len(p.Recipes) != 0 || len(diags) != 0 {
		t.Errorf("of nothing: %+v, %v", p, diags)
	}
}

func FuzzParse(f *testing.F) {
	inputs, err := filepath.Glob("testdata/parse/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, input := range inputs {
		for _, src := range archive(f, input) {
			f.Add(src)
		}
	}
	for _, e := range diag.Table() {
		f.Add([]byte(e.Bad))
		f.Add([]byte(e.Good))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		files := map[string][]byte{"a.hcl": src, ConfigFile: src}
		p, diags := Parse(files)
		codesAndPlaces(t, files, diags)
		if len(p.Recipes) == 0 && !diags.HasErrors() {
			t.Fatal("neither a recipe nor an error")
		}
		for _, r := range p.Recipes {
			if len(r.Triggers) == 0 {
				t.Fatal("a recipe that nothing starts")
			}
			for _, s := range r.Steps {
				if (s.Kind == FilterStep) != (s.Condition != nil) || (s.Kind == ActionStep) != (s.Type != "" || s.TypeRange != hcl.Range{}) {
					t.Fatalf("step %+v", s)
				}
			}
		}
	})
}

func TestHeredocAtTheEndOfTheFile(t *testing.T) {
	for src, want := range map[string]string{
		"a = <<EOT\nx\nEOT":   "has no line end",
		"a = <<EOT\nx\n":      "a line that holds only EOT is missing",
		"a = <<-EOT\nx\n EOT": "has no line end",
		"a = <<EOT\n":         "a line that holds only EOT is missing",
	} {
		_, diags := ParseFile([]byte(src), "x.hcl")
		if len(diags) != 1 || !strings.Contains(diags[0].Detail, want) {
			t.Errorf("%q: %v", src, diags)
		}
	}
}
