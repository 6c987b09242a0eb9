trigger "stripe_charge_failed" {}

action "customerio_track" "above" {
  id         = "x"
  name       = "y"
  depends_on = [action.below] # want FR3002 "action.above \\(line 3\\) needs action.below \\(line 13\\) needs wait.a_day \\(line 9\\) needs action.above"
}

wait "a_day" {
  for = "24h"
}

action "customerio_track" "below" {
  id   = "x"
  name = "y"
}
