test "a company is kept, with the person in it" {
  event "stripe_customer_created" {
    id       = "cus_123"
    email    = "jo@example.com"
    metadata = { company = "Acme" }
  }

  mock action "known" {
    result = null
  }

  expect {
    outcome = "completed"
    order   = ["known", "person", "company"]
  }
  expect action "company" {
    calls = 1
    input = {
      object_id  = "Acme"
      attributes = { stripe_id = "cus_123" }
      people     = [{ email = "jo@example.com" }]
    }
  }
}

test "of a person who is known the beginning is left as it is" {
  event "stripe_customer_created" {
    email    = "jo@example.com"
    metadata = { company = "Acme" }
  }

  expect action "person" {
    calls = 1
    input = { created_at = null }
  }
}

test "customers who name no company are left out" {
  event "stripe_customer_created" {
    email = "jo@example.com"
  }

  expect {
    outcome = "filtered"
    by      = "a company with an address"
  }
}
