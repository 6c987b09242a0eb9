package customerio_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/connectortest/customeriofake"
	"github.com/flowrun/flowrun/connectors/customerio"
)

// BenchmarkTogether tracks events against a fake whose answers take 20 ms, from as many runs at a time as the name says,
// over as many connections as it allows. It reports calls a second and how many calls a request carried.
func BenchmarkTogether(b *testing.B) {
	for _, c := range []struct{ runs, connections int }{{1, 1}, {64, 8}, {256, 8}, {256, 256}} {
		for _, batch := range []string{"false", "true"} {
			b.Run(fmt.Sprintf("runs=%d/connections=%d/batch=%s", c.runs, c.connections, batch), func(b *testing.B) {
				benchmarkTogether(b, c.runs, c.connections, batch)
			})
		}
	}
}

func benchmarkTogether(b *testing.B, runs, connections int, batch string) {
	var requests atomic.Int64
	fake := customeriofake.New(customeriofake.Options{Latency: 20 * time.Millisecond, OnCall: func(customeriofake.Call) { requests.Add(1) }})
	server := httptest.NewServer(fake)
	b.Cleanup(server.Close)
	transport := connectors.NewTransport()
	transport.MaxConnsPerHost = connections
	b.Cleanup(transport.CloseIdleConnections)
	spec := customerio.Spec()
	conn := &connectors.Conn{Name: "customerio", Service: "customerio", Client: &http.Client{Transport: transport},
		Settings: map[string][]string{"site_id": {"s"}, "api_key": {"k"}, "track_url": {server.URL}, "batch": {batch}}}
	conn.Kept = spec.Keep(conn)
	action := spec.Actions[1] // track
	in, err := action.In.DecodeJSON([]byte(`{"id": "cus_123", "name": "payment_failed", "data": {"amount": "49.00 EUR", "attempt": 2}}`))
	if err != nil {
		b.Fatal(err)
	}
	var next atomic.Int64
	failed := make(chan error, runs)
	b.ResetTimer()
	done := make(chan struct{})
	for range runs {
		go func() {
			defer func() { done <- struct{}{} }()
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				call := &connectors.Call{Action: action, Conn: conn, Input: in, Key: fmt.Sprintf("%064d", n), EventTime: eventTime}
				if _, err := action.Call.Call(context.Background(), call); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	for range runs {
		<-done
	}
	b.StopTimer()
	select {
	case err := <-failed:
		b.Fatal(err)
	default:
	}
	if got := len(fake.Events()); got != b.N || strings.Contains(batch, "true") && fake.Duplicates() != 0 {
		b.Fatalf("%d of %d events arrived, %d twice", got, b.N, fake.Duplicates())
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
	b.ReportMetric(float64(b.N)/float64(max(requests.Load(), 1)), "calls/request")
}
