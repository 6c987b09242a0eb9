package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// chargeShape is like a vendor's object: nested, open in one place, referring to itself in another.
func chargeShape() *Object {
	var charge *Object
	details := NewObject("billing_details",
		Field{Name: "email", Type: Type{Kind: KindString, Format: Email}, Required: true, Nullable: true, Role: RoleEmail, Example: `"jo@example.com"`},
		Field{Name: "name", Type: Type{Kind: KindString}, Required: true, Nullable: true, Role: RoleName},
	)
	line := NewObject("line",
		Field{Name: "id", Type: Type{Kind: KindString, Format: ID, Prefix: "li_"}, Required: true},
		Field{Name: "price", Type: ObjectType(NewObject("price", Field{Name: "id", Type: Type{Kind: KindString}, Required: true})), Required: true, Nullable: true},
	)
	open := NewObject("extra", Field{Name: "known", Type: Type{Kind: KindBool}})
	open.Open = true
	charge = LazyObject("charge", func() []Field {
		return []Field{
			{Name: "id", Type: Type{Kind: KindString, Format: ID, Prefix: "ch_"}, Required: true},
			{Name: "amount", Type: Type{Kind: KindNumber, Format: MinorUnit}, Required: true},
			{Name: "currency", Type: Type{Kind: KindString, Format: Currency}, Required: true},
			{Name: "created", Type: Type{Kind: KindNumber, Format: UnixTime}, Required: true},
			{Name: "paid", Type: Type{Kind: KindBool}, Required: true},
			{Name: "status", Type: EnumOf("succeeded", "failed"), Required: true},
			{Name: "customer", Type: Type{Kind: KindString, Format: ID, Prefix: "cus_", Refers: "customer"}, Required: true, Nullable: true},
			{Name: "description", Type: Type{Kind: KindString}, Nullable: true},
			{Name: "ratio", Type: Type{Kind: KindNumber}},
			{Name: "metadata", Type: (&Type{Kind: KindString}).MapOf(), Required: true},
			{Name: "tags", Type: (&Type{Kind: KindString}).ListOf()},
			{Name: "lines", Type: ObjectType(line).ListOf()},
			{Name: "billing_details", Type: ObjectType(details), Required: true},
			{Name: "refund_of", Type: ObjectType(charge), Nullable: true},
			{Name: "extra", Type: ObjectType(open)},
			{Name: "any", Type: Type{Kind: KindAny}},
		}
	})
	return charge
}

const chargeJSON = `{"id":"ch_1","amount":5000,"currency":"usd","created":1700000000,"paid":true,"status":"brand_new","customer":"cus_1",
	"metadata":{"plan":"pro"},"billing_details":{"email":null,"name":"Jo","phone":null},"unknown":{"deep":[1,2,3]}}`

func paths(all ...string) *Paths {
	p := &Paths{}
	for _, s := range all {
		if s == "*" {
			p.Add()
		} else {
			p.Add(strings.Split(s, ".")...)
		}
	}
	return p
}

// with returns chargeJSON with members added or replaced.
func with(members string) string { return strings.TrimSuffix(chargeJSON, "}") + "," + members + "}" }

func TestDecode(t *testing.T) {
	for _, c := range []struct{ name, raw, want, value, drift string }{
		{"one field", chargeJSON, "amount", `{"amount":5000}`, ``},
		{"nested", chargeJSON, "billing_details.name", `{"billing_details":{"name":"Jo"}}`, ``},
		{"nested whole", chargeJSON, "billing_details", `{"billing_details":{"email":null,"name":"Jo"}}`, ``},
		{"null and absent", chargeJSON, "description billing_details.email refund_of.refund_of.id", `{"billing_details":{"email":null},"description":null,"refund_of":null}`, ``},
		{"nothing", chargeJSON, "", `{}`, ``},
		{"a value of an enum that is new", chargeJSON, "status", `{"status":"brand_new"}`, ``},
		{"recursion", with(`"refund_of":{"id":"ch_0","refund_of":{"id":"ch_00"}}`), "refund_of.refund_of.id", `{"refund_of":{"refund_of":{"id":"ch_00"}}}`, ``},
		{"an expanded id", with(`"customer":{"object":"customer","id":"cus_9"}`), "customer", `{"customer":"cus_9"}`, ``},
		{"the last of two", with(`"amount":1,"amount":2`), "amount", `{"amount":2}`, ``},
		{"a map", chargeJSON, "metadata.plan", `{"metadata":{"plan":"pro"}}`, ``},
		{"a list for a map", with(`"metadata":[ ]`), "metadata", `{"metadata":{}}`, `metadata is an empty list, not a map of string`},
		{"a mixed map", with(`"metadata":{"a":"x","b":2}`), "metadata", `{"metadata":{"a":"x","b":2}}`, `metadata.b is a number, not a string`},
		{"a wrong type", with(`"amount":"5000"`), "amount", `{"amount":"5000"}`, `amount is a string, not a number`},
		{"a wrong object", with(`"billing_details":[1]`), "billing_details.name", `{"billing_details":[1]}`, `billing_details is a list, not an object (billing_details)`},
		{"a wrong element", with(`"tags":["a",1]`), "tags", `{"tags":["a",1]}`, `tags.1 is a number, not a string`},
		{"missing", `{"amount":1}`, "id amount", `{"amount":1,"id":null}`, `id is missing`},
		{"null where none may be", with(`"id":null`), "id", `{"id":null}`, `id is null`},
		{"null where it is merely undocumented", with(`"ratio":null`), "ratio", `{"ratio":null}`, ``},
		{"open", with(`"extra":{"known":true,"more":[{"x":1}]}`), "extra", `{"extra":{"known":true,"more":[{"x":1}]}}`, ``},
		{"open, by name", with(`"extra":{"more":1}`), "extra.more extra.less", `{"extra":{"less":null,"more":1}}`, ``},
		{"anything", with(`"any":{"a":[1,"b",null,{"c":[]}]}`), "any", `{"any":{"a":[1,"b",null,{"c":[]}]}}`, ``},
		{"exact numbers", with(`"amount":90071992547409931234,"ratio":0.1`), "amount ratio", `{"amount":90071992547409931234,"ratio":0.1}`, ``},
		{"escaped names", `{"\u0061mount":7}`, "amount", `{"amount":7}`, ``},
		{"all", `{"paid":false}`, "*", `{"amount":null,"any":null,"billing_details":null,"created":null,"currency":null,"customer":null,"description":null,"extra":null,"id":null,"lines":null,"metadata":null,"paid":false,"ratio":null,"refund_of":null,"status":null,"tags":null}`,
			`amount is missing; billing_details is missing; created is missing; currency is missing; customer is missing; id is missing; metadata is missing; status is missing`},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, drifts, err := chargeShape().Decode([]byte(c.raw), paths(strings.Fields(c.want)...))
			if err != nil {
				t.Fatal(err)
			}
			var words []string
			for _, d := range drifts {
				words = append(words, d.String())
			}
			if got := strings.Join(words, "; "); got != c.drift {
				t.Errorf("drift %q, want %q", got, c.drift)
			}
			got, err := AppendJSON(nil, v)
			if err != nil || string(got) != c.value {
				t.Errorf("%s %v, want %s", got, err, c.value)
			}
		})
	}
}

func TestDecodedTypes(t *testing.T) {
	raw := with(`"description":null,"tags":["a","b"],"lines":[{"id":"li_1","price":null},{"id":"li_2","price":null}],"any":[]`)
	v, drifts, err := chargeShape().Decode([]byte(raw), paths("*"))
	if err != nil || len(drifts) != 0 {
		t.Fatal(drifts, err)
	}
	for name, want := range map[string]cty.Type{
		"description": cty.String, "ratio": cty.Number, "tags": cty.List(cty.String), "metadata": cty.Map(cty.String), "refund_of": cty.DynamicPseudoType,
		"any":   cty.EmptyTuple,
		"lines": cty.List(cty.Object(map[string]cty.Type{"id": cty.String, "price": cty.DynamicPseudoType})),
	} {
		if got := v.GetAttr(name).Type(); !got.Equals(want) {
			t.Errorf("%s is %#v, want %#v", name, got, want)
		}
	}
	mixed, _, err := chargeShape().Decode([]byte(with(`"lines":[{"id":"li_1","price":null},{"id":"li_2","price":{"id":"p"}}],"tags":[]`)), paths("lines", "tags"))
	if err != nil || !mixed.GetAttr("lines").Type().IsTupleType() || !mixed.GetAttr("tags").Type().Equals(cty.List(cty.String)) {
		t.Errorf("%#v %v", mixed, err)
	}
}

func TestDecodeRefusesWhatIsNotJSON(t *testing.T) {
	for _, raw := range []string{``, `1`, `[]`, `{`, `{"amount":}`, `{"amount":1e999999999}`, `{"amount":` + strings.Repeat("9", 100) + `}`, `{"amount":tru}`, `{"amount":1`,
		`{"any":` + strings.Repeat(`[`, 1000) + strings.Repeat(`]`, 1000) + `}`} {
		if v, _, err := chargeShape().Decode([]byte(raw), paths("*")); err == nil {
			t.Errorf("%.50s: %#v", raw, v)
		}
	}
}

func TestDecodedValuesOwnTheirText(t *testing.T) {
	raw := []byte(with(`"extra":{"more":"abc"},"any":{"k":"v"}`))
	v, _, err := chargeShape().Decode(raw, paths("*"))
	if err != nil {
		t.Fatal(err)
	}
	before, _ := AppendJSON(nil, v)
	for i := range raw {
		raw[i] = 'x'
	}
	if after, _ := AppendJSON(nil, v); string(after) != string(before) {
		t.Errorf("the value changed with its source: %s", after)
	}
}

func inputShape() *Object {
	address := NewObject("address", Field{Name: "city", Type: Type{Kind: KindString}, Required: true}, Field{Name: "zip", Type: Type{Kind: KindString, Max: 5}})
	return NewObject("input",
		Field{Name: "id", Type: Type{Kind: KindString}},
		Field{Name: "email", Type: Type{Kind: KindString}},
		Field{Name: "name", Type: Type{Kind: KindString, Max: 10}, Required: true},
		Field{Name: "count", Type: Type{Kind: KindNumber, Format: Integer}},
		Field{Name: "rate", Type: Type{Kind: KindNumber}},
		Field{Name: "on", Type: Type{Kind: KindBool}},
		Field{Name: "note", Type: Type{Kind: KindString}, Nullable: true},
		Field{Name: "mode", Type: EnumOf("a", "b"), Default: `"a"`},
		Field{Name: "tags", Type: (&Type{Kind: KindString}).ListOf()},
		Field{Name: "meta", Type: (&Type{Kind: KindString}).MapOf()},
		Field{Name: "data", Type: Type{Kind: KindAny}},
		Field{Name: "address", Type: ObjectType(address)},
	).WithOneOf("id", "email")
}

func TestConvert(t *testing.T) {
	obj := func(pairs ...any) cty.Value {
		vals := map[string]cty.Value{"id": cty.StringVal("1"), "name": cty.StringVal("n")}
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] == nil {
				delete(vals, pairs[i].(string))
			} else {
				vals[pairs[i].(string)] = pairs[i+1].(cty.Value)
			}
		}
		return cty.ObjectVal(vals)
	}
	str, num := cty.StringVal, cty.NumberIntVal
	null := cty.NullVal(cty.DynamicPseudoType)
	third := cty.NumberVal(new(big.Float).SetPrec(512).Quo(big.NewFloat(10).SetPrec(512), big.NewFloat(3)))
	for _, c := range []struct {
		name  string
		v     cty.Value
		field string
		want  string // JSON of the field, or an error where it begins with "!"
	}{
		{"left out", obj(), "rate", `null`},
		{"null is left out", obj("tags", null), "tags", `null`},
		{"a default", obj(), "mode", `"a"`},
		{"a default for null", obj("mode", null), "mode", `"a"`},
		{"a value outside an enum", obj("mode", str("c")), "mode", `"c"`},
		{"a number as a string", obj("note", num(12)), "note", `"12"`},
		{"a third as a string", obj("note", third), "note", `"3.3333333333333335"`},
		{"a bool as a string", obj("note", cty.True), "note", `"true"`},
		{"a string as a number", obj("count", str("5000")), "count", `5000`},
		{"a string that is no number", obj("count", str("50x")), "count", `!count must be a number, and this string is none`},
		{"an absurd number", obj("rate", str("1e999")), "rate", `!rate must be a number, and this string is none`},
		{"a fraction", obj("count", cty.NumberFloatVal(1.5)), "count", `!count must be a whole number`},
		{"a fraction where it may be", obj("rate", cty.NumberFloatVal(1.5)), "rate", `1.5`},
		{"infinite", obj("rate", cty.PositiveInfinity), "rate", `!rate must not be infinite`},
		{"infinite within", obj("data", cty.TupleVal([]cty.Value{cty.NegativeInfinity})), "data", `!data.0 must not be infinite`},
		{"a string as a bool", obj("on", str("false")), "on", `false`},
		{"a number as a bool", obj("on", num(1)), "on", `!on must be a bool, not a number`},
		{"a list as a string", obj("note", cty.TupleVal([]cty.Value{num(1)})), "note", `!note must be a string, not a list`},
		{"required", obj("name", nil), "", `!name is required`},
		{"required, null", obj("name", null), "", `!name is required and must not be null`},
		{"too long", obj("name", str("12345678901")), "", `!name is longer than 10 bytes`},
		{"unknown field", obj("nosuch", num(1)), "", `!nosuch is not a field of input`},
		{"none of one", obj("id", null), "", `!exactly one of id and email must be given; none is`},
		{"two of one", obj("email", str("e")), "", `!exactly one of id and email must be given, not id and email`},
		{"the other", obj("id", nil, "email", str("e")), "id", `null`},
		{"a list", obj("tags", cty.TupleVal([]cty.Value{str("a"), num(1)})), "tags", `["a","1"]`},
		{"an empty list", obj("tags", cty.EmptyTupleVal), "tags", `[]`},
		{"a null element", obj("tags", cty.TupleVal([]cty.Value{null})), "tags", `!tags.0 must not be null`},
		{"a map", obj("meta", cty.ObjectVal(map[string]cty.Value{"a": num(1), "b": null})), "meta", `{"a":"1"}`},
		{"an empty map", obj("meta", cty.EmptyObjectVal), "meta", `{}`},
		{"a wrong map", obj("meta", cty.ObjectVal(map[string]cty.Value{"a": cty.EmptyTupleVal})), "meta", `!meta.a must be a string, not a list`},
		{"free form", obj("data", cty.ObjectVal(map[string]cty.Value{"a": null, "b": num(1)})), "data", `{"a":null,"b":1}`},
		{"an object", obj("address", cty.ObjectVal(map[string]cty.Value{"city": str("x")})), "address", `{"city":"x","zip":null}`},
		{"a map as an object", obj("address", cty.MapVal(map[string]cty.Value{"city": str("x")})), "address", `{"city":"x","zip":null}`},
		{"a wrong object", obj("address", cty.ObjectVal(map[string]cty.Value{"city": str("x"), "zip": num(123456)})), "address", `!address.zip is longer than 5 bytes`},
		{"missing within", obj("address", cty.EmptyObjectVal), "address", `!address.city is required`},
		{"unknown within", obj("address", cty.ObjectVal(map[string]cty.Value{"city": str("x"), "town": num(1)})), "address", `!address.town is not a field of address`},
		{"not known", obj("note", cty.UnknownVal(cty.String)), "", `!a value is not known`},
		{"not an object", str("x"), "", `!must be an object, not a string`},
		{"null", null, "", `!must be an object, not null`},
		{"marked", obj("note", str("s").Mark("secret")).Mark("x"), "note", `"s"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := inputShape().Convert(c.v)
			if want, bad := strings.CutPrefix(c.want, "!"); bad {
				var e *FieldError
				if !errors.As(err, &e) || err.Error() != want {
					t.Errorf("%v, want %s", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(v.Type().AttributeTypes()) != len(inputShape().Fields()) {
				t.Errorf("not all fields: %#v", v)
			}
			got, err := AppendJSON(nil, v.GetAttr(c.field))
			if err != nil || string(got) != c.want {
				t.Errorf("%s %v, want %s", got, err, c.want)
			}
		})
	}
}

func TestAppendJSON(t *testing.T) {
	parse := cty.MustParseNumberVal
	for _, c := range []struct {
		v    cty.Value
		want string
	}{
		{cty.NullVal(cty.String), `null`},
		{cty.True, `true`},
		{cty.StringVal("a\"\\\n\r\t\x01\x7f é😀<&>\u2028"), "\"a\\\"\\\\\\n\\r\\t\\u0001\x7f é😀<&>\u2028\""},
		{parse("9007199254740993"), `9007199254740993`},
		{parse("-123456789012345678901234567890"), `-123456789012345678901234567890`},
		{parse("0.1"), `0.1`},
		{parse("1e-7"), `1e-07`},
		{parse("1.5e30"), `15` + strings.Repeat("0", 29)},
		{parse("0"), `0`},
		{cty.NumberFloatVal(2.5), `2.5`},
		{cty.ObjectVal(map[string]cty.Value{"b": cty.Zero, "a": cty.NullVal(cty.String), "é\"": cty.True}), `{"a":null,"b":0,"é\"":true}`},
		{cty.MapVal(map[string]cty.Value{"z": cty.Zero, "y": cty.Zero}), `{"y":0,"z":0}`},
		{cty.TupleVal([]cty.Value{cty.EmptyObjectVal, cty.EmptyTupleVal, cty.NullVal(cty.Bool)}), `[{},[],null]`},
		{cty.SetVal([]cty.Value{cty.StringVal("b"), cty.StringVal("a")}), `["a","b"]`},
		{cty.ObjectVal(map[string]cty.Value{"a": cty.StringVal("x").Mark("secret")}).Mark(1), `{"a":"x"}`},
	} {
		got, err := AppendJSON([]byte("_"), c.v)
		if err != nil || string(got) != "_"+c.want {
			t.Errorf("%#v: %s %v, want %s", c.v, got, err, c.want)
		} else if !json.Valid(got[1:]) {
			t.Errorf("%s is no JSON", got)
		}
	}
	for _, v := range []cty.Value{cty.PositiveInfinity, cty.UnknownVal(cty.String), cty.DynamicVal, cty.NilVal, cty.TupleVal([]cty.Value{cty.NegativeInfinity}), parse("1e400").Divide(parse("3")).Multiply(parse("1e100"))} {
		if got, err := AppendJSON(nil, v); err == nil && !json.Valid(got) {
			t.Errorf("%#v: %s", v, got)
		} else if err == nil && v.Type() != cty.Number {
			t.Errorf("%#v: %s", v, got)
		}
	}
	got, err := AppendJSONOmitNull(nil, cty.ObjectVal(map[string]cty.Value{
		"a": cty.NullVal(cty.String), "b": cty.TupleVal([]cty.Value{cty.NullVal(cty.String), cty.ObjectVal(map[string]cty.Value{"c": cty.NullVal(cty.Bool)})}), "d": cty.NullVal(cty.String).Mark("m")}))
	if err != nil || string(got) != `{"b":[null,{}]}` {
		t.Errorf("%s %v", got, err)
	}
}

func TestSampleHasItsShape(t *testing.T) {
	endless := LazyObject("", nil)
	endless.load = func() []Field {
		return []Field{{Name: "self", Type: ObjectType(endless), Required: true}}
	}
	if err := CheckJSON(endless.Sample(""), JSONLimits{}); err != nil {
		t.Error("a shape without end:", err)
	}
	shape := chargeShape()
	raw := shape.Sample("a")
	if err := CheckJSON(raw, JSONLimits{}); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	if _, drifts, err := shape.Decode(raw, paths("*")); err != nil || len(drifts) > 0 {
		t.Errorf("%s: %v %v", raw, drifts, err)
	}
	if string(raw) != string(shape.Sample("a")) || string(raw) == string(shape.Sample("b")) {
		t.Error("the seed alone must decide")
	}
	for path, want := range map[string]string{"currency": `"usd"`, "created": `1700000000`, "status": `"succeeded"`, "customer": `null`, "billing_details email": `"jo@example.com"`} {
		if got := string(Lookup(raw, strings.Fields(path)...)); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	if id := string(Lookup(raw, "id")); !strings.HasPrefix(id, `"ch_`) || len(id) != len(`"ch_12345678901234"`) {
		t.Errorf("id is %s", id)
	}
	if v, err := inputShape().DecodeJSON(inputShape().Sample("a")); err != nil {
		t.Errorf("%s: %v", inputShape().Sample("a"), err)
	} else if v.GetAttr("name").AsString() != "name" {
		t.Errorf("%#v", v)
	}
}

func TestDecodeJSON(t *testing.T) {
	v, err := inputShape().DecodeJSON([]byte(`{"id":"1","name":"n","data":{"a":[1]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := AppendJSONOmitNull(nil, v); string(got) != `{"data":{"a":[1]},"id":"1","mode":"a","name":"n"}` {
		t.Errorf("%s", got)
	}
	for _, bad := range []string{`{"id":"1","name":"n","nosuch":1}`, `{"id":"1"`, `[]`, `{"id":"1","name":{}}`} {
		if v, err := inputShape().DecodeJSON([]byte(bad)); err == nil {
			t.Errorf("%s: %#v", bad, v)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(chargeJSON), "amount customer metadata.plan refund_of.id")
	f.Add([]byte(with(`"refund_of":{"refund_of":{}},"tags":[1,"a"],"metadata":[],"extra":{"x":[]},"any":[{}]`)), "*")
	f.Add([]byte(`{"metadata":{"\ud800":"a","\udfff":1},"customer":{"id":1}}`), "*")
	f.Fuzz(func(t *testing.T, raw []byte, want string) {
		if strings.Count(want, ".") > 20 {
			return
		}
		shape := chargeShape()
		v, _, err := shape.Decode(raw, paths(strings.Fields(want)...))
		if CheckJSON(raw, JSONLimits{}) != nil {
			return
		}
		isObject := raw[skipSpace(raw, 0)] == '{'
		if (err == nil) != isObject {
			t.Fatalf("%q: %v", raw, err)
		}
		if err != nil {
			return
		}
		if out, err := AppendJSON(nil, v); err != nil || CheckJSON(out, JSONLimits{Number: 400}) != nil {
			t.Fatalf("%q: %s %v", raw, out, err)
		}
	})
}

// stripeLike is 3 KB, as most of Stripe's events are.
func stripeLike() []byte {
	var b strings.Builder
	b.WriteString(strings.TrimSuffix(chargeJSON, "}"))
	for i := range 80 {
		fmt.Fprintf(&b, `,"field_%02d":{"a":null,"b":"text"}`, i)
	}
	b.WriteString("}")
	return []byte(b.String())
}

func BenchmarkCheckJSON(b *testing.B) {
	raw := stripeLike()
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if err := CheckJSON(raw, JSONLimits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	raw, shape, want := stripeLike(), chargeShape(), paths("amount", "currency", "customer", "billing_details.email")
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := shape.Decode(raw, want); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	raw := []byte(`{"id":"evt_1","data":{"object":` + string(stripeLike()) + `}}`)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if Lookup(raw, "data", "object", "field_79") == nil {
			b.Fatal("not found")
		}
	}
}
