# Values that are of one kind or another can be handed on, and are refused where one kind is needed.
trigger "stripe_charge_failed" {}

locals {
  mix   = [trigger.id, [trigger.amount]]
  plain = [trigger.id, trigger.amount]
}

action "customerio_track" {
  id   = trigger.id
  name = "x"
  data = {
    a = local.mix
    b = [for x in local.mix : "a ${x}"] # want FR2105 "ext can't hold any value"
    c = [for x in local.plain : "a ${x}"]
    d = [for x in local.mix : upper(x)] # want FR2101 "upper needs a string"
    e = [for x in local.plain : upper(x)]
    f = [for x in local.plain : x + 1]                            # want FR2101 "needs a number"
    g = [for x in local.plain : x == 1]
    h = [for x in local.plain : x == "a"]
    i = [for x in local.mix : x.a]                                # want FR2004 "has no attributes"
    j = "a ${{ a = "x", b = ["y"] }[trigger.currency]}"           # want FR2103
    k = [for k, v in { a = "x", b = ["y"] } : [for w in v : w]]   # want FR2101 "for needs a list"
    l = [for x in local.mix : jsonencode(x)]
    m = contains(local.plain, 1)
    n = upper(try(trigger.currency, ["a"]))
    o = "a ${try(tonumber(trigger.currency), ["a"])}"             # want FR2105
    p = flatten([["a"], "b"])
    q = tostring(local.mix[0])
    r = [for x in local.mix : tostring(x)] # want FR2101 "can't become"
    s = [for x in concat(local.mix, []) : upper(x)] # want FR2101
    t = trigger.raw == null ? "" : upper(trigger.raw)
  }
}

action "customerio_send_email" {
  transactional_message_id = 1
  to                       = "a@b.c"
  identifiers              = { id = trigger.id }
  headers                  = merge(trigger.metadata, { a = ["b"] }) # want FR2101
  message_data             = merge(trigger.metadata, { a = ["b"] })
}
