package schema

import (
	"hash/fnv"
	"strconv"
	"strings"
)

const (
	sampleDepth = 4  // how deep optional members are written
	sampleLimit = 32 // a shape whose required members never end is cut off here
)

// Sample returns a JSON object of the shape, the same for the same seed: each field's Example, else something sensible
// for its format and role. Required fields are always there; nullable ones are null unless they have an Example;
// optional ones are there where they are plain values. Of a OneOf group the first is there. It decodes without drift.
func (o *Object) Sample(seed string) []byte {
	s := sampler{seed: seed}
	return s.object(nil, o, 0)
}

type sampler struct{ seed string }

func (s *sampler) object(dst []byte, o *Object, depth int) []byte {
	dst = append(dst, '{')
	first := true
	fields := o.Fields()
	for i := range fields {
		f := &fields[i]
		if depth >= sampleLimit || !sampled(o, f, depth) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(appendString(dst, f.Name), ':')
		switch {
		case f.Example != "":
			dst = append(dst, f.Example...)
		case f.Nullable && !inGroup(o, f.Name):
			dst = append(dst, "null"...)
		default:
			dst = s.value(dst, f.Name, f.Role, &f.Type, depth)
		}
	}
	return append(dst, '}')
}

// sampled reports whether a field has a place in a sample.
func sampled(o *Object, f *Field, depth int) bool {
	for _, group := range o.OneOf {
		for i, name := range group {
			if name == f.Name {
				return i == 0
			}
		}
	}
	if f.Required {
		return true
	}
	if depth >= sampleDepth {
		return false
	}
	switch f.Type.Kind {
	case KindString, KindNumber, KindBool:
		return true
	}
	return f.Example != ""
}

func inGroup(o *Object, name string) bool {
	for _, group := range o.OneOf {
		for _, n := range group {
			if n == name {
				return true
			}
		}
	}
	return false
}

func (s *sampler) value(dst []byte, name string, role Role, t *Type, depth int) []byte {
	switch t.Kind {
	case KindString:
		text := s.text(name, role, t)
		if t.Max > 0 && len(text) > t.Max {
			text = strings.ToValidUTF8(text[:t.Max], "")
		}
		return appendString(dst, text)
	case KindNumber:
		switch {
		case t.Format == UnixTime || role == RoleCreatedAt:
			return append(dst, "1700000000"...)
		case t.Format == MinorUnit || role == RoleAmount:
			return append(dst, "2000"...)
		}
		return append(dst, '1')
	case KindBool:
		return append(dst, "false"...)
	case KindList:
		return append(dst, "[]"...)
	case KindObject:
		if t.Object != nil {
			return s.object(dst, t.Object, depth+1)
		}
	}
	return append(dst, "{}"...)
}

func (s *sampler) text(name string, role Role, t *Type) string {
	if len(t.Enum) > 0 {
		return t.Enum[0]
	}
	switch t.Format {
	case Currency:
		return "usd"
	case Email:
		return "jo@example.com"
	case URL:
		return "https://example.com/" + name
	case Duration:
		return "72h"
	case ID:
		return t.Prefix + s.suffix(name)
	case Country:
		return "US"
	case JSON:
		return "{}"
	}
	switch role {
	case RoleEmail:
		return "jo@example.com"
	case RoleName:
		return "Jo Example"
	case RoleFirstName:
		return "Jo"
	case RoleLastName:
		return "Example"
	case RolePhone:
		return "+15555550100"
	case RoleAddress:
		return "1 Example Street"
	case RoleCurrency:
		return "usd"
	case RoleCustomerID:
		return "cus_" + s.suffix(name)
	case RoleCreatedAt:
		return "2023-11-14T22:13:20Z"
	}
	if name == "" {
		return "text"
	}
	return name
}

// suffix is the part of an identifier that tells it from others: 14 characters of the seed and the field's name.
func (s *sampler) suffix(name string) string {
	h := fnv.New64a()
	h.Write([]byte(s.seed))
	h.Write([]byte{0})
	h.Write([]byte(name))
	text := strconv.FormatUint(h.Sum64(), 36)
	return strings.Repeat("0", 14-min(14, len(text))) + text
}
