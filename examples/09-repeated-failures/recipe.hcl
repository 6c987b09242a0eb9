recipe {
  description = "Tell Customer.io of the third failed payment of a customer within seven days"
}

trigger "stripe_charge_failed" {}

filter "known customers" {
  condition = trigger.customer != null
}

# Counted once for each event, however often it is retried or replayed.
action "state_increment" "failures" {
  name   = "failures/${trigger.customer}"
  within = "7d"
}

filter "the third" {
  condition = action.failures.value == 3
}

action "customerio_track" {
  id   = trigger.customer
  name = "third_failed_payment"
}
