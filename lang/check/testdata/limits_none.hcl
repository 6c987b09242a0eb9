trigger "stripe_charge_succeeded" {}

action "stripe_refund_create" "first" { # want FR5030 "stripe_refund_create moves money"
  charge = trigger.id
}

action "stripe_refund_create" "second" {
  charge = trigger.id
  amount = 5
}

action "stripe_payment_intent_create" "later" {
  amount   = 500
  currency = "usd"
}

action "stripe_payment_intent_create" "now" { # want FR5030 "moves money"
  amount   = 500
  currency = "usd"
  confirm  = trigger.amount > 5
}

action "customerio_send_email" {
  transactional_message_id = "1"
  to                       = "jo@example.com"
  identifiers              = { email = "jo@example.com" }
}

on_error {
  action "customerio_delete" { # want FR5030 "customerio_delete deletes"
    id = "x"
  }
}
