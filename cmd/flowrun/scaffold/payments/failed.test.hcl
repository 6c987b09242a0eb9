test "a large failed payment is told of" {
  event "stripe_charge_failed" {
    amount   = 12000
    currency = "usd"
    customer = "cus_123"
  }

  expect action "failed" {
    calls = 1
    input = {
      id   = "cus_123"
      data = { amount = "$120.00" }
    }
  }
}

test "a small one is left out" {
  event "stripe_charge_failed" {
    amount = 4999
  }

  expect {
    outcome = "filtered"
    by      = "only large charges of known customers"
  }
}

test "Customer.io may be down for a while" {
  event "stripe_charge_failed" {
    amount = 12000
  }

  mock action "failed" {
    sequence = [{ error = { kind = "server", status = 503 } }, { result = {} }]
  }

  expect {
    outcome = "completed"
  }
  expect action "failed" {
    calls   = 1
    retries = 1
  }
}
