test "the person of the address that Stripe has is marked, then told of" {
  event "stripe_customer_subscription_deleted" {
    id                   = "sub_1"
    customer             = "cus_123"
    status               = "canceled"
    cancellation_details = { reason = "cancellation_requested" }
  }

  mock action "customer" {
    result = { email = "jo@example.com" }
  }

  expect {
    outcome = "completed"
    order   = ["customer", "person", "canceled"]
  }
  expect action "customer" {
    input = { customer = "cus_123" }
  }
  expect action "person" {
    input = {
      email      = "jo@example.com"
      attributes = { stripe_id = "cus_123", subscription_status = "canceled" }
    }
  }
  expect action "canceled" {
    calls = 1
    input = {
      email = "jo@example.com"
      data  = { subscription = "sub_1", reason = "cancellation_requested" }
    }
  }
}

test "a customer that is not there any more is passed over" {
  event "stripe_customer_subscription_deleted" {}

  mock action "customer" {
    result = null
  }

  expect {
    outcome = "completed"
    by      = "the customer still exists and has an address"
  }
  expect action "person" {
    calls = 0
  }
}

test "Stripe may be down for a while" {
  event "stripe_customer_subscription_deleted" {}

  mock action "customer" {
    sequence = [
      { error = { kind = "server", status = 503 } },
      { error = { kind = "network" } },
      { result = { email = "jo@example.com" } },
    ]
  }

  expect {
    outcome = "completed"
  }
  expect action "customer" {
    calls   = 1
    retries = 2
  }
  expect action "canceled" {
    calls = 1
  }
}
