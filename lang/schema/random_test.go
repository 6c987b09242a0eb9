package schema

import (
	"math/rand/v2"
	"testing"
)

// TestRandomIsOfTheShape decodes what is made: a value that the vendor does not send would blame recipes for nothing.
func TestRandomIsOfTheShape(t *testing.T) {
	text := Type{Kind: KindString}
	var circle *Object
	circle = LazyObject("circle", func() []Field {
		return []Field{{Name: "id", Type: text, Required: true}, {Name: "next", Type: ObjectType(circle), Required: true, Nullable: true},
			{Name: "tags", Type: text.MapOf()}, {Name: "list", Type: ObjectType(circle).ListOf(), Required: true},
			{Name: "kind", Type: EnumOf("a", "b"), Required: true}, {Name: "at", Type: Type{Kind: KindNumber, Format: UnixTime}}}
	})
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[string]bool{}
	for n := range 400 {
		raw, err := circle.Random(r, n, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckJSON(raw, JSONLimits{}); err != nil {
			t.Fatalf("%v in %s", err, raw)
		}
		v, drifts, err := circle.Decode(raw, &Paths{All: true})
		if err != nil || len(drifts) > 0 {
			t.Fatalf("%v, %v in %s", err, drifts, raw)
		}
		seen[v.GetAttr("kind").AsString()] = true
	}
	for _, kind := range []string{"a", "b", "a_value_of_the_future"} {
		if !seen[kind] {
			t.Errorf("%q was never made", kind)
		}
	}
	want := &Paths{}
	want.Add("next", "id")
	for n := range 50 {
		raw, err := circle.Random(r, n, want)
		if err != nil {
			t.Fatal(err)
		}
		if Lookup(raw, "kind") != nil || Lookup(raw, "next", "list") != nil {
			t.Errorf("more than was asked for: %s", raw)
		}
	}
}
