trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = trigger.id
  name = "x"
  data = {
    a = trigger.amount == "2500" # want FR2102 "number.*string.*always false.*without quotes"
    b = trigger.amount != trigger.currency # want FR2102 "always true"
    c = trigger.amount > "100"
    d = trigger.amount > trigger.currency # want FR2101
    e = trigger.amount + "x" # want FR2101 "\\+"
    f = trigger.billing_details == "x" # want FR2102
    g = trigger.status == "faild" # want FR2104 "Did you mean \"failed\""
    h = contains(["failed", "succeded"], trigger.status) # want FR2104 "Did you mean \"succeeded\""
    i = contains(trigger.tags, 5) # want FR2102
    j = "x ${trigger.billing_details}" # want FR2105 "jsonencode"
    k = trigger.amount ? 1 : 2 # want FR2101
    l = !trigger.currency # want FR2101
    m = -trigger.currency # want FR2101
    n = trigger.paid ? 1 : [1] # want FR2101 "of one type"
    o = trigger.paid ? 1 : "a"
    p = abs(trigger.currency) # want FR2101 "abs needs a number"
    q = upper() # want FR2107
    r = upper("a", "b") # want FR2107
    s = trigger.amount / 0 # want FR2106 "divided by zero"
    t = event.type == "charge.faild" # want FR2104 "charge.failed"
    u = trigger.metadata[trigger.tags] # want FR2110
    v = trigger.tags["a"] # want FR2110
    w = [1, 2][5] # want FR2110
    x = matches("a(", trigger.id) # want FR2106 "regular expression"
    y = merge({ a = 1 }, { b = 2 }).c # want FR2004
    z = env("HOME") # want FR4004
  }
}

action "customerio_track" "more" {
  id   = trigger.id
  name = "x"
  data = {
    a = [for k, v in trigger.metadata : "${k}=${v}"]
    b = { for r in try(trigger.refunds.data, []) : r.id => r.amount }
    c = trigger.tags[*]
    d = join(",", trigger.tags)
    e = sum([trigger.amount, 5])
    f = format("%s is %d", trigger.currency, trigger.amount)
    g = jsondecode(coalesce(trigger.metadata.json, "{}")).whatever.it.is
    h = element(trigger.tags, 0) # want FR2110 "empty"
    i = length(trigger.tags) > 0 ? element(trigger.tags, 0) : ""
    j = keys(trigger.metadata)
    k = lookup(trigger.metadata, "plan", "none")
    l = upper(lookup(trigger.metadata, "plan", "none"))
    m = tonumber(coalesce(trigger.metadata.seats, "1")) * 5
    n = "%{ if trigger.paid }yes%{ else }no%{ endif }"
    o = "%{ for t in trigger.tags }${t},%{ endfor }"
    p = trigger.paid
    q = (trigger.billing_details).email
    r = reverse(sort(distinct(trigger.tags)))
    s = concat(trigger.tags, ["a"])
    t = [for b in trigger.tags : b.c] # want FR2004
    u = max(trigger.amount, 100)
    v = { (trigger.id) = 1 }
    w = { for k, v in { a = 1, b = 2 } : upper(k) => v + 1 }
    x = trigger.amount * 2 > 100 ? "big" : "small"
    y = <<-EOT
      charge ${trigger.id}
      of ${trigger.receipt_email} # want FR2103
    EOT
  }
}
