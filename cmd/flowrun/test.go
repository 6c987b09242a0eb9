package main

// Tests of recipes. They read no environment: what a connection needs is made up, the same on every machine.

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/suite"
	"github.com/flowrun/flowrun/lang/syntax"
	"github.com/flowrun/flowrun/runtime/testrun"
)

type testOptions struct {
	filter, junit string
	asJSON, cover bool
}

func testCommand() *command {
	var o testOptions
	return &command{
		name:  "test",
		args:  "[DIR]",
		short: "run the tests of a folder of recipes",
		long: "Tests are the test blocks of *.test.hcl. Nothing leaves the machine and the environment is not read: actions answer\n" +
			"from mocks or from their declared examples, and time passes at once.\n" +
			"Exit codes: 0 all passed, 1 a test failed or does not compile, 2 the folder could not be read.",
		example: "flowrun test recipes -cover",
		group:   groupWrite,
		maxArgs: 1,
		flags: func(f *flags) {
			f.StringVar(&o.filter, "filter", "", "`PATTERN`: only tests whose recipe: name matches, a regular expression")
			f.BoolVar(&o.asJSON, "json", false, "print JSON")
			f.StringVar(&o.junit, "junit-xml", "", "`FILE`: also write a report as JUnit does")
			f.BoolVar(&o.cover, "cover", false, "say what of the recipes no test shows")
		},
		run: o.run,
	}
}

func (o *testOptions) run(ctx context.Context, m *Main, args []string) error {
	only, err := regexp.Compile(o.filter)
	if err != nil {
		return usagef("-filter %q is no regular expression: %v", o.filter, err)
	}
	b, err := m.openBench(args)
	if err != nil {
		return err
	}
	tests, err := b.tests(m)
	if err != nil {
		return err
	}
	count := len(tests)
	kept := tests[:0]
	for _, t := range tests {
		if only.MatchString(t.Recipe.Name + ": " + t.Name) {
			kept = append(kept, t)
		}
	}
	results := b.runner.Run(ctx, kept)
	out := &testReport{m: m, bench: b, results: results, filter: o.filter, all: count}
	if o.cover {
		c := testrun.Cover(b.covered(o.filter != "", kept), results)
		out.cover = &c
	}
	if o.asJSON {
		err = printJSON(m.Stdout, out.json())
	} else {
		out.text()
	}
	if o.junit != "" && err == nil {
		err = m.writeReport(o.junit, out.junit())
	}
	if err == nil && out.failed() > 0 {
		return errProblems
	}
	return err
}

// writeReport writes a file, and the folder that it lies in.
func (m *Main) writeReport(name string, text []byte) error {
	err := os.MkdirAll(filepath.Dir(m.path(name)), 0o755)
	if err == nil {
		err = os.WriteFile(m.path(name), text, 0o644)
	}
	if err != nil {
		return fmt.Errorf("writing the report %s: %w", name, cause(err))
	}
	return nil
}

// bench is a folder whose recipes can be run in tests.
type bench struct {
	project  *project
	registry *connectors.Registry
	runner   *testrun.Runner
}

// openBench compiles a folder and makes it ready for tests. Mistakes in recipes are printed.
func (m *Main) openBench(args []string) (*bench, error) {
	shown, dir, err := m.folder(args)
	if err != nil {
		return nil, err
	}
	registry := all.Registry()
	p := compile(shown, dir, registry)
	if p.diags.HasErrors() || p.program == nil {
		if err := m.printDiags(m.Stderr, p.diags, p.files()); err != nil {
			return nil, err
		}
		return nil, errProblems
	}
	return newBench(p, registry)
}

// newBench makes a project that compiled ready for tests.
func newBench(p *project, registry *connectors.Registry) (*bench, error) {
	forger := newForger(registry)
	runner, err := testrun.New(testrun.Config{Program: p.program, Specs: all.Specs(),
		Bind: func(program *lang.Program, vars map[string]string) (*lang.Bindings, hcl.Diagnostics) {
			part := *p
			part.program = program
			return program.Bind(forger.inputs(&part, vars))
		}})
	return &bench{project: p, registry: registry, runner: runner}, err
}

// tests reads and checks the tests of the folder. Their mistakes are printed, and none is run then.
func (b *bench) tests(m *Main) ([]*suite.Test, error) {
	files, diags := syntax.LoadTests(os.DirFS(b.project.dir))
	tests, more := suite.Compile(files, b.options())
	diags = append(diags, more...)
	diag.Sort(diags)
	if err := m.printDiags(m.Stderr, diags, files); err != nil {
		return nil, err
	}
	if diags.HasErrors() {
		return nil, errProblems
	}
	return tests, nil
}

func (b *bench) options() suite.Options {
	o := suite.Options{Program: b.project.program, Catalog: b.registry, ReadFile: b.fixture}
	for _, k := range connectors.Kinds() {
		o.Kinds = append(o.Kinds, string(k))
	}
	return o
}

// fixture reads a file by its path in the folder; nothing outside of it is read.
func (b *bench) fixture(name string) ([]byte, error) {
	name = path.Clean(filepath.ToSlash(name))
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return nil, fmt.Errorf("a fixture lies in the project's folder")
	}
	raw, err := os.ReadFile(filepath.Join(b.project.dir, filepath.FromSlash(name)))
	if err != nil {
		return nil, cause(err)
	}
	return raw, nil
}

// covered are the recipes whose coverage is told: all, or, where tests are left out, those of the others.
func (b *bench) covered(filtered bool, tests []*suite.Test) []*check.Recipe {
	var out []*check.Recipe
	for _, r := range b.project.program.Recipes() {
		if strings.HasSuffix(r.Filename, syntax.ConfigFile) {
			continue // on_alert
		}
		if !filtered || slices.ContainsFunc(tests, func(t *suite.Test) bool { return t.Recipe.Name == r.Name }) {
			out = append(out, r)
		}
	}
	return out
}
