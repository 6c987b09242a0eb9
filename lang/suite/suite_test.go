package suite_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/suite"
)

const dunning = `trigger "stripe_charge_failed" {}

filter "large" {
  condition = trigger.amount > 5000
}

action "stripe_customer_retrieve" "customer" {
  customer = coalesce(trigger.customer, "cus_1")
}

wait "pause" {
  for = "72h"
}

action "customerio_track" "each" {
  for_each = ["a", "b"]
  id       = each.value
  name     = "failed"
}

on_error {
  action "customerio_track" "alert" {
    id   = "ops"
    name = "failed"
  }
}
`

func TestCompile(t *testing.T) {
	tests, diags, _ := compile(t, `
test "all of it" {
  start = "2026-03-01T09:00:00Z"
  state = { "a/b" = 3, plan = { name = "pro" } }
  event "stripe_charge_failed" {
    amount = 12000
    envelope {
      livemode = true
    }
  }
  advance = "1d"
  event "stripe_charge_failed" {}
  advance "2d" {}
  mock action "customer" {
    sequence = [{ error = { kind = "server", retry_after = "5m" } }, { result = { email = null } }]
  }
  mock action "each" {
    each "1" {
      error {
        kind = "refused"
      }
    }
  }
  expect {
    event   = 2
    outcome = "failed"
    by      = "large"
    order   = ["customer", "on_error.alert"]
    error {
      step = "each"
    }
  }
  expect wait "pause" {
    until = "72h"
  }
  expect action "each" {
    each   = "1"
    inputs = [{ id = "b" }]
  }
  expect state "a/b" {
    value = 4
  }
}
`)
	if len(diags) > 0 || len(tests) != 1 {
		t.Fatal(diags)
	}
	test := tests[0]
	moves := ""
	for _, m := range test.Moves {
		if m.Event != nil {
			moves += " " + m.Event.Type
		} else {
			moves += " " + m.Advance.String()
		}
	}
	if moves != " charge.failed 24h0m0s charge.failed 48h0m0s" || !test.Stops {
		t.Errorf("moves%s, stops %v", moves, test.Stops)
	}
	if !test.Start.Equal(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)) {
		t.Errorf("it starts at %s", test.Start)
	}
	if got := string(test.State["plan"]); got != `{"name":"pro"}` {
		t.Errorf("state: %s", got)
	}
	answers := test.Mocks["action.customer"].Answers
	if len(answers) != 2 || answers[0].Error.RetryAfter != 5*time.Minute || answers[1].Error != nil {
		t.Errorf("answers: %v", answers)
	}
	if got := test.Mocks["action.each"]; len(got.Answers) != 0 || got.Each["1"][0].Error.Kind != "refused" {
		t.Errorf("mock of elements: %v", got)
	}
	e := test.Expects[0]
	if e.Event != 2 || *e.Outcome != "failed" || e.Error.Step != "action.each" || strings.Join(e.Order, " ") != "action.customer on_error.action.alert" {
		t.Errorf("expectation: %+v", e)
	}
	if after := test.Expects[1].After; after == nil || *after != 72*time.Hour {
		t.Errorf("the wait's end: %v", after)
	}
}

// TestMistakes holds the place and the code of what is wrong, as "line:code", in tests of one recipe.
func TestMistakes(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"unknown attribute":          {"event \"stripe_charge_failed\" {\n amout = 1\n}", "3:FR6002"},
		"unknown attribute within":   {"event \"stripe_charge_failed\" {\n billing_details = { emial = \"x\" }\n}", "3:FR6002"},
		"wrong type within":          {"event \"stripe_charge_failed\" {\n billing_details = {\n  email = 3\n }\n}", "4:FR6003"},
		"null where there is none":   {"event \"stripe_charge_failed\" {\n amount = null\n}", "3:FR6003"},
		"none of the values":         {"event \"stripe_charge_failed\" {\n status = \"lost\"\n}", "3:FR6003"},
		"an event that is not taken": {"event \"stripe_customer_created\" {}", "2:FR6006"},
		"unknown trigger":            {"event \"stripe_charge_fails\" {}", "2:FR6002"},
		"nothing happens":            {"", "1:FR6005"},
		"not a duration":             {"event \"stripe_charge_failed\" {}\nadvance = \"soon\"", "3:FR6003"},
		"unknown mock":               {"event \"stripe_charge_failed\" {}\nmock action \"custmer\" {\n result = {}\n}", "3:FR6004"},
		"two answers":                {"event \"stripe_charge_failed\" {}\nmock action \"customer\" {\n result = {}\n error {\n kind = \"server\"\n }\n}", "3:FR6010"},
		"unknown kind":               {"event \"stripe_charge_failed\" {}\nmock action \"customer\" {\n error {\n kind = \"sever\"\n }\n}", "5:FR6003"},
		"no kind":                    {"event \"stripe_charge_failed\" {}\nmock action \"customer\" {\n error {}\n}", "4:FR6010"},
		"an answer of no such field": {"event \"stripe_charge_failed\" {}\nmock action \"customer\" {\n result = { emial = \"x\" }\n}", "4:FR6002"},
		"an empty sequence":          {"event \"stripe_charge_failed\" {}\nmock action \"customer\" {\n sequence = []\n}", "4:FR6010"},
		"an element of no loop":      {"event \"stripe_charge_failed\" {}\nmock action \"customer\" {\n each \"a\" {\n result = {}\n }\n}", "4:FR6004"},
		"an input of no such field":  {"event \"stripe_charge_failed\" {}\nexpect action \"each\" {\n input = { idd = \"x\" }\n}", "4:FR6002"},
		"no such outcome":            {"event \"stripe_charge_failed\" {}\nexpect {\n outcome = \"complete\"\n}", "4:FR6003"},
		"no such gate":               {"event \"stripe_charge_failed\" {}\nexpect {\n by = \"larg\"\n}", "4:FR6004"},
		"no such event":              {"event \"stripe_charge_failed\" {}\nexpect {\n event = 2\n}", "4:FR6003"},
		"no such wait":               {"event \"stripe_charge_failed\" {}\nexpect wait \"paus\" {\n until = \"1d\"\n}", "3:FR6004"},
		"state without a value":      {"event \"stripe_charge_failed\" {}\nexpect state \"a\" {}", "3:FR1009"},
		"unknown argument":           {"event \"stripe_charge_failed\" {}\nexpect {\n outcom = \"failed\"\n}", "4:FR1005"},
		"unknown block":              {"event \"stripe_charge_failed\" {}\nexpects {}", "3:FR1004"},
		"unknown variable":           {"event \"stripe_charge_failed\" {}\nvariables = { x = 1 }", "3:FR6002"},
		"a name":                     {"event \"stripe_charge_failed\" {\n amount = trigger.amount\n}", "3:FR6009"},
		"no such file":               {"event = file(\"x.json\")", "2:FR6009"},
	} {
		t.Run(name, func(t *testing.T) {
			tests, diags, _ := compile(t, "test \"x\" {\n"+c.body+"\n}\n")
			var got []string
			for _, d := range diags {
				m, _ := diag.MetaOf(d)
				got = append(got, fmt.Sprintf("%d:%s", d.Subject.Start.Line, m.Code))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %v, want %s\n%v", got, c.want, diags)
			}
			if len(tests) > 0 {
				t.Error("a test with mistakes is not left out")
			}
		})
	}
}

func TestMerge(t *testing.T) {
	text := schema.Type{Kind: schema.KindString}
	inner := schema.NewObject("inner", schema.Field{Name: "a", Type: text, Required: true, Example: `"sample"`}, schema.Field{Name: "b", Type: text})
	shape := schema.NewObject("outer", schema.Field{Name: "gone", Type: text}, schema.Field{Name: "null", Type: text, Nullable: true},
		schema.Field{Name: "object", Type: schema.ObjectType(inner)}, schema.Field{Name: "map", Type: text.MapOf()})
	v := func(members map[string]cty.Value) cty.Value { return cty.ObjectVal(members) }
	null := cty.NullVal(cty.DynamicPseudoType)
	for name, c := range map[string]struct {
		base, want string
		changes    cty.Value
	}{
		"nothing":              {`{"n":12345678901234567890}`, `{"n":12345678901234567890}`, cty.EmptyObjectVal},
		"null takes away":      {`{"gone":"x","null":"x"}`, `{"null":null}`, v(map[string]cty.Value{"gone": null, "null": null})},
		"an object is changed": {`{"object":{"a":"x","b":"y"}}`, `{"object":{"a":"x","b":"z"}}`, v(map[string]cty.Value{"object": v(map[string]cty.Value{"b": cty.StringVal("z")})})},
		"one is begun":         {`{}`, `{"object":{"a":"sample","b":"z"}}`, v(map[string]cty.Value{"object": v(map[string]cty.Value{"b": cty.StringVal("z")})})},
		"a map is replaced":    {`{"map":{"a":"x"}}`, `{"map":{"b":"y"}}`, v(map[string]cty.Value{"map": v(map[string]cty.Value{"b": cty.StringVal("y")})})},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := suite.Merge(shape, []byte(c.base), c.changes)
			if err != nil || !json.Valid(got) || string(got) != c.want {
				t.Errorf("got %s, %v, want %s", got, err, c.want)
			}
		})
	}
}

func FuzzCompile(f *testing.F) {
	for _, row := range diag.Table() {
		if _, tests, ok := strings.Cut(row.Bad, "-- example.test.hcl --\n"); ok {
			f.Add(tests)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "-- ") {
			return
		}
		_, diags, files := compile(t, "-- example.test.hcl --\n"+text)
		for _, d := range diags {
			if d.Subject == nil || files[d.Subject.Filename] == nil {
				t.Errorf("%v has no place", d)
			}
		}
	})
}
