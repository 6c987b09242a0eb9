package diag

import "github.com/hashicorp/hcl/v2"

// valueRows is the part of the table about names, types and values in recipes: FR2xxx. Rows stand in the order of their codes.
var valueRows = [...]Entry{
	{
		Code: UnknownTrigger, Severity: hcl.DiagError, Summary: "Unknown trigger",
		Cause: "No service has a trigger of this name. `flowrun connectors` lists the triggers of all services.",
		Bad: `trigger "stripe_charge_fail" {}

action "customerio_track" {
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
		Code: UnknownAction, Severity: hcl.DiagError, Summary: "Unknown action",
		Cause: "No service has an action of this name. `flowrun connectors` lists the actions of all services.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_trak" {
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
		Code: UnknownInput, Severity: hcl.DiagError, Summary: "Unknown argument",
		Cause: "The trigger or action takes no argument of this name. `flowrun connectors NAME` lists what it takes.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
  date = { amount = trigger.amount }
}
`,
		Good: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
  data = { amount = trigger.amount }
}
`,
	},
	{
		Code: UnknownAttribute, Severity: hcl.DiagError, Summary: "Unknown attribute",
		Cause: "The object has no attribute of this name, so the expression could never have a value. The shapes of events and answers come from the service.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.custmer, "guest")
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
		Code: UnknownName, Severity: hcl.DiagError, Summary: "Unknown name",
		Cause: "An expression begins with a name that is not in reach here. In reach are trigger, event, run, action.NAME, var.NAME and local.NAME, previous in recipes that start with an update, and what a for expression declares.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
  data = { amount = triger.amount }
}
`,
		Good: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
  data = { amount = trigger.amount }
}
`,
	},
	{
		Code: UnknownFunction, Severity: hcl.DiagError, Summary: "Unknown function",
		Cause: "The language has no function of this name.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
  data = { currency = uppercase(trigger.currency) }
}
`,
		Good: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
  data = { currency = upper(trigger.currency) }
}
`,
	},
	{
		Code: DuplicateName, Severity: hcl.DiagError, Summary: "Name used twice",
		Cause: "Names are unique within a recipe, and among the connections of a project, so that a reference means one thing. Where a block has no name its type is its name: the second action of a type needs one.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "dunning_started"
}
`,
		Good: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}

action "customerio_track" "dunning" {
  id   = coalesce(trigger.customer, "guest")
  name = "dunning_started"
}
`,
	},
	{
		Code: MissingInput, Severity: hcl.DiagError, Summary: "Missing input",
		Cause: "The action or trigger cannot do anything without this argument.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id = coalesce(trigger.customer, "guest")
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
		Code: OneOf, Severity: hcl.DiagError, Summary: "Exactly one of several is needed",
		Cause: "These arguments are different ways to say the same thing, such as who a person is. Exactly one of them is given.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id    = coalesce(trigger.customer, "guest")
  name  = "payment_failed"
  email = "jo@example.com"
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
		Code: WrongType, Severity: hcl.DiagError, Summary: "Wrong type",
		Cause: "The value has one type and the place needs another, and there is no conversion that always works. A text that may or may not be a number is not a number: tonumber() says that you mean it.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = trigger.metadata
}
`,
		Good: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
  data = trigger.metadata
}
`,
	},
	{
		Code: NeverEqual, Severity: hcl.DiagError, Summary: "Comparison never depends on the value",
		Cause: "Values of different types are never equal, whatever they hold: 5000 is not \"5000\". A filter with such a comparison lets everything through or nothing.",
		Bad: `trigger "stripe_charge_failed" {}

filter "exactly fifty" {
  condition = trigger.amount == "5000"
}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
		Good: `trigger "stripe_charge_failed" {}

filter "exactly fifty" {
  condition = trigger.amount == 5000
}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
	},
	{
		Code: MayBeNull, Severity: hcl.DiagError, Summary: "Value may be null",
		Cause: "The service does not promise that this value is there, and the place needs one. Guard it with a filter above or with when, or give a value to use instead with coalesce().",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = trigger.customer
  name = "payment_failed"
}
`,
		Good: `trigger "stripe_charge_failed" {}

filter "known customers" {
  condition = trigger.customer != null
}

action "customerio_track" {
  id   = trigger.customer
  name = "payment_failed"
}
`,
	},
	{
		Code: NotInEnum, Severity: hcl.DiagError, Summary: "Value is not among those allowed",
		Cause: "The service knows a fixed set of values here, and this is none of them, so that a comparison would be false for good or a call be refused.",
		Bad: `trigger "stripe_charge_failed" {}

filter "failed for good" {
  condition = trigger.status == "failled"
}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
		Good: `trigger "stripe_charge_failed" {}

filter "failed for good" {
  condition = trigger.status == "failed"
}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
	},
	{
		Code: NotATemplatePart, Severity: hcl.DiagError, Summary: "Value cannot be part of a text",
		Cause: "Only strings, numbers and bools can stand in \"${ … }\". Pick an attribute, or write the whole value with jsonencode().",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
  data = { note = "charge ${trigger.metadata}" }
}
`,
		Good: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
  data = { note = "charge ${jsonencode(trigger.metadata)}" }
}
`,
	},
	{
		Code: BadLiteral, Severity: hcl.DiagError, Summary: "Invalid value",
		Cause: "The text is not what the place takes: a duration is written like 90s, 15m, 72h or 7d, a currency like eur, an e-mail address like jo@example.com.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id      = coalesce(trigger.customer, "guest")
  name    = "payment_failed"
  timeout = "5 minutes"
}
`,
		Good: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id      = coalesce(trigger.customer, "guest")
  name    = "payment_failed"
  timeout = "5m"
}
`,
	},
	{
		Code: BadCall, Severity: hcl.DiagError, Summary: "Function called wrongly",
		Cause: "The function takes another number of arguments, or arguments of other types.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
  data = { currency = upper(trigger.currency, "eur") }
}
`,
		Good: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
  data = { currency = upper(trigger.currency) }
}
`,
	},
	{
		Code: NotConstant, Severity: hcl.DiagError, Summary: "Value must be constant",
		Cause: "The value is needed before anything happens, so it cannot depend on an event or a step. Write it out.",
		Bad: `recipe {
  timeout = "${trigger.amount}s"
}

trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
		Good: `recipe {
  timeout = "90s"
}

trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
	},
	{
		Code: TooExpensive, Severity: hcl.DiagError, Summary: "Expression is too expensive",
		Cause: "Evaluating the expression could take more time or memory than any recipe is worth, for example because loops over long lists are nested in each other.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
  data = {
    grid = [for a in range(1000) : [for b in range(1000) : [for c in range(1000) : a + b + c]]]
  }
}
`,
		Good: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
  data = {
    grid = [for a in range(10) : a]
  }
}
`,
	},
	{
		Code: BadIndex, Severity: hcl.DiagError, Summary: "Index is not there",
		Cause: "The list has fewer elements, or the key is not in the map.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = ["payment_failed", "payment_late"][2]
}
`,
		Good: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = ["payment_failed", "payment_late"][1]
}
`,
	},
	{
		Code: TriggersDiffer, Severity: hcl.DiagError, Summary: "Not the same for every trigger",
		Cause: "The recipe has several triggers, and any of them may have started it. The expression fits some and not others. Use what they share, or write one recipe for each.",
		Bad: `trigger "stripe_charge_failed" {}

trigger "stripe_customer_created" {}

action "customerio_track" {
  id   = trigger.id
  name = "seen"
  data = { amount = trigger.amount }
}
`,
		Good: `trigger "stripe_charge_failed" {}

trigger "stripe_customer_created" {}

action "customerio_track" {
  id   = trigger.id
  name = "seen"
  data = { created = trigger.created }
}
`,
	},
	{
		Code: TooLong, Severity: hcl.DiagError, Summary: "Text is too long",
		Cause: "The service takes a shorter text here and would refuse or cut this one.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed_payment_failed_payment_failed_payment_failed_payment_failed_payment_failed_payment_failed_payment_failed_"
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
		Code: EvalFailed, Severity: hcl.DiagError, Summary: "Expression cannot be evaluated",
		Cause: "The expression holds nothing that could change, and it has no value.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
  data = { attempts = parseint("three", 10) }
}
`,
		Good: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
  data = { attempts = parseint("3", 10) }
}
`,
	},
}
