test "an invoice that is written off is noted" {
  event "stripe_invoice_marked_uncollectible" {
    id         = "in_1"
    customer   = "cus_123"
    amount_due = 12000
    currency   = "usd"
  }

  expect action "written_off" {
    calls = 1
    input = {
      id   = "cus_123"
      data = { invoice = "in_1", amount = "$120.00" }
    }
  }
  expect action "on_error.alert" {
    calls = 0
  }
}

test "the team is told where that fails for good" {
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
    error {
      kind    = "refused"
      step    = "written_off"
      message = "no such person"
    }
  }
  expect action "on_error.alert" {
    calls = 1
    input = {
      email = "payments@example.com"
      data = {
        recipe  = "08-alert-on-failure/recipe"
        step    = "action.written_off"
        kind    = "refused"
        message = "no such person"
      }
    }
  }
}

test "not where it only takes several tries" {
  event "stripe_invoice_marked_uncollectible" {}

  mock action "written_off" {
    sequence = [{ error = { kind = "timeout" } }, { result = {} }]
  }

  expect {
    outcome = "completed"
  }
  expect action "on_error.alert" {
    calls = 0
  }
}

test "invoices of nobody known are left out" {
  event "stripe_invoice_marked_uncollectible" {
    customer = null
  }

  expect {
    outcome = "filtered"
  }
}
