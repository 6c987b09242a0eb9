trigger "stripe_event" {
  types = ["charge.faild", "customer.canceled"] # want FR2104 "Did you mean \"charge.failed\"" FR2104 "Did you mean \"customer.deleted\""
}

trigger "stripe_event" "b" { # want FR2008 "\"types\" is needed"
}

trigger "stripe_event" "c" {
  types = [event.type] # want FR2108
}

action "customerio_track" {
  id   = trigger.id
  name = "x"
}
