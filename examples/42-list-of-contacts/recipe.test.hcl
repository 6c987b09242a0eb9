test "a contact becomes a person" {
  event "poll" {
    item = { id = "c_1", email = "jo@example.com", plan = "pro" }
  }

  expect action "customerio_identify" {
    calls = 1
    input = { id = "c_1", attributes = { email = "jo@example.com", plan = "pro" } }
  }
}

test "a contact without an id is passed over" {
  event "poll" {
    item = { id = "", email = "jo@example.com" }
  }

  expect {
    outcome = "filtered"
    by      = "an id that Customer.io takes"
  }
}
