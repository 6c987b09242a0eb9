package diag

import "github.com/hashicorp/hcl/v2"

// The parts of the table about limits: what can't be undone, and how often it may be done. They stand in the middle of
// their families.

var amountRows = [...]Entry{
	{
		Code: AmountUnknown, Severity: hcl.DiagError, Summary: "Amount is not known before the call",
		Cause: "The recipe bounds how much money it moves with max_amount, so that what a call would move must be known before it is made. An amount that is left out means all that is left, and only the vendor knows how much that is.",
		Bad: `recipe {
  limits {
    max_amount = 50000
  }
}

trigger "stripe_charge_succeeded" {}

action "stripe_refund_create" {
  charge = trigger.id
}
`,
		Good: `recipe {
  limits {
    max_amount = 50000
  }
}

trigger "stripe_charge_succeeded" {}

action "stripe_refund_create" {
  charge = trigger.id
  amount = trigger.amount
}
`,
	},
}

var limitRows = [...]Entry{
	{
		Code: NoLimits, Severity: hcl.DiagWarning, Summary: "Nothing bounds what can't be undone",
		Cause: "The recipe moves money or deletes, which nobody can take back, and has no limits. One condition that is mistaken, or one burst of events, then does it as often as it can. Limits are a budget for an hour: the call that would go beyond is not made, the recipe pauses, and an alert says why.",
		Bad: `trigger "stripe_charge_succeeded" {}

action "stripe_refund_create" {
  charge = trigger.id
}
`,
		Good: `recipe {
  limits {
    max_per_hour = 20
  }
}

trigger "stripe_charge_succeeded" {}

action "stripe_refund_create" {
  charge = trigger.id
}
`,
	},
}
