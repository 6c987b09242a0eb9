recipe {
  description = "Tell Customer.io when a large payment of a known customer fails"
}

trigger "stripe_charge_failed" {}

filter "only large charges of known customers" {
  condition = trigger.amount >= var.large_amount && trigger.customer != null
}

action "customerio_track" "failed" {
  id   = trigger.customer
  name = "payment_failed"
  data = {
    amount = money(trigger.amount, trigger.currency)
    reason = coalesce(trigger.failure_message, "unknown")
  }
}
