package connectors

import (
	"fmt"
	"strconv"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/schema"
)

// Input returns the call's input field of that name; null where the input has none.
func Input(c *Call, name string) cty.Value {
	if t := c.Input.Type(); c.Input.IsNull() || !t.IsObjectType() || !t.HasAttribute(name) {
		return cty.NullVal(cty.DynamicPseudoType)
	}
	return c.Input.GetAttr(name)
}

// InputString returns a string field of the call's input, "" where it is null or no string.
func InputString(c *Call, name string) string {
	if v := Input(c, name); !v.IsNull() && v.Type() == cty.String {
		return v.AsString()
	}
	return ""
}

// ScalarText returns the text of a string, number or bool as it stands in a path, a query or a form. The number is
// written as JSON writes it.
func ScalarText(v cty.Value) (string, error) {
	switch {
	case v.IsNull():
		return "", nil
	case v.Type() == cty.String:
		return v.AsString(), nil
	case v.Type() == cty.Bool:
		return strconv.FormatBool(v.True()), nil
	case v.Type() == cty.Number:
		b, err := schema.AppendJSON(make([]byte, 0, 24), v)
		return string(b), err
	}
	return "", fmt.Errorf("a %s can't be written as text", v.Type().FriendlyName())
}

// AppendJSONMember appends a member of a JSON object whose opening brace, and perhaps earlier members, are in dst. Null
// members of the value are left out at every depth; a value that is null itself is written as null.
func AppendJSONMember(dst []byte, name string, v cty.Value) ([]byte, error) {
	dst, err := appendName(dst, name)
	if err != nil {
		return dst, err
	}
	return schema.AppendJSONOmitNull(dst, v)
}

func appendName(dst []byte, name string) ([]byte, error) {
	if n := len(dst); n > 0 && dst[n-1] != '{' {
		dst = append(dst, ',')
	}
	if plainName(name) {
		return append(append(append(dst, '"'), name...), `":`...), nil
	}
	dst, err := schema.AppendJSON(dst, cty.StringVal(name))
	return append(dst, ':'), err
}

// plainName reports whether name stands in JSON as it is, as nearly all do.
func plainName(name string) bool {
	for i := 0; i < len(name); i++ {
		if !unreserved(name[i]) {
			return false
		}
	}
	return true
}

func (h *HTTP) jsonBody(dst []byte, c *Call) ([]byte, error) {
	dst = append(dst, '{')
	err := h.eachBodyField(c, func(name string, v cty.Value) (err error) {
		dst, err = AppendJSONMember(dst, name, v)
		return err
	})
	return append(dst, '}'), err
}

func (h *HTTP) formBody(dst []byte, c *Call) ([]byte, error) {
	err := h.eachBodyField(c, func(name string, v cty.Value) (err error) {
		dst, err = AppendForm(dst, name, v)
		return err
	})
	return dst, err
}

// eachBodyField calls fn for the fields that the body holds, in the order of the shape.
func (h *HTTP) eachBodyField(c *Call, fn func(name string, v cty.Value) error) error {
	fields := c.Action.In.Fields()
	for i := range fields {
		name := fields[i].Name
		if h.skip[name] {
			continue
		}
		v := Input(c, name)
		if v.IsNull() {
			continue
		}
		if to, ok := h.Rename[name]; ok {
			if name = to; name == "" {
				continue
			}
		}
		if err := fn(name, v); err != nil {
			return fmt.Errorf("%s: %w", fields[i].Name, err)
		}
	}
	return nil
}

// AppendForm appends v under name as form fields: objects and maps as name[key], lists as name[0], nulls left out. Maps
// are written in the order of their keys. A list without elements is name= with nothing after it: a form has no other
// way to say that there are none.
func AppendForm(dst []byte, name string, v cty.Value) ([]byte, error) {
	if v.IsNull() {
		return dst, nil
	}
	t := v.Type()
	if t.IsPrimitiveType() {
		text, err := ScalarText(v)
		if err != nil {
			return dst, err
		}
		return appendQueryEscape(append(appendQueryEscape(and(dst), name), '='), text), nil
	}
	if !v.CanIterateElements() {
		return dst, fmt.Errorf("a %s can't be written as a form", t.FriendlyName())
	}
	list := t.IsListType() || t.IsTupleType() || t.IsSetType()
	if list && v.LengthInt() == 0 {
		return append(appendQueryEscape(and(dst), name), '='), nil
	}
	i := 0
	for it := v.ElementIterator(); it.Next(); i++ {
		k, elem := it.Element()
		key := strconv.Itoa(i)
		if !list {
			key = k.AsString()
		}
		var err error
		if dst, err = AppendForm(dst, name+"["+key+"]", elem); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// and separates what follows from what is there.
func and(dst []byte) []byte {
	if len(dst) > 0 {
		return append(dst, '&')
	}
	return dst
}

// appendQueryEscape is AppendPathEscape but for brackets, which nested form names are read by; a space is %20, which
// every reader of forms takes, as not every one takes +.
func appendQueryEscape(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == '[' || s[i] == ']' {
			dst = append(dst, s[i])
			continue
		}
		dst = AppendPathEscape(dst, s[i:i+1])
	}
	return dst
}
