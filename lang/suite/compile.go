package suite

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// Project is what tests are about: a lang.Program without errors, or the sound part of one that is being edited.
type Project interface {
	Recipe(name string) *check.Recipe // nil where there is none
	Recipes() []*check.Recipe
	Variables() []*check.Variable
}

// Options are what tests are checked against.
type Options struct {
	Program  Project
	Catalog  schema.Catalog
	Kinds    []string                          // of failures
	ReadFile func(path string) ([]byte, error) // by a path from the project's root; nil where there are no fixtures
}

// Compile parses and checks files of tests, by their slash-separated paths. The tests are in the order of their files and
// places; those with mistakes are left out.
func Compile(files map[string][]byte, o Options) ([]*Test, hcl.Diagnostics) {
	parsed, diags := syntax.ParseTests(files)
	broken := map[string]bool{} // files in which something can't be read
	for _, d := range diags {
		broken[d.Subject.Filename] = broken[d.Subject.Filename] || d.Severity == hcl.DiagError
	}
	var tests []*Test
	for _, f := range parsed {
		c := newChecker(o)
		names := map[string]hcl.Range{}
		for _, src := range f.Tests {
			before := len(c.diags)
			t := c.test(f, src)
			if first, ok := names[src.Name]; ok {
				c.report(diag.DuplicateTest, src.NameRange, "The file has another test of that name, on line %d; a report could not tell them apart.", first.Start.Line)
			}
			names[src.Name] = src.NameRange
			diag.In(fmt.Sprintf("in test %q", src.Name), c.diags[before:])
			if t != nil && !broken[f.Filename] && !c.diags[before:].HasErrors() {
				tests = append(tests, t)
			}
		}
		diags = append(diags, c.diags...)
	}
	diag.Sort(diags)
	return tests, diags
}

type checker struct {
	Options
	funcs  map[string]function.Function
	recipe *check.Recipe
	diags  hcl.Diagnostics
}

func newChecker(o Options) *checker { return &checker{Options: o, funcs: functions(o.ReadFile)} }

func (c *checker) report(code diag.Code, rng hcl.Range, format string, args ...any) {
	c.diags = append(c.diags, diag.New(code, rng, fmt.Sprintf(format, args...)))
}

// mend offers a text in the place of that which the last report is about; none where it is empty.
func (c *checker) mend(fix string) {
	if fix == "" || len(c.diags) == 0 {
		return
	}
	d := c.diags[len(c.diags)-1]
	m, _ := diag.MetaOf(d)
	m.Replacement = fix
	d.Extra = m
}

// mendText is mend for a text in quotes.
func (c *checker) mendText(name string, known []string) {
	if near := diag.Suggest(name, known); near != "" {
		c.mend(strconv.Quote(near))
	}
}

func (c *checker) test(f *syntax.TestFile, src *syntax.Test) *Test {
	if c.recipe = c.find(f, src); c.recipe == nil {
		return nil
	}
	t := &Test{Name: src.Name, Recipe: c.recipe, Range: src.Range, Start: Epoch(), Mocks: map[string]*Mock{}}
	if src.Start != nil {
		text, ok := c.text(src.Start.Expr, "the beginning of a test")
		at, err := time.Parse(time.RFC3339, text)
		if ok && err != nil {
			c.report(diag.TestValue, src.Start.Expr.Range(), "%q is not a time; write it like \"2026-01-01T09:00:00Z\".", text)
		}
		t.Start = at
	}
	t.Variables = c.variables(src.Variables)
	t.State = c.state(src.State)
	for _, m := range src.Moves {
		if move, ok := c.move(m); ok {
			t.Moves = append(t.Moves, move)
		}
	}
	if !slices.ContainsFunc(src.Moves, func(m *syntax.Move) bool { return m.Advance == nil }) {
		c.report(diag.TestWithoutEvent, src.Range, "Nothing happens in the test. Write the event that starts the recipe, for example: event %q {}.", c.exampleTrigger())
	}
	if n := len(src.Moves); n > 0 {
		t.Stops = src.Moves[n-1].Advance != nil
	}
	for _, m := range src.Mocks {
		c.mock(t, m)
	}
	for _, e := range src.Expects {
		t.Expects = append(t.Expects, c.expect(e, len(t.Events())))
	}
	return t
}

func (c *checker) exampleTrigger() string {
	if len(c.recipe.Triggers) > 0 {
		return c.recipe.Triggers[0].Spec.Name
	}
	return "stripe_charge_failed"
}

// find returns the recipe that a test is of.
func (c *checker) find(f *syntax.TestFile, src *syntax.Test) *check.Recipe {
	name, rng := syntax.TestedRecipe(f.Filename), src.Range
	for _, a := range []*syntax.Arg{f.Recipe, src.Recipe} {
		if a == nil {
			continue
		}
		text, ok := c.text(a.Expr, "a recipe's name")
		if !ok {
			return nil
		}
		name, rng = text, a.Expr.Range()
	}
	if r := c.Program.Recipe(name); r != nil {
		return r
	}
	var names []string
	for _, r := range c.Program.Recipes() {
		names = append(names, r.Name)
	}
	c.report(diag.TestOfNothing, rng, "There is no recipe %q.%s A file of tests is about the recipe of its own name; recipe = \"…\" names another, by its path in the project.",
		name, diag.DidYouMean(name, names))
	if rng != src.Range { // else there is nothing written to mend
		c.mendText(name, names)
	}
	return nil
}

func (c *checker) variables(a *syntax.Arg) map[string]string {
	if a == nil {
		return nil
	}
	out := map[string]string{}
	c.members(a.Expr, func(name string, rng hcl.Range, v cty.Value, _ hclsyntax.Expression) {
		var known []string
		for _, k := range c.Program.Variables() {
			if k.Recipe == "" || k.Recipe == c.recipe.Name {
				known = append(known, k.Name)
			}
		}
		if !slices.Contains(known, name) {
			c.report(diag.TestUnknownName, rng, "There is no variable %q.%s", name, diag.DidYouMean(name, known))
			c.mend(diag.Suggest(name, known))
			return
		}
		if v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
			out[name] = v.AsString()
			return
		}
		out[name] = string(c.json(v, rng))
	})
	return out
}

func (c *checker) state(a *syntax.Arg) map[string][]byte {
	if a == nil {
		return nil
	}
	out := map[string][]byte{}
	c.members(a.Expr, func(name string, rng hcl.Range, v cty.Value, _ hclsyntax.Expression) { out[name] = c.json(v, rng) })
	return out
}

func (c *checker) move(m *syntax.Move) (Move, bool) {
	out := Move{Range: m.Range}
	switch {
	case m.Advance != nil:
		d, ok := c.duration(m.Advance)
		out.Advance = d
		return out, ok
	case m.Fixture != nil:
		body, ok := c.text(m.Fixture, "an event")
		if ok && schema.CheckJSON([]byte(body), schema.JSONLimits{}) != nil {
			c.report(diag.TestFixture, m.Fixture.Range(), "The fixture is not JSON. A fixture is a service's event, or the object that the event is about.")
			ok = false
		}
		out.Event = &Event{Fixture: []byte(body), File: fileOf(m.Fixture)}
		return out, ok
	}
	ev, ok := c.event(m)
	out.Event = ev
	return out, ok
}

// event checks an event that is a changed sample.
func (c *checker) event(m *syntax.Move) (*Event, bool) {
	spec := c.Catalog.Trigger(m.Type)
	if spec == nil {
		c.report(diag.TestUnknownName, m.TypeRange, "There is no trigger %q.%s", m.Type, diag.DidYouMean(m.Type, c.Catalog.TriggerNames()))
		c.mendText(m.Type, c.Catalog.TriggerNames())
		return nil, false
	}
	if len(spec.Events) == 0 && spec.TypesSetting == "" && spec.For == nil {
		c.report(diag.TestOtherEvent, m.TypeRange, "No event fires %q. A recipe that others call is tested through one that calls it: it runs in that test, too.", m.Type)
		return nil, false
	}
	ev := &Event{Changes: cty.EmptyObjectVal}
	types := spec.Events
	if spec.TypesSetting != "" {
		types = spec.KnownTypes
	}
	for _, a := range m.Envelope {
		c.envelope(ev, a, types)
	}
	if ev.Type == "" && len(spec.Events) > 0 && spec.TypesSetting == "" && spec.For == nil {
		ev.Type = spec.Events[0]
	}
	if ev.Type == "" {
		if ev.Type = c.onlyType(spec); ev.Type == "" {
			c.report(diag.TestOtherEvent, m.TypeRange, "%q stands for several types of event. Say which one comes: envelope { type = \"…\" }.", m.Type)
			return nil, false
		}
	}
	if ev.Trigger = c.listener(spec.Service, ev.Type); ev.Trigger == nil {
		c.report(diag.TestOtherEvent, m.TypeRange, "The recipe neither starts with a %s event nor waits for one, so that nothing would happen.", ev.Type)
		return nil, false
	}
	ev.Changes = c.object(m.Changes, ev.Trigger.Payload, "a "+ev.Type+" event")
	if len(m.Previous) > 0 {
		if !spec.Previous {
			c.report(diag.TestUnknownName, m.Previous[0].NameRange, "A %s event carries no old values.", ev.Type)
		}
		ev.Previous = c.object(m.Previous, nullable(ev.Trigger.Payload), "a "+ev.Type+" event")
	}
	return ev, true
}

func (c *checker) envelope(ev *Event, a *syntax.Arg, types []string) {
	known := []string{"account", "id", "livemode", "type"}
	switch a.Name {
	case "livemode":
		v := c.value(a.Expr)
		if !isKnown(v, cty.Bool) {
			c.report(diag.TestValue, a.Expr.Range(), "livemode is true or false.")
			return
		}
		live := v.True()
		ev.Envelope.Livemode = &live
	case "id", "account", "type":
		text, _ := c.text(a.Expr, a.Name)
		switch a.Name {
		case "id":
			ev.Envelope.ID = text
		case "account":
			ev.Envelope.Account = text
		default:
			if ev.Type = text; text != "" && !slices.Contains(types, text) {
				c.report(diag.TestValue, a.Expr.Range(), "%q is no type of event that the trigger stands for.%s", text, diag.DidYouMean(text, types))
				c.mendText(text, types)
			}
		}
	default:
		c.report(diag.TestUnknownName, a.NameRange, "An envelope has no %q.%s What can be changed of it are %s.", a.Name, diag.DidYouMean(a.Name, known), strings.Join(known, ", "))
		c.mend(diag.Suggest(a.Name, known))
	}
}

// onlyType returns the one type of event that the recipe takes through a trigger that stands for several, or "".
func (c *checker) onlyType(spec *schema.Trigger) string {
	only := ""
	for _, t := range c.triggers() {
		if t.Spec.Name != spec.Name {
			continue
		}
		for _, typ := range t.Events {
			if only != "" && only != typ || typ == "*" {
				return ""
			}
			only = typ
		}
	}
	return only
}

// triggers are those that start the recipe, and those that its waits look for.
func (c *checker) triggers() []*check.Trigger {
	list := slices.Clone(c.recipe.Triggers)
	for _, nodes := range [][]*check.Node{c.recipe.Nodes, c.recipe.OnError} {
		for _, n := range nodes {
			if n.Wait != nil && n.Wait.Event != nil {
				list = append(list, n.Wait.Event)
			}
		}
	}
	return list
}

func (c *checker) listener(service, eventType string) *check.Trigger {
	for _, t := range c.triggers() {
		if t.Spec.Service == service && (slices.Contains(t.Events, eventType) || slices.Contains(t.Events, "*")) {
			return t
		}
	}
	return nil
}
