trigger "stripe_event" "charges" {
  types = ["charge.failed", "charge.succeeded"]
}

action "customerio_track" {
  id   = trigger.id
  name = trigger.currency
  data = {
    a = event.type == "charge.failed"
    b = event.type == "customer.created" # want FR2104
  }
}
