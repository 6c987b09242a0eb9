package check_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLatestGraph shows where what is fetched stands: below the filters that don't read it, above all else.
func TestLatestGraph(t *testing.T) {
	result, diags := compile(t, map[string][]byte{"a.hcl": []byte(`
locals {
  live = event.livemode
}
trigger "stripe_charge_failed" "failed" {
  latest = true
}
trigger "stripe_charge_succeeded" {
  latest = true
}
trigger "stripe_customer_deleted" {}
filter "live" {
  condition = local.live
}
filter "known" {
  condition = upper(trigger.id) != "X"
}
switch {
  on = event.type
  case "charge.failed" {
    action "customerio_track" {
      id   = trigger.id
      name = "failed"
    }
  }
  default {}
}
`)})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	var got []string
	for _, n := range result.Recipes[0].Nodes {
		text := fmt.Sprintf("%s gates %v leading %t", n.Address, n.Gates, n.Leading)
		if n.Latest != nil {
			text += fmt.Sprintf(" %s(%s) of %s", n.Action.Name, n.Inputs[0].Field.Name, n.Latest.Name)
		}
		got = append(got, text)
	}
	want := []string{
		"filter.1 gates [] leading true",
		"trigger.failed gates [0] leading false stripe_charge_retrieve(charge) of failed",
		"trigger.stripe_charge_succeeded gates [0] leading false stripe_charge_retrieve(charge) of stripe_charge_succeeded",
		"filter.2 gates [0 1 2] leading false",
		"switch.1 gates [0 1 2 3] leading false",
		"action.customerio_track gates [0 1 2 3] leading false",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if paths := result.Recipes[0].Reads; !paths.All && paths.Next["id"] == nil {
		t.Error("the id by which it is fetched is not read")
	}
}
