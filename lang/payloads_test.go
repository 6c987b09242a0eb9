package lang_test

// Payloads of a declared shape, for the property tests. The first are those that mistakes are made on; the others mix.

import (
	"encoding/json"
	"strings"

	"github.com/flowrun/flowrun/lang/schema"
)

// payloadMode is what a payload is extreme in.
type payloadMode int

const (
	mixed     payloadMode = iota
	allNull               // whatever may be null is
	allAbsent             // whatever may be absent is
	allThere              // nothing is null or absent
	empty                 // lists, maps and texts are
	extreme               // numbers and texts are
	modes                 // how many there are
)

// payloadOf makes the n-th payload: each mode has its turn, and within it each value of an enum.
func (g *generator) payloadOf(o *schema.Object, n int) []byte {
	m := maker{g, []payloadMode{allNull, allAbsent, allThere, empty, extreme, mixed, mixed, mixed}[n%8], n}
	raw, err := json.Marshal(m.object(o))
	if err != nil {
		panic(err)
	}
	return raw
}

type maker struct {
	g    *generator
	mode payloadMode
	n    int
}

func (m *maker) object(o *schema.Object) map[string]any {
	out := map[string]any{}
	for _, f := range o.Fields() {
		absent, null := m.g.IntN(4) == 0, m.g.IntN(4) == 0
		switch m.mode {
		case allNull:
			absent, null = !f.Nullable, true
		case allAbsent:
			absent, null = true, true
		case allThere, empty, extreme:
			absent, null = false, false
		}
		switch {
		case !f.Required && absent:
		case f.Nullable && null:
			out[f.Name] = nil
		default:
			out[f.Name] = m.value(f.Type)
		}
	}
	return out
}

func (m *maker) value(t schema.Type) any {
	mode := m.mode
	if mode == mixed {
		mode = payloadMode(m.g.IntN(int(modes)))
	}
	switch t.Kind {
	case schema.KindString:
		if len(t.Enum) > 0 {
			if i := m.n / 8 % (len(t.Enum) + 1); i < len(t.Enum) {
				return t.Enum[i]
			}
			return "a_value_of_the_future"
		}
		switch {
		case t.Format == schema.Currency:
			return m.g.pick("eur", "usd", "jpy", "kwd")
		case mode == empty:
			return t.Prefix
		case mode == extreme:
			return t.Prefix + m.g.pick("日本語 e\u0301 👩\u200d💻", strings.Repeat("long ", 50), "\"\\\n\t${x}%{if}", "\u202e", "0", "null", "true", "-1e400")
		}
		return t.Prefix + m.g.pick("a", "pro", "text", "12", "Ä b")
	case schema.KindNumber:
		if t.Format == schema.UnixTime {
			return json.Number(m.g.pick("0", "1700000000", "253402300799"))
		}
		if mode == extreme {
			if t.Format == schema.Integer || t.Format == schema.MinorUnit {
				return json.Number(m.g.pick("0", "-1", "9007199254740993", "1000000000000000", "-9007199254740993"))
			}
			return json.Number(m.g.pick("0", "-1", "9007199254740993", "1e15", "0.1", "-0.000001", "1e300"))
		}
		return m.g.IntN(20)
	case schema.KindBool:
		return m.g.IntN(2) == 0
	case schema.KindList:
		n := m.g.IntN(4)
		if mode == empty {
			n = 0
		}
		out := make([]any, n)
		for i := range out {
			out[i] = m.value(*t.Elem)
		}
		return out
	case schema.KindMap:
		out := map[string]any{}
		if mode == empty {
			return out
		}
		for range m.g.IntN(4) {
			out[m.g.pick("plan", "plan", "plan", "a", "A", "ch_pro", "", "b c", "ß")] = m.value(*t.Elem)
		}
		return out
	case schema.KindObject:
		return m.object(t.Object)
	}
	return []any{nil, true, 1, "text", []any{1, "a", nil}, map[string]any{"x": 1, "y": map[string]any{"z": nil}}}[m.g.IntN(6)]
}
