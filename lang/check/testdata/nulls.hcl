trigger "stripe_charge_failed" {}

locals {
  who = trigger.customer
  up  = upper(trigger.failure_code)
}

action "customerio_track" "required" {
  id   = trigger.customer # want FR2103 "\"id\" needs a string; trigger.customer is a string or null on stripe_charge_failed.*\n.*coalesce"
  name = "x ${trigger.failure_code}" # want FR2103 "Text can't hold null"
}

action "customerio_track" "when" {
  id   = trigger.customer
  name = upper(trigger.failure_code) # want FR2103 "upper needs a string as its first argument"
  when = trigger.customer != null
  data = {
    a = trigger.payment_method_details.type # want FR2103 "no attribute \"type\""
    b = trigger.failure_code
    c = try(trigger.payment_method_details.card.brand, "none")
    d = trigger.payment_method_details == null ? "none" : trigger.payment_method_details.type
    e = trigger.payment_method_details != null && trigger.payment_method_details.type == "card"
    f = trigger.payment_method_details == null || trigger.payment_method_details.type == "card"
    g = !(trigger.payment_method_details == null) ? trigger.payment_method_details.type : null
    h = can(trigger.payment_method_details.type) ? trigger.payment_method_details.type : ""
    i = coalesce(trigger.failure_code, trigger.failure_message) # want FR2103 "coalesce needs"
    j = [for r in try(trigger.refunds.data, []) : upper(r.reason)] # want FR2103
    k = [for r in try(trigger.refunds.data, []) : upper(r.reason) if r.reason != null]
    l = trigger.disputed ? 1 : 2 # want FR2103 "true or false"
    m = trigger.disputed == true ? 1 : 2
    n = trigger.metadata.plan
    o = upper(trigger.metadata.plan) # want FR2103 "where the map has no \"plan\""
    p = upper(trigger.tags[0]) # want FR2103 "where the list is shorter"
    q = length(trigger.tags) > 0 ? upper(trigger.tags[0]) : ""
    r = "${coalesce(trigger.metadata["plan"], "none")}"
    s = try(trigger.raw.anything, null)
    u = coalesce(trigger.failure_code, "") # want FR2103 "passes over empty text"
    v = trigger.tags[0] != null ? upper(trigger.tags[0]) : ""
    w = trigger.metadata.plan != null ? upper(trigger.metadata["plan"]) : ""
    x = trigger.metadata["a.b"] != null ? upper(trigger.metadata.a) : "" # want FR2103
    y = length(trigger.tags) != 0 && upper(trigger.tags[0]) == "A"
    z = length(trigger.tags) == 2 ? upper(trigger.tags[2]) : "" # want FR2103
    t = null + 1 # want FR2103
  }
}

action "customerio_track" "narrowed" {
  id   = local.who
  name = local.up
  when = local.who != null && trigger.failure_code != null
}

action "customerio_track" "or" {
  id   = trigger.customer # want FR2103
  name = "x"
  when = trigger.customer != null || trigger.paid
}

action "customerio_track" "orboth" {
  id   = trigger.customer
  name = "x"
  when = trigger.customer != null && trigger.paid || trigger.customer == "cus_1"
}

filter "below" {
  condition = local.who != null && trigger.billing_details.address != null
}

action "customerio_track" "gated" {
  id   = trigger.customer
  name = local.who
  data = { city = upper(coalesce(trigger.billing_details.address.city, "?")) }
}

action "stripe_customer_retrieve" "c" {
  customer = trigger.customer
  when     = trigger.paid
}

action "customerio_track" "skipped" {
  id   = action.c.id # want FR2103 "may be null when the step is skipped"
  name = "x"
}

action "customerio_track" "unskipped" {
  id   = action.c.id
  name = "x"
  when = action.c != null
}

action "customerio_track" "nothing" {
  id   = action.gated # want FR2103 "is null"
  name = "x"
}
