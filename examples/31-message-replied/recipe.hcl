recipe {
  description = "Put people who answer a message into the segment that support looks after, and tell them so"
}

trigger "customerio_message_replied" {}

filter "we know the person by our own id, and where to write" {
  condition = trigger.identifiers.id != null && trigger.identifiers.id != "" && trigger.recipient != ""
}

action "customerio_add_to_segment" "support" {
  segment_id = var.support_segment
  ids        = [trigger.identifiers.id]
}

action "customerio_send_sms" "thanks" {
  to                       = trigger.recipient
  identifiers              = { id = trigger.identifiers.id }
  transactional_message_id = "reply_received"
  message_data             = { channel = event.type == "sms_replied" ? "SMS" : "WhatsApp" }
}
