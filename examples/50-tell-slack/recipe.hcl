recipe {
  description = "Tell the team in Slack when a large payment fails, and answer in its thread who it was"
}

trigger "stripe_charge_failed" {}

filter "only large charges" {
  condition = trigger.amount >= 5000
}

action "slack_message" "alert" {
  channel = "#payments"
  text    = "A payment of *${money(trigger.amount, trigger.currency)}* failed: ${coalesce(trigger.failure_message, "no reason given")}"
}

action "slack_message" "who" {
  when      = trigger.customer != null
  channel   = "#payments"
  thread_ts = action.alert.ts
  text      = "The customer is ${coalesce(trigger.customer, "nobody we know")}"
}
