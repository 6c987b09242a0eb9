package telemetry

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("scrape answers %d", w.Code)
	}
	return w.Body.String()
}

func TestMetrics(t *testing.T) {
	m := NewMetrics()
	m.now = func() time.Time { return time.Unix(1700000000, 0) }
	m.EventAccepted("stripe", "stripe")
	m.EventAccepted("stripe", "stripe")
	m.EventDuplicate("stripe")
	m.EventRefused("stripe", RefusedSignature)
	m.EventRefused("", "made up \xff by a stranger")
	m.EventDecided(true)
	m.EventDecided(false)
	m.RunEnded("billing/dunning", "completed")
	m.StepEnded("customerio_track", "done", 30*time.Millisecond)
	m.Attempt("customerio_track", "")
	m.Attempt("customerio_track", "network")
	m.QueueDepth(7)
	m.InFlight(3)
	m.Commit(12, 3*time.Millisecond)
	m.Reload(true)
	m.Reload(false)
	m.ProgramInfo("old", 1)
	m.ProgramInfo("new", 2)
	m.BuildInfo("v1.2.3")
	m.StoreSize(4096, 10, 2, map[string]int64{"failed": 1})

	got := scrape(t, m)
	for _, want := range []string{
		`flowrun_events_total{connection="stripe",service="stripe"} 2`,
		`flowrun_events_duplicate_total{connection="stripe"} 1`,
		`flowrun_events_refused_total{connection="stripe",reason="signature"} 1`,
		`flowrun_events_refused_total{connection="",reason="other"} 1`,
		`flowrun_events_decided_total{matched="true"} 1`,
		`flowrun_events_decided_total{matched="false"} 1`,
		`flowrun_runs_total{outcome="completed",recipe="billing/dunning"} 1`,
		`flowrun_steps_total{action="customerio_track",outcome="done"} 1`,
		`flowrun_step_seconds_bucket{action="customerio_track",le="0.025"} 0`,
		`flowrun_step_seconds_bucket{action="customerio_track",le="0.05"} 1`,
		`flowrun_step_attempts_total{action="customerio_track",kind="ok"} 1`,
		`flowrun_step_attempts_total{action="customerio_track",kind="network"} 1`,
		`flowrun_queue_depth 7`,
		`flowrun_runs_in_flight 3`,
		`flowrun_commit_batch_sum 12`,
		`flowrun_commit_seconds_sum 0.003`,
		`flowrun_reload_total{result="ok"} 1`,
		`flowrun_reload_total{result="error"} 1`,
		`flowrun_reload_last_success 0`,
		`flowrun_reload_last_success_timestamp_seconds 1.7e+09`,
		`flowrun_program_info{digest="new"} 1`,
		`flowrun_recipes 2`,
		`flowrun_build_info{version="v1.2.3"} 1`,
		`flowrun_store_bytes 4096`,
		`flowrun_store_events 10`,
		`flowrun_store_events_undecided 2`,
		`flowrun_store_runs{status="failed"} 1`,
		`go_goroutines `,
	} {
		if !strings.Contains(got, "\n"+want) {
			t.Errorf("no line %s", want)
		}
	}
	if strings.Contains(got, `digest="old"`) {
		t.Error("the program before is still shown")
	}
}

func TestNilMetrics(t *testing.T) {
	var m *Metrics
	m.EventAccepted("a", "b")
	m.EventDuplicate("a")
	m.EventRefused("a", RefusedBody)
	m.EventDecided(true)
	m.RunEnded("a", "b")
	m.StepEnded("a", "b", time.Second)
	m.Attempt("a", "b")
	m.QueueDepth(1)
	m.InFlight(1)
	m.Commit(1, time.Second)
	m.Reload(true)
	m.ProgramInfo("a", 1)
	m.BuildInfo("v")
	m.StoreSize(1, 1, 1, map[string]int64{"failed": 1})
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("a nil *Metrics serves %d", w.Code)
	}
}

func TestTwoMetricsShareNothing(t *testing.T) {
	a, b := NewMetrics(), NewMetrics()
	a.EventAccepted("stripe", "stripe")
	if got := scrape(t, b); strings.Contains(got, "flowrun_events_total{") {
		t.Error("an event counted in one registry shows in another")
	}
}

func TestSeriesAreBounded(t *testing.T) {
	m := NewMetrics()
	for i := range maxSeries + 10 {
		m.RunEnded(fmt.Sprintf("recipe%d", i), "completed")
	}
	got := scrape(t, m)
	if n := strings.Count(got, "\nflowrun_runs_total{"); n != maxSeries+1 {
		t.Errorf("%d series, want %d", n, maxSeries+1)
	}
	if want := `flowrun_runs_total{outcome="other",recipe="other"} 10`; !strings.Contains(got, want) {
		t.Errorf("no line %s", want)
	}
}

func TestHotPathDoesNotAllocate(t *testing.T) {
	m := NewMetrics()
	n := testing.AllocsPerRun(100, func() {
		m.EventAccepted("stripe", "stripe")
		m.RunEnded("billing/dunning", "completed")
		m.StepEnded("customerio_track", "done", time.Millisecond)
		m.Attempt("customerio_track", "")
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkEventAccepted(b *testing.B) {
	m := NewMetrics()
	for b.Loop() {
		m.EventAccepted("stripe", "stripe")
	}
}
