package schema

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// maxDepth is how deep a value may be nested that is decoded, whatever CheckJSON was told.
const maxDepth = 128

// Drift is one place where data does not have the declared shape. It quotes no value.
type Drift struct {
	Path Path
	What string // "is missing", "is a string, not a number"
}

func (d Drift) String() string { return d.Path.String() + " " + d.What }

// Decode makes a cty object of the JSON object raw. It holds the fields that want mentions and no others, so that what
// nobody reads costs nothing; want.All, or a place in want that is All, means every field of the shape. Lists and maps
// are decoded whole. raw should have passed CheckJSON; where it has not, Decode still ends, with an error or a value.
//
//   - Absent and null are one: null of the field's type where that is a string, number or bool, else a null of no type.
//     A shape that refers to itself ends where the JSON ends.
//   - A Required field that is absent, or that is null and not Nullable, is null and a Drift.
//   - A value of the wrong JSON type is decoded as what it is and is a Drift: evaluation then fails where it is used,
//     rather than going on with a null that was never sent.
//   - Unknown fields are dropped, unless the object is Open. Where a name occurs twice the last one counts.
//   - Numbers are exact; strings are normalised to NFC, as all cty strings are.
//   - A list is a cty list where its elements have one type, so that it has the type the checker promised and equals
//     and unifies as one; else a tuple, which `for`, splat, index and length take just as well. An empty list has
//     elements of its declared type where that is a string, number or bool, else of no type.
//   - A map is a cty map where its values have one type, else an object. An empty list in place of a map, which some
//     languages send, is an empty map and a Drift.
//   - An identifier with Refers that arrives expanded to an object is that object's "id".
//
// The drifts are in the order of their paths. The error is a *JSONError.
func (o *Object) Decode(raw []byte, want *Paths) (cty.Value, []Drift, error) {
	var d decoder
	raw = trim(raw)
	if len(raw) == 0 || raw[0] != '{' {
		return cty.NilVal, nil, &JSONError{Reason: "not an object"}
	}
	if want == nil {
		want = &Paths{}
	}
	v := d.object(o, raw, want)
	if d.err != nil {
		return cty.NilVal, nil, d.err
	}
	slices.SortStableFunc(d.drifts, func(a, b Drift) int {
		return cmp.Or(slices.Compare(a.Path, b.Path), cmp.Compare(a.What, b.What))
	})
	return v, slices.CompactFunc(d.drifts, func(a, b Drift) bool { return slices.Equal(a.Path, b.Path) && a.What == b.What }), nil
}

// DecodeJSON decodes all of raw and converts it: the way from an example to the value of an input.
func (o *Object) DecodeJSON(raw []byte) (cty.Value, error) {
	if err := CheckJSON(raw, JSONLimits{}); err != nil {
		return cty.NilVal, err
	}
	var d decoder
	v := d.any(trim(raw))
	if d.err != nil {
		return cty.NilVal, d.err
	}
	return o.Convert(v)
}

// DecodeAny makes a cty value of any JSON text within the default limits: objects become objects, arrays tuples.
func DecodeAny(raw []byte) (cty.Value, error) {
	if err := CheckJSON(raw, JSONLimits{}); err != nil {
		return cty.NilVal, err
	}
	var d decoder
	v := d.any(trim(raw))
	if d.err != nil {
		return cty.NilVal, d.err
	}
	return v, nil
}

// wantAll is read only.
var wantAll = &Paths{All: true}

// decoder is the state of one Decode. Its methods take trimmed JSON and always return a value; once err is set the
// values mean nothing.
type decoder struct {
	path   Path // of what is being decoded
	depth  int
	drifts []Drift
	err    error
}

func (d *decoder) drift(what string) {
	d.drifts = append(d.drifts, Drift{Path: slices.Clone(d.path), What: what})
}

func (d *decoder) fail(err error) cty.Value {
	if d.err == nil {
		d.err = err
	}
	return cty.NullVal(cty.DynamicPseudoType)
}

func (d *decoder) enter() bool {
	if d.depth++; d.depth > maxDepth {
		d.fail(&JSONError{Reason: "nested too deeply"})
	}
	return d.err == nil
}

func (d *decoder) object(o *Object, raw []byte, want *Paths) cty.Value {
	defer func() { d.depth-- }()
	if !d.enter() {
		return cty.NullVal(cty.DynamicPseudoType)
	}
	size := len(want.Next)
	if want.All {
		size = len(o.Fields())
	}
	vals := make(map[string]cty.Value, size)
	missing := size
	err := Members(raw, func(name string, value []byte) bool {
		sub := wantAll
		if !want.All {
			if sub = want.Next[name]; sub == nil {
				return true
			}
		}
		f := o.Field(name)
		switch {
		case f != nil:
			d.path = append(d.path, f.Name)
			if _, twice := vals[f.Name]; !twice {
				missing--
			}
			vals[f.Name] = d.field(f, value, sub)
		case o.Open:
			name = strings.Clone(name)
			d.path = append(d.path, name)
			vals[name] = d.any(value)
		default:
			return true
		}
		d.path = d.path[:len(d.path)-1]
		return d.err == nil
	})
	if err != nil {
		return d.fail(err)
	}
	if missing > 0 {
		d.absent(o, want, vals)
	}
	return cty.ObjectVal(vals)
}

// absent puts nulls into vals for what is wanted and was not there.
func (d *decoder) absent(o *Object, want *Paths, vals map[string]cty.Value) {
	if want.All {
		fields := o.Fields()
		for i := range fields {
			f := &fields[i]
			if _, ok := vals[f.Name]; !ok {
				d.absentField(f, vals)
			}
		}
		return
	}
	for name := range want.Next {
		if _, ok := vals[name]; ok {
			continue
		}
		if f := o.Field(name); f != nil {
			d.absentField(f, vals)
		} else {
			vals[name] = cty.NullVal(cty.DynamicPseudoType)
		}
	}
}

func (d *decoder) absentField(f *Field, vals map[string]cty.Value) {
	vals[f.Name] = cty.NullVal(f.Type.nullType())
	if f.Required {
		d.path = append(d.path, f.Name)
		d.drift("is missing")
		d.path = d.path[:len(d.path)-1]
	}
}

// nullType is the cty type of a null of type t: only of primitives is it known without a value.
func (t *Type) nullType() cty.Type {
	switch t.Kind {
	case KindString:
		return cty.String
	case KindNumber:
		return cty.Number
	case KindBool:
		return cty.Bool
	}
	return cty.DynamicPseudoType
}

func (d *decoder) field(f *Field, raw []byte, want *Paths) cty.Value {
	if raw[0] == 'n' {
		if f.Required && !f.Nullable {
			d.drift("is null")
		}
		return cty.NullVal(f.Type.nullType())
	}
	return d.value(&f.Type, raw, want)
}

func (d *decoder) value(t *Type, raw []byte, want *Paths) cty.Value {
	switch raw[0] {
	case '"':
		if t.Kind == KindString {
			return d.string(raw)
		}
	case '{':
		switch {
		case t.Kind == KindObject && t.Object != nil:
			return d.object(t.Object, raw, want)
		case t.Kind == KindMap:
			return d.mapping(t, raw)
		case t.Kind == KindString && t.Format == ID && t.Refers != "":
			if id := Lookup(raw, "id"); len(id) > 0 && id[0] == '"' {
				return d.string(id)
			}
		}
	case '[':
		switch {
		case t.Kind == KindList:
			return d.list(t, raw)
		case t.Kind == KindMap && len(raw) >= 2 && skipSpace(raw, 1) == len(raw)-1:
			d.drift("is an empty list, not " + article(t))
			return cty.MapValEmpty(t.elem().nullType())
		}
	case 't', 'f':
		if t.Kind == KindBool {
			return d.any(raw)
		}
	case 'n':
		return cty.NullVal(t.nullType())
	default:
		if t.Kind == KindNumber {
			return d.number(raw)
		}
	}
	if t.Kind != KindAny {
		d.drift("is " + wordFor(raw) + ", not " + article(t))
	}
	return d.any(raw)
}

// elem is the type of a list's or map's elements.
func (t *Type) elem() *Type {
	if t.Elem == nil {
		return &Type{Kind: KindAny}
	}
	return t.Elem
}

func (d *decoder) list(t *Type, raw []byte) cty.Value {
	defer func() { d.depth-- }()
	if !d.enter() {
		return cty.NullVal(cty.DynamicPseudoType)
	}
	elem := t.elem()
	var vals []cty.Value
	err := elements(raw, func(value []byte) error {
		d.path = append(d.path, strconv.Itoa(len(vals)))
		vals = append(vals, d.value(elem, value, wantAll))
		d.path = d.path[:len(d.path)-1]
		return d.err
	})
	if err != nil {
		return d.fail(err)
	}
	return listOf(vals, elem.nullType(), elem.Kind == KindAny)
}

// listOf is a list where all of vals have one type, else a tuple.
func listOf(vals []cty.Value, empty cty.Type, anyType bool) cty.Value {
	switch {
	case len(vals) == 0:
		return cty.ListValEmpty(empty)
	case !anyType && cty.CanListVal(vals):
		return cty.ListVal(vals)
	}
	return cty.TupleVal(vals)
}

func (d *decoder) mapping(t *Type, raw []byte) cty.Value {
	defer func() { d.depth-- }()
	if !d.enter() {
		return cty.NullVal(cty.DynamicPseudoType)
	}
	elem := t.elem()
	vals := map[string]cty.Value{}
	err := Members(raw, func(name string, value []byte) bool {
		name = cty.NormalizeString(strings.Clone(name))
		d.path = append(d.path, name)
		vals[name] = d.value(elem, value, wantAll)
		d.path = d.path[:len(d.path)-1]
		return d.err == nil
	})
	if err != nil {
		return d.fail(err)
	}
	return mapOf(vals, elem.nullType())
}

// mapOf is a map where all of vals have one type, else an object.
func mapOf(vals map[string]cty.Value, empty cty.Type) cty.Value {
	switch {
	case len(vals) == 0:
		return cty.MapValEmpty(empty)
	case cty.CanMapVal(vals):
		return cty.MapVal(vals)
	}
	return cty.ObjectVal(vals)
}

func (d *decoder) any(raw []byte) cty.Value {
	defer func() { d.depth-- }()
	if !d.enter() {
		return cty.NullVal(cty.DynamicPseudoType)
	}
	if len(raw) == 0 {
		return d.fail(&JSONError{Reason: "a value is missing"})
	}
	switch raw[0] {
	case '"':
		return d.string(raw)
	case '{':
		vals := map[string]cty.Value{}
		err := Members(raw, func(name string, value []byte) bool {
			vals[strings.Clone(name)] = d.any(value)
			return d.err == nil
		})
		if err != nil {
			return d.fail(err)
		}
		return cty.ObjectVal(vals)
	case '[':
		var vals []cty.Value
		err := elements(raw, func(value []byte) error {
			vals = append(vals, d.any(value))
			return d.err
		})
		if err != nil {
			return d.fail(err)
		}
		return cty.TupleVal(vals)
	}
	switch string(raw) {
	case "true":
		return cty.True
	case "false":
		return cty.False
	case "null":
		return cty.NullVal(cty.DynamicPseudoType)
	}
	return d.number(raw)
}

func (d *decoder) string(raw []byte) cty.Value {
	s, ok := inPlace(raw)
	if !ok {
		return d.fail(&JSONError{Reason: "not a string"})
	}
	return cty.StringVal(strings.Clone(s))
}

func (d *decoder) number(raw []byte) cty.Value {
	if n, ok := Int64Of(raw); ok {
		return cty.NumberIntVal(n)
	}
	v, ok := exactNumber(raw)
	if !ok {
		return d.fail(&JSONError{Reason: "not a number"})
	}
	return v
}

// exactNumber parses a JSON number within the default limits, with nothing around it.
func exactNumber(raw []byte) (cty.Value, bool) {
	if len(raw) == 0 {
		return cty.NilVal, false
	}
	c := checker{raw: raw, lim: JSONLimits{}.withDefaults()}
	if end := c.number(0); c.err != nil || end != len(raw) {
		return cty.NilVal, false
	}
	v, err := cty.ParseNumberVal(string(raw))
	return v, err == nil
}

// wordFor names the JSON type of raw.
func wordFor(raw []byte) string {
	switch raw[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "a list"
	case 't', 'f':
		return "a bool"
	case 'n':
		return "null"
	}
	return "a number"
}

// article is the type in plain words with its article.
func article(t *Type) string {
	word := t.String()
	if strings.IndexByte("aeiou", word[0]) >= 0 {
		return "an " + word
	}
	return "a " + word
}
