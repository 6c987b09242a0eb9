trigger "stripe_charge_failed" {}

locals {
  kind = error.kind # want FR2005 "in the steps of on_error only, and not in locals"
}

action "stripe_customer_retrieve" "soft" {
  customer = coalesce(trigger.customer, "cus_1")
  on_error = "continue"
}

action "stripe_customer_retrieve" "hard" {
  customer = coalesce(trigger.customer, "cus_1")
  on_error = "fail"
}

action "customerio_track" "reads" {
  id   = action.soft.id # want FR2103 "action.soft may be null when the step fails"
  name = action.hard.id
  data = { a = error.step, b = action.told.id } # want FR2005 FR3007 "stands in on_error"
}

action "customerio_track" "guarded" {
  id       = action.soft.id
  name     = local.kind
  when     = action.soft != null
  on_error = "ignore" # want FR2104 "\"on_error\" can't be \"ignore\""
}

action "customerio_track" "computed" {
  id       = "x"
  name     = "y"
  on_error = trigger.currency # want FR2108
}

on_error {
  filter "final ones" {
    condition = error.kind != "canceled" && error.attempts > 1
  }
  action "stripe_customer_find" "told" {
    email = "jo@example.com"
  }
  action "customerio_track" "failed" {
    id   = trigger.id
    name = "${error.step} failed: ${error.message}"
    data = {
      a = error.status
      b = error.status + 1 # want FR2103
      c = error.kind == "netwrok" # want FR2104
      d = error.stp # want FR2004 "Did you mean \"step\""
      e = action.hard.id # want FR2103 "where the run failed before it ended"
      f = action.hard == null ? "" : action.hard.id
      g = action.told == null ? "" : action.told.id
      h = run.id
    }
  }
  switch {
    on = error.kind

    case "network" "timeout" {
      action "customerio_track" "later" {
        id   = "x"
        name = "y"
      }
    }
    case "lost" {} # want FR2104
    default {}
  }
}
