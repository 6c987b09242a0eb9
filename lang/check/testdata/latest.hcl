# What is so of the event is not promised of its object any more, and what a filter proves of it is.
recipe {
  deduplicate {
    key = trigger.customer # the trigger's setting has proved it of the event
    for = "1h"
  }
}

trigger "stripe_charge_succeeded" {
  known_customers = true
  latest          = true
}

filter "of test mode" {
  condition = event.livemode == false
}

action "customerio_track" "early" {
  id   = trigger.customer # want FR2103 "may be null|string or null"
  name = "paid"
}

filter "known" {
  condition = trigger.customer != null
}

action "customerio_track" "late" {
  id   = trigger.customer
  name = "paid"
}
