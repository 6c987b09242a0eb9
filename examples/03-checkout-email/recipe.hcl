recipe {
  description = "Thank for a purchase once its checkout is paid"
}

trigger "stripe_checkout_session_completed" {}

filter "paid, and we know where to write" {
  condition = (
    trigger.payment_status == "paid"
    && trigger.customer_details != null
    && trigger.customer_details.email != null
    && trigger.customer_details.email != ""
    && length(trigger.customer_details.email) <= 150 # as long as Customer.io takes one
  )
}

action "customerio_send_email" "receipt" {
  to                       = trigger.customer_details.email
  identifiers              = { email = trigger.customer_details.email }
  transactional_message_id = var.receipt_template
  message_data = {
    name  = trigger.customer_details.name
    total = money(coalesce(trigger.amount_total, 0), coalesce(trigger.currency, "usd"))
  }
}
