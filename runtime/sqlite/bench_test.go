package sqlite

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

//go:embed testdata/charge.failed.json
var sample []byte

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func word62(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = base62[r.IntN(len(base62))]
	}
	return string(b)
}

// timeOrdered makes the n-th id as Stripe does: a prefix that grows with time, then chance.
func timeOrdered(r *rand.Rand, n int64) string {
	var b [7]byte
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = base62[n%62]
		n /= 62
	}
	return "evt_1" + string(b[:]) + word62(r, 16)
}

// makeEvent makes an event of about 3 KB with the given id.
func makeEvent(r *rand.Rand, id string) *runtime.Event {
	at := time.Unix(1_700_000_000+r.Int64N(1e6), 0)
	pairs := []string{"@EVENT@", id, "@TIME@", fmt.Sprint(at.Unix()), "@AMOUNT@", fmt.Sprint(r.IntN(99999)), "@H@", fmt.Sprintf("%08x-%04x-4%03x-%012x", r.Uint32(), r.IntN(65536), r.IntN(4096), r.Int64N(1<<48))}
	for _, name := range []string{"@A@", "@D@", "@E@", "@F@"} {
		pairs = append(pairs, name, "3O"+word62(r, 22))
	}
	for _, name := range []string{"@B@", "@C@", "@G@"} {
		pairs = append(pairs, name, word62(r, 12))
	}
	payload := sample
	for i := 0; i < len(pairs); i += 2 {
		payload = bytes.ReplaceAll(payload, []byte(pairs[i]), []byte(pairs[i+1]))
	}
	return &runtime.Event{Connection: "stripe", Service: "stripe", ID: id, Type: "charge.failed", Time: at, ReceivedAt: at.Add(time.Second),
		APIVersion: "2023-10-16", Livemode: true, Payload: payload}
}

// makeChange makes what the engine records when a run of two steps has ended.
func makeChange(r *rand.Rand, e *runtime.Event) *runtime.Change {
	at := e.ReceivedAt
	hexKey := func() string {
		var b [32]byte
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return hex.EncodeToString(b[:])
	}
	const program = "0d5f3b7cc0c1d5cf54d2c6d0a0c1f3bb1a9f1b8e0b0a4c1d2e3f405162738495"
	return &runtime.Change{
		Decision: &runtime.Decision{EventSeq: e.Seq, Program: program, At: at, Matched: []byte{1}, Runs: 1},
		Runs: []*runtime.Run{{
			ID: runtime.RunID(e, "dunning", ""), EventSeq: e.Seq, Connection: e.Connection, EventID: e.ID, EventType: e.Type,
			Recipe: "dunning", Program: program, Status: runtime.RunCompleted, StartedAt: at, EndedAt: at.Add(300 * time.Millisecond),
			Steps: []*runtime.Step{
				{Index: 0, Address: "action.customer", Action: "stripe_customer_retrieve", Key: hexKey(), Status: runtime.StepDone, StartedAt: at, EndedAt: at.Add(100 * time.Millisecond),
					Attempts: []runtime.Attempt{{At: at, Duration: 98 * time.Millisecond, Status: 200}},
					Input:    []byte(`{"customer":"cus_` + word62(r, 14) + `"}`),
					Output:   []byte(`{"id":"cus_` + word62(r, 14) + `","object":"customer","email":"` + word62(r, 12) + `@example.org","name":"Camille ` + word62(r, 8) + `","balance":0,"currency":"eur","delinquent":true,"livemode":true,"created":1693526400}`)},
				{Index: 1, Address: "action.tell", Action: "customerio_track", Key: hexKey(), Status: runtime.StepDone, StartedAt: at, EndedAt: at.Add(300 * time.Millisecond),
					Attempts: []runtime.Attempt{{At: at, Duration: 190 * time.Millisecond, Status: 200}},
					Input:    []byte(`{"id":"` + word62(r, 12) + `@example.org","name":"payment_failed","timestamp":1693526400,"data":{"amount":1234,"reason":"insufficient_funds"}}`)},
			},
		}},
	}
}

func open(tb testing.TB, path string, opts Options) *Store {
	tb.Helper()
	s, err := Open(context.Background(), path, opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

// produce calls do b.N times from n goroutines and reports the rate, and how long the slowest hundredth took at least.
func produce(b *testing.B, n int, do func(i int)) {
	var next atomic.Int64
	took := make([]time.Duration, b.N)
	var wg sync.WaitGroup
	b.ResetTimer()
	for range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
				start := time.Now()
				do(int(i))
				took[i] = time.Since(start)
			}
		}()
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	slices.Sort(took)
	b.ReportMetric(float64(took[b.N*99/100].Microseconds())/1e3, "p99-ms")
}

func benchmarkAccept(b *testing.B, s *Store, producers int, id func(*rand.Rand, int64) string, from int64) {
	r := rand.New(rand.NewPCG(1, uint64(from)))
	events := make([]*runtime.Event, b.N)
	for i := range events {
		events[i] = makeEvent(r, id(r, from+int64(i)))
	}
	cpu := cpuTime()
	produce(b, producers, func(i int) {
		if ok, err := s.AcceptEvent(context.Background(), events[i]); !ok || err != nil {
			b.Error(ok, err)
		}
	})
	b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N)/1e3, "cpu-µs/event")
}

func randomID(r *rand.Rand, _ int64) string { return "evt_" + word62(r, 24) }

func BenchmarkAccept(b *testing.B) {
	for _, producers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprint(producers), func(b *testing.B) {
			benchmarkAccept(b, open(b, filepath.Join(b.TempDir(), "s.db"), Options{}), producers, timeOrdered, 0)
		})
	}
}

// BenchmarkAcceptMillion accepts into a store that holds as many events already as FLOWRUN_PRELOAD says, and nothing
// where it is not set. Ids that grow with time, as Stripe's do, append to the index; random ones touch a page each.
func BenchmarkAcceptMillion(b *testing.B) {
	n := int64(0)
	if _, err := fmt.Sscan(os.Getenv("FLOWRUN_PRELOAD"), &n); err != nil {
		return
	}
	for _, kind := range []struct {
		name, stored string
		id           func(*rand.Rand, int64) string
	}{
		{"ordered", `'evt_0' || printf('%07d', i) || hex(randomblob(8))`, timeOrdered},
		{"random", `'evt_' || hex(randomblob(12))`, randomID},
	} {
		s := open(b, filepath.Join(b.TempDir(), "s.db"), Options{synchronous: "OFF"})
		if _, err := s.AcceptEvent(context.Background(), event("evt_0")); err != nil {
			b.Fatal(err)
		}
		for _, sql := range []string{
			`INSERT INTO events SELECT i, ` + kind.stored + `, connection, service, type, time, received, account, version, livemode
				FROM (WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ` + fmt.Sprint(n) + `) SELECT i FROM n), events WHERE seq = 1`,
			`INSERT INTO payloads SELECT seq, randomblob(860) FROM events WHERE seq > 1`,
		} {
			if err := s.w.do(context.Background(), sqlOp(sql), 1); err != nil {
				b.Fatal(err)
			}
		}
		s.Close()
		c, err := openConn(s.path, "")
		if err != nil {
			b.Fatal(err)
		}
		counted, err := count(c)
		if err != nil {
			b.Fatal(err)
		}
		if err := counted.save(c); err != nil {
			b.Fatal(err)
		}
		c.close()
		// What the preload left unwritten is not to be waited for by the first commits.
		if f, err := os.OpenFile(s.path, os.O_RDWR, 0); err != nil {
			b.Fatal(err)
		} else if err := errors.Join(f.Sync(), f.Close()); err != nil {
			b.Fatal(err)
		}
		s = open(b, s.path, Options{})
		from := n
		b.Run(kind.name, func(b *testing.B) {
			from += int64(b.N)
			benchmarkAccept(b, s, 64, kind.id, from)
		})
		s.Close()
	}
}

// BenchmarkRecord accepts events and records the end of a run of each, and reports what one takes on disk in the end.
func BenchmarkRecord(b *testing.B) {
	for _, producers := range []int{1, 64} {
		b.Run(fmt.Sprint(producers), func(b *testing.B) {
			s := open(b, filepath.Join(b.TempDir(), "s.db"), Options{})
			r := rand.New(rand.NewPCG(1, 2))
			changes := make([]*runtime.Change, b.N)
			var wg sync.WaitGroup
			for i := range changes {
				e := makeEvent(r, timeOrdered(r, int64(i)))
				wg.Add(1)
				change := &changes[i]
				rr := rand.New(rand.NewPCG(3, uint64(i)))
				go func() {
					defer wg.Done()
					if ok, err := s.AcceptEvent(context.Background(), e); !ok || err != nil {
						b.Error(ok, err)
					}
					*change = makeChange(rr, e)
				}()
				if i%256 == 0 {
					wg.Wait()
				}
			}
			wg.Wait()
			cpu := cpuTime()
			produce(b, producers, func(i int) {
				if err := s.Record(context.Background(), changes[i]); err != nil {
					b.Error(err)
				}
			})
			b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N)/1e3, "cpu-µs/event")
			if err := s.Close(); err != nil {
				b.Error(err)
			}
			info, err := os.Stat(s.path)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(info.Size())/float64(b.N), "disk-B/event")
		})
	}
}

// BenchmarkFloor is the least that durable acceptance can cost here: the bare payloads appended to a file, all that
// wait sharing one sync.
func BenchmarkFloor(b *testing.B) {
	for _, producers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprint(producers), func(b *testing.B) {
			f, err := os.Create(filepath.Join(b.TempDir(), "log"))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			queue := make(chan chan struct{}, 1024)
			go func() {
				var waiting []chan struct{}
				var buf []byte
				for first := range queue {
					waiting, buf = append(waiting[:0], first), append(buf[:0], sample...)
					for len(queue) > 0 {
						waiting, buf = append(waiting, <-queue), append(buf, sample...)
					}
					if _, err := f.Write(buf); err != nil {
						b.Error(err)
					}
					if err := f.Sync(); err != nil {
						b.Error(err)
					}
					for _, w := range waiting {
						close(w)
					}
				}
			}()
			cpu := cpuTime()
			produce(b, producers, func(int) {
				done := make(chan struct{})
				queue <- done
				<-done
			})
			close(queue)
			b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N)/1e3, "cpu-µs/event")
		})
	}
}
