package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/control"
)

func eventsGapsCommand() *command {
	var r remote
	return &command{
		name:    "gaps",
		short:   "list events that no webhook brought and that were taken from the vendor's history",
		example: "flowrun events gaps",
		flags:   r.define,
		run: func(ctx context.Context, m *Main, _ []string) error {
			list, err := r.client(m).Gaps(ctx)
			if err != nil {
				return err
			}
			if r.asJSON {
				return printJSON(m.Stdout, list)
			}
			t := newTable(m.Stdout, "EVENT", "HAPPENED", "TAKEN", "CONNECTION", "TYPE")
			for _, g := range list.Gaps {
				t.row(g.ID, when(g.Time), when(g.Found), g.Connection, g.Type)
			}
			if err := t.flush(); err != nil {
				return err
			}
			m.more(len(list.Gaps), "gaps", "")
			return nil
		},
	}
}

func backfillCommand() *command {
	var r remote
	var req control.BackfillRequest
	yes := false
	return &command{
		name:  "backfill",
		args:  "RECIPE",
		group: groupOperate,
		short: "run a recipe for events from before it was there",
		long: "What would be done is told first. The runs go on behind live traffic, under the keys that the events would have had, and\n" +
			"no other recipe takes these events. Events that the recipe has had are left out.",
		example: "flowrun backfill billing/dunning -since 30d",
		maxArgs: 1,
		flags: func(f *flags) {
			r.define(f)
			f.StringVar(&req.Since, "since", "", "`WHEN`: events since 24h, 30d, or a time; as far as the vendor goes back where left out")
			f.StringVar(&req.Objects, "objects", "", "`KIND`: every object instead, such as customers, as if it had just been created")
			f.BoolVar(&yes, "yes", false, "do it without asking")
		},
		run: func(ctx context.Context, m *Main, args []string) error {
			if len(args) == 0 {
				return usagef("which recipe? \"flowrun recipes list\" lists them")
			}
			req.Recipe, req.Preview = args[0], true
			c := r.client(m)
			seen, err := c.Backfill(ctx, req)
			if err != nil {
				return refused(err, "recipe", args[0])
			}
			if !r.asJSON || !yes {
				m.previewBackfill(args[0], seen)
			}
			if seen.Matched == 0 {
				if r.asJSON {
					return printJSON(m.Stdout, seen)
				}
				return nil
			}
			if !yes && !m.confirm("run it for them?") {
				return usagef("backfill: nothing was done; -yes does it without asking")
			}
			req.Preview = false
			res, err := c.Backfill(ctx, req)
			if err != nil {
				return refused(err, "recipe", args[0])
			}
			if r.asJSON {
				return printJSON(m.Stdout, res)
			}
			fmt.Fprintf(m.Stdout, "begun: %s\n", plural(res.Done, "run"))
			if res.Refused > 0 {
				fmt.Fprintf(m.Stdout, "refused: %d, the first since %s\n", res.Refused, res.Reason)
				return errProblems
			}
			return nil
		},
	}
}

func (m *Main) previewBackfill(recipe string, r *control.BackfillResult) {
	fmt.Fprintf(m.Stdout, "%s for %s, of %d that the vendor has; the recipe has had %d\n", recipe, plural(r.Matched, "event"), r.Seen, r.Had)
	for _, name := range slices.Sorted(maps.Keys(r.Types)) {
		fmt.Fprintf(m.Stdout, "  %6d  %s\n", r.Types[name], name)
	}
	if r.Matched > 0 {
		for _, e := range r.Effects {
			fmt.Fprintf(m.Stdout, "  up to %d × %s (%s), %s\n", r.Matched, e.Action, e.Step, e.Effect)
		}
	}
}

func listed(kinds map[string]string) string {
	return strings.Join(slices.Sorted(maps.Keys(kinds)), ", ")
}

func ignoreNotFound(err error) error {
	if errors.Is(err, runtime.ErrNotFound) {
		return nil
	}
	return err
}
