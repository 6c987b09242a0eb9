recipe {
  description = "Tell Customer.io when a large payment of a known customer fails"
}

trigger "stripe_charge_failed" {}

filter "only large charges of known customers" {
  condition = trigger.amount >= 5000 && trigger.customer != null
}

action "customerio_track" {
  id   = trigger.customer
  name = "payment_failed"
  data = {
    amount = money(trigger.amount, trigger.currency)
    reason = coalesce(trigger.failure_message, "unknown")
    charge = trigger.id
  }
}
