package diag

import "github.com/hashicorp/hcl/v2"

// connectionRows is the part of the table about connections, variables and secrets: FR4xxx. Rows stand in the order of their codes.
var connectionRows = [...]Entry{
	{
		Code: UnknownConnection, Severity: hcl.DiagError, Summary: "Unknown connection",
		Cause: "flowrun.hcl declares no connection of this name for the service.",
		Bad: `trigger "stripe_charge_failed" {
  connection = "eu"
}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
		Good: `-- flowrun.hcl --
connection "stripe" "eu" {
  api_key        = env("EU_STRIPE_API_KEY")
  webhook_secret = env("EU_STRIPE_WEBHOOK_SECRET")
}
-- dunning.hcl --
trigger "stripe_charge_failed" {
  connection = "eu"
}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
	},
	{
		Code: AmbiguousConn, Severity: hcl.DiagError, Summary: "Several connections fit",
		Cause: "The service has several connections and none of them has the service's name, so the block must say which it means.",
		Bad: `-- flowrun.hcl --
connection "stripe" "eu" {
  api_key        = env("EU_STRIPE_API_KEY")
  webhook_secret = env("EU_STRIPE_WEBHOOK_SECRET")
}

connection "stripe" "us" {
  api_key        = env("US_STRIPE_API_KEY")
  webhook_secret = env("US_STRIPE_WEBHOOK_SECRET")
}
-- dunning.hcl --
trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
		Good: `-- flowrun.hcl --
connection "stripe" "eu" {
  api_key        = env("EU_STRIPE_API_KEY")
  webhook_secret = env("EU_STRIPE_WEBHOOK_SECRET")
}

connection "stripe" "us" {
  api_key        = env("US_STRIPE_API_KEY")
  webhook_secret = env("US_STRIPE_WEBHOOK_SECRET")
}
-- dunning.hcl --
trigger "stripe_charge_failed" {
  connection = "eu"
}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
	},
	{
		Code: UnknownService, Severity: hcl.DiagError, Summary: "Unknown service",
		Cause: "There is no service of this name. `flowrun connectors` lists them.",
		Bad: `-- flowrun.hcl --
connection "strpe" {
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
		Code: EnvOutside, Severity: hcl.DiagError, Summary: "Environment read outside a connection",
		Cause: "A recipe gives the same requests for the same event, today and when it is replayed, so it cannot read the environment or files. env() and file() may stand in connection and variable blocks; a recipe uses the variable.",
		Bad: `trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
  data = { stage = env("STAGE") }
}
`,
		Good: `-- flowrun.hcl --
variable "stage" {
  default = "production"
}
-- dunning.hcl --
trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
  data = { stage = var.stage }
}
`,
	},
	{
		Code: MissingVariable, Severity: hcl.DiagError, Summary: "Variable has no value",
		Cause: "The variable has no default and no value was given with -var, -var-file or FLOWRUN_VAR_name.",
		Bad: `-- flowrun.hcl --
variable "threshold" {
  type = number
}
-- dunning.hcl --
trigger "stripe_charge_failed" {}

filter "large charges" {
  condition = trigger.amount > var.threshold
}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
		Good: `-- flowrun.hcl --
variable "threshold" {
  type    = number
  default = 5000
}
-- dunning.hcl --
trigger "stripe_charge_failed" {}

filter "large charges" {
  condition = trigger.amount > var.threshold
}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
	},
	{
		Code: BadVariable, Severity: hcl.DiagError, Summary: "Invalid variable",
		Cause: "The type of a variable is written like string, number, bool, list(string) or object({ name = string }); its default and its value must be of that type and meet its validations.",
		Bad: `-- flowrun.hcl --
variable "threshold" {
  type    = number
  default = "much"
}
-- dunning.hcl --
trigger "stripe_charge_failed" {}

filter "large charges" {
  condition = trigger.amount > var.threshold
}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
		Good: `-- flowrun.hcl --
variable "threshold" {
  type    = number
  default = 5000
}
-- dunning.hcl --
trigger "stripe_charge_failed" {}

filter "large charges" {
  condition = trigger.amount > var.threshold
}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
`,
	},
	{
		Code: SecretLeak, Severity: hcl.DiagError, Summary: "Secret flows into a place that is not secret",
		Cause: "A secret, or a variable marked sensitive, would be sent to a service and stored there as ordinary data. If the value is no secret, take the mark away.",
		Bad: `-- flowrun.hcl --
variable "token" {
  type      = string
  default   = "none"
  sensitive = true
}
-- dunning.hcl --
trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
  data = { token = var.token }
}
`,
		Good: `-- flowrun.hcl --
variable "token" {
  type    = string
  default = "none"
}
-- dunning.hcl --
trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
  data = { token = var.token }
}
`,
	},
	{
		Code: MissingSetting, Severity: hcl.DiagError, Summary: "Connection lacks a setting",
		Cause: "The service cannot be used without this setting. Give it in the connection block, or set the environment variable that stands for it.",
		Bad: `-- flowrun.hcl --
connection "stripe" {
  webhook_secret = env("STRIPE_WEBHOOK_SECRET")
}
-- dunning.hcl --
trigger "stripe_charge_failed" {}

filter "known customers" {
  condition = trigger.customer != null
}

action "stripe_customer_retrieve" "customer" {
  customer = trigger.customer
}

action "customerio_track" {
  id   = trigger.customer
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

filter "known customers" {
  condition = trigger.customer != null
}

action "stripe_customer_retrieve" "customer" {
  customer = trigger.customer
}

action "customerio_track" {
  id   = trigger.customer
  name = "payment_failed"
}
`,
	},
}
