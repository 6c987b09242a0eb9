package schema

import (
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// FieldError says which field of an input or of settings is refused, and why. It quotes no value.
type FieldError struct {
	Path   Path   // empty where the object as a whole is refused
	Reason string // goes on from the path: "is required", "must be a number, not a list"
}

func (e *FieldError) Error() string {
	if len(e.Path) == 0 {
		return e.Reason
	}
	return e.Path.String() + " " + e.Reason
}

// Convert makes the value of an input or of settings from an object (or map) holding the arguments that were given.
// The result has every field of o in its type, and null (or the field's Default) where one was left out; null given to
// a field that is not Nullable is one left out. Marks are removed: whoever needs to know whether a value is secret asks first.
//
// Conversions are HCL's safe ones and, since the checker may not have seen the value, those of a string that is wholly a
// number or a bool. The error is a *FieldError: a field that is required or unknown, of the wrong type, longer than Max,
// infinite, with a fraction where there can be none; or a OneOf group of which not exactly one is given.
func (o *Object) Convert(v cty.Value) (cty.Value, error) {
	v, _ = v.UnmarkDeep()
	if !v.IsWhollyKnown() {
		return cty.NilVal, &FieldError{Reason: "a value is not known"}
	}
	return o.convert(v, nil)
}

// ConvertMembers is Convert for arguments that are no object yet. They must be wholly known and without marks, and are not
// changed.
func (o *Object) ConvertMembers(given map[string]cty.Value) (cty.Value, error) {
	return o.convertMembers(given, nil)
}

func (o *Object) convert(v cty.Value, path Path) (cty.Value, error) {
	if v.IsNull() || !v.Type().IsObjectType() && !v.Type().IsMapType() {
		return cty.NilVal, &FieldError{Path: slices.Clone(path), Reason: "must be an object, not " + describe(v)}
	}
	return o.convertMembers(v.AsValueMap(), path)
}

func (o *Object) convertMembers(given map[string]cty.Value, path Path) (cty.Value, error) {
	refuse := func(name, reason string) (cty.Value, error) {
		p := slices.Clone(path)
		if name != "" {
			p = append(p, name)
		}
		return cty.NilVal, &FieldError{Path: p, Reason: reason}
	}
	fields := o.Fields()
	vals := make(map[string]cty.Value, len(fields))
	var others []string
	for name := range given {
		if o.Field(name) == nil {
			others = append(others, name)
		}
	}
	slices.Sort(others) // so that the first mistake is always the same
	for _, name := range others {
		if !o.Open {
			return refuse(name, "is not a field of "+o.word())
		}
		val, err := (&Type{Kind: KindAny}).convert(given[name], append(path, name))
		if err != nil {
			return cty.NilVal, err
		}
		vals[name] = val
	}
	for i := range fields {
		f := &fields[i]
		val, ok := given[f.Name]
		if ok && val.IsNull() && f.Nullable {
			vals[f.Name] = cty.NullVal(f.Type.nullType())
			continue
		}
		if !ok || val.IsNull() {
			switch {
			case f.Default != "":
				var d decoder
				if val = d.any(trim([]byte(f.Default))); d.err != nil {
					return refuse(f.Name, "has a default that is not JSON")
				}
			case f.Required && ok:
				return refuse(f.Name, "is required and must not be null")
			case f.Required:
				return refuse(f.Name, "is required")
			default:
				vals[f.Name] = cty.NullVal(f.Type.nullType())
				continue
			}
		}
		val, err := f.Type.convert(val, append(path, f.Name))
		if err != nil {
			return cty.NilVal, err
		}
		vals[f.Name] = val
	}
	for _, group := range o.OneOf {
		var have []string
		for _, name := range group {
			if val, ok := given[name]; ok && !val.IsNull() {
				have = append(have, name)
			}
		}
		switch len(have) {
		case 1:
		case 0:
			return refuse("", "exactly one of "+listed(group)+" must be given; none is")
		default:
			return refuse("", "exactly one of "+listed(group)+" must be given, not "+listed(have))
		}
	}
	return cty.ObjectVal(vals), nil
}

func (o *Object) word() string {
	if o.Name == "" {
		return "the object"
	}
	return o.Name
}

func listed(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// convert makes v, which is not null unless t is KindAny, a value of type t, or of what t takes besides.
func (t *Type) convert(v cty.Value, path Path) (cty.Value, error) {
	out, err := t.convertMain(v, path)
	if err == nil || v.IsNull() {
		return out, err
	}
	for or := t.Or; or != nil; or = or.Or {
		other, failed := or.convertMain(v, path)
		if failed == nil && (len(or.Enum) == 0 || slices.Contains(or.Enum, other.AsString())) {
			return other, nil
		}
	}
	return out, err
}

func (t *Type) convertMain(v cty.Value, path Path) (cty.Value, error) {
	refuse := func(reason string) (cty.Value, error) {
		return cty.NilVal, &FieldError{Path: slices.Clone(path), Reason: reason}
	}
	wrong := func() (cty.Value, error) {
		return refuse("must be " + article(t) + ", not " + describe(v))
	}
	if v.IsNull() && t.Kind != KindAny {
		return refuse("must not be null")
	}
	ty := v.Type()
	switch t.Kind {
	case KindString:
		var s string
		switch ty {
		case cty.String:
			s = v.AsString()
		case cty.Bool:
			s = strconv.FormatBool(v.True())
		case cty.Number:
			text, err := appendNumber(nil, v.AsBigFloat())
			if err != nil {
				return refuse(err.Error())
			}
			s = string(text)
		default:
			return wrong()
		}
		if t.TooLong(s) {
			return refuse("is longer than " + t.Limit())
		}
		return cty.StringVal(s), nil
	case KindNumber:
		switch ty {
		case cty.Number:
		case cty.String:
			n, ok := exactNumber([]byte(v.AsString()))
			if !ok {
				return refuse("must be a number, and this string is none")
			}
			v = n
		default:
			return wrong()
		}
		f := v.AsBigFloat()
		if f.IsInf() {
			return refuse("must not be infinite")
		}
		if (t.Format == Integer || t.Format == MinorUnit) && !f.IsInt() {
			return refuse("must be a whole number")
		}
		return v, nil
	case KindBool:
		switch {
		case ty == cty.Bool:
			return v, nil
		case ty == cty.String && v.AsString() == "true":
			return cty.True, nil
		case ty == cty.String && v.AsString() == "false":
			return cty.False, nil
		}
		return wrong()
	case KindList:
		if !ty.IsTupleType() && !ty.IsListType() && !ty.IsSetType() {
			return wrong()
		}
		elem := t.elem()
		vals := make([]cty.Value, 0, v.LengthInt())
		for it := v.ElementIterator(); it.Next(); {
			_, val := it.Element()
			val, err := elem.convert(val, append(path, strconv.Itoa(len(vals))))
			if err != nil {
				return cty.NilVal, err
			}
			vals = append(vals, val)
		}
		return listOf(vals, elem.nullType(), elem.Kind == KindAny), nil
	case KindMap:
		if !ty.IsObjectType() && !ty.IsMapType() {
			return wrong()
		}
		elem := t.elem()
		vals := map[string]cty.Value{}
		for it := v.ElementIterator(); it.Next(); {
			k, val := it.Element()
			if val.IsNull() && elem.Kind != KindAny {
				continue // left out, as with a field
			}
			val, err := elem.convert(val, append(path, k.AsString()))
			if err != nil {
				return cty.NilVal, err
			}
			vals[k.AsString()] = val
		}
		return mapOf(vals, elem.nullType()), nil
	case KindObject:
		if t.Object == nil {
			return wrong()
		}
		return t.Object.convert(v, path)
	case KindAny:
		return v, finite(v, path)
	}
	return wrong()
}

// finite returns an error where v holds an infinite number at any depth.
func finite(v cty.Value, path Path) error {
	switch ty := v.Type(); {
	case v.IsNull():
	case ty == cty.Number:
		if v.AsBigFloat().IsInf() {
			return &FieldError{Path: slices.Clone(path), Reason: "must not be infinite"}
		}
	case ty.IsPrimitiveType():
	case v.CanIterateElements():
		i := 0
		for it := v.ElementIterator(); it.Next(); i++ {
			k, val := it.Element()
			name := strconv.Itoa(i)
			if k.Type() == cty.String && !ty.IsSetType() {
				name = k.AsString()
			}
			if err := finite(val, append(path, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// describe names the type of a value in plain words with its article.
func describe(v cty.Value) string {
	ty := v.Type()
	switch {
	case v.IsNull():
		return "null"
	case ty == cty.String:
		return "a string"
	case ty == cty.Number:
		return "a number"
	case ty == cty.Bool:
		return "a bool"
	case ty.IsListType(), ty.IsTupleType():
		return "a list"
	case ty.IsSetType():
		return "a set"
	case ty.IsMapType():
		return "a map"
	case ty.IsObjectType():
		return "an object"
	}
	return "a value of another kind"
}

// isWhole reports whether f can be written exactly as an integer of reasonable length.
func isWhole(f *big.Float) bool { return f.IsInt() && f.MantExp(nil) <= 1100 }
