package diag

import "github.com/hashicorp/hcl/v2"

// warningRows is the part of the table about warnings: FR5xxx. Rows stand in the order of their codes.
var warningRows = [...]Entry{
	{
		Code: ConstantFilter, Severity: hcl.DiagWarning, Summary: "Condition is always the same",
		Cause: "The condition is always true or always false, by itself, by the type of what it reads, or because of the filters above it, so that it lets everything through or nothing. It is often what is left of an experiment, or a filter that was copied and changed.",
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
	{
		Code: Circle, Severity: hcl.DiagWarning, Summary: "Recipes fire each other in a circle",
		Cause: "The recipe changes something, the service sends an event of the change, and that event starts the recipe again, directly or by way of other recipes. Nothing on the way looks at what happened, so it never ends. Put a filter above the step that lets through only what others changed.",
		Bad: `trigger "stripe_customer_updated" {}

action "stripe_customer_update" {
  customer = trigger.id
  name     = "Known"
}
`,
		Good: `trigger "stripe_customer_updated" {}

filter "not known yet" {
  condition = trigger.name != "Known"
}

action "stripe_customer_update" {
  customer = trigger.id
  name     = "Known"
}
`,
	},
	{
		Code: SameTwice, Severity: hcl.DiagWarning, Summary: "Two recipes do the same",
		Cause: "Another recipe does the same action with the same inputs for the same event, and an event can pass the filters of both, so it is done twice. One of them is often a copy that was not changed.",
		Bad: `-- failed.hcl --
trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
-- failed_copy.hcl --
trigger "stripe_charge_failed" {}

filter "large" {
  condition = trigger.amount > 5000
}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
		Good: `-- failed.hcl --
trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
-- failed_large.hcl --
trigger "stripe_charge_failed" {}

filter "large" {
  condition = trigger.amount > 5000
}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "large_payment_failed"
}
`,
	},
	{
		Code: NotTrueYet, Severity: hcl.DiagWarning, Summary: "Condition can't be true yet",
		Cause: "The event comes when something has just been created, and the filter asks for what becomes of it later: a new invoice is not paid. The filter then stops every event. Another trigger tells of the moment that is meant.",
		Bad: `trigger "stripe_customer_created" {}

filter "only those who owe" {
  condition = trigger.delinquent == true
}

action "customerio_track" {
  id   = trigger.id
  name = "signed_up"
}
`,
		Good: `trigger "stripe_customer_updated" {}

filter "only those who owe" {
  condition = trigger.delinquent == true
}

action "customerio_track" {
  id   = trigger.id
  name = "owes"
}
`,
	},
	{
		Code: OneLane, Severity: hcl.DiagWarning, Summary: "One lane for all",
		Cause: "Without a key all runs of the recipe share one lane. With a limit of 1 one run at a time is worked on, whoever it is about, and a run that fails to reach a vendor holds up all others. A key makes a lane for each of its values.",
		Bad: `recipe {
  concurrency {
    limit = 1
  }
}

trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
		Good: `recipe {
  concurrency {
    key   = trigger.customer
    limit = 1
  }
}

trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
	},
	{
		Code: PreviousOfBurst, Severity: hcl.DiagWarning, Summary: "Only the last change is seen",
		Cause: "With debounce a recipe runs for the last event of a burst. What previous holds is what that last event changed: what the earlier ones of the burst changed is not in it. Compare with what you keep elsewhere, or read the trigger only.",
		Bad: `recipe {
  debounce {
    key    = trigger.id
    period = "5m"
  }
}

trigger "stripe_customer_updated" {}

action "customerio_track" {
  id   = trigger.id
  name = "customer_changed"
  data = { before = previous.balance }
}
`,
		Good: `recipe {
  debounce {
    key    = trigger.id
    period = "5m"
  }
}

trigger "stripe_customer_updated" {}

action "customerio_track" {
  id   = trigger.id
  name = "customer_changed"
  data = { now = trigger.balance }
}
`,
	},
	{
		Code: PersonalName, Severity: hcl.DiagWarning, Summary: "Name tells of a person",
		Cause: "The name under which a value is kept is shown in lists and logs as it is, and stays as long as the value. Data of a person does not belong there. Use an identifier, or a digest.",
		Bad: `trigger "stripe_customer_created" {}

filter {
  condition = trigger.email != null
}

action "state_get" "greeted" {
  name = "greeted/${trigger.email}"
}

action "customerio_track" {
  id   = trigger.id
  name = "created"
  data = { again = action.greeted.value != null }
}
`,
		Good: `trigger "stripe_customer_created" {}

action "state_get" "greeted" {
  name = "greeted/${trigger.id}"
}

action "customerio_track" {
  id   = trigger.id
  name = "created"
  data = { again = action.greeted.value != null }
}
`,
	},
	{
		Code: NoEffect, Severity: hcl.DiagWarning, Summary: "Setting without effect",
		Cause: "A priority says which of the runs that wait for their turn goes first; without concurrency or throttle no run waits. Limits bound what can't be undone, and a recipe without such steps has nothing to bound.",
		Bad: `recipe {
  priority = 60
}

trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
		Good: `recipe {
  priority = 60

  concurrency {
    key   = trigger.currency
    limit = 5
  }
}

trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
	},
	{
		Code: NullKey, Severity: hcl.DiagWarning, Summary: "Key may be null",
		Cause: "Null is a key like any other: all events for which a key is null share it. What drops events then drops one because of another that it has nothing to do with. A filter at the top of the recipe proves that the key is not null; coalesce with event.id gives each such event a key of its own.",
		Bad: `recipe {
  deduplicate {
    key = trigger.invoice
    for = "24h"
  }
}

trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
		Good: `recipe {
  deduplicate {
    key = coalesce(trigger.invoice, event.id)
    for = "24h"
  }
}

trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
	},
}
