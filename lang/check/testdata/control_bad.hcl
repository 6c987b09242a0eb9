recipe {
  mode     = "shade"         # want FR2104 "Did you mean \"shadow\""
  priority = trigger.id # want FR2101 "needs a number"

  concurrency {
    key           = trigger.billing_details # want FR2101 "A key is a string"
    limit         = 0                       # want FR2106 "from 1 to"
    on_conflict   = "wait"                  # want FR2104 "queue"
    while_waiting = trigger.paid            # want FR2108
  }
  throttle {
    key    = local.person # want FR3022 "what a step answers is not there yet"
    limit  = 1.5          # want FR2106
    period = "10ms"       # want FR2106 "from 1s to 31d"
  }
  rate_limit {
    key    = run.id        # want FR3022 "run is not there yet"
    limit  = trigger.amount # want FR2108
    period = "fast"        # want FR2106
  }
  debounce {
    key     = wait.a_while.timed_out # want FR3022
    period  = "10m"
    timeout = "5m" # want FR2106 "shorter than"
  }
  deduplicate {
    key = "${trigger.customer}/x" # want FR2103
    for = "100d"                  # want FR2106 "to 90d"
  }
}

locals {
  person = action.person.id
}

trigger "stripe_charge_failed" {}

action "stripe_customer_find" "person" {
  email = "jo@example.com"
}

wait "a_while" {
  for = "1h"
}

action "customerio_track" {
  id   = "x"
  name = "payment_failed"
}
