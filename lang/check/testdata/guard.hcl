trigger "stripe_charge_succeeded" {
  known_customers = true
}

action "customerio_track" {
  id   = trigger.customer
  name = "x"
}
