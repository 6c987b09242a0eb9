package testrun_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/suite"
	"github.com/flowrun/flowrun/runtime/testrun"
)

func bind(p *lang.Program, vars map[string]string) (*lang.Bindings, hcl.Diagnostics) {
	return p.Bind(lang.Inputs{Vars: vars, Env: func(name string) (string, bool) {
		return "made-up", !strings.HasPrefix(name, "FLOWRUN_") && !strings.HasSuffix(name, "_URL") && name != "CUSTOMERIO_REGION"
	}})
}

// prepare compiles recipes and tests.
func prepare(t testing.TB, recipes, tests map[string][]byte) (*testrun.Runner, []*suite.Test) {
	t.Helper()
	registry := all.Registry()
	p, diags := lang.CompileFiles(recipes, registry)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var kinds []string
	for _, k := range connectors.Kinds() {
		kinds = append(kinds, string(k))
	}
	compiled, diags := suite.Compile(tests, suite.Options{Program: p, Catalog: registry, Kinds: kinds})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	r, err := testrun.New(testrun.Config{Program: p, Specs: all.Specs(), Bind: bind})
	if err != nil {
		t.Fatal(err)
	}
	return r, compiled
}

const recipe = `trigger "stripe_charge_failed" {}

action "stripe_customer_retrieve" "customer" {
  customer = coalesce(trigger.customer, "cus_1")
}

action "customerio_track" "left" {
  for_each = ["a", "b", "c"]
  id       = each.value
  name     = "left"
}

action "customerio_track" "right" {
  id   = trigger.id
  name = "right"
}

wait "pause" {
  for = "72h"
}

action "customerio_track" "after" {
  id   = trigger.id
  name = try(action.customer.email, null) == null ? "no address" : "address"
}
`

// run runs the body of one test and returns its result.
func run(t testing.TB, body string) *testrun.Result {
	t.Helper()
	r, tests := prepare(t, map[string][]byte{"r.hcl": []byte(recipe)}, map[string][]byte{"r.test.hcl": []byte("test \"x\" {\n  event \"stripe_charge_failed\" {}\n" + body + "\n}\n")})
	return r.RunOne(t.Context(), tests[0])
}

func story(res *testrun.Result) string {
	var b strings.Builder
	for _, c := range res.Calls {
		fmt.Fprintf(&b, "%s %s[%s] %d\n", c.At.Format(time.RFC3339Nano), c.Step, c.Each, c.Attempts)
	}
	for _, f := range res.Failures {
		fmt.Fprintf(&b, "%s: %s / %s\n", f.What, f.Expected, f.Actual)
	}
	for _, o := range res.Events {
		fmt.Fprintf(&b, "%s %s\n", o.Status, o.Run.EndedAt)
		for _, s := range o.Run.Steps {
			raw, _ := json.Marshal(s)
			b.Write(append(raw, '\n'))
		}
	}
	return b.String()
}

// TestSameEveryTime runs a test whose steps would run in parallel, with retries, again and again.
func TestSameEveryTime(t *testing.T) {
	const body = `
  mock action "left" {
    each "1" {
      sequence = [{ error = { kind = "server" } }, { error = { kind = "timeout" } }, { result = {} }]
    }
  }
  mock action "right" {
    sequence = [{ error = { kind = "rate_limited", retry_after = "1m" } }, { result = {} }]
  }`
	first := story(run(t, body))
	for range 20 {
		if again := story(run(t, body)); again != first {
			t.Fatalf("first:\n%s\nthen:\n%s", first, again)
		}
	}
	if !strings.Contains(first, "action.left[1] 3") || !strings.Contains(first, "action.right[] 2") || !strings.Contains(first, "completed") {
		t.Error(first)
	}
}

// TestExpectationsFail holds that what is not so is said, expectation by expectation.
func TestExpectationsFail(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"outcome": {`expect {
  outcome = "filtered"
}`, "outcome: filtered / completed"},
		"error": {`expect {
  error {
    kind = "server"
  }
}`, "error: an error / none"},
		"order": {`expect {
  order = ["after", "customer"]
}`, "order: action.after\naction.customer / action.customer\naction.after"},
		"calls": {`expect action "left" {
  calls = 2
}`, "calls: 2 / 3"},
		"calls of an element": {`expect action "left" {
  each  = "1"
  calls = 2
}`, "calls: 2 / 1"},
		"retries": {`expect action "right" {
  retries = 1
}`, "retries: 1 / 0"},
		"input": {`expect action "right" {
  input = { name = "wrong" }
}`, "input: {\n  \"name\": \"wrong\"\n} / {\n  \"name\": \"right\"\n}"},
		"input of none": {`mock action "customer" {
  error {
    kind = "refused"
  }
}
expect {
  outcome = "failed"
}
expect action "after" {
  input = { name = "x" }
}`, "input: {\n  \"name\": \"x\"\n} / no call was made"},
		"inputs": {`expect action "left" {
  inputs = [{ id = "a" }, { id = "b" }]
}`, "inputs: {"},
		"the end of a wait": {`expect wait "pause" {
  until = "71h"
}`, "until: 2026-01-03T23:00:00Z / 2026-01-04T00:00:00Z"},
		"what is kept": {`expect state "nothing" {
  value = "x"
}`, "state \"nothing\": \"x\" / null"},
		"a failure that is not spoken of": {`mock action "right" {
  error {
    kind    = "refused"
    message = "no"
  }
}`, "the run of event 1 failed, which no expect { … } of the test says: action.right: no (refused)"},
		"a null answer is null": {`mock action "customer" {
  result = { email = null }
}
expect action "after" {
  input = { name = "address" }
}`, "\"no address\""},
	} {
		t.Run(name, func(t *testing.T) {
			res := run(t, c.body)
			var got strings.Builder
			for _, f := range res.Failures {
				got.WriteString(f.What)
				if f.Expected != "" {
					got.WriteString(": " + f.Expected + " / " + f.Actual)
				}
			}
			if len(res.Failures) != 1 || !strings.Contains(got.String(), c.want) {
				t.Errorf("%d failures: %s, want %s", len(res.Failures), got.String(), c.want)
			}
		})
	}
}

// TestSiblingsOfAFailure holds that calls which are made at the same time are all made, as when served.
func TestSiblingsOfAFailure(t *testing.T) {
	res := run(t, `
  mock action "left" {
    error {
      kind = "refused"
    }
  }
  expect {
    outcome = "failed"
  }
  expect action "left" {
    calls = 3
  }
  expect action "right" {
    calls = 1
  }
  expect action "after" {
    calls = 0
  }`)
	if !res.Passed() {
		t.Error(story(res))
	}
}

// TestCoverOfCalled counts what a test shows of a recipe that the tested one calls.
func TestCoverOfCalled(t *testing.T) {
	r, tests := prepare(t, map[string][]byte{
		"lib.hcl": []byte(`trigger "recipe_call" {
  inputs = {
    amount = number
  }
}

filter "large" {
  condition = trigger.amount > 10
}

action "customerio_track" {
  id   = "ops"
  name = "large"
}
`),
		"main.hcl": []byte(`trigger "stripe_charge_failed" {}

action "recipe_run" "lib" {
  recipe = "lib"
  inputs = { amount = trigger.amount }
}
`)}, map[string][]byte{"main.test.hcl": []byte(`test "x" {
  event "stripe_charge_failed" {
    amount = 5
  }
  event "stripe_charge_failed" {
    amount = 50
  }
  expect action "lib" {
    inputs = [{ amount = 5 }, { amount = 50 }]
  }
}
`)})
	results := r.Run(t.Context(), tests)
	if !results[0].Passed() {
		t.Error(results[0].Failures)
	}
	c := testrun.Cover([]*check.Recipe{results[0].Called[0].Verdict.Recipe, tests[0].Recipe}, results)
	if c.Covered != 4 || c.Points != 4 {
		t.Errorf("%+v", c)
	}
}

func TestDiff(t *testing.T) {
	got := strings.Join(testrun.Diff("{\n  \"a\": 1,\n  \"b\": 2\n}", "{\n  \"a\": 1,\n  \"b\": 3\n}"), "\n")
	if want := "  {\n    \"a\": 1,\n-   \"b\": 2\n+   \"b\": 3\n  }"; got != want {
		t.Errorf("got\n%s", got)
	}
	if got := testrun.Diff("x", "x"); len(got) != 1 || got[0] != "  x" {
		t.Errorf("equal texts: %q", got)
	}
}

var manyTests = flag.Int("tests", 100, "how many tests TestMany runs, each of a recipe of its own")

// TestMany runs tests of many recipes beside each other; -v tells how long it took.
func TestMany(t *testing.T) {
	recipes, tests := map[string][]byte{}, map[string][]byte{}
	for i := range *manyTests {
		recipes[fmt.Sprintf("r%d.hcl", i)] = []byte(recipe)
		tests[fmt.Sprintf("r%d.test.hcl", i)] = []byte(fmt.Sprintf("test \"x\" {\n  event \"stripe_charge_failed\" {\n    id = \"ch_%d\"\n  }\n  expect action \"after\" {\n    calls = 1\n    input = { id = \"ch_%d\" }\n  }\n}\n", i, i))
	}
	began := time.Now()
	r, compiled := prepare(t, recipes, tests)
	ready := time.Now()
	for _, res := range r.Run(context.Background(), compiled) {
		if !res.Passed() {
			t.Errorf("%s: %v", res.Test.Recipe.Name, res.Failures)
		}
	}
	t.Logf("%d tests: compiled in %s, run in %s", len(compiled), ready.Sub(began), time.Since(ready))
}
