trigger "stripe_charge_failed" {}

trigger "stripe_customer_updated" {}

filter {
  condition = event.type == "customer.updated" || trigger.amount > 5
}

action "customerio_track" "a" {
  id   = trigger.id
  name = trigger.email # want FR2111 "\"stripe_charge_failed\", not for \"stripe_customer_updated\"" FR2103 "on stripe_customer_updated.*\n.*\n.*\"stripe_customer_updated\", not for \"stripe_charge_failed\""
}

action "customerio_track" "b" {
  id   = trigger.id
  name = event.type == "charge.failed" ? trigger.currency : trigger.metadata.x # want FR2103
  data = { x = previous.email } # want FR2111
}

action "customerio_track" "c" {
  id   = trigger.id
  name = "x"
  when = event.type == "chargefailed" # want FR2104
}

action "customerio_track" "d" {
  id   = trigger.nobody # want FR2004
  name = "x"
}
