package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var proof = regexp.MustCompile(`\[([A-Za-z_]+(?:\.txtar)?)\]\(([^)]+)\)`)

// TestGuaranteesAreProved holds docs/guarantees.md against the tests that it names: each promise names one at least, and
// each of them is in the file that the link leads to.
func TestGuaranteesAreProved(t *testing.T) {
	page, err := os.ReadFile(root + "/docs/guarantees.md")
	if err != nil {
		t.Fatal(err)
	}
	promises := promisesOf(string(page))
	if len(promises) < 40 {
		t.Errorf("only %d promises were found: has the form of the page changed?", len(promises))
	}
	for _, p := range promises {
		proofs := proof.FindAllStringSubmatch(p, -1)
		if len(proofs) == 0 {
			t.Errorf("nothing proves: %s", p)
		}
		for _, m := range proofs {
			name, path := m[1], filepath.Join(root, "docs", m[2])
			text, err := os.ReadFile(path)
			switch {
			case err != nil:
				t.Errorf("%s: %v", name, err)
			case strings.HasSuffix(name, ".txtar"):
				if filepath.Base(path) != name {
					t.Errorf("%s leads to %s", name, path)
				}
			case !strings.HasSuffix(path, "_test.go") || !strings.Contains(string(text), "\nfunc "+name+"(t *testing.T)"):
				t.Errorf("%s has no test %s", path, name)
			}
		}
	}
}

// promisesOf returns the items of lists, with the lines that go on with them, and the rows of tables.
func promisesOf(page string) []string {
	var out []string
	item := false
	for line := range strings.SplitSeq(page, "\n") {
		switch {
		case strings.HasPrefix(line, "- "), strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| what fails"):
			out = append(out, line)
			item = strings.HasPrefix(line, "- ")
		case item && strings.HasPrefix(line, "  "):
			out[len(out)-1] += " " + strings.TrimSpace(line)
		default:
			item = false
		}
	}
	return out
}
