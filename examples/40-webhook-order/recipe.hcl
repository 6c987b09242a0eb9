recipe {
  description = "Tell Customer.io of orders from a shop of our own"
}

trigger "webhook" {
  path = "shop/orders"

  body = {
    id       = string
    total    = number
    currency = string
    customer = object({
      email = string
      name  = optional(string)
    })
  }

  event_id = "body.id"
  status   = 202
  answer   = { received = true }
}

filter "only what was paid for" {
  condition = trigger.total > 0
}

filter "by somebody who can be reached" {
  condition = matches("^\\S+@\\S+$", trigger.customer.email) && length(trigger.customer.email) <= 150
}

action "customerio_track" {
  email = trigger.customer.email
  name  = "ordered"
  data = {
    order = trigger.id
    total = try(money(trigger.total, trigger.currency), "${trigger.total} ${trigger.currency}")
    name  = coalesce(trigger.customer.name, "friend")
  }
}
