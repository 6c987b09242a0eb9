action "customerio_send_email" {
  body = <<EOT
  Hello ${ trigger.name },  
# no comment

%{ if trigger.amount>5 }much%{ endif }
EOT
  subject="a   b ${trigger.a+1}"
  long = (trigger.a
    + trigger.b)
  cond = trigger.a ? "x":"y"
  f = [for k,v in trigger.metadata:v if v!=""]
  neg = -1
  not = !trigger.b
}
