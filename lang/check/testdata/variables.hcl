variable "plans" {
  type    = map(object({ price = number, name = optional(string) }))
  default = {}
  validation {
    condition     = length(var.plans) < 10
    error_message = "At most nine plans, not ${length(var.plans)}."
  }
}

variable "maybe" {
  type    = string
  default = null
}

trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = var.maybe # want FR2103 "because its default is"
  name = "x"
  data = {
    a = var.plans["a"].price # want FR2103
    b = try(var.plans["a"].price + 1, 0)
    c = try(upper(var.plans["a"].name), "")
    d = [for k, v in var.plans : v.prcie] # want FR2004 "Did you mean \"price\""
    e = [for k, v in var.plans : upper(v.name)] # want FR2103
  }
}
