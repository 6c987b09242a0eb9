package check_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/langtest"
	"github.com/flowrun/flowrun/lang/schema"
)

// compileAll compiles an archive that has no errors and returns its recipes by name.
func compileAll(t *testing.T, text string) map[string]*check.Recipe {
	t.Helper()
	result, diags := compile(t, langtest.Files("one.hcl", []byte(text)))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	out := map[string]*check.Recipe{}
	for _, r := range result.Recipes {
		out[r.Name] = r
	}
	return out
}

func compileOne(t *testing.T, text string) *check.Recipe {
	t.Helper()
	return compileAll(t, text)["one"]
}

func value(t *testing.T, x hcl.Expression, roots map[string]cty.Value) cty.Value {
	t.Helper()
	scope := eval.NewScope(eval.Table(), nil)
	for name, v := range roots {
		scope.Set(name, v)
	}
	v, err := scope.Value(x)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestFlowControl(t *testing.T) {
	r := compileOne(t, flowText)
	f := r.Flow
	if !r.Shadow {
		t.Error("it is not a shadow")
	}
	c := f.Concurrency
	if c.Limit != 3 || c.OnConflict != check.CancelRunning || !c.WhileWaiting {
		t.Errorf("concurrency: %+v", c)
	}
	if f.Throttle.Key != nil || f.Throttle.Limit != 10 || f.Throttle.Period != time.Minute || f.Throttle.Burst != 5 {
		t.Errorf("throttle: %+v", f.Throttle)
	}
	if f.RateLimit.Limit != 100 || f.RateLimit.Period != time.Hour || f.RateLimit.Burst != 0 {
		t.Errorf("rate_limit: %+v", f.RateLimit)
	}
	if f.Debounce.Period != 10*time.Minute || f.Debounce.Timeout != 2*time.Hour {
		t.Errorf("debounce: %+v", f.Debounce)
	}
	if f.Deduplicate.For != 7*24*time.Hour {
		t.Errorf("deduplicate: %+v", f.Deduplicate)
	}
	roots := map[string]cty.Value{"trigger": cty.ObjectVal(map[string]cty.Value{
		"customer": cty.NullVal(cty.String), "amount": cty.NumberIntVal(7), "metadata": cty.MapValEmpty(cty.String),
	})}
	if v := value(t, c.Key, roots); !v.IsNull() {
		t.Errorf("a key that may be null is %#v", v)
	}
	if v := value(t, f.Deduplicate.Key, roots); !v.IsNull() {
		t.Errorf("a key that is not in a map is %#v", v)
	}
	if v := value(t, f.Priority, roots); v.AsBigFloat().String() != "7" {
		t.Errorf("priority: %#v", v)
	}
	if want := []string{"amount", "currency", "customer", "metadata"}; !slices.Equal(reads(r.Reads), want) {
		t.Errorf("it reads %v, want %v", reads(r.Reads), want)
	}
	if !slices.Equal(r.Vars, []string{"unit"}) {
		t.Errorf("variables: %v", r.Vars)
	}
}

const flowText = `recipe {
  mode     = "shadow"
  priority = trigger.amount

  concurrency {
    key           = trigger.customer
    limit         = 3
    on_conflict   = "cancel_running"
    while_waiting = true
  }
  throttle {
    limit  = 10
    period = "1m"
    burst  = 5
  }
  rate_limit {
    key    = "${trigger.currency}/${local.where}"
    limit  = 100
    period = "1h"
  }
  debounce {
    period  = "10m"
    timeout = "2h"
  }
  deduplicate {
    key = trigger.metadata.order
    for = "7d"
  }
}

variable "unit" {
  default = 1
}

locals {
  where = "${event.type}${var.unit}"
}

trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = "x"
  name = "payment_failed"
}
`

func reads(p *schema.Paths) []string {
	var out []string
	for name := range p.Next {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// TestCalls holds what a call is made of: the callee's shapes, and inputs that are evaluated like those of any action.
func TestCalls(t *testing.T) {
	all := compileAll(t, `-- a.hcl --
trigger "stripe_charge_failed" {}

action "recipe_run" "told" {
  recipe = "lib/notify"
  inputs = {
    customer = trigger.customer
    amount   = trigger.amount
  }
}

action "customerio_track" {
  id   = action.told == null ? "none" : action.told.person
  name = "told"
}
-- lib/notify.hcl --
recipe {
  description = "Tell a customer"
}

trigger "recipe_call" {
  inputs = {
    customer = optional(string)
    amount   = number
    email    = optional(string)
  }
}

filter {
  condition = trigger.amount > 100
}

action "stripe_customer_find" "person" {
  email = coalesce(trigger.customer, "jo@example.com")
}

output {
  person = coalesce(trigger.customer, "x")
  found  = action.person == null ? null : action.person.email
}
`)
	callee, node := all["lib/notify"], all["a"].Nodes[0]
	if callee.Callable == nil || callee.Triggers[0].Payload != callee.Callable || len(callee.Triggers[0].Events) != 0 {
		t.Errorf("trigger: %+v, callable %v", callee.Triggers[0], callee.Callable)
	}
	if f := callee.Callable.Field("email"); !f.MayBeNull() || f.Role != schema.RoleEmail {
		t.Errorf("email: %+v", f)
	}
	if f := callee.Callable.Field("amount"); f.MayBeNull() || f.Type.Kind != schema.KindNumber {
		t.Errorf("amount: %+v", f)
	}
	if node.Calls != "lib/notify" || node.Action.Name != "recipe_run" || node.Action.In != callee.Callable || node.Connection != "flowrun" {
		t.Errorf("call: %+v", node)
	}
	if !node.Action.OutMayBeNull {
		t.Error("the callee has a filter, and its answer is never null")
	}
	if len(node.Inputs) != 2 || node.Inputs[0].Field.Name != "customer" || node.Inputs[1].Field.Name != "amount" {
		t.Errorf("inputs: %+v", node.Inputs)
	}
	if len(callee.Outputs) != 2 || callee.Outputs[0].Null || !callee.Outputs[1].Null || !slices.Equal(callee.Outputs[1].Needs, []int{1}) {
		t.Errorf("outputs: %+v %+v", callee.Outputs[0], callee.Outputs[1])
	}
	if f := node.Action.Out.Field("found"); f.Type.Kind != schema.KindString || !f.MayBeNull() || !f.Role.Personal() {
		t.Errorf("found: %+v", f)
	}
	if !slices.Equal(all["a"].Nodes[1].Needs, []int{0}) {
		t.Errorf("needs: %v", all["a"].Nodes[1].Needs)
	}
}

func TestOnAlert(t *testing.T) {
	all := compileAll(t, `-- flowrun.hcl --
on_alert {
  filter {
    condition = alert.kind == "breaker_open"
  }
  action "customerio_track" {
    id   = "ops"
    name = alert.message
    data = [for alert in ["a"] : alert]
  }
}

on_error {
  action "customerio_track" {
    id   = "ops"
    name = error.message
  }
}
-- a.hcl --
trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = "x"
  name = "y"
}
`)
	r := all["on_alert"]
	if r == nil || r.Filename != "flowrun.hcl" || len(r.OnError) != 0 || len(all["a"].OnError) != 1 {
		t.Fatalf("recipe: %+v", r)
	}
	tr := r.Triggers[0]
	if tr.Spec.Name != "flowrun_alert" || tr.Connection != "flowrun" || !slices.Equal(tr.Events, []string{"alert"}) {
		t.Errorf("trigger: %+v", tr)
	}
	if n := r.Nodes[0]; !n.Leading || !n.Exact || n.Simple[0].Path.String() != "kind" {
		t.Errorf("filter: %+v", n)
	}
	if want := []string{"kind", "message"}; !slices.Equal(reads(r.Reads), want) {
		t.Errorf("it reads %v, want %v", reads(r.Reads), want)
	}
	roots := map[string]cty.Value{"trigger": cty.ObjectVal(map[string]cty.Value{"kind": cty.StringVal("k"), "message": cty.StringVal("m")})}
	if v := value(t, r.Nodes[1].Inputs[1].Expr, roots); v.AsString() != "m" {
		t.Errorf("alert.message is %#v", v)
	}
	if v := value(t, r.Nodes[1].Inputs[2].Expr, roots); v.LengthInt() != 1 || v.AsValueSlice()[0].AsString() != "a" {
		t.Errorf("a loop's own alert is %#v", v)
	}
}

// TestLookup names for each match the value by which its event can be looked up.
func TestLookup(t *testing.T) {
	const recipe = `trigger "stripe_charge_failed" {}

wait "paid" {
  event "stripe_charge_succeeded" {
    match = %s
  }
  timeout = "7d"
}

action "customerio_track" {
  id   = "x"
  name = "paid"
}
`
	for match, want := range map[string]string{
		`incoming.trigger.customer == trigger.customer`:                                             "customer = trigger.customer",
		`trigger.customer == incoming.trigger.customer`:                                             "customer = trigger.customer",
		`(incoming.trigger.currency == "eur") && incoming.trigger.invoice == trigger.invoice`:       "invoice = trigger.invoice",
		`incoming.trigger.currency == "eur" && incoming.trigger.paid`:                               `currency = "eur"`,
		`incoming.trigger.billing_details.email == "${trigger.id}@example.com"`:                     `billing_details.email = "${trigger.id}@example.com"`,
		`incoming.trigger.metadata.order == trigger.metadata["order"]`:                              `metadata.order = trigger.metadata["order"]`,
		`incoming.trigger.metadata["a b"] == trigger.id`:                                            "",
		`incoming.trigger.customer == trigger.customer || incoming.trigger.invoice == trigger.id`:   "",
		`!(incoming.trigger.customer == trigger.customer)`:                                          "",
		`incoming.trigger.customer == incoming.trigger.invoice`:                                     "",
		`incoming.trigger.customer != trigger.customer`:                                             "",
		`incoming.trigger.customer == null`:                                                         "",
		`incoming.trigger.tags == trigger.tags`:                                                     "",
		`incoming.event.account == event.account && upper(incoming.trigger.currency) == "EUR"`:      "",
		`incoming.event.account == event.account && incoming.trigger.amount == trigger.amount + 10`: "amount = trigger.amount + 10",
	} {
		text := fmt.Sprintf(recipe, match)
		r := compileOne(t, text)
		w := r.Nodes[0].Wait
		got := ""
		if w.By != nil {
			rng := w.ByExpr.Range()
			got = w.By.String() + " = " + strings.TrimSpace(text[rng.Start.Byte:rng.End.Byte])
		}
		if got != want {
			t.Errorf("%s: %q, want %q", match, got, want)
		}
	}
}
