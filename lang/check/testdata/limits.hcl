recipe {
  limits {
    max_per_hour = 20
    max_amount   = 50000
  }
}

trigger "stripe_charge_succeeded" {}

filter {
  condition = trigger.invoice != null
}

action "stripe_refund_create" {
  charge   = trigger.id
  amount   = trigger.amount
  currency = trigger.currency
}

action "stripe_refund_create" "guarded" {
  charge = trigger.id
  amount = trigger.raw == null ? 0 : trigger.amount
}

action "stripe_refund_create" "no_amount" { # want FR3030 "must say how much it moves, and \"amount\" is left out"
  charge = trigger.id
}

action "stripe_invoice_pay" { # want FR3030 "takes no amount"
  invoice = trigger.invoice
}

action "stripe_refund_create" "maybe" {
  charge = trigger.id
  amount = action.guarded == null ? null : trigger.amount # want FR3030 "may be null"
}

action "stripe_payment_intent_create" "later" {
  amount   = 500
  currency = "usd"
  confirm  = false
}

action "customerio_delete" {
  id = "x"
}
