package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// invoke runs a command line in a folder.
func invoke(t testing.TB, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	m := &Main{Stdout: &out, Stderr: &errs, Dir: dir, Args: args}
	code = m.Run(context.Background())
	return code, out.String(), errs.String()
}

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestExamplesPassTheirTests runs the tests of our own examples: each has some, and they show all that the recipe can do.
func TestExamplesPassTheirTests(t *testing.T) {
	code, out, errs := invoke(t, root, "test", "examples", "-cover", "-json")
	var report testsJSON
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	if code != exitOK || report.Failed > 0 {
		t.Errorf("exit code %d\n%s", code, out)
	}
	tested := map[string]int{}
	for _, test := range report.Tests {
		tested[test.Recipe]++
	}
	for _, r := range report.Coverage.Recipes {
		if r.Covered != r.Points || tested[r.Recipe] == 0 {
			t.Errorf("%s: %d tests, %d of %d covered; missing %v", r.Recipe, tested[r.Recipe], r.Covered, r.Points, r.Missing)
		}
	}
	if code, out, _ := invoke(t, root, "fmt", "-check", "examples", "cmd/flowrun/scaffold"); code != exitOK {
		t.Errorf("not in the usual format: %s", out)
	}
}

// TestExamplesTakeWhatComes throws extreme events at our own examples: nothing that their triggers allow makes them fail.
func TestExamplesTakeWhatComes(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(root+"/examples")); err != nil {
		t.Fatal(err)
	}
	code, out, errs := invoke(t, dir, "fuzz", "-n", "64")
	if code != exitOK || !strings.HasSuffix(out, "nothing failed\n") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

// TestDocsTestsPass runs the tests of docs/testing.md on the recipe that the page begins with.
func TestDocsTestsPass(t *testing.T) {
	page, err := os.ReadFile(root + "/docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	tests := ""
	for _, m := range hclBlock.FindAllSubmatch(page, -1) {
		if bytes.HasPrefix(m[1], []byte("test ")) {
			tests += string(m[1]) + "\n"
		} else {
			write(t, dir, "dunning.hcl", string(m[1]))
		}
	}
	write(t, dir, "dunning.test.hcl", tests)
	code, out, errs := invoke(t, dir, "test")
	if want := fmt.Sprintf("%d tests passed\n", strings.Count(tests, "\ntest ")+1); code != exitOK || out != want {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	if code, out, _ := invoke(t, dir, "fmt", "-diff"); code != exitOK {
		t.Errorf("not in the usual format:\n%s", out)
	}
}

// TestInit begins a project, and holds it to what a project is held to.
func TestInit(t *testing.T) {
	dir := t.TempDir()
	if code, out, errs := invoke(t, dir, "init", "p"); code != exitOK || !strings.Contains(out, filepath.Join("p", ".github", "workflows", "recipes.yml")) {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	for _, args := range [][]string{{"fmt", "-check", "p"}, {"validate", "p"}, {"test", "p"}} {
		if code, out, errs := invoke(t, dir, args...); code != exitOK || strings.Contains(out, "warning") {
			t.Errorf("%v: exit code %d\n%s%s", args, code, out, errs)
		}
	}
	_, out, _ := invoke(t, dir, "test", "-cover", "p")
	if !strings.Contains(out, "100.0%") || strings.Contains(out, "not shown") {
		t.Errorf("coverage:\n%s", out)
	}
	workflow, err := os.ReadFile(filepath.Join(dir, "p", ".github", "workflows", "recipes.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []string{"flowrun fmt -check", "flowrun validate", "flowrun test"} {
		if !bytes.Contains(workflow, []byte("run: "+step)) {
			t.Errorf("the workflow has no step %q", step)
		}
	}
	before, err := os.ReadFile(filepath.Join(dir, "p", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "p", "flowrun.hcl")); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := invoke(t, dir, "init", "p"); code != exitUsage || !strings.Contains(errs, "overwrites nothing") {
		t.Errorf("a second time: exit code %d\n%s", code, errs)
	}
	if _, err := os.Stat(filepath.Join(dir, "p", "flowrun.hcl")); err == nil {
		t.Error("a refused init wrote a file")
	}
	if after, _ := os.ReadFile(filepath.Join(dir, "p", "README.md")); !bytes.Equal(before, after) {
		t.Error("a refused init changed a file")
	}
}

const tracked = `trigger "stripe_charge_failed" {}

filter "large" {
  condition = trigger.amount > 5000
}

action "customerio_track" {
  id   = coalesce(trigger.customer, "guest")
  name = "payment_failed"
  data = { reason = jsondecode(trigger.description == null ? "{}" : trigger.description) }
}
`

func TestFuzzFindsAndShrinks(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a/tracked.hcl", tracked)
	code, out, errs := invoke(t, dir, "fuzz", "-json")
	var report fuzzJSON
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != exitProblems {
		t.Fatalf("exit code %d, %v\n%s%s", code, err, out, errs)
	}
	if len(report.Failures) == 0 {
		t.Fatal("nothing was found")
	}
	for _, f := range report.Failures {
		if f.Step != "action.customerio_track" || f.Recipe != "a/tracked" {
			t.Errorf("found %+v", f)
		}
		for _, c := range f.Changed {
			if !strings.HasPrefix(c, "description") && !strings.HasPrefix(c, "amount") {
				t.Errorf("the event is not as plain as it can be: %s", c)
			}
		}
		write(t, dir, "a/tracked.test.hcl", fmt.Sprintf("test \"found\" {\n  event = file(%q)\n  expect {\n    outcome = \"failed\"\n  }\n}\n", f.Fixture))
		if code, out, errs := invoke(t, dir, "test"); code != exitOK {
			t.Errorf("%s does not fail in a test: exit code %d\n%s%s", f.Fixture, code, out, errs)
		}
	}
	if _, again, _ := invoke(t, dir, "fuzz", "-json"); again != out {
		t.Errorf("the same seed found something else:\n%s\n%s", out, again)
	}
	if code, out, errs := invoke(t, dir, "fuzz", "nobody"); code != exitUsage {
		t.Errorf("an unknown recipe: exit code %d\n%s%s", code, out, errs)
	}
}

func TestReports(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "r.hcl", tracked)
	write(t, dir, "r.test.hcl", `test "small <ones>" {
  event "stripe_charge_failed" {
    amount = 100
  }
  expect {
    outcome = "completed"
  }
}

test "large ones" {
  event "stripe_charge_failed" {
    amount      = 9000
    description = null
  }
  expect action "customerio_track" {
    calls = 1
  }
}
`)
	code, out, errs := invoke(t, dir, "test", "-junit-xml", "out.xml", "-json")
	var report testsJSON
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	if code != exitProblems || report.Passed != 1 || report.Failed != 1 || report.Tests[0].Failures[0].Actual != "filtered" ||
		report.Tests[0].Failures[0].Line != 5 || len(report.Tests[0].Gates) != 1 || report.Tests[0].Gates[0].Parts[0].Value != "100" {
		t.Errorf("exit code %d\n%s", code, out)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "out.xml"))
	if err != nil {
		t.Fatal(err)
	}
	var suites junitSuites
	if err := xml.Unmarshal(raw, &suites); err != nil {
		t.Fatal(err)
	}
	if suites.Tests != 2 || suites.Failures != 1 || suites.Suites[0].Cases[0].Name != "small <ones>" || !strings.Contains(suites.Suites[0].Cases[0].Failure.Text, "- completed\n+ filtered") {
		t.Errorf("%s", raw)
	}
	if code, out, _ := invoke(t, dir, "test", "-filter", "r: large"); code != exitOK || out != "1 test passed\n" {
		t.Errorf("filtered: exit code %d\n%s", code, out)
	}
	if code, _, _ := invoke(t, dir, "test", "-filter", "("); code != exitUsage {
		t.Errorf("a bad pattern: exit code %d", code)
	}
	write(t, dir, "r.test.hcl", "test \"x\" {\n  event \"stripe_charge_failed\" {\n    amout = 1\n  }\n}\n")
	if code, _, errs := invoke(t, dir, "test"); code != exitProblems || !strings.Contains(errs, "FR6002") || !strings.Contains(errs, "line 3") {
		t.Errorf("a mistake: exit code %d\n%s", code, errs)
	}
}
