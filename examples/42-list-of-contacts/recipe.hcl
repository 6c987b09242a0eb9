recipe {
  description = "Keep people in Customer.io as a list of contacts has them"
}

trigger "poll" {
  url     = "https://crm.example.com/v1/contacts"
  items   = "data"
  every   = "5m"
  capture = ["insert", "update"]

  item = {
    id    = string
    email = string
    plan  = optional(string)
  }

  paging = {
    items  = "data"
    next   = "cursor"
    cursor = "next"
    param  = "after"
  }
}

filter "an id that Customer.io takes" {
  condition = trigger.item.id != "" && length(trigger.item.id) <= 150
}

action "customerio_identify" {
  id = trigger.item.id
  attributes = {
    email = trigger.item.email
    plan  = trigger.item.plan
  }
}
