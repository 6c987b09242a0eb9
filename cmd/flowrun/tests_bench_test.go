package main

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkTests runs 500 tests of 50 recipes as the command line does, compiling included. It should take less than 2
// seconds.
func BenchmarkTests(b *testing.B) {
	dir := b.TempDir()
	for n := range 50 {
		name := fmt.Sprintf("team%d/recipe%02d", n%5, n)
		write(b, dir, name+".hcl", fmt.Sprintf(`trigger "stripe_charge_failed" {}

filter "large" {
  condition = trigger.amount >= %d && trigger.customer != null
}

action "stripe_customer_retrieve" "customer" {
  customer = trigger.customer
}

wait "pause" {
  for = "72h"
}

action "customerio_track" "tell" {
  id   = trigger.customer
  name = "failed"
  data = { amount = money(trigger.amount, trigger.currency), mail = action.customer == null ? null : action.customer.email }
}
`, 1000+n))
		var tests strings.Builder
		for k := range 10 {
			amount, calls := 2000+k, 1
			if k%2 == 1 {
				amount, calls = k, 0
			}
			fmt.Fprintf(&tests, `test "case %d" {
  event "stripe_charge_failed" {
    amount   = %d
    customer = "cus_%d"
  }
  mock action "customer" {
    result = { email = "jo%d@example.com" }
  }
  expect action "tell" {
    calls = %d
  }
}
`, k, amount, k, k, calls)
		}
		write(b, dir, name+".test.hcl", tests.String())
	}
	for b.Loop() {
		if code, out, errs := invoke(b, dir, "test"); code != exitOK || out != "500 tests passed\n" {
			b.Fatalf("exit code %d\n%s%s", code, out, errs)
		}
	}
}
