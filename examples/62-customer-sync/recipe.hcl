recipe {
  description = "Keep people in Customer.io as their customers are at Stripe, whatever the order of events"
}

trigger "stripe_customer_updated" {
  latest = true
}

filter "customers with an address" {
  condition = trigger.email != null && trigger.email != ""
}

action "customerio_identify" "person" {
  id         = trigger.id
  attributes = { email = trigger.email, name = trigger.name }
}
