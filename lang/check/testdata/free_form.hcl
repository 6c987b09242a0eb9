# What has names of the caller's choice takes objects and maps, and no list.
trigger "stripe_customer_created" {}

action "customerio_identify" "list" {
  id         = trigger.id
  attributes = ["a"] # want FR2101 "needs an object"
}

action "customerio_identify" "list_read" {
  id         = trigger.id
  attributes = keys(trigger.metadata) # want FR2101 "needs an object"
}

action "customerio_identify" "text" {
  id         = trigger.id
  attributes = trigger.id # want FR2101 "needs an object"
}

action "customerio_identify" "map" {
  id         = trigger.id
  attributes = trigger.metadata
}

action "customerio_identify" "object" {
  id         = trigger.id
  attributes = { plan = trigger.metadata.plan, tags = ["a"], (trigger.id) = 1 }
}

action "customerio_identify" "made" {
  id         = trigger.id
  attributes = merge(trigger.metadata, { plan = "pro" })
}

action "customerio_identify" "for" {
  id         = trigger.id
  attributes = { for k, v in trigger.metadata : k => [v] }
}

action "customerio_identify" "either" {
  id         = trigger.id
  attributes = trigger.delinquent == true ? trigger.metadata : { a = "b" }
}

action "customerio_identify" "wrong_either" {
  id         = trigger.id
  attributes = trigger.delinquent == true ? trigger.metadata : ["b"] # want FR2101 "needs an object"
}

action "customerio_identify" "none" {
  id         = trigger.id
  attributes = null
}
