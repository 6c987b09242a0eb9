test "the person gets the new address" {
  event "stripe_customer_updated" {
    id    = "cus_123"
    email = "new@example.com"
    previous {
      email = "old@example.com"
    }
  }

  expect action "customerio_identify" {
    calls = 1
    input = {
      id         = "cus_123"
      attributes = { email = "new@example.com", old_email = "old@example.com" }
    }
  }
}

test "a change waits until the one before it is done" {
  event "stripe_customer_updated" {
    id    = "cus_123"
    email = "second@example.com"
    previous {
      email = "first@example.com"
    }
  }
  event "stripe_customer_updated" {
    id    = "cus_123"
    email = "third@example.com"
    previous {
      email = "second@example.com"
    }
  }

  # Customer.io is down when the first comes, so that it would be overtaken without the lane.
  mock action "customerio_identify" {
    sequence = [
      { error = { kind = "server" } },
      { error = { kind = "server" } },
      { error = { kind = "rate_limited", retry_after = "10m" } },
      { result = {} },
    ]
  }

  expect {
    event   = 2
    outcome = "completed"
  }
  expect action "customerio_identify" {
    calls   = 2
    retries = 3
    inputs = [
      { attributes = { email = "second@example.com" } },
      { attributes = { email = "third@example.com" } },
    ]
  }
}

test "another change of the customer is left out" {
  event "stripe_customer_updated" {
    name = "Jo"
    previous {
      name = "Joe"
    }
  }

  expect {
    outcome = "filtered"
    by      = "the address changed"
  }
}
