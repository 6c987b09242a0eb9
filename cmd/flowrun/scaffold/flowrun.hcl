# What the recipes of this project share. Secrets come from the environment of the server.

connection "stripe" {
  api_key        = env("STRIPE_API_KEY")
  webhook_secret = env("STRIPE_WEBHOOK_SECRET")
}

connection "customerio" {
  site_id = env("CUSTOMERIO_SITE_ID")
  api_key = env("CUSTOMERIO_API_KEY")
}

variable "large_amount" {
  type        = number
  default     = 5000
  description = "From which amount on a failed payment is told of, in the currency's smallest unit"
}
