package runtimetest

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

func testAccept(t *testing.T, h Harness) {
	s := h.Open(t)
	var list []*runtime.Event
	for n := 1; n <= 3; n++ {
		e := accept(t, s, newEvent(n))
		if e.Seq != int64(n) {
			t.Errorf("event %d has Seq %d", n, e.Seq)
		}
		list = append(list, e)
	}
	for _, e := range list {
		equal(t, "EventBySeq", must[*runtime.Event](t)(s.EventBySeq(t.Context(), e.Seq)), e)
		equal(t, "Event", must[*runtime.Event](t)(s.Event(t.Context(), "stripe", e.ID)), e)
		equal(t, "Event in any connection", must[*runtime.Event](t)(s.Event(t.Context(), "", e.ID)), e)
	}
}

func testDuplicates(t *testing.T, h Harness) {
	s := h.Open(t)
	first := accept(t, s, newEvent(1))
	again := newEvent(1)
	again.Type, again.Payload = "another", []byte("another")
	ok, err := s.AcceptEvent(t.Context(), again)
	if err != nil || ok {
		t.Fatalf("accepting again: %v, %v", ok, err)
	}
	if again.Seq != first.Seq {
		t.Errorf("the duplicate has Seq %d, the first %d", again.Seq, first.Seq)
	}
	equal(t, "the event", must[*runtime.Event](t)(s.EventBySeq(t.Context(), first.Seq)), first)

	other := newEvent(1)
	other.Connection = "other"
	accept(t, s, other)
	if other.Seq != first.Seq+1 {
		t.Errorf("the same id of another connection has Seq %d", other.Seq)
	}
	equal(t, "the other", must[*runtime.Event](t)(s.Event(t.Context(), "other", other.ID)), other)
	equal(t, "any of both", must[*runtime.Event](t)(s.Event(t.Context(), "", other.ID)), first)
	wide := newEvent(1)
	wide.ID += " "
	accept(t, s, wide)
	upper := newEvent(1)
	upper.ID = strings.ToUpper(upper.ID)
	accept(t, s, upper)
}

func testParallelDuplicates(t *testing.T, h Harness) {
	s := h.Open(t)
	const ids, copies = 20, 16
	var accepted [ids]atomic.Int32
	var number [ids]atomic.Int64
	var wg sync.WaitGroup
	for range copies {
		wg.Go(func() {
			for n := range ids {
				e := newEvent(n)
				ok, err := s.AcceptEvent(t.Context(), e)
				if err != nil {
					t.Error(err)
					return
				}
				if ok {
					accepted[n].Add(1)
				}
				if old := number[n].Swap(e.Seq); old != 0 && old != e.Seq {
					t.Errorf("event %d has Seq %d and %d", n, old, e.Seq)
				}
			}
		})
	}
	wg.Wait()
	for n := range accepted {
		if got := accepted[n].Load(); got != 1 {
			t.Errorf("event %d was accepted %d times", n, got)
		}
	}
	if c := must[runtime.Counts](t)(s.Counts(t.Context())); c.Events != ids || c.LastSeq != ids {
		t.Errorf("counts are %+v", c)
	}
}

func testStrange(t *testing.T, h Harness) {
	s := h.Open(t)
	words := []string{"", " ", "\x00", "a\x00b", "\xff\xfe", "'; DROP TABLE events; --", "%_*?", "日本語", "e\u0301", "é", "🦄",
		strings.Repeat("x", 100_000), "null", "\n\r\t", `"\`}
	var list []*runtime.Event
	for i, w := range words {
		e := accept(t, s, &runtime.Event{Connection: w, Service: w, ID: w, Type: w, Account: w, APIVersion: w, Payload: []byte(w)})
		if e.Seq != int64(i+1) {
			t.Errorf("%.20q has Seq %d", w, e.Seq)
		}
		list = append(list, e)
		r := &runtime.Run{ID: w, EventSeq: e.Seq, Connection: w, EventID: w, EventType: w, Recipe: w, Program: w, Status: runtime.RunFailed,
			StoppedBy: w, ReplayOf: w, Error: &runtime.StepError{Step: "s", Kind: "network", Message: "m"},
			Steps: []*runtime.Step{{Address: w, Action: w, Key: w, Status: runtime.StepDone, Input: []byte(w), Output: []byte(w)}}}
		record(t, s, &runtime.Change{Decision: &runtime.Decision{EventSeq: e.Seq, Program: w}, Runs: []*runtime.Run{r}})
		equal(t, "run", must[*runtime.Run](t)(s.Run(t.Context(), w)), r)
	}
	for _, e := range list {
		equal(t, "event", must[*runtime.Event](t)(s.EventBySeq(t.Context(), e.Seq)), e)
		if e.Connection != "" {
			equal(t, "event by id", must[*runtime.Event](t)(s.Event(t.Context(), e.Connection, e.ID)), e)
		}
	}
	for _, payload := range [][]byte{nil, {}, {0}, bytes.Repeat([]byte{0}, 5000)} {
		e := newEvent(100 + len(payload))
		if payload == nil {
			e.ID = "nil"
		}
		e.Payload = payload
		accept(t, s, e)
		equal(t, "payload", must[*runtime.Event](t)(s.EventBySeq(t.Context(), e.Seq)), e)
	}
	for i, when := range []time.Time{{}, time.Unix(0, 0), time.Unix(-1, 5), time.Unix(math.MaxInt32+1, 999_999_999), origin.In(time.FixedZone("x", 3600))} {
		e := newEvent(200 + i)
		e.Time, e.ReceivedAt = when, when
		accept(t, s, e)
		got := must[*runtime.Event](t)(s.EventBySeq(t.Context(), e.Seq))
		equal(t, "time", got, e)
		if got.Time.IsZero() != when.IsZero() {
			t.Errorf("%v came back as %v", when, got.Time)
		}
	}
}

func testBig(t *testing.T, h Harness) {
	s := h.Open(t)
	chance := rand.NewChaCha8([32]byte{1})
	for n, size := range []int{1 << 20, 3 << 20} {
		e := newEvent(n)
		e.Payload = make([]byte, size)
		_, _ = chance.Read(e.Payload)
		accept(t, s, e)
		equal(t, "payload", must[*runtime.Event](t)(s.EventBySeq(t.Context(), e.Seq)), e)
	}
	e := newEvent(10)
	e.Payload = bytes.Repeat([]byte(`{"object":"event","data":{"object":{"id":"ch_1"}}}`), 20_000)
	accept(t, s, e)
	r := newRun(e, "big", runtime.RunCompleted)
	st := newStep(0)
	st.Output = e.Payload
	r.Steps = []*runtime.Step{st}
	record(t, s, &runtime.Change{Runs: []*runtime.Run{r}})
	equal(t, "event", must[*runtime.Event](t)(s.Event(t.Context(), "stripe", e.ID)), e)
	equal(t, "run", must[*runtime.Run](t)(s.Run(t.Context(), r.ID)), r)
}

func testParallelOrder(t *testing.T, h Harness) {
	s := h.Open(t)
	const producers, each = 16, 40
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			last := int64(0)
			for n := range each {
				e := newEvent(p*1000 + n)
				if ok, err := s.AcceptEvent(t.Context(), e); !ok || err != nil {
					t.Errorf("accepting: %v, %v", ok, err)
					return
				}
				// Once an event is acknowledged, a later one has a higher number.
				if e.Seq <= last {
					t.Errorf("Seq %d after %d", e.Seq, last)
				}
				last = e.Seq
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	after := int64(0)
	for {
		list := must[[]*runtime.Event](t)(s.Undecided(t.Context(), after, 100))
		if len(list) == 0 {
			break
		}
		for _, e := range list {
			if e.Seq != after+1 {
				t.Fatalf("Seq %d follows %d", e.Seq, after)
			}
			after = e.Seq
			seen[e.ID] = true
		}
	}
	if len(seen) != producers*each {
		t.Errorf("%d events are there, want %d", len(seen), producers*each)
	}
}

func testUndecided(t *testing.T, h Harness) {
	s := h.Open(t)
	equal(t, "of none", seqs(must[[]*runtime.Event](t)(s.Undecided(t.Context(), 0, 10))), []int64{})
	var list []*runtime.Event
	for n := 1; n <= 6; n++ {
		list = append(list, accept(t, s, newEvent(n)))
	}
	for _, n := range []int64{1, 2, 4} {
		record(t, s, &runtime.Change{Decision: &runtime.Decision{EventSeq: n, Program: "d", At: at(1)}})
	}
	equal(t, "undecided", must[[]*runtime.Event](t)(s.Undecided(t.Context(), 0, 10)), []*runtime.Event{list[2], list[4], list[5]})
	equal(t, "with a limit", seqs(must[[]*runtime.Event](t)(s.Undecided(t.Context(), 0, 2))), []int64{3, 5})
	equal(t, "after a Seq", seqs(must[[]*runtime.Event](t)(s.Undecided(t.Context(), 3, 10))), []int64{5, 6})
	for _, n := range []int64{3, 6, 5} {
		record(t, s, &runtime.Change{Decision: &runtime.Decision{EventSeq: n, Program: "d", At: at(1)}})
	}
	equal(t, "when all are decided", seqs(must[[]*runtime.Event](t)(s.Undecided(t.Context(), 0, 10))), []int64{})
	accept(t, s, newEvent(7))
	equal(t, "a new one", seqs(must[[]*runtime.Event](t)(s.Undecided(t.Context(), 0, 10))), []int64{7})
}

func testEvents(t *testing.T, h Harness) {
	s := h.Open(t)
	types := []string{"charge.failed", "invoice.paid", "charge.failed"}
	var list []*runtime.Event
	for n := 1; n <= 9; n++ {
		e := newEvent(n)
		e.Type = types[n%3]
		if n%2 == 0 {
			e.Connection = "other"
		}
		list = append(list, bare(accept(t, s, e)))
	}
	whole := must[[]*runtime.Event](t)(s.EventsAfter(t.Context(), 6, 2))
	equal(t, "after 6", seqs(whole), []int64{7, 8})
	equal(t, "the first after 6", whole[0], must[*runtime.Event](t)(s.EventBySeq(t.Context(), 7)))
	equal(t, "after the last", seqs(must[[]*runtime.Event](t)(s.EventsAfter(t.Context(), 9, 2))), []int64{})
	tests := []struct {
		q    runtime.EventQuery
		want []int64
	}{
		{runtime.EventQuery{}, []int64{9, 8, 7, 6, 5, 4, 3, 2, 1}},
		{runtime.EventQuery{Limit: 2}, []int64{9, 8}},
		{runtime.EventQuery{Before: 4}, []int64{3, 2, 1}},
		{runtime.EventQuery{Before: 8, Limit: 3}, []int64{7, 6, 5}},
		{runtime.EventQuery{Connection: "other"}, []int64{8, 6, 4, 2}},
		{runtime.EventQuery{Type: "invoice.paid"}, []int64{7, 4, 1}},
		{runtime.EventQuery{Type: "invoice.paid", Connection: "other"}, []int64{4}},
		{runtime.EventQuery{Since: at(7)}, []int64{9, 8, 7}},
		{runtime.EventQuery{Since: at(3), Type: "invoice.paid", Before: 7}, []int64{4}},
		{runtime.EventQuery{Type: "never.seen"}, []int64{}},
		{runtime.EventQuery{Connection: "never"}, []int64{}},
	}
	for _, test := range tests {
		got := must[[]*runtime.Event](t)(s.Events(t.Context(), test.q))
		equal(t, fmt.Sprintf("%+v", test.q), seqs(got), test.want)
		for _, e := range got {
			equal(t, "a listed event", e, list[e.Seq-1])
		}
	}
}

func testLimits(t *testing.T, h Harness) {
	s := h.Open(t)
	var wg sync.WaitGroup
	for p := range 16 {
		wg.Go(func() {
			for n := range 64 {
				e := accept(t, s, newEvent(p*100+n))
				record(t, s, &runtime.Change{Runs: []*runtime.Run{newRun(e, "r", runtime.RunCompleted)}})
			}
		})
	}
	wg.Wait()
	for limit, want := range map[int]int{0: 50, 1: 1, 1000: 1000, 5000: 1000} {
		if n := len(must[[]*runtime.Event](t)(s.Events(t.Context(), runtime.EventQuery{Limit: limit}))); n != want {
			t.Errorf("limit %d gives %d events, want %d", limit, n, want)
		}
		if n := len(must[[]*runtime.Run](t)(s.Runs(t.Context(), runtime.RunQuery{Limit: limit}))); n != want {
			t.Errorf("limit %d gives %d runs, want %d", limit, n, want)
		}
	}
}
