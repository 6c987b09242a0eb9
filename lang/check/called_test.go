package check_test

import (
	"fmt"
	"math/rand/v2"
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

// TestOwnConnection: it is implied, needs no secret, and no webhooks come in for it.
func TestOwnConnection(t *testing.T) {
	result, diags := compile(t, map[string][]byte{"a.hcl": []byte("trigger \"flowrun_alert\" {}\n\naction \"state_get\" {\n  name = trigger.kind\n}\n")})
	if diags.HasErrors() || len(result.Connections) != 1 {
		t.Fatal(result.Connections, diags)
	}
	if c := result.Connections[0]; c.Name != "flowrun" || c.Settings != nil || c.Listens {
		t.Errorf("%+v", c)
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

// TestLookupMissesNothing: whenever a match holds, the event has at By the value of ByExpr, so that looking it up by
// that finds it.
func TestLookupMissesNothing(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 9))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	side := func() string {
		root := pick("incoming.trigger", "incoming.trigger", "trigger", "trigger")
		return pick(root+".customer", root+".invoice", root+".metadata.order", `coalesce(`+root+`.customer, "a")`, `"a"`)
	}
	var match func(depth int) string
	match = func(depth int) string {
		if depth == 0 {
			return side() + pick(" == ", " == ", " == ", " != ") + side()
		}
		return fmt.Sprintf(pick("(%s) && (%s)", "%s && %s", "(%s) || (%s)", "!(%s) && (%s)"), match(depth-1), match(depth-1))
	}
	matched, looked := 0, 0
	for range 1000 {
		text := fmt.Sprintf("trigger \"stripe_charge_failed\" {}\n\nwait \"w\" {\n  event \"stripe_charge_succeeded\" {\n    match = %s\n  }\n  timeout = \"1d\"\n}\n", match(r.IntN(3)))
		result, diags := compile(t, langtest.Files("one.hcl", []byte(text)))
		w := result.Recipes[0].Nodes[0].Wait
		if diags.HasErrors() || w.By == nil {
			continue
		}
		looked++
		for range 20 {
			payload := func() cty.Value {
				values := map[string]cty.Value{}
				for _, name := range []string{"customer", "invoice", "order"} {
					values[name] = cty.NullVal(cty.String)
					if v := pick("", "a", "b"); v != "" {
						values[name] = cty.StringVal(v)
					}
				}
				values["metadata"] = cty.MapVal(map[string]cty.Value{"order": values["order"]})
				return cty.ObjectVal(values)
			}
			incoming, trigger := payload(), payload()
			roots := map[string]cty.Value{"trigger": trigger, "incoming": cty.ObjectVal(map[string]cty.Value{"trigger": incoming})}
			if !value(t, w.Match, roots).True() {
				continue
			}
			matched++
			key, at := value(t, w.ByExpr, map[string]cty.Value{"trigger": trigger}), incoming
			for _, name := range w.By {
				if at.Type().IsMapType() {
					at = at.Index(cty.StringVal(name))
				} else {
					at = at.GetAttr(name)
				}
			}
			if at.IsNull() || !at.RawEquals(key) {
				t.Fatalf("seed %d: %#v matches, and is not found at %s by %#v\n%s", seed, incoming, w.By, key, text)
			}
		}
	}
	if looked < 50 || matched < 100 {
		t.Errorf("%d matches could be looked up, %d events matched: too few to say anything", looked, matched)
	}
}
