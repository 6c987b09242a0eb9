recipe {
  description = "Tell a customer once of refunds that come in a burst"

  debounce {
    key     = trigger.customer
    period  = "10m"
    timeout = "2h"
  }
}

trigger "stripe_charge_refunded" {}

filter "known customers" {
  condition = trigger.customer != null
}

action "customerio_track" {
  id   = trigger.customer
  name = "refunded"
  data = {
    last   = trigger.id
    amount = money(trigger.amount_refunded, trigger.currency)
  }
}
