package main

// Recipes for pairs of a trigger and actions, and the list of all pairs.

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/connectors/pair"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/edit"
	"github.com/flowrun/flowrun/lang/suite"
)

func newCommand() *command {
	var list, asJSON, force bool
	var out string
	return &command{
		name:  "new",
		args:  "TRIGGER ACTION…",
		short: "write a recipe for a trigger and actions, with what both mean alike mapped",
		long: "Inputs are mapped by their meaning: an e-mail address to an e-mail address. What the trigger does not carry comes\n" +
			"from a look-up, or from a variable without a default. What can't be undone waits for a variable, too.\n" +
			"With -o FILE.hcl, FILE.test.hcl is written beside it: that the call is made, and what holds it back. Without it the\n" +
			"recipe is printed, and its test is not.\n" +
			"With -list, the pairs there are: all, those of a service with others, or those between two.",
		example: "flowrun new stripe_charge_failed customerio_track -o failed.hcl\nflowrun new -list stripe customerio",
		group:   groupWrite,
		maxArgs: -1,
		flags: func(f *flags) {
			f.StringVar(&out, "o", "", "`FILE`: write to it, and the test beside it; files that are there are left alone")
			f.BoolVar(&force, "force", false, "with -o: overwrite what is there")
			f.BoolVar(&list, "list", false, "list the pairs")
			f.BoolVar(&asJSON, "json", false, "with -list: print JSON")
		},
		run: func(ctx context.Context, m *Main, args []string) error {
			r := all.Registry()
			switch {
			case list:
				return m.listPairs(r, args, asJSON)
			case asJSON:
				return usagef("-json belongs to -list")
			case force && out == "":
				return usagef("-force belongs to -o")
			case len(args) < 2:
				return usagef("which trigger and which actions? For example: flowrun new stripe_charge_failed customerio_track")
			}
			return m.writePair(ctx, r, args[0], args[1:], out, force)
		},
	}
}

func (m *Main) writePair(ctx context.Context, r *connectors.Registry, trigger string, actions []string, out string, force bool) error {
	if r.Trigger(trigger) == nil {
		return usagef("there is no trigger %q.%s \"flowrun new -list\" shows the pairs", trigger, diag.DidYouMean(trigger, r.TriggerNames()))
	}
	for _, a := range actions {
		if r.Caller(a) == nil {
			return usagef("there is no action %q.%s \"flowrun new -list\" shows the pairs", a, diag.DidYouMean(a, r.ActionNames()))
		}
	}
	base, isRecipe := strings.CutSuffix(out, ".hcl")
	if out != "" && (!isRecipe || base == "" || strings.HasSuffix(base, ".test")) {
		return usagef("-o %s: a recipe's file is called NAME.hcl, and NAME.test.hcl is its test's", out)
	}
	p, err := pair.Write(r, trigger, actions...)
	if err != nil {
		return usagef("%v", err)
	}
	recipe, test, err := provePair(ctx, r, p)
	if err != nil {
		return err
	}
	if out == "" {
		_, err := m.Stdout.Write(recipe)
		return err
	}
	if err := m.writePairFiles(force, newFile{out, recipe}, newFile{base + ".test.hcl", test}); err != nil {
		return err
	}
	fmt.Fprintf(m.Stderr, "%s and its test %s\n", out, base+".test.hcl")
	var needs []string
	for _, v := range p.Variables {
		needs = append(needs, v.Name)
	}
	if len(needs) > 0 {
		fmt.Fprintf(m.Stderr, "it needs a value for %s\n", strings.Join(needs, ", "))
	}
	return nil
}

// provePair formats a pair's recipe and test, checks both and runs the test: nothing is handed to anybody that fails.
func provePair(ctx context.Context, r *connectors.Registry, p *pair.Recipe) (recipe, test []byte, err error) {
	recipe, diags := edit.Format([]byte(p.Text), "recipe.hcl")
	test, more := edit.Format([]byte(p.Test), "recipe.test.hcl")
	if diags = append(diags, more...); diags.HasErrors() {
		return nil, nil, fmt.Errorf("what was written can't be read: %w", diags)
	}
	program, diags := lang.CompileFiles(map[string][]byte{"recipe.hcl": recipe}, r)
	if diags.HasErrors() {
		return nil, nil, fmt.Errorf("the recipe that was written is not sound: %w", diags)
	}
	b, err := newBench(&project{program: program}, r)
	if err != nil {
		return nil, nil, err
	}
	tests, diags := suite.Compile(map[string][]byte{"recipe.test.hcl": test}, b.options())
	if diags.HasErrors() {
		return nil, nil, fmt.Errorf("the test that was written is not sound: %w", diags)
	}
	for _, res := range b.runner.Run(ctx, tests) {
		if !res.Passed() {
			return nil, nil, fmt.Errorf("the recipe that was written does not pass its test %q: %s", res.Test.Name, res.Failures[0].What)
		}
	}
	return recipe, test, nil
}

// newFile is a file to write, by the path that the user knows it by.
type newFile struct {
	name string
	text []byte
}

// writePairFiles writes all of the files, or none where one is there and is not to be overwritten.
func (m *Main) writePairFiles(force bool, files ...newFile) error {
	for _, f := range files {
		switch _, err := os.Lstat(m.path(f.name)); {
		case err == nil && !force:
			return usagef("%s is there already; -force overwrites it", f.name)
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("looking for %s: %w", f.name, cause(err))
		}
	}
	for _, f := range files {
		write := writeNew
		if force {
			write = func(name string, text []byte) error { return os.WriteFile(name, text, 0o644) }
		}
		if err := write(m.path(f.name), f.text); err != nil {
			return fmt.Errorf("writing %s: %w", f.name, cause(err))
		}
	}
	return nil
}

// onePair is a row of -list.
type onePair struct {
	Trigger string `json:"trigger"`
	Action  string `json:"action"`
}

// pairsBetween returns the pairs between the services, both ways; of all with all where none is named.
func pairsBetween(r *connectors.Registry, services []string) ([]onePair, error) {
	for _, s := range services {
		if spec := r.Spec(s); spec == nil || spec.Local {
			return nil, usagef("there is no service %q that has pairs.%s", s, diag.DidYouMean(s, r.ServiceNames()))
		}
	}
	out := []onePair{}
	for _, t := range r.TriggerNames() {
		trigger := r.Trigger(t)
		if !pair.Offered(trigger) || r.Spec(trigger.Service).Local {
			continue
		}
		for _, a := range r.ActionNames() {
			action := r.Caller(a)
			if action.Service != trigger.Service && !r.Spec(action.Service).Local && between(services, trigger.Service, action.Service) {
				out = append(out, onePair{t, a})
			}
		}
	}
	return out, nil
}

func between(services []string, from, to string) bool {
	switch len(services) {
	case 0:
		return true
	case 1:
		return services[0] == from || services[0] == to
	}
	return services[0] == from && services[1] == to || services[0] == to && services[1] == from
}

func (m *Main) listPairs(r *connectors.Registry, services []string, asJSON bool) error {
	if len(services) > 2 {
		return usagef("pairs are between two services")
	}
	list, err := pairsBetween(r, services)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(m.Stdout, map[string]any{"pairs": list})
	}
	for _, p := range list {
		if _, err := fmt.Fprintf(m.Stdout, "%s %s\n", p.Trigger, p.Action); err != nil {
			return fmt.Errorf("printing the pairs: %w", err)
		}
	}
	return nil
}
