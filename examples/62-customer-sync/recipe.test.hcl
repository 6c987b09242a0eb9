test "the person gets the address that the customer has now" {
  event "stripe_customer_updated" {
    id    = "cus_123"
    email = "old@example.com"
  }
  mock trigger "stripe_customer_updated" {
    result = { id = "cus_123", email = "new@example.com", name = "Jo" }
  }

  expect action "person" {
    calls = 1
    input = { id = "cus_123", attributes = { email = "new@example.com", name = "Jo" } }
  }
}

test "a customer who is gone by then is skipped" {
  event "stripe_customer_updated" {
    email = "old@example.com"
  }
  mock trigger "stripe_customer_updated" {
    result = null
  }

  expect {
    outcome = "skipped"
    by      = "latest"
  }
  expect action "person" {
    calls = 0
  }
}

test "one without an address is left alone" {
  event "stripe_customer_updated" {
    email = "old@example.com"
  }
  mock trigger "stripe_customer_updated" {
    result = { email = null }
  }

  expect {
    outcome = "filtered"
    by      = "customers with an address"
  }
}
