trigger "stripe_charge_failed" {}

filter {
  condition = trigger.amount > 5
}

switch {
  on = trigger.status

  case "failed" {
    filter {
      condition = trigger.status != "pending" # want FR5001 "always true.*with case \"failed\" \\(line 10\\), trigger.status != \"pending\" is always true"
    }

    filter {
      condition = trigger.amount < 5 # want FR5001 "always false.*line 4"
    }

    filter {
      condition = trigger.paid && !trigger.paid
    }

    action "customerio_track" "a" {
      id   = trigger.id
      name = "a"
    }
  }

  default {
    action "customerio_track" "b" {
      id   = trigger.id
      name = "b"
      when = trigger.status == "failed" # want FR5001 "always false"
    }

    action "customerio_track" "c" {
      id   = trigger.id
      name = "c"
      when = trigger.status == "pending"
    }
  }
}

action "customerio_track" "d" {
  id   = trigger.id
  name = "d"
  when = trigger.status == "failed"
}
