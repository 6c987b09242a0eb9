recipe {
  description = "Give each new customer a collection in Pics.io, below the root"
}

trigger "stripe_customer_created" {}

action "picsio_collection_root" "root" {}

filter "the root is known" {
  condition = action.root._id != null
}

action "picsio_collection_create" "collection" {
  name     = coalesce(trigger.name, trigger.email, trigger.id)
  parentId = action.root._id
}
