recipe {
  description = "Note an invoice that is written off, and tell the team where that fails for good"
}

trigger "stripe_invoice_marked_uncollectible" {}

filter "known customers" {
  condition = trigger.customer != null
}

action "customerio_track" "written_off" {
  id   = trigger.customer
  name = "invoice_written_off"
  data = {
    invoice = trigger.id
    amount  = money(trigger.amount_due, trigger.currency)
  }
}

on_error {
  action "customerio_track" "alert" {
    email = "payments@example.com"
    name  = "flowrun_failed"
    data = {
      recipe  = run.recipe
      run     = run.url
      step    = error.step
      kind    = error.kind
      message = error.message
    }
  }
}
