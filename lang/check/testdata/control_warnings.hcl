recipe {
  priority = 5 # want FR5023

  debounce {
    key    = trigger.id
    period = "5m"
  }
}

trigger "stripe_customer_updated" {}

action "customerio_track" {
  id   = trigger.id
  name = "address_changed"
  data = { old = previous.email } # want FR5021
}

action "state_get" "known" {
  name = "known/${coalesce(trigger.email, "nobody")}" # want FR5022
}

action "state_get" "by_id" {
  name = "known/${trigger.id}"
}
