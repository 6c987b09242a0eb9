test "a large failed charge of a known customer is tracked once" {
  event "stripe_charge_failed" {
    amount          = 12000
    currency        = "usd"
    customer        = "cus_123"
    failure_message = null
  }

  expect {
    outcome = "completed"
  }
  expect action "customerio_track" {
    calls = 1
    input = {
      id   = "cus_123"
      name = "payment_failed"
      data = { amount = "$120.00", reason = "unknown" }
    }
  }
}

test "small charges are left out" {
  event "stripe_charge_failed" {
    amount   = 4999
    customer = "cus_123"
  }

  expect {
    outcome = "filtered"
    by      = "only large charges of known customers"
  }
  expect action "customerio_track" {
    calls = 0
  }
}

test "so are charges of nobody known" {
  event "stripe_charge_failed" {
    amount   = 5000
    customer = null
  }

  expect {
    outcome = "filtered"
  }
}

test "the event of the README" {
  event = file("01-charge-failed/event.json")

  expect {
    outcome = "completed"
  }
}
