# What the recipes in this folder share.

variable "receipt_template" {
  type        = string
  default     = "receipt"
  description = "The transactional message, by its trigger name in Customer.io, that thanks for a purchase"
}

variable "support_segment" {
  type        = number
  default     = 7
  description = "The manual segment of people whom support looks after, by its number in Customer.io"
}
