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
)

func newCommand() *command {
	var list, asJSON bool
	var out string
	return &command{
		name:  "new",
		args:  "TRIGGER ACTION…",
		short: "write a recipe for a trigger and actions, with what both mean alike mapped",
		long: "Inputs are mapped by their meaning: an e-mail address to an e-mail address. What the trigger does not carry comes\n" +
			"from a look-up, or from a variable without a default. What can't be undone waits for a variable, too.\n" +
			"With -list, the pairs there are: all, those of a service with others, or those between two.",
		example: "flowrun new stripe_charge_failed customerio_track -o failed.hcl\nflowrun new -list stripe customerio",
		group:   groupWrite,
		maxArgs: -1,
		flags: func(f *flags) {
			f.StringVar(&out, "o", "", "`FILE`: write to it; one that is there is left alone")
			f.BoolVar(&list, "list", false, "list the pairs")
			f.BoolVar(&asJSON, "json", false, "with -list: print JSON")
		},
		run: func(_ context.Context, m *Main, args []string) error {
			r := all.Registry()
			switch {
			case list:
				return m.listPairs(r, args, asJSON)
			case asJSON:
				return usagef("-json belongs to -list")
			case len(args) < 2:
				return usagef("which trigger and which actions? For example: flowrun new stripe_charge_failed customerio_track")
			}
			return m.writePair(r, args[0], args[1:], out)
		},
	}
}

// soundPair writes the recipe for a trigger and actions, formatted and checked. Names that there are not are errors of use.
func soundPair(r *connectors.Registry, trigger string, actions ...string) (*pair.Recipe, []byte, error) {
	if r.Trigger(trigger) == nil {
		return nil, nil, usagef("there is no trigger %q.%s \"flowrun new -list\" shows the pairs", trigger, diag.DidYouMean(trigger, r.TriggerNames()))
	}
	for _, a := range actions {
		if r.Caller(a) == nil {
			return nil, nil, usagef("there is no action %q.%s \"flowrun new -list\" shows the pairs", a, diag.DidYouMean(a, r.ActionNames()))
		}
	}
	p, err := pair.Write(r, trigger, actions...)
	if err != nil {
		return nil, nil, usagef("%v", err)
	}
	text, diags := edit.Format([]byte(p.Text), "recipe.hcl")
	if !diags.HasErrors() {
		_, diags = lang.CompileFiles(map[string][]byte{"recipe.hcl": text}, r)
	}
	if diags.HasErrors() {
		return nil, nil, fmt.Errorf("the recipe that was written is not sound: %w", diags)
	}
	return p, text, nil
}

func (m *Main) writePair(r *connectors.Registry, trigger string, actions []string, out string) error {
	p, text, err := soundPair(r, trigger, actions...)
	if err != nil {
		return err
	}
	if out == "" {
		_, err := m.Stdout.Write(text)
		return err
	}
	f, err := os.OpenFile(m.path(out), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return usagef("%s is there already", out)
	}
	if err != nil {
		return fmt.Errorf("writing the recipe: %w", err)
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing the recipe: %w", err)
	}
	var needs []string
	for _, v := range p.Variables {
		needs = append(needs, v.Name)
	}
	if len(needs) > 0 {
		fmt.Fprintf(m.Stderr, "it needs a value for %s\n", strings.Join(needs, ", "))
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
