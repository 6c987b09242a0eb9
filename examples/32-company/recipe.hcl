recipe {
  description = "Keep a company in Customer.io for each Stripe customer that names one, and relate its people to it"
}

trigger "stripe_customer_created" {}

locals {
  company = try(trigger.metadata.company, null)
}

filter "a company with an address" {
  condition = trigger.email != null && local.company != null
}

action "customerio_find_person" "known" {
  email = trigger.email
}

action "customerio_identify" "person" {
  email      = trigger.email
  created_at = action.known == null ? trigger.created : null
  attributes = { name = trigger.name, stripe_id = trigger.id }
}

action "customerio_identify_object" "company" {
  object_type_id = "1"
  object_id      = local.company
  depends_on     = [action.person]
  attributes     = { name = local.company, stripe_id = trigger.id }
  people         = [{ email = trigger.email, attributes = { role = "billing" } }]
}
