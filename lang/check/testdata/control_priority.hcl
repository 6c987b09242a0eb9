recipe {
  priority = 5 # want FR5023

  rate_limit {
    limit  = 1
    period = "1d"
  }
}

trigger "stripe_customer_updated" {}

action "customerio_track" {
  id   = trigger.id
  name = "changed"
}
