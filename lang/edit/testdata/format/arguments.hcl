recipe = "billing/dunning"
wait_for   =   "x"
# about the test
test "one" {
  event x {}
}
after = 1

   
last = [
1,
2
]
/* a comment
   of two lines */ test "two" {}
