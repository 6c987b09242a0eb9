recipe {
  description = "Tell Customer.io when a large card payment fails"
}

trigger "stripe_charge_failed" {}

filter "only large charges of known customers" {
  condition = trigger.amount >= 5000 && trigger.customer != null
}

action "stripe_customer_retrieve" "customer" {
  customer = trigger.customer # accepted: the filter above proved it is not null
}

action "customerio_track" {
  id   = trigger.customer
  name = "payment_failed"
  data = {
    amount = money(trigger.amount, trigger.currency)
    email  = action.customer.email # may be null: free-form data takes it
    reason = coalesce(trigger.failure_message, "unknown")
  }
}
