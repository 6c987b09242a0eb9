recipe {
  description = "Note a canceled subscription on the person, under the e-mail address that Stripe has"
}

trigger "stripe_customer_subscription_deleted" {}

action "stripe_customer_retrieve" "customer" {
  customer = trigger.customer
}

filter "the customer still exists and has an address" {
  condition = action.customer != null && action.customer.email != null
}

action "customerio_identify" "person" {
  email = action.customer.email
  attributes = {
    stripe_id           = trigger.customer
    subscription_status = trigger.status
  }
}

action "customerio_track" "canceled" {
  email      = action.customer.email
  name       = "subscription_canceled"
  depends_on = [action.person]
  data = {
    subscription = trigger.id
    ended_at     = trigger.ended_at == null ? null : from_unix(trigger.ended_at, "UTC")
    reason       = trigger.cancellation_details == null ? null : trigger.cancellation_details.reason
  }
}
