test bare {
event stripe_charge_failed {
amount=1
}
mock action customer {
  result = {}
}
expect action "x" {
calls=1
  inputs = [
{ a = 1 },
]
}
}
