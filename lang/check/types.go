package check

import (
	"sort"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/schema"
)

// info is what is known of the value of an expression before there is one.
type info struct {
	t        schema.Type
	null     bool      // it may be null
	isNull   bool      // it is null
	secret   bool      // it must not be shown
	personal bool      // it tells of a person
	bad      bool      // a mistake within it has been reported; nothing more is said of it
	val      cty.Value // the value where the text alone says it, else cty.NilVal
	why      string    // why it may be null, the end of a sentence such as "on stripe_charge_failed"
	elems    []info    // of a list that is written out, else nil

	elemNull bool   // the elements of the list or map may be null
	inner    depths // so may those of what the elements or attributes are
}

// depths says, a bit for each level, where elements may be null: bit 0 is for the elements of elements.
type depths uint32

// within is what a list or an object holds where the value is one of its parts.
func (i info) within() depths {
	if i.elemNull {
		return i.inner<<1 | 1
	}
	return i.inner << 1
}

// emerge gives a part of a value what is known of the nulls that it holds.
func (i *info) emerge(from depths) {
	i.elemNull, i.inner = from&1 != 0, from>>1
}

var (
	anyType    = schema.Type{Kind: schema.KindAny}
	stringType = schema.Type{Kind: schema.KindString}
	numberType = schema.Type{Kind: schema.KindNumber}
	boolType   = schema.Type{Kind: schema.KindBool}
)

// mixed is the format of what may be of one kind or another, and is surely not of every kind: text of what is a string, a
// number or a bool, and any value of the rest. Unlike free-form data, which nothing is known of, it is refused where one
// kind is needed.
const mixed schema.Format = 255

var (
	mixedText = schema.Type{Kind: schema.KindString, Format: mixed}
	mixedType = schema.Type{Kind: schema.KindAny, Format: mixed}
)

// mistake is the value of an expression that has been complained of.
func mistake() info { return info{t: anyType, bad: true} }

func of(t schema.Type) info { return info{t: t} }

// constant reports whether the text alone gives a value other than null.
func (i info) constant() bool { return i.val != cty.NilVal && !i.val.IsNull() }

// text returns the value of a constant string.
func (i info) text() (string, bool) {
	if i.constant() && i.val.Type() == cty.String {
		return i.val.AsString(), true
	}
	return "", false
}

// empty reports whether the value is known to be the empty text.
func (i info) empty() bool {
	s, ok := i.text()
	return ok && s == ""
}

// lax reports whether nothing can be said of the type.
func (i info) lax() bool { return i.bad || i.isNull || unknown(i.t) }

func unknown(t schema.Type) bool { return t.Kind == schema.KindAny && t.Format != mixed || t.Kind == 0 }

// describe says what the value is, for messages: "a string or null".
func (i info) describe() string {
	if i.isNull {
		return "null"
	}
	if i.null {
		return article(i.t.String()) + " or null"
	}
	return article(i.t.String())
}

func article(noun string) string {
	switch noun[0] {
	case 'a', 'e', 'i', 'o', 'u':
		if noun == "any value" {
			return noun
		}
		return "an " + noun
	}
	return "a " + noun
}

func primitive(k schema.Kind) bool {
	return k == schema.KindString || k == schema.KindNumber || k == schema.KindBool
}

func infoOf(v cty.Value) info {
	if v.IsNull() {
		return info{t: anyType, null: true, isNull: true, val: v}
	}
	if !v.IsWhollyKnown() {
		return mistake() // the parser's stand-in for what is missing
	}
	return info{t: typeOf(v.Type()), val: v}
}

// typeOf returns the shape of a cty type. Sets are lists here: nothing in the language tells them apart.
func typeOf(t cty.Type) schema.Type {
	switch {
	case t == cty.String:
		return stringType
	case t == cty.Number:
		return numberType
	case t == cty.Bool:
		return boolType
	case t.IsListType(), t.IsSetType():
		return typeOf(t.ElementType()).ListOf()
	case t.IsMapType():
		return typeOf(t.ElementType()).MapOf()
	case t.IsTupleType():
		var elem schema.Type
		for i, et := range t.TupleElementTypes() {
			if i == 0 {
				elem = typeOf(et)
			} else {
				elem = join(elem, typeOf(et))
			}
		}
		if elem.Kind == 0 {
			elem = anyType
		}
		return elem.ListOf()
	case t.IsObjectType():
		attrs := t.AttributeTypes()
		names := make([]string, 0, len(attrs))
		for name := range attrs {
			names = append(names, name)
		}
		sort.Strings(names)
		fields := make([]schema.Field, len(names))
		for i, name := range names {
			fields[i] = schema.Field{Name: name, Type: typeOf(attrs[name]), Required: !t.AttributeOptional(name)}
		}
		return schema.ObjectType(schema.NewObject("", fields...))
	}
	return anyType
}

// ctyOf returns the cty type that values of the shape have, as far as functions ask for it. Objects may refer to each
// other in circles, so that what lies deep within them is left open.
func ctyOf(t schema.Type) cty.Type { return ctyAt(t, 0) }

func ctyAt(t schema.Type, depth int) cty.Type {
	switch t.Kind {
	case schema.KindString:
		return cty.String
	case schema.KindNumber:
		return cty.Number
	case schema.KindBool:
		return cty.Bool
	case schema.KindList:
		if t.Elem != nil {
			if elem := ctyAt(*t.Elem, depth+1); !elem.HasDynamicTypes() {
				return cty.List(elem)
			}
		}
	case schema.KindMap:
		if t.Elem != nil {
			if elem := ctyAt(*t.Elem, depth+1); !elem.HasDynamicTypes() {
				return cty.Map(elem)
			}
		}
	case schema.KindObject:
		if depth < 2 && t.Object != nil && !t.Object.Open {
			attrs := map[string]cty.Type{}
			for _, f := range t.Object.Fields() {
				attrs[f.Name] = ctyAt(f.Type, depth+1)
			}
			return cty.Object(attrs)
		}
	}
	return cty.DynamicPseudoType
}

// unify returns the type that values of both are converted to where HCL wants one type; ok is false where there is
// none. It follows cty's own rules: numbers and bools become strings, lists and maps unify by element, objects of
// different names become maps.
func unify(a, b schema.Type) (t schema.Type, ok bool) {
	if unknown(a) || unknown(b) {
		return anyType, true
	}
	if a.Kind == schema.KindAny || b.Kind == schema.KindAny {
		return mixedType, true
	}
	if a.Kind == b.Kind {
		switch a.Kind {
		case schema.KindString:
			return joinStrings(a, b), true
		case schema.KindList, schema.KindMap:
			if a.Elem == nil {
				return b, true
			}
			if b.Elem == nil {
				return a, true
			}
			elem, ok := unify(*a.Elem, *b.Elem)
			if !ok {
				return anyType, false
			}
			return schema.Type{Kind: a.Kind, Elem: &elem}, true
		case schema.KindObject:
			return unifyObjects(a.Object, b.Object)
		}
		if a.Format != b.Format {
			a.Format = schema.NoFormat
		}
		return a, true
	}
	if primitive(a.Kind) && primitive(b.Kind) {
		if a.Kind == schema.KindString || b.Kind == schema.KindString {
			return stringType, true
		}
		return anyType, false
	}
	if a.Kind == schema.KindObject && b.Kind == schema.KindMap {
		a, b = b, a
	}
	if a.Kind == schema.KindMap && b.Kind == schema.KindObject {
		m, ok := mapOf(b.Object)
		if !ok {
			return anyType, false
		}
		return unify(a, m)
	}
	return anyType, false
}

func unifyObjects(a, b *schema.Object) (schema.Type, bool) {
	if a == b || a == nil || b == nil {
		return schema.ObjectType(a), true
	}
	fields := make([]schema.Field, 0, len(a.Fields()))
	same := len(a.Fields()) == len(b.Fields())
	for _, fa := range a.Fields() {
		fb := b.Field(fa.Name)
		if fb == nil {
			same = false
			break
		}
		t, ok := unify(fa.Type, fb.Type)
		if !ok {
			return anyType, false
		}
		fields = append(fields, joinFields(fa, *fb, t))
	}
	if same {
		return schema.ObjectType(schema.NewObject(a.Name, fields...)), true
	}
	ma, ok := mapOf(a)
	if !ok {
		return anyType, false
	}
	mb, ok := mapOf(b)
	if !ok {
		return anyType, false
	}
	return unify(ma, mb)
}

// mapOf returns the map that an object can become: its fields' types must unify.
func mapOf(o *schema.Object) (schema.Type, bool) {
	elem := schema.Type{}
	for i, f := range o.Fields() {
		if i == 0 {
			elem = f.Type
			continue
		}
		var ok bool
		if elem, ok = unify(elem, f.Type); !ok {
			return anyType, false
		}
	}
	if elem.Kind == 0 {
		return schema.Type{Kind: schema.KindMap}, true // {} can be a map of anything
	}
	return elem.MapOf(), true
}

// join returns a type that promises of a value only what both types promise. Unlike unify it converts nothing.
func join(a, b schema.Type) schema.Type {
	if a.Kind == schema.KindMap && isEmptyObject(b) {
		return a
	}
	if b.Kind == schema.KindMap && isEmptyObject(a) {
		return b
	}
	switch {
	case unknown(a) || unknown(b):
		return anyType
	case a.Kind == schema.KindMap && b.Kind == schema.KindObject:
		return joinMap(a, b.Object)
	case a.Kind == schema.KindObject && b.Kind == schema.KindMap:
		return joinMap(b, a.Object)
	case a.Kind != b.Kind && primitive(a.Kind) && primitive(b.Kind):
		return mixedText
	case a.Kind != b.Kind || a.Kind == schema.KindAny:
		return mixedType
	}
	switch a.Kind {
	case schema.KindString:
		return joinStrings(a, b)
	case schema.KindList, schema.KindMap:
		if a.Elem == nil {
			return b
		}
		if b.Elem == nil {
			return a
		}
		elem := join(*a.Elem, *b.Elem)
		return schema.Type{Kind: a.Kind, Elem: &elem}
	case schema.KindObject:
		if a.Object == b.Object {
			return a
		}
		var fields []schema.Field
		for _, fa := range a.Object.Fields() {
			if fb := b.Object.Field(fa.Name); fb != nil {
				fields = append(fields, joinFields(fa, *fb, join(fa.Type, fb.Type)))
			}
		}
		return schema.ObjectType(schema.NewObject(a.Object.Name, fields...))
	}
	if a.Format != b.Format {
		a.Format = schema.NoFormat
	}
	return a
}

// joinMap returns a map of what either may hold: what reads a part of it reads it as one of a map.
func joinMap(m schema.Type, o *schema.Object) schema.Type {
	if m.Elem == nil || o == nil || o.Open {
		return anyType
	}
	elem := *m.Elem
	for _, f := range o.Fields() {
		if f.MayBeNull() {
			return mixedType
		}
		elem = join(elem, f.Type)
	}
	return elem.MapOf()
}

func isEmptyObject(t schema.Type) bool {
	return t.Kind == schema.KindObject && t.Object != nil && !t.Object.Open && len(t.Object.Fields()) == 0
}

func joinFields(a, b schema.Field, t schema.Type) schema.Field {
	a.Type = t
	a.Required = a.Required && b.Required
	a.Nullable = a.Nullable || b.Nullable
	a.Secret = a.Secret || b.Secret
	if !a.Role.Personal() {
		a.Role = b.Role
	}
	return a
}

func joinStrings(a, b schema.Type) schema.Type {
	t := a
	if a.Format != b.Format || a.Prefix != b.Prefix {
		t.Format, t.Prefix, t.Refers = schema.NoFormat, "", ""
	}
	if a.Format == mixed || b.Format == mixed {
		t.Format = mixed
	}
	t.Enum = nil
	if len(a.Enum) > 0 && len(b.Enum) > 0 {
		seen := map[string]bool{}
		for _, list := range [][]string{a.Enum, b.Enum} {
			for _, v := range list {
				if !seen[v] {
					seen[v] = true
					t.Enum = append(t.Enum, v)
				}
			}
		}
	}
	return t
}

// merged returns the info of a value that is either a or b, without conversion.
func merged(a, b info, t schema.Type) info {
	out := info{
		t:      t,
		null:   a.null || b.null,
		isNull: a.isNull && b.isNull,
		bad:    a.bad || b.bad,
		why:    a.why,

		elemNull: a.elemNull || b.elemNull,
		inner:    a.inner | b.inner,
	}
	out.taint(a, b)
	if out.why == "" {
		out.why = b.why
	}
	return out
}

// nullable returns the shape of `previous`: every field, at any depth of objects, may be null.
func nullable(o *schema.Object) *schema.Object {
	out := schema.LazyObject(o.Name, func() []schema.Field {
		fields := append([]schema.Field(nil), o.Fields()...)
		for i := range fields {
			fields[i].Nullable = true
			if fields[i].Type.Kind == schema.KindObject && fields[i].Type.Object != nil {
				fields[i].Type.Object = nullable(fields[i].Type.Object)
			}
		}
		return fields
	})
	out.Doc, out.Open = o.Doc, o.Open
	return out
}
