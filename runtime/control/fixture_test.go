package control

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/telemetry"
)

// memory is a store of records that stand in it from the start. It has what the door reads.
type memory struct {
	runtime.Store
	events    []*runtime.Event // by Seq, from 1
	runs      []*runtime.Run
	decisions map[int64]*runtime.Decision
	fail      error

	mu      sync.Mutex
	backups []string
	asked   []any // queries
}

func (m *memory) Counts(context.Context) (runtime.Counts, error) {
	return runtime.Counts{Events: int64(len(m.events)), Undecided: 1, Runs: map[runtime.RunStatus]int64{runtime.RunFailed: 2}, Bytes: 1536}, m.fail
}

func (m *memory) Event(_ context.Context, connection, id string) (*runtime.Event, error) {
	for _, e := range m.events {
		if e.ID == id && (connection == "" || e.Connection == connection) {
			return e, m.fail
		}
	}
	return nil, runtime.ErrNotFound
}

func (m *memory) Decision(_ context.Context, seq int64) (*runtime.Decision, error) {
	if d := m.decisions[seq]; d != nil {
		return d, nil
	}
	return nil, runtime.ErrNotFound
}

func (m *memory) Run(_ context.Context, id string) (*runtime.Run, error) {
	for _, r := range m.runs {
		if r.ID == id {
			return r, m.fail
		}
	}
	return nil, runtime.ErrNotFound
}

func (m *memory) RunsOf(_ context.Context, seq int64) (out []*runtime.Run, err error) {
	for _, r := range m.runs {
		if r.EventSeq == seq {
			out = append(out, r)
		}
	}
	return out, nil
}

func (m *memory) ask(q any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, q)
}

func (m *memory) Events(_ context.Context, q runtime.EventQuery) (out []*runtime.Event, err error) {
	m.ask(q)
	for i := len(m.events) - 1; i >= 0 && len(out) < q.Limit; i-- {
		e := m.events[i]
		if (q.Before == 0 || e.Seq < q.Before) && (q.Type == "" || e.Type == q.Type) && (q.Connection == "" || e.Connection == q.Connection) {
			out = append(out, e)
		}
	}
	return out, m.fail
}

func (m *memory) Runs(_ context.Context, q runtime.RunQuery) (out []*runtime.Run, err error) {
	m.ask(q)
	for i := len(m.runs) - 1; i >= 0 && len(out) < q.Limit; i-- {
		r := m.runs[i]
		if (q.Before == 0 || r.Seq < q.Before) && (q.Status == 0 || r.Status == q.Status) && (q.Recipe == "" || r.Recipe == q.Recipe) &&
			(q.EventID == "" || r.EventID == q.EventID) {
			out = append(out, r)
		}
	}
	return out, m.fail
}

func (m *memory) Backup(_ context.Context, path string) error {
	if m.fail != nil {
		return m.fail
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.backups = append(m.backups, path)
	return nil
}

type machine struct{ live bool }

func (machine) Status() EngineStatus {
	return EngineStatus{Program: "0123456789abcdef", Recipes: 1, QueueDepth: 4, InFlight: 2}
}

func (machine) Recipes() []Recipe {
	return []Recipe{{Name: "billing/dunning", Filename: "billing/dunning.hcl", Description: "Tell <b>Customer.io</b>", Enabled: true,
		Triggers: []RecipeTrigger{{Type: "stripe_charge_failed", Connection: "stripe", Events: []string{"charge.failed"}}},
		Actions:  []string{"customerio_track"}}}
}

func (m machine) Connections() []Connection {
	return []Connection{{Name: "stripe", Service: "stripe", Door: "/webhooks/stripe", Livemode: &m.live}}
}

func (machine) Matched(_ context.Context, e *runtime.Event, d *runtime.Decision) []string {
	if e.Payload != nil || d.Matched == nil {
		return nil
	}
	return []string{"billing/dunning"}
}

var start = time.Date(2026, 11, 3, 3, 0, 0, 0, time.FixedZone("CET", 3600))

type stoppedClock struct{ runtime.Clock }

func (stoppedClock) Now() time.Time { return start.Add(90 * time.Minute) }

// records are five events, and a run for each but the first.
func records() *memory {
	m := &memory{decisions: map[int64]*runtime.Decision{}}
	for i := range int64(5) {
		e := &runtime.Event{Seq: i + 1, Connection: "stripe", Service: "stripe", ID: "evt_" + string(rune('1'+i)), Type: "charge.failed",
			Time: start.Add(time.Duration(i) * time.Minute), ReceivedAt: start.Add(time.Duration(i)*time.Minute + time.Second),
			Account: "acct_1", APIVersion: "2023-10-16", Payload: []byte(`{"id": "evt", "amount": 12345678901234567890}`)}
		m.events = append(m.events, e)
		if i == 0 {
			continue
		}
		m.decisions[e.Seq] = &runtime.Decision{EventSeq: e.Seq, Program: "digest", At: e.ReceivedAt, Matched: []byte{1}, Runs: 1}
		m.runs = append(m.runs, &runtime.Run{Seq: i, ID: "run_" + string(rune('1'+i)), EventSeq: e.Seq, Connection: "stripe", EventID: e.ID,
			EventType: e.Type, Recipe: "billing/dunning", Program: "digest", Status: runtime.RunCompleted, StartedAt: e.ReceivedAt,
			EndedAt: e.ReceivedAt.Add(1500 * time.Millisecond)})
	}
	failed := m.runs[3]
	failure := &runtime.StepError{Step: "action.customerio_track", Kind: connectors.KindServer, Status: 503, Message: "<script>alert(1)</script>"}
	failed.Status, failed.Error = runtime.RunFailed, failure
	failed.Steps = []*runtime.Step{{Index: 0, Address: "action.customerio_track", Action: "customerio_track", Key: "k", Status: runtime.StepFailed,
		StartedAt: failed.StartedAt, EndedAt: failed.EndedAt, Input: []byte(`{"name":"payment_failed"}`), Output: []byte("not json"), Error: failure,
		Attempts: []runtime.Attempt{{At: failed.StartedAt, Duration: 250 * time.Millisecond, Status: 503, Error: failure}}}}
	return m
}

func config(store *memory) Config {
	reloaded := ReloadResult{Digest: "new", Changed: true, OK: true, Recipes: 3, At: start, Took: 40 * time.Millisecond}
	refused := ReloadResult{Digest: "new", Recipes: 3, Diagnostics: "Error FR2103: <Value> may be null", At: start}
	return Config{
		Store:  store,
		Engine: machine{},
		Server: ServerInfo{Version: "v1.2.3", Mode: "serve", StartedAt: start, Listen: ":8080", Control: "127.0.0.1:8081", Store: "sqlite:flowrun.db", Dir: "recipes"},
		Reload: func(context.Context) ReloadResult { return reloaded },
		Reloads: func() (ReloadResult, ReloadResult) {
			return refused, reloaded
		},
		Trigger: func(_ context.Context, r TriggerRequest) (TriggerResult, error) {
			if r.Type == "unheard.of" {
				return TriggerResult{}, ErrBadTrigger
			}
			if r.Type == "broken" {
				return TriggerResult{}, errors.New("listener gone")
			}
			return TriggerResult{EventID: "evt_new", Connection: "stripe", Type: r.Type + r.Set["amount"], Accepted: true}, nil
		},
		Clock:   stoppedClock{},
		Metrics: telemetry.NewMetrics(),
	}
}

// ask sends a request as a local program does.
func ask(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:8081"+path, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func client(t *testing.T, h http.Handler, token string) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return NewClient(s.URL, token)
}

func logTo(b *bytes.Buffer) *slog.Logger {
	return telemetry.NewLogger(b, telemetry.FormatText, nil, nil)
}
