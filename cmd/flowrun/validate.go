package main

import (
	"context"
	"fmt"
	"io"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/lang/diag"
)

func validateCommand() *command {
	var asJSON, sarif, github bool
	return &command{
		name:  "validate",
		args:  "[DIR]",
		short: "parse and check all recipes of a folder",
		long: "The environment is not read, so that it says the same on every machine. Warnings alone are no failure.\n" +
			"Exit codes: 0 no errors, 1 errors, 2 the folder could not be read.",
		example: "flowrun validate recipes",
		group:   groupWrite,
		maxArgs: 1,
		flags: func(f *flags) {
			f.BoolVar(&asJSON, "json", false, "print JSON, in the format of Terraform's validate")
			f.BoolVar(&sarif, "sarif", false, "print SARIF, for code scanning")
			f.BoolVar(&github, "github", false, "print workflow commands, which GitHub shows in a pull request")
		},
		run: func(_ context.Context, m *Main, args []string) error {
			type renderer func(io.Writer, hcl.Diagnostics, map[string][]byte) error
			var render renderer
			for _, r := range []struct {
				wanted bool
				render renderer
			}{{asJSON, diag.WriteJSON}, {sarif, diag.WriteSARIF}, {github, diag.WriteGitHub}} {
				if r.wanted && render != nil {
					return usagef("-json, -sarif and -github exclude each other")
				}
				if r.wanted {
					render = r.render
				}
			}
			shown, dir, err := m.folder(args)
			if err != nil {
				return err
			}
			p := compile(shown, dir, all.Registry())
			if render != nil {
				if err := render(m.Stdout, p.diags, p.files()); err != nil {
					return fmt.Errorf("printing: %w", err)
				}
			} else if err := m.printDiags(m.Stdout, p.diags, p.files()); err != nil {
				return err
			}
			if render == nil || github {
				summary := m.Stdout
				if github {
					summary = m.Stderr
				}
				fmt.Fprintln(summary, summarize(p))
			}
			if p.diags.HasErrors() {
				return errProblems
			}
			return nil
		},
	}
}

// summarize returns the line at the end: "4 recipes, no problems".
func summarize(p *project) string {
	errs, warnings := 0, 0
	for _, d := range p.diags {
		if d.Severity == hcl.DiagWarning {
			warnings++
		} else {
			errs++
		}
	}
	recipes := 0
	if p.program != nil {
		recipes = len(p.program.Recipes())
	}
	switch {
	case errs == 0 && warnings == 0 && recipes == 0:
		return "no recipes in " + p.shown
	case errs == 0 && warnings == 0:
		return plural(recipes, "recipe") + ", no problems"
	case errs == 0:
		return "\n" + plural(recipes, "recipe") + ", " + plural(warnings, "warning")
	case warnings == 0:
		return "\n" + plural(errs, "error")
	}
	return "\n" + plural(errs, "error") + ", " + plural(warnings, "warning")
}
