package syntax_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/syntax"
)

// header writes a block's beginning with as many labels as it needs.
func header(block string) string {
	return block + strings.Repeat(` "x"`, syntax.LabelsOf(block).Least) + " {\n"
}

// TestInside writes every word where Inside says that it may stand: the parser knows it there. It follows blocks into
// blocks, and finds that each of them has a sentence for editors.
func TestInside(t *testing.T) {
	words := 0
	var visit func(file string, path []string)
	visit = func(file string, path []string) {
		w := syntax.Inside(file, path...)
		place := ""
		if len(path) > 0 {
			place = path[len(path)-1]
		}
		try := func(word, text string) {
			words++
			src := ""
			for _, block := range path {
				src += header(block)
			}
			src += text + strings.Repeat("}\n", len(path))
			_, diags := syntax.Parse(map[string][]byte{file: []byte(src)})
			for _, d := range diags {
				m, _ := diag.MetaOf(d)
				switch m.Code {
				case diag.UnexpectedArg, diag.UnexpectedBlock, diag.WrongPlace, diag.WrongLabels, diag.Syntax:
					if strings.Contains(d.Detail, fmt.Sprintf("%q", word)) || m.Code == diag.Syntax || m.Code == diag.WrongLabels {
						t.Errorf("%s in %s %v: %s\n%s", word, file, path, d.Detail, src)
					}
				}
			}
		}
		for _, word := range w.Args {
			try(word, word+" = null\n")
			if syntax.Doc(place, word) == "" {
				t.Errorf("%s of %q has no sentence", word, place)
			}
		}
		for _, word := range w.Blocks {
			try(word, header(word)+"}\n")
			if syntax.Doc("", word) == "" {
				t.Errorf("the block %s has no sentence", word)
			}
			if len(path) < 4 {
				visit(file, append(path[:len(path):len(path)], word))
			}
		}
	}
	visit("a.hcl", nil)
	visit(syntax.ConfigFile, nil)
	if words < 100 {
		t.Errorf("%d words were tried: too few for a test", words)
	}
}

// TestInsideTests does so for files of tests.
func TestInsideTests(t *testing.T) {
	words := 0
	var visit func(path []string)
	visit = func(path []string) {
		w := syntax.Inside("a.test.hcl", path...)
		place := ""
		if len(path) > 0 {
			place = path[len(path)-1]
		}
		try := func(word, text string) {
			words++
			src, end := "", ""
			for _, block := range path {
				src += testHeader(block)
				end += "}\n"
			}
			src += text + end
			_, diags := syntax.ParseTests(map[string][]byte{"a.test.hcl": []byte(src)})
			for _, d := range diags {
				t.Errorf("%s in %v: %s\n%s", word, path, d.Detail, src)
			}
			if syntax.TestDoc(place, word) == "" {
				t.Errorf("%s of %q has no sentence", word, place)
			}
		}
		for _, word := range w.Args {
			try(word, word+" = null\n")
		}
		for _, word := range w.Blocks {
			try(word, testHeader(word)+"}\n")
			inner := []string{word}
			if word == "expect" {
				inner = append(inner, "expect action", "expect wait", "expect state")
			}
			for _, block := range inner {
				visit(append(path[:len(path):len(path)], block))
			}
		}
	}
	visit(nil)
	if words < 40 {
		t.Errorf("%d words were tried: too few for a test", words)
	}
}

// testHeader writes the beginning of a block of tests with the labels that it needs.
func testHeader(block string) string {
	switch block {
	case "mock":
		return "mock action \"x\" {\n"
	case "expect action", "expect wait", "expect state":
		return block + " \"x\" {\n"
	case "advance":
		return "advance \"1h\" {\n"
	}
	return header(block)
}
