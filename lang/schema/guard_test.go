package schema

import "testing"

func TestGuards(t *testing.T) {
	const object = `{"status":"open","paid":false,"customer":null,"amount":5,"card":{"brand":"visa"}}`
	for name, c := range map[string]struct {
		guard Guard
		event string
		want  bool
	}{
		"null":                {Guard{Path: Path{"customer"}, Null: true}, "a", true},
		"absent is null":      {Guard{Path: Path{"invoice"}, Null: true}, "a", true},
		"not null":            {Guard{Path: Path{"customer"}}, "a", false},
		"not null and is not": {Guard{Path: Path{"card", "brand"}}, "a", true},
		"one of":              {Guard{Path: Path{"status"}, In: []string{"draft", "open"}}, "a", true},
		"none of":             {Guard{Path: Path{"status"}, In: []string{"draft"}}, "a", false},
		"a bool":              {Guard{Path: Path{"paid"}, In: []string{"false"}}, "a", true},
		"another bool":        {Guard{Path: Path{"paid"}, In: []string{"true"}}, "a", false},
		"null is none of":     {Guard{Path: Path{"customer"}, In: []string{"cus_1"}}, "a", false},
		"absent is none of":   {Guard{Path: Path{"invoice"}, In: []string{""}}, "a", false},
		"of its type":         {Guard{Path: Path{"customer"}, Types: []string{"a"}}, "a", false},
		"of another type":     {Guard{Path: Path{"customer"}, Types: []string{"b"}}, "a", true},
		"a test":              {Guard{Test: func(object, previous []byte) bool { return len(object) > 10 && previous == nil }}, "a", true},
		"a test that fails":   {Guard{Test: func(_, previous []byte) bool { return previous != nil }}, "a", false},
	} {
		if got := c.guard.Admits(c.event, []byte(object), nil); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}

func TestOr(t *testing.T) {
	later := Type{Kind: KindNumber, Format: UnixTime, Or: &Type{Kind: KindString, Enum: []string{"now"}, Or: &Type{Kind: KindString, Enum: []string{""}}}}
	place := NewObject("place", Field{Name: "city", Type: Type{Kind: KindString, Max: 3, Runes: true}})
	shape := NewObject("input",
		Field{Name: "at", Type: later},
		Field{Name: "place", Type: Type{Kind: KindObject, Object: place, Or: &Type{Kind: KindString, Enum: []string{""}}}},
		Field{Name: "when", Type: Type{Kind: KindObject, Object: NewObject("range", Field{Name: "gt", Type: Type{Kind: KindNumber}}), Or: &Type{Kind: KindNumber}}},
	)
	for raw, want := range map[string]string{
		`{"at":5}`:                  `{"at":5}`,
		`{"at":"now"}`:              `{"at":"now"}`,
		`{"at":""}`:                 `{"at":""}`,
		`{"at":"soon"}`:             `!at must be a number, and this string is none`,
		`{"place":""}`:              `{"place":""}`,
		`{"place":"x"}`:             `!place must be an object, not a string`,
		`{"place":{"city":"été"}}`:  `{"place":{"city":"été"}}`,
		`{"place":{"city":"étés"}}`: `!place.city is longer than 3 characters`,
		`{"when":{"gt":1}}`:         `{"when":{"gt":1}}`,
		`{"when":7}`:                `{"when":7}`,
		`{"when":"seven"}`:          `!when must be an object, not a string`,
		`{"place":{"town":"a"}}`:    `!place.town is not a field of place`,
		`{"at":null,"place":null}`:  `{}`,
	} {
		v, err := shape.DecodeJSON([]byte(raw))
		got := ""
		if err != nil {
			got = "!" + err.Error()
		} else if text, err := AppendJSONOmitNull(nil, v); err == nil {
			got = string(text)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
	for _, c := range []struct {
		t    Type
		want string
	}{
		{later, `number or "now" or ""`},
		{shape.Field("place").Type, `object (place) or ""`},
		{shape.Field("when").Type, `object (range) or number`},
	} {
		if got := c.t.String(); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}
