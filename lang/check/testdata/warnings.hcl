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

action "customerio_track" {
  id   = trigger.id
  name = "x"
}
