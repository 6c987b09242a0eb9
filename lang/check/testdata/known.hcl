# What the text and the shapes tell of the values that a call is given.
trigger "stripe_charge_failed" {}

action "customerio_track" "decoded" {
  id   = trigger.id
  name = "a ${jsondecode("{\"a\": 1}")}" # want FR2105 "ext can't hold an object"
  data = {
    a = "a ${jsondecode("{\"a\": null}").a}" # want FR2103 "ext can't hold null"
    b = "a ${jsondecode("[1]")}"             # want FR2105 "ext can't hold a list"
    c = "a ${jsondecode("null")}"            # want FR2103 "ext can't hold null"
    d = "${jsondecode("{\"a\": 1}").a}"
    e = jsondecode("{\"a\": 1}").b # want FR2004 "no attribute"
    f = jsondecode("[1]")[1]       # want FR2110 "."
    g = jsondecode("[1]")[0] + 1
  }
}

action "customerio_track" "constants" {
  id   = trigger.id
  name = "constants"
  data = {
    a = index(["a"], "b")       # want FR2113 "the list does not hold the value"
    b = zipmap(["a"], [1, 2])   # want FR2113 "the same length"
    c = one(["a", "b"])         # want FR2113 "at most one element"
    d = slice(["a"], 0, 2)      # want FR2113 "within it"
    e = pow(-8, 0.5)            # want FR2113 "whole powers only"
    f = pow(-8, 3)
    g = element(["a", "b"], -1) # from the end
    h = log(0, trigger.amount)  # want FR2106 "a positive number"
    i = log(8, 1)               # want FR2113 "other than 1"
  }
}

action "customerio_track" "lengths" {
  id   = trigger.id
  name = "lengths"
  data = {
    a = zipmap(["a"], [trigger.id, trigger.id])                     # want FR2107 "1 keys and 2 values"
    b = one([trigger.id, trigger.id])                               # want FR2107 "this one has 2"
    c = formatlist("%s%s", [trigger.id], [trigger.id, trigger.id])  # want FR2107 "must have the same length"
    d = slice(trigger.tags, 2, 1)                                   # want FR2110 "not behind its end"
    e = slice(trigger.tags, 0.5, 1)                                 # want FR2110 "whole numbers"
    f = slice([trigger.id], 0, 2)                                   # want FR2110 "to the length of the list"
    g = slice(trigger.tags, 0, 1)
    h = substr(trigger.id, 0.5, 1) # want FR2106 "whole numbers"
    i = indent(-1, trigger.id)     # want FR2106 "from 0 to 1000"
    j = element(["a"], 0.5)        # want FR2113 "whole number"
    k = uuidv5("dnss", trigger.id) # want FR2106 "UUID"
    l = parseint("ff", trigger.amount)
    m = parseint("?", trigger.amount) # want FR2106 "whole number"
  }
}

action "customerio_track" "words" {
  id   = trigger.id
  name = "words"
  data = {
    a = tonumber(trigger.status)                   # want FR2113 "for each of its values"
    b = index(["failed", "pending"], trigger.status) # want FR2113 "where it is \"succeeded\""
    c = index(["failed", "pending", "succeeded"], trigger.status)
    d = parseint(trigger.status, 10)               # want FR2113 "for each of its values"
    e = timeadd(trigger.status, "1h")              # want FR2113 "for each of its values"
    f = regex("^f", trigger.status)                # want FR2113 "where it is \"succeeded\", \"pending\""
    g = trigger.status == "failed" ? regex("^f", trigger.status) : "other"
    h = contains(["failed", "pending"], trigger.status) ? index(["failed", "pending"], trigger.status) : 0
    i = try(tonumber(trigger.status), 0)
    j = jsondecode(trigger.status)                 # want FR2113 "for each of its values"
    k = base64decode(trigger.status)               # want FR2113 "."
    l = trigger.status != "succeeded" && index(["failed", "pending"], trigger.status) > 0
    m = trigger.status == "succeeded" || index(["failed", "pending"], trigger.status) > 0
  }
}

action "customerio_track" "zero" {
  id   = trigger.id
  name = "zero"
  data = {
    a = trigger.amount == 0 ? 5 / trigger.amount : 1 # want FR2113 "always 0 here"
    b = trigger.amount != 0 ? 5 / trigger.amount : 1
    c = trigger.amount > 0 ? 5 % trigger.amount : 1
    d = trigger.amount >= 0 && trigger.amount <= 0 ? 5 % trigger.amount : 1 # want FR2113 "always 0 here"
    e = trigger.amount == 0 ? try(5 / trigger.amount, 0) : 1
  }
}

action "customerio_track" "splats" {
  id   = trigger.id
  name = "splats"
  data = {
    a = try(trigger.refunds.data, [])[*].reason.* # want FR2103 "n a splat"
    b = try(trigger.refunds.data, [])[*].id.*
    c = trigger.customer.*
  }
}

action "customerio_track" "lookups" {
  id   = trigger.id
  name = "lookups"
  data = {
    a = "a ${lookup({ a = "x" }, "b", ["y"])}" # want FR2105
    b = "a ${lookup({ a = "x" }, "a", ["y"])}"
    c = lookup({ a = "x", b = ["y"] }, trigger.id, "z") # want FR2101 "one type"
    d = lookup({ a = "x", b = 1 }, trigger.id, 2) + 1   # want FR2101 "needs a number"
    e = join(trigger.currency, ["a", "b"])
  }
}

locals {
  titles = { failed = "x", "Pending" = "y" }
}

action "customerio_track" "keys" {
  id   = trigger.id
  name = "keys"
  data = {
    a = { failed = "x", sent = "y" }[trigger.status] # want FR2104 "never has the value \"sent\""
    b = lookup({ failed = "x", "sent" = "y" }, trigger.status, "z") # want FR2104 "never has the value \"sent\""
    c = local.titles[trigger.status] # want FR2104 "never has the value \"Pending\""
    d = { failed = "x", pending = "y" }[trigger.status]
    e = { sent = "x" }[trigger.id]
    f = index(["failed", "pending", "succeeded", "sent"], trigger.status) # want FR2104 "never has the value \"sent\""
    g = coalesce({ failed = "x" }[trigger.status], "other")
  }
}
