package main

// What differs between two trials of a recipe, and the result of a backtest.

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/engine"
)

// backtest is what a backtest found. The JSON is a contract with other programs.
type backtest struct {
	Events   int           `json:"events"`
	Newly    []matchedCase `json:"newly_matched"`
	NoLonger []matchedCase `json:"no_longer_matched"`
	Changed  []changedCase `json:"changed"`
	Same     int           `json:"same"`                  // recipes that say the same on both sides: they are not run
	Recipes  []*recipeSum  `json:"recipes"`               // those that differ and took an event, by name
	Gone     int           `json:"payloads_gone"`         // events whose payload retention has dropped: nothing can be said of them
	LeftOut  []string      `json:"flow_control_left_out"` // recipes whose flow control was not considered
	NoEvents []string      `json:"no_events"`             // recipes that differ and listen to nothing that is among the events

	byName map[string]*recipeSum
}

// matchedCase is an event that a recipe takes in one program and not in the other.
type matchedCase struct {
	Event      string        `json:"event"`
	Type       string        `json:"type"`
	Connection string        `json:"connection"`
	Recipe     string        `json:"recipe"`
	HeldBy     string        `json:"held_by,omitempty"` // what holds it back in the program that does not take it
	Requests   []requestCase `json:"requests"`          // of the program that takes it

	seq int64
}

// requestCase is a call that changes something.
type requestCase struct {
	Step   string          `json:"step"`
	Each   string          `json:"each,omitempty"`
	Action string          `json:"action"`
	Input  json.RawMessage `json:"input"`

	personal []string // names of inputs that tell of a person
}

// changedCase is an event for which a recipe does something else.
type changedCase struct {
	Event      string       `json:"event"`
	Type       string       `json:"type"`
	Connection string       `json:"connection"`
	Recipe     string       `json:"recipe"`
	Outcome    *outcomeDiff `json:"outcome,omitempty"` // where it ends in another way
	Steps      []stepDiff   `json:"steps,omitempty"`

	seq int64
}

type outcomeDiff struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

// stepDiff is a call that is made in one program only, or with other inputs.
type stepDiff struct {
	Step   string      `json:"step"`
	Each   string      `json:"each,omitempty"`
	Action string      `json:"action"`
	Change string      `json:"change"` // "added", "removed" or "changed"
	Fields []fieldDiff `json:"fields"`
}

// fieldDiff is one value of an input. A value that is left out was not given.
type fieldDiff struct {
	Path   string          `json:"path"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`

	personal bool
}

// recipeSum is what became of one recipe over all events.
type recipeSum struct {
	Recipe    string         `json:"recipe"`
	Before    int            `json:"before"`              // events that it took
	After     int            `json:"after"`               // events that it takes
	Undecided int            `json:"undecided,omitempty"` // events of which that is unknown, for a look-up without an answer
	Unknown   int            `json:"unknown,omitempty"`   // events with steps that are unknown
	Steps     map[string]int `json:"unknown_steps,omitempty"`
	Waiting   int            `json:"waiting,omitempty"` // events for which it waits beyond the last event

	unknown map[string]int
}

func newBacktest() *backtest {
	return &backtest{Newly: []matchedCase{}, NoLonger: []matchedCase{}, Changed: []changedCase{}, Recipes: []*recipeSum{},
		byName: map[string]*recipeSum{}}
}

func (b *backtest) of(name string) *recipeSum {
	s := b.byName[name]
	if s == nil {
		s = &recipeSum{Recipe: name, unknown: map[string]int{}}
		b.byName[name] = s
		b.Recipes = append(b.Recipes, s)
	}
	return s
}

func (s *recipeSum) add(o *recipeSum) {
	s.Before, s.After = s.Before+o.Before, s.After+o.After
	s.Undecided, s.Unknown, s.Waiting = s.Undecided+o.Undecided, s.Unknown+o.Unknown, s.Waiting+o.Waiting
	for address, n := range o.unknown {
		s.unknown[address] += n
	}
	if len(s.unknown) > 0 {
		s.Steps = s.unknown
	}
}

func requestsOf(t *engine.Tried) []requestCase {
	out := []requestCase{}
	for _, m := range t.Made {
		out = append(out, requestCase{Step: placeOf(t, m), Each: m.Step.Each, Action: m.Step.Action, Input: m.Step.Input, personal: m.Node.Personal})
	}
	return out
}

// placeOf names the step, with the recipe where that was called.
func placeOf(t *engine.Tried, m engine.Made) string {
	if m.Run == t.Run {
		return m.Step.Address
	}
	return m.Run.Recipe + ": " + m.Step.Address
}

type place struct{ step, each, callerStep, callerEach string }

// differences returns nil where both do the same. What is unknown, or has not come, on one side is no difference.
func differences(was, is *engine.Tried) *changedCase {
	d := &changedCase{}
	if a, b := outcomeOf(was), outcomeOf(is); a != b {
		d.Outcome = &outcomeDiff{a, b}
	}
	made := map[place][2]*engine.Made{}
	var order []place
	for side, t := range []*engine.Tried{is, was} {
		for i := range t.Made {
			m := &t.Made[i]
			p := place{placeOf(t, *m), m.Step.Each, m.Run.ParentStep, m.Run.ParentEach}
			pair, known := made[p]
			if !known {
				order = append(order, p)
			}
			pair[1-side] = m
			made[p] = pair
		}
	}
	for _, p := range order {
		before, after := made[p][0], made[p][1]
		s := stepDiff{Step: p.step, Each: p.each}
		switch {
		case before == nil:
			if untold(was, after) {
				continue
			}
			s.Change, s.Action = "added", after.Step.Action
			s.Fields = fieldsOf(after.Node.Personal, nil, after.Step.Input)
		case after == nil:
			if untold(is, before) {
				continue
			}
			s.Change, s.Action = "removed", before.Step.Action
			s.Fields = fieldsOf(before.Node.Personal, before.Step.Input, nil)
		case before.Step.Action != after.Step.Action || !bytes.Equal(before.Step.Input, after.Step.Input):
			s.Change, s.Action = "changed", after.Step.Action
			if before.Step.Action != after.Step.Action {
				s.Action = before.Step.Action + " → " + after.Step.Action
			}
			s.Fields = fieldsOf(slices.Concat(before.Node.Personal, after.Node.Personal), before.Step.Input, after.Step.Input)
		default:
			continue
		}
		d.Steps = append(d.Steps, s)
	}
	if d.Outcome == nil && len(d.Steps) == 0 {
		return nil
	}
	return d
}

// untold reports whether it is unknown if the other program makes a call.
func untold(t *engine.Tried, m *engine.Made) bool {
	return t.Waiting || slices.Contains(t.Unknown, m.Node.Address)
}

func outcomeOf(t *engine.Tried) string {
	if t.Run.Status == runtime.RunFailed && t.Run.Error != nil {
		return "failed: " + t.Run.Error.Message
	}
	return "done" // whether it waits is a matter of when the events end
}

// fieldsOf returns the values in which two inputs differ.
func fieldsOf(personal []string, before, after []byte) []fieldDiff {
	out := []fieldDiff{}
	diffValues(&out, "", valueOf(before), valueOf(after))
	for i := range out {
		top, _, _ := strings.Cut(out[i].Path, ".")
		top, _, _ = strings.Cut(top, "[")
		out[i].personal = slices.Contains(personal, top)
	}
	return out
}

type absent struct{}

func valueOf(raw []byte) any {
	if raw == nil {
		return map[string]any{}
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return string(raw)
	}
	return v
}

func diffValues(out *[]fieldDiff, path string, a, b any) {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			break
		}
		names := map[string]bool{}
		for name := range x {
			names[name] = true
		}
		for name := range y {
			names[name] = true
		}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			at := name
			if path != "" {
				at = path + "." + name
			}
			diffValues(out, at, memberOf(x, name), memberOf(y, name))
		}
		return
	case []any:
		y, ok := b.([]any)
		if !ok {
			break
		}
		for i := range max(len(x), len(y)) {
			diffValues(out, path+"["+strconv.Itoa(i)+"]", element(x, i), element(y, i))
		}
		return
	}
	before, after := rawOf(a), rawOf(b)
	if !bytes.Equal(before, after) {
		*out = append(*out, fieldDiff{Path: path, Before: before, After: after})
	}
}

func memberOf(m map[string]any, name string) any {
	if v, ok := m[name]; ok {
		return v
	}
	return absent{}
}

func element(l []any, i int) any {
	if i < len(l) {
		return l[i]
	}
	return absent{}
}

func rawOf(v any) json.RawMessage {
	if _, none := v.(absent); none {
		return nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil { // it was decoded from JSON
		return nil
	}
	return bytes.TrimSpace(b.Bytes())
}
