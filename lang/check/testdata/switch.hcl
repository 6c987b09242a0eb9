trigger "stripe_charge_failed" {}

locals {
  status = trigger.status
  found  = action.in_case.id # want FR2103 "action.in_case may be null when its case is not taken"
}

switch "open" { # want FR3005 "trigger.status may be \"succeeded\", \"pending\""
  on = trigger.status

  case "failed" {}
}

switch "closed" {
  on = local.status

  case "failed" {}
  case "succeeded" "pending" {}
}

switch "wrong" {
  on = trigger.status

  case "faild" {} # want FR2104 "never has the value \"faild\".*Did you mean \"failed\""
  default {}
}

switch "null" { # want FR3005 "trigger.customer may be null.*Add a default"
  on = trigger.customer

  case "cus_1" {}
}

switch "null and open" { # want FR3005 "trigger.disputed may be null, or \"false\""
  on = trigger.disputed

  case "true" {}
}

switch "twice" {
  on = trigger.currency

  case "eur" "chf" {}
  case "chf" {} # want FR3006 "\"chf\" is taken by the case on line 43 already"
  case "usd" "usd" {} # want FR3006
}

switch "number" {
  on = trigger.amount

  case "100" "1e3" {}
  case "1000" {} # want FR3006
  case "many" {} # want FR2101 "trigger.amount is a number"
}

switch "truth" {
  on = trigger.paid

  case "true" {}
  case "no" {} # want FR2104
  case "false" {}
}

switch "constant" {
  on = "a"

  case "a" {}
  case "b" {} # want FR3006 "always \"a\""
}

switch "format" {
  on = trigger.id

  case "cus_1" {} # want FR2106 "begins with \"ch_\""
  default {}
}

switch "object" {
  on = trigger.billing_details # want FR2101 "A switch decides by a string"

  case "a" {}
}

switch "unknown" {
  on = trigger.staus # want FR2004 "Did you mean \"status\""

  case "a" {
    action "customerio_track" "in_unknown" {
      id   = trigger.customer # want FR2103
      name = "x"
    }
  }
}

switch "narrowed" {
  on = trigger.customer

  case "cus_1" "cus_2" {
    action "customerio_track" "known" {
      id   = trigger.customer
      name = "x"
    }
  }
  default {
    action "customerio_track" "unknown" {
      id   = trigger.customer # want FR2103
      name = "x"
    }
  }
}

switch "facts" {
  on = trigger.status

  case "failed" {
    filter {
      condition = trigger.customer != null
    }
    action "stripe_customer_retrieve" "in_case" {
      customer = trigger.customer
    }
    action "customerio_track" "sure" {
      id   = action.in_case.id
      name = "x"
    }
    switch "nested" {
      on = trigger.currency

      case "eur" {
        action "customerio_track" "deep" {
          id   = action.in_case.id
          name = coalesce(trigger.failure_code, trigger.customer)
        }
      }
    }
  }
  default {
    action "customerio_track" "other" {
      id   = action.in_case.id # want FR3007 "action.in_case \\(line 119\\) stands in another case"
      name = trigger.customer # want FR2103
      data = { # a step of another case is not waited for either
        x = 1
      }
      depends_on = [action.deep] # want FR3007 "action.deep"
    }
    action "customerio_track" "by_local" {
      id   = local.found # want FR3007
      name = "x"
    }
  }
}

action "customerio_track" "after" {
  id   = action.in_case.id # want FR2103 "action.in_case may be null when its case is not taken"
  name = trigger.customer # want FR2103
}

action "customerio_track" "after_guarded" {
  id   = action.in_case.id
  name = local.found
  when = action.in_case != null
}

action "customerio_track" "by_local_after" {
  id   = local.found
  name = "x"
}

switch "waits inside" {
  on = trigger.currency

  case "eur" {
    wait "inside" {
      event "stripe_customer_updated" {}
      timeout = "1h"
    }
    action "customerio_track" "after_inside" {
      id   = "x"
      name = "y"
      data = { late = wait.inside.timed_out }
    }
  }
  default {
    action "customerio_track" "not_inside" {
      id   = "x"
      name = "y"
      data = { late = wait.inside.timed_out } # want FR3007 "wait.inside"
    }
  }
}

action "customerio_track" "after_all" {
  id   = "x"
  name = "y"
  data = {
    late = wait.inside.timed_out # want FR2103 "when its case is not taken"
    not  = try(wait.inside.timed_out, true)
  }
}

switch "circle" {
  on = action.held.currency # want FR3001 "switch.17 \\(line 201\\) needs action.held"

  case "x" {
    action "stripe_customer_retrieve" "held" {
      customer = "cus_1"
    }
  }
  default {}
}

action "customerio_track" "held" { # want FR2007
  id   = "x"
  name = "y"
}
