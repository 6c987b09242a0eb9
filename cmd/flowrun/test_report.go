package main

import (
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime/control"
	"github.com/flowrun/flowrun/runtime/testrun"
)

// testReport says how tests came out: to people, to programs, and to what reads JUnit's format.
type testReport struct {
	m       *Main
	bench   *bench
	results []*testrun.Result
	cover   *testrun.Coverage
	filter  string // -filter
	all     int    // tests, those that it leaves out among them
}

func (r *testReport) failed() int {
	n := 0
	for _, res := range r.results {
		if !res.Passed() {
			n++
		}
	}
	return n
}

func (r *testReport) text() {
	out := r.m.Stdout
	for _, res := range r.results {
		if !res.Passed() {
			r.one(res)
		}
	}
	if r.cover != nil {
		r.coverage()
	}
	failed := r.failed()
	switch {
	case len(r.results) == 0 && r.all > 0:
		fmt.Fprintf(out, "none of %s matches -filter %q\n", plural(r.all, "test"), r.filter)
	case len(r.results) == 0:
		fmt.Fprintf(out, "no tests in %s\n", r.bench.project.shown)
	case failed == 0:
		fmt.Fprintf(out, "%s passed\n", plural(len(r.results), "test"))
	default:
		fmt.Fprintf(out, "%s failed, %d passed\n", plural(failed, "test"), len(r.results)-failed)
	}
}

// one shows a test that failed: what was expected, what came, the gates that said no, and the calls.
func (r *testReport) one(res *testrun.Result) {
	out := r.m.Stdout
	fmt.Fprintf(out, "FAIL %s: %s  %s:%d\n", res.Test.Recipe.Name, res.Test.Name, res.Test.Range.Filename, res.Test.Range.Start.Line)
	for _, f := range res.Failures {
		fmt.Fprintf(out, "  %s:%d: %s\n", f.Range.Filename, f.Range.Start.Line, f.What)
		if f.Expected == "" && f.Actual == "" {
			continue
		}
		for _, line := range testrun.Diff(f.Expected, f.Actual) {
			fmt.Fprintf(out, "    %s\n", r.colored(line))
		}
	}
	for i, o := range res.Events {
		if o.Verdict == nil {
			continue
		}
		for _, a := range o.Verdict.Gates {
			if !a.Passed {
				fmt.Fprintf(out, "  event %d, %s:\n", i+1, o.Event.Type)
				g := gateOf(o.Verdict.Files, a)
				showGate(r.m, &g)
			}
		}
		if o.Run != nil && o.Run.Error != nil {
			fmt.Fprintf(out, "  event %d, %s: the run failed at %s: %s (%s)\n", i+1, o.Event.Type, orDash(o.Run.Error.Step), o.Run.Error.Message, o.Run.Error.Kind)
		}
	}
	if len(res.Calls) == 0 {
		fmt.Fprintln(out, "  no calls were made")
	} else {
		fmt.Fprintln(out, "  calls made:")
	}
	for _, c := range res.Calls {
		fmt.Fprintf(out, "    %s\n", callLine(res, c))
	}
	fmt.Fprintln(out)
}

func (r *testReport) colored(line string) string {
	if !r.m.color(r.m.Stdout) {
		return line
	}
	switch line[0] {
	case '-':
		return "\x1b[31m" + line + "\x1b[0m"
	case '+':
		return "\x1b[32m" + line + "\x1b[0m"
	}
	return line
}

func callLine(res *testrun.Result, c *testrun.Call) string {
	step := c.Step
	if c.Each != "" {
		step += "[" + c.Each + "]"
	}
	line := fmt.Sprintf("+%s %s %s", c.At.Sub(res.Test.Start), step, c.Action)
	if raw, err := schema.AppendJSONOmitNull(nil, c.Input); err == nil {
		line += " " + string(raw)
	}
	if c.Attempts > 1 {
		line += fmt.Sprintf(" (%d attempts)", c.Attempts)
	}
	if c.Error != nil {
		line += " failed: " + c.Error.Error()
	}
	return line
}

func (r *testReport) coverage() {
	out := r.m.Stdout
	width := 0
	for _, rc := range r.cover.Recipes {
		width = max(width, len(rc.Recipe))
	}
	for _, rc := range r.cover.Recipes {
		fmt.Fprintf(out, "%-*s  %s\n", width, rc.Recipe, share(rc.Covered, len(rc.Points)))
		for _, p := range rc.Points {
			if !p.Covered {
				fmt.Fprintf(out, "  not shown: %s %s, line %d\n", p.Address, p.What, p.Line)
			}
		}
	}
	fmt.Fprintf(out, "%-*s  %s\n\n", width, "total", share(r.cover.Covered, r.cover.Points))
}

func share(covered, points int) string {
	if points == 0 {
		return "nothing to cover"
	}
	return fmt.Sprintf("%5.1f%% (%d of %d)", 100*float64(covered)/float64(points), covered, points)
}

// The JSON below is a contract with other programs.

type testsJSON struct {
	Passed   int           `json:"passed"`
	Failed   int           `json:"failed"`
	Tests    []testJSON    `json:"tests"`
	Coverage *coverageJSON `json:"coverage,omitempty"`
}

type testJSON struct {
	Recipe     string         `json:"recipe"`
	Name       string         `json:"name"`
	Filename   string         `json:"filename"`
	Line       int            `json:"line"`
	Passed     bool           `json:"passed"`
	DurationMS float64        `json:"duration_ms"`
	Failures   []failureJSON  `json:"failures,omitempty"`
	Gates      []control.Gate `json:"gates,omitempty"` // of a test that failed: those that did not let through
	Calls      []string       `json:"calls,omitempty"` // of a test that failed
}

type failureJSON struct {
	Filename string `json:"filename"`
	Line     int    `json:"line"`
	What     string `json:"what"`
	Expected string `json:"expected,omitempty"`
	Actual   string `json:"actual,omitempty"`
}

type coverageJSON struct {
	Covered int                  `json:"covered"`
	Points  int                  `json:"points"`
	Recipes []recipeCoverageJSON `json:"recipes"`
}

type recipeCoverageJSON struct {
	Recipe  string      `json:"recipe"`
	Covered int         `json:"covered"`
	Points  int         `json:"points"`
	Missing []pointJSON `json:"missing,omitempty"`
}

type pointJSON struct {
	Address string `json:"address"`
	What    string `json:"what"`
	Line    int    `json:"line"`
}

func (r *testReport) json() testsJSON {
	out := testsJSON{Failed: r.failed(), Tests: []testJSON{}}
	out.Passed = len(r.results) - out.Failed
	for _, res := range r.results {
		t := testJSON{Recipe: res.Test.Recipe.Name, Name: res.Test.Name, Filename: res.Test.Range.Filename, Line: res.Test.Range.Start.Line,
			Passed: res.Passed(), DurationMS: float64(res.Took.Microseconds()) / 1000}
		for _, f := range res.Failures {
			t.Failures = append(t.Failures, failureJSON{f.Range.Filename, f.Range.Start.Line, f.What, f.Expected, f.Actual})
		}
		if !t.Passed {
			for _, o := range res.Events {
				if o.Verdict == nil {
					continue
				}
				for _, a := range o.Verdict.Gates {
					if !a.Passed {
						t.Gates = append(t.Gates, gateOf(o.Verdict.Files, a))
					}
				}
			}
			for _, c := range res.Calls {
				t.Calls = append(t.Calls, callLine(res, c))
			}
		}
		out.Tests = append(out.Tests, t)
	}
	if r.cover == nil {
		return out
	}
	out.Coverage = &coverageJSON{Covered: r.cover.Covered, Points: r.cover.Points, Recipes: []recipeCoverageJSON{}}
	for _, rc := range r.cover.Recipes {
		one := recipeCoverageJSON{Recipe: rc.Recipe, Covered: rc.Covered, Points: len(rc.Points)}
		for _, p := range rc.Points {
			if !p.Covered {
				one.Missing = append(one.Missing, pointJSON{p.Address, p.What, p.Line})
			}
		}
		out.Coverage.Recipes = append(out.Coverage.Recipes, one)
	}
	return out
}

type junitSuites struct {
	XMLName  xml.Name      `xml:"testsuites"`
	Tests    int           `xml:"tests,attr"`
	Failures int           `xml:"failures,attr"`
	Suites   []*junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`

	took time.Duration
}

type junitCase struct {
	Name      string        `xml:"name,attr"`
	Classname string        `xml:"classname,attr"`
	File      string        `xml:"file,attr"`
	Line      int           `xml:"line,attr"`
	Time      string        `xml:"time,attr"`
	Failure   *junitFailure `xml:"failure"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// junit is the report in JUnit's format: a suite for each file.
func (r *testReport) junit() []byte {
	out := junitSuites{Tests: len(r.results), Failures: r.failed()}
	byFile := map[string]*junitSuite{}
	for _, res := range r.results {
		file := res.Test.Range.Filename
		s := byFile[file]
		if s == nil {
			s = &junitSuite{Name: file}
			byFile[file] = s
			out.Suites = append(out.Suites, s)
		}
		c := junitCase{Name: res.Test.Name, Classname: res.Test.Recipe.Name, File: file, Line: res.Test.Range.Start.Line, Time: seconds(res.Took)}
		if !res.Passed() {
			s.Failures++
			var text strings.Builder
			for _, f := range res.Failures {
				fmt.Fprintf(&text, "%s:%d: %s\n", f.Range.Filename, f.Range.Start.Line, f.What)
				if f.Expected != "" || f.Actual != "" {
					text.WriteString(strings.Join(testrun.Diff(f.Expected, f.Actual), "\n") + "\n")
				}
			}
			c.Failure = &junitFailure{Message: res.Failures[0].What, Text: text.String()}
		}
		s.Tests++
		s.took += res.Took
		s.Time = seconds(s.took)
		s.Cases = append(s.Cases, c)
	}
	body, err := xml.MarshalIndent(out, "", "  ")
	if err != nil { // the types above always marshal
		return nil
	}
	return append([]byte(xml.Header), append(body, '\n')...)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
