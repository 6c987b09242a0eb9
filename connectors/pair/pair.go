// Package pair writes the recipe for a trigger and actions that somebody wants to join: inputs are mapped from what the
// trigger carries where both mean the same, by the roles of their shapes.
//
// A wrong mapping is worse than none, since it is found late. So nothing is mapped by the looks of a name: what has no
// source of its role comes from a look-up, if a service offers one, or else from a variable without a default, which
// whoever uses the recipe has to think about. Nothing is made up, and the event's id, which names a delivery and no
// thing, is never used. What may be null is held back by a filter, and what can't be undone by a variable that says it
// is meant and by limits on how often it is done.
//
// The package compiles nothing; its caller checks what it wrote.
package pair

import (
	"fmt"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

// Recipe is one that was written.
type Recipe struct {
	Text      string
	Test      string     // tests of it, for the file beside it: one for the call, one for each gate that can hold it back
	Variables []Variable // in the order of their use
	LookUps   []string   // the actions that look something up
	Guarded   bool       // something in it can't be undone
	NotNull   []Source   // fields of the trigger that must not be null for the actions to run
}

// Variable is one that the recipe needs a value for.
type Variable struct {
	Name, Type, Doc string
	Example         string // a JSON literal; empty where none is known
}

// Value is a value for it, as HCL writes it: its example, or a plain one of its type.
func (v *Variable) Value() string {
	switch {
	case v.Example != "":
		return literal([]byte(v.Example))
	case v.Type == "number":
		return "1"
	case v.Type == "bool":
		return "true"
	case strings.HasPrefix(v.Type, "list("):
		return "[]"
	case strings.HasPrefix(v.Type, "map("):
		return "{}"
	}
	return `"made-up"`
}

// Source is a field of the trigger that the recipe reads.
type Source struct {
	Path   schema.Path
	Field  *schema.Field
	Prefix string // how its value must begin
}

// Offered reports whether a trigger can be paired: it stands for certain types of event and needs no settings.
func Offered(t *schema.Trigger) bool {
	if t.For != nil || t.ShapeSetting != "" || len(t.Events) == 0 || t.Events[0] == "*" {
		return false
	}
	return !slices.ContainsFunc(t.Settings.Fields(), func(f schema.Field) bool { return f.Required })
}

// Write writes the recipe. The trigger must be one that is offered; a name that the registry does not have is an error.
func Write(r *connectors.Registry, trigger string, actions ...string) (*Recipe, error) {
	t := r.Trigger(trigger)
	switch {
	case t == nil:
		return nil, fmt.Errorf("there is no trigger %q", trigger)
	case !Offered(t):
		return nil, fmt.Errorf("%s needs settings that nobody can propose", trigger)
	}
	w := &writer{registry: r, trigger: t, out: &Recipe{}, names: map[string]bool{}, variables: map[string]bool{}}
	w.sources = sourcesOf(t.Payload, nil, false, 0)
	for _, name := range actions {
		a := r.Caller(name)
		if a == nil {
			return nil, fmt.Errorf("there is no action %q", name)
		}
		w.action(a)
	}
	w.out.Text, w.out.Test = w.text(actions), w.test()
	return w.out, nil
}

// mostPerHour bounds what a written recipe does of what can't be undone, until somebody who knows says another number.
const mostPerHour = 100

// writer writes one recipe.
type writer struct {
	registry  *connectors.Registry
	trigger   *schema.Trigger
	out       *Recipe
	sources   []source
	needs     []string // conditions on the trigger
	missing   *lack    // what the first of them asks for
	lookUps   []*lookUp
	blocks    []string
	calls     []call
	names     map[string]bool
	variables map[string]bool
	service   string // of the action that is being written
	limited   bool   // it moves money or deletes
}

// source is a value that an input can have.
type source struct {
	expr  string
	path  schema.Path // in the trigger's payload; none of what a look-up found
	field *schema.Field
	nulls []string // expressions that must not be null for it to have a value
	from  *lookUp  // what found it; nil of the trigger's own
}

// sourcesOf lists the fields of a payload that mean something. Below the top only what is always there is looked at, and
// what is about the customer: a deeper object is often about somebody else, such as a business's own support.
func sourcesOf(o *schema.Object, path schema.Path, below bool, depth int) []source {
	var out, deeper []source
	for i := range o.Fields() {
		f := &o.Fields()[i]
		at := append(slices.Clone(path), f.Name)
		expr := "trigger." + at.String()
		var nulls []string
		if f.MayBeNull() {
			nulls = []string{expr}
		}
		switch {
		case f.Type.Kind == schema.KindObject && f.Type.Object != nil && depth == 0 && (!f.MayBeNull() || strings.HasPrefix(f.Name, "customer")):
			for _, s := range sourcesOf(f.Type.Object, at, true, depth+1) {
				s.nulls = append(slices.Clone(nulls), s.nulls...)
				deeper = append(deeper, s)
			}
		case f.Role == "" || below && !f.Role.Personal() && f.Role != schema.RoleCustomerID:
		case f.Type.Kind == schema.KindString || f.Type.Kind == schema.KindNumber:
			out = append(out, source{expr: expr, path: at, field: f, nulls: nulls})
		}
	}
	return append(out, deeper...)
}

// find returns the best source of a role: one that is always there before one that may be null.
func (w *writer) find(sources []source, want *schema.Field, used []string) (source, bool) {
	var best source
	found := false
	for _, s := range sources {
		if s.field.Role != want.Role || s.field.Type.Kind != want.Type.Kind || slices.Contains(used, s.expr) {
			continue
		}
		if !found || len(s.nulls) < len(best.nulls) {
			best, found = s, true
		}
	}
	return best, found
}

// need notes that a source is read, and what must hold for it to fit.
func (w *writer) need(s source, want *schema.Field) {
	var conditions []string
	for _, n := range s.nulls {
		conditions = append(conditions, n+" != null")
	}
	prefix := want.Type.Prefix
	if prefix != "" && s.field.Type.Prefix != prefix {
		conditions = append(conditions, fmt.Sprintf("startswith(%s, %q)", s.expr, prefix))
	} else {
		prefix = ""
	}
	if s.from != nil {
		s.from.conditions = appendNew(s.from.conditions, conditions...)
		return
	}
	w.needs = appendNew(w.needs, conditions...)
	if len(conditions) > 0 {
		if w.missing == nil {
			w.missing = &lack{path: s.path}
			if n := len(s.nulls); n > 0 {
				w.missing = &lack{path: strings.Split(s.nulls[n-1], ".")[1:], null: true}
			}
		}
		w.out.NotNull = append(w.out.NotNull, Source{Path: s.path, Field: s.field, Prefix: prefix})
	}
}

func appendNew(list []string, more ...string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// irreversible reports whether the name of an action tells that its effect takes something away for good.
func irreversible(name string) bool {
	for word := range strings.SplitSeq(name, "_") {
		switch word {
		case "delete", "suppress", "merge", "cancel", "void", "remove", "detach", "refund", "uncollectible", "close":
			return true
		}
	}
	return false
}
