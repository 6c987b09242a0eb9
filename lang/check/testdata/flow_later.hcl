trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = action.two.id
  name = "y"
}

action "stripe_customer_retrieve" "two" {
  customer = "cus_1"
}
