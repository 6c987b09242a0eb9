recipe {
  description = "Keep a person's address up to date, one change of a customer after the other"

  concurrency {
    key   = trigger.id
    limit = 1
  }
}

trigger "stripe_customer_updated" {}

filter "the address changed" {
  condition = contains(event.changed, "email") && trigger.email != null
}

action "customerio_identify" {
  id = trigger.id
  attributes = {
    email     = trigger.email
    old_email = previous.email
  }
}
