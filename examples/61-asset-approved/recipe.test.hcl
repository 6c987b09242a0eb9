test "an approved image becomes a product" {
  event "picsio_asset_approved" {
    _id  = "58dd4ac1e5d0d4d4a4b7a6e5"
    name = "beach.jpg"
  }

  expect action "product" {
    calls = 1
    input = { name = "beach.jpg", metadata = { picsio_asset = "58dd4ac1e5d0d4d4a4b7a6e5" } }
  }
}

test "one without a name is called by its id" {
  event "picsio_asset_approved" {
    _id  = "58dd4ac1e5d0d4d4a4b7a6e5"
    name = null
  }

  expect action "product" {
    calls = 1
    input = { name = "58dd4ac1e5d0d4d4a4b7a6e5" }
  }
}

test "an event that names no asset is left alone" {
  event "picsio_asset_approved" {
    _id = null
  }

  expect {
    outcome = "filtered"
    by      = "the asset is known"
  }
}
