// Package suite turns files of tests into tests that can be run: each name resolved against the recipe it is about, each
// value held against the shape it stands for, so that a test that has come to mean nothing is an error and not a pass.
//
// The package is pure, as lang is: it reads fixtures through a function it is given, and runs nothing.
package suite

import (
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/syntax"
)

// Epoch is when a test begins that does not say when.
func Epoch() time.Time { return time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC) }

// Test is one checked test. It is immutable.
type Test struct {
	Name   string
	Recipe *check.Recipe
	Range  hcl.Range // the block's header
	Start  time.Time

	Variables map[string]string // as text
	State     map[string][]byte // JSON, by name: what recipes have kept when it begins
	Moves     []Move
	Stops     bool             // it ends with an advance: time does not go on behind it
	Mocks     map[string]*Mock // by address
	Expects   []*Expect
}

// Events returns the test's events, in the order in which they come.
func (t *Test) Events() []*Event {
	var out []*Event
	for _, m := range t.Moves {
		if m.Event != nil {
			out = append(out, m.Event)
		}
	}
	return out
}

// Move is one thing that happens: an event comes, or time passes.
type Move struct {
	Range   hcl.Range
	Advance time.Duration
	Event   *Event // nil where time passes
}

// Event is an event of a test: a fixture, or a sample of a type with changes.
type Event struct {
	Fixture []byte // the whole body, or only the object that `trigger` is; nil for a sample
	File    string // the fixture's

	Trigger  *check.Trigger // of a sample: what listens to it
	Type     string         // the vendor's word
	Object   []byte         // what `trigger` is, in place of the sample's; nil where that is kept
	Changes  cty.Value      // an object of what is changed of the payload; nested objects are changed, not replaced
	Previous cty.Value      // an object of old values; cty.NilVal where the sample's are kept
	Envelope Envelope
}

// Envelope is what is changed of an event's envelope; what is empty or nil is the sample's.
type Envelope struct {
	ID, Account string
	Livemode    *bool
}

// Mock is what a step answers.
type Mock struct {
	Range   hcl.Range
	Answers []*Answer            // for each call the next; the last also for those that follow. Empty where only elements are mocked
	Each    map[string][]*Answer // by the element of a for_each
}

// Answer is what a call comes to: an error, or a result.
type Answer struct {
	Range  hcl.Range
	Result cty.Value // an object of what is changed of the declared example, or null
	Error  *Failure
}

// Failure is a failure as it is mocked, or expected; what is empty or nil may be anything.
type Failure struct {
	Kind, Message, Step string
	Status              int
	RetryAfter          time.Duration
}

// Expect is what a test expects. A pointer that is nil is not looked at, nor is cty.NilVal.
type Expect struct {
	Kind  syntax.ExpectKind
	Range hcl.Range
	Name  string // as it is written
	Event int    // whose run it is about, from 1; 0 for the first that started one, and for actions all

	// Of the run.
	Outcome, By *string
	Order       []string // addresses: their first calls come in this order
	Error       *Failure

	// Of an action or a wait.
	Node           *check.Node
	Each           *string
	Calls, Retries *int
	Input          cty.Value   // each call has it
	Inputs         []cty.Value // one for each call; nil where they are not looked at
	TimedOut       *bool
	Until          *time.Time
	After          *time.Duration // instead of Until: how long after the wait began

	// Of what is kept.
	Value cty.Value
}
