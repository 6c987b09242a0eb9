recipe {
  debounce = "10m" # want FR1005 "is a block"
  shadow   = true  # want FR1005 "no argument"

  dedupe {} # want FR1004 "Did you mean \"deduplicate\""
  concurrency {} # want FR1009 "needs \"limit\""
  throttle { # want FR1009 "needs \"period\""
    limits = 4 # want FR1005 "Did you mean \"limit\""
  }
  throttle { # want FR1008
    limit  = 1
    period = "1s"
  }
  mode { # want FR1004 "is an argument"
  }
  rate_limit {
    limit  = 1
    period = "1s"
    burst  = 2 # want FR1005
  }
}

concurrency { # want FR1011 "inside the recipe block"
  limit = 1
}

on_alert {} # want FR1011 "flowrun.hcl"

trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = "x"
  name = "payment_failed"
}
