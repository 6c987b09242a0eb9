trigger "stripe_charge_failed" {}

locals {
  unused = trigger.amount # want FR5002
  broken = trigger.nothing # want FR2004
  # flowrun:ignore FR5002 because the next release reads it
  silenced = 1
  silenced2 = 1 # flowrun:ignore FR5002 because the next release reads it
  # flowrun:ignore FR5002
  unreasoned = 1 # want FR5002
  by_other = local.unread # want FR5002
  unread = upper(trigger.failure_code) # want FR5002
}

filter {
  condition = true # want FR5001 "always true"
}

filter {
  condition = trigger.amount > 5 && trigger.amount < 3 # want FR5001 "can't all be true"
}

filter {
  condition = trigger.paid && false # want FR5001 "always false"
}

filter {
  condition = trigger.customer == null && trigger.customer == "cus_1" # want FR5001
}

filter {
  condition = trigger.status == "failed" && trigger.status != "failed" # want FR5001
}

filter {
  condition = trigger.amount > 5 && trigger.amount < 10 && trigger.status == "failed"
}

action "customerio_track" {
  id   = trigger.id
  name = "x"
}
