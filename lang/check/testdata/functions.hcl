trigger "stripe_charge_failed" {}

locals {
  refunds = try(trigger.refunds.data, [])
}

action "customerio_track" {
  id   = trigger.id
  name = "x"
  data = {
    a = flatten([trigger.tags, ["b"]])[0]
    b = upper(flatten([trigger.tags, ["b"]])[0]) # want FR2103
    c = tomap({ a = 1, b = 2 }).c
    d = tomap({ a = 1, b = [2] }) # want FR2101 "of one type"
    e = zipmap(trigger.tags, trigger.tags).x
    f = index(trigger.tags, trigger.failure_code) # want FR2103
    g = max(0, local.refunds[*].amount...)
    m = max(local.refunds[*].amount...) # want FR2107 "may be empty"
    h = max(1, trigger.tags...) # want FR2101 "max needs a number"
    i = max(trigger.metadata...) # want FR2107 "Only a list"
    j = merge(trigger.metadata, trigger.tags) # want FR2101 "merge needs"
    k = keys(trigger.tags) # want FR2101 "a map or an object"
    l = values(trigger.billing_details)
    m = slice(trigger.tags, 0, "a") # want FR2101
    n = sort(local.refunds) # want FR2101
    o = sort(local.refunds[*].reason) # want FR2103
    p = sort(compact(local.refunds[*].reason))
    q = lookup(trigger.metadata, "a", [1]) # want FR2101
    r = lookup(trigger.billing_details, "email", "none")
    s = jsondecode("{a") # want FR2106 "not valid JSON"
    t = jsondecode("{\"a\": 1}").a
    u = tonumber("twelve") # want FR2101 "can't become a number"
    v = tobool(trigger.amount) # want FR2101
    w = tostring(trigger.tags) # want FR2101
    x = length(trigger.amount) # want FR2101
    y = contains(trigger.metadata, "a") # want FR2101
    z = coalesce(trigger.amount, trigger.paid) # want FR2101 "of one type"
  }
}

action "customerio_track" "more" {
  id   = trigger.id
  name = "x"
  data = {
    a = regex("[a-z", trigger.id) # want FR2106
    b = money(trigger.amount, "euros") # want FR2106 "currency code"
    c = parseint("12", 99) # want FR2113
    d = upper(null) # want FR2103
    e = substr(trigger.id, 0) # want FR2107
    f = timeadd(run.started_at, "1h")
    g = concat(trigger.tags, "a") # want FR2101 "concat needs lists"
    h = length(concat(trigger.tags, [trigger.customer]))
    i = join(",", concat(trigger.tags, [trigger.customer])) # want FR2103
    j = sum(values({ a = 1, b = 2 })) + 1
    k = len(trigger.tags) # want FR2006 "length"
    l = toUpper(trigger.id) # want FR2006 "upper"
    m = reverse(trigger.tags)[0] == null
    n = distinct(local.refunds)[0].amuont # want FR2103
    o = one(trigger.tags)
    p = upper(one(trigger.tags)) # want FR2103 "where the list is empty"
    q = try(trigger.amount, "none") + 1
    r = can(trigger.amuont) # want FR2004
    s = can(trigger.payment_method_details.card)
    t = format("%d", trigger.amount)
    u = [for a in range(1000) : [for b in range(1000) : a]] # want FR2109
    v = trigger.paid ? { a = 1 } : { a = trigger.amount }
    w = trigger.paid ? { a = 1 } : { b = [1] } # want FR2101
    x = trigger.paid ? trigger.metadata : {}
    y = trigger.paid ? trigger.tags : []
    z = (trigger.paid ? { a = 1 } : { b = "x" }).a
  }
}
