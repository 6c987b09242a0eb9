test "a large failure is told, and who it was in its thread" {
  event "stripe_charge_failed" {
    amount          = 12000
    currency        = "usd"
    customer        = "cus_123"
    failure_message = "Your card has expired."
  }

  mock action "alert" {
    result = { ts = "1700000000.000100", channel = "C1" }
  }

  expect action "alert" {
    calls = 1
    input = { channel = "#payments", text = "A payment of *$120.00* failed: Your card has expired." }
  }
  expect action "who" {
    calls = 1
    input = { thread_ts = "1700000000.000100", text = "The customer is cus_123" }
  }
}

test "a guest is told without a name" {
  event "stripe_charge_failed" {
    amount   = 12000
    customer = null
  }

  expect action "who" {
    calls = 0
  }
}

test "small charges are left out" {
  event "stripe_charge_failed" {
    amount = 100
  }

  expect {
    outcome = "filtered"
    by      = "only large charges"
  }
}
