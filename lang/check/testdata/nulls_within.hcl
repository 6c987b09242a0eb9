# Null within lists and maps that lie in others is followed, too.
trigger "stripe_charge_failed" {}

locals {
  reasons = try(trigger.refunds.data, [])[*].reason
}

action "customerio_track" {
  id   = trigger.id
  name = "x"
  data = {
    a = [for x in flatten([local.reasons]) : upper(x)]                                         # want FR2103 "upper"
    b = [for k, v in merge(trigger.metadata, { a = trigger.customer }) : upper(v)]             # want FR2103 "upper"
    c = [for k, v in { (trigger.id) = trigger.customer } : upper(v)]                           # want FR2103 "upper"
    d = [for k, v in { for r in local.reasons : "x" => r... } : [for w in v : upper(w)]]       # want FR2103 "upper"
    e = [for x in { a = [trigger.customer] }.a : upper(x)]                                     # want FR2103 "upper"
    f = [for l in [local.reasons] : [for x in l : upper(x)]]                                   # want FR2103 "upper"
    g = [for l in [[for x in local.reasons : { a = [x] }]] : [for o in l : [for x in o.a : upper(x)]]] # want FR2103 "upper"
    h = [for k, v in zipmap(["a"], [local.reasons]) : [for x in v : upper(x)]]                 # want FR2103 "upper"
    i = [for x in jsondecode("[[null]]")[0] : upper(x)]                                        # want FR2103 "upper"
    j = [for x in jsondecode("{\"a\": [null]}").a : upper(x)]                                  # want FR2103 "upper"
    k = [for x in coalesce(local.reasons, []) : upper(x)]                                      # want FR2103 "upper"
    l = [for x in element([local.reasons], 0) : upper(x)]                                      # want FR2103 "upper"
    m = [for x in lookup({ a = local.reasons }, "a", []) : upper(x)]                           # want FR2103 "upper"
    n = [for k, v in { for r in local.reasons : "x" => r... } : upper(v)]                      # want FR2101
    o = [for l in [compact(local.reasons)] : [for x in l : upper(x)]]
    p = [for x in flatten([trigger.tags, compact(local.reasons)]) : upper(x)]
    q = trigger.metadata[trigger.amount] # want FR2110 "keys of a map are strings"
    r = trigger.metadata[tostring(trigger.amount)]
    s = [for t in trigger.tags : upper(trigger.tags[0])]
    t = upper(try(trigger.currency, event.account))
    u = upper(try(trigger.customer, "none")) # want FR2103 "upper"
    v = upper(try(trigger.tags[0], "none"))  # want FR2103 "upper"
    w = trigger.customer != null ? (trigger.customer == null ? upper(trigger.invoice) : upper(trigger.customer)) : "none"
  }
}
