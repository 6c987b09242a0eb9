recipe {
  mode     = "shadow"
  priority = trigger.amount > 100000 ? 60 : 0

  concurrency {
    key           = trigger.customer
    limit         = 1
    on_conflict   = "queue"
    while_waiting = true
  }
  throttle {
    key    = trigger.currency
    limit  = 10
    period = "1m"
    burst  = 5
  }
  rate_limit {
    key    = length(trigger.customer)
    limit  = 100
    period = "1h"
  }
  debounce {
    key     = local.key
    period  = "10m"
    timeout = "1h"
  }
  deduplicate {
    key = trigger.id
    for = "24h"
  }
}

locals {
  key = "${trigger.currency}/${trigger.status}"
}

trigger "stripe_charge_failed" {}

filter {
  condition = trigger.customer != null
}

action "customerio_track" {
  id   = trigger.customer
  name = "payment_failed"
}
