trigger "stripe_charge_failed" {}

action "stripe_customer_find" "one" {
  email = action.two.id # want FR3002 "filter.1"
}

filter {
  condition = action.one != null
}

action "stripe_customer_retrieve" "two" {
  customer = "cus_1"
}

action "customerio_track" {
  id   = "x"
  name = "y"
}
