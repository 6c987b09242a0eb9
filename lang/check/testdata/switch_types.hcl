# event.type tells the types of one trigger apart.
trigger "stripe_event" {
  types = ["charge.failed", "charge.succeeded", "customer.created"]
}

switch {
  on = event.type

  case "charge.failed" "charge.succeeded" {
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
  case "charge.succeeded" {}
}

action "customerio_track" "by_condition" {
  id   = event.type == "customer.created" ? trigger.id : coalesce(trigger.customer, "guest")
  name = "x"
}

action "customerio_track" "shared" {
  id   = trigger.id
  name = "x"
  data = { status = trigger.status } # want FR2111 "not for \"stripe_event of charge.failed, charge.succeeded\""
}

filter {
  condition = event.type != "customer.created"
}

action "customerio_track" "below" {
  id   = trigger.id
  name = trigger.status
}

switch "below" {
  on = event.type

  case "charge.failed" {}
  case "charge.succeeded" {}
}
