package main

// What applying a folder would change at a server, said before it is applied.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/runtime/control"
	"github.com/flowrun/flowrun/runtime/endpoints"
)

// errChanges ends a command that has said what would change, where its exit code tells so.
var errChanges = errors.New("there are changes")

func planCommand() *command {
	var o planOptions
	return &command{
		name:  "plan",
		args:  "[DIR]",
		short: "say what applying a folder would change at a server",
		long: "Recipes that are added, changed and removed, with their filters in words; schedules and when they fire next;\n" +
			"connections and settings that become needed; runs that wait, and whether they could go on with the folder's recipes.\n" +
			"Nothing is changed: the server applies its own folder, at a change or at \"flowrun reload\".\n" +
			"With -detailed-exitcode: 0 where nothing changes, 2 where something does, 1 where it can't be told.",
		example: "flowrun plan recipes -detailed-exitcode",
		group:   groupOperate,
		maxArgs: 1,
		flags: func(f *flags) {
			o.remote.define(f)
			f.BoolVar(&o.detailed, "detailed-exitcode", false, "exit with 2 where there are changes, with 1 where the command fails")
			f.BoolVar(&o.webhooks, "webhooks", false, "also what \"webhooks apply\" would change at the vendors, which are asked")
			o.endpointOptions.define(f)
			f.Var(&o.vars, "var", "`NAME=VALUE`: with -webhooks, a variable; may be repeated (FLOWRUN_VAR_name)")
			f.Var(&o.varFiles, "var-file", "`FILE`: with -webhooks, variables, name = value; may be repeated")
		},
		run: func(ctx context.Context, m *Main, args []string) error {
			err := o.run(ctx, m, args)
			if o.detailed && err != nil && !errors.Is(err, errChanges) && !errors.Is(err, errProblems) {
				fmt.Fprintf(m.Stderr, "flowrun: %v\n", err)
				return errProblems
			}
			return err
		},
	}
}

type planOptions struct {
	remote
	endpointOptions
	vars, varFiles     list
	detailed, webhooks bool
}

func (o *planOptions) run(ctx context.Context, m *Main, args []string) error {
	shown, dir, err := m.folder(args)
	if err != nil {
		return err
	}
	if o.webhooks {
		if err := o.check(); err != nil {
			return err
		}
	}
	recipes := make(chan reply[[]control.Recipe], 1)
	go func() {
		list, err := o.client(m).Recipes(ctx)
		recipes <- reply[[]control.Recipe]{list, err}
	}()
	registry := all.Registry()
	edited, served, err := o.programs(ctx, m, shown, dir, registry)
	if err != nil {
		return err
	}
	if warnings := edited.diags; len(warnings) > 0 && !o.asJSON {
		if err := m.printDiags(m.Stderr, warnings, edited.files()); err != nil {
			return err
		}
	}
	counts := <-recipes
	if counts.err != nil {
		return counts.err
	}
	out, err := planOf(registry, served.program, edited.program, m.Clock.Now())
	if err != nil {
		return err
	}
	if o.webhooks {
		w := webhooksOptions{endpointOptions: o.endpointOptions, vars: o.vars, varFiles: o.varFiles}
		if _, out.endpoints, err = w.planned(ctx, m, args, endpoints.Make); err != nil {
			return err
		}
		out.Webhooks = plansJSON(out.endpoints)
		for _, p := range out.endpoints {
			out.Changes = out.Changes || p.err != nil || len(p.Changes) > 0
		}
	}
	if err := o.affected(ctx, m, out, edited.program, counts.value); err != nil {
		return err
	}
	if o.asJSON {
		err = printJSON(m.Stdout, out)
	} else {
		err = out.text(m.Stdout, m.color(m.Stdout))
	}
	switch {
	case err != nil:
		return err
	case slices.ContainsFunc(out.endpoints, func(p endpointPlan) bool { return p.err != nil }):
		return errProblems
	case o.detailed && out.Changes:
		return errChanges
	}
	return nil
}

type reply[T any] struct {
	value T
	err   error
}

// plan is what `flowrun plan` prints. The JSON is a contract with other programs.
type plan struct {
	Changes     bool              `json:"changes"`
	Served      string            `json:"served"` // digest of the program that is served
	Edited      string            `json:"edited"` // digest of the folder
	Added       []plannedRecipe   `json:"added"`
	Changed     []plannedRecipe   `json:"changed"`
	Removed     []plannedRecipe   `json:"removed"`
	Unchanged   int               `json:"unchanged"`
	Project     []plannedChange   `json:"project"`     // settings of connections, and variables
	Connections []plannedConn     `json:"connections"` // added or removed, or used for more than before
	Settings    []plannedSetting  `json:"settings"`    // environment variables that become needed
	Schedules   []plannedSchedule `json:"schedules"`   // triggers that fire by themselves, where they are not as they were
	Runs        []plannedRuns     `json:"runs"`        // that have not ended, of recipes that change or are removed
	Webhooks    []planJSON        `json:"webhooks,omitempty"`

	endpoints []endpointPlan
}

// plannedRecipe is one recipe and what changes about it, in words.
type plannedRecipe struct {
	Name     string          `json:"name"`
	Triggers []string        `json:"triggers,omitempty"`
	Actions  []string        `json:"actions,omitempty"`
	Changes  []plannedChange `json:"changes,omitempty"`
}

// plannedChange is one difference. Before and After are source text, or words; one is empty for what is new or gone.
type plannedChange struct {
	What   string `json:"what"` // `filter "large"`, `action.customer`, `action.customer input email`
	Kind   string `json:"kind"` // "added", "removed", "changed" or "moved"
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

type plannedConn struct {
	Name    string   `json:"name"`
	Service string   `json:"service"`
	Change  string   `json:"change"`            // "added", "removed" or "used for more"
	Listens bool     `json:"listens,omitempty"` // its webhooks become needed
	Actions []string `json:"actions,omitempty"` // that it is not used for yet

	Permissions []string `json:"permissions,omitempty"` // that its key must have besides, in the vendor's words, with what for
}

// plannedSetting is a value that the server must find in its environment.
type plannedSetting struct {
	Name   string `json:"name"`
	For    string `json:"for"` // connection or variable
	Secret bool   `json:"secret"`
}

// plannedRuns are the runs of a recipe that are pinned to a program and have not ended.
type plannedRuns struct {
	Recipe  string `json:"recipe"`
	Program string `json:"program"`
	Running int64  `json:"running"`
	Waiting int64  `json:"waiting"`
	Queued  int64  `json:"queued"`
	Movable int    `json:"movable"`               // of those waiting: how many could go on with the folder's recipe
	Looked  int    `json:"looked"`                // at so many of those waiting, the newest
	Reason  string `json:"not_movable,omitempty"` // why one can't
}

// planOf compares two programs.
func planOf(registry *connectors.Registry, served, edited *lang.Program, now time.Time) (*plan, error) {
	out := &plan{Served: served.Digest(), Edited: edited.Digest(), Added: []plannedRecipe{}, Changed: []plannedRecipe{},
		Removed: []plannedRecipe{}, Connections: []plannedConn{}, Settings: []plannedSetting{}, Runs: []plannedRuns{}}
	for _, r := range edited.Recipes() {
		old := served.Recipe(r.Name)
		if old == nil {
			out.Added = append(out.Added, summaryOf(r))
			continue
		}
		changes := recipeChanges(side{old, served.Files()}, side{r, edited.Files()})
		if len(changes) == 0 {
			out.Unchanged++
			continue
		}
		out.Changed = append(out.Changed, plannedRecipe{Name: r.Name, Changes: changes})
	}
	for _, r := range served.Recipes() {
		if edited.Recipe(r.Name) == nil {
			out.Removed = append(out.Removed, summaryOf(r))
		}
	}
	out.Project = []plannedChange{}
	parts(&out.Project, projectParts(served), projectParts(edited))
	out.Connections = connectionChanges(registry, served, edited)
	out.Settings = newSettings(registry, served, edited)
	var err error
	if out.Schedules, err = scheduleChanges(served, edited, now); err != nil {
		return nil, err
	}
	out.Changes = len(out.Added)+len(out.Changed)+len(out.Removed)+len(out.Project)+len(out.Connections)+len(out.Settings)+len(out.Schedules) > 0
	return out, nil
}

func summaryOf(r *check.Recipe) plannedRecipe {
	out := plannedRecipe{Name: r.Name}
	for _, t := range r.Triggers {
		if name := t.Spec.Name + " on " + t.Connection; !slices.Contains(out.Triggers, name) {
			out.Triggers = append(out.Triggers, name)
		}
	}
	for _, n := range r.Nodes {
		if n.Kind == check.Action {
			out.Actions = append(out.Actions, n.Action.Name)
		}
	}
	return out
}

// mostLooked is at how many waiting runs of a recipe it is looked whether they could be moved.
const mostLooked = 100

// affected adds the runs that have not ended of recipes that change.
func (o *planOptions) affected(ctx context.Context, m *Main, out *plan, edited *lang.Program, counts []control.Recipe) error {
	touched := map[string]bool{}
	for _, list := range [][]plannedRecipe{out.Changed, out.Removed} {
		for _, r := range list {
			touched[r.Name] = true
		}
	}
	for _, c := range counts {
		if !touched[c.Name] && !(c.Removed && edited.Recipe(c.Name) == nil) {
			continue
		}
		from := len(out.Runs)
		waiting := int64(0)
		for _, p := range c.Programs {
			if p.Running+p.Waiting+p.Queued > 0 {
				out.Runs = append(out.Runs, plannedRuns{Recipe: c.Name, Program: p.Program, Running: p.Running, Waiting: p.Waiting, Queued: p.Queued})
				waiting += p.Waiting
			}
		}
		if waiting == 0 {
			continue
		}
		if err := o.movable(ctx, m, out.Runs[from:], edited.Recipe(c.Name)); err != nil {
			return err
		}
	}
	return nil
}

// movable looks at the waiting runs of a recipe, as `flowrun runs move` would.
func (o *planOptions) movable(ctx context.Context, m *Main, rows []plannedRuns, r *check.Recipe) error {
	if r == nil {
		for i := range rows {
			rows[i].Reason = "the recipe is gone"
		}
		return nil
	}
	page, err := o.client(m).Runs(ctx, control.RunFilter{Recipe: r.Name, Status: "waiting", Limit: mostLooked})
	if err != nil {
		return err
	}
	for _, listed := range page.Runs {
		run, err := o.client(m).Run(ctx, listed.ID)
		if errors.Is(err, control.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		for i := range rows {
			if rows[i].Program != run.Program {
				continue
			}
			rows[i].Looked++
			if why := misfit(run, r); why != "" {
				rows[i].Reason = why
			} else {
				rows[i].Movable++
			}
		}
	}
	return nil
}

// misfit says why a run could not go on with a recipe, or returns "".
func misfit(run *control.Run, r *check.Recipe) string {
	if run.Parent == "" && !slices.ContainsFunc(r.Triggers, func(t *check.Trigger) bool {
		return t.Connection == run.Connection && (slices.Contains(t.Events, run.EventType) || slices.Contains(t.Events, "*"))
	}) {
		return "it does not listen to " + run.EventType + " any more"
	}
	nodes := slices.Concat(r.Nodes, r.OnError)
	for _, s := range run.Steps {
		at := slices.IndexFunc(nodes, func(n *check.Node) bool { return n.Address == s.Address })
		if at < 0 {
			return s.Address + " is gone"
		}
		n := nodes[at]
		switch {
		case at != s.Index:
			return s.Address + " does not stand at its place"
		case s.Action != "" && (n.Kind != check.Action || n.Action.Name != s.Action), s.Action == "" && n.Kind != check.Wait:
			return s.Address + " is another action"
		case s.Each != "" && n.ForEach == nil, s.Each == "" && n.ForEach != nil:
			return s.Address + " is not repeated in the same way"
		}
	}
	return ""
}
