recipe {
  description = "Add what the company register knows to new customers"
}

trigger "stripe_customer_created" {}

filter "with a name" {
  condition = trigger.name != null
}

action "http_request" "company" {
  url       = "https://register.example.com/companies"
  query     = { name = trigger.name }
  ok_status = [404]

  answer = {
    name      = string
    employees = optional(number)
    tags      = list(string)
  }
}

filter "that the register knows" {
  condition = action.company.body != null
}

action "http_request" "noted" {
  method             = "POST"
  url                = "https://notes.example.com/notes"
  idempotency_header = "Idempotency-Key"
  body = {
    customer  = trigger.id
    employees = coalesce(action.company.body.employees, 0)
  }
}
