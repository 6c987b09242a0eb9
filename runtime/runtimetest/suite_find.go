package runtimetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// fieldsOf are the fields of the n-th event: of three customers, ten orders, and some an odd mark.
func fieldsOf(n int) []runtime.Field {
	fields := []runtime.Field{{Name: "customer", Value: fmt.Sprint("cus_", n%3)}, {Name: "metadata.order", Value: fmt.Sprint(n % 10)}}
	if n%25 == 0 {
		fields = append(fields, runtime.Field{Name: "odd", Value: "\x00\xff"}, runtime.Field{Name: "odd", Value: ""})
	}
	return fields
}

func testFind(t *testing.T, h Harness) {
	s := h.Open(t)
	const n = 600
	var runs []*runtime.Run
	for i := 1; i <= n; i++ {
		e := newEvent(i)
		if i%7 == 0 {
			e.Type = "rare"
		}
		accept(t, s, e)
		if i%11 != 0 {
			runs = append(runs, newRun(e, []string{"a", "b", "c"}[i%3], runtime.RunCompleted))
			if i%5 == 0 {
				runs = append(runs, newRun(e, "d", runtime.RunFailed))
			}
		}
		if i%100 == 0 {
			record(t, s, &runtime.Change{Runs: runs})
			runs = nil
		}
	}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { record(t, s, &runtime.Change{Decision: &runtime.Decision{EventSeq: int64(i + 1)}}) })
	}
	wg.Wait()
	// An event that came first has a run that was recorded last.
	e := must[*runtime.Event](t)(s.EventBySeq(t.Context(), 9))
	replay := newRun(e, "replay", runtime.RunCompleted)
	record(t, s, &runtime.Change{Runs: []*runtime.Run{replay}})

	if to := must[int64](t)(s.FieldsTo(t.Context())); to != 0 {
		t.Errorf("FieldsTo is %d", to)
	}
	indexed := 0
	index := func(upTo int) {
		t.Helper()
		var batch []runtime.EventFields
		for i := indexed + 1; i <= upTo; i++ {
			if i%50 != 1 { // some have none
				batch = append(batch, runtime.EventFields{Seq: int64(i), Fields: fieldsOf(i)})
			}
		}
		if err := s.AddFields(t.Context(), int64(upTo), batch); err != nil {
			t.Fatal(err)
		}
		indexed = upTo
		if to := must[int64](t)(s.FieldsTo(t.Context())); to != int64(upTo) {
			t.Errorf("FieldsTo is %d, want %d", to, upTo)
		}
	}
	looked := 0
	look := func(e *runtime.Event) []runtime.Field {
		looked++
		if len(e.Payload) == 0 {
			t.Errorf("event %d is looked at without its payload", e.Seq)
		}
		if e.Seq%50 == 1 {
			return nil
		}
		return fieldsOf(int(e.Seq))
	}
	f := func(name, value string) runtime.Field { return runtime.Field{Name: name, Value: value} }
	queries := []runtime.EventQuery{
		{Where: []runtime.Field{f("customer", "cus_1")}},
		{Where: []runtime.Field{f("customer", "cus_1")}, Limit: 7, Before: 300},
		{Where: []runtime.Field{f("customer", "cus_1"), f("metadata.order", "4")}, Limit: 1000},
		{Where: []runtime.Field{f("metadata.order", "4"), f("customer", "cus_1")}, Type: "rare"},
		{Where: []runtime.Field{f("odd", "\x00\xff")}, Limit: 1000},
		{Where: []runtime.Field{f("odd", "")}, Since: at(200)},
		{Where: []runtime.Field{f("customer", "cus_9")}},
		{Where: []runtime.Field{f("never", "cus_1")}},
		{Where: []runtime.Field{f("customer", "cus_1"), f("odd", "")}, Connection: "stripe"},
		{Type: "rare", Limit: 1000},
		{Type: "rare", Before: 100, Limit: 3},
		{Type: "rare", Since: at(550), Connection: "stripe"},
		{Connection: "stripe", Limit: 5},
	}
	recipes := []runtime.RunQuery{
		{Where: []runtime.Field{f("customer", "cus_0")}, Limit: 1000},
		{Where: []runtime.Field{f("customer", "cus_0")}, Limit: 7, Before: 200},
		{Where: []runtime.Field{f("customer", "cus_0"), f("metadata.order", "9")}, Status: runtime.RunCompleted, Limit: 1000},
		{Where: []runtime.Field{f("metadata.order", "5")}, Recipe: "d", Limit: 1000},
		{Where: []runtime.Field{f("metadata.order", "5")}, Status: runtime.RunFailed, Since: at(100), Limit: 1000},
		{Where: []runtime.Field{f("customer", "cus_2")}, EventID: "evt_000005"},
		{Where: []runtime.Field{f("customer", "cus_2")}, EventID: "evt_000006"},
		{Where: []runtime.Field{f("customer", "none")}},
		{Recipe: "replay"},
		{Recipe: "d", Limit: 1000},
		{Recipe: "d", Before: 200, Limit: 3, Status: runtime.RunFailed},
		{Recipe: "d", Status: runtime.RunCompleted},
		{Recipe: "a", Status: runtime.RunCompleted, Since: at(590)},
	}
	all := must[[]*runtime.Event](t)(s.Events(t.Context(), runtime.EventQuery{Limit: 1000}))
	allRuns := must[[]*runtime.Run](t)(s.Runs(t.Context(), runtime.RunQuery{Limit: 1000}))
	holds := func(seq int64, where []runtime.Field, unseen bool) bool {
		if len(where) > 0 && (seq%50 == 1 || unseen && seq > int64(indexed)) {
			return false
		}
		for _, w := range where {
			found := false
			for _, f := range fieldsOf(int(seq)) {
				found = found || f == w
			}
			if !found {
				return false
			}
		}
		return true
	}
	limit := func(n int) int {
		if n == 0 {
			return 50
		}
		return n
	}
	compare := func(blind bool) {
		t.Helper()
		for _, q := range queries {
			if !blind {
				q.Look = look
			}
			want := []int64{}
			for _, e := range all {
				if holds(e.Seq, q.Where, blind) && (q.Type == "" || q.Type == e.Type) && !e.ReceivedAt.Before(q.Since) &&
					(q.Before == 0 || e.Seq < q.Before) && len(want) < limit(q.Limit) {
					want = append(want, e.Seq)
				}
			}
			got := must[[]*runtime.Event](t)(s.Events(t.Context(), q))
			equal(t, fmt.Sprintf("with %d indexed, %+v", indexed, q.Where), seqs(got), want)
			for _, e := range got[:min(len(got), 2)] {
				equal(t, "a found event", e, bare(newEventAs(all, e.Seq)))
			}
		}
		for _, q := range recipes {
			if !blind {
				q.Look = look
			}
			want := []int64{}
			for _, r := range allRuns {
				if holds(r.EventSeq, q.Where, blind) && (q.Recipe == "" || q.Recipe == r.Recipe) && (q.Status == 0 || q.Status == r.Status) &&
					(q.EventID == "" || q.EventID == r.EventID) && !r.StartedAt.Before(q.Since) && (q.Before == 0 || r.Seq < q.Before) &&
					len(want) < limit(q.Limit) {
					want = append(want, r.Seq)
				}
			}
			got := []int64{}
			for _, r := range must[[]*runtime.Run](t)(s.Runs(t.Context(), q)) {
				got = append(got, r.Seq)
			}
			equal(t, fmt.Sprintf("with %d indexed, runs %+v %s", indexed, q.Where, q.Recipe), got, want)
		}
	}
	compare(false)
	if looked == 0 {
		t.Error("events without fields were not looked into")
	}
	compare(true)
	for _, upTo := range []int{1, 131, 590} {
		index(upTo)
		compare(upTo == 131)
	}
	for i := 591; i <= n; i++ { // many small batches
		index(i)
	}
	looked = 0
	compare(false)
	if looked > 0 {
		t.Error("events with fields were looked into")
	}
	// What was indexed is not taken twice.
	if err := s.AddFields(t.Context(), 5, []runtime.EventFields{{Seq: 5, Fields: []runtime.Field{f("customer", "cus_9")}}}); err != nil {
		t.Fatal(err)
	}
	if h.Reopen != nil {
		s = h.Reopen(t, s)
	}
	compare(true)
	// What is forgotten is not found.
	if _, forgotten, err := s.Prune(t.Context(), time.Time{}, at(301)); err != nil || forgotten != 300 {
		t.Fatalf("forgot %d, %v", forgotten, err)
	}
	all = must[[]*runtime.Event](t)(s.Events(t.Context(), runtime.EventQuery{Limit: 1000}))
	allRuns = must[[]*runtime.Run](t)(s.Runs(t.Context(), runtime.RunQuery{Limit: 1000}))
	compare(true)
}

func newEventAs(all []*runtime.Event, seq int64) *runtime.Event {
	for _, e := range all {
		if e.Seq == seq {
			return e
		}
	}
	return &runtime.Event{}
}
