package main

// The commands that change what a server does or did: runs are taken up again, ended and settled, events are run again,
// recipes are paused.

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/runtime/control"
)

// words collects a flag that may be given several times.
type words []string

func (w *words) String() string     { return strings.Join(*w, ", ") }
func (w *words) Set(s string) error { *w = append(*w, s); return nil }

func defineWhere(f *flags, w *[]string) {
	f.Var((*words)(w), "where", "`NAME=VALUE`: only those whose event has this value, such as customer=cus_1; may be repeated")
}

// many are the flags of a command that does something to one run or to all that a filter selects.
type many struct {
	remote
	req control.BulkRequest
	yes bool
}

func (x *many) define(f *flags) {
	x.remote.define(f)
	f.StringVar(&x.req.Recipe, "recipe", "", "`NAME`: all runs of this recipe")
	f.StringVar(&x.req.Status, "status", "", "`STATUS`: all runs of this status")
	f.StringVar(&x.req.Event, "event", "", "`ID`: all runs of this event")
	f.StringVar(&x.req.Since, "since", "", "`WHEN`: all since 24h, 7d, or a time")
	defineWhere(f, &x.req.Where)
	f.BoolVar(&x.yes, "yes", false, "do it to many without asking")
}

func (x *many) filtered() bool {
	r := &x.req
	return r.Recipe != "" || r.Status != "" || r.Event != "" || r.Since != "" || len(r.Where) > 0
}

// do does what verb says to the run that args name, by one, or to all that the filter selects.
func (x *many) do(ctx context.Context, m *Main, verb string, args []string, one func(context.Context, *control.Client, string) (*control.Run, error)) error {
	c := x.client(m)
	switch {
	case len(args) == 1 && x.filtered():
		return usagef("runs %s: give a run or a filter, not both", verb)
	case len(args) == 1:
		run, err := one(ctx, c, args[0])
		if err != nil {
			return refused(err, "run", args[0])
		}
		if x.asJSON {
			return printJSON(m.Stdout, run)
		}
		fmt.Fprintf(m.Stdout, "%s  %s  %s  %s\n", run.ID, run.Recipe, run.Status, why(run))
		return nil
	case !x.filtered():
		return usagef("runs %s: which run? Give its id, or a filter such as -recipe NAME", verb)
	}
	x.req.Preview = true
	seen, err := c.Bulk(ctx, verb, x.req)
	if err != nil {
		return err
	}
	if !x.asJSON || !x.yes {
		m.preview(seen, verb)
	}
	if seen.Matched == 0 {
		if x.asJSON {
			return printJSON(m.Stdout, seen)
		}
		return nil
	}
	if !x.yes {
		if !m.confirm(fmt.Sprintf("%s them?", verb)) {
			return usagef("runs %s: nothing was done; -yes does it without asking", verb)
		}
	}
	x.req.Preview = false
	res, err := c.Bulk(ctx, verb, x.req)
	if err != nil {
		return err
	}
	if x.asJSON {
		return printJSON(m.Stdout, res)
	}
	fmt.Fprintf(m.Stdout, "done: %d", res.Done)
	if res.Failed > 0 {
		fmt.Fprintf(m.Stdout, ", refused: %d", res.Failed)
	}
	fmt.Fprintln(m.Stdout)
	for _, r := range res.Refused {
		fmt.Fprintf(m.Stdout, "  %s  %s\n", r.Run, r.Reason)
	}
	if res.Failed > 0 {
		return errProblems
	}
	return nil
}

func (m *Main) preview(r *control.BulkResult, verb string) {
	fmt.Fprintf(m.Stderr, "%s to %s\n", plural(r.Matched, "run"), verb)
	for _, name := range slices.Sorted(maps.Keys(r.Recipes)) {
		fmt.Fprintf(m.Stderr, "  %6d  %s\n", r.Recipes[name], name)
	}
}

// confirm asks on a terminal; elsewhere nobody is there to say yes.
func (m *Main) confirm(question string) bool {
	if !isTerminal(m.Stdin) || !isTerminal(m.Stderr) {
		return false
	}
	fmt.Fprintf(m.Stderr, "%s [y/N] ", question)
	line, err := bufio.NewReader(m.Stdin).ReadString('\n')
	if err != nil {
		return false
	}
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes"
}

// refused makes the answer of a door a sentence that ends a command.
func refused(err error, what, id string) error {
	if errors.Is(err, control.ErrNotFound) {
		return usagef("there is no %s %q", what, id)
	}
	return err
}

func runsRetryCommand() *command {
	var x many
	return &command{
		name:  "retry",
		args:  "[RUN]",
		short: "take up failed runs again",
		long: "A run goes on from the step that failed, with the program it began with; what was done stays done. A call that was refused gets a new key; " +
			"one whose outcome is unknown is not repeated: see \"flowrun runs resolve\". With a filter instead of a run, all failed runs that it selects; the count is shown first.",
		example: "flowrun runs retry -recipe billing/dunning -since 24h",
		maxArgs: 1,
		flags: func(f *flags) {
			x.define(f)
			f.BoolVar(&x.req.FromStart, "from-start", false, "from the first step; keys stay, so that vendors which take one do nothing twice")
			f.BoolVar(&x.req.Current, "current", false, "with the program that is served now")
			f.BoolVar(&x.req.Again, "again", false, "under new keys: vendors act again, and what may have been done is repeated")
		},
		run: func(ctx context.Context, m *Main, args []string) error {
			return x.do(ctx, m, "retry", args, func(ctx context.Context, c *control.Client, id string) (*control.Run, error) {
				return c.RetryRun(ctx, id, x.req.RetryRequest)
			})
		},
	}
}

func runsCancelCommand() *command {
	var x many
	return &command{
		name:    "cancel",
		args:    "[RUN]",
		short:   "end runs that have not ended",
		long:    "Calls under way are let finish; nothing new starts. With a filter instead of a run, all that it selects and that have not ended; the count is shown first.",
		example: "flowrun runs cancel -recipe billing/dunning -where customer=cus_1",
		maxArgs: 1,
		flags:   x.define,
		run: func(ctx context.Context, m *Main, args []string) error {
			return x.do(ctx, m, "cancel", args, func(ctx context.Context, c *control.Client, id string) (*control.Run, error) {
				return c.CancelRun(ctx, id)
			})
		},
	}
}

func runsMoveCommand() *command {
	var x many
	return &command{
		name:    "move",
		args:    "[RUN]",
		short:   "have waiting runs go on with the recipes that are served now",
		long:    "A run keeps the program it began with. It can be moved where every step it has done is still there, with the same action.",
		example: "flowrun runs move -recipe billing/dunning",
		maxArgs: 1,
		flags:   x.define,
		run: func(ctx context.Context, m *Main, args []string) error {
			return x.do(ctx, m, "move", args, func(ctx context.Context, c *control.Client, id string) (*control.Run, error) {
				return c.MoveRun(ctx, id)
			})
		},
	}
}

func runsResolveCommand() *command {
	var r remote
	var req control.ResolveRequest
	var sent, resend bool
	return &command{
		name:    "resolve",
		args:    "RUN",
		short:   "settle a step whose outcome is unknown",
		long:    "A call that must not be repeated, and whose answer never came, ends its run as unknown. Look at the vendor whether it was done, and say so: -sent goes on as if the answer had come (its fields are null), -resend does it again.",
		example: "flowrun runs resolve run_0123456789abcdefghjkmnpq -sent",
		maxArgs: 1,
		flags: func(f *flags) {
			r.define(f)
			f.StringVar(&req.Step, "step", "", "`ADDRESS`: the step, where several are unknown")
			f.BoolVar(&sent, "sent", false, "it was done")
			f.BoolVar(&resend, "resend", false, "it was not done: do it again")
		},
		run: func(ctx context.Context, m *Main, args []string) error {
			if len(args) == 0 {
				return usagef("which run? \"flowrun runs list -kind unknown\" lists them")
			}
			if sent == resend {
				return usagef("runs resolve: say -sent or -resend")
			}
			req.Outcome = map[bool]string{true: "sent", false: "resend"}[sent]
			run, err := r.client(m).ResolveRun(ctx, args[0], req)
			if err != nil {
				return refused(err, "run", args[0])
			}
			if r.asJSON {
				return printJSON(m.Stdout, run)
			}
			fmt.Fprintf(m.Stdout, "%s  %s  %s  %s\n", run.ID, run.Recipe, run.Status, why(run))
			return nil
		},
	}
}

func eventsReplayCommand() *command {
	var r remote
	var req control.ReplayRequest
	return &command{
		name:  "replay",
		args:  "EVENT",
		short: "run an event again, as new runs that are linked to the old",
		long: "The recipes that are served now decide. Keys are those of the first run, so that a vendor which takes one does nothing twice; " +
			"what takes none is not repeated, unless -again says so.",
		example: "flowrun events replay evt_1NG8Du2eZvKYlo2CUI79vXWy -dry",
		maxArgs: 1,
		flags: func(f *flags) {
			r.define(f)
			f.StringVar(&req.Connection, "connection", "", "`NAME`: the connection it came through")
			f.StringVar(&req.Recipe, "recipe", "", "`NAME`: only this recipe")
			f.BoolVar(&req.Dry, "dry", false, "record the calls that change anything, and make none of them")
			f.BoolVar(&req.Again, "again", false, "under new keys: vendors act again")
		},
		run: func(ctx context.Context, m *Main, args []string) error {
			if len(args) == 0 {
				return usagef("which event? \"flowrun events list\" lists them")
			}
			list, err := r.client(m).Replay(ctx, args[0], req)
			if err != nil {
				return refused(err, "event", args[0])
			}
			if r.asJSON {
				return printJSON(m.Stdout, list)
			}
			for i := range list.Runs {
				run := &list.Runs[i]
				fmt.Fprintf(m.Stdout, "%s  %s  %s  %s\n", run.ID, run.Recipe, run.Status, why(run))
			}
			if len(list.Runs) == 0 {
				fmt.Fprintf(m.Stderr, "no recipe takes it; \"flowrun why %s\" says why\n", args[0])
			}
			return nil
		},
	}
}

func recipesCommand() *command {
	return &command{
		name: "recipes", short: "list the recipes of a server, pause and resume them", group: groupOperate,
		sub: []*command{recipesListCommand(), recipesPauseCommand(), recipesResumeCommand()},
	}
}

func recipesListCommand() *command {
	var r remote
	return &command{
		name:    "list",
		short:   "list the recipes that a server runs",
		example: "flowrun recipes list",
		flags:   r.define,
		run: func(ctx context.Context, m *Main, _ []string) error {
			recipes, err := r.client(m).Recipes(ctx)
			if err != nil {
				return err
			}
			if r.asJSON {
				return printJSON(m.Stdout, control.RecipeList{Recipes: recipes})
			}
			t := newTable(m.Stdout, "RECIPE", "STATE", "STARTS WITH", "UNFINISHED", "WHAT IT DOES")
			for i := range recipes {
				rec := &recipes[i]
				var starts []string
				for _, tr := range rec.Triggers {
					starts = append(starts, tr.Type)
				}
				t.row(rec.Name, recipeState(rec), dash(strings.Join(starts, ", ")), unfinished(rec), dash(rec.Description))
			}
			return t.flush()
		},
	}
}

func recipeState(r *control.Recipe) string {
	switch {
	case r.Removed:
		return "removed"
	case !r.Enabled:
		return "disabled"
	case r.Paused == "":
		return "live"
	}
	if r.Reason != "" {
		return "paused (" + r.Paused + ", limits)"
	}
	return "paused (" + r.Paused + ")"
}

func unfinished(r *control.Recipe) string {
	var parts []string
	for _, c := range []struct {
		n    int64
		word string
	}{{r.Running, "running"}, {r.Waiting, "waiting"}, {r.Queued, "queued"}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.word))
		}
	}
	if r.OnOlder > 0 {
		parts = append(parts, fmt.Sprintf("%d of them on older programs", r.OnOlder))
	}
	return dash(strings.Join(parts, ", "))
}

func recipesPauseCommand() *command {
	var r remote
	var req control.PauseRequest
	return &command{
		name:    "pause",
		args:    "RECIPE",
		short:   "have a recipe take no events until it is resumed",
		long:    "Its events are held, and run when it is resumed; -drop drops them instead. Runs that have begun go on.",
		example: "flowrun recipes pause billing/dunning",
		maxArgs: 1,
		flags: func(f *flags) {
			r.define(f)
			f.BoolVar(&req.Drop, "drop", false, "drop its events instead of holding them")
		},
		run: func(ctx context.Context, m *Main, args []string) error {
			if len(args) == 0 {
				return usagef("which recipe? \"flowrun recipes list\" lists them")
			}
			req.Recipe = args[0]
			p, err := r.client(m).Pause(ctx, req)
			if err != nil {
				return refused(err, "recipe", args[0])
			}
			if r.asJSON {
				return printJSON(m.Stdout, p)
			}
			fmt.Fprintf(m.Stdout, "%s is paused; its events are %s\n", p.Recipe, map[bool]string{true: "dropped", false: "held"}[p.Drop])
			return nil
		},
	}
}

func recipesResumeCommand() *command {
	var r remote
	return &command{
		name:    "resume",
		args:    "RECIPE",
		short:   "have a paused recipe take events again",
		example: "flowrun recipes resume billing/dunning",
		maxArgs: 1,
		flags:   r.define,
		run: func(ctx context.Context, m *Main, args []string) error {
			if len(args) == 0 {
				return usagef("which recipe? \"flowrun recipes list\" lists them")
			}
			p, err := r.client(m).Resume(ctx, args[0])
			if err != nil {
				return refused(err, "recipe", args[0])
			}
			if r.asJSON {
				return printJSON(m.Stdout, p)
			}
			fmt.Fprintf(m.Stdout, "%s takes events again; %s held\n", p.Recipe, heldText(p.Held))
			return nil
		},
	}
}

func heldText(n int) string {
	switch {
	case n >= 1000:
		return "1,000 runs or more were"
	case n == 1:
		return "1 run was"
	}
	return plural(n, "run") + " were"
}

func runsTailCommand() *command {
	var r remote
	var q control.RunFilter
	return &command{
		name:    "tail",
		short:   "print runs as they end, until interrupted",
		example: "flowrun runs tail -recipe billing/dunning",
		flags: func(f *flags) {
			r.define(f)
			f.StringVar(&q.Recipe, "recipe", "", "`NAME`: only runs of this recipe")
			f.StringVar(&q.Status, "status", "", "`STATUS`: only runs that end so")
			defineWhere(f, &q.Where)
		},
		run: func(ctx context.Context, m *Main, _ []string) error {
			ctx, stop := m.interruptible(ctx)
			defer stop()
			return m.tail(ctx, &r, q)
		},
	}
}
