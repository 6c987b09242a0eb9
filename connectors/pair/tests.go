package pair

// The tests of a recipe that was written: one in which all is there and the call is made, with the values that it must
// have, and one for each gate in which it holds the call back. They are written from the same expressions as the recipe,
// each reference in them replaced by the value that the test gives it.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/lang/schema"
)

// call is an action as it stands in the recipe.
type call struct {
	name    string
	guard   string // the variable that it waits for; empty where it waits for none
	members []input
}

// lack is what an event has to be without to be held back.
type lack struct {
	path schema.Path
	null bool // it may be null; else it may be of another kind
}

// reference is what an expression that was written can refer to. Texts stand in none of them.
var reference = regexp.MustCompile(`\b(?:trigger|action)(?:\.\w+)+|\bevent\.type\b|\bvar\.\w+`)

// tester writes the tests of one recipe.
type tester struct {
	*writer
	values map[string]string // by reference, as HCL writes them
	event  []member          // what the event carries
	found  [][]member        // what each look-up finds
}

// member is a place in an object and its value.
type member struct {
	path  schema.Path
	value string
}

// test writes the file of tests.
func (w *writer) test() string {
	t := &tester{writer: w, values: map[string]string{}, found: make([][]member, len(w.lookUps))}
	t.values["event.type"] = quoted(w.trigger.Events[0])
	for i := range w.out.Variables {
		v := &w.out.Variables[i]
		t.values["var."+v.Name] = v.Value()
	}
	for _, l := range w.lookUps {
		for _, in := range l.inputs {
			t.note(in.expr)
		}
	}
	var names []string
	for _, c := range w.calls {
		names = append(names, c.name)
		for _, m := range c.members {
			t.note(m.expr)
		}
	}
	var b strings.Builder
	t.passes(&b, names)
	t.lacks(&b)
	for i := range w.lookUps {
		t.findsNothing(&b, i)
	}
	for i, c := range w.calls {
		if c.guard != "" {
			t.waits(&b, i)
		}
	}
	return b.String()
}

// note gives each reference of an expression a value.
func (t *tester) note(expr string) {
	for _, ref := range reference.FindAllString(expr, -1) {
		if t.values[ref] != "" {
			continue
		}
		names := strings.Split(ref, ".")
		switch names[0] {
		case "trigger":
			f := at(t.trigger.Payload, names[1:])
			if f == nil {
				continue
			}
			t.values[ref] = t.witness(f, t.prefixOf(ref))
			t.event = append(t.event, member{names[1:], t.values[ref]})
		case "action":
			for i, l := range t.lookUps {
				if f := at(l.action.Out, names[2:]); l.name == names[1] && f != nil {
					t.values[ref] = t.witness(f, t.prefixOf(ref))
					t.found[i] = append(t.found[i], member{names[2:], t.values[ref]})
				}
			}
		}
	}
}

func at(o *schema.Object, path []string) *schema.Field {
	for i, name := range path {
		f := o.Field(name)
		if f == nil || i == len(path)-1 {
			return f
		}
		if o = f.Type.Object; o == nil {
			return nil
		}
	}
	return nil
}

// prefixOf is how the filters ask for a value to begin, or "".
func (t *tester) prefixOf(ref string) string {
	conditions := slices.Clone(t.needs)
	for _, l := range t.lookUps {
		conditions = append(conditions, l.conditions...)
	}
	for _, c := range conditions {
		if rest, ok := strings.CutPrefix(c, "startswith("+ref+", \""); ok {
			return strings.TrimSuffix(rest, "\")")
		}
	}
	return ""
}

// witness is a value of a field that no other reference has, where the field's type leaves a choice.
func (t *tester) witness(f *schema.Field, prefix string) string {
	for n := 123; ; n++ {
		value, free := plain(f, prefix, n)
		if !free || n > 200 || !t.taken(value) {
			return value
		}
	}
}

func (t *tester) taken(value string) bool {
	for _, v := range t.values {
		if v == value {
			return true
		}
	}
	return false
}

// plain is a value of a field's type and role; n makes others of it where free says that there are some.
func plain(f *schema.Field, prefix string, n int) (value string, free bool) {
	switch typ := &f.Type; {
	case prefix != "":
		return fmt.Sprintf("%q", prefix+fmt.Sprint(n)), true
	case len(typ.Enum) > 0:
		return quoted(typ.Enum[0]), false
	case typ.Format == schema.Email, f.Role == schema.RoleEmail:
		return fmt.Sprintf(`"kim%d@example.com"`, n), true
	case typ.Kind == schema.KindNumber && (typ.Format == schema.UnixTime || f.Role == schema.RoleCreatedAt):
		return "1750000000", false
	case typ.Kind == schema.KindNumber:
		return fmt.Sprint(n), true
	case f.Role == schema.RolePhone:
		return fmt.Sprintf(`"+15555550%d"`, n), true
	case typ.Format == schema.Currency, f.Role == schema.RoleCurrency:
		return `"eur"`, false
	case typ.Format == schema.Country:
		return `"DE"`, false
	case typ.Format == schema.URL:
		return fmt.Sprintf(`"https://example.com/%d"`, n), true
	case f.Role == schema.RoleCustomerID && typ.Prefix == "":
		return fmt.Sprintf(`"cus_%d"`, n), true
	case typ.Prefix != "", typ.Format == schema.ID:
		return fmt.Sprintf("%q", typ.Prefix+fmt.Sprint(n)), true
	}
	return fmt.Sprintf(`"Kim %d"`, n), true
}

// begin opens a test.
func (t *tester) begin(b *strings.Builder, name string) {
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	fmt.Fprintf(b, "test %s {\n", quoted(name))
}

// given writes what a test begins with. set gives variables another value than they have elsewhere.
func (t *tester) given(b *strings.Builder, event []member, set map[string]string) {
	if len(t.out.Variables) > 0 {
		b.WriteString("  variables = {\n")
		for _, v := range t.out.Variables {
			value := t.values["var."+v.Name]
			if other := set["var."+v.Name]; other != "" {
				value = other
			}
			fmt.Fprintf(b, "    %s = %s\n", v.Name, value)
		}
		b.WriteString("  }\n\n")
	}
	lines := nested(event)
	if t.trigger.TypesSetting != "" { // it stands for several types, of which this one comes
		lines = append(lines, "envelope {\n      type = "+t.values["event.type"]+"\n    }")
	}
	if len(lines) == 0 {
		fmt.Fprintf(b, "  event %q {}\n", t.trigger.Name)
		return
	}
	fmt.Fprintf(b, "  event %q {\n    %s\n  }\n", t.trigger.Name, strings.Join(lines, "\n    "))
}

// nested writes members as arguments: those below the same object together, in the order of the first.
func nested(members []member) []string {
	var out, done []string
	for _, m := range members {
		name := m.path[0]
		if slices.Contains(done, name) {
			continue
		}
		done = append(done, name)
		if len(m.path) == 1 {
			out = append(out, name+" = "+m.value)
			continue
		}
		var below []member
		for _, other := range members {
			if other.path[0] == name && len(other.path) > 1 {
				below = append(below, member{other.path[1:], other.value})
			}
		}
		out = append(out, name+" = { "+strings.Join(nested(below), ", ")+" }")
	}
	return out
}

// mocks writes what the look-ups before one find.
func (t *tester) mocks(b *strings.Builder, before int) {
	for i, l := range t.lookUps[:before] {
		if len(t.found[i]) > 0 {
			fmt.Fprintf(b, "\n  mock action %q {\n    result = { %s }\n  }\n", l.name, strings.Join(nested(t.found[i]), ", "))
		}
	}
}

// outcome writes what becomes of the run, and that the calls from one on are not made.
func (t *tester) outcome(b *strings.Builder, outcome, by string, from int) {
	fmt.Fprintf(b, "\n  expect {\n    outcome = %q\n", outcome)
	if by != "" {
		fmt.Fprintf(b, "    by = %q\n", by)
	}
	b.WriteString("  }\n")
	for _, c := range t.calls[from:] {
		fmt.Fprintf(b, "  expect action %q {\n    calls = 0\n  }\n", c.name)
	}
}

// passes writes the test in which all is there.
func (t *tester) passes(b *strings.Builder, names []string) {
	title := strings.Join(names, " and ") + " is called with what there is"
	if len(names) > 1 {
		title = strings.Join(names, " and ") + " are called with what there is"
	}
	t.begin(b, title)
	t.given(b, t.event, nil)
	t.mocks(b, len(t.lookUps))
	t.outcome(b, "completed", "", len(t.calls))
	for _, l := range t.lookUps {
		t.called(b, l.name, l.inputs)
	}
	for _, c := range t.calls {
		t.called(b, c.name, c.members)
	}
	b.WriteString("}\n")
}

// called writes that a step is called once, and with what.
func (t *tester) called(b *strings.Builder, name string, with []input) {
	fmt.Fprintf(b, "  expect action %q {\n    calls = 1\n", name)
	if len(with) > 0 {
		b.WriteString("    input = {\n")
		for _, in := range with {
			fmt.Fprintf(b, "      %s = %s\n", in.name, t.fill(in.expr))
		}
		b.WriteString("    }\n")
	}
	b.WriteString("  }\n")
}

// fill replaces the references of an expression by their values.
func (t *tester) fill(expr string) string {
	return reference.ReplaceAllStringFunc(expr, func(ref string) string {
		if v := t.values[ref]; v != "" {
			return v
		}
		return ref
	})
}

// lacks writes the test of an event that is held back.
func (t *tester) lacks(b *strings.Builder) {
	if t.missing == nil {
		return
	}
	title, value := "an event without "+t.missing.path.String()+" is held back", "null"
	if !t.missing.null {
		title, value = "an event with another kind of "+t.missing.path.String()+" is held back", `"other_123"`
	}
	event := without(t.event, t.missing.path, value)
	t.begin(b, title)
	t.given(b, event, nil)
	t.outcome(b, "filtered", needsFilter, 0)
	b.WriteString("}\n")
}

// without returns the members with another value at a path, and nothing below it.
func without(members []member, path schema.Path, value string) []member {
	var out []member
	put := false
	for _, m := range members {
		switch {
		case len(m.path) < len(path) || !slices.Equal(m.path[:len(path)], path):
			out = append(out, m)
		case !put:
			out, put = append(out, member{path, value}), true
		}
	}
	return out
}

// findsNothing writes the test in which a look-up finds nothing, or not what is needed.
func (t *tester) findsNothing(b *strings.Builder, n int) {
	l := t.lookUps[n]
	if len(l.conditions) == 0 || !l.action.OutMayBeNull && len(t.found[n]) == 0 {
		return
	}
	result := "null"
	if !l.action.OutMayBeNull {
		m := member{t.found[n][0].path, `"other_123"`}
		if first := l.conditions[0]; strings.HasSuffix(first, " != null") {
			m = member{strings.Split(strings.TrimSuffix(first, " != null"), ".")[2:], "null"}
		}
		result = "{ " + strings.Join(nested([]member{m}), ", ") + " }"
	}
	t.begin(b, l.action.Name+" finds nothing")
	t.given(b, t.event, nil)
	t.mocks(b, n)
	fmt.Fprintf(b, "\n  mock action %q {\n    result = %s\n  }\n", l.name, result)
	t.outcome(b, "completed", foundFilter, 0)
	b.WriteString("}\n")
}

// waits writes the test in which what can't be undone is not meant.
func (t *tester) waits(b *strings.Builder, n int) {
	c := t.calls[n]
	t.begin(b, c.name+" waits until it is meant")
	t.given(b, t.event, map[string]string{c.guard: "false"})
	t.mocks(b, len(t.lookUps))
	outcome := "filtered"
	if n > 0 || len(t.lookUps) > 0 {
		outcome = "completed" // a step ran before the gate
	}
	t.outcome(b, outcome, meantFilter, n)
	b.WriteString("}\n")
}

// literal writes a JSON text as HCL does.
func literal(raw []byte) string {
	var v any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return "null"
	}
	return written(v)
}

func written(v any) string {
	switch v := v.(type) {
	case string:
		return quoted(v)
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = written(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		parts := make([]string, len(names))
		for i, name := range names {
			parts[i] = quoted(name) + " = " + written(v[name])
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	case nil:
		return "null"
	}
	return fmt.Sprint(v)
}
