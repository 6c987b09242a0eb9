package edit

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/syntax"
)

// Every testdata/format/x.hcl formats to x.golden.
func TestFormat(t *testing.T) {
	inputs, err := filepath.Glob("testdata/format/*.hcl")
	if err != nil || len(inputs) == 0 {
		t.Fatal("no inputs", err)
	}
	for _, input := range inputs {
		t.Run(filepath.Base(input), func(t *testing.T) {
			src, err := os.ReadFile(input)
			if err != nil {
				t.Fatal(err)
			}
			got, diags := Format(src, input)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			path := strings.TrimSuffix(input, ".hcl") + ".golden"
			if os.Getenv("UPDATE") == "1" {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), string(got)); d != "" {
				t.Errorf("%s differs (UPDATE=1 rewrites it):\n%s", path, d)
			}
			formattedIsStable(t, src)
		})
	}
	goldens, err := filepath.Glob("testdata/format/*.golden")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range goldens {
		if !slices.Contains(inputs, strings.TrimSuffix(path, ".golden")+".hcl") {
			t.Errorf("no test owns %s", path)
		}
	}
}

// The examples of the diagnostics are written as the formatter would.
func TestExamplesAreFormatted(t *testing.T) {
	for _, e := range diag.Table() {
		for _, example := range []string{e.Bad, e.Good} {
			for name, src := range split(example) {
				if syntaxIsWrong := []diag.Code{diag.Syntax, diag.TooDeep, diag.InvisibleChar}; example == e.Bad && slices.Contains(syntaxIsWrong, e.Code) {
					continue
				}
				got, diags := Format([]byte(src), name)
				if diags.HasErrors() {
					t.Errorf("%s: %v", e.Code, diags)
				}
				if d := cmp.Diff(src, string(got)); d != "" {
					t.Errorf("%s, %s:\n%s", e.Code, name, d)
				}
			}
		}
	}
}

// split takes the files out of an example.
func split(example string) map[string]string {
	files := map[string]string{}
	name := "recipe.hcl"
	for _, line := range strings.SplitAfter(example, "\n") {
		if marker, ok := strings.CutPrefix(line, "-- "); ok {
			name = strings.TrimSuffix(marker, " --\n")
			continue
		}
		if line != "" {
			files[name] += line
		}
	}
	return files
}

func TestFormatLeavesWhatIsWrong(t *testing.T) {
	many := strings.Repeat
	var arguments strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&arguments, "a%d = 1\n", i)
	}
	for name, test := range map[string]struct {
		src  string
		code diag.Code
	}{
		"syntax":            {"a   = \n", diag.Syntax},
		"nested blocks":     {many("a {\n", 10_000), diag.TooDeep},
		"nested lists":      {"a = " + many("[\n", 10_000), diag.TooDeep},
		"too large":         {many("# a comment\n", 30_000), diag.FileTooLarge},
		"too large then":    {many(many("a {\n", 50)+many("b {}\n", 200)+many("}\n", 50), 150), diag.FileTooLarge},
		"aligned arguments": {many("x", 1000) + " = 1\n" + arguments.String(), diag.TooDeep},
		"aligned comments":  {"a = \"" + many("x", 100_000) + "\" # x\nb {\n" + many("}\nb { # x\n", 10_000) + "}\n", diag.TooDeep},
		"invisible":         {"a = \"\u202e\"", diag.InvisibleChar},
	} {
		t.Run(name, func(t *testing.T) {
			got, diags := Format([]byte(test.src), "x.hcl")
			if !bytes.Equal(got, []byte(test.src)) {
				t.Error("the source was changed")
			}
			if len(diags) != 1 {
				t.Fatalf("got %v", diags)
			}
			if m, _ := diag.MetaOf(diags[0]); m.Code != test.code {
				t.Errorf("got %v", diags)
			}
		})
	}
}

func formattedIsStable(t *testing.T, src []byte) {
	t.Helper()
	out, diags := Format(src, "x.hcl")
	if diags.HasErrors() {
		if !bytes.Equal(out, src) {
			t.Fatalf("changed in spite of %v", diags)
		}
		return
	}
	again, diags := Format(out, "x.hcl")
	if diags.HasErrors() {
		t.Fatalf("formatted %q: %v", out, diags)
	}
	if !bytes.Equal(out, again) {
		t.Fatalf("formatted once and twice:\n%q\n%q", out, again)
	}
	if n := len(out); n > 0 && (out[n-1] != '\n' || bytes.HasSuffix(out, []byte("\n\n")) || out[0] == '\n') {
		t.Fatalf("begins or ends wrongly: %q", out)
	}
	before, _ := syntax.ParseFile(src, "x.hcl")
	after, _ := syntax.ParseFile(out, "x.hcl")
	if a, b := shape(before), shape(after); a != b {
		t.Fatalf("the meaning changed: %s", cmp.Diff(a, b))
	}
	if a, b := comments(src), comments(out); a != b {
		t.Fatalf("the comments changed: %s", cmp.Diff(a, b))
	}
}

// shape writes down what a body means, without places.
func shape(body *hclsyntax.Body) string {
	var b strings.Builder
	writeShape(&b, body)
	return b.String()
}

func writeShape(b *strings.Builder, body *hclsyntax.Body) {
	var names []string
	for name := range body.Attributes {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(b, "%s =", name)
		hclsyntax.VisitAll(body.Attributes[name].Expr, func(n hclsyntax.Node) hcl.Diagnostics {
			fmt.Fprintf(b, " %T", n)
			switch n := n.(type) {
			case *hclsyntax.LiteralValueExpr:
				fmt.Fprintf(b, " %#v", n.Val)
			case *hclsyntax.ScopeTraversalExpr:
				for _, step := range n.Traversal {
					fmt.Fprintf(b, " %s", stepText(step))
				}
			case *hclsyntax.RelativeTraversalExpr:
				for _, step := range n.Traversal {
					fmt.Fprintf(b, " %s", stepText(step))
				}
			case *hclsyntax.FunctionCallExpr:
				fmt.Fprintf(b, " %s %v", n.Name, n.ExpandFinal)
			case *hclsyntax.ForExpr:
				fmt.Fprintf(b, " %s %s %v", n.KeyVar, n.ValVar, n.Group)
			case *hclsyntax.BinaryOpExpr:
				fmt.Fprintf(b, " %p", n.Op)
			case *hclsyntax.UnaryOpExpr:
				fmt.Fprintf(b, " %p", n.Op)
			}
			return nil
		})
		b.WriteByte('\n')
	}
	for _, block := range body.Blocks {
		fmt.Fprintf(b, "%s %q {\n", block.Type, block.Labels)
		writeShape(b, block.Body)
		b.WriteString("}\n")
	}
}

func stepText(step hcl.Traverser) string {
	switch step := step.(type) {
	case hcl.TraverseRoot:
		return step.Name
	case hcl.TraverseAttr:
		return "." + step.Name
	case hcl.TraverseIndex:
		return fmt.Sprintf("[%#v]", step.Key)
	}
	return fmt.Sprintf("%T", step)
}

func comments(src []byte) string {
	tokens, _ := hclsyntax.LexConfig(src, "x.hcl", hcl.InitialPos)
	var b strings.Builder
	for _, tok := range tokens {
		if tok.Type == hclsyntax.TokenComment {
			b.WriteString(strings.TrimRight(string(tok.Bytes), " \t\r\n") + "\n")
		}
	}
	return b.String()
}

func FuzzFormat(f *testing.F) {
	inputs, err := filepath.Glob("testdata/format/*.hcl")
	if err != nil {
		f.Fatal(err)
	}
	for _, input := range inputs {
		src, err := os.ReadFile(input)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	for _, e := range diag.Table() {
		f.Add([]byte(e.Good))
		f.Add([]byte(e.Bad))
	}
	f.Add([]byte("a {\n b = 1 }\n"))
	f.Add([]byte("a = <<-A\n  ${x}\n  A\n# c"))
	f.Add([]byte("a /* x */ b /* y\n*/ {} // z"))
	f.Fuzz(func(t *testing.T, src []byte) { formattedIsStable(t, src) })
}
