test "a person whose address bounces is marked and told of" {
  event "customerio_delivery_failed" {
    envelope {
      type = "email_bounced"
    }
    identifiers = { id = "cus_123" }
    recipient   = "jo@example.com"
  }

  expect {
    order = ["person", "marked", "told"]
  }
  expect action "marked" {
    calls = 1
    input = {
      id         = "cus_123"
      attributes = { email_problem = "email_bounced", unsubscribed = null }
    }
  }
  expect action "told" {
    calls = 1
    input = {
      id   = "cus_123"
      data = { address = "jo@example.com" }
    }
  }
}

test "whoever complains is not written to any more" {
  event "customerio_delivery_failed" {
    envelope {
      type = "email_spammed"
    }
    identifiers = { id = "cus_123" }
  }

  expect action "marked" {
    input = { attributes = { unsubscribed = true } }
  }
}

test "a person who is not there any more is passed over" {
  event "customerio_delivery_failed" {
    envelope {
      type = "email_bounced"
    }
    identifiers = { id = "cus_123" }
  }

  mock action "person" {
    result = null
  }

  expect {
    outcome = "completed"
    by      = "the person still exists"
  }
}

test "people without an id of ours are left out" {
  event "customerio_delivery_failed" {
    envelope {
      type = "email_dropped"
    }
    identifiers = { id = null }
  }

  expect {
    outcome = "filtered"
    by      = "we know the person by our own id"
  }
}
