package stripemock

// Arguments for every operation, made from the shapes that the checker goes by: valid ones that use each argument, each
// object and list within it and each form that it can have, and invalid ones that break one rule each.

import (
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/stripe"
	"github.com/flowrun/flowrun/lang/schema"
)

func registry(t *testing.T) *connectors.Registry {
	t.Helper()
	r, err := connectors.NewRegistry(stripe.Spec())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// operations returns the actions that are an operation each, as against those that flowrun made of several.
func operations(t *testing.T) []*connectors.Action {
	t.Helper()
	r := registry(t)
	var out []*connectors.Action
	for _, name := range r.ActionNames() {
		if !slices.Contains(stripe.Helpers(), name) {
			out = append(out, r.Caller(name))
		}
	}
	if len(out) != 507 {
		t.Fatalf("%d operations, want 507", len(out))
	}
	return out
}

// arguments are those of one call.
type arguments map[string]cty.Value

func (a arguments) with(name string, v cty.Value) arguments {
	out := arguments{}
	for k, old := range a {
		out[k] = old
	}
	out[name] = v
	return out
}

// ours are the inputs that Stripe does not know.
func ours(a *connectors.Action, name string) bool {
	return name == "all" || a.Name == "stripe_file_create" && name == "filename"
}

// needed returns the arguments that an object can't do without.
func needed(o *schema.Object) arguments {
	out := arguments{}
	for _, f := range o.Fields() {
		if f.Required {
			out[f.Name] = whole(&f.Type, f.Name)
		}
	}
	return out
}

// valid returns the calls that use all that an action takes.
func valid(a *connectors.Action) []arguments {
	base := needed(a.In)
	out := []arguments{base}
	for i := range a.In.Fields() {
		f := &a.In.Fields()[i]
		if ours(a, f.Name) {
			continue
		}
		for _, v := range forms(a, &f.Type, f.Name) {
			out = append(out, base.with(f.Name, v))
		}
	}
	return out
}

// forms returns values of the type: the whole of it, then those that have another form somewhere in it.
func forms(a *connectors.Action, t *schema.Type, name string) []cty.Value {
	if a.OutSetting == name {
		path := expandable(a)
		if path == "" {
			path = unknownField // which stripe-mock does not look at, as it can't be told from what is included on demand
		}
		return []cty.Value{cty.TupleVal([]cty.Value{cty.StringVal(path)})}
	}
	main := *t
	main.Or = nil
	out := []cty.Value{whole(&main, name)}
	switch t.Kind {
	case schema.KindObject:
		base := needed(t.Object)
		for i := range t.Object.Fields() {
			f := &t.Object.Fields()[i]
			for _, v := range forms(a, &f.Type, f.Name)[1:] {
				out = append(out, cty.ObjectVal(base.with(f.Name, v)))
			}
		}
	case schema.KindList:
		for _, v := range forms(a, t.Elem, name)[1:] {
			out = append(out, cty.TupleVal([]cty.Value{v}))
		}
	case schema.KindMap:
		for _, v := range forms(a, t.Elem, name)[1:] {
			out = append(out, cty.ObjectVal(map[string]cty.Value{key(name): v}))
		}
	}
	if t.Or != nil {
		out = append(out, forms(a, t.Or, name)...)
	}
	return out
}

const unknownField = "no_such_field"

// expandable returns a path that the action's answer can be expanded at; what every answer takes where none is known.
func expandable(a *connectors.Action) string {
	paths := []string{}
	for _, prefix := range []string{"", "data."} {
		o := a.Out
		if prefix != "" {
			f := o.Field("data")
			if f == nil || f.Type.Elem == nil || f.Type.Elem.Object == nil {
				continue
			}
			o = f.Type.Elem.Object
		}
		for _, f := range o.Fields() {
			paths = append(paths, prefix+f.Name)
		}
	}
	for _, p := range paths {
		if _, err := a.OutFor([]string{p}); err == nil {
			return p
		}
	}
	return ""
}

// whole returns a value of the type with all that an object can hold.
func whole(t *schema.Type, name string) cty.Value {
	switch t.Kind {
	case schema.KindString:
		return cty.StringVal(word(t, name))
	case schema.KindNumber:
		if t.Format == schema.UnixTime {
			return cty.NumberIntVal(1700000000)
		}
		return cty.NumberIntVal(1)
	case schema.KindBool:
		return cty.True
	case schema.KindList:
		return cty.TupleVal([]cty.Value{whole(t.Elem, name)})
	case schema.KindMap:
		return cty.ObjectVal(map[string]cty.Value{key(name): whole(t.Elem, "value")})
	case schema.KindObject:
		all := arguments{}
		for _, f := range t.Object.Fields() {
			all[f.Name] = whole(&f.Type, f.Name)
		}
		return cty.ObjectVal(all)
	}
	return cty.StringVal("text")
}

// key is a key of a map: a currency where currencies are keys.
func key(name string) string {
	if name == "currency_options" {
		return "eur"
	}
	return "a key"
}

func word(t *schema.Type, name string) string {
	if len(t.Enum) > 0 {
		return t.Enum[0]
	}
	text := "a text, with 1% & = + é"
	switch {
	case t.Format == schema.Email:
		text = "jo+1@example.com"
	case t.Format == schema.URL:
		text = "https://example.com/a?b=c&d=e"
	case t.Format == schema.Currency:
		text = "usd"
	case t.Format == schema.Country:
		text = "US"
	case t.Format == schema.ID:
		text = t.Prefix + "123"
	case strings.HasSuffix(name, "_decimal"), name == "percentage":
		text = "12.5"
	case name == "file":
		text = "UERG"
	}
	if t.Max > 0 && len(text) > t.Max {
		text = text[:t.Max]
	}
	return text
}

// wrong is a call that breaks a rule.
type wrong struct {
	why  string
	args arguments
}

// invalid returns calls that break one rule each, at every depth.
func invalid(a *connectors.Action) []wrong {
	base := needed(a.In)
	var out []wrong
	for i := range a.In.Fields() {
		f := &a.In.Fields()[i]
		if f.Required {
			less := base.with(f.Name, cty.NilVal)
			delete(less, f.Name)
			out = append(out, wrong{"without " + f.Name, less})
		}
		for _, b := range broken(&f.Type, f.Name) {
			out = append(out, wrong{f.Name + ": " + b.why, base.with(f.Name, b.v)})
		}
		if f.Type.Kind == schema.KindString && f.Type.Max > 1000 && f.Type.Or == nil {
			// The longer limits are tried here only: they are long to read.
			out = append(out, wrong{f.Name + ": too long", base.with(f.Name, cty.StringVal(strings.Repeat("é", f.Type.Max+1)))})
		}
	}
	return append(out, wrong{"an unknown argument", base.with("no_such_argument", cty.True)})
}

type brokenValue struct {
	why string
	v   cty.Value
}

// broken returns values that are not of the type.
func broken(t *schema.Type, name string) []brokenValue {
	var out []brokenValue
	list := cty.TupleVal([]cty.Value{cty.TupleVal([]cty.Value{cty.True})})
	if t.Kind != schema.KindAny {
		out = append(out, brokenValue{"wrong type", list})
	}
	switch t.Kind {
	case schema.KindString:
		switch {
		case len(t.Enum) > 0 && (t.Or == nil || len(t.Or.Enum) > 0):
			out = append(out, brokenValue{"not in the enum", cty.StringVal("no such value")})
		case t.Max > 0 && t.Max <= 1000 && t.Or == nil:
			out = append(out, brokenValue{"too long", cty.StringVal(strings.Repeat("é", t.Max+1))})
		}
	case schema.KindNumber:
		if t.Or == nil || len(t.Or.Enum) > 0 {
			out = append(out, brokenValue{"a text for a number", cty.StringVal("many")})
		}
		if t.Format != schema.NoFormat {
			out = append(out, brokenValue{"a fraction", cty.NumberFloatVal(1.5)})
		}
	case schema.KindBool:
		if t.Or == nil {
			out = append(out, brokenValue{"a text for a bool", cty.StringVal("maybe")})
		}
	case schema.KindList:
		for _, b := range broken(t.Elem, name) {
			out = append(out, brokenValue{"in the list, " + b.why, cty.TupleVal([]cty.Value{b.v})})
		}
	case schema.KindMap:
		for _, b := range broken(t.Elem, "value") {
			out = append(out, brokenValue{"in the map, " + b.why, cty.ObjectVal(map[string]cty.Value{key(name): b.v})})
		}
	case schema.KindObject:
		base := needed(t.Object)
		out = append(out, brokenValue{"an unknown member", cty.ObjectVal(base.with("no_such_member", cty.True))})
		for i := range t.Object.Fields() {
			f := &t.Object.Fields()[i]
			if f.Required {
				less := base.with(f.Name, cty.NilVal)
				delete(less, f.Name)
				out = append(out, brokenValue{"without " + f.Name, cty.ObjectVal(less)})
			}
			for _, b := range broken(&f.Type, f.Name) {
				out = append(out, brokenValue{f.Name + ": " + b.why, cty.ObjectVal(base.with(f.Name, b.v))})
			}
		}
	}
	return out
}
