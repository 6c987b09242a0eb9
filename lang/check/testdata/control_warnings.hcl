recipe {
  priority = 5

  debounce {
    key    = trigger.name # want FR5024 "trigger.name may be null.* debounce drops events"
    period = "5m"
  }
  rate_limit {
    key    = trigger.email
    limit  = 1
    period = "1d"
  }
  concurrency {
    key   = trigger.phone
    limit = 1
  }
}

trigger "stripe_customer_updated" {}

filter {
  condition = trigger.email != null
}

action "customerio_track" {
  id   = trigger.id
  name = "address_changed"
  data = { old = previous.email } # want FR5021
}

action "state_get" "known" {
  name = "known/${trigger.email}" # want FR5022
}

action "state_get" "by_id" {
  name = "known/${trigger.id}"
}
