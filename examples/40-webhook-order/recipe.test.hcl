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
      data  = { order = "A-17", name = "friend", total = "€49.00" }
    }
  }
}

test "a currency that there is not is told of as it came" {
  event "webhook" {
    total    = 4900
    currency = "points"
    customer = { email = "jo@example.com" }
  }

  expect action "customerio_track" {
    input = { data = { total = "4900 points" } }
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

test "an order without an address is passed over" {
  event "webhook" {
    customer = { email = "-" }
  }

  expect {
    outcome = "filtered"
    by      = "by somebody who can be reached"
  }
}
