recipe {
  description = "Create or update the person when Stripe has a new customer"
}

trigger "stripe_customer_created" {}

action "customerio_identify" {
  id = trigger.id
  attributes = {
    email      = trigger.email == null ? null : normalize_email(trigger.email)
    name       = trigger.name
    created_at = trigger.created
    currency   = trigger.currency
  }
}
