trigger "stripe_charge_failed" {}

action "customerio_track" "functions" {
  id   = trigger.id
  name = "x"
  data = {
    a = from_unix(trigger.created, "Europe/Pariss") # want FR2106 "time zone"
    b = in_zone(run.started_at, "Mars") # want FR2106 "time zone"
    c = format_time(run.started_at, "YYYY", "Europe/Nowhere") # want FR2106 "The third argument of format_time can't be this: not a time zone"
    d = format_time(run.started_at, "YYYY", "UTC", "xx-XX") # want FR2106 "fourth argument"
    e = format_time(run.started_at, "QQQ") # want FR2106 "not a layout"
    f = money(trigger.amount, "euro") # want FR2106 "currency code"
    g = amount(trigger.amount, "xyz") # want FR2106 "currency code"
    h = money(trigger.amount, trigger.currency, "klingon!") # want FR2106 "not a locale"
    i = format_number(trigger.amount, "nope!!") # want FR2106 "not a locale"
    j = matches("[a", trigger.id) # want FR2106 "regular expression"
    k = regexall("(", trigger.id) # want FR2106 "regular expression"
    l = replace(trigger.id, "/[/", "") # want FR2106 "regular expression"
    m = replace(trigger.id, "[", "")
    n = duration("7 days") # want FR2113 "duration"
    o = timeadd(run.started_at, "1 day") # want FR2106 "duration"
    p = timeadd("yesterday", coalesce(trigger.failure_code, "1h")) # want FR2106 "first argument of timeadd.*not a time"
    q = formatdate("QQQ", run.started_at) # want FR2106 "layout"
    r = timecmp(run.started_at, "2024-13-01") # want FR2106 "not a time"
    s = parseint(trigger.id, 99) # want FR2106 "second argument of parseint"
    t = try(timeadd(run.started_at, "1 day"), null)
    u = in_zone(run.started_at, "Europe/Berlin")
  }
}

action "customerio_track" "numbers" {
  id   = trigger.id
  name = "x"
  data = {
    a = trigger.amount / 0 # want FR2106 "divided by zero"
    b = trigger.amount % (2 - 2) # want FR2106 "divided by zero"
    c = 1e400 # want FR2106 "larger than any that JSON carries"
    d = [trigger.amount * 2e308] # want FR2106 "larger"
    e = pow(10, 400) # want FR2113 "larger"
    f = trigger.amount / 3
    g = 1e300
  }
}

action "customerio_track" "comparisons" {
  id   = trigger.id
  name = "x"
  data = {
    a = trigger.customer == "ch_1" # want FR2102 "always an identifier that begins with \"cus_\", and \"ch_1\" is none"
    b = "ch_1" != trigger.customer # want FR2102
    c = contains(["cus_1", "ch_2"], trigger.customer) # want FR2102 "\"ch_2\""
    d = trigger.customer == "cus_2" || trigger.customer == ""
    e = trigger.currency == "dollars" # want FR2102 "currency code"
    f = trigger.currency == "USD" # want FR2102 "lower case, so that this is never \"USD\". Did you mean \"usd\"\\?"
    g = trigger.currency == "usd"
    h = trigger.billing_details.address != null && trigger.billing_details.address.country == "France" # want FR2102 "country code"
    i = contains([trigger.customer], "ch_1") # want FR2102
    j = trigger.invoice == trigger.customer
  }
}

action "customerio_send_email" {
  transactional_message_id = 44
  to                       = "joe" # want FR2106 "e-mail"
  identifiers              = { email = "joe@" } # want FR2106 "e-mail"
  send_at                  = -5 # want FR2106 "negative"
}

action "customerio_send_email" "late" {
  transactional_message_id = 44
  to                       = "jo@example.com"
  identifiers              = { id = "1" }
  send_at                  = 1700000000000000 # want FR2106 "Milliseconds"
}

action "stripe_webhook_endpoint_update" {
  url      = "example.com" # want FR2106 "URL"
  retries  = 1.5 # want FR2106 "whole number"
  currency = "euros" # want FR2106 "currency"
}

action "stripe_customer_retrieve" {
  customer = "ch_123" # want FR2106 "begins with \"cus_\""
}
