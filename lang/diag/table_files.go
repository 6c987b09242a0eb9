package diag

import "github.com/hashicorp/hcl/v2"

// fileRows is the part of the table about files and their syntax: FR1xxx. Rows stand in the order of their codes.
var fileRows = [...]Entry{
	{
		Code: FileTooLarge, Severity: hcl.DiagError, Summary: "File or project too large",
		Cause: "A recipe file may have 256 KiB, a project 32 MiB and 20,000 files. What is larger is nearly always the wrong folder, or a table of data that belongs to a service. The limits keep a reload quick and a hostile file harmless.",
		Bad:   "",
		Good: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
	},
	{
		Code: TooDeep, Severity: hcl.DiagError, Summary: "Too complex to be read safely",
		Cause: "Brackets, blocks and templates may be nested 100 deep, an expression may hold 1,000 operators, and a string 5,000 lines and interpolations. More of it would make the parser slow or end the process. Name the inner parts in a locals block and use the names.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((("payment_failed")))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))
}
`,
		Good: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = ("payment_failed")
}
`,
	},
	{
		Code: Syntax, Severity: hcl.DiagError, Summary: "Invalid syntax",
		Cause: "The text does not follow the rules of HCL, the language that recipes are written in. Strings stand in double quotes, every argument stands on a line of its own, and every bracket that is opened is closed.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = 'payment_failed'
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
		Code: UnexpectedBlock, Severity: hcl.DiagError, Summary: "Unexpected block",
		Cause: "No block of this name may stand here. A recipe is made of the blocks recipe, trigger, filter, action, locals and variable; an action holds a retry block at most. An argument whose value is an object has an equals sign.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
  data {
    amount = trigger.amount
  }
}
`,
		Good: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
  data = {
    amount = trigger.amount
  }
}
`,
	},
	{
		Code: UnexpectedArg, Severity: hcl.DiagError, Summary: "Unexpected argument",
		Cause: "The block has no argument of this name, or the argument stands outside any block. Which arguments an action or a trigger takes is up to its service and has a code of its own.",
		Bad: `trigger "stripe_charge_failed" {}

filter "large charges" {
  if = trigger.amount > 5000
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
		Code: WrongLabels, Severity: hcl.DiagError, Summary: "Wrong number of labels",
		Cause: "The labels are the words between a block's name and its brace. A trigger and an action have a type and may have a name, a filter may have a text, a variable has a name, a connection has a service and may have a name; recipe, locals and retry have none.",
		Bad: `recipe "dunning" {
  description = "Tell Customer.io when a payment fails"
}

trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
		Good: `recipe {
  description = "Tell Customer.io when a payment fails"
}

trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
	},
	{
		Code: NotARecipe, Severity: hcl.DiagError, Summary: "Not a recipe",
		Cause: "Every .hcl file of a project is a recipe and needs a trigger block that says what starts it. What recipes share stands in flowrun.hcl at the root. Files in folders whose names begin with \".\" or \"_\" are passed over.",
		Bad: `action "customerio_track" {
  id   = "guest"
  name = "payment_failed"
}
`,
		Good: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = "guest"
  name = "payment_failed"
}
`,
	},
	{
		Code: DuplicateBlock, Severity: hcl.DiagError, Summary: "Block given twice",
		Cause: "A file has one recipe block at most, and an action one retry block. Two of them could contradict each other.",
		Bad: `recipe {
  description = "Payments that fail"
}

recipe {
  timeout = "10m"
}

trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
		Good: `recipe {
  description = "Payments that fail"
  timeout     = "10m"
}

trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
	},
	{
		Code: MissingArg, Severity: hcl.DiagError, Summary: "Missing argument",
		Cause: "The block cannot mean anything without this argument: a filter needs a condition, a validation needs a condition and an error_message.",
		Bad: `trigger "stripe_charge_failed" {}

filter "large charges" {
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
		Code: BadName, Severity: hcl.DiagError, Summary: "Invalid name",
		Cause: "Expressions refer to the block by this name, as in action.customer. So it begins with a letter and goes on with letters, digits, \"_\" and \"-\".",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" "the event" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
		Good: `trigger "stripe_charge_failed" {}

action "customerio_track" "the_event" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
	},
	{
		Code: WrongPlace, Severity: hcl.DiagError, Summary: "Block in the wrong place",
		Cause: "Connections are shared and stand in flowrun.hcl at the root of the project. Whatever reacts to something (recipe, trigger, filter, action) stands in a file of its own.",
		Bad: `connection "stripe" {
  api_key        = env("STRIPE_API_KEY")
  webhook_secret = env("STRIPE_WEBHOOK_SECRET")
}

trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
		Good: `-- flowrun.hcl --
connection "stripe" {
  api_key        = env("STRIPE_API_KEY")
  webhook_secret = env("STRIPE_WEBHOOK_SECRET")
}
-- dunning.hcl --
trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
	},
	{
		Code: InvisibleChar, Severity: hcl.DiagError, Summary: "Character that cannot be seen",
		Cause: "The file holds a control character, such as NUL, a zero-width space or one that makes editors show text in another order than it is read in. It can hide what a recipe does from the person who reviews it. Where a string needs such a character, write it as an escape, such as \\u202e.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment` + "\u202e" + `_failed"
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
		Code: FileUnreadable, Severity: hcl.DiagError, Summary: "File cannot be read",
		Cause: "The file is part of the project by its name, but the system did not let it be read, or it is not a regular file. Check its owner, its permissions and where a link leads.",
		Bad:   "",
		Good: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
	},
}
