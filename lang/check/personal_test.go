package check_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPersonal follows what tells of a person through expressions into inputs.
func TestPersonal(t *testing.T) {
	const text = `
trigger "stripe_customer_created" {}

trigger "stripe_charge_failed" {}

action "stripe_customer_retrieve" "c" {
  customer = trigger.id
}

locals {
  mail = lower(coalesce(action.c.email, "none"))
  city = try(action.c.address.city, "none")
}

action "customerio_track" "t" {
  id        = action.c.id
  name      = "x"
  timestamp = trigger.created
  data      = VALUE
}
`
	for value, personal := range map[string]bool{
		`"x"`:                               false,
		`action.c.id`:                       false,
		`trigger.metadata`:                  false,
		`action.c.created`:                  false,
		`action.c.email`:                    true,
		`local.mail`:                        true,
		`local.city`:                        true,
		`{ a = { b = [local.city] } }`:      true,
		`{ a = { b = [trigger.created] } }`: false,
		`"Dear ${coalesce(action.c.name, "you")}"`:                  true,
		`{ a = action.c.address }`:                                  true,
		`action.c.address`:                                          true,
		`jsonencode(action.c.address)`:                              true,
		`[for v in [action.c] : v.email]`:                           true,
		`[for v in [action.c] : v.id]`:                              false,
		`[action.c][*].phone`:                                       true,
		`{ for k, v in { a = action.c.phone } : k => v }`:           true,
		`action.c.name == null ? 1 : 2`:                             true,
		`merge({ a = action.c.phone }, { b = 1 })`:                  true,
		`{ a = action.c.phone }.a`:                                  true,
		`lookup({ a = action.c.phone, b = "x" }, "a", "x")`:         true,
		`concat([action.c.phone], ["x"])`:                           true,
		`values({ a = action.c.phone })`:                            true,
		`[action.c.phone, "x"][0]`:                                  true,
		`length(coalesce(action.c.phone, "x")) > 5`:                 true,
		`!can(action.c.address.city)`:                               true,
		`trigger.created > 5 ? coalesce(action.c.phone, "y") : "x"`: true,
	} {
		t.Run(value, func(t *testing.T) {
			src := strings.Replace(text, "VALUE", value, 1)
			result, diags := compile(t, map[string][]byte{"a.hcl": []byte(src)})
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			var want []string
			if personal {
				want = []string{"data"}
			}
			if d := cmp.Diff(want, result.Recipes[0].Nodes[1].Personal); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestPersonalInputs lists all inputs that carry data of a person, whether they are declared to or not.
func TestPersonalInputs(t *testing.T) {
	const text = `
trigger "stripe_customer_created" {}

action "stripe_customer_update" {
  customer = trigger.id
  name     = trigger.name
  phone    = trigger.phone
  balance  = 1
}

action "customerio_send_email" {
  transactional_message_id = "44"
  to                       = coalesce(trigger.email, "jo@example.com")
  identifiers              = { id = trigger.id }
  headers                  = { phone = coalesce(trigger.phone, "none") }
  bcc                      = []
}
`
	result, _ := compile(t, map[string][]byte{"a.hcl": []byte(text)})
	for i, want := range [][]string{{"name", "phone"}, {"headers", "to"}} {
		if d := cmp.Diff(want, result.Recipes[0].Nodes[i].Personal); d != "" {
			t.Error(d)
		}
	}
}
