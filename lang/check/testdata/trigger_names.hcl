trigger "stripe_customer_canceled" {} # want FR2001 "Did you mean \"stripe_customer_deleted\""

action "customerio_track" {
  id   = trigger.nothing.is.said
  name = "x"
}
