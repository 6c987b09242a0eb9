package diag

import "github.com/hashicorp/hcl/v2"

// calledRows is the part of the table about recipes that call each other, among the values: FR2120 on. Rows stand in the
// order of their codes.
var calledRows = [...]Entry{
	{
		Code: BadShape, Severity: hcl.DiagError, Summary: "Not a type",
		Cause: "What a recipe is called with is declared by types: string, number, bool, any, list(…), map(…), object({ … }), and optional(…) around the type of a field that may be left out and is null then.",
		Bad: `trigger "recipe_call" {
  inputs = {
    customer = text
  }
}

action "customerio_track" {
  id   = trigger.customer
  name = "payment_failed"
}
`,
		Good: `trigger "recipe_call" {
  inputs = {
    customer = string
  }
}

action "customerio_track" {
  id   = trigger.customer
  name = "payment_failed"
}
`,
	},
	{
		Code: UnknownRecipe, Severity: hcl.DiagError, Summary: "Unknown recipe",
		Cause: "There is no recipe of that name. A recipe's name is the path of its file without the ending, from the root of the project.",
		Bad: `-- failed.hcl --
trigger "stripe_charge_failed" {}

action "recipe_run" {
  recipe = "notify"
  inputs = { customer = coalesce(trigger.customer, "guest") }
}
-- lib/notify.hcl --
trigger "recipe_call" {
  inputs = {
    customer = string
  }
}

action "customerio_track" {
  id   = trigger.customer
  name = "payment_failed"
}
`,
		Good: `-- failed.hcl --
trigger "stripe_charge_failed" {}

action "recipe_run" {
  recipe = "lib/notify"
  inputs = { customer = coalesce(trigger.customer, "guest") }
}
-- lib/notify.hcl --
trigger "recipe_call" {
  inputs = {
    customer = string
  }
}

action "customerio_track" {
  id   = trigger.customer
  name = "payment_failed"
}
`,
	},
	{
		Code: NotCallable, Severity: hcl.DiagError, Summary: "Recipe can't be called",
		Cause: "Only a recipe with the trigger recipe_call can be called, and only while it is switched on.",
		Bad: `-- failed.hcl --
trigger "stripe_charge_failed" {}

action "recipe_run" {
  recipe = "lib/notify"
  inputs = { customer = coalesce(trigger.customer, "guest") }
}
-- lib/notify.hcl --
trigger "stripe_customer_created" {}

action "customerio_track" {
  id   = trigger.id
  name = "payment_failed"
}
`,
		Good: `-- failed.hcl --
trigger "stripe_charge_failed" {}

action "recipe_run" {
  recipe = "lib/notify"
  inputs = { customer = coalesce(trigger.customer, "guest") }
}
-- lib/notify.hcl --
trigger "recipe_call" {
  inputs = {
    customer = string
  }
}

action "customerio_track" {
  id   = trigger.customer
  name = "payment_failed"
}
`,
	},
	{
		Code: ReservedName, Severity: hcl.DiagError, Summary: "Reserved name",
		Cause: "The steps in on_alert of flowrun.hcl are shown and recorded as the recipe on_alert, so that no file can have that name. The connection flowrun is there without a block, so that no block can be about it or have its name.",
		Bad: `-- on_alert.hcl --
trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
		Good: `-- alert.hcl --
trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
	},
}
