# What the recipes in this folder share.

variable "receipt_template" {
  type        = string
  default     = "receipt"
  description = "The transactional message, by its trigger name in Customer.io, that thanks for a purchase"
}
