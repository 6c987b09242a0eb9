package diag

import "github.com/hashicorp/hcl/v2"

// The parts of the table about triggers, actions and connections that are told what they are: webhooks of one's own,
// schedules, requests. They follow upon the other rows of their families.

var useRows = [...]Entry{
	{
		Code: BadArgument, Severity: hcl.DiagError, Summary: "Argument can't be used so",
		Cause: "The argument is of the right type and still can't stand there: a schedule that never comes, a path that is none, two arguments that exclude each other.",
		Bad: `trigger "schedule" {
  cron = "0 25 * * *"
}

action "customerio_track" {
  id   = "team"
  name = "day_began"
}
`,
		Good: `trigger "schedule" {
  cron = "0 5 * * *"
}

action "customerio_track" {
  id   = "team"
  name = "day_began"
}
`,
	},
}

var pathRows = [...]Entry{
	{
		Code: PathTaken, Severity: hcl.DiagError, Summary: "Path is taken",
		Cause: "The webhooks of a connection come in at /webhooks/ and its name, and a connection may be named like its service; no path of one's own may be the same.",
		Bad: `trigger "webhook" {
  path = "stripe"
  body = { id = string }
}

action "customerio_track" {
  id   = trigger.id
  name = "called"
}
`,
		Good: `trigger "webhook" {
  path = "shop"
  body = { id = string }
}

action "customerio_track" {
  id   = trigger.id
  name = "called"
}
`,
	},
	{
		Code: PathDiffers, Severity: hcl.DiagError, Summary: "Recipes differ about a path",
		Cause: "Several recipes may take what comes to one path. It is verified and answered once, so they must agree about the connection and the answer, and the fields that both declare must have one type.",
		Bad: `-- a.hcl --
trigger "webhook" {
  path = "shop"
  body = { id = string }
}

action "customerio_track" {
  id   = trigger.id
  name = "a"
}
-- b.hcl --
trigger "webhook" {
  path = "shop"
  body = { id = number }
}

action "customerio_track" {
  id   = tostring(trigger.id)
  name = "b"
}
`,
		Good: `-- a.hcl --
trigger "webhook" {
  path = "shop"
  body = { id = string }
}

action "customerio_track" {
  id   = trigger.id
  name = "a"
}
-- b.hcl --
trigger "webhook" {
  path = "shop"
  body = { id = string, total = number }
}

action "customerio_track" {
  id   = trigger.id
  name = "b"
  data = { total = trigger.total }
}
`,
	},
}

var settingRows = [...]Entry{
	{
		Code: BadSettings, Severity: hcl.DiagError, Summary: "Settings do not go together",
		Cause: "One setting of a connection asks for another, or excludes it.",
		Bad: `-- flowrun.hcl --
connection "webhook" "shop" {
  verify = "hmac"
  secret = env("SHOP_SECRET")
}
-- recipe.hcl --
trigger "webhook" {
  path = "orders"
  body = { id = string }
}

action "customerio_track" {
  id   = trigger.id
  name = "ordered"
}
`,
		Good: `-- flowrun.hcl --
connection "webhook" "shop" {
  verify = "hmac"
  header = "X-Shop-Signature"
  secret = env("SHOP_SECRET")
}
-- recipe.hcl --
trigger "webhook" {
  path = "orders"
  body = { id = string }
}

action "customerio_track" {
  id   = trigger.id
  name = "ordered"
}
`,
	},
}

var riskRows = [...]Entry{
	{
		Code: RiskySetting, Severity: hcl.DiagWarning, Summary: "Risky setting",
		Cause: "It works, and opens a door: webhooks that nobody verifies can be sent by anybody, and a connection that may call private addresses can be made to.",
		Bad: `-- flowrun.hcl --
connection "webhook" "shop" {
  verify = "none"
}
-- recipe.hcl --
trigger "webhook" {
  path = "orders"
  body = { id = string }
}

action "customerio_track" {
  id   = trigger.id
  name = "ordered"
}
`,
		Good: `-- flowrun.hcl --
connection "webhook" "shop" {
  verify = "bearer"
  secret = env("SHOP_TOKEN")
}
-- recipe.hcl --
trigger "webhook" {
  path = "orders"
  body = { id = string }
}

action "customerio_track" {
  id   = trigger.id
  name = "ordered"
}
`,
	},
	{
		Code: SideEffect, Severity: hcl.DiagWarning, Summary: "Input does more than it seems to",
		Cause: "What the input sets is used by the vendor for something else that is easily forgotten: the e-mail address of a customer at Stripe is where receipts and invoices go. Where that is meant, say so on the line above.",
		Bad: `trigger "stripe_customer_updated" {}

filter {
  condition = trigger.metadata["billing_email"] != null && trigger.metadata["billing_email"] != trigger.email
}

action "stripe_customer_update" {
  customer = trigger.id
  email    = trigger.metadata["billing_email"]
}
`,
		Good: `trigger "stripe_customer_updated" {}

filter {
  condition = trigger.metadata["billing_email"] != null && trigger.metadata["billing_email"] != trigger.email
}

action "stripe_customer_update" {
  customer = trigger.id
  # flowrun:ignore FR5060 because receipts are to go there
  email = trigger.metadata["billing_email"]
}
`,
	},
}
