trigger "stripe_charge_failed" {}

locals {
  paid = wait.paid.timed_out ? null : wait.paid.trigger.id
  lost = "${wait.paid.trigger.id}" # want FR2103 "wait.paid.trigger may be null when the event did not come in time"
}

filter {
  condition = trigger.customer != null
}

wait "a_day" {
  for = "24h"
}

wait "moment" {
  until = timeadd(from_unix(trigger.created), "48h")
}

wait "christmas" {
  until = "2026-12-24T18:00:00Z"
}

wait "paid" {
  event "stripe_customer_updated" {
    match = incoming.trigger.id == trigger.customer && incoming.event.livemode == event.livemode
  }
  timeout = "7d"
}

wait "any" {
  event "stripe_customer_created" {}
  timeout = "7d"
}

action "customerio_track" "guarded" {
  id   = wait.paid.trigger.id
  name = "paid ${wait.paid.event.id}"
  when = wait.paid.timed_out == false
}

action "customerio_track" "negated" {
  id   = wait.paid.trigger.id
  name = "paid"
  when = !wait.paid.timed_out
}

action "customerio_track" "unequal" {
  id   = wait.paid.trigger.id
  name = wait.paid.event.type
  when = wait.paid.timed_out != true
}

action "customerio_track" "by_value" {
  id   = wait.any.trigger.id
  name = "paid"
  when = wait.any.trigger != null
}

action "customerio_track" "wrong_way" {
  id   = wait.paid.trigger.id # want FR2103 "wait.paid.trigger may be null when the event did not come in time"
  name = "paid"
  when = wait.paid.timed_out
}

action "customerio_track" "of_another" {
  id   = wait.paid.trigger.id # want FR2103
  name = "paid"
  when = !wait.any.timed_out
}

action "customerio_track" "names" {
  id   = "x"
  name = "y"
  data = {
    a = wait.a_day.timed_out
    b = wait.a_day.trigger # want FR2004 "no attribute \"trigger\""
    c = wait.paied.timed_out # want FR2005 "Did you mean \"paid\""
    d = wait.paid.trigger.emial # want FR2103
    e = try(wait.paid.trigger.emial, 1) # want FR2004 "Did you mean \"email\""
    f = incoming.trigger # want FR2005 "in the match of a wait only"
    g = wait # want FR2005 "write wait.NAME"
    h = local.paid
    i = local.lost
    j = wait.paid.event.id # want FR2103
  }
}

filter "it came" {
  condition = !wait.paid.timed_out
}

action "customerio_track" "below" {
  id   = wait.paid.trigger.id
  name = wait.paid.event.type
}

wait "literals" {
  for = "soon" # want FR2106 "\"for\" needs a duration"
}

wait "expression" {
  for = trigger.currency # want FR2108
}

wait "number" {
  until = trigger.created # want FR2101 "write from_unix\\(trigger.created\\)"
}

wait "null" {
  until = trigger.failure_code # want FR2103 "\"until\" needs a time"
}

wait "date" {
  until = "tomorrow" # want FR2106 "\"until\" needs a time as text"
}

wait "list" {
  until = trigger.tags # want FR2101 "is a list of string"
}

wait "event" {
  event "stripe_customer_updted" { # want FR2001 "Did you mean \"stripe_customer_updated\""
    match = incoming.trigger.nothing == 1
  }
  timeout = "x" # want FR2106 "\"timeout\" needs a duration"
}

wait "match" {
  event "stripe_customer_updated" {
    match = incoming.trigger.emial == trigger.receipt_email # want FR2004 "Did you mean \"email\""
  }
  timeout = "7d"
}

wait "not_a_truth" {
  event "stripe_customer_updated" {
    match = incoming.trigger.id # want FR2101
  }
  timeout = "7d"
}

wait "bare" {
  event "stripe_customer_updated" {
    match = incoming # want FR2101
  }
  timeout = "7d"
}

wait "nullable" {
  event "stripe_charge_failed" {
    match = upper(incoming.trigger.customer) == "A" # want FR2103
    ignore = true # want FR2003
  }
  timeout = "7d"
}

wait "guarded" {
  event "stripe_charge_failed" {
    match = incoming.trigger.customer != null && upper(incoming.trigger.customer) == "A"
  }
  timeout = "7d"
}

wait "paid" { # want FR2007 "wait \"paid\" is there already"
  for = "1h"
}

wait "held" {
  until = from_unix(action.later.created) # want FR3002 "(?i)this wait \\(line \\d+\\) needs action.later"
}

action "stripe_customer_retrieve" "later" {
  customer = trigger.customer
}
