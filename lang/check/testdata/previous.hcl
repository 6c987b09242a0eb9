trigger "stripe_customer_updated" {}

filter {
  condition = contains(event.changed, "email") && previous.email != null
}

action "customerio_track" {
  id   = trigger.id
  name = previous.email
  data = {
    created = previous.created + 1 # want FR2103
    city    = previous.address.city # want FR2103
    c       = previous.nope # want FR2004
  }
}
