recipe {
  description = "Note an invoice that is written off, and mail whoever looks after billing where that fails for good"
}

trigger "stripe_invoice_marked_uncollectible" {}

filter "known customers" {
  condition = trigger.customer != null
}

action "customerio_track" "written_off" {
  id   = trigger.customer
  name = "invoice_written_off"
  data = { invoice = trigger.id }
}

action "email_send" "note" {
  to      = "billing@example.com"
  subject = "Written off: ${money(trigger.amount_due, trigger.currency)}"
  text    = <<-EOT
    Invoice ${coalesce(trigger.number, trigger.id, "without a number")} of ${coalesce(trigger.customer_name, "an unnamed customer")} is written off.
    ${coalesce(run.url, run.id)}
  EOT
}

on_error {
  action "email_send" "alert" {
    to      = "oncall@example.com"
    subject = "${run.recipe} failed in ${error.step}"
    text    = "${error.kind}: ${error.message}\n${coalesce(run.url, run.id)}"
  }
}
