package diag

import "github.com/hashicorp/hcl/v2"

// flowRows is the part of the table about the order of steps: FR3xxx. Rows stand in the order of their codes.
var flowRows = [...]Entry{
	{
		Code: Cycle, Severity: hcl.DiagError, Summary: "Steps need each other",
		Cause: "Each of these steps waits for the other, directly or through locals, so none could ever begin.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" "first" {
  id         = coalesce(trigger.customer, "guest")
  name       = "payment_failed"
  depends_on = [action.second]
}

action "customerio_track" "second" {
  id         = coalesce(trigger.customer, "guest")
  name       = "payment_failed"
  depends_on = [action.first]
}
`,
		Good: `trigger "stripe_charge_failed" {}

action "customerio_track" "first" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}

action "customerio_track" "second" {
  id         = coalesce(trigger.customer, "guest")
  name       = "payment_failed"
  depends_on = [action.first]
}
`,
	},
	{
		Code: GateNeedsHeldBack, Severity: hcl.DiagError, Summary: "Filter needs what it holds back",
		Cause: "A filter holds back everything written below it. If it needs the result of a step below, neither can begin. Move the step above the filter.",
		Bad: `trigger "stripe_charge_failed" {}

filter "known customers" {
  condition = trigger.customer != null
}

filter "customers with an address" {
  condition = action.customer.email != null
}

action "stripe_customer_retrieve" "customer" {
  customer = trigger.customer
}

action "customerio_track" {
  id   = trigger.customer
  name = "payment_failed"
}
`,
		Good: `trigger "stripe_charge_failed" {}

filter "known customers" {
  condition = trigger.customer != null
}

action "stripe_customer_retrieve" "customer" {
  customer = trigger.customer
}

filter "customers with an address" {
  condition = action.customer.email != null
}

action "customerio_track" {
  id   = trigger.customer
  name = "payment_failed"
}
`,
	},
	{
		Code: NotYetRunnable, Severity: hcl.DiagError, Summary: "Not yet possible",
		Cause: "The word belongs to the language, but this version of flowrun cannot run it. It is refused so that a recipe never does less than it says.",
		Bad: `trigger "stripe_charge_failed" {}

wait "a_day" {
  for = "24h"
}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
		Good: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
	},
	{
		Code: RetryUnsafe, Severity: hcl.DiagError, Summary: "A repeat could act twice",
		Cause: "The service has no way to recognise a repeat of this action, so a retry after an answer that got lost could do it twice. It is repeated by itself only where it is certain that nothing was sent. If twice is better than not at all, say allow_duplicates = true.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_send_email" {
  to                       = "jo@example.com"
  identifiers              = { email = "jo@example.com" }
  transactional_message_id = "44"

  retry {
    attempts = 5
  }
}
`,
		Good: `trigger "stripe_charge_failed" {}

action "customerio_send_email" {
  to                       = "jo@example.com"
  identifiers              = { email = "jo@example.com" }
  transactional_message_id = "44"
  allow_duplicates         = true

  retry {
    attempts = 5
  }
}
`,
	},
}
