package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/flowrun/flowrun/lang/schema"
)

// ordered is a JSON value whose members keep their order and whose scalars keep their text: a fixture differs from the
// event only where something was replaced.
type ordered struct {
	raw     json.RawMessage // of a scalar
	list    []ordered       // not nil for a list
	members []orderedMember // not nil for an object
	gone    bool
}

type orderedMember struct {
	name  string
	value ordered
}

func decodeOrdered(raw []byte) (ordered, error) {
	if err := schema.CheckJSON(raw, schema.JSONLimits{}); err != nil { // which bounds the depth, too
		return ordered{}, err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	v, err := readOrdered(dec)
	if err != nil {
		return ordered{}, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return ordered{}, fmt.Errorf("it holds more than one value")
	}
	return v, nil
}

func readOrdered(dec *json.Decoder) (ordered, error) {
	tok, err := dec.Token()
	if err != nil {
		return ordered{}, err
	}
	switch tok {
	case json.Delim('['):
		v := ordered{list: []ordered{}}
		for dec.More() {
			e, err := readOrdered(dec)
			if err != nil {
				return v, err
			}
			v.list = append(v.list, e)
		}
		_, err := dec.Token()
		return v, err
	case json.Delim('{'):
		v := ordered{members: []orderedMember{}}
		for dec.More() {
			name, err := dec.Token()
			if err != nil {
				return v, err
			}
			e, err := readOrdered(dec)
			if err != nil {
				return v, err
			}
			v.members = append(v.members, orderedMember{fmt.Sprint(name), e})
		}
		_, err := dec.Token()
		return v, err
	}
	return ordered{raw: rawOf(tok)}, nil
}

// at returns the value at a path, or nil.
func (v *ordered) at(path schema.Path) *ordered {
	for _, name := range path {
		var next *ordered
		for i := range v.members {
			if v.members[i].name == name {
				next = &v.members[i].value
			}
		}
		if next == nil {
			return nil
		}
		v = next
	}
	return v
}

func (v ordered) isText() bool { return len(v.raw) > 0 && v.raw[0] == '"' }

func (v ordered) text() string {
	var s string
	if json.Unmarshal(v.raw, &s) != nil { // it was decoded from JSON
		return ""
	}
	return s
}

func textOf(s string) ordered { return ordered{raw: rawOf(s)} }

func (v ordered) write(b *bytes.Buffer) {
	switch {
	case v.list != nil:
		b.WriteByte('[')
		for i, e := range v.list {
			if i > 0 {
				b.WriteByte(',')
			}
			e.write(b)
		}
		b.WriteByte(']')
	case v.members != nil:
		b.WriteByte('{')
		for i, m := range v.members {
			if i > 0 {
				b.WriteByte(',')
			}
			b.Write(rawOf(m.name))
			b.WriteByte(':')
			m.value.write(b)
		}
		b.WriteByte('}')
	case v.gone:
		b.WriteString("null")
	default:
		b.Write(v.raw)
	}
}
