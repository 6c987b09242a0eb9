package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/runtime"
)

// report is what `flowrun run` prints.
type report struct {
	m        *Main
	secrets  secrets
	recipe   *check.Recipe
	event    *runtime.Event
	run      *runtime.Run
	requests []request
	own      bool // the event's own object stands for what a trigger with latest would fetch
}

// The JSON is a contract with other programs.
type (
	reportJSON struct {
		Recipe    string     `json:"recipe"`
		EventID   string     `json:"event_id"`
		EventType string     `json:"event_type"`
		Outcome   string     `json:"outcome"`
		StoppedBy string     `json:"stopped_by,omitempty"`
		Error     *errorJSON `json:"error,omitempty"`
		Nodes     []nodeJSON `json:"nodes"`
		Requests  []request  `json:"requests"`
	}
	nodeJSON struct {
		Address string          `json:"address"`
		Each    string          `json:"each,omitempty"` // key of the element that a step with for_each was done for
		Label   string          `json:"label,omitempty"`
		Action  string          `json:"action,omitempty"`
		Status  string          `json:"status"` // of a gate: passed, stopped, not reached
		Input   json.RawMessage `json:"input,omitempty"`
		Output  json.RawMessage `json:"output,omitempty"`
		Error   *errorJSON      `json:"error,omitempty"`
		Own     bool            `json:"own_object,omitempty"` // the event's own object stands for what a trigger with latest would fetch

		held bool // by limits: no call was made
	}
	errorJSON struct {
		Step    string `json:"step,omitempty"`
		Kind    string `json:"kind"`
		Status  int    `json:"status,omitempty"`
		Message string `json:"message"`
	}
)

func (r *report) error(e *runtime.StepError) *errorJSON {
	if e == nil {
		return nil
	}
	return &errorJSON{e.Step, string(e.Kind), e.Status, r.secrets.hide(e.Message)}
}

// nodes returns the gates and steps in the order of the recipe, then those of on_error that were reached. A switch is not
// among them: the steps of its cases say which was taken.
func (r *report) nodes() []nodeJSON {
	out := []nodeJSON{}
	for _, n := range r.recipe.Nodes {
		switch steps := r.steps(n); {
		case n.Kind == check.Switch:
		case n.Kind == check.Filter:
			out = append(out, nodeJSON{Address: n.Address, Label: n.Name, Status: r.gate(n)})
		case len(steps) == 0:
			out = append(out, nodeJSON{Address: n.Address, Action: actionOf(n), Status: "not reached"})
		default:
			out = append(out, steps...)
		}
	}
	for _, n := range r.recipe.OnError {
		out = append(out, r.steps(n)...)
	}
	return out
}

// steps returns what was made of a node: several where it has for_each, none where it was not reached.
func (r *report) steps(n *check.Node) []nodeJSON {
	var out []nodeJSON
	for _, s := range r.run.Steps {
		if s.Address == n.Address {
			out = append(out, nodeJSON{Address: n.Address, Each: s.Each, Action: actionOf(n), Status: s.Status.String(),
				Input: s.Input, Output: s.Output, Error: r.error(s.Error), Own: r.own && n.Latest != nil,
				held: s.Status == runtime.StepWaiting && s.Action != "" && s.Child == "" && len(s.Attempts) == 0})
		}
	}
	return out
}

func actionOf(n *check.Node) string {
	if n.Action == nil {
		return ""
	}
	return n.Action.Name
}

func (r *report) step(index int) *runtime.Step {
	i := slices.IndexFunc(r.run.Steps, func(s *runtime.Step) bool { return s.Index == index })
	if i < 0 {
		return nil
	}
	return r.run.Steps[i]
}

// waits reports whether the run is in a wait, and not about to try a failed step again.
func (r *report) waits() bool {
	return r.run.Status == runtime.RunWaiting && !slices.ContainsFunc(r.run.Steps, func(s *runtime.Step) bool {
		return s.Status == runtime.StepWaiting && len(s.Attempts) > 0
	})
}

// gate says where a gate stands. The run keeps only the one that stopped it; another has let through if something below
// it was reached.
func (r *report) gate(gate *check.Node) string {
	stops := func(n *check.Node) bool {
		return n.Kind == check.Filter && r.run.StoppedBy != "" && (r.run.StoppedBy == n.Name || r.run.StoppedBy == n.Address)
	}
	if stops(gate) && !slices.ContainsFunc(r.recipe.Nodes[:gate.Index], stops) {
		return "stopped"
	}
	if r.run.Error != nil && r.run.Error.Step == gate.Address {
		return "failed"
	}
	for _, n := range r.recipe.Nodes[gate.Index+1:] {
		if slices.Contains(n.Gates, gate.Index) && (r.step(n.Index) != nil || stops(n) || r.run.Error != nil && r.run.Error.Step == n.Address) {
			return "passed"
		}
	}
	if r.run.Status == runtime.RunCompleted && r.run.StoppedBy == "" {
		return "passed"
	}
	return "not reached"
}

func (r *report) json() error {
	requests := r.requests
	if requests == nil {
		requests = []request{}
	}
	return printJSON(r.m.Stdout, reportJSON{Recipe: r.recipe.Name, EventID: r.event.ID, EventType: r.event.Type,
		Outcome: r.run.Status.String(), StoppedBy: r.run.StoppedBy, Error: r.error(r.run.Error), Nodes: r.nodes(), Requests: requests})
}

func (r *report) text() {
	w := r.m.Stdout
	paint := painter(r.m.color(w))
	fmt.Fprintf(w, "%s on %s %s\n", r.recipe.Name, r.event.Type, r.event.ID)
	requests := r.requests
	for _, n := range r.nodes() {
		fmt.Fprintln(w)
		if n.Action == "" {
			name := n.Address
			if n.Label != "" {
				name = fmt.Sprintf("filter %q", n.Label)
			}
			fmt.Fprintf(w, "%s: %s\n", name, paint(statusColor(n.Status), n.Status))
			continue
		}
		address := n.Address
		if n.Each != "" {
			address = fmt.Sprintf("%s[%q]", n.Address, n.Each)
		}
		fmt.Fprintf(w, "%s (%s): %s\n", address, n.Action, paint(statusColor(n.Status), n.Status))
		if n.Own {
			fmt.Fprint(w, "  (not fetched: trigger is the object that the event carries; -live=reads fetches it as it is now)\n")
			continue
		}
		// Steps that run beside each other call in any order; each takes the requests of its action.
		i := slices.IndexFunc(requests, func(q request) bool { return q.Action == n.Action })
		if i >= 0 && !n.held {
			showRequest(w, &requests[i], paint)
			requests = slices.Delete(slices.Clone(requests), i, i+1)
		}
		if n.Error != nil {
			fmt.Fprintf(w, "  %s: %s\n", n.Error.Kind, n.Error.Message)
		}
	}
	fmt.Fprintf(w, "\n%s", paint(statusColor(r.run.Status.String()), r.run.Status.String()))
	switch {
	case r.run.Error != nil:
		fmt.Fprintf(w, " at %s: %s: %s", dash(r.run.Error.Step), r.run.Error.Kind, r.secrets.hide(r.run.Error.Message))
	case r.run.Status == runtime.RunSkipped:
		fmt.Fprint(w, " by latest: the object that the event is about is no more at its vendor")
	case r.run.Status == runtime.RunQueued:
		fmt.Fprintf(w, ", held by the recipe's %s: a server would pause the recipe, and go on once it is resumed", r.run.StoppedBy)
	case r.run.StoppedBy != "":
		fmt.Fprintf(w, ", stopped by %q", r.run.StoppedBy)
	case r.run.Status == runtime.RunWaiting && r.run.Due.IsZero():
		fmt.Fprint(w, ": a server would run what it calls, and go on when that has ended")
	case r.run.Status == runtime.RunWaiting:
		fmt.Fprintf(w, ": a server would go on at %s", r.run.Due.UTC().Format("2006-01-02 15:04:05 MST"))
	}
	fmt.Fprintln(w)
}

func showRequest(w io.Writer, q *request, paint func(string, string) string) {
	fmt.Fprintf(w, "  %s %s\n", paint("1", q.Method), paint("1", q.URL))
	names := make([]string, 0, len(q.Headers))
	for name := range q.Headers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(w, "  %s: %s\n", name, q.Headers[name])
	}
	if q.Body != "" {
		fmt.Fprintf(w, "\n%s\n", pretty(q.Body, "  "))
	}
	switch {
	case q.Sent:
		fmt.Fprintf(w, "  (sent; answered %d)\n", q.Status)
	case q.Answer != "":
		fmt.Fprint(w, "  (not sent; answered with the action's example)\n")
	default:
		fmt.Fprint(w, "  (not sent)\n")
	}
	if q.Answer != "" {
		fmt.Fprintf(w, "%s\n", pretty(q.Answer, "  "))
	}
}

// pretty returns JSON indented, and anything else as it is.
func pretty(text, indent string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(text), indent, "  ") != nil {
		return indent + text
	}
	return indent + b.String()
}

// painter returns a function that colours a text, or one that doesn't.
func painter(color bool) func(sgr, text string) string {
	if !color {
		return func(_, text string) string { return text }
	}
	return func(sgr, text string) string {
		if sgr == "" {
			return text
		}
		return "\x1b[" + sgr + "m" + text + "\x1b[0m"
	}
}

func statusColor(status string) string {
	switch status {
	case "completed", "done", "passed":
		return "32"
	case "failed", "unknown":
		return "1;31"
	case "filtered", "stopped", "waiting":
		return "33"
	}
	return "2"
}
