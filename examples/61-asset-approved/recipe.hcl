recipe {
  description = "Offer each image that was approved in Pics.io as a product at Stripe"
}

trigger "picsio_asset_approved" {}

filter "the asset is known" {
  condition = trigger._id != null && trigger._id != ""
}

action "stripe_product_create" "product" {
  name     = coalesce(trigger.name, trigger._id)
  metadata = { picsio_asset = trigger._id }
}
