test "of a burst the customer hears once, of the last" {
  event "stripe_charge_refunded" {
    id              = "ch_1"
    customer        = "cus_123"
    amount_refunded = 100
    currency        = "usd"
  }
  advance "5m" {}
  event "stripe_charge_refunded" {
    id              = "ch_2"
    customer        = "cus_123"
    amount_refunded = 200
    currency        = "usd"
  }

  expect {
    event   = 1
    outcome = "skipped"
    by      = "debounce"
  }
  expect {
    event   = 2
    outcome = "completed"
  }
  expect action "customerio_track" {
    calls = 1
    input = {
      id   = "cus_123"
      data = { last = "ch_2", amount = "$2.00" }
    }
  }
}

test "two customers are two bursts" {
  event "stripe_charge_refunded" {
    customer = "cus_1"
  }
  event "stripe_charge_refunded" {
    customer = "cus_2"
  }

  expect action "customerio_track" {
    calls  = 2
    inputs = [{ id = "cus_1" }, { id = "cus_2" }]
  }
}

test "nothing is said before the burst is over" {
  event "stripe_charge_refunded" {}
  advance = "9m"

  expect {
    outcome = "queued"
  }
  expect action "customerio_track" {
    calls = 0
  }
}

test "refunds of nobody known are left out" {
  event "stripe_charge_refunded" {
    customer = null
  }

  expect {
    outcome = "filtered"
  }
}
