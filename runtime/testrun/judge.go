package testrun

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/suite"
	"github.com/flowrun/flowrun/lang/syntax"
	"github.com/flowrun/flowrun/runtime"
)

// collect reads what became of each event, and why.
func (w *world) collect(ctx context.Context, res *Result) error {
	for _, ev := range w.events {
		o := &Outcome{Event: ev}
		res.Events = append(res.Events, o)
		run, err := w.store.Run(ctx, runtime.RunID(ev, w.recipe.Name, ""))
		switch {
		case err == nil:
			o.Run, o.Status, o.By = run, run.Status.String(), run.StoppedBy
			if o.By == "" && run.Queue == runtime.QueuePaused {
				o.By = run.Queue.String()
			}
		case !errors.Is(err, runtime.ErrNotFound):
			return fmt.Errorf("reading the run of event %s: %w", ev.ID, err)
		}
		if err := w.collectCalled(ctx, res, ev); err != nil {
			return err
		}
		why, err := w.engine.WhyEvent(ctx, ev)
		if err != nil {
			return fmt.Errorf("asking why of event %s: %w", ev.ID, err)
		}
		for _, v := range why.Verdicts {
			if v.Recipe.Name == w.recipe.Name {
				o.Verdict = v
			}
		}
		if o.Run != nil || o.Verdict == nil {
			continue
		}
		o.Status, o.By = runtime.RunFiltered.String(), o.Verdict.Setting
		for _, g := range o.Verdict.Gates {
			if !g.Passed && o.By == "" {
				if o.By = g.Node.Name; o.By == "" {
					o.By = g.Node.Address
				}
			}
		}
		if w.recipe.Disabled {
			o.By = "enabled"
		}
	}
	return nil
}

// collectCalled reads the runs of recipes that were called for an event.
func (w *world) collectCalled(ctx context.Context, res *Result, ev *runtime.Event) error {
	runs, err := w.store.RunsOf(ctx, ev.Seq)
	if err != nil {
		return fmt.Errorf("reading the runs of event %s: %w", ev.ID, err)
	}
	for _, r := range runs {
		if r.Parent == "" {
			continue
		}
		run, err := w.store.Run(ctx, r.ID)
		if err != nil {
			return fmt.Errorf("reading a run of %s: %w", r.Recipe, err)
		}
		v, err := w.engine.WhyRun(ctx, run)
		if err != nil {
			return fmt.Errorf("asking why of a run of %s: %w", r.Recipe, err)
		}
		res.Called = append(res.Called, &Outcome{Event: ev, Run: run, Verdict: v, Status: run.Status.String(), By: run.StoppedBy})
	}
	return nil
}

// judge holds what has happened against what is expected. A run that failed where the test says nothing of it fails the
// test: it would otherwise pass for what it did before.
func (w *world) judge(ctx context.Context, res *Result) {
	said := map[*Outcome]bool{}
	for _, e := range w.test.Expects {
		switch e.Kind {
		case syntax.ExpectRun:
			if e.Outcome != nil || e.Error != nil {
				said[w.outcome(res, e)] = true
			}
			w.judgeRun(res, e)
		case syntax.ExpectAction:
			w.judgeAction(res, e)
		case syntax.ExpectWait:
			w.judgeWait(res, e)
		case syntax.ExpectState:
			w.judgeState(ctx, res, e)
		}
	}
	for i, o := range res.Events {
		if o.Run != nil && o.Run.Status == runtime.RunFailed && !said[o] && o.Run.Error != nil {
			res.fail(w.test.Range, "the run of event %d failed, which no expect { … } of the test says: %s: %s (%s)", i+1, orStart(o.Run.Error.Step), o.Run.Error.Message, o.Run.Error.Kind)
		}
	}
}

func orStart(step string) string {
	if step == "" {
		return "at its start"
	}
	return step
}

// outcome returns what an expectation is about: the event it names, or the first that the recipe listens to.
func (w *world) outcome(res *Result, e *suite.Expect) *Outcome {
	if e.Event > 0 && e.Event <= len(res.Events) {
		return res.Events[e.Event-1]
	}
	for _, o := range res.Events {
		if o.Verdict != nil {
			return o
		}
	}
	return res.Events[0]
}

func (r *Result) compare(e *suite.Expect, what, expected, actual string) {
	if expected != actual {
		r.Failures = append(r.Failures, Failure{Range: e.Range, What: what, Expected: expected, Actual: actual})
	}
}

func (w *world) judgeRun(res *Result, e *suite.Expect) {
	o := w.outcome(res, e)
	if e.Outcome != nil {
		status := o.Status
		if o.Verdict == nil && o.Run == nil {
			status = "nothing: the recipe does not start with such events"
		}
		res.compare(e, "outcome", *e.Outcome, status)
	}
	if e.By != nil {
		res.compare(e, "by", *e.By, o.By)
	}
	if e.Error != nil {
		var got *runtime.StepError
		if o.Run != nil {
			got = o.Run.Error
		}
		w.judgeError(res, e, got)
	}
	if len(e.Order) > 0 {
		var came []string
		for _, c := range res.Calls {
			if c.Recipe != "" && slices.Contains(e.Order, c.Step) && !slices.Contains(came, c.Step) {
				came = append(came, c.Step)
			}
		}
		res.compare(e, "order", strings.Join(e.Order, "\n"), strings.Join(came, "\n"))
	}
}

func (w *world) judgeError(res *Result, e *suite.Expect, got *runtime.StepError) {
	if got == nil {
		res.compare(e, "error", "an error", "none")
		return
	}
	var want, have []string
	field := func(name, expected, actual string) {
		if expected != "" {
			want, have = append(want, name+" = "+expected), append(have, name+" = "+actual)
		}
	}
	field("kind", e.Error.Kind, string(got.Kind))
	if e.Error.Status != 0 {
		field("status", strconv.Itoa(e.Error.Status), strconv.Itoa(got.Status))
	}
	field("step", e.Error.Step, got.Step)
	field("message", e.Error.Message, got.Message)
	res.compare(e, "error", strings.Join(want, "\n"), strings.Join(have, "\n"))
}

// callsOf are the calls of a step that an expectation is about.
func (w *world) callsOf(res *Result, e *suite.Expect) []*Call {
	var out []*Call
	take := func(c *Call) {
		if (e.Event == 0 || c.Event == e.Event) && (e.Each == nil || c.Each == *e.Each) {
			out = append(out, c)
		}
	}
	for _, c := range res.Calls {
		if c.Recipe != "" && c.Step == e.Node.Address {
			take(c)
		}
	}
	if e.Node.Calls == "" {
		return out
	}
	for i, o := range res.Events { // a recipe that is called is no call to anybody
		if o.Run == nil {
			continue
		}
		for _, s := range o.Run.Steps {
			if s.Address == e.Node.Address && s.Child != "" {
				in, err := schema.DecodeAny(s.Input)
				if err != nil {
					in = cty.EmptyObjectVal
				}
				take(&Call{Recipe: w.recipe.Name, Step: s.Address, Each: s.Each, Action: s.Action, Event: i + 1, At: s.StartedAt, Input: in, Attempts: 1})
			}
		}
	}
	return out
}

func (w *world) judgeAction(res *Result, e *suite.Expect) {
	calls := w.callsOf(res, e)
	if e.Calls != nil {
		res.compare(e, "calls", strconv.Itoa(*e.Calls), strconv.Itoa(len(calls)))
	}
	if e.Retries != nil {
		retries := 0
		for _, c := range calls {
			retries += c.Attempts - 1
		}
		res.compare(e, "retries", strconv.Itoa(*e.Retries), strconv.Itoa(retries))
	}
	if e.Input != cty.NilVal {
		if len(calls) == 0 {
			res.compare(e, "input", indented(e.Input), "no call was made")
		}
		for i, c := range calls {
			what := "input"
			if len(calls) > 1 {
				what = fmt.Sprintf("input of call %d", i+1)
			}
			res.compare(e, what, indented(e.Input), indented(like(e.Input, c.Input)))
		}
	}
	if e.Inputs != nil {
		want, have := make([]string, len(e.Inputs)), make([]string, len(calls))
		for i, v := range e.Inputs {
			want[i] = indented(v)
		}
		for i, c := range calls {
			have[i] = given(c.Input)
			if i < len(e.Inputs) {
				have[i] = indented(like(e.Inputs[i], c.Input))
			}
		}
		res.compare(e, "inputs", strings.Join(want, "\n"), strings.Join(have, "\n"))
	}
	if e.Error != nil {
		var got *runtime.StepError
		if o := w.outcome(res, e); o.Run != nil {
			for _, s := range o.Run.Steps {
				if s.Address == e.Node.Address && s.Error != nil && (e.Each == nil || *e.Each == s.Each) {
					got = s.Error
				}
			}
		}
		w.judgeError(res, e, got)
	}
}

func (w *world) judgeWait(res *Result, e *suite.Expect) {
	o := w.outcome(res, e)
	var step *runtime.Step
	if o.Run != nil {
		for _, s := range o.Run.Steps {
			if s.Address == e.Node.Address {
				step = s
			}
		}
	}
	if step == nil {
		res.compare(e, "wait", "begun", "not begun")
		return
	}
	if e.TimedOut != nil {
		got := "not ended"
		if step.Status == runtime.StepDone {
			timedOut, _ := schema.BoolOf(schema.Lookup(step.Output, "timed_out"))
			got = strconv.FormatBool(timedOut)
		}
		res.compare(e, "timed_out", strconv.FormatBool(*e.TimedOut), got)
	}
	end := step.EndedAt
	if end.IsZero() {
		end = step.Due
	}
	got := "not known yet"
	if !end.IsZero() {
		got = end.UTC().Format(time.RFC3339)
	}
	if e.Until != nil {
		res.compare(e, "until", e.Until.UTC().Format(time.RFC3339), got)
	}
	if e.After != nil {
		res.compare(e, "until", step.StartedAt.Add(*e.After).UTC().Format(time.RFC3339), got)
	}
}

func (w *world) judgeState(ctx context.Context, res *Result, e *suite.Expect) {
	raw, got, err := w.kept(ctx, e.Name)
	if err == nil && e.Value.Type() == cty.Number {
		// A counter, unless a value was kept since: adding nothing tells its sum.
		var sum int64
		sum, err = w.store.Increment(ctx, &runtime.Increment{Name: e.Name, ID: "expect", At: w.clock.Now()})
		if raw == nil || sum != 0 && bytes.Equal(raw, w.test.State[e.Name]) {
			got = cty.NumberIntVal(sum)
		}
	}
	if err != nil {
		res.fail(e.Range, "the state %q can't be read: %v", e.Name, err)
		return
	}
	res.compare(e, "state "+strconv.Quote(e.Name), indented(e.Value), indented(like(e.Value, got)))
}

// kept reads a value that recipes keep: nil and null where there is none.
func (w *world) kept(ctx context.Context, name string) ([]byte, cty.Value, error) {
	v, err := w.store.State(ctx, name, w.clock.Now())
	if errors.Is(err, runtime.ErrNotFound) {
		return nil, cty.NullVal(cty.DynamicPseudoType), nil
	}
	if err != nil {
		return nil, cty.NilVal, err
	}
	value, err := schema.DecodeAny(v.Value)
	return v.Value, value, err
}

// like is what of a value an expectation looks at: of an object the members that it names, of a list all elements.
func like(want, have cty.Value) cty.Value {
	if have == cty.NilVal || have.IsNull() || want.IsNull() {
		return have
	}
	wt, ht := want.Type(), have.Type()
	switch {
	case (wt.IsObjectType() || wt.IsMapType()) && (ht.IsObjectType() || ht.IsMapType()):
		wants, haves, out := want.AsValueMap(), have.AsValueMap(), map[string]cty.Value{}
		for name, w := range wants {
			h, ok := haves[name]
			if !ok {
				h = cty.NullVal(cty.DynamicPseudoType)
			}
			out[name] = like(w, h)
		}
		return cty.ObjectVal(out)
	case (wt.IsTupleType() || wt.IsListType()) && (ht.IsTupleType() || ht.IsListType()):
		wants, haves := want.AsValueSlice(), have.AsValueSlice()
		out := slices.Clone(haves)
		for i := range min(len(wants), len(haves)) {
			out[i] = like(wants[i], haves[i])
		}
		return cty.TupleVal(out)
	}
	return have
}

// indented is a value as JSON of several lines, with the keys sorted, so that lines can be compared.
func indented(v cty.Value) string {
	raw, err := schema.AppendJSON(nil, v)
	return lines(raw, err)
}

// given is indented without what was not given.
func given(v cty.Value) string {
	raw, err := schema.AppendJSONOmitNull(nil, v)
	return lines(raw, err)
}

func lines(raw []byte, err error) string {
	if err != nil {
		return err.Error()
	}
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}

// Diff compares two texts line by line: lines that only the expected one has begin with "- ", only the actual one with
// "+ ", both with two spaces.
func Diff(expected, actual string) []string {
	a, b := strings.Split(expected, "\n"), strings.Split(actual, "\n")
	// The longest common subsequence, by the table of its lengths; both texts are short.
	n := make([][]int, len(a)+1)
	for i := range n {
		n[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				n[i][j] = n[i+1][j+1] + 1
			} else {
				n[i][j] = max(n[i+1][j], n[i][j+1])
			}
		}
	}
	var out []string
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, "  "+a[i])
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && n[i+1][j] >= n[i][j+1]:
			out = append(out, "- "+a[i])
			i++
		default:
			out = append(out, "+ "+b[j])
			j++
		}
	}
	return out
}
