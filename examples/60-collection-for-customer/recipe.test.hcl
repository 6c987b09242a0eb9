test "a customer's collection goes below the root" {
  event "stripe_customer_created" {
    name = "Jenny Rosen"
  }

  mock action "root" {
    result = { _id = "58dd4ac1e5d0d4d4a4b7a600" }
  }

  expect action "collection" {
    calls = 1
    input = { name = "Jenny Rosen", parentId = "58dd4ac1e5d0d4d4a4b7a600" }
  }
}

test "one without a name is called by the e-mail" {
  event "stripe_customer_created" {
    name  = null
    email = "jo@example.com"
  }

  expect action "collection" {
    calls = 1
    input = { name = "jo@example.com" }
  }
}

test "an answer without an id stops it" {
  event "stripe_customer_created" {}

  mock action "root" {
    result = { _id = null }
  }

  expect {
    outcome = "completed"
    by      = "the root is known"
  }
  expect action "collection" {
    calls = 0
  }
}
