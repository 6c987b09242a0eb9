package edit_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/lang/edit"
	"github.com/flowrun/flowrun/lang/langtest"
)

const tested = `trigger "stripe_charge_failed" {}

filter "large" {
  condition = trigger.amount > var.floor
}

action "stripe_customer_retrieve" "customer" {
  customer = coalesce(trigger.customer, "cus_1")
}

action "customerio_track" {
  for_each = ["a", "b"]
  id       = "${action.customer.id}${each.value}"
  name     = "failed"
}

on_error {
  action "customerio_track" "tell" {
    id   = "ops"
    name = error.kind
  }
}
`

const testsOfIt = `test "a large one" {
  variables = { floor = "10" }
  event "stripe_charge_failed" {
    amount = 11
  }
  mock action "customer" {
    result = { email = "jo@example.com" }
  }
  mock action "customerio_track" {
    each "1" {
      error {
        kind = "refused"
      }
    }
  }
  expect {
    outcome = "failed"
    order   = ["customer", "customerio_track", "on_error.tell"]
    error {
      step = "customerio_track"
    }
  }
  expect action "on_error.tell" {
    calls = 1
  }
}
`

// withTests is a project with a recipe and tests of it, and tests of it in another file.
func withTests() *edit.Workspace {
	w := edit.NewWorkspace(langtest.Catalog())
	w.Set("flowrun.hcl", []byte("variable \"floor\" {\n  type = number\n}\n"))
	w.Set("failed.hcl", []byte(tested))
	w.Set("failed.test.hcl", []byte(testsOfIt))
	w.Set("more.test.hcl", []byte("test \"more\" {\n  recipe = \"failed\"\n  event \"stripe_charge_failed\" {}\n  mock action \"customer\" {\n    result = {}\n  }\n}\n"))
	return w
}

func found(t *testing.T, w *edit.Workspace, name string) string {
	t.Helper()
	all, done := w.Diagnostics(never)
	if !done {
		t.Fatal("the check was stopped")
	}
	return text(all[name])
}

func TestTestsAreChecked(t *testing.T) {
	w := withTests()
	all, _ := w.Diagnostics(never)
	if len(all) > 0 {
		t.Fatalf("found %v", all)
	}
	set := func(old, with string) {
		w.Set("failed.test.hcl", []byte(strings.Replace(testsOfIt, old, with, 1)))
	}
	set("amount = 11", "amout = 11")
	if got := found(t, w, "failed.test.hcl"); !strings.Contains(got, `FR6002 in test "a large one" There is no attribute "amout"`) {
		t.Errorf("an attribute: %s", got)
	}
	set("", "")
	if got := found(t, w, "failed.test.hcl"); got != "" {
		t.Errorf("once it is mended: %s", got)
	}

	// A change of the recipe is one of its tests.
	w.Set("failed.hcl", []byte(strings.Replace(tested, `"stripe_customer_retrieve" "customer"`, `"stripe_customer_retrieve" "who"`, 1)))
	if got := found(t, w, "failed.test.hcl"); got != "" {
		t.Errorf("a recipe with mistakes is told of in its own file: %s", got)
	}
	w.Set("failed.hcl", []byte(strings.ReplaceAll(strings.Replace(tested, `"customer" {`, `"who" {`, 1), "action.customer.", "action.who.")))
	if got := found(t, w, "failed.test.hcl"); strings.Count(got, `no action "customer"`) != 2 {
		t.Errorf("a step that has another name: %s", got)
	}
	w.Set("failed.hcl", []byte("trigger {"))
	if got := found(t, w, "failed.test.hcl"); got != "" {
		t.Errorf("a recipe that can't be read: %s", got)
	}
	w.Remove("failed.hcl")
	if got := found(t, w, "more.test.hcl"); !strings.Contains(got, `There is no recipe "failed"`) {
		t.Errorf("a recipe that is gone: %s", got)
	}
	w.Set("failed.hcl", []byte(tested))
	w.Set("failed.test.hcl", []byte("test \"x\" {\n  evnt \"a\" {}\n"))
	if got := found(t, w, "failed.test.hcl"); !strings.Contains(got, "FR1003") {
		t.Errorf("a broken file: %s", got)
	}
}

// TestTestsReadFixtures reads a fixture whenever tests are checked: nobody says when it changes.
func TestTestsReadFixtures(t *testing.T) {
	w := withTests()
	body := "{"
	w.ReadFile = func(name string) ([]byte, error) {
		if name != "fixtures/one.json" {
			return nil, errors.New("no such file")
		}
		return []byte(body), nil
	}
	w.Set("more.test.hcl", []byte("test \"more\" {\n  recipe = \"failed\"\n  event  = file(\"fixtures/one.json\")\n}\n"))
	if got := found(t, w, "more.test.hcl"); !strings.Contains(got, "not JSON") {
		t.Errorf("found %s", got)
	}
	body = "{}"
	if got := found(t, w, "more.test.hcl"); got != "" {
		t.Errorf("found %s", got)
	}
	w.Set("more.test.hcl", []byte("test \"more\" {\n  recipe = \"failed\"\n  event  = file(\"fixtures/two.json\")\n}\n"))
	if got := found(t, w, "more.test.hcl"); !strings.Contains(got, "no such file") {
		t.Errorf("found %s", got)
	}
}

func TestNamesInTests(t *testing.T) {
	w := withTests()
	w.Diagnostics(never)
	for _, c := range []struct {
		file, at   string // the cursor stands at the end of this text
		definition string
		references int // with the declaration
	}{
		{"failed.test.hcl", `mock action "cust`, "failed.hcl:7 customer", 5},
		{"failed.test.hcl", `order   = ["cust`, "failed.hcl:7 customer", 5},
		{"failed.test.hcl", `expect action "on_error.te`, "failed.hcl:18 tell", 3},
		{"failed.test.hcl", `step = "customerio_`, "failed.hcl:11 customerio_track", 4},
		{"failed.hcl", `"stripe_customer_retrieve" "cust`, "failed.hcl:7 customer", 5},
		{"more.test.hcl", `mock action "cust`, "failed.hcl:7 customer", 5},
		{"failed.test.hcl", "variables = { flo", "flowrun.hcl:1 floor", 3},
		{"failed.test.hcl", `event "stripe_ch`, `failed.hcl:1 trigger "stripe_charge_failed"`, 0},
		{"more.test.hcl", `recipe = "fai`, "failed.hcl:1 ", 0},
	} {
		text, _ := w.Text(c.file)
		at := strings.Index(string(text), c.at) + len(c.at)
		list := w.Definition(c.file, at)
		if len(list) != 1 || place(w, list[0]) != c.definition {
			t.Errorf("%s: definitions %v", c.at, list)
		}
		if n := len(w.References(c.file, at, true)); n != c.references {
			t.Errorf("%s: %d references", c.at, n)
		}
	}
}

// TestRenameInTests gives steps and variables other names, from tests and from recipes: nothing is wrong afterwards.
func TestRenameInTests(t *testing.T) {
	for _, c := range []struct {
		file, at string
		want     []string // in failed.test.hcl
	}{
		{"failed.hcl", `"stripe_customer_retrieve" "cust`, []string{`mock action "renamed" {`, `["renamed", "customerio_track", "on_error.tell"]`}},
		{"more.test.hcl", `mock action "cust`, []string{`mock action "renamed" {`}},
		{"failed.test.hcl", `step = "customerio_`, []string{`mock action "renamed" {`, `"customer", "renamed",`, `step = "renamed"`}},
		{"failed.hcl", `"customerio_track" "te`, []string{`"on_error.renamed"]`, `expect action "on_error.renamed" {`}},
		{"flowrun.hcl", `variable "fl`, []string{"{ renamed ="}},
	} {
		w := withTests()
		w.Diagnostics(never)
		src, _ := w.Text(c.file)
		edits, err := w.Rename(c.file, strings.Index(string(src), c.at)+len(c.at), "renamed")
		if err != nil {
			t.Errorf("%s: %v", c.at, err)
			continue
		}
		apply(w, edits)
		src, _ = w.Text("failed.test.hcl")
		for _, want := range c.want {
			if !strings.Contains(string(src), want) {
				t.Errorf("%s: %q is not in\n%s", c.at, want, src)
			}
		}
		if all, _ := w.Diagnostics(never); len(all) > 0 {
			t.Errorf("%s: %v", c.at, all)
		}
	}
	w := withTests()
	w.Set("failed.test.hcl", []byte(testsOfIt+"test {"))
	if _, err := w.Rename("failed.hcl", strings.Index(tested, `"customer"`)+2, "x"); err == nil || !strings.Contains(err.Error(), "failed.test.hcl has syntax errors") {
		t.Errorf("a broken file of tests is passed over: %v", err)
	}
}

func TestHoverInTests(t *testing.T) {
	for _, c := range []struct{ at, want string }{
		{"    amo", "amount: number"},
		{`event "stripe_charge`, "A charge failed."},
		{"  var", "Values of variables"},
		{"  mo", "What a step answers"},
		{`mock action "cust`, `action "stripe_customer_retrieve" "customer"`},
		{"result = { ema", "email: string or null"},
		{"outc", "How the run ended."},
		{"  cal", "How many calls"},
		{"        ki", "The kind of failure."},
	} {
		w := withTests()
		w.Diagnostics(never)
		h := w.Hover("failed.test.hcl", strings.Index(testsOfIt, c.at)+len(c.at))
		if h == nil || !strings.Contains(h.Text, c.want) {
			t.Errorf("%s: %+v", c.at, h)
		}
	}
}

// TestFixesInTests mends names and values that have a near neighbour.
func TestFixesInTests(t *testing.T) {
	for _, c := range []struct{ old, with, fix string }{
		{"amount = 11", "amout = 11", "Change to amount"},
		{`mock action "customer"`, `mock action "custmer"`, `Change to "customer"`},
		{`outcome = "failed"`, `outcome = "failled"`, `Change to "failed"`},
		{`kind = "refused"`, `kind = "refusd"`, `Change to "refused"`},
		{`event "stripe_charge_failed"`, `event "stripe_charge_faild"`, `Change to "stripe_charge_failed"`},
		{`["customer",`, `["customr",`, `Change to "customer"`},
		{"{ floor =", "{ flor =", "Change to floor"},
		{"result = { email", "result = { emial", "Change to email"},
	} {
		w := withTests()
		w.Set("failed.test.hcl", []byte(strings.Replace(testsOfIt, c.old, c.with, 1)))
		all, _ := w.Diagnostics(never)
		fixes := w.Fixes("failed.test.hcl", all["failed.test.hcl"])
		if !slices.ContainsFunc(fixes, func(f edit.Fix) bool { return f.Title == c.fix }) {
			t.Errorf("%s: %+v for %v", c.with, fixes, all)
			continue
		}
		apply(w, fixes[0].Edits)
		if got := found(t, w, "failed.test.hcl"); got != "" {
			t.Errorf("%s is not mended: %s", c.with, got)
		}
	}
}

func TestOutlineOfTests(t *testing.T) {
	w := withTests()
	list := w.Symbols("failed.test.hcl")
	if len(list) != 1 || list[0].Name != "a large one" || list[0].Detail != "test" || len(list[0].Children) != 5 || list[0].Children[1].Name != "customer" {
		t.Errorf("%+v", list)
	}
}
