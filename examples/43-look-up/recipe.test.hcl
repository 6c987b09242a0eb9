test "a company that the register knows is noted" {
  event "stripe_customer_created" {
    id   = "cus_123"
    name = "Acme"
  }

  mock action "company" {
    result = { status = 200, body = { name = "Acme", employees = 12, tags = [] } }
  }

  expect action "company" {
    input = { query = { name = "Acme" } }
  }
  expect action "noted" {
    calls = 1
    input = { body = { customer = "cus_123", employees = 12 } }
  }
}

test "one that it does not know is passed over" {
  event "stripe_customer_created" {
    name = "Acme"
  }

  mock action "company" {
    result = { status = 404, body = null }
  }

  expect {
    outcome = "completed"
    by      = "that the register knows"
  }
  expect action "noted" {
    calls = 0
  }
}

test "customers without a name are left out" {
  event "stripe_customer_created" {
    name = null
  }

  expect {
    outcome = "filtered"
    by      = "with a name"
  }
}
