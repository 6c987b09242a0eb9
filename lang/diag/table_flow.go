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
		Code: GateNeedsHeldBack, Severity: hcl.DiagError, Summary: "Gate needs what it holds back",
		Cause: "A gate (a filter or a wait) holds back everything written below it in its block. If it needs the result of a step below, neither can begin. Move the step above the gate.",
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
	{
		Code: OpenSwitch, Severity: hcl.DiagError, Summary: "Switch leaves values out",
		Cause: "Where only some values can come, or where null can, a switch says what happens for each of them, so that none is forgotten. Add the missing cases, or a default, which may be empty.",
		Bad: `trigger "stripe_charge_failed" {}

switch {
  on = trigger.status

  case "failed" {
    action "customerio_track" {
      id   = coalesce(trigger.customer, "guest")
      name = "payment_failed"
    }
  }
}
`,
		Good: `trigger "stripe_charge_failed" {}

switch {
  on = trigger.status

  case "failed" {
    action "customerio_track" {
      id   = coalesce(trigger.customer, "guest")
      name = "payment_failed"
    }
  }
  default {}
}
`,
	},
	{
		Code: UnreachableCase, Severity: hcl.DiagError, Summary: "Case can't be reached",
		Cause: "The first case that has the value is taken. A label that an earlier case has already, or that the value is known not to be, is never looked at.",
		Bad: `trigger "stripe_charge_failed" {}

switch {
  on = trigger.currency

  case "eur" "chf" {
    action "customerio_track" "here" {
      id   = coalesce(trigger.customer, "guest")
      name = "payment_failed"
    }
  }
  case "usd" "eur" {
    action "customerio_track" "there" {
      id   = coalesce(trigger.customer, "guest")
      name = "payment_failed_abroad"
    }
  }
}
`,
		Good: `trigger "stripe_charge_failed" {}

switch {
  on = trigger.currency

  case "eur" "chf" {
    action "customerio_track" "here" {
      id   = coalesce(trigger.customer, "guest")
      name = "payment_failed"
    }
  }
  case "usd" {
    action "customerio_track" "there" {
      id   = coalesce(trigger.customer, "guest")
      name = "payment_failed_abroad"
    }
  }
}
`,
	},
	{
		Code: StepOutOfReach, Severity: hcl.DiagError, Summary: "Step can't have run",
		Cause: "One case of a switch runs, so a step never sees what a step of another case answered; and the steps of on_error run only when all others have ended. Move the step that is read out of its block.",
		Bad: `trigger "stripe_charge_failed" {}

switch {
  on = trigger.currency

  case "eur" {
    action "stripe_customer_find" "person" {
      email = "jo@example.com"
    }
  }
  default {
    action "customerio_track" {
      id   = try(action.person.id, "guest")
      name = "payment_failed"
    }
  }
}
`,
		Good: `trigger "stripe_charge_failed" {}

action "stripe_customer_find" "person" {
  email = "jo@example.com"
}

switch {
  on = trigger.currency

  case "eur" {}
  default {
    action "customerio_track" {
      id   = try(action.person.id, "guest")
      name = "payment_failed"
    }
  }
}
`,
	},
	{
		Code: CallCircle, Severity: hcl.DiagError, Summary: "Recipes call each other",
		Cause: "A recipe that calls another waits for it to end, so a circle of calls would never end, however long it is. The message draws it. Move what both need into a third recipe that both call.",
		Bad: `-- billing.hcl --
trigger "recipe_call" {}

action "recipe_run" {
  recipe = "notify"
}
-- notify.hcl --
trigger "recipe_call" {}

action "recipe_run" {
  recipe = "billing"
}
`,
		Good: `-- billing.hcl --
trigger "recipe_call" {}

action "recipe_run" {
  recipe = "notify"
}
-- notify.hcl --
trigger "recipe_call" {}

action "customerio_track" {
  id   = "ops"
  name = "billing_done"
}
`,
	},
	{
		Code: CallOnly, Severity: hcl.DiagError, Summary: "Only for recipes that are called",
		Cause: "A recipe is started by events or by other recipes, not by both: what it is called with is its trigger. So the trigger recipe_call stands alone, an output belongs to a recipe that has it, and a call is no event that a wait could wait for.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}

output {
  charge = trigger.id
}
`,
		Good: `trigger "recipe_call" {
  inputs = {
    charge   = string
    customer = optional(string)
  }
}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}

output {
  charge = trigger.charge
}
`,
	},
	{
		Code: TooEarly, Severity: hcl.DiagError, Summary: "Not there yet",
		Cause: "Flow control decides whether and when there is a run, so no step has run when its key is asked for. A key is made of trigger, previous, event, variables, and locals that read no more than these.",
		Bad: `recipe {
  concurrency {
    key   = action.customer.email
    limit = 1
  }
}

trigger "stripe_customer_created" {}

action "stripe_customer_retrieve" "customer" {
  customer = trigger.id
}

action "customerio_track" {
  id   = action.customer.id
  name = "customer_created"
}
`,
		Good: `recipe {
  concurrency {
    key   = trigger.id
    limit = 1
  }
}

trigger "stripe_customer_created" {}

action "stripe_customer_retrieve" "customer" {
  customer = trigger.id
}

action "customerio_track" {
  id   = action.customer.id
  name = "customer_created"
}
`,
	},
}
