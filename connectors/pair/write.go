package pair

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

// The recipe's filters, by their labels.
const (
	needsFilter = "what the actions need is there"
	foundFilter = "the look-up found it"
	meantFilter = "what can't be undone is meant"
)

// lookUp is a step that finds what the trigger does not carry.
type lookUp struct {
	action     *connectors.Action
	name       string
	inputs     []input
	conditions []string // on what it found
}

// action writes one action's block.
func (w *writer) action(a *connectors.Action) {
	w.service = a.Service
	name := w.unique(a.Name)
	var guard string
	if irreversible(a.Name) {
		guard = w.variable("allow_"+name, "bool", "Whether "+a.Name+" is meant: what it does can't be undone", "true")
		w.out.Guarded = true
	}
	b := &block{w: w, prefix: name, used: new([]string)}
	shown := example(a.Example)
	delete(shown, a.OutSetting) // it says what comes back, not what is done
	members := b.object(a.In, shown, 0)
	if does := a.Lasting; does.Kind.Grave() && (does.Only == "" || slices.ContainsFunc(members, func(m input) bool { return m.name == does.Only })) {
		w.limited = true
	}
	var text strings.Builder
	if guard != "" {
		fmt.Fprintf(&text, "filter %q {\n  condition = %s\n}\n\n", meantFilter, guard)
	}
	fmt.Fprintf(&text, "action %q", a.Name)
	if name != a.Name {
		fmt.Fprintf(&text, " %q", name)
	}
	text.WriteString(" {")
	for i, m := range members {
		if i == 0 {
			text.WriteString("\n")
		}
		fmt.Fprintf(&text, "  %s = %s\n", m.name, m.expr)
	}
	text.WriteString("}\n")
	w.blocks = append(w.blocks, text.String())
	w.calls = append(w.calls, call{name: name, guard: guard, members: members})
}

func (w *writer) unique(name string) string {
	for n := 2; ; n++ {
		if !w.names[name] {
			w.names[name] = true
			return name
		}
		name = fmt.Sprintf("%s_%d", strings.TrimRight(name, "_0123456789"), n)
	}
}

// variable returns a reference to a variable of that name, which the recipe then has.
func (w *writer) variable(name, typ, doc, example string) string {
	if !w.variables[name] {
		w.variables[name] = true
		w.out.Variables = append(w.out.Variables, Variable{Name: name, Type: typ, Doc: doc, Example: example})
	}
	return "var." + name
}

// block is one action while its inputs are mapped.
type block struct {
	w      *writer
	prefix string    // of its variables
	used   *[]string // sources that are somebody already: two people in one call are not the same
}

// within is the block inside one of its inputs.
func (b *block) within(f *schema.Field) *block {
	return &block{w: b.w, prefix: b.prefix + "_" + f.Name, used: b.used}
}

type input struct{ name, expr string }

// example reads an action's example, which says what inputs a call of it needs in practice; its values are not used.
func example(text string) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	_ = json.Unmarshal([]byte(text), &m) // what is no object has no inputs
	return m
}

// object maps the inputs of a shape that are needed.
func (b *block) object(o *schema.Object, shown map[string]json.RawMessage, depth int) []input {
	var out []input
	chosen := map[string]bool{} // of the groups: false of those that are left out
	for _, group := range o.OneOf {
		one := b.choose(o, group, shown)
		for _, name := range group {
			chosen[name] = name == one
		}
	}
	for i := range o.Fields() {
		f := &o.Fields()[i]
		raw, inExample := shown[f.Name]
		pick, grouped := chosen[f.Name]
		if grouped && !pick || !grouped && !f.Required && (!inExample || depth > 0 && free(&f.Type)) {
			continue
		}
		if raw == nil && f.Example != "" {
			raw = json.RawMessage(f.Example)
		}
		must := f.Required || grouped
		if expr := b.value(f, raw, must, depth); expr != "" {
			out = append(out, input{f.Name, expr})
		}
	}
	return out
}

// choose returns the member of a group that has a source, else the one that the example has, else the first.
func (b *block) choose(o *schema.Object, group []string, shown map[string]json.RawMessage) string {
	for _, name := range group {
		if f := o.Field(name); f != nil && f.Role != "" {
			if _, ok := b.w.find(b.w.sources, f, *b.used); ok {
				return name
			}
		}
	}
	for _, name := range group {
		if shown[name] != nil {
			return name
		}
	}
	return group[0]
}

// value returns the expression of one input, "" where it is better left out.
func (b *block) value(f *schema.Field, raw json.RawMessage, must bool, depth int) string {
	switch {
	case f.Role == schema.RoleEventName:
		return "event.type"
	case f.Type.Kind == schema.KindObject && f.Type.Object != nil && len(f.Type.Object.Fields()) > 0:
		return inline(b.within(f).object(f.Type.Object, example(string(raw)), depth+1))
	case f.Type.Kind == schema.KindList && f.Type.Elem != nil && f.Type.Elem.Kind == schema.KindObject && f.Type.Elem.Object != nil:
		var list []json.RawMessage
		_ = json.Unmarshal(raw, &list)
		first := json.RawMessage(nil)
		if len(list) > 0 {
			first = list[0]
		}
		return "[" + inline(b.object(f.Type.Elem.Object, example(string(first)), depth+1)) + "]"
	case free(&f.Type):
		if text := b.w.known(f.Name == "attributes"); text != "" || !must {
			return text
		}
	case f.Role != "":
		if s, ok := b.w.find(b.w.sources, f, *b.used); ok {
			b.take(s, f)
			return s.expr
		}
		if must {
			if s, ok := b.w.lookUp(f, *b.used); ok {
				b.take(s, f)
				return s.expr
			}
		}
	}
	return b.w.variable(b.prefix+"_"+f.Name, typeOf(&f.Type), f.Doc, string(raw))
}

func (b *block) take(s source, f *schema.Field) {
	b.w.need(s, f)
	if f.Role.Personal() || f.Role == schema.RoleCustomerID {
		*b.used = append(*b.used, s.expr)
	}
}

func inline(members []input) string {
	parts := make([]string, len(members))
	for i, m := range members {
		parts[i] = m.name + " = " + m.expr
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

// free reports whether a type takes whatever there is.
func free(t *schema.Type) bool {
	return t.Kind == schema.KindAny || t.Kind == schema.KindMap && t.Elem != nil && t.Elem.Kind == schema.KindAny ||
		t.Kind == schema.KindObject && t.Object != nil && t.Object.Open && len(t.Object.Fields()) == 0
}

// known is an object of what the trigger carries that has a meaning, once for each role; of a person only what is theirs.
// Moments are left out: when the trigger's object was made is not when the action's was.
func (w *writer) known(person bool) string {
	var parts []string
	seen := map[schema.Role]bool{schema.RoleCreatedAt: true}
	for _, s := range w.sources {
		role := s.field.Role
		if seen[role] || len(s.path) > 1 || person && !role.Personal() {
			continue
		}
		seen[role] = true
		parts = append(parts, string(role)+" = "+s.expr)
	}
	if len(parts) == 0 {
		return ""
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

// typeOf writes a variable's type.
func typeOf(t *schema.Type) string {
	switch t.Kind {
	case schema.KindNumber:
		return "number"
	case schema.KindBool:
		return "bool"
	case schema.KindList, schema.KindMap:
		word := "list"
		if t.Kind == schema.KindMap {
			word = "map"
		}
		if t.Elem == nil {
			return word + "(any)"
		}
		return word + "(" + typeOf(t.Elem) + ")"
	case schema.KindString:
		return "string"
	}
	return "any"
}

// lookUp finds a look-up whose answer has the role, and whose inputs the trigger has. Services are asked in the order of
// who knows best: the one that sent the event, then the one that is called.
func (w *writer) lookUp(want *schema.Field, used []string) (source, bool) {
	for _, service := range []string{w.trigger.Service, w.service} {
		spec := w.registry.Spec(service)
		for _, a := range spec.Actions {
			if a.Effect != schema.Read || a.Out == nil || a.Call == nil {
				continue
			}
			if s, ok := w.lookUpWith(a, want, used); ok {
				return s, true
			}
		}
	}
	return source{}, false
}

func (w *writer) lookUpWith(a *connectors.Action, want *schema.Field, used []string) (source, bool) {
	var found *schema.Field
	for i := range a.Out.Fields() {
		if f := &a.Out.Fields()[i]; f.Role == want.Role && f.Type.Kind == want.Type.Kind {
			found = f
			break
		}
	}
	if found == nil || len(a.In.OneOf) > 0 {
		return source{}, false
	}
	var reads []source
	var inputs []input
	for i := range a.In.Fields() {
		f := &a.In.Fields()[i]
		if !f.Required {
			continue
		}
		s, ok := w.find(w.sources, f, nil)
		if f.Role == "" || f.Role == want.Role || !ok {
			return source{}, false
		}
		reads, inputs = append(reads, s), append(inputs, input{f.Name, s.expr})
	}
	for _, l := range w.lookUps {
		if l.action == a {
			return w.found(l, found, used)
		}
	}
	for i, s := range reads {
		w.need(s, requiredField(a.In, i))
	}
	l := &lookUp{action: a, name: w.unique("found"), inputs: inputs}
	w.lookUps = append(w.lookUps, l)
	w.out.LookUps = append(w.out.LookUps, a.Name)
	return w.found(l, found, used)
}

func requiredField(o *schema.Object, n int) *schema.Field {
	for i := range o.Fields() {
		if o.Fields()[i].Required {
			if n == 0 {
				return &o.Fields()[i]
			}
			n--
		}
	}
	return nil
}

func (w *writer) found(l *lookUp, f *schema.Field, used []string) (source, bool) {
	step := "action." + l.name
	s := source{expr: step + "." + f.Name, field: f, from: l}
	if l.action.OutMayBeNull {
		s.nulls = append(s.nulls, step)
	}
	if f.MayBeNull() {
		s.nulls = append(s.nulls, s.expr)
	}
	return s, !slices.Contains(used, s.expr)
}

// text puts the recipe together.
func (w *writer) text(actions []string) string {
	var b strings.Builder
	limits := ""
	if w.limited {
		limits = fmt.Sprintf("\n  limits {\n    max_per_hour = %d\n  }\n", mostPerHour)
	}
	fmt.Fprintf(&b, "recipe {\n  description = %q\n%s}\n\ntrigger %q {}\n", w.trigger.Name+" to "+strings.Join(actions, ", "), limits, w.trigger.Name)
	for _, v := range w.out.Variables {
		fmt.Fprintf(&b, "\nvariable %q {\n  type        = %s\n  description = %s\n}\n", v.Name, v.Type, quoted(v.Doc))
	}
	if len(w.needs) > 0 {
		fmt.Fprintf(&b, "\nfilter %q {\n  condition = %s\n}\n", needsFilter, strings.Join(w.needs, " && "))
	}
	for _, l := range w.lookUps {
		fmt.Fprintf(&b, "\naction %q %q {\n", l.action.Name, l.name)
		for _, in := range l.inputs {
			fmt.Fprintf(&b, "  %s = %s\n", in.name, in.expr)
		}
		b.WriteString("}\n")
		if len(l.conditions) > 0 {
			fmt.Fprintf(&b, "\nfilter %q {\n  condition = %s\n}\n", foundFilter, strings.Join(l.conditions, " && "))
		}
	}
	for _, block := range w.blocks {
		b.WriteString("\n" + block)
	}
	return b.String()
}

// quoted writes a string of HCL.
func quoted(s string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(fmt.Sprintf("%q", s))
}
