test "a small charge is given back" {
  event "stripe_radar_early_fraud_warning_created" {
    charge = "ch_1"
  }

  mock action "charge" {
    result = { amount = 1500, refunded = false }
  }

  expect action "refund" {
    calls = 1
    input = { charge = "ch_1", amount = 1500, reason = "fraudulent" }
  }
}

test "a large one is left to people" {
  event "stripe_radar_early_fraud_warning_created" {}

  mock action "charge" {
    result = { amount = 15001, refunded = false }
  }

  expect {
    outcome = "completed"
    by      = "small, and not given back yet"
  }
  expect action "refund" {
    calls = 0
  }
}

test "beyond the hour's budget the recipe is paused" {
  event "stripe_radar_early_fraud_warning_created" {}
  advance "10m" {}
  event "stripe_radar_early_fraud_warning_created" {}
  advance "10m" {}
  event "stripe_radar_early_fraud_warning_created" {}
  advance "10m" {}
  event "stripe_radar_early_fraud_warning_created" {}
  advance "3h" {}
  event "stripe_radar_early_fraud_warning_created" {}

  mock action "charge" {
    result = { amount = 15000, refunded = false }
  }

  expect {
    event   = 3
    outcome = "completed"
  }
  expect {
    event   = 4
    outcome = "queued"
    by      = "limits"
  }
  expect {
    event   = 5
    outcome = "queued"
    by      = "paused"
  }
  expect action "refund" {
    calls = 3
  }
}
