# Types of one block whose objects differ are fetched apart; a filter at the top that reads no part of them stays there.
trigger "stripe_event" {
  types  = ["charge.failed", "customer.created"]
  latest = true
}

filter {
  condition = event.type == "charge.failed"
}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "failed"
}
