package runtimetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/flowrun/flowrun/runtime"
)

// Harness is how StoreSuite gets at a kind of store.
type Harness struct {
	// Open returns an empty store and closes it when the test ends.
	Open func(t *testing.T) runtime.Store

	// Reopen closes a store that Open returned and opens the same one again. It is nil for stores that keep nothing.
	Reopen func(t *testing.T, s runtime.Store) runtime.Store

	// Restore opens a file that Backup wrote. It is nil for stores that have no Backup.
	Restore func(t *testing.T, path string) runtime.Store
}

// StoreSuite checks that a kind of store does what runtime.Store promises.
func StoreSuite(t *testing.T, h Harness) {
	tests := []struct {
		name string
		run  func(t *testing.T, h Harness)
	}{
		{"accept", testAccept},
		{"accept the same id", testDuplicates},
		{"accept the same id at once", testParallelDuplicates},
		{"accept strange values", testStrange},
		{"accept a big payload", testBig},
		{"number in order", testParallelOrder},
		{"record", testRecord},
		{"record again", testRecordAgain},
		{"record in parts", testRecordParts},
		{"refuse an invalid status", testInvalidStatus},
		{"keep what is given", testCallerKeepsItsOwn},
		{"decide", testDecide},
		{"list undecided", testUndecided},
		{"list unfinished", testUnfinished},
		{"list due", testDue},
		{"list events", testEvents},
		{"list runs", testRuns},
		{"limit lists", testLimits},
		{"keep programs", testPrograms},
		{"count", testCounts},
		{"not found", testNotFound},
		{"keep the fields of flow control", testNewFields},
		{"record a loop", testLoop},
		{"list queued", testQueued},
		{"pause", testHeld},
		{"count by recipe", testRecipeCounts},
		{"mark", testMarks},
		{"keep state", testState},
		{"increment", testIncrement},
		{"spend", testSpend},
		{"spend at once", testSpendAtOnce},
		{"list awaited", testAwaited},
		{"wait, then the event", testArrive},
		{"the event, then the wait", testMeet},
		{"wait in a loop", testLoopWaits},
		{"wait and event at once", testWaitRace},
		{"wake", testWake},
		{"find by fields", testFind},
		{"narrow lists", testNarrow},
		{"count over time", testTally},
		{"keep audits", testAudits},
		{"prune keys", testPruneKeys},
		{"prune payloads", testPrunePayloads},
		{"prune events", testPruneEvents},
		{"cancel", testCancel},
		{"close", testClose},
		{"work at once", testConcurrent},
		{"reopen", testReopen},
		{"back up", testBackup},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, h) })
	}
}

var origin = time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC)

// at is a moment of the suite's time.
func at(seconds int) time.Time { return origin.Add(time.Duration(seconds) * time.Second) }

// newEvent returns the n-th event of the suite, accepted at(n).
func newEvent(n int) *runtime.Event {
	return &runtime.Event{
		Connection: "stripe", Service: "stripe", ID: fmt.Sprintf("evt_%06d", n), Type: "charge.failed", Time: at(n - 5),
		ReceivedAt: at(n), Account: "acct_1", APIVersion: "2023-10-16", Livemode: true,
		Payload: []byte(fmt.Sprintf(`{"id":"evt_%06d","object":"event","type":"charge.failed"}`, n)),
	}
}

func accept(t *testing.T, s runtime.Store, e *runtime.Event) *runtime.Event {
	t.Helper()
	ok, err := s.AcceptEvent(t.Context(), e)
	if err != nil {
		t.Fatalf("accepting %s: %v", e.ID, err)
	}
	if !ok {
		t.Fatalf("accepting %s: it is taken for a duplicate", e.ID)
	}
	return e
}

func record(t *testing.T, s runtime.Store, c *runtime.Change) {
	t.Helper()
	if err := s.Record(t.Context(), c); err != nil {
		t.Fatalf("recording: %v", err)
	}
}

// newRun returns a run of a recipe for an accepted event.
func newRun(e *runtime.Event, recipe string, status runtime.RunStatus) *runtime.Run {
	r := &runtime.Run{
		ID: "run_" + recipe + "_" + e.ID, EventSeq: e.Seq, Connection: e.Connection, EventID: e.ID, EventType: e.Type,
		Recipe: recipe, Program: "digest-1", Status: status, StartedAt: e.ReceivedAt.Add(time.Second),
	}
	if status.Ended() {
		r.EndedAt = e.ReceivedAt.Add(2 * time.Second)
	}
	return r
}

// newStep returns a step with every field set.
func newStep(index int) *runtime.Step {
	return &runtime.Step{
		Index: index, Address: fmt.Sprintf("action.step%d", index), Action: "stripe_customer_retrieve",
		Key:    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
		Status: runtime.StepWaiting, StartedAt: at(1), EndedAt: at(2), Due: at(3),
		Attempts: []runtime.Attempt{
			{At: at(1), Duration: 1500 * time.Microsecond, Status: 429,
				Error: &runtime.StepError{Step: "action.step", Kind: "rate_limited", Status: 429, Message: "slow down"}},
			{At: at(2), Duration: time.Hour},
		},
		Input: []byte(`{"customer":"cus_1"}`), Output: []byte(`{"id":"cus_1","email":"ada@example.com"}`),
		Error: &runtime.StepError{Step: "action.step", Kind: "server", Status: 500, Message: "broken\x00\xff"},
	}
}

// equal compares what a store returned. How a time is represented does not matter, nor whether a list is nil or empty;
// whether bytes are does.
func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	notBytes := func(p cmp.Path) bool { return p.Last().Type() != reflect.TypeFor[[]byte]() }
	opts := cmp.Options{
		cmpopts.EquateApproxTime(0),
		cmp.FilterPath(notBytes, cmpopts.EquateEmpty()),
		cmp.Comparer(func(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }),
	}
	if diff := cmp.Diff(want, got, opts); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, diff)
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func seqs(events []*runtime.Event) []int64 {
	list := []int64{}
	for _, e := range events {
		list = append(list, e.Seq)
	}
	return list
}

func runIDs(runs []*runtime.Run) []string {
	list := []string{}
	for _, r := range runs {
		list = append(list, r.ID)
	}
	return list
}

// bare is the event as lists show it.
func bare(e *runtime.Event) *runtime.Event {
	c := *e
	c.Payload = nil
	return &c
}

func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

// canceled is a context that has ended.
func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
