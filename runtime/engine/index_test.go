package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

const reader = `recipe {}
trigger "acme_order_created" {}
filter { condition = trigger.amount > 5 && trigger.note != "x" }
action "acme_read" "it" { name = coalesce(trigger.customer, "none") }
`

// indexed waits until the store has fields of all events up to a Seq.
func (w *world) indexed(seq int64) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	for {
		to, err := w.store.FieldsTo(ctx)
		if err != nil {
			w.t.Fatal(err)
		}
		if to >= seq {
			return
		}
		w.clock.Advance(indexIdle)
	}
}

func TestFields(t *testing.T) {
	w := newWorld(t, map[string]string{"reader.hcl": reader})
	tests := []struct {
		event *runtime.Event
		want  []runtime.Field
	}{
		{w.order("order.created", `customer="Ada@Example.ORG"`, "amount=12.50", `note="A@"`),
			[]runtime.Field{{Name: "id", Value: "o1"}, {Name: "amount", Value: "12.5"}, {Name: "customer", Value: "ada@example.org"}, {Name: "note", Value: "a@"}}},
		{w.order("order.created", `customer={"id":"c9","name":"n"}`, "amount=1e3", `note=null`),
			[]runtime.Field{{Name: "id", Value: "o1"}, {Name: "amount", Value: "1000"}, {Name: "customer", Value: "c9"}}},
		{w.order("order.created", `customer=["c9"]`, "amount=true", `note="`+string(slices.Repeat([]byte("x"), 300))+`"`),
			[]runtime.Field{{Name: "id", Value: "o1"}, {Name: "amount", Value: "true"}}},
		{w.order("never.seen"), []runtime.Field{{Name: "id", Value: "o1"}}},
	}
	for _, test := range tests {
		if got := w.engine.Fields(test.event); !slices.Equal(got, test.want) {
			t.Errorf("fields of %s are %v, want %v", test.event.Payload, got, test.want)
		}
	}
	pruned := w.order("order.created")
	pruned.Payload = nil
	if got := w.engine.Fields(pruned); got != nil {
		t.Errorf("fields of an event without its payload are %v", got)
	}
}

// TestIndex finds events and runs by customer, whether they have been indexed or not, before and after a restart.
func TestIndex(t *testing.T) {
	w := newWorld(t, map[string]string{"reader.hcl": reader})
	const n = 3*indexBatch + 17
	send := func(from, to int) {
		for i := from; i < to; i++ {
			w.send(w.order("order.created", fmt.Sprintf(`customer="c%d"`, i%100)))
		}
		for range to - from {
			w.nextRun()
		}
	}
	find := func(customer string) (events, runs int) {
		t.Helper()
		where := []runtime.Field{{Name: "customer", Value: customer}}
		e, err := w.store.Events(t.Context(), runtime.EventQuery{Where: where, Look: w.engine.Fields, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		r, err := w.store.Runs(t.Context(), runtime.RunQuery{Where: where, Look: w.engine.Fields, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		return len(e), len(r)
	}
	send(0, n)
	if e, r := find("c5"); e != 16 || r != 16 {
		t.Errorf("found %d events and %d runs", e, r)
	}
	w.indexed(n)
	if e, r := find("c5"); e != 16 || r != 16 {
		t.Errorf("once indexed, found %d events and %d runs", e, r)
	}
	if err := w.stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.boot(map[string]string{"reader.hcl": reader})
	send(n, n+100)
	w.indexed(n + 100)
	if e, r := find("c5"); e != 17 || r != 17 {
		t.Errorf("after a restart, found %d events and %d runs", e, r)
	}
}

// TestExpire lets the store forget what has expired, as time passes.
func TestExpire(t *testing.T) {
	w := newWorld(t, map[string]string{"reader.hcl": reader})
	mark := runtime.Mark{Key: "k", Expires: w.clock.Now().Add(time.Hour)}
	if err := w.store.Record(t.Context(), &runtime.Change{Marks: []runtime.Mark{mark}}); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		if _, err := w.store.Mark(ctx, "k"); errors.Is(err, runtime.ErrNotFound) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(expireRest)
	}
}
