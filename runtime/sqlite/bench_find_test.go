package sqlite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// findable is how many events BenchmarkWhere looks through.
const findable = 1_000_000

// findStore makes a store of a million events without payloads, each with a run, and indexes it in the batches of the
// engine: eight fields, five of them of random values that nearly never occur twice.
func findStore(b *testing.B) *Store {
	s := open(b, filepath.Join(b.TempDir(), "s.db"), Options{synchronous: "OFF"})
	ctx := context.Background()
	types := []string{"charge.failed", "invoice.paid", "charge.succeeded", "customer.updated"}
	for _, word := range append(types, "stripe", "rare.type", "rare", "common", "digest") {
		if _, err := s.number(ctx, word); err != nil {
			b.Fatal(err)
		}
	}
	number := func(word string) string { n, _ := s.names.known(word); return fmt.Sprint(n) }
	fill := func(w *writer) error {
		for _, sql := range []string{
			`INSERT INTO events SELECT i, 'evt_' || hex(randomblob(12)), ` + number("stripe") + `, ` + number("stripe") + `,
				CASE WHEN i % 20000 = 7 THEN ` + number("rare.type") + ` ELSE ` + number(types[0]) + ` + i % 4 END, i * 1000000000, i * 1000000000, NULL, 0, 1
				FROM (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ` + fmt.Sprint(findable) + `) SELECT i FROM n)`,
			`INSERT INTO decisions SELECT seq, ` + number("digest") + `, received, x'01', 1 FROM events`,
		} {
			if err := w.c.run(sql); err != nil {
				return err
			}
		}
		data, err := s.packRun(ctx, &runtime.Run{Connection: "stripe", EventType: types[0], EventID: "evt_000000000000000000000000"})
		if err != nil {
			return err
		}
		err = w.c.run(`INSERT INTO runs SELECT seq, 'run_' || hex(randomblob(12)), seq, CASE WHEN seq % 20000 = 7 THEN `+number("rare")+` ELSE `+number("common")+` END,
			`+number("digest")+`, 3, received, received, NULL, ?, NULL, NULL, NULL FROM events`, data)
		if err != nil {
			return err
		}
		w.n, err = count(w.c)
		w.n.decidedTo = findable
		return err
	}
	if err := s.w.do(ctx, opFunc(fill), 1); err != nil {
		b.Fatal(err)
	}
	return s
}

// fieldsAt are the fields of an event: what depends on its Seq, and chance.
func fieldsAt(r *rand.Rand, seq int64) []runtime.Field {
	return []runtime.Field{
		{Name: "id", Value: "ch_" + word62(r, 24)}, {Name: "customer", Value: fmt.Sprintf("cus_%d", seq/3)},
		{Name: "billing_details.email", Value: word62(r, 12) + "@example.org"}, {Name: "amount", Value: fmt.Sprint(r.IntN(1_000_000))},
		{Name: "currency", Value: "eur"}, {Name: "metadata.order", Value: fmt.Sprint(seq)},
		{Name: "payment_intent", Value: "pi_" + word62(r, 24)}, {Name: "status", Value: []string{"failed", "succeeded", "pending"}[r.IntN(3)]},
	}
}

// BenchmarkWhere finds events and runs among a million, by fields, type and recipe. It says first what indexing costs.
func BenchmarkWhere(b *testing.B) {
	s := findStore(b)
	ctx := context.Background()
	r := rand.New(rand.NewPCG(7, 7))
	const batch = 512
	events := make([]runtime.EventFields, 0, batch)
	cpu, start := time.Duration(0), time.Now()
	for from := int64(1); from <= findable; from += batch {
		events = events[:0]
		upTo := min(from+batch-1, findable)
		for seq := from; seq <= upTo; seq++ {
			events = append(events, runtime.EventFields{Seq: seq, Fields: fieldsAt(r, seq)})
		}
		used := cpuTime()
		if err := s.AddFields(ctx, upTo, events); err != nil {
			b.Fatal(err)
		}
		cpu += cpuTime() - used
	}
	took := time.Since(start)
	var pages int64
	err := s.pool.lend(ctx, func(c *conn) (err error) { pages, err = c.queryInt(`SELECT count(*) FROM pages`); return err })
	if err != nil {
		b.Fatal(err)
	}
	b.Run("index", func(b *testing.B) {
		for b.Loop() { // it was done once, above
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(cpu.Microseconds())/findable, "cpu-µs/event")
		b.ReportMetric(findable/took.Seconds(), "events/s")
		b.ReportMetric(float64(pages*4096)/findable, "disk-B/event")
	})

	f := func(name, value string) []runtime.Field { return []runtime.Field{{Name: name, Value: value}} }
	for _, q := range []struct {
		name string
		want int
		find func() (int, error)
	}{
		{"event by customer", 3, func() (int, error) {
			l, err := s.Events(ctx, runtime.EventQuery{Where: f("customer", fmt.Sprintf("cus_%d", r.IntN(findable/3-1)+1))})
			return len(l), err
		}},
		{"event by nothing there", 0, func() (int, error) {
			l, err := s.Events(ctx, runtime.EventQuery{Where: f("customer", "cus_"+word62(r, 14))})
			return len(l), err
		}},
		{"event by two fields", 1, func() (int, error) {
			n := r.IntN(findable-10) + 1
			l, err := s.Events(ctx, runtime.EventQuery{Where: append(f("currency", "eur"), f("metadata.order", fmt.Sprint(n))...)})
			return len(l), err
		}},
		{"event by common value", 50, func() (int, error) {
			l, err := s.Events(ctx, runtime.EventQuery{Where: f("currency", "eur"), Before: r.Int64N(findable/2) + findable/2})
			return len(l), err
		}},
		{"event by rare type", 50, func() (int, error) {
			l, err := s.Events(ctx, runtime.EventQuery{Type: "rare.type"})
			return len(l), err
		}},
		{"run by customer", 3, func() (int, error) {
			l, err := s.Runs(ctx, runtime.RunQuery{Where: f("customer", fmt.Sprintf("cus_%d", r.IntN(findable/3-1)+1))})
			return len(l), err
		}},
		{"run by common value", 50, func() (int, error) {
			l, err := s.Runs(ctx, runtime.RunQuery{Where: f("status", "failed")})
			return len(l), err
		}},
		{"run by rare recipe", 50, func() (int, error) {
			l, err := s.Runs(ctx, runtime.RunQuery{Recipe: "rare"})
			return len(l), err
		}},
		{"run by recipe and field", 0, func() (int, error) {
			l, err := s.Runs(ctx, runtime.RunQuery{Recipe: "rare", Where: f("status", "canceled")})
			return len(l), err
		}},
	} {
		b.Run(q.name, func(b *testing.B) {
			for b.Loop() {
				n, err := q.find()
				if err != nil || n != q.want {
					b.Fatalf("found %d, want %d: %v", n, q.want, err)
				}
			}
		})
	}
}
