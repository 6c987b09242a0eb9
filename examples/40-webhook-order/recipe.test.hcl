test "an order that was paid for is told of" {
  event "webhook" {
    id       = "A-17"
    total    = 4900
    currency = "eur"
    customer = { email = "jo@example.com", name = null }
  }

  expect action "customerio_track" {
    calls = 1
    input = {
      email = "jo@example.com"
      name  = "ordered"
      data  = { order = "A-17", name = "friend" }
    }
  }
}

test "a free order is left out" {
  event "webhook" {
    total = 0
  }

  expect {
    outcome = "filtered"
    by      = "only what was paid for"
  }
}
