package main

// An edited recipe, tried on an event that has happened. Its text comes from whoever is at the page, so that it is given
// nothing that it could show: the settings of connections are made up, no file is read, and a variable that is sensitive
// in any recipe that is served has a made-up value.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/control"
	"github.com/flowrun/flowrun/runtime/engine"
)

// projectFile is the file of a folder that is no recipe.
const projectFile = "flowrun.hcl"

// Try implements control.Workshop.
func (x *machine) Try(_ context.Context, e *runtime.Event, runs []*runtime.Run, r control.TryRequest) (*control.TryResult, error) {
	served := x.engine.Program()
	switch {
	case served == nil:
		return nil, refusal{errors.New("no program has been taken yet")}
	case len(e.Payload) == 0:
		return nil, refusal{fmt.Errorf("the payload of event %s is not kept any more", e.ID)}
	}
	filename := r.Recipe + ".hcl"
	if rec := served.Recipe(r.Recipe); rec != nil {
		filename = rec.Filename
	}
	if !fs.ValidPath(filename) || filename == projectFile {
		return nil, refusal{fmt.Errorf("%q can't be the name of a recipe", r.Recipe)}
	}
	files := maps.Clone(served.Files())
	files[filename] = []byte(r.Source)
	program, diags := lang.CompileFiles(files, x.registry)
	p := &project{shown: x.shown, dir: x.dir, program: program}
	var bindings *lang.Bindings
	if !diags.HasErrors() {
		b, more := program.Bind(x.sealedInputs(p, served))
		bindings, diags = b, append(diags, more...)
	}
	out := &control.TryResult{Diagnostics: []control.Diagnostic{}, Gates: []control.Gate{}, Calls: []control.TryCall{}}
	for _, d := range diags {
		if d.Subject == nil || d.Subject.Filename == filename || diags.HasErrors() {
			out.Diagnostics = append(out.Diagnostics, x.diagnostic(d))
		}
	}
	if diags.HasErrors() || program.Recipe(r.Recipe) == nil {
		out.Outcome, out.Because = "refused", "the text does not compile, so that nothing was tried"
		return out, nil
	}
	trial, err := engine.NewTrial(engine.Config{Registry: x.registry, Log: x.log}, engine.NewPast([]engine.PastEvent{{Event: e, Runs: runs}}), program, bindings)
	if err != nil {
		return nil, fmt.Errorf("making the trial ready: %w", err)
	}
	return out, tryOut(out, trial.Trier(), program, r.Recipe)
}

// sealedInputs are what an edited program is bound to.
func (x *machine) sealedInputs(p *project, served *lang.Program) lang.Inputs {
	made := newForger(x.registry)
	vars := map[string]string{}
	for _, v := range served.Variables() {
		text, ok := x.vars[v.Name]
		if !ok {
			text, ok = x.env("FLOWRUN_VAR_" + v.Name)
		}
		if ok {
			vars[v.Name] = text
		}
	}
	for _, v := range slices.Concat(served.Variables(), p.program.Variables()) {
		if v.Sensitive {
			if _, ok := vars[v.Name]; ok {
				vars[v.Name], _ = made.value("variable "+v.Name, nil, true)
			}
		}
	}
	in := made.inputs(p, vars)
	in.ReadFile = func(name string) ([]byte, error) {
		text, _ := made.value("file "+name, nil, true)
		return []byte(text), nil
	}
	in.Unsigned = true
	return in
}

// tryOut tries the only event, and says what came of it.
func tryOut(out *control.TryResult, w *engine.Trier, p *lang.Program, name string) error {
	others := map[string]bool{}
	for _, r := range p.Recipes() {
		others[r.Name] = r.Name != name
	}
	tries, err := w.Try(0, others)
	if err != nil {
		return fmt.Errorf("trying the recipe: %w", err)
	}
	var tried *engine.Tried
	var run *runtime.Run
	if len(tries) > 0 {
		tried = tries[0]
		run = tried.Run
	}
	v := w.Ask(0, name, run)
	if v != nil && len(v.Gates) == 0 { // what the steps answered can't be put back; the gates before them can be asked
		v = w.Ask(0, name, nil)
	}
	if v == nil {
		out.Outcome, out.Because = "not_for_it", "no trigger of the recipe takes events of this type on this connection"
		return nil
	}
	for _, a := range v.Gates {
		out.Gates = append(out.Gates, gateOf(v.Files, a))
	}
	if tried == nil {
		out.Outcome, out.Because = "held_back", "it would not run: "+cmp.Or(w.Held(0, name), "a filter")+" holds it back"
		return nil
	}
	for _, m := range tried.Made {
		call := control.TryCall{Step: m.Step.Address, Each: m.Step.Each, Action: m.Step.Action, Input: m.Step.Input}
		if m.Run.Recipe != name {
			call.Recipe = m.Run.Recipe
		}
		out.Calls = append(out.Calls, call)
	}
	out.Unknown = tried.Unknown
	out.Outcome, out.Because = triedOutcome(tried)
	return nil
}

func triedOutcome(t *engine.Tried) (outcome, because string) {
	switch {
	case t.Run.Status == runtime.RunFailed && t.Run.Error != nil:
		return "would_fail", fmt.Sprintf("it would fail at %s: %s", orDash(t.Run.Error.Step), t.Run.Error.Message)
	case t.End == engine.Held:
		return "held_back", fmt.Sprintf("it would not run: %s holds it back", t.HeldBy)
	case t.End == engine.Undecided:
		return "undecided", "whether it would run depends on the answer of a look-up that was not made when the event came"
	case t.Waiting:
		return "would_wait", "it would run until a wait, and go on when what it waits for comes"
	case len(t.Made) == 0:
		return "would_run", "it would run to its end and change nothing"
	}
	return "would_run", "it would run to its end"
}
