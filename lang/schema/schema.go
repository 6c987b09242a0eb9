// Package schema describes the shapes of the data that flows through recipes: what a vendor's event carries, what an
// action takes and what it answers. A shape is written once, as a literal or in a generated catalogue; the decoder,
// the checker's types, conversions, documentation and redaction are all derived from it.
//
// A shape is richer than a cty type: it knows what may be absent or null, which values an enum has, which numbers are
// moments, what is secret and what is personal. It is also lazy: Stripe's objects refer to each other in circles, so
// an Object loads its fields when somebody asks for them.
//
// The package holds no service and reads nothing; it does not parse recipes.
package schema

import (
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Kind is the structure of a value. The zero Kind is invalid.
type Kind uint8

const (
	_ Kind = iota
	KindString
	KindNumber
	KindBool
	KindList   // ordered, all elements of one type
	KindMap    // free-form keys, all values of one type
	KindObject // named fields
	KindAny    // free-form JSON; nothing is promised of it
)

// Format says what a String or Number means beyond its kind; the checker tests literals against it.
type Format uint8

const (
	NoFormat  Format = iota
	UnixTime         // Number: seconds since 1970-01-01 UTC
	Currency         // String: three-letter ISO 4217 code, lower case at Stripe
	MinorUnit        // Number: an amount in the currency's smallest unit
	Email            // String
	URL              // String
	Duration         // String: "90s", "72h", "7d"
	ID               // String: a vendor's identifier, see Type.Prefix and Type.Refers
	Country          // String: ISO 3166-1 alpha-2
	JSON             // String holding JSON
	Integer          // Number without a fraction
)

// Role is the meaning of a field that other services share, so that a mapping can be proposed and personal data
// recognised. The empty Role means none.
type Role string

const (
	RoleEmail      Role = "email"
	RoleName       Role = "name"
	RoleFirstName  Role = "first_name"
	RoleLastName   Role = "last_name"
	RolePhone      Role = "phone"
	RoleAddress    Role = "address"
	RoleCustomerID Role = "customer_id"
	RoleAmount     Role = "amount"
	RoleCurrency   Role = "currency"
	RoleCreatedAt  Role = "created_at"
)

// Personal reports whether a value in this role identifies a person and is redacted in logs.
func (r Role) Personal() bool {
	switch r {
	case RoleEmail, RoleName, RoleFirstName, RoleLastName, RolePhone, RoleAddress:
		return true
	}
	return false
}

// Type is the shape of one value, without its name. Null and absence belong to the Field that holds it.
type Type struct {
	Kind   Kind
	Elem   *Type    // of a List or Map
	Object *Object  // of an Object
	Enum   []string // of a String: the values known to the pinned API version. Vendors add values: a check, never a run-time refusal
	Format Format
	Prefix string // of an ID: how it begins, such as "cus_"; empty where the vendor promises nothing
	Refers string // of an ID: the object it names, such as "customer"
	Max    int    // longest string in bytes, 0 for no limit
	Runes  bool   // Max counts characters, not bytes

	// Or is what an input takes besides: a moment or the word "now", an object or the empty string that unsets it. The
	// enum of an Or is exact. Nil in all but inputs, and in nearly all of those.
	Or *Type
}

// TooLong reports whether s is longer than Max.
func (t *Type) TooLong(s string) bool {
	return t.Max > 0 && len(s) > t.Max && (!t.Runes || utf8.RuneCountInString(s) > t.Max)
}

// Limit says what Max is, in words: "40 characters".
func (t *Type) Limit() string {
	if t.Runes {
		return strconv.Itoa(t.Max) + " characters"
	}
	return strconv.Itoa(t.Max) + " bytes"
}

// Field is one named member of an Object.
type Field struct {
	Name     string
	Doc      string // one line, no full stop needed
	Type     Type
	Required bool // in an input: must be given. In a payload or answer: the vendor promises that it is present
	Nullable bool // may be null where it is present
	Secret   bool // never logged; only a secret may flow into a place that needs one
	Role     Role
	Example  string // a JSON literal
	Default  string // in settings and inputs: the JSON literal that stands where the field is left out; documentation and decoding
}

// MayBeNull reports whether an expression that reads the field can see null: absent and null are one to a recipe.
func (f *Field) MayBeNull() bool { return f.Nullable || !f.Required }

// Object is an ordered set of fields. Build one with NewObject, or with LazyObject where the fields should be made
// on first use. An Object is immutable and safe for concurrent use.
type Object struct {
	Name string // the vendor's word, such as "charge"
	Doc  string

	// OneOf lists groups of fields of which exactly one must be given in an input.
	OneOf [][]string

	// Open objects take and keep fields that are not listed.
	Open bool

	load   func() []Field
	once   sync.Once
	fields []Field
	index  map[string]int
}

// NewObject returns an object with the given fields.
func NewObject(name string, fields ...Field) *Object {
	return &Object{Name: name, load: func() []Field { return fields }}
}

// LazyObject returns an object whose fields are made by load at their first use; load is called at most once.
func LazyObject(name string, load func() []Field) *Object {
	return &Object{Name: name, load: load}
}

// WithOneOf returns o with one more group of which exactly one field must be given. It is meant for literals, before
// o is shared.
func (o *Object) WithOneOf(names ...string) *Object {
	o.OneOf = append(o.OneOf, names)
	return o
}

func (o *Object) resolve() {
	o.once.Do(func() {
		if o.load != nil {
			o.fields = o.load()
		}
		o.index = make(map[string]int, len(o.fields))
		for i := range o.fields {
			o.index[o.fields[i].Name] = i
		}
	})
}

// Fields returns the fields in the vendor's order. The caller must not change them.
func (o *Object) Fields() []Field {
	o.resolve()
	return o.fields
}

// Field returns the field of that name, or nil.
func (o *Object) Field(name string) *Field {
	o.resolve()
	if i, ok := o.index[name]; ok {
		return &o.fields[i]
	}
	return nil
}

// Names returns the names of the fields, sorted.
func (o *Object) Names() []string {
	names := make([]string, 0, len(o.Fields()))
	for i := range o.Fields() {
		names = append(names, o.fields[i].Name)
	}
	sort.Strings(names)
	return names
}

// Of returns the type of a list whose elements are t.
func (t Type) ListOf() Type { return Type{Kind: KindList, Elem: &t} }

// MapOf returns the type of a map whose values are t.
func (t Type) MapOf() Type { return Type{Kind: KindMap, Elem: &t} }

// ObjectType returns the type of values shaped like o.
func ObjectType(o *Object) Type { return Type{Kind: KindObject, Object: o} }

// EnumOf returns a string type with those values.
func EnumOf(values ...string) Type { return Type{Kind: KindString, Enum: values} }

// String returns the type in plain words, as messages show it: "string", "list of number", "object (charge)".
func (t Type) String() string {
	if t.Or != nil {
		main := t
		main.Or = nil
		if len(t.Or.Enum) == 0 {
			return main.String() + " or " + t.Or.String()
		}
		or := main.String() + ` or "` + strings.Join(t.Or.Enum, `" or "`) + `"`
		if t.Or.Or != nil {
			or += " or " + t.Or.Or.String()
		}
		return or
	}
	if slices.Equal(t.Enum, []string{""}) {
		return `""`
	}
	switch t.Kind {
	case KindString:
		return "string"
	case KindNumber:
		return "number"
	case KindBool:
		return "bool"
	case KindList:
		if t.Elem == nil {
			return "list"
		}
		return "list of " + t.Elem.String()
	case KindMap:
		if t.Elem == nil {
			return "map"
		}
		return "map of " + t.Elem.String()
	case KindObject:
		if t.Object == nil || t.Object.Name == "" {
			return "object"
		}
		return "object (" + t.Object.Name + ")"
	case KindAny:
		return "any value"
	}
	return "invalid"
}

// Path is a way through nested objects, by attribute names.
type Path []string

func (p Path) String() string { return strings.Join(p, ".") }

// Paths is a set of paths, as a trie: what of a payload somebody reads. The zero value is empty.
type Paths struct {
	All  bool // the whole value at this place is read
	Next map[string]*Paths
}

// Add puts the value at path, with all below it, into the set.
func (p *Paths) Add(path ...string) {
	for _, name := range path {
		if p.All {
			return
		}
		next := p.Next[name]
		if next == nil {
			next = &Paths{}
			if p.Next == nil {
				p.Next = map[string]*Paths{}
			}
			p.Next[name] = next
		}
		p = next
	}
	p.All, p.Next = true, nil
}

// Merge adds all of q to p.
func (p *Paths) Merge(q *Paths) {
	if q == nil || p.All {
		return
	}
	if q.All {
		p.All, p.Next = true, nil
		return
	}
	for name, sub := range q.Next {
		next := p.Next[name]
		if next == nil {
			next = &Paths{}
			if p.Next == nil {
				p.Next = map[string]*Paths{}
			}
			p.Next[name] = next
		}
		next.Merge(sub)
	}
}

// Empty reports whether nothing is in the set.
func (p *Paths) Empty() bool { return p == nil || !p.All && len(p.Next) == 0 }
