trigger "stripe_charge_failed" {}

locals {
  loose = each.value # want FR2005 "each is in reach in a step with for_each only, and not in locals"
}

action "customerio_track" "list" {
  for_each     = trigger.tags
  max_parallel = 4
  id           = each.value
  name         = "tag ${each.key + 1}"
}

action "stripe_customer_retrieve" "found" {
  for_each = ["cus_1", "cus_2"]
  customer = each.value
}

action "stripe_customer_retrieve" "maybe" {
  for_each = trigger.metadata
  customer = each.value
  when     = startswith(each.key, "customer")
}

action "stripe_customer_retrieve" "object" {
  for_each = { a = "cus_1", b = "cus_2" }
  customer = each.value
}

action "stripe_customer_find" "looked_up" {
  for_each = toset(trigger.tags)
  email    = each.value
}

action "customerio_track" "reads" {
  id   = length(action.found) > 0 ? action.found[0].id : "none"
  name = join(",", action.found[*].id)
  data = {
    a = action.found[0].id # want FR2103
    b = action.found.id # want FR2004 "is a list"
    c = [for c in action.found : c.id]
    d = [for c in action.maybe : c.id] # want FR2103
    e = { for k, c in action.maybe : k => c.id if c != null }
    f = action.maybe.customer_1.id # want FR2103
    g = try(action.maybe["customer_1"].id, null)
    h = [for c in action.looked_up : c.id] # want FR2103
    i = [for k, c in action.object : "${upper(k)} ${c.id}"]
    j = length(action.list)
    k = [for x in action.list : upper(x)] # want FR2103
    l = each.value # want FR2005
    m = action.found[*].nothing # want FR2004
  }
}

action "customerio_track" "refunds" {
  for_each = trigger.refunds.data # want FR2103 "trigger.refunds may be null"
  id       = each.value.id
  name     = "x"
}

action "customerio_track" "refunds_guarded" {
  for_each = trigger.refunds == null ? [] : trigger.refunds.data
  id       = each.value.id
  name     = each.value.reason # want FR2103
}

action "customerio_track" "refunds_narrowed" {
  for_each = try(trigger.refunds.data, [])
  id       = each.value.id
  name     = each.value.reason
  when     = each.value.reason != null
}

action "customerio_track" "nulls" {
  for_each = trigger.refunds == null ? [] : trigger.refunds.data[*].reason
  id       = each.value # want FR2103
  name     = "x"
}

action "customerio_track" "maybe_null" {
  for_each = trigger.refunds # want FR2103 "\"for_each\" needs a list or a map"
  id       = "x"
  name     = "x"
}

action "customerio_track" "text" {
  for_each = trigger.id # want FR2101 "\"for_each\" needs a list or a map; trigger.id is a string"
  id       = each.value
  name     = "x"
}

action "customerio_track" "bounds" {
  for_each     = trigger.tags
  max_parallel = 0 # want FR2106 "a whole number from 1 on"
  id           = each.vlaue # want FR2004 "Did you mean \"value\""
  name         = each # want FR2005 "write each.key or each.value"
}

action "customerio_track" "bounds2" {
  for_each     = trigger.tags
  max_parallel = trigger.amount # want FR2108
  id           = each.value
  name         = each.key
}

action "customerio_track" "useless" {
  max_parallel = 2 # want FR1005 "there is no for_each"
  id           = "x"
  name         = "y"
}

action "customerio_track" "itself" {
  for_each = action.itself # want FR3001
  id       = "x"
  name     = "y"
}

filter {
  condition = trigger.refunds != null
}

action "stripe_customer_retrieve" "below" {
  for_each = trigger.refunds.data
  customer = each.value.charge # want FR2103
}

action "customerio_track" "reads_below" {
  id   = "x"
  name = join("", action.below[*].id)
  data = { a = local.loose }
}
