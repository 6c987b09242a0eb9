trigger "stripe_charge_failed" {}

trigger "stripe_customer_created" {}

switch {
  on = event.type

  case "charge.failed" {
    action "customerio_track" "charge" {
      id   = coalesce(trigger.customer, "guest")
      name = trigger.status
      data = { email = trigger.email } # want FR2004 "no attribute \"email\""
    }
  }
  case "customer.created" {
    action "customerio_track" "customer" {
      id   = trigger.id
      name = "created"
      data = { email = trigger.email }
    }
  }
}

switch "open" { # want FR3005 "\"customer.created\""
  on = event.type

  case "charge.failed" {}
}

switch "rest" {
  on = event.type

  case "customer.created" {}
  default {
    action "customerio_track" "rest" {
      id   = trigger.currency
      name = "rest"
    }
  }
}

action "customerio_track" "below" {
  id   = trigger.currency # want FR2111
  name = "x"
}
