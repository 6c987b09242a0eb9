recipe {
  limits {
    max_per_hour = 5
    max_amount   = 100 # want FR5023 "no step of this recipe moves any"
  }
}

trigger "stripe_charge_succeeded" {}

action "customerio_delete" {
  id = "x"
}
