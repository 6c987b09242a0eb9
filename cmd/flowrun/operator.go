package main

// What the control door asks of the engine on an operator's behalf, and how the answers read.

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/control"
	"github.com/flowrun/flowrun/runtime/engine"
)

var _ control.Operator = (*machine)(nil)

// refusal is an engine's refusal as the door knows it.
type refusal struct{ error }

func (refusal) Unwrap() error { return control.ErrRefused }

func asRefusal(err error) error {
	if errors.Is(err, engine.ErrRefused) {
		return refusal{err}
	}
	return err
}

// Retry implements control.Operator.
func (x *machine) Retry(ctx context.Context, id string, o control.RetryRequest) error {
	return asRefusal(x.engine.Retry(ctx, id, engine.RetryOptions(o)))
}

// Cancel implements control.Operator.
func (x *machine) Cancel(ctx context.Context, id, by string) error {
	return asRefusal(x.engine.Cancel(ctx, id, by))
}

// Resolve implements control.Operator.
func (x *machine) Resolve(ctx context.Context, id, step string, sent bool) error {
	return asRefusal(x.engine.Resolve(ctx, id, step, sent))
}

// Move implements control.Operator.
func (x *machine) Move(ctx context.Context, id string) error {
	return asRefusal(x.engine.Move(ctx, id))
}

// Replay implements control.Operator.
func (x *machine) Replay(ctx context.Context, e *runtime.Event, o control.ReplayRequest) ([]*runtime.Run, error) {
	runs, err := x.engine.Replay(ctx, e, engine.ReplayOptions{Recipe: o.Recipe, Dry: o.Dry, Again: o.Again, Bulk: o.Bulk})
	return runs, asRefusal(err)
}

// Pause implements control.Operator.
func (x *machine) Pause(ctx context.Context, recipe string, drop bool, by string) error {
	return asRefusal(x.engine.Pause(ctx, recipe, drop, by))
}

// Resume implements control.Operator.
func (x *machine) Resume(ctx context.Context, recipe string) error {
	return asRefusal(x.engine.Resume(ctx, recipe))
}

// WhyEvent implements control.Operator.
func (x *machine) WhyEvent(ctx context.Context, e *runtime.Event) (*control.Why, error) {
	out := &control.Why{Event: control.EventOf(e), Verdict: []control.Verdict{}}
	w, err := x.engine.WhyEvent(ctx, e)
	gone := errors.Is(err, engine.ErrPayloadGone)
	if err != nil && !gone {
		return nil, asRefusal(err)
	}
	out.Known, out.Program, out.Others = !gone, w.Program, w.Others
	if gone {
		out.Note = "The payload is no longer kept, so that nothing can be asked again."
		return out, nil
	}
	switch {
	case !w.Decided:
		out.Note = "It has not been decided yet. This is what the program that is served now would say."
	case len(w.Verdicts) == 0:
		out.Note = fmt.Sprintf("No recipe starts with %s on %s.", e.Type, e.Connection)
	}
	if p := x.engine.Program(); p != nil {
		if waits := waiters(p, e); len(waits) > 0 {
			out.Note = strings.TrimSpace(out.Note + " A run may wait for it: " + waitText(waits) + ".")
		}
	}
	for _, v := range w.Verdicts {
		out.Verdict = append(out.Verdict, x.withReason(verdictOf(v, w.Decided), v.Run))
	}
	return x.noteServed(out), nil
}

// WhyRun implements control.Operator.
func (x *machine) WhyRun(ctx context.Context, r *runtime.Run) (*control.Why, error) {
	e, err := x.store.EventBySeq(ctx, r.EventSeq)
	if err != nil {
		return nil, fmt.Errorf("reading the run's event: %w", err)
	}
	out := &control.Why{Event: control.EventOf(e), Verdict: []control.Verdict{}}
	v, err := x.engine.WhyRun(ctx, r)
	if err != nil && !errors.Is(err, engine.ErrPayloadGone) {
		return nil, asRefusal(err)
	}
	if out.Known, out.Program = err == nil, r.Program; err != nil {
		out.Note = "The event's payload is no longer kept, so that nothing can be asked again."
	}
	out.Verdict = []control.Verdict{x.withReason(verdictOf(v, true), r)}
	return x.noteServed(out), nil
}

func (x *machine) noteServed(w *control.Why) *control.Why {
	if p := x.engine.Program(); p != nil && p.Digest() != w.Program {
		w.Served = p.Digest()
	}
	return w
}

// withReason adds why the recipe of a run that is held is paused, where its limits say it.
func (x *machine) withReason(v control.Verdict, run *runtime.Run) control.Verdict {
	if run == nil || run.Status != runtime.RunQueued || run.Queue != runtime.QueuePaused {
		return v
	}
	for _, p := range x.engine.Status().Paused {
		if p.Recipe == run.Recipe && p.Reason != "" {
			v.Because += ": " + p.Reason
		}
	}
	return v
}

func verdictOf(v *engine.Verdict, decided bool) control.Verdict {
	out := control.Verdict{Recipe: v.Recipe.Name}
	held := ""
	for _, a := range v.Gates {
		g := gateOf(v.Files, a)
		if out.Gates = append(out.Gates, g); !g.Passed && held == "" && a.Node.Kind == check.Filter {
			held = fmt.Sprintf("%s held it back", g.Name)
			if a.Parts[0].Err != nil {
				held = fmt.Sprintf("%s could not be evaluated", g.Name)
			}
		}
	}
	switch r := v.Run; {
	case r != nil:
		out.Run, out.Status, out.Outcome = r.ID, r.Status.String(), "ran"
		out.Because = runBecause(r, held)
		if r.Status == runtime.RunFailed {
			out.Outcome = "failed"
		}
		if r.Status == runtime.RunSkipped || r.Status == runtime.RunQueued && len(r.Steps) == 0 {
			out.Outcome = "not started"
		}
	case v.Recipe.Disabled:
		out.Outcome, out.Because = "disabled", "it did not run: enabled = false"
	case v.Setting != "":
		out.Outcome, out.Because = "held back", fmt.Sprintf("it did not run: the trigger's %s left the event out", v.Setting)
	case held != "":
		out.Outcome, out.Because = "held back", "it did not run: "+held
	case decided:
		out.Outcome, out.Because = "not started", "nothing held it back, and there is no run: retention has forgotten it"
	default:
		out.Outcome, out.Because = "not started", "nothing holds it back"
	}
	return out
}

func runBecause(r *runtime.Run, held string) string {
	switch {
	case r.Status == runtime.RunFailed && r.Error != nil:
		return fmt.Sprintf("it ran and failed at %s: %s", orDash(r.Error.Step), r.Error.Message)
	case r.Status == runtime.RunSkipped:
		return "it did not run: " + standing(r)
	case r.Status == runtime.RunQueued:
		return "it is queued: " + standing(r)
	case r.Status == runtime.RunWaiting:
		return "it waits, and " + standing(r)
	case r.Status == runtime.RunRunning:
		return "it runs"
	case r.Status == runtime.RunCanceled && r.Error != nil:
		return "it was canceled: " + r.Error.Message
	case held != "":
		return "it ran until " + held
	}
	return "it ran, and " + r.Status.String()
}

func standing(r *runtime.Run) string {
	shown := control.RunOf(r)
	return shown.Standing(when)
}

func orDash(s string) string {
	if s == "" {
		return "its start"
	}
	return s
}

func gateOf(files map[string][]byte, a *engine.Asked) control.Gate {
	at := a.Expr.Range()
	g := control.Gate{Name: gateTitle(a), Filename: at.Filename, Line: at.Start.Line, Source: sourceOf(files, at), Passed: a.Passed}
	for i, p := range a.Parts {
		if i == 0 {
			g.Value = partValue(p)
			continue
		}
		g.Parts = append(g.Parts, control.Part{Depth: p.Depth, Source: sourceOf(files, p.Range), Value: partValue(p)})
	}
	if a.Node.Kind == check.Switch && a.Passed {
		switch {
		case a.Case < 0:
			g.Value += ": no case"
		case a.Node.Cases[a.Case].Default:
			g.Value += ": default"
		default:
			g.Value += fmt.Sprintf(": case at line %d", a.Node.Cases[a.Case].Range.Start.Line)
		}
	}
	return g
}

func gateTitle(a *engine.Asked) string {
	n := a.Node
	switch {
	case a.When:
		return "when of " + n.Address
	case n.Kind == check.Switch && n.Name != "":
		return "switch " + strconv.Quote(n.Name)
	case n.Kind == check.Switch:
		return n.Address
	case n.Name != "":
		return "filter " + strconv.Quote(n.Name)
	}
	return n.Address
}

// maxShown bounds a value that is shown among others.
const maxShown = 200

func partValue(p eval.Part) string {
	switch {
	case p.Skipped:
		return "(not evaluated)"
	case p.Secret:
		return "(secret)"
	case p.Err != nil:
		return "(" + p.Err.Error() + ")"
	case p.Value == cty.NilVal:
		return "(no value)"
	}
	raw, err := schema.AppendJSON(nil, p.Value)
	if err != nil {
		return "(" + err.Error() + ")"
	}
	if len(raw) > maxShown {
		return string(raw[:maxShown]) + "…"
	}
	return string(raw)
}

// sourceOf is the text of a range.
func sourceOf(files map[string][]byte, at hcl.Range) string {
	src := files[at.Filename]
	if !at.CanSliceBytes(src) {
		return ""
	}
	return string(at.SliceBytes(src))
}
