package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	stripego "github.com/stripe/stripe-go/v76"
)

// TestCataloguesAreFresh checks that the committed files are what the generator writes, and that it writes the same each
// time.
func TestCataloguesAreFresh(t *testing.T) {
	first, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	second, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range first {
		if !bytes.Equal(text, second[name]) {
			t.Errorf("two runs of the generator differ in %s", name)
		}
		committed, err := os.ReadFile(filepath.Join(filepath.FromSlash("../../../connectors/stripe"), name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(text, committed) {
			t.Errorf("%s is stale: run go generate ./connectors/stripe", name)
		}
	}
}

// dead are the event types that Stripe's library names and that its API of this version can't send any more.
var dead = []string{"invoiceitem.updated", "order.created", "recipient.created", "recipient.deleted", "recipient.updated",
	"sku.created", "sku.deleted", "sku.updated"}

// TestSDKKnowsTheEvents compares the event types with the constants of Stripe's library for the same version: a second
// list of the same thing, written by somebody else's generator.
func TestSDKKnowsTheEvents(t *testing.T) {
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	text := files["catalog.txt"]
	if !bytes.Contains(text, []byte("\nversion "+stripego.APIVersion+"\n")) {
		t.Errorf("the description is not of version %s, as the library is", stripego.APIVersion)
	}
	ours := map[string]bool{}
	for line := range strings.SplitSeq(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, "event "); ok {
			name, _, _ := strings.Cut(rest, " ")
			ours[name] = true
		}
	}
	theirs := sdkEvents(t)
	for _, name := range dead {
		if !theirs[name] || ours[name] {
			t.Errorf("%s is not a dead type", name)
		}
		delete(theirs, name)
	}
	for name := range theirs {
		if !ours[name] {
			t.Errorf("%s is missing", name)
		}
	}
	for name := range ours {
		if !theirs[name] {
			t.Errorf("%s is not known to the library", name)
		}
	}
}

// sdkEvents returns the values of the constants of type EventType in stripe-go's event.go.
func sdkEvents(t *testing.T) map[string]bool {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/stripe/stripe-go/v76").Output()
	if err != nil {
		t.Fatalf("finding stripe-go: %v", err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "event.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	events := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "EventType" {
			return true
		}
		for _, v := range spec.Values {
			if lit, ok := v.(*ast.BasicLit); ok {
				if name, err := strconv.Unquote(lit.Value); err == nil {
					events[name] = true
				}
			}
		}
		return true
	})
	if len(events) < 200 {
		t.Fatalf("stripe-go names %d event types", len(events))
	}
	return events
}

// TestNoProse checks that nothing but names and types gets into the catalogue: the vendor's sentences are not ours.
func TestNoProse(t *testing.T) {
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		for line := range strings.SplitSeq(string(text), "\n") {
			if strings.HasPrefix(line, "#") {
				continue
			}
			words := strings.Fields(strings.ReplaceAll(line, " | ", "|"))
			if len(words) > 4 && words[0] != "op" || len(words) > 6 {
				t.Errorf("%s: line %q", name, line)
			}
		}
	}
}
