test "whoever has paid is thanked" {
  event "stripe_checkout_session_completed" {
    payment_status   = "paid"
    amount_total     = 2000
    currency         = "eur"
    customer_details = { email = "jo@example.com", name = "Jo Example" }
  }

  expect action "receipt" {
    calls = 1
    input = {
      to                       = "jo@example.com"
      transactional_message_id = "receipt"
      message_data             = { name = "Jo Example", total = "€20.00" }
    }
  }
}

test "the message is the one that the variable names" {
  variables = { receipt_template = "thanks" }

  event "stripe_checkout_session_completed" {
    payment_status   = "paid"
    customer_details = { email = "jo@example.com" }
  }

  expect action "receipt" {
    input = { transactional_message_id = "thanks" }
  }
}

test "nobody is thanked before paying" {
  event "stripe_checkout_session_completed" {
    payment_status = "unpaid"
  }

  expect {
    outcome = "filtered"
    by      = "paid, and we know where to write"
  }
}
