recipe {
  limits { # want FR5023 "no step of this recipe does any of it"
    max_per_hour = 5
  }
}

trigger "stripe_charge_succeeded" {}

action "stripe_payment_intent_create" "later" {
  amount   = 500
  currency = "usd"
  confirm  = false
}

on_error {
  action "customerio_send_email" {
    transactional_message_id = "1"
    to                       = "ops@example.com"
    identifiers              = { email = "ops@example.com" }
  }
}
