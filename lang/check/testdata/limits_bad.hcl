recipe {
  limits = 5 # want FR1005 "is a block"

  limits {
    max_per_hour = 0.5             # want FR2106 "from 1 to 100000"
    max_amount   = trigger.amount  # want FR2108
    max_per_day  = 5               # want FR1005
  }
  limits { # want FR1008
    max_per_hour = 1
  }
  budget {} # want FR1004 "Did you mean \"limits\""
}

limits { # want FR1011 "inside the recipe block"
  max_amount = 1
}

trigger "stripe_charge_succeeded" {}

action "stripe_refund_create" {
  charge = trigger.id
}
