variable "person" {
  type    = object({ id = string })
  default = { id = "x" }
}

variable "loose" {
  type    = object({ id = optional(string) })
  default = { id = "x" }
}

variable "numbers" {
  type    = list(number)
  default = [1, 2]
}

variable "nested" {
  type    = map(list(object({ a = string })))
  default = {}
}

variable "set" {
  type    = set(string)
  default = []
}

trigger "stripe_charge_failed" {}

locals {
  person = { email = "jo@example.com" }
}

action "customerio_send_email" "a" {
  transactional_message_id = 1
  to                       = "jo@example.com"
  identifiers              = var.person
  bcc                      = var.numbers
  headers                  = var.person
}

action "customerio_send_email" "b" {
  transactional_message_id = 1
  to                       = "jo@example.com"
  identifiers              = trigger.billing_details # want FR2101 "has a \"address\" that does not belong"
  bcc                      = var.nested # want FR2101
  headers                  = var.nested # want FR2101 "a value of var.nested is a list"
}

action "customerio_send_email" "c" {
  transactional_message_id = 1
  to                       = "jo@example.com"
  identifiers              = var.loose # want FR2101 "exactly one of"
  bcc                      = [for a in [trigger.customer] : a] # want FR2103 "elements of"
  headers                  = { a = trigger.customer }
}

action "customerio_send_email" "d" {
  transactional_message_id = trigger.paid ? 1 : var.numbers # want FR2101
  to                       = trigger.paid ? "a@b.c" : null # want FR2103 "is null"
  identifiers              = local.person
  bcc                      = (["a", (1)])
  headers                  = merge(var.person, { a = 1 })
  priority                 = null
  send_at                  = null
}

action "customerio_send_email" "e" {
  transactional_message_id = 1
  to                       = "a@b.c"
  identifiers              = [] # want FR2101
  bcc                      = trigger.billing_details # want FR2101
  headers                  = []  # want FR2101
  send_at                  = 1.5 # want FR2106 "whole number"
  queue_draft              = "yes" # want FR2101
  message_data             = { (trigger.tags) = 1 } # want FR2101 "A key must be a string"
}

action "customerio_track" {
  id   = trigger.id
  name = var.set # want FR2101
  data = {
    a = var.person.idd # want FR2004 "Did you mean \"id\""
    b = var.numbers[0]
    c = var.numbers[0] + 1 # want FR2103
    d = [for n in var.numbers : n + 1]
    e = var.nested["a"][0].b # want FR2103
    f = var # want FR2005
    g = var["person"] # want FR2005
    h = action # want FR2005
    i = wait.x # want FR2005
    j = upper(trigger.billing_details[trigger.id]) # want FR2103
    k = trigger.billing_details[5] # want FR2110
    l = trigger.amount[0] # want FR2110
    m = trigger.tags[1.5] # want FR2110
    n = [for x in trigger.amount : x] # want FR2101 "for needs"
    o = [for x in trigger.failure_code : x] # want FR2103
    p = { for x in trigger.tags : x => x... }
    q = { for x in trigger.tags : trigger.billing_details => x } # want FR2101
    r = trigger.metadata[trigger.failure_code] # want FR2103 "index"
  }
}
