recipe {
  description = "Give small charges back that look like fraud, and stop when there are suddenly many"

  limits {
    max_per_hour = 5
    max_amount   = 50000
  }
}

trigger "stripe_radar_early_fraud_warning_created" {}

action "stripe_charge_retrieve" "charge" {
  charge = trigger.charge
}

filter "small, and not given back yet" {
  condition = action.charge != null && action.charge.amount <= 15000 && !action.charge.refunded
}

action "stripe_refund_create" "refund" {
  charge = trigger.charge
  amount = action.charge.amount
  reason = "fraudulent"
}
