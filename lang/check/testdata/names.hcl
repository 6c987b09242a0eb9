trigger "stripe_charge_failed" {}

locals {
  big = trigger.amonut > 5000 # want FR2004 "trigger has no attribute \"amonut\".*Did you mean \"amount\""
}

filter {
  condition = local.big && trigger.amount > lcoal.x # want FR2005 "Did you mean \"local\""
}

filter {
  condition = local.bgi # want FR2005 "(?i)no local \"bgi\".*Did you mean \"big\""
}

filter {
  condition = amount > 5 # want FR2005 "Did you mean \"trigger.amount\""
}

action "stripe_customer_retreive" "c" { # want FR2002 "Did you mean \"stripe_customer_retrieve\""
  customer = trigger.billing_details.adress.city # want FR2004 "Did you mean \"address\""
}

action "customerio_track" {
  id   = var.nobody # want FR2005 "(?i)no variable \"nobody\""
  name = uper(trigger.id) # want FR2006 "Did you mean \"upper\""
  data = {
    a = action.c.email # silent: c is broken
    b = action.d.email # want FR2005 "(?i)no step \"d\""
    c = try(action.e.emial, 1) # want FR2004 "Did you mean \"email\""
    d = action.stripe_customer_find.email # want FR2005 "named \"e\""
    e = [for r in try(trigger.refunds.data, []) : r.amuont] # want FR2004 "Did you mean \"amount\""
    f = try(trigger.refunds.data[*].raeson, []) # want FR2004 "Did you mean \"reason\""
    g = run.idd # want FR2004
    h = event.changde # want FR2004 "Did you mean \"changed\""
    i = each.value # want FR2005
    j = previous.email # want FR2005 "updates only"
    k = trigger.tags.first # want FR2004 "is a list"
    l = trigger.amount.cents # want FR2004 "a number, which has no attributes"
    m = local # want FR2005 "not a value by itself"
    n = { for k, v in trigger.metadata : k => v.x } # want FR2004
    o = trigger["amuont"] # want FR2004 "Did you mean \"amount\""
  }
  dta = 1 # want FR2003 "Did you mean \"data\""
}

action "stripe_customer_find" "e" {
  email = coalesce(trigger.receipt_email, "a@b.c")
}
