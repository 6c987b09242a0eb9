recipe {
  limits {} # want FR1009 "limits something"
}

trigger "stripe_charge_succeeded" {}

action "customerio_delete" {
  id = "x"
}
