recipe {
  description = "Mark people whose e-mail address does not take messages, and stop writing to those who complain"
}

trigger "customerio_delivery_failed" {
  types = ["email_bounced", "email_dropped", "email_spammed"]
}

filter "we know the person by our own id" {
  condition = trigger.identifiers.id != null && trigger.identifiers.id != ""
}

action "customerio_person_attributes" "person" {
  customer_id = trigger.identifiers.id
}

filter "the person still exists" {
  condition = action.person != null
}

action "customerio_identify" "marked" {
  id          = trigger.identifiers.id
  update_only = true
  attributes = {
    email_problem    = event.type
    email_problem_at = event.time
    email_problem_in = trigger.campaign_id
    unsubscribed     = event.type == "email_spammed" ? true : null
  }
}

action "customerio_track" "told" {
  id         = trigger.identifiers.id
  name       = "email_failed"
  depends_on = [action.marked]
  data = {
    address  = trigger.recipient
    reason   = coalesce(trigger.failure_message, "none given")
    delivery = trigger.delivery_id
  }
}
