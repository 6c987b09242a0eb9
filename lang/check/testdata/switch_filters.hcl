# What a filter above leaves is what a switch below must take, and may take.
trigger "stripe_charge_failed" {}

filter {
  condition = trigger.status != "succeeded"
}

switch "what is left" {
  on = trigger.status

  case "failed" {}
  case "pending" {}
}

switch "what is left out" {
  on = trigger.status

  case "failed" "succeeded" {} # want FR3006 "never \"succeeded\" here"
  default {}
}

switch "not all that is left" { # want FR3005 "\"pending\""
  on = trigger.status

  case "failed" {}
}

switch "in itself" {
  on = trigger.status

  case "failed" {
    switch {
      on = trigger.status
      case "failed" {}
    }
    switch {
      on = trigger.status
      case "pending" {} # want FR3006 "never \"pending\" here"
      case "failed" {}
    }
  }
  default {
    switch {
      on = trigger.status
      case "pending" {}
    }
  }
}

filter {
  condition = contains(["failed", "succeeded"], trigger.status) && trigger.paid
}

switch "by a list" {
  on = trigger.status

  case "failed" {}
}

switch "true and false" {
  on = trigger.paid

  case "true" {}
}

switch "the other" {
  on = trigger.paid

  case "true" {}
  case "false" {} # want FR3006 "never \"false\" here"
}

filter {
  condition = trigger.amount > 5
}

switch "numbers" {
  on = trigger.amount

  case "5" {} # want FR3006 "never \"5\" here"
  case "6" {}
  default {}
}

action "customerio_track" {
  id   = trigger.id
  name = "x"
}
