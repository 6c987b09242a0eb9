package eval

import (
	"errors"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/schema"
)

func locals(t testing.TB, pairs ...string) []Local {
	t.Helper()
	var out []Local
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, Local{pairs[i], Bound(parse(t, pairs[i+1]))})
	}
	return out
}

func charge(amount int64, customer string) cty.Value {
	c := cty.NullVal(cty.String)
	if customer != "" {
		c = cty.StringVal(customer)
	}
	return cty.ObjectVal(map[string]cty.Value{"amount": cty.NumberIntVal(amount), "currency": cty.StringVal("usd"), "customer": c})
}

func TestScopeEvaluatesLocalsWhenTheyAreRead(t *testing.T) {
	s := NewScope(Table(), locals(t,
		"big", `trigger.amount > 1000`,
		"label", `local.big ? "big" : "small"`,
		"email", `action.customer.email`,
		"broken", `upper(trigger.customer)`,
		"loop", `local.pool`, "pool", `local.loop`,
		"big", `trigger.amount > 5000`, // the later one counts
	))
	s.Set("trigger", charge(2000, ""))
	want := func(src, want string) {
		t.Helper()
		v, err := s.Value(Bound(parse(t, src)))
		if err != nil {
			t.Errorf("%s: %v", src, err)
		} else if got := text(t, v); got != want {
			t.Errorf("%s = %s, want %s", src, got, want)
		}
	}
	refused := func(src, want string) {
		t.Helper()
		v, err := s.Value(Bound(parse(t, src)))
		if err == nil {
			t.Errorf("%s = %#v, want an error", src, v)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", src, err, want)
		}
	}
	want(`local.label`, `"small"`)
	want(`local["label"]`, `"small"`)
	refused(`local.email`, `no variable named "action"`)
	want(`try(local.email, "none")`, `"none"`)
	refused(`local.broken`, "null")
	want(`trigger.customer != null && local.broken == "X"`, `false`)
	refused(`local.loop`, "Local needs itself")
	refused(`local.nosuch`, "nosuch")
	refused(`keys(local)`, "no variable named")

	s.Set("trigger", charge(9000, "cus_1"))
	want(`local.label`, `"big"`)
	want(`local.broken`, `"CUS_1"`)
	s.SetAction("customer", cty.ObjectVal(map[string]cty.Value{"email": cty.StringVal("a@example.com")}))
	want(`local.email`, `"a@example.com"`)
	s.SetAction("customer", cty.ObjectVal(map[string]cty.Value{"email": cty.StringVal("b@example.com")}))
	want(`local.email`, `"b@example.com"`)
	s.SetAction("other", cty.True)
	want(`[action.other, action.customer.email]`, `[true,"b@example.com"]`)
}

func TestScopeKeepsLocals(t *testing.T) {
	s := NewScope(Table(), locals(t, "sum", `length([for i in range(1000) : i])`, "twice", `local.sum * 2`))
	use := Bound(parse(t, `local.twice + local.sum`))
	steps := func() int {
		if _, err := s.Value(use); err != nil {
			t.Fatal(err)
		}
		return maxSteps - s.budget.steps
	}
	first := steps()
	s.Set("trigger", charge(1, ""))
	s.SetAction("a", cty.True)
	if again := steps(); first < 1000 || again > 100 {
		t.Errorf("%d steps at first, then %d", first, again)
	}
}

func TestLocalsShareTheBudget(t *testing.T) {
	pairs := []string{"x0", `replace("aaaaaaaaaa", "a", "0123456789")`}
	for i := range 9 {
		pairs = append(pairs, "x"+string(rune('1'+i)), strings.ReplaceAll(`join("", [local.@, local.@, local.@, local.@, local.@, local.@, local.@, local.@])`, "@", "x"+string(rune('0'+i))))
	}
	s := NewScope(Table(), locals(t, pairs...))
	if v, err := s.Value(Bound(parse(t, `local.x9`))); err == nil {
		t.Fatalf("%d bytes", len(v.AsString()))
	}
	if v, err := s.Value(Bound(parse(t, `length(local.x1)`))); err != nil || text(t, v) != "800" {
		t.Error("a later evaluation has no budget of its own:", v, err)
	}
}

func TestScopeRefusesWhatCannotBeSent(t *testing.T) {
	s := NewScope(Table(), nil)
	s.Set("inf", cty.ObjectVal(map[string]cty.Value{"a": cty.TupleVal([]cty.Value{cty.PositiveInfinity})}))
	s.Set("u", cty.UnknownVal(cty.String))
	s.Set("huge", cty.StringVal(strings.Repeat("x", maxValueBytes)))
	for src, want := range map[string]string{`inf`: summaryNumber, `u`: "not known", `huge`: summaryTooMuch, `[1, inf.a]`: summaryNumber} {
		_, err := s.Value(Bound(parse(t, src)))
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", src, err, want)
		}
	}
	if v, err := s.Value(parse(t, `1 + 1`)); err != nil || text(t, v) != "2" {
		t.Error("an expression without bounds:", v, err)
	}
}

func TestMarksSurvive(t *testing.T) {
	s := NewScope(Table(), locals(t, "header", `"Bearer ${var.key}"`))
	s.Set("var", cty.ObjectVal(map[string]cty.Value{"key": cty.StringVal("sk").Mark(Secret)}))
	for src, want := range map[string]bool{
		`local.header`: true, `{a = [upper(var.key)]}`: true, `format("%s", var.key)`: true, `try(var.key, "x")`: true,
		`jsonencode({a = var.key})`: true, `sha256(var.key)`: true, `coalesce(null, var.key)`: true, `"x"`: false,
		`join(",", [var.key, "a"])`: true, `length(var.key)`: true, `[for x in [var.key] : x]`: true, `1 + 1`: false,
		`lookup({a = var.key}, "a")`: true, `distinct([var.key])`: true, `regex(".*", var.key)`: true, `replace(var.key, "s", "z")`: true,
	} {
		v, err := s.Value(Bound(parse(t, src)))
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		clean, secret := Unmark(v)
		if secret != want || clean.ContainsMarked() {
			t.Errorf("%s: secret %t, want %t", src, secret, want)
		}
	}
}

var sink cty.Value

func BenchmarkFilter(b *testing.B) {
	table := Table()
	e := Bound(parse(b, `trigger.amount >= 5000 && trigger.customer != null`))
	trigger := charge(9000, "cus_1")
	s := NewScope(table, nil)
	s.Set("trigger", trigger)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if sink, err = s.Value(e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkArgument(b *testing.B) {
	e := Bound(parse(b, `{
		amount = money(trigger.amount, trigger.currency)
		email  = action.customer.email
		reason = coalesce(trigger.customer, "unknown")
	}`))
	s := NewScope(Table(), nil)
	s.Set("trigger", charge(9000, "cus_1"))
	s.SetAction("customer", cty.ObjectVal(map[string]cty.Value{"email": cty.StringVal("a@example.com")}))
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if sink, err = s.Value(e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewScope(b *testing.B) {
	table := Table()
	ls := locals(b, "a", `1`, "b", `2`)
	trigger := charge(9000, "cus_1")
	b.ReportAllocs()
	for b.Loop() {
		NewScope(table, ls).Set("trigger", trigger)
	}
}

func BenchmarkEncode(b *testing.B) {
	v := charge(9000, "cus_1")
	b.ReportAllocs()
	var buf []byte
	for b.Loop() {
		var err error
		if buf, err = schema.AppendJSON(buf[:0], v); err != nil {
			b.Fatal(err)
		}
	}
}

func TestScopeKeepsWaitsAndElements(t *testing.T) {
	s := NewScope(Table(), locals(t, "late", `wait.paid.timed_out ? "late" : "in time"`))
	want := func(src, want string) {
		t.Helper()
		v, err := s.Value(Bound(parse(t, src)))
		if err != nil {
			t.Errorf("%s: %v", src, err)
		} else if got := text(t, v); got != want {
			t.Errorf("%s = %s, want %s", src, got, want)
		}
	}
	s.SetWait("paid", cty.ObjectVal(map[string]cty.Value{"timed_out": cty.True}))
	want(`local.late`, `"late"`)
	s.SetWait("paid", cty.ObjectVal(map[string]cty.Value{"timed_out": cty.False}))
	s.SetWait("other", cty.NullVal(cty.DynamicPseudoType))
	want(`local.late`, `"in time"`)
	want(`wait.other == null`, `true`)
	s.SetEach(cty.StringVal("a"), cty.NumberIntVal(1))
	want(`"${each.key}=${each.value}"`, `"a=1"`)
	s.SetEach(cty.NumberIntVal(0), cty.StringVal("b"))
	want(`"${each.key}=${each.value}"`, `"0=b"`)
}
