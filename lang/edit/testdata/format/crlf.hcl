trigger "a" {}
trigger b {}


# why 
action "c" {
  text = <<-EOT
      kept  
    as it is
  EOT
}