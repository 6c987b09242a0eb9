package check_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/lang/check"
)

const flowRecipe = `
trigger "stripe_charge_failed" {}

locals {
  late = wait.paid.timed_out
}

filter "first" {
  condition = trigger.amount > 5
}

action "stripe_customer_find" "person" {
  email = "jo@example.com"
}

switch "by status" {
  on = trigger.amount

  case "100" "2e2" {
    filter "inner" {
      condition = trigger.paid
    }
    action "customerio_track" "below_inner" {
      id   = action.person == null ? trigger.id : "x"
      name = "x"
    }
    switch {
      on = trigger.currency

      case "eur" {
        action "customerio_track" "deep" {
          id   = trigger.id
          name = "x"
        }
      }
    }
  }
  default {
    wait "inside" {
      until = "2026-12-24T18:00:00+01:00"
    }
    action "customerio_track" "other" {
      id   = trigger.id
      name = "x"
    }
  }
}

action "stripe_customer_retrieve" "each" {
  for_each     = trigger.tags
  max_parallel = 2
  customer     = each.value
  on_error     = "continue"
}

wait "paid" {
  event "stripe_charge_succeeded" {
    match = incoming.trigger.customer == trigger.customer && incoming.event.livemode
  }
  timeout = "7d"
}

action "customerio_track" "last" {
  id         = trigger.id
  name       = "late ${local.late}"
  depends_on = [action.deep]
  data       = wait.paid.timed_out ? null : wait.paid.trigger.billing_details.email
}

on_error {
  action "stripe_customer_find" "told" {
    email = coalesce(trigger.receipt_email, "jo@example.com")
  }
  filter "known" {
    condition = action.told != null && action.person != null
  }
  action "customerio_track" "failed" {
    id   = action.told.id
    name = error.message
  }
}
`

func flowGraph(t *testing.T) *check.Recipe {
	t.Helper()
	result, diags := compile(t, map[string][]byte{"a.hcl": []byte(flowRecipe)})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	return result.Recipes[0]
}

func TestFlowGraph(t *testing.T) {
	r := flowGraph(t)
	var got []string
	for _, list := range [][]*check.Node{r.Nodes, r.OnError} {
		for i, n := range list {
			got = append(got, fmt.Sprintf("%d %s in %d/%d needs %v gates %v after %v leading %t", n.Index, n.Address, n.Parent, n.Case, n.Needs, n.Gates, n.After, n.Leading))
			if n.Index != i {
				t.Errorf("%s has index %d and stands at %d", n.Address, n.Index, i)
			}
		}
	}
	want := []string{
		"0 filter.1 in -1/0 needs [] gates [] after [] leading true",
		"1 action.person in -1/0 needs [] gates [0] after [] leading false",
		"2 switch.1 in -1/0 needs [] gates [0] after [] leading false",
		"3 filter.2 in 2/0 needs [] gates [0] after [] leading false",
		"4 action.below_inner in 2/0 needs [1] gates [0 3] after [] leading false",
		"5 switch.2 in 2/0 needs [] gates [0 3] after [] leading false",
		"6 action.deep in 5/0 needs [] gates [0 3] after [] leading false",
		"7 wait.inside in 2/1 needs [] gates [0] after [] leading false",
		"8 action.other in 2/1 needs [] gates [0 7] after [] leading false",
		"9 action.each in -1/0 needs [] gates [0] after [] leading false",
		"10 wait.paid in -1/0 needs [] gates [0] after [0 1 2 3 4 5 6 7 8 9] leading false",
		"11 action.last in -1/0 needs [6 10] gates [0 10] after [] leading false",
		"0 on_error.action.told in -1/0 needs [] gates [] after [] leading false",
		"1 on_error.filter.1 in -1/0 needs [0] gates [] after [] leading false",
		"2 on_error.action.failed in -1/0 needs [0] gates [1] after [] leading false",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestFlowNodes(t *testing.T) {
	r := flowGraph(t)
	var cases []string
	for _, i := range []int{2, 5} {
		for _, c := range r.Nodes[i].Cases {
			var values []string
			for _, v := range c.Values {
				values = append(values, fmt.Sprintf("%#v", v))
			}
			cases = append(cases, fmt.Sprintf("%t %v %v", c.Default, c.Nodes, values))
		}
	}
	want := []string{"false [3 4 5] [cty.NumberIntVal(100) cty.NumberIntVal(200)]", "true [7 8] []", `false [6] [cty.StringVal("eur")]`}
	if d := cmp.Diff(want, cases); d != "" {
		t.Error(d)
	}
	if r.Nodes[2].On == nil || r.Nodes[7].Wait.Until == nil || r.Nodes[7].Wait.Event != nil {
		t.Error("an expression is missing")
	}
	each := r.Nodes[9]
	if each.ForEach == nil || each.MaxParallel != 2 || !each.ContinueOnError {
		t.Errorf("%+v", each)
	}
	paid := r.Nodes[10].Wait
	if paid.Timeout != 7*24*time.Hour || paid.For != 0 || paid.Match == nil || paid.Event.Events[0] != "charge.succeeded" || paid.Event.Connection != "stripe" {
		t.Errorf("%+v", paid)
	}
	if len(r.Nodes[11].Locals) != 1 {
		t.Errorf("locals %v", r.Nodes[11].Locals)
	}
	for what, c := range map[string]struct{ got, want any }{
		"the event waited for": {paid.Reads, paths("customer", "billing_details.email")},
		"match":                {r.Nodes[10].Reads, paths("customer")},
		"on":                   {r.Nodes[2].Reads, paths("amount")},
		"for_each":             {each.Reads, paths("tags")},
		"on_error":             {r.OnError[0].Reads, paths("receipt_email")},
		"recipe":               {r.Reads, paths("amount", "paid", "id", "currency", "tags", "customer", "receipt_email")},
	} {
		if d := cmp.Diff(asJSON(t, c.want), asJSON(t, c.got)); d != "" {
			t.Errorf("%s: %s", what, d)
		}
	}
}

// TestOnErrorOfTheProject: it serves the recipes that have none, and its connections are those of the recipes that run.
func TestOnErrorOfTheProject(t *testing.T) {
	tour, err := os.ReadFile("testdata/tour.hcl")
	if err != nil {
		t.Fatal(err)
	}
	const block = "on_error {\n  action \"customerio_track\" \"failed\" {\n    id = var.who\n    name = error.kind\n  }\n}\n"
	const shared = "variable \"who\" {\n  default = \"ops\"\n}\n\n" + block
	own := "\non_error {}\n"
	result, diags := compile(t, map[string][]byte{"a.hcl": tour, "b.hcl": []byte(string(tour) + own), "flowrun.hcl": []byte(shared)})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	a, b := result.Recipes[0], result.Recipes[1]
	if len(a.OnError) != 1 || len(b.OnError) != 0 {
		t.Errorf("%d and %d steps in on_error", len(a.OnError), len(b.OnError))
	}
	if d := cmp.Diff([]string{"who"}, a.Vars); d != "" {
		t.Error(d)
	}
}
