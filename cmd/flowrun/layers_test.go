package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/flowrun/flowrun/"

type layer struct {
	folder string
	level  int
}

// layers says how high each package stands. A package imports packages that stand lower, and no others, but for the
// exceptions. A folder stands for all beneath it that have no row of their own, and FOLDER/* for each folder in it.
var layers = []layer{
	{"cmd", 7},
	{"runtime/testrun", 6},
	{"runtime/engine", 5},
	{"runtime/ingress", 5},
	{"runtime/reload", 5},
	{"runtime/schedule", 5},
	{"runtime/endpoints", 5},
	{"runtime/history", 5},
	{"runtime/control", 5},
	{"runtime/ui", 5},
	{"runtime/sqlite", 5},
	{"runtime/memstore", 5},
	{"runtime/runtimetest", 5},
	{"connectors/all", 5},
	{"lang/edit/lsp", 5},
	{"lang/langtest", 5},
	{"lang/edit", 4},
	{"runtime", 4},
	{"runtime/telemetry", 4},
	{"connectors/connectortest", 4},
	{"connectors/pair", 4},
	{"connectors/*", 4}, // each service
	{"connectors", 3},
	{"lang/draw", 3},
	{"lang/suite", 3},
	{"lang", 3},
	{"lang/check", 2},
	{"lang/eval", 2},
	{"lang/syntax", 1},
	{"lang/diag", 1},
	{"lang/cron", 0},
	{"lang/schema", 0},
}

// exceptions are imports that the rule forbids, each with its reason.
var exceptions = map[[2]string]string{
	{"lang/check", "lang/eval"}:  "the checker folds constants and bounds expressions with the evaluator that will run them",
	{"lang/syntax", "lang/diag"}: "the parser's mistakes have codes like all others; diag knows no recipe",
}

// knowers are the packages that may name services, besides the list of them and the services' own.
var knowers = map[string]string{
	"cmd/flowrun":   "dev starts the stand-ins of services, version prints the version of Stripe's API",
	"cmd/flowbench": "the benchmark sends Stripe's events to a stand-in of Customer.io",
}

// topLevel is all that lies at the top but dot-files.
var topLevel = []string{"CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md", "cmd", "connectors", "docs", "examples", "go.mod", "go.sum", "lang", "runtime"}

func level(pkg string) (int, bool) {
	best, found := 0, ""
	for _, l := range layers {
		if l.covers(pkg) && len(strings.TrimSuffix(l.folder, "*")) > len(strings.TrimSuffix(found, "*")) {
			best, found = l.level, l.folder
		}
	}
	return best, found != ""
}

func (l layer) covers(pkg string) bool {
	if folder, each := strings.CutSuffix(l.folder, "*"); each {
		return strings.HasPrefix(pkg, folder)
	}
	return pkg == l.folder || strings.HasPrefix(pkg, l.folder+"/")
}

func service(pkg string) string {
	parts := strings.Split(pkg, "/")
	if len(parts) < 2 || parts[0] != "connectors" || slices.Contains([]string{"all", "connectortest"}, parts[1]) {
		return ""
	}
	return parts[1]
}

func TestLayers(t *testing.T) {
	root := filepath.Join("..", "..")
	fset := token.NewFileSet()
	packages := map[string]bool{}
	used := map[[2]string]bool{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			base := d.Name()
			if name != root && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Error(err)
			return nil
		}
		pkg := path.Dir(rel)
		packages[pkg] = true
		test := strings.HasSuffix(rel, "_test.go")
		for _, imp := range f.Imports {
			target, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				return err
			}
			checkImport(t, rel, pkg, target, test, used)
		}
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Name.Name == "init" && fn.Recv == nil {
				t.Errorf("%s: init() runs whether or not anybody wants it; call a function", fset.Position(fn.Pos()))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		if !slices.ContainsFunc(slices.Collect(keys(packages)), l.covers) {
			t.Errorf("layer %s: there is no such package", l.folder)
		}
	}
	for e := range exceptions {
		if !used[e] {
			t.Errorf("exception %s → %s: nothing needs it", e[0], e[1])
		}
	}
}

func keys(m map[string]bool) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// checkImport tests one import. Tests may import what they need, in their own layer too, but upwards nothing.
func checkImport(t *testing.T, file, pkg, target string, test bool, used map[[2]string]bool) {
	if target == "C" || target == "plugin" {
		t.Errorf("%s: imports %q; one static binary, on every platform", file, target)
	}
	to, ours := strings.CutPrefix(target, module)
	if !ours {
		return
	}
	from, ok := level(pkg)
	if !ok {
		t.Errorf("%s: package %s is in no layer", file, pkg)
		return
	}
	down, ok := level(to)
	if !ok {
		t.Errorf("%s: package %s is in no layer", file, to)
		return
	}
	if s := service(to); s != "" && s != service(pkg) && !test {
		if _, knows := knowers[pkg]; !knows && pkg != "connectors/all" {
			t.Errorf("%s: only connectors/all names services, and this imports %s", file, to)
		}
	}
	if down < from || pkg == to || strings.HasPrefix(to, pkg+"/") && from == 7 {
		return
	}
	if test {
		if down > from && !strings.HasSuffix(path.Base(to), "test") && !strings.HasSuffix(to, "memstore") && !strings.HasSuffix(to, "fake") {
			t.Errorf("%s: a test of layer %d imports %s of layer %d", file, from, to, down)
		}
		return
	}
	if why := exceptions[[2]string{pkg, to}]; why != "" {
		used[[2]string{pkg, to}] = true
		return
	}
	t.Errorf("%s: layer %d imports %s of layer %d; only lower layers may be imported", file, from, to, down)
}

func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(topLevel, e.Name()) {
			t.Errorf("%s lies at the top level: it has a place in one of the four wings, or it is no part of the project", e.Name())
		}
	}
}
