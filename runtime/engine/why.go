package engine

// "Why did it not run?" is answered by asking again. Evaluation is pure, the payload is kept as it came, and the program
// that decided is kept as long as anything was decided by it: so what is shown is what decided.

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/runtime"
)

// Why is what became of an event.
type Why struct {
	Program  string // digest of the program that decided, or would now
	Decided  bool
	Verdicts []*Verdict // of each recipe that listens to such events, by name
	Others   int        // how many recipes listen to other events only
}

// Verdict is what one recipe made of an event.
type Verdict struct {
	Recipe  *check.Recipe
	Files   map[string][]byte // of the program that was asked, by name: its source
	Run     *runtime.Run      // nil where the event led to none
	Setting string            // of the trigger, which held the event back
	Gates   []*Asked          // filters, switches and `when`, in the order in which they were asked
}

// Asked is a gate and what it came to.
type Asked struct {
	Node   *check.Node
	When   bool           // it is the `when` of an action
	Expr   hcl.Expression // its condition, or what a switch is on
	Parts  []eval.Part    // the first is the whole
	Passed bool           // false too where it could not be evaluated
	Case   int            // of a switch: the case that was taken; -1 for none
}

// ErrPayloadGone is why nothing can be asked again: retention has dropped the payload.
var ErrPayloadGone = errors.New("the event's payload is no longer kept")

// WhyEvent asks every recipe that listens to the event. Where it has been decided, the program that decided is asked.
func (e *Engine) WhyEvent(ctx context.Context, ev *runtime.Event) (*Why, error) {
	g := e.current.Load()
	w := &Why{}
	switch d, err := e.cfg.Store.Decision(ctx, ev.Seq); {
	case err == nil:
		w.Decided = true
		if g, err = e.pinnedTo(ctx, d.Program); err != nil {
			return nil, err
		}
	case !errors.Is(err, runtime.ErrNotFound):
		return nil, fmt.Errorf("reading the event's decision: %w", err)
	case g == nil:
		return nil, refuse("no program has been taken yet")
	}
	w.Program = g.digest
	if len(ev.Payload) == 0 {
		return w, ErrPayloadGone
	}
	runs, err := e.cfg.Store.RunsOf(ctx, ev.Seq)
	if err != nil {
		return nil, fmt.Errorf("reading the event's runs: %w", err)
	}
	for _, cr := range g.program.Recipes() {
		rec := g.recipes[cr.Name]
		trigger := triggerFor(rec, ev)
		if trigger == nil {
			w.Others++
			continue
		}
		if run := runOf(runs, cr.Name); run != nil {
			v, err := e.WhyRun(ctx, run)
			if err != nil {
				return nil, err
			}
			w.Verdicts = append(w.Verdicts, v)
			continue
		}
		v := &Verdict{Recipe: cr, Files: g.program.Files()}
		w.Verdicts = append(w.Verdicts, v)
		if cr.Disabled {
			continue
		}
		r := e.newRunner(g, rec, trigger, ev, nil)
		r.object, r.previous = e.payload(ev)
		if v.Setting = r.refusedBy(); v.Setting == "" {
			r.askGates(v, true)
		}
	}
	return w, nil
}

// runOf returns the run of a recipe that is no replay, or else its last.
func runOf(runs []*runtime.Run, recipe string) *runtime.Run {
	var found *runtime.Run
	for _, run := range runs {
		if run.Recipe == recipe && run.Parent == "" && (found == nil || found.ReplayOf != "") {
			found = run
		}
	}
	return found
}

// WhyRun asks the gates of a run, with what its steps answered. The run must have its steps.
func (e *Engine) WhyRun(ctx context.Context, run *runtime.Run) (*Verdict, error) {
	copied := *run // restoring changes it
	copied.Steps = make([]*runtime.Step, len(run.Steps))
	for i, s := range run.Steps {
		step := *s
		copied.Steps[i] = &step
	}
	r, err := e.takeUp(ctx, &copied)
	if err != nil {
		return nil, err
	}
	v := &Verdict{Recipe: r.rec.Recipe, Files: r.g.program.Files(), Run: run}
	if len(r.ev.Payload) == 0 {
		return v, ErrPayloadGone
	}
	if !r.readable() {
		return v, nil // the run's own error says so
	}
	if err := e.guarded(r.restoreSteps); err != nil {
		return nil, err
	}
	r.progress = &r.main
	r.askGates(v, run.Status == runtime.RunSkipped || run.Status == runtime.RunQueued && len(run.Steps) == 0)
	return v, nil
}

// readable opens the scope, and reports whether the payload can be read.
func (r *runner) readable() bool { return r.openScope() == nil }

// restoreSteps takes the recorded steps of the recipe's own nodes, and looks at nothing that has come since.
func (r *runner) restoreSteps() error {
	for _, s := range r.run.Steps {
		if p, n := r.nodeOf(s); n != nil && p == &r.main {
			r.take(n, s)
		}
	}
	return nil
}

// refusedBy returns the setting of the trigger that the event does not meet, or "".
func (r *runner) refusedBy() string {
	for _, guard := range r.trigger.Guards {
		if !guard.Admits(r.ev.Type, r.object, r.previous) {
			return cmp.Or(guard.Setting, r.trigger.Name)
		}
	}
	return ""
}

// askGates evaluates the gates of a run as far as its steps have come, or only those that decide whether there is one.
func (r *runner) askGates(v *Verdict, leadingOnly bool) {
	for moved := true; moved; {
		moved = false
		for _, n := range r.nodes {
			if r.state[n.Index] != pending {
				continue
			}
			if leadingOnly && !n.Leading {
				return
			}
			switch r.fate(n) {
			case blocked:
				continue
			case isHeld:
				r.leave(n, held)
				moved = true
				continue
			case isDark:
				r.leave(n, dark)
				moved = true
				continue
			}
			a := r.askNode(n)
			if a == nil {
				continue
			}
			v.Gates = append(v.Gates, a)
			if moved = true; !a.Passed && n.Kind == check.Filter && n.Parent < 0 {
				return // what is below was not asked
			}
		}
	}
	for _, n := range r.nodes {
		if r.state[n.Index] == skipped && n.When != nil && n.ForEach == nil {
			v.Gates = append(v.Gates, &Asked{Node: n, When: true, Expr: n.When, Parts: r.explain(n.When)})
		}
	}
}

// askNode settles a filter or a switch. It returns nil for what was not begun.
func (r *runner) askNode(n *check.Node) *Asked {
	switch n.Kind {
	case check.Filter:
		a := &Asked{Node: n, Expr: n.Condition, Parts: r.explain(n.Condition)}
		lets, err := r.gate(n)
		if a.Passed = err == nil && lets; a.Passed {
			r.state[n.Index] = passed
		} else {
			r.state[n.Index] = stopped
		}
		return a
	case check.Switch:
		a := &Asked{Node: n, Expr: n.On, Parts: r.explain(n.On), Case: -1}
		if r.decide(n) != nil {
			r.state[n.Index] = failed
			return a
		}
		a.Passed = true
		if v, err := r.value(n.On); err == nil {
			a.Case = caseOf(n.Cases, v)
		}
		return a
	}
	return nil
}

func (r *runner) explain(x hcl.Expression) []eval.Part {
	if err := r.openScope(); err != nil {
		return []eval.Part{{Range: x.Range(), Err: connectors.AsError(err)}}
	}
	return r.scope.Explain(x)
}
