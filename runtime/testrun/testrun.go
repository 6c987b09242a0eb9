// Package testrun runs tests of recipes: the engine that serves, a store in memory, a clock that passes when nothing else
// is left to do, and answers that were declared. Nothing leaves the machine, and a test comes out the same every time.
//
// Each test has an engine of its own, which is driven by one goroutine; tests run beside each other. The package names no
// service, and prints nothing.
package testrun

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	goruntime "runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/suite"
	"github.com/flowrun/flowrun/lang/syntax"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/memstore"
)

// How long a test's time may go on behind its last event.
const (
	horizon  = 400 * 24 * time.Hour
	maxJumps = 20_000
)

// jitter is what stands for chance: half of what a retry may wait.
const jitter = 0.5

// Config is what tests run with.
type Config struct {
	Program *lang.Program      // without errors
	Specs   []*connectors.Spec // made for the runner alone: their callers are replaced

	// Bind gives a program its values. It is called for each set of variables.
	Bind func(p *lang.Program, vars map[string]string) (*lang.Bindings, hcl.Diagnostics)
}

// Runner runs tests. It is safe for concurrent use.
type Runner struct {
	cfg      Config
	registry *connectors.Registry

	mu       sync.Mutex
	programs map[string]*lang.Program // by recipe
}

// New returns a runner.
func New(cfg Config) (*Runner, error) {
	for _, s := range cfg.Specs {
		s.Limits, s.LimitFor, s.Keep = nil, nil, nil // they are about the wire
		s.Wrap(func(a *connectors.Action, call connectors.Caller) connectors.Caller { return answering(s, a, call) })
	}
	registry, err := connectors.NewRegistry(cfg.Specs...)
	if err != nil {
		return nil, fmt.Errorf("listing the services: %w", err)
	}
	return &Runner{cfg: cfg, registry: registry, programs: map[string]*lang.Program{}}, nil
}

// Result is what became of a test.
type Result struct {
	Test     *suite.Test
	Failures []Failure // none where it passed
	Calls    []*Call   // in the order in which they were made
	Events   []*Outcome
	Called   []*Outcome    // runs of recipes that the tested one called
	Took     time.Duration // of the wall clock
}

// Passed reports whether all was as expected.
func (r *Result) Passed() bool { return len(r.Failures) == 0 }

// Outcome is what the tested recipe made of an event.
type Outcome struct {
	Event   *runtime.Event
	Run     *runtime.Run    // nil where there is none
	Verdict *engine.Verdict // the gates that were asked; nil where the recipe does not listen to such events
	Status  string          // "filtered" where leading gates held it back; empty where Verdict is nil
	By      string
}

// Failure is one expectation that did not hold, or what kept the test from running.
type Failure struct {
	Range            hcl.Range
	What             string
	Expected, Actual string // as JSON or words, several lines each; both empty where there is nothing to compare
}

// Run runs tests beside each other and returns their results, in the order of the tests.
func (r *Runner) Run(ctx context.Context, tests []*suite.Test) []*Result {
	out := make([]*Result, len(tests))
	work := make(chan int)
	var wg sync.WaitGroup
	for range min(len(tests), max(2, goruntime.GOMAXPROCS(0))) {
		wg.Go(func() {
			for i := range work {
				out[i] = r.RunOne(ctx, tests[i])
			}
		})
	}
	for i := range tests {
		work <- i
	}
	close(work)
	wg.Wait()
	return out
}

// RunOne runs one test.
func (r *Runner) RunOne(ctx context.Context, t *suite.Test) *Result {
	began := time.Now()
	res := &Result{Test: t}
	w, err := r.play(ctx, t, res)
	defer w.close()
	if err != nil {
		res.fail(t.Range, "the test could not run: %v", err)
	} else {
		w.judge(ctx, res)
	}
	res.Took = time.Since(began)
	return res
}

func (r *Result) fail(rng hcl.Range, format string, args ...any) {
	r.Failures = append(r.Failures, Failure{Range: rng, What: fmt.Sprintf(format, args...)})
}

// program is the recipe with what it calls and what recipes share, and nothing else: other recipes that listen to the same
// events have tests of their own.
func (r *Runner) program(recipe *check.Recipe) (*lang.Program, error) {
	r.mu.Lock()
	p := r.programs[recipe.Name]
	r.mu.Unlock()
	if p != nil {
		return p, nil // two tests of a recipe may both compile it, which costs less than waiting for each other
	}
	all, files := r.cfg.Program.Files(), map[string][]byte{}
	if src, ok := all[syntax.ConfigFile]; ok {
		files[syntax.ConfigFile] = src
	}
	for next := []string{recipe.Name}; len(next) > 0; next = next[1:] {
		called := r.cfg.Program.Recipe(next[0])
		if called == nil || files[called.Filename] != nil {
			continue
		}
		files[called.Filename] = all[called.Filename]
		for _, n := range slices.Concat(called.Nodes, called.OnError) {
			if n.Calls != "" {
				next = append(next, n.Calls)
			}
		}
	}
	var diags hcl.Diagnostics
	p, diags = lang.CompileFiles(files, r.registry)
	if diags.HasErrors() {
		return nil, fmt.Errorf("compiling recipe %s by itself: %w", recipe.Name, diags)
	}
	r.mu.Lock()
	r.programs[recipe.Name] = p
	r.mu.Unlock()
	return p, nil
}

// play does what a test says, up to its end. The caller closes the world, also where there is an error.
func (r *Runner) play(ctx context.Context, t *suite.Test, res *Result) (*world, error) {
	p, err := r.program(t.Recipe)
	if err != nil {
		return nil, err
	}
	bindings, diags := r.cfg.Bind(p, t.Variables)
	if diags.HasErrors() {
		return nil, bindError(diags)
	}
	w := &world{test: t, recipe: p.Recipe(t.Recipe.Name), registry: r.registry, clock: &clock{now: t.Start}, store: memstore.New(),
		answered: map[string]int{}, attempts: map[string]*Call{}}
	w.engine = engine.New(engine.Config{Store: w.store, Registry: r.registry, Clock: w.clock, Client: &http.Client{Transport: w}, InTurn: true,
		OwnObject: func(address string) bool { return t.Mocks[address] == nil },
		Rand:      func() float64 { return jitter }, RunURL: func(id string) string { return "http://127.0.0.1:8081/runs/" + id }})
	if err := w.engine.Swap(ctx, p, bindings); err != nil {
		return w, err
	}
	for name, value := range t.State {
		if err := w.store.SetState(ctx, name, &runtime.StateValue{Value: value, At: w.clock.Now()}); err != nil {
			return w, fmt.Errorf("keeping the state %q: %w", name, err)
		}
		if n, err := strconv.ParseInt(string(value), 10, 64); err == nil { // it may be a counter's
			if _, err := w.store.Increment(ctx, &runtime.Increment{Name: name, ID: "state", By: n, At: w.clock.Now()}); err != nil {
				return w, fmt.Errorf("keeping the counter %q: %w", name, err)
			}
		}
	}
	for _, m := range t.Moves {
		if m.Event == nil {
			if err := w.advance(ctx, m.Advance); err != nil {
				return w, err
			}
			continue
		}
		ev, err := w.event(m.Event)
		if err != nil {
			return w, fmt.Errorf("line %d: %w", m.Range.Start.Line, err)
		}
		if err := w.take(ctx, ev); err != nil {
			return w, err
		}
	}
	if !t.Stops {
		if err := w.toEnd(ctx); err != nil {
			return w, err
		}
	}
	res.Calls = w.calls
	return w, w.collect(ctx, res)
}

func bindError(diags hcl.Diagnostics) error {
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			if m, ok := diag.MetaOf(d); ok && m.Code == diag.MissingVariable {
				return fmt.Errorf("%s Or set it in the test: variables = { … }", d.Detail)
			}
			return errors.New(d.Detail)
		}
	}
	return diags
}

// close lets go of what a test ran in. w may be nil.
func (w *world) close() {
	if w == nil {
		return
	}
	done, cancel := context.WithCancel(context.Background())
	cancel()
	_ = w.engine.Drain(done) // nothing is under way that could be cut off
	_ = w.store.Close()
}

func (w *world) take(ctx context.Context, ev *runtime.Event) error {
	fresh, err := w.store.AcceptEvent(ctx, ev)
	if err != nil {
		return fmt.Errorf("keeping event %s: %w", ev.ID, err)
	}
	w.events = append(w.events, ev)
	if !fresh {
		ev = nil // delivered again, which changes nothing
	}
	return w.engine.Drive(ctx, ev)
}

// advance lets time pass, and does on the way what becomes due.
func (w *world) advance(ctx context.Context, d time.Duration) error {
	target := w.clock.Now().Add(d)
	for range maxJumps {
		next, err := w.store.NextDue(ctx)
		if err != nil {
			return fmt.Errorf("reading what is due next: %w", err)
		}
		if next.IsZero() || next.After(target) {
			w.clock.set(target)
			return w.engine.Drive(ctx, nil)
		}
		w.clock.set(next)
		if err := w.engine.Drive(ctx, nil); err != nil {
			return err
		}
	}
	return fmt.Errorf("more than %d things became due in %s", maxJumps, d)
}

// toEnd lets time pass until nothing waits for it any more.
func (w *world) toEnd(ctx context.Context) error {
	end := w.clock.Now().Add(horizon)
	for range maxJumps {
		next, err := w.store.NextDue(ctx)
		if err != nil {
			return fmt.Errorf("reading what is due next: %w", err)
		}
		if next.IsZero() || next.After(end) {
			return nil
		}
		w.clock.set(next)
		if err := w.engine.Drive(ctx, nil); err != nil {
			return err
		}
	}
	return fmt.Errorf("it has not ended after %d steps of time, at %s", maxJumps, w.clock.Now().Format(time.RFC3339))
}
