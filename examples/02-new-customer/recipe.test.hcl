test "a new customer becomes a person with a tidy address" {
  event "stripe_customer_created" {
    id    = "cus_123"
    email = "Jo@Example.com"
    name  = "Jo Example"
  }

  expect action "customerio_identify" {
    calls = 1
    input = {
      id         = "cus_123"
      attributes = { email = "jo@example.com", name = "Jo Example" }
    }
  }
}

test "one without an address is a person, too" {
  event "stripe_customer_created" {
    id    = "cus_123"
    email = null
  }

  expect action "customerio_identify" {
    calls = 1
    input = {
      id         = "cus_123"
      attributes = { email = null }
    }
  }
}
