recipe {
  description = "x ${trigger.id}" # want FR2108
  enabled     = "maybe" # want FR2101
  timeout     = "5 minutes" # want FR2106
  labels      = { team = "billing", n = 5, bad = ["a"] } # want FR2101
}

trigger "stripe_charge_failed" {
  ignore_payment_intents = 5 # want FR2101
}

action "customerio_send_email" {
  transactional_message_id = 1
  to                       = "a@b.c"
  identifiers              = { id = "x" }
  timeout                  = "7days" # want FR2106
  retry { # want FR3004
    attempts = 0 # want FR2106
    min      = "1s"
    max      = "x" # want FR2106
    on       = ["network", "netwrok"] # want FR2104 "Did you mean \"network\""
  }
}

action "stripe_customer_retrieve" {
  customer = "cus_1"
  timeout  = "7d"
  retry {
    attempts = 3
    min      = "2s"
    max      = "1h30m"
    on       = ["network", "server"]
  }
}
