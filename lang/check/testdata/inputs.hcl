trigger "stripe_charge_failed" {}

action "customerio_track" "a" { # want FR2008 "\"name\" is needed"
  id = trigger.id
}

action "customerio_track" "b" { # want FR2009 "none is given"
  name = "x"
}

action "customerio_track" "c" { # want FR2009 "\"id\", \"email\" are given"
  name  = "x"
  id    = trigger.id
  email = "jo@example.com"
}

action "customerio_send_email" "d" {
  transactional_message_id = 12
  to                       = "jo at example" # want FR2106 "e-mail address"
  identifiers              = { mail = "x" } # want FR2003 "takes no \"mail\"" FR2009
  message_data             = trigger.metadata
  bcc                      = ["a@b.c", trigger.billing_details] # want FR2101 "An element of \"bcc\" needs a string"
  headers                  = { a = 1, b = trigger.tags } # want FR2101 "\"b\" needs a string"
  priority                 = "hihg" # want FR2104 "Did you mean \"high\""
  send_at                  = "soon" # want FR2101 "\"send_at\" needs a number"
  queue_draft              = "true"
}

action "customerio_send_email" "e" {
  transactional_message_id = trigger.tags # want FR2101
  to                       = trigger.amount
  identifiers              = { id = trigger.customer } # want FR2103 "\"id\" needs"
  bcc                      = trigger.metadata # want FR2101
  headers                  = trigger.metadata
  priority                 = trigger.paid ? "normal" : "low" # want FR2104 "can't be \"low\""
  send_at                  = trigger.currency # want FR2101 "tonumber"
}

action "stripe_webhook_endpoint_update" {
  url      = "example.com" # want FR2106 "a URL"
  retries  = 1.5 # want FR2106 "whole number"
  currency = "euros" # want FR2106 "currency code"
}

action "stripe_customer_retrieve" {
  customer = "ch_123" # want FR2106 "begins with \"cus_\""
}

action "customerio_track" "long" {
  id   = trigger.id
  name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" # want FR2112 "at most 100"
}
