package diag

import "github.com/hashicorp/hcl/v2"

// warningRows is the part of the table about warnings: FR5xxx. Rows stand in the order of their codes.
var warningRows = [...]Entry{
	{
		Code: ConstantFilter, Severity: hcl.DiagWarning, Summary: "Filter does not depend on anything",
		Cause: "The condition is always true or always false, so the filter lets everything through or nothing. It is often what is left of an experiment.",
		Bad: `trigger "stripe_charge_failed" {}

filter "everything" {
  condition = 1 == 1
}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
		Good: `trigger "stripe_charge_failed" {}

filter "large charges" {
  condition = trigger.amount > 5000
}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
	},
	{
		Code: UnusedLocal, Severity: hcl.DiagWarning, Summary: "Local is not used",
		Cause: "No expression reads the local. It may be a name that was mistyped where it should be read.",
		Bad: `trigger "stripe_charge_failed" {}

locals {
  event_name = "payment_failed"
}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
		Good: `trigger "stripe_charge_failed" {}

locals {
  event_name = "payment_failed"
}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = local.event_name
}
`,
	},
	{
		Code: NoAction, Severity: hcl.DiagWarning, Summary: "Recipe does nothing",
		Cause: "The recipe has a trigger and no action.",
		Bad: `trigger "stripe_charge_failed" {}
`,
		Good: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
	},
}
