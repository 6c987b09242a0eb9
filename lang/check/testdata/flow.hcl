trigger "stripe_charge_failed" {}

locals {
  a = local.b # want FR3001 "local.a \\(line 4\\) needs local.b \\(line 5\\) needs local.a"
  b = local.a
}

filter "early" {
  condition = action.late.delinquent == true # want FR3002 "line 8.*line 12"
}

action "stripe_customer_retrieve" "late" {
  customer = "cus_1"
}

action "customerio_track" "x" {
  id         = "x"
  name       = local.a
  depends_on = [action.y] # want FR3001 "action.x \\(line 16\\) needs action.y \\(line 22\\) needs action.x"
}

action "customerio_track" "y" {
  id         = "x"
  name       = "y"
  depends_on = [action.x]
}

action "customerio_track" "z" {
  id         = "x"
  name       = "y"
  depends_on = [action.w, "a"] # want FR2005 "(?i)no step \"w\"" FR2101
}
