test "an invoice that nobody pays is reminded of on day 0, 3 and 7" {
  event "stripe_invoice_payment_failed" {
    id         = "in_1"
    customer   = "cus_123"
    amount_due = 12000
    currency   = "usd"
  }

  expect {
    outcome = "completed"
    order   = ["day_0", "day_3", "day_7"]
  }
  expect action "day_0" {
    calls = 1
    input = {
      id   = "cus_123"
      data = { day = 0, invoice = "in_1", due = "$120.00" }
    }
  }
  expect wait "first" {
    timed_out = true
    until     = "2026-01-04T00:00:00Z"
  }
  expect wait "second" {
    timed_out = true
    until     = "4d"
  }
  expect action "day_7" {
    calls = 1
    input = { data = { day = 7 } }
  }
}

test "no reminder follows on a payment" {
  event "stripe_invoice_payment_failed" {
    id = "in_1"
  }
  advance = "2d"
  event "stripe_invoice_paid" {
    id = "in_1"
  }

  expect {
    outcome = "completed"
    by      = "not paid by day 3"
  }
  expect wait "first" {
    timed_out = false
    until     = "48h"
  }
  expect action "day_0" {
    calls = 1
  }
  expect action "day_3" {
    calls = 0
  }
}

test "the payment of another invoice changes nothing" {
  event "stripe_invoice_payment_failed" {
    id = "in_1"
  }
  advance "1d" {}
  event "stripe_invoice_paid" {
    id = "in_2"
  }
  advance "4d" {}
  event "stripe_invoice_paid" {
    id = "in_1"
  }

  expect {
    outcome = "completed"
    by      = "not paid by day 7"
  }
  expect wait "first" {
    timed_out = true
  }
  expect wait "second" {
    timed_out = false
    until     = "2026-01-06T00:00:00Z"
  }
  expect action "day_3" {
    calls = 1
  }
  expect action "day_7" {
    calls = 0
  }
}

test "an attempt that fails again does not begin a second sequence" {
  event "stripe_invoice_payment_failed" {
    id = "in_1"
  }
  advance "1d" {}
  event "stripe_invoice_payment_failed" {
    id = "in_1"
  }

  expect {
    event   = 2
    outcome = "skipped"
    by      = "concurrency"
  }
  expect action "day_0" {
    calls = 1
  }
}

test "on day 2 it still waits" {
  event "stripe_invoice_payment_failed" {}
  advance = "2d"

  expect {
    outcome = "waiting"
  }
  expect wait "first" {
    until = "3d"
  }
}

test "an invoice of nobody known is left out" {
  event "stripe_invoice_payment_failed" {
    customer = null
  }

  expect {
    outcome = "filtered"
    by      = "known customers"
  }
}
