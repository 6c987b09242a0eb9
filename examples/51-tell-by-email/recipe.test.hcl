test "an invoice that is written off is noted and mailed" {
  event "stripe_invoice_marked_uncollectible" {
    id         = "in_1"
    customer   = "cus_123"
    amount_due = 12000
    currency   = "usd"
  }

  expect action "written_off" {
    calls = 1
    input = { id = "cus_123", data = { invoice = "in_1" } }
  }
  expect action "note" {
    calls = 1
    input = { to = "billing@example.com", subject = "Written off: $120.00" }
  }
}

test "whoever is on call is mailed where that fails for good" {
  event "stripe_invoice_marked_uncollectible" {}

  mock action "written_off" {
    error {
      kind    = "refused"
      status  = 400
      message = "no such person"
    }
  }

  expect {
    outcome = "failed"
  }
  expect action "on_error.alert" {
    calls = 1
    input = { to = "oncall@example.com" }
  }
}

test "invoices of nobody known are left out" {
  event "stripe_invoice_marked_uncollectible" {
    customer = null
  }

  expect {
    outcome = "filtered"
    by      = "known customers"
  }
}
