package main

// Past events through two programs, the one that is served and the one in a folder, to see what an edit changes before
// anything is sent. Both are run by the engine's own trial, so that what differs is the recipes.

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/runtime/control"
	"github.com/flowrun/flowrun/runtime/engine"
)

func backtestCommand() *command {
	var o backtestOptions
	return &command{
		name:  "backtest",
		args:  "[DIR]",
		short: "say what the recipes of a folder would have done with past events, next to those that are served",
		long: "The events and the served recipes come from a server, or from folders with -events and -base. Nothing is sent.\n" +
			"A look-up answers what it answered when the event was first run; where it was not made then, what it answers is\n" +
			"unknown, and so is all that needs it: that is counted and never made up. A wait finds the events that came after.\n" +
			"Flow control and limits are left out, and so is the time between retries. DIR of -events holds services' events as JSON, one to\n" +
			"a file or one to a line (.jsonl), or what \"flowrun events show -json\" prints. The exit code is 0 either way.\n" +
			"With -json: {events, newly_matched[], no_longer_matched[], changed[]} and what was left out.",
		example: "flowrun backtest recipes -since 7d\n" +
			"flowrun backtest recipes -base served -events events -markdown",
		group:   groupWrite,
		maxArgs: 1,
		flags: func(f *flags) {
			o.remote.define(f)
			f.StringVar(&o.since, "since", "7d", "`WHEN`: events since 24h, 7d, or a time, of a server")
			f.StringVar(&o.events, "events", "", "`DIR`: the events, instead of a server's")
			f.StringVar(&o.base, "base", "", "`DIR`: the recipes to compare with, instead of a server's")
			f.BoolVar(&o.markdown, "markdown", false, "print a summary for a pull request; values that tell of a person are left out")
			f.IntVar(&o.limit, "limit", 20, "`N`: print at most so many of each kind; -json prints all")
			f.Var(&o.vars, "var", "`NAME=VALUE`: a variable; may be repeated (FLOWRUN_VAR_name)")
			f.Var(&o.varFiles, "var-file", "`FILE`: variables, name = value; may be repeated")
		},
		run: o.run,
	}
}

type backtestOptions struct {
	remote
	since, events, base string
	markdown            bool
	limit               int
	vars, varFiles      list
}

func (o *backtestOptions) run(ctx context.Context, m *Main, args []string) error {
	if o.markdown && o.asJSON {
		return usagef("-markdown and -json are two forms of one answer: give one")
	}
	registry := all.Registry()
	edited, base, err := o.programs(ctx, m, args, registry)
	if err != nil {
		return o.without(err)
	}
	past, err := o.past(ctx, m, registry, edited.program, base.program)
	if err != nil {
		return o.without(err)
	}
	vars, err := m.variables(o.varFiles, o.vars)
	if err != nil {
		return err
	}
	made := newInventor(registry, m.Env) // one for both: what is made up is the same
	before, beforeVars, err := m.trial(registry, past, base, made, vars)
	if err != nil {
		return fmt.Errorf("the recipes to compare with: %w", err)
	}
	after, afterVars, err := m.trial(registry, past, edited, made, vars)
	if err != nil {
		return err
	}
	if err := edited.checkVariables(vars); err != nil {
		return err
	}
	same := sameRecipes(base.program, edited.program, beforeVars, afterVars)
	out, err := compareTrials(ctx, past, before, after, same)
	if err != nil {
		return err
	}
	out.Same = len(same)
	out.LeftOut = flowControlled(edited.program)
	out.NoEvents = eventless(past, edited.program, same)
	switch {
	case o.asJSON:
		return printJSON(m.Stdout, out)
	case o.markdown:
		return out.markdown(m.Stdout, o.limit)
	}
	return out.text(m.Stdout, o.limit)
}

// without says, where no server answers, what can be had without one.
func (o *backtestOptions) without(err error) error {
	if !errors.Is(err, control.ErrNoServer) {
		return err
	}
	if o.events == "" {
		return fmt.Errorf("%w Without one, -events DIR gives the events and -base DIR the recipes to compare with", err)
	}
	return fmt.Errorf("%w Without one, -base DIR gives the recipes to compare with", err)
}

// programs compiles the folder and what it is compared with.
func (o *backtestOptions) programs(ctx context.Context, m *Main, args []string, registry *connectors.Registry) (edited, base *project, err error) {
	shown, dir, err := m.folder(args)
	if err != nil {
		return nil, nil, err
	}
	if o.base == "" {
		return o.remote.programs(ctx, m, shown, dir, registry)
	}
	baseShown, baseDir, err := m.folder([]string{o.base})
	if err != nil {
		return nil, nil, err
	}
	edited = compile(shown, dir, registry)
	base = compile(baseShown, baseDir, registry)
	for _, p := range []*project{edited, base} {
		if p.program == nil || p.diags.HasErrors() {
			if err := m.printDiags(m.Stderr, p.diags, p.files()); err != nil {
				return nil, nil, err
			}
			return nil, nil, errProblems
		}
	}
	return edited, base, nil
}

// programs compiles a folder and, meanwhile, the program that the server serves.
func (r *remote) programs(ctx context.Context, m *Main, shown, dir string, registry *connectors.Registry) (edited, served *project, err error) {
	done := make(chan error, 1)
	go func() {
		kept, err := r.client(m).Program(ctx, "")
		if err != nil {
			done <- err
			return
		}
		served, err = projectOf(kept.Files, dir, registry)
		done <- err
	}()
	edited = compile(shown, dir, registry)
	err = <-done
	if edited.program == nil || edited.diags.HasErrors() {
		if err := m.printDiags(m.Stderr, edited.diags, edited.files()); err != nil {
			return nil, nil, err
		}
		return nil, nil, errProblems
	}
	if err != nil {
		return nil, nil, err
	}
	return edited, served, nil
}

// projectOf compiles files that a server has sent. dir is where file() looks.
func projectOf(files map[string]string, dir string, registry *connectors.Registry) (*project, error) {
	text := make(map[string][]byte, len(files))
	for name, s := range files {
		text[name] = []byte(s)
	}
	p := &project{shown: "the server", dir: dir}
	p.program, p.diags = lang.CompileFiles(text, registry)
	if p.diags.HasErrors() {
		return nil, fmt.Errorf("the served recipes do not compile with this version of flowrun: %w", p.diags)
	}
	return p, nil
}

// trial makes a program ready to be tried. Settings that the environment lacks are made up.
func (m *Main) trial(registry *connectors.Registry, past *engine.Past, p *project, made *inventor, vars map[string]string) (*engine.Trial, *lang.Bindings, error) {
	b, diags := p.program.Bind(made.inputs(p, vars))
	if diags.HasErrors() {
		if err := m.printDiags(m.Stderr, diags, p.files()); err != nil {
			return nil, nil, err
		}
		return nil, nil, errProblems
	}
	t, err := engine.NewTrial(engine.Config{Registry: registry}, past, p.program, b)
	return t, b, err
}

// sameRecipes returns the recipes that say the same in both programs, so that nothing is to be compared. One that calls
// another is not among them: the other may differ.
func sameRecipes(base, edited *lang.Program, before, after *lang.Bindings) map[string]bool {
	same := map[string]bool{}
	for _, r := range edited.Recipes() {
		old := base.Recipe(r.Name)
		if old == nil || slices.ContainsFunc(slices.Concat(r.Nodes, r.OnError), func(n *check.Node) bool { return n.Calls != "" }) {
			continue
		}
		if len(recipeChanges(side{old, base.Files()}, side{r, edited.Files()})) == 0 && before.Vars[r.Name].RawEquals(after.Vars[r.Name]) {
			same[r.Name] = true
		}
	}
	return same
}

// flowControlled returns the recipes with flow control or limits, which a trial leaves out.
func flowControlled(p *lang.Program) []string {
	names := []string{}
	for _, r := range p.Recipes() {
		if f := r.Flow; f.Deduplicate != nil || f.RateLimit != nil || f.Debounce != nil || f.Throttle != nil || f.Concurrency != nil || r.Limits != nil {
			names = append(names, r.Name)
		}
	}
	return names
}

// eventless returns the recipes of which a backtest can say nothing, since no event that they listen to is there: a
// schedule that is new has no past.
func eventless(past *engine.Past, p *lang.Program, same map[string]bool) []string {
	names := []string{}
	for _, r := range p.Recipes() {
		if same[r.Name] || r.Disabled || r.Callable != nil || len(r.Triggers) == 0 {
			continue
		}
		if !slices.ContainsFunc(r.Triggers, func(t *check.Trigger) bool {
			return slices.ContainsFunc(t.Events, func(typ string) bool { return past.Has(t.Connection, typ) })
		}) {
			names = append(names, r.Name)
		}
	}
	return names
}

// tryPage is how many events a goroutine takes at a time.
const tryPage = 64

// compareTrials tries all events with both programs, but for the recipes that are the same in both.
func compareTrials(ctx context.Context, past *engine.Past, before, after *engine.Trial, same map[string]bool) (*backtest, error) {
	pages := make([]*backtest, (past.Len()+tryPage-1)/tryPage)
	errs := make([]error, len(pages))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			c := &comparison{past: past, same: same, before: before.Trier(), after: after.Trier()}
			for ctx.Err() == nil {
				n := int(next.Add(1)) - 1
				if n >= len(pages) {
					return
				}
				pages[n] = newBacktest()
				for i := n * tryPage; i < min(past.Len(), (n+1)*tryPage) && errs[n] == nil; i++ {
					errs[n] = c.event(pages[n], i)
				}
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out := newBacktest()
	for n, page := range pages {
		if errs[n] != nil {
			return nil, errs[n]
		}
		out.add(page)
	}
	return out, nil
}

// comparison compares what two programs make of an event.
type comparison struct {
	past          *engine.Past
	same          map[string]bool // recipes
	before, after *engine.Trier
}

func (c *comparison) event(out *backtest, i int) error {
	ev := c.past.At(i).Event
	out.Events++
	if len(ev.Payload) == 0 {
		out.Gone++
		return nil
	}
	was, err := c.before.Try(i, c.same)
	if err != nil {
		return err
	}
	is, err := c.after.Try(i, c.same)
	if err != nil {
		return err
	}
	both := map[string][2]*engine.Tried{}
	for side, list := range [][]*engine.Tried{was, is} {
		for _, t := range list {
			pair := both[t.Recipe.Name]
			pair[side] = t
			both[t.Recipe.Name] = pair
		}
	}
	for _, name := range slices.Sorted(maps.Keys(both)) {
		c.recipe(out, i, name, both[name][0], both[name][1])
	}
	return nil
}

func (c *comparison) recipe(out *backtest, i int, name string, was, is *engine.Tried) {
	ev := c.past.At(i).Event
	at := matchedCase{Event: ev.ID, Type: ev.Type, Connection: ev.Connection, Recipe: name, seq: ev.Seq}
	sum := out.of(name)
	if ran(was) {
		sum.Before++
	}
	if ran(is) {
		sum.After++
	}
	if is != nil {
		if len(is.Unknown) > 0 {
			sum.Unknown++
			for _, address := range is.Unknown {
				sum.unknown[address]++
			}
		}
		if is.Waiting {
			sum.Waiting++
		}
	}
	switch {
	case undecided(was) || undecided(is):
		sum.Undecided++
	case ran(is) && !ran(was):
		at.HeldBy = heldBy(c.before, i, name, was)
		at.Requests = requestsOf(is)
		out.Newly = append(out.Newly, at)
	case ran(was) && !ran(is):
		at.HeldBy = heldBy(c.after, i, name, is)
		at.Requests = requestsOf(was)
		out.NoLonger = append(out.NoLonger, at)
	case ran(was) && ran(is):
		if d := differences(was, is); d != nil {
			d.Event, d.Type, d.Connection, d.Recipe, d.seq = at.Event, at.Type, at.Connection, at.Recipe, at.seq
			out.Changed = append(out.Changed, *d)
		}
	}
}

func ran(t *engine.Tried) bool       { return t != nil && t.End == engine.Ran }
func undecided(t *engine.Tried) bool { return t != nil && t.End == engine.Undecided }

func heldBy(w *engine.Trier, i int, name string, t *engine.Tried) string {
	if t != nil {
		return t.HeldBy
	}
	return w.Held(i, name)
}

// add takes in what was found in the next events.
func (b *backtest) add(o *backtest) {
	b.Events += o.Events
	b.Gone += o.Gone
	b.Newly = append(b.Newly, o.Newly...)
	b.NoLonger = append(b.NoLonger, o.NoLonger...)
	b.Changed = append(b.Changed, o.Changed...)
	for _, s := range o.Recipes {
		b.of(s.Recipe).add(s)
	}
	slices.SortFunc(b.Recipes, func(x, y *recipeSum) int { return strings.Compare(x.Recipe, y.Recipe) })
}
