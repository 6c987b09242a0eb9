package syntax

// Tests of recipes. They stand in files of their own, *.test.hcl, which are never part of what is served, and are parsed
// apart from recipes: a mistake in a test keeps no server from taking a program.

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/diag"
)

// TestFile is one *.test.hcl.
type TestFile struct {
	Filename string
	Recipe   *Arg // the recipe that its tests are of; nil where the file's name says it
	Tests    []*Test
}

// Test is a test block. An argument is nil where it is left out.
type Test struct {
	Name                            string
	Range                           hcl.Range // the block's header
	NameRange                       hcl.Range
	Recipe, Variables, State, Start *Arg

	Moves   []*Move // events and advances, in the order they are written
	Mocks   []*Mock
	Expects []*Expect
}

// Move is one thing that happens in a test: an event comes, or time passes.
type Move struct {
	Range hcl.Range

	// Advance is how long time passes; nil for an event.
	Advance hclsyntax.Expression

	// Of an event: either Fixture, or the trigger's type and what is changed of its sample.
	Fixture   hclsyntax.Expression
	Type      string
	TypeRange hcl.Range
	Changes   []*Arg // of the payload
	Previous  []*Arg // of the old values of what changed
	Envelope  []*Arg
}

// Mock is a mock block: what a step answers.
type Mock struct {
	Trigger   bool // Step is a trigger: what its object is when it is fetched
	Step      string
	StepRange hcl.Range
	Range     hcl.Range
	Answer
	Each []*MockEach
}

// MockEach is what a step answers for one element of its for_each.
type MockEach struct {
	Key   string
	Range hcl.Range
	Answer
}

// Answer is what a call comes to. One of the fields is set, unless that is a mistake.
type Answer struct {
	Result   *Arg
	Error    []*Arg // of an error block; ErrorRange is its header
	Sequence *Arg

	ErrorRange hcl.Range
}

// ExpectKind tells expectations apart. The zero kind is invalid.
type ExpectKind uint8

const (
	_ ExpectKind = iota
	ExpectRun
	ExpectAction
	ExpectWait
	ExpectState
)

// Expect is an expect block.
type Expect struct {
	Kind      ExpectKind
	Name      string // of the step, or of the value that is kept
	NameRange hcl.Range
	Range     hcl.Range // the block's header
	Args      []*Arg
	Error     []*Arg // of an error block

	ErrorRange hcl.Range // its header; the zero range where there is none
}

// Arg returns the argument of that name, or nil.
func (e *Expect) Arg(name string) *Arg {
	for _, a := range e.Args {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// ParseTests parses files of tests, by their slash-separated paths. Like Parse it never panics, and what it returns can
// be used where there are errors, too.
func ParseTests(files map[string][]byte) ([]*TestFile, hcl.Diagnostics) {
	var out []*TestFile
	var diags hcl.Diagnostics
	for _, name := range slices.Sorted(maps.Keys(files)) {
		body, more := ParseFile(files[name], name)
		diags = append(diags, more...)
		if body == nil || more.HasErrors() {
			continue
		}
		w := walker{file: name}
		out = append(out, w.testFile(body))
		diags = append(diags, w.diags...)
	}
	diag.Sort(diags)
	return out, diags
}

func (w *walker) testFile(body *hclsyntax.Body) *TestFile {
	f := &TestFile{Filename: w.file}
	for _, attr := range sortedAttrs(body) {
		if attr.Name == "recipe" {
			f.Recipe = arg(attr)
			continue
		}
		w.strangeArg(attr, "A file of tests", []string{"recipe"})
	}
	for _, block := range body.Blocks {
		if block.Type != "test" {
			w.unexpected(diag.UnexpectedBlock, block.TypeRange, `A file of tests is made of test "what it shows" { … } blocks, and holds no block "`+block.Type+`".`+
				diag.DidYouMean(block.Type, []string{"test"}), "")
			continue
		}
		w.in("in "+header(block), func() {
			if t := w.test(block); t != nil {
				f.Tests = append(f.Tests, t)
			}
		})
	}
	return f
}

func (w *walker) test(block *hclsyntax.Block) *Test {
	if !w.labels(block, 1, 1, `A test has one label, which says what it shows: test "a large charge is tracked" { … }.`) {
		return nil
	}
	t := &Test{Name: block.Labels[0], NameRange: block.LabelRanges[0], Range: block.DefRange()}
	for _, attr := range sortedAttrs(block.Body) {
		switch attr.Name {
		case "recipe":
			t.Recipe = arg(attr)
		case "variables":
			t.Variables = arg(attr)
		case "state":
			t.State = arg(attr)
		case "start":
			t.Start = arg(attr)
		case "event":
			t.Moves = append(t.Moves, &Move{Range: attr.SrcRange, Fixture: attr.Expr})
		case "advance":
			t.Moves = append(t.Moves, &Move{Range: attr.SrcRange, Advance: attr.Expr})
		default:
			w.strangeArg(attr, "A test", testArgs())
		}
	}
	for _, inner := range block.Body.Blocks {
		switch inner.Type {
		case "event":
			if m := w.testEvent(inner); m != nil {
				t.Moves = append(t.Moves, m)
			}
		case "advance":
			w.advance(t, inner)
		case "mock":
			if m := w.mock(inner); m != nil {
				t.Mocks = append(t.Mocks, m)
			}
		case "expect":
			if e := w.expect(inner); e != nil {
				t.Expects = append(t.Expects, e)
			}
		default:
			w.unexpected(diag.UnexpectedBlock, inner.TypeRange, `A test is made of the blocks event, advance, mock and expect, and holds no block "`+inner.Type+`".`+
				diag.DidYouMean(inner.Type, testBlocks()), diag.Suggest(inner.Type, testBlocks()))
		}
	}
	slices.SortStableFunc(t.Moves, func(a, b *Move) int { return a.Range.Start.Byte - b.Range.Start.Byte })
	return t
}

// advance reads advance "72h" {}, which may stand several times where an argument may not.
func (w *walker) advance(t *Test, block *hclsyntax.Block) {
	if !w.labels(block, 1, 1, `Time passes by a label, advance "72h" {}, or, where a test does so once, by an argument: advance = "72h".`) {
		return
	}
	w.empty(block, "An advance block")
	t.Moves = append(t.Moves, &Move{Range: block.DefRange(), Advance: literal(block.Labels[0], block.LabelRanges[0])})
}

func (w *walker) testEvent(block *hclsyntax.Block) *Move {
	if !w.labels(block, 1, 1, `An event has the type of its trigger as a label: event "stripe_charge_failed" { … }.`) {
		return nil
	}
	m := &Move{Range: block.DefRange(), Type: block.Labels[0], TypeRange: block.LabelRanges[0], Changes: args(block.Body)}
	for _, inner := range block.Body.Blocks {
		switch inner.Type {
		case "previous":
			m.Previous = append(m.Previous, w.plain(inner)...)
		case "envelope":
			m.Envelope = append(m.Envelope, w.plain(inner)...)
		default:
			w.report(diag.UnexpectedBlock, inner.TypeRange, `An event holds the blocks previous and envelope, and no block %q. For an attribute that is an object write an equals sign: %s = { … }.`, inner.Type, inner.Type)
		}
	}
	return m
}

func (w *walker) mock(block *hclsyntax.Block) *Mock {
	const rule = `A mock names the step whose answer it is: mock action "customer" { … }.`
	if !w.labels(block, 2, 2, rule) {
		return nil
	}
	if block.Labels[0] != "action" && block.Labels[0] != "trigger" {
		w.report(diag.WrongLabels, block.LabelRanges[0], "Only actions are mocked, and triggers with latest. %s", rule)
		return nil
	}
	m := &Mock{Trigger: block.Labels[0] == "trigger", Step: block.Labels[1], StepRange: block.LabelRanges[1], Range: block.DefRange()}
	m.Answer = w.answer(block, "A mock", func(inner *hclsyntax.Block) bool {
		if inner.Type != "each" {
			return false
		}
		if w.labels(inner, 1, 1, `The element that it is about is the label: each "key" { … }; of a list, its number from 0.`) {
			m.Each = append(m.Each, &MockEach{Key: inner.Labels[0], Range: inner.DefRange(), Answer: w.answer(inner, "An each block", nil)})
		}
		return true
	})
	return m
}

// answer reads what a call comes to; other takes blocks that it does not know.
func (w *walker) answer(block *hclsyntax.Block, where string, other func(*hclsyntax.Block) bool) Answer {
	var a Answer
	for _, attr := range sortedAttrs(block.Body) {
		switch attr.Name {
		case "result":
			a.Result = arg(attr)
		case "sequence":
			a.Sequence = arg(attr)
		default:
			w.strangeArg(attr, where, append([]string{"error"}, answerArgs()...))
		}
	}
	for _, inner := range block.Body.Blocks {
		switch {
		case inner.Type == "error":
			a.Error, a.ErrorRange = w.plain(inner), inner.DefRange()
		case other != nil && other(inner):
		default:
			w.strangeInner(inner, where, answerArgs())
		}
	}
	return a
}

func (w *walker) expect(block *hclsyntax.Block) *Expect {
	const rule = `An expectation is about the run, expect { … }, or names what it is about: expect action "customer" { … }, expect wait "paid" { … }, expect state "name" { … }.`
	e := &Expect{Kind: ExpectRun, Range: block.DefRange()}
	if n := len(block.Labels); n > 0 {
		if n == 1 {
			w.report(diag.WrongLabels, block.DefRange(), "A label is missing. %s", rule)
			return nil
		}
		w.labels(block, 2, 2, rule)
		kinds := map[string]ExpectKind{"action": ExpectAction, "wait": ExpectWait, "state": ExpectState}
		if e.Kind = kinds[block.Labels[0]]; e.Kind == 0 {
			w.report(diag.WrongLabels, block.LabelRanges[0], "There is nothing %q to expect.%s %s", block.Labels[0], diag.DidYouMean(block.Labels[0], []string{"action", "wait", "state"}), rule)
			return nil
		}
		e.Name, e.NameRange = block.Labels[1], block.LabelRanges[1]
	}
	known := expectArgs(e.Kind)
	for _, attr := range sortedAttrs(block.Body) {
		if !slices.Contains(known, attr.Name) {
			w.strangeArg(attr, "This expectation", known)
			continue
		}
		e.Args = append(e.Args, arg(attr))
	}
	for _, inner := range block.Body.Blocks {
		if inner.Type == "error" && (e.Kind == ExpectRun || e.Kind == ExpectAction) {
			e.Error, e.ErrorRange = w.plain(inner), inner.DefRange()
			continue
		}
		w.strangeInner(inner, "This expectation", known)
	}
	return e
}

// plain reads a block that holds arguments only.
func (w *walker) plain(block *hclsyntax.Block) []*Arg {
	w.labels(block, 0, 0, "The block "+block.Type+" has no label.")
	for _, inner := range block.Body.Blocks {
		w.strangeInner(inner, "The block "+block.Type, nil)
	}
	return args(block.Body)
}

// empty reports whatever stands in a block that holds nothing.
func (w *walker) empty(block *hclsyntax.Block, where string) {
	for _, attr := range sortedAttrs(block.Body) {
		w.report(diag.UnexpectedArg, attr.NameRange, "%s holds nothing between its braces.", where)
	}
	for _, inner := range block.Body.Blocks {
		w.report(diag.UnexpectedBlock, inner.TypeRange, "%s holds nothing between its braces.", where)
	}
}

func args(body *hclsyntax.Body) []*Arg {
	var out []*Arg
	for _, attr := range sortedAttrs(body) {
		out = append(out, arg(attr))
	}
	return out
}

// TestedRecipe is the name of the recipe that the tests of a file are of, where nothing else says it.
func TestedRecipe(filename string) string { return strings.TrimSuffix(filename, TestEnding) }
