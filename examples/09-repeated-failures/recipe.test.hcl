test "the third failure within seven days is told of, once" {
  event "stripe_charge_failed" {
    customer = "cus_123"
  }
  advance "2d" {}
  event "stripe_charge_failed" {
    customer = "cus_123"
  }
  advance "2d" {}
  event "stripe_charge_failed" {
    customer = "cus_123"
  }
  event "stripe_charge_failed" {
    customer = "cus_123"
  }

  expect {
    event   = 1
    outcome = "completed"
    by      = "the third"
  }
  expect {
    event = 4
    by    = "the third"
  }
  expect action "customerio_track" {
    calls = 1
    event = 3
    input = { id = "cus_123", name = "third_failed_payment" }
  }
  expect state "failures/cus_123" {
    value = 4
  }
}

test "failures of another customer do not count" {
  event "stripe_charge_failed" {
    customer = "cus_1"
  }
  event "stripe_charge_failed" {
    customer = "cus_2"
  }
  event "stripe_charge_failed" {
    customer = "cus_1"
  }

  expect action "customerio_track" {
    calls = 0
  }
}

test "nor do those of longer ago" {
  event "stripe_charge_failed" {}
  event "stripe_charge_failed" {}
  advance = "8d"
  event "stripe_charge_failed" {}

  expect action "customerio_track" {
    calls = 0
  }
}

test "failures of nobody known are left out" {
  event "stripe_charge_failed" {
    customer = null
  }

  expect {
    outcome = "filtered"
  }
}
