package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/syntax"
	"github.com/flowrun/flowrun/runtime/testrun"
)

func fuzzCommand() *command {
	var dir string
	var count int
	var seed uint64
	var asJSON bool
	return &command{
		name:  "fuzz",
		args:  "[RECIPE]",
		short: "throw extreme events of the declared shape at recipes",
		long: "Each event is whole and of its declared shape, and extreme in what a recipe reads of it: all null, all absent, empty,\n" +
			"very large, of a value that the vendor has not invented yet. Actions answer with their declared examples.\n" +
			"An event for which a run fails is made as plain as it can be and written to fixtures/fuzz, for a test to take up.\n" +
			"The same -seed gives the same events. Exit codes: 0 nothing failed, 1 something did.",
		example: "flowrun fuzz billing/dunning -dir recipes -n 1000",
		group:   groupWrite,
		maxArgs: 1,
		flags: func(f *flags) {
			f.StringVar(&dir, "dir", ".", "`DIR`: the folder of recipes")
			f.IntVar(&count, "n", 200, "`N`: how many events for each recipe")
			f.Uint64Var(&seed, "seed", 1, "`S`: another one gives other events")
			f.BoolVar(&asJSON, "json", false, "print JSON")
		},
		run: func(ctx context.Context, m *Main, args []string) error {
			if count < 1 {
				return usagef("-n is 1 or more")
			}
			b, err := m.openBench([]string{dir})
			if err != nil {
				return err
			}
			recipes, err := b.named(args)
			if err != nil {
				return err
			}
			out := fuzzJSON{Seed: seed, Failures: []fuzzFailureJSON{}}
			for _, r := range recipes {
				found, err := b.runner.Fuzz(ctx, r, count, seed)
				if err != nil {
					return fmt.Errorf("fuzzing %s: %w", r.Name, err)
				}
				out.Recipes++
				for i, f := range found {
					name := fmt.Sprintf("fixtures/fuzz/%s-%d.json", strings.ReplaceAll(r.Name, "/", "-"), i+1)
					if err := b.keep(name, f); err != nil {
						return err
					}
					out.Failures = append(out.Failures, fuzzFailureJSON{Recipe: f.Recipe, Event: f.Type, Step: f.Step, Kind: string(f.Kind), Message: f.Message,
						Changed: f.Changed, Fixture: name})
				}
			}
			if asJSON {
				err = printJSON(m.Stdout, out)
			} else {
				out.text(m, count)
			}
			if err == nil && len(out.Failures) > 0 {
				return errProblems
			}
			return err
		},
	}
}

// named returns the recipe that the arguments name, or all.
func (b *bench) named(args []string) ([]*check.Recipe, error) {
	if len(args) == 0 {
		return b.covered(false, nil), nil
	}
	name := strings.TrimSuffix(args[0], ".hcl")
	if r := b.project.program.Recipe(name); r != nil && r.Filename != syntax.ConfigFile {
		return []*check.Recipe{r}, nil
	}
	var names []string
	for _, r := range b.project.program.Recipes() {
		names = append(names, r.Name)
	}
	return nil, usagef("there is no recipe %q in the folder %q.%s", name, b.project.shown, diag.DidYouMean(name, names))
}

// keep writes a failure's event as a fixture.
func (b *bench) keep(name string, f *testrun.Found) error {
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, f.Event, "", "  "); err != nil {
		return fmt.Errorf("writing the event of %s: %w", f.Recipe, err)
	}
	pretty.WriteByte('\n')
	target := filepath.Join(b.project.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return fmt.Errorf("making the folder of %s: %w", name, cause(err))
	}
	if err := os.WriteFile(target, pretty.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", name, cause(err))
	}
	return nil
}

// The JSON below is a contract with other programs.

type fuzzJSON struct {
	Recipes  int               `json:"recipes"`
	Seed     uint64            `json:"seed"`
	Failures []fuzzFailureJSON `json:"failures"`
}

type fuzzFailureJSON struct {
	Recipe  string   `json:"recipe"`
	Event   string   `json:"event"`
	Step    string   `json:"step,omitempty"`
	Kind    string   `json:"kind"`
	Message string   `json:"message"`
	Changed []string `json:"changed"`
	Fixture string   `json:"fixture"`
}

func (o *fuzzJSON) text(m *Main, count int) {
	out := m.Stdout
	for _, f := range o.Failures {
		fmt.Fprintf(out, "FAIL %s on %s: %s: %s (%s)\n", f.Recipe, f.Event, orDash(f.Step), f.Message, f.Kind)
		for _, c := range f.Changed {
			fmt.Fprintf(out, "    %s\n", c)
		}
		fmt.Fprintf(out, "  written to %s\n", f.Fixture)
	}
	fmt.Fprintf(out, "%s, %s each, seed %d: ", plural(o.Recipes, "recipe"), plural(count, "event"), o.Seed)
	if len(o.Failures) == 0 {
		fmt.Fprintln(out, "nothing failed")
		return
	}
	fmt.Fprintf(out, "%s\n", plural(len(o.Failures), "failure"))
}
