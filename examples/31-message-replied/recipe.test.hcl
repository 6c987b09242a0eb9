test "whoever answers joins the segment and is thanked" {
  variables = { support_segment = 12 }

  event "customerio_message_replied" {
    envelope {
      type = "sms_replied"
    }
    identifiers = { id = "cus_123" }
    recipient   = "+15555550100"
  }

  expect action "support" {
    calls = 1
    input = { segment_id = 12, ids = ["cus_123"] }
  }
  expect action "thanks" {
    calls = 1
    input = {
      to           = "+15555550100"
      message_data = { channel = "SMS" }
    }
  }
}

test "people without an id of ours are left out" {
  event "customerio_message_replied" {
    envelope {
      type = "whatsapp_replied"
    }
    identifiers = { id = null }
  }

  expect {
    outcome = "filtered"
  }
}
