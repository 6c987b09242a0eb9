package lang_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/langtest"
	"github.com/flowrun/flowrun/lang/schema"
)

// How long the property tests run: go test ./lang -run Promise -recipes 10000 -payloads 100 -seed 7 -v
var (
	recipesFlag  = flag.Int("recipes", 2000, "recipes that the property tests make")
	payloadsFlag = flag.Int("payloads", 8, "payloads that each recipe meets")
	seedFlag     = flag.Uint64("seed", 1, "of the property tests")
)

// byValue are failures that no shape tells: a text that is not a time, two keys that become one, a number that no list has
// room for. What is said of null or of a type is not among them.
var byValue = regexp.MustCompile(strings.Join([]string{
	`every argument is null or an empty string`, `is longer than \d+ bytes`, `Number out of range`, `Expression takes too much`,
	`can't divide zero by zero`, `Duplicate object key`, `RFC 3339`, `not a duration`, `outside the years 0 to 9999`, `within the years 0 to 9999`,
	`not base64`, `not UTF-8 text`, `not JSON that can be read`, `CSV is required`, `the regular expression matches no part`,
	`a list that is not empty and a whole number are required`, `a list and two indices within it`, `at most one element is required`, `a list of the same length`,
	`the list does not hold the value`, `whole number`, `at most 1024 steps`, `the number is too large`, `a finite number is required`, `a positive number`,
	`raised to a whole number`, `number too large`, `a bool is required, or the string`, `a number is required, or a string`, `the result would be larger`,
}, "|"))

// trial is one compiled recipe on its way through payloads.
type trial struct {
	r      *check.Recipe
	locals []eval.Local
}

func newTrial(p *lang.Program) *trial {
	t := &trial{r: p.Recipe("a")}
	for _, l := range t.r.Locals {
		t.locals = append(t.locals, eval.Local{Name: l.Name, Expr: l.Expr})
	}
	return t
}

// scope is what the recipe sees of a payload.
func (t *trial) scope(trigger cty.Value) *eval.Scope {
	scope := eval.NewScope(funcs(), t.locals)
	scope.Set("trigger", trigger)
	scope.Set("event", cty.ObjectVal(map[string]cty.Value{
		"id": cty.StringVal("evt_1"), "type": cty.StringVal("charge.failed"), "time": cty.StringVal("2024-03-01T12:00:00Z"),
		"received_at": cty.StringVal("2024-03-01T12:00:00Z"), "connection": cty.StringVal("stripe"), "account": cty.NullVal(cty.String),
		"livemode": cty.False, "api_version": cty.NullVal(cty.String), "changed": cty.ListValEmpty(cty.String), "replayed": cty.False,
	}))
	scope.Set("run", cty.ObjectVal(map[string]cty.Value{
		"id": cty.StringVal("run_1"), "recipe": cty.StringVal("a"), "started_at": cty.StringVal("2024-03-01T12:00:00Z"), "url": cty.NullVal(cty.String),
	}))
	return scope
}

var funcs = eval.Table

func decode(t *testing.T, o *schema.Object, raw []byte) cty.Value {
	t.Helper()
	trigger, drift, err := o.Decode(raw, &schema.Paths{All: true})
	if err != nil || len(drift) > 0 {
		t.Fatalf("decoding %s: %v %v", raw, drift, err)
	}
	return trigger
}

// TestPromise is the checker's promise over every operator and function in every position: what passes does not fail on
// a payload of the declared shape.
func TestPromise(t *testing.T) {
	g := &generator{Rand: rand.New(rand.NewPCG(*seedFlag, 2))}
	all := eval.Functions()
	cat := langtest.Catalog()
	cells := newCells(subjects(all), positions())
	groups := map[string]int{}
	ran, passed, gaveUp := 0, 0, 0
	broken := 0
	for i := range *recipesFlag {
		position, subject := cells.turn(i)
		text := g.cell(position, subject, all)
		p, diags := lang.CompileFiles(map[string][]byte{"a.hcl": []byte(text)}, cat)
		if syntaxError(diags) {
			t.Fatalf("%v\n%s", diags, text)
		}
		if diags.HasErrors() {
			continue
		}
		passed++
		cells.passed(position, subject)
		trial := newTrial(p)
		for n := range *payloadsFlag {
			raw := g.payloadOf(trial.r.Triggers[0].Payload, n)
			done, err := runNodes(trial.scope(decode(t, trial.r.Triggers[0].Payload, raw)), trial.r)
			switch {
			case err != nil && (byValue.MatchString(err.Error()) || ofDecoded(subject, err)):
				gaveUp++
			case err != nil:
				key := shape(err)
				if groups[key]++; groups[key] == 1 {
					t.Errorf("%s in %s: %v\n%s\n%s", subject, position, err, text, raw)
				}
				broken++
			case done:
				ran++
			}
		}
	}
	t.Logf("seed %d: %d recipes, %d passed; %d payloads each; %d runs came to their end, %d ended on a value that no shape tells, %d broke the promise; %s",
		*seedFlag, *recipesFlag, passed, *payloadsFlag, ran, gaveUp, broken, cells)
	cells.check(t, all)
	if passed < *recipesFlag/5 || ran < *recipesFlag/5 {
		t.Errorf("%d recipes passed and %d runs came to an action: too few to say anything", passed, ran)
	}
}

// ofDecoded reports whether a failure is about what a text decodes to, which only the text tells.
func ofDecoded(subject string, err error) bool {
	return subject == "jsondecode" && strings.Contains(err.Error(), "Invalid template interpolation value")
}

// shape groups failures: the same text at other places of other recipes.
func shape(err error) string {
	_, text, _ := strings.Cut(err.Error(), "; ")
	return regexp.MustCompile(`[0-9]+|"[^"]*"`).ReplaceAllString(text, "#")
}

func syntaxError(diags hcl.Diagnostics) bool {
	return slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool {
		m, _ := diag.MetaOf(d)
		return strings.HasPrefix(string(m.Code), "FR1")
	})
}

// cells counts which subject has passed in which position.
type cells struct {
	subjects, positions []string
	seen                map[[2]string]int
}

func newCells(subjects, positions []string) *cells {
	return &cells{subjects, positions, map[[2]string]int{}}
}

// turn returns the cell that the i-th recipe is about.
func (c *cells) turn(i int) (position, subject string) {
	return c.positions[i%len(c.positions)], c.subjects[i/len(c.positions)%len(c.subjects)]
}

func (c *cells) passed(position, subject string) { c.seen[[2]string{position, subject}]++ }

func (c *cells) String() string {
	return fmt.Sprintf("%d of %d pairs of position and operator or function passed at least once", len(c.seen), len(c.subjects)*len(c.positions))
}

// check fails for a subject or a position that no recipe that passed was about.
func (c *cells) check(t *testing.T, all []eval.Func) {
	t.Helper()
	for i, list := range [][]string{c.positions, c.subjects} {
		for _, name := range list {
			found := false
			for cell := range c.seen {
				found = found || cell[i] == name
			}
			if !found {
				t.Errorf("no recipe with %q passed", name)
			}
		}
	}
}
