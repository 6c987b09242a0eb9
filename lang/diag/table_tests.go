package diag

import "github.com/hashicorp/hcl/v2"

// testRows is the part of the table about tests of recipes: FR6xxx. Rows stand in the order of their codes.
var testRows = [...]Entry{
	{
		Code: TestOfNothing, Severity: hcl.DiagError, Summary: "Test of a recipe that is not there",
		Cause: "A file of tests is about the recipe of its own name: billing/dunning.test.hcl tests billing/dunning. recipe = \"…\", at the top of the file or in a test, names another.",
		Bad:   testedWith("test \"failed payments are tracked\" {\n  recipe = \"exampel\"\n  event \"stripe_charge_failed\" {}\n}\n"),
		Good:  testedWith("test \"failed payments are tracked\" {\n  recipe = \"example\"\n  event \"stripe_charge_failed\" {}\n}\n"),
	},
	{
		Code: TestUnknownName, Severity: hcl.DiagError, Summary: "Unknown name in a test",
		Cause: "The event, the step's answer or input, the envelope or the project has nothing of that name. A test that sets what nothing reads would pass for the wrong reason.",
		Bad:   testedWith("test \"failed payments are tracked\" {\n  event \"stripe_charge_failed\" {\n    amout = 12000\n  }\n}\n"),
		Good:  testedWith("test \"failed payments are tracked\" {\n  event \"stripe_charge_failed\" {\n    amount = 12000\n  }\n}\n"),
	},
	{
		Code: TestValue, Severity: hcl.DiagError, Summary: "Wrong value in a test",
		Cause: "The value can't stand there: it has another type than the shape declares, is null where that never is, or is none of the words that are possible.",
		Bad:   testedWith("test \"failed payments are tracked\" {\n  event \"stripe_charge_failed\" {\n    amount = \"much\"\n  }\n}\n"),
		Good:  testedWith("test \"failed payments are tracked\" {\n  event \"stripe_charge_failed\" {\n    amount = 12000\n  }\n}\n"),
	},
	{
		Code: TestUnknownStep, Severity: hcl.DiagError, Summary: "Unknown step in a test",
		Cause: "The recipe has no step or filter of that name. An action that is written without a name has that of its type; one of on_error is on_error.NAME.",
		Bad:   testedWith("test \"failed payments are tracked\" {\n  event \"stripe_charge_failed\" {}\n  expect action \"track\" {\n    calls = 1\n  }\n}\n"),
		Good:  testedWith("test \"failed payments are tracked\" {\n  event \"stripe_charge_failed\" {}\n  expect action \"customerio_track\" {\n    calls = 1\n  }\n}\n"),
	},
	{
		Code: TestWithoutEvent, Severity: hcl.DiagError, Summary: "Test without an event",
		Cause: "A recipe is started by an event, so that a test without one shows nothing.",
		Bad:   testedWith("test \"failed payments are tracked\" {\n  expect action \"customerio_track\" {\n    calls = 1\n  }\n}\n"),
		Good:  testedWith("test \"failed payments are tracked\" {\n  event \"stripe_charge_failed\" {}\n  expect action \"customerio_track\" {\n    calls = 1\n  }\n}\n"),
	},
	{
		Code: TestOtherEvent, Severity: hcl.DiagError, Summary: "Event that the recipe does not take",
		Cause: "The recipe neither starts with such events nor waits for one.",
		Bad:   testedWith("test \"failed payments are tracked\" {\n  event \"stripe_customer_created\" {}\n}\n"),
		Good:  testedWith("test \"failed payments are tracked\" {\n  event \"stripe_charge_failed\" {}\n}\n"),
	},
	{
		Code: TestFixture, Severity: hcl.DiagError, Summary: "Fixture that is no event",
		Cause: "A fixture is a service's event as JSON, or the object that the event is about. file(\"…\") names it by its path from the root of the project.",
		Bad:   testedWith("test \"failed payments are tracked\" {\n  event = \"charge.failed\"\n}\n"),
		Good:  testedWith("test \"failed payments are tracked\" {\n  event = jsonencode({ id = \"ch_1\", amount = 12000, customer = \"cus_1\" })\n}\n"),
	},
	{
		Code: DuplicateTest, Severity: hcl.DiagError, Summary: "Two tests of one name",
		Cause: "Reports and -filter know a test by its file and its name.",
		Bad:   testedWith("test \"tracked\" {\n  event \"stripe_charge_failed\" {}\n}\n\ntest \"tracked\" {\n  event \"stripe_charge_failed\" {}\n}\n"),
		Good:  testedWith("test \"tracked\" {\n  event \"stripe_charge_failed\" {}\n}\n\ntest \"tracked again\" {\n  event \"stripe_charge_failed\" {}\n}\n"),
	},
	{
		Code: TestEval, Severity: hcl.DiagError, Summary: "Expression of a test has no value",
		Cause: "The expressions of a test know the functions of the language and file(), and no names: what a test says stands in it.",
		Bad:   testedWith("test \"failed payments are tracked\" {\n  event \"stripe_charge_failed\" {\n    amount = trigger.amount\n  }\n}\n"),
		Good:  testedWith("test \"failed payments are tracked\" {\n  event \"stripe_charge_failed\" {\n    amount = max(5000, 12000)\n  }\n}\n"),
	},
	{
		Code: TestAnswer, Severity: hcl.DiagError, Summary: "Mock that says no answer",
		Cause: "A mock says what a call comes to: a result, an error of a kind, or a sequence of those, one for each call.",
		Bad:   testedWith("test \"failed payments are tracked\" {\n  event \"stripe_charge_failed\" {}\n  mock action \"customerio_track\" {}\n}\n"),
		Good:  testedWith("test \"failed payments are tracked\" {\n  event \"stripe_charge_failed\" {}\n  mock action \"customerio_track\" {\n    error {\n      kind = \"server\"\n    }\n  }\n}\n"),
	},
}

// testedWith is a project of a recipe and its tests.
func testedWith(tests string) string {
	return `-- example.hcl --
trigger "stripe_charge_failed" {}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
}
-- example.test.hcl --
` + tests
}
