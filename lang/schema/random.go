package schema

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"unicode/utf8"
)

// extreme is what a random object is extreme in. Mistakes are made on the first; the others mix.
type extreme int

const (
	mixed     extreme = iota
	allNull           // whatever may be null is
	allAbsent         // whatever may be absent is
	allThere          // nothing is null or absent
	allEmpty          // lists, maps and texts are
	allWild           // numbers and texts are
	extremes          // how many there are
)

// randomDepth is how deep optional members are made; Stripe's shapes go in circles.
const randomDepth = 4

// Random makes the n-th of a series of JSON objects of the shape. Each way of being extreme has its turn, and within it
// each value of an enum, and one that the vendor has not invented yet. Only fields that want mentions are made; all where
// it is nil. The same source gives the same object.
func (o *Object) Random(r *rand.Rand, n int, want *Paths) ([]byte, error) {
	if want == nil {
		want = &Paths{All: true}
	}
	m := maker{r, []extreme{allNull, allAbsent, allThere, allEmpty, allWild, mixed, mixed, mixed}[n%8], n}
	raw, err := json.Marshal(m.object(o, want, 0))
	if err != nil {
		return nil, fmt.Errorf("making an object of %s: %w", o.word(), err)
	}
	return raw, nil
}

type maker struct {
	*rand.Rand
	mode extreme
	n    int
}

func (m *maker) pick(options ...string) string { return options[m.IntN(len(options))] }

func (m *maker) object(o *Object, want *Paths, depth int) map[string]any {
	out := map[string]any{}
	for i := range o.Fields() {
		f := &o.Fields()[i]
		inner := want
		if !want.All {
			if inner = want.Next[f.Name]; inner == nil {
				continue
			}
		}
		absent, null := m.IntN(4) == 0, m.IntN(4) == 0
		switch m.mode {
		case allNull:
			absent, null = !f.Nullable, true
		case allAbsent:
			absent, null = true, true
		case allThere, allEmpty, allWild:
			absent, null = false, false
		}
		if depth >= randomDepth && want.All {
			absent, null = true, true
		}
		switch {
		case !f.Required && absent, depth >= sampleLimit:
		case f.Nullable && null:
			out[f.Name] = nil
		default:
			out[f.Name] = m.value(f.Type, inner, depth+1)
		}
	}
	return out
}

func (m *maker) value(t Type, want *Paths, depth int) any {
	mode := m.mode
	if mode == mixed {
		mode = extreme(m.IntN(int(extremes)))
	}
	whole := &Paths{All: true} // lists and maps are decoded whole
	switch t.Kind {
	case KindString:
		return m.text(t, mode)
	case KindNumber:
		return m.number(t, mode)
	case KindBool:
		return m.IntN(2) == 0
	case KindList:
		n := m.IntN(4)
		if mode == allEmpty || depth > randomDepth {
			n = 0
		}
		out := make([]any, n)
		for i := range out {
			out[i] = m.value(*t.Elem, whole, depth+1)
		}
		return out
	case KindMap:
		out := map[string]any{}
		if mode == allEmpty {
			return out
		}
		for range m.IntN(4) {
			out[m.pick("plan", "plan", "plan", "a", "A", "ch_pro", "", "b c", "ß")] = m.value(*t.Elem, whole, depth+1)
		}
		return out
	case KindObject:
		return m.object(t.Object, want, depth)
	}
	return []any{nil, true, 1, "text", []any{1, "a", nil}, map[string]any{"x": 1, "y": map[string]any{"z": nil}}}[m.IntN(6)]
}

// text makes a text that is no longer than the type allows.
func (m *maker) text(t Type, mode extreme) string {
	s := m.anyText(t, mode)
	for t.TooLong(s) {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}

func (m *maker) anyText(t Type, mode extreme) string {
	if len(t.Enum) > 0 {
		if i := m.n / 8 % (len(t.Enum) + 1); i < len(t.Enum) {
			return t.Enum[i]
		}
		return "a_value_of_the_future"
	}
	switch {
	case t.Format == Currency:
		return m.pick("eur", "usd", "jpy", "kwd")
	case t.Format == ID && mode == allWild:
		return t.Prefix + m.pick("a", "0", "Ab_12", strings.Repeat("x", 60)) // the vendor makes it, of characters of its own
	case mode == allEmpty:
		return t.Prefix
	case mode == allWild:
		return t.Prefix + m.pick("日本語 e\u0301 👩\u200d💻", strings.Repeat("long ", 50), "\"\\\n\t${x}%{if}", "\u202e", "0", "null", "true", "-1e400")
	}
	return t.Prefix + m.pick("a", "pro", "text", "12", "Ä b")
}

func (m *maker) number(t Type, mode extreme) any {
	switch {
	case t.Format == UnixTime:
		return json.Number(m.pick("0", "1700000000", "253402300799"))
	case mode == allWild && t.Format == MinorUnit:
		return json.Number(m.pick("0", "-1", "99999999", "999999999999999", "-99999999"))
	case mode == allWild && t.Format == Integer:
		return json.Number(m.pick("0", "-1", "9007199254740993", "1000000000000000", "-9007199254740993"))
	case mode == allWild:
		return json.Number(m.pick("0", "-1", "9007199254740993", "1e15", "0.1", "-0.000001", "1e300"))
	}
	return m.IntN(20)
}
