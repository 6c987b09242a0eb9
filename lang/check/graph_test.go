package check_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
)

const graphRecipe = `
recipe {
  description = "d"
  enabled     = false
  timeout     = "2d"
  labels      = { team = "billing", n = 5 }
}

variable "floor" {
  default = 5
}

variable "unread" {
  default = 5
}

locals {
  who     = "${local.name} ${local.email}"
  name    = coalesce(trigger.billing_details.name, "?")
  email   = coalesce(action.customer.email, var.floor)
  unread  = 1 # flowrun:ignore FR5002 because it shows the order
}

trigger "stripe_charge_failed" "failed" {
  ignore_payment_intents = true
}

filter "first" {
  condition = trigger.amount >= -5 && (5 < trigger.amount) && trigger.status != "failed" && !trigger.livemode && trigger.customer != null
}

filter "second" {
  condition = trigger.paid && trigger.metadata.plan == "pro" && trigger.amount > 5
}

action "stripe_customer_retrieve" "customer" {
  customer = trigger.customer
  timeout  = "5s"
}

filter "third" {
  condition = action.customer.delinquent == true
}

action "customerio_track" {
  id         = trigger.id
  name       = local.who
  data       = { x = trigger.refunds.data[*].id, y = trigger.metadata.plan, z = trigger.payment_method_details.card.brand }
  depends_on = [action.later]
  when       = trigger.payment_method_details.card != null

  retry {
    attempts = 3
    max      = "1m"
    on       = ["network"]
  }
}

action "stripe_customer_find" "later" {
  email = trigger.tags[0]
}
`

func graph(t *testing.T) *check.Recipe {
	t.Helper()
	text := strings.Replace(graphRecipe, "x = trigger.refunds.data[*].id", "x = try(trigger.refunds.data[*].id, [])", 1)
	text = strings.Replace(text, "trigger.payment_method_details.card != null", "try(trigger.payment_method_details.card.brand, null) != null", 1)
	text = strings.Replace(text, "z = trigger.payment_method_details.card.brand", "z = can(trigger.payment_method_details.card.brand)", 1)
	text = strings.Replace(text, "email = trigger.tags[0]", `email = coalesce(trigger.tags[0], "x")`, 1)
	result, diags := compile(t, map[string][]byte{"a/b.hcl": []byte(text)})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	return result.Recipes[0]
}

func TestGraph(t *testing.T) {
	r := graph(t)
	var got []string
	for _, n := range r.Nodes {
		got = append(got, fmt.Sprintf("%s needs %v gates %v locals %v simple %d exact %t leading %t", n.Address, n.Needs, n.Gates, n.Locals, len(n.Simple), n.Exact, n.Leading))
	}
	want := []string{
		"filter.1 needs [] gates [] locals [] simple 5 exact true leading true",
		"filter.2 needs [] gates [0] locals [] simple 1 exact false leading true",
		"action.customer needs [] gates [0 1] locals [] simple 0 exact false leading false",
		"filter.3 needs [2] gates [0 1] locals [] simple 0 exact false leading false",
		"action.customerio_track needs [2 5] gates [0 1 3] locals [0 1 2] simple 0 exact false leading false",
		"action.later needs [] gates [0 1 3] locals [] simple 0 exact false leading false",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	var locals []string
	for _, l := range r.Locals {
		locals = append(locals, fmt.Sprint(l.Name, l.Needs))
	}
	if d := cmp.Diff([]string{"email[]", "name[]", "who[0 1]", "unread[]"}, locals); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"floor"}, r.Vars); d != "" {
		t.Error(d)
	}
}

func TestPredicates(t *testing.T) {
	var got []string
	for _, p := range graph(t).Nodes[0].Simple {
		got = append(got, fmt.Sprintf("%s %d %#v", p.Path, p.Op, p.Value))
	}
	want := []string{
		fmt.Sprintf("amount %d cty.NumberIntVal(-5)", check.GreaterOrEqual),
		fmt.Sprintf("amount %d cty.NumberIntVal(5)", check.Greater),
		fmt.Sprintf("status %d cty.StringVal(\"failed\")", check.NotEqual),
		fmt.Sprintf("livemode %d cty.False", check.Equal),
		fmt.Sprintf("customer %d cty.NullVal(cty.DynamicPseudoType)", check.NotEqual),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestReads(t *testing.T) {
	r := graph(t)
	for what, c := range map[string]struct{ got, want any }{
		"filter.1": {r.Nodes[0].Reads, paths("amount", "status", "livemode", "customer")},
		"filter.2": {r.Nodes[1].Reads, paths("amount", "paid", "metadata")},
		"track":    {r.Nodes[4].Reads, paths("id", "billing_details.name", "refunds.data", "metadata", "payment_method_details.card.brand")},
		"recipe":   {r.Reads, paths("amount", "status", "paid", "livemode", "customer", "metadata", "id", "billing_details.name", "refunds.data", "payment_method_details.card.brand", "tags")},
		"before":   {r.ReadsPrevious, paths()},
	} {
		if d := cmp.Diff(asJSON(t, c.want), asJSON(t, c.got)); d != "" {
			t.Errorf("%s: %s", what, d)
		}
	}
}

func paths(list ...string) *schema.Paths {
	p := &schema.Paths{}
	for _, s := range list {
		p.Add(strings.Split(s, ".")...)
	}
	return p
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSettings(t *testing.T) {
	r := graph(t)
	if r.Name != "a/b" || r.Description != "d" || !r.Disabled || r.Timeout != 48*time.Hour || r.Labels["team"] != "billing" || r.Labels["n"] != "5" {
		t.Errorf("%+v", r)
	}
	tr := r.Triggers[0]
	if tr.Name != "failed" || tr.Connection != "stripe" || len(tr.Guards) != 1 || tr.Events[0] != "charge.failed" || tr.Payload == nil {
		t.Errorf("%+v", tr)
	}
	if d := cmp.Diff(check.Retry{Attempts: 3, For: 24 * time.Hour, Min: time.Second, Max: time.Minute, On: []string{"network"}}, r.Nodes[4].Retry); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(check.Retry{For: 24 * time.Hour, Min: time.Second, Max: 15 * time.Minute}, r.Nodes[2].Retry); d != "" {
		t.Error(d)
	}
	if r.Nodes[2].Timeout != 5*time.Second || r.Nodes[2].Connection != "stripe" || r.Nodes[4].Connection != "customerio" || len(r.Nodes[4].Inputs) != 3 {
		t.Errorf("%+v", r.Nodes[4])
	}
}

// TestDisabledRecipesNeedNoConnection: what only a disabled recipe uses is not asked for.
func TestDisabledRecipesNeedNoConnection(t *testing.T) {
	tour, err := os.ReadFile("testdata/tour.hcl")
	if err != nil {
		t.Fatal(err)
	}
	result, _ := compile(t, map[string][]byte{"a.hcl": []byte(strings.Replace(string(tour), "recipe {", "recipe {\n  enabled = false", 1))})
	if len(result.Connections) != 0 {
		t.Errorf("%d connections", len(result.Connections))
	}
	result, _ = compile(t, map[string][]byte{"a.hcl": tour})
	if len(result.Connections) != 2 || result.Connections[0].Listens || !result.Connections[1].Listens {
		t.Errorf("connections %+v", result.Connections)
	}
}
