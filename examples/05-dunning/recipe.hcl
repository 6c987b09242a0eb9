recipe {
  description = "Remind of an unpaid invoice on day 0, 3 and 7, and stop when it is paid"

  # One sequence for each invoice: Stripe sends a failed event for every attempt.
  concurrency {
    key           = trigger.id
    limit         = 1
    on_conflict   = "skip"
    while_waiting = true
  }
}

trigger "stripe_invoice_payment_failed" {}

filter "known customers" {
  condition = trigger.customer != null
}

action "customerio_track" "day_0" {
  id   = trigger.customer
  name = "invoice_unpaid"
  data = {
    day     = 0
    invoice = trigger.id
    due     = money(trigger.amount_due, trigger.currency)
  }
}

wait "first" {
  event "stripe_invoice_paid" {
    match = incoming.trigger.id == trigger.id
  }
  timeout = "3d"
}

filter "not paid by day 3" {
  condition = wait.first.timed_out
}

action "customerio_track" "day_3" {
  id   = trigger.customer
  name = "invoice_unpaid"
  data = {
    day     = 3
    invoice = trigger.id
  }
}

wait "second" {
  event "stripe_invoice_paid" {
    match = incoming.trigger.id == trigger.id
  }
  timeout = "4d"
}

filter "not paid by day 7" {
  condition = wait.second.timed_out
}

action "customerio_track" "day_7" {
  id   = trigger.customer
  name = "invoice_unpaid"
  data = {
    day     = 7
    invoice = trigger.id
  }
}
