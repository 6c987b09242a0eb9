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
	"github.com/flowrun/flowrun/runtime/memstore"
	"github.com/flowrun/flowrun/runtime/runtimetest"
	"github.com/flowrun/flowrun/runtime/telemetry"
)

// memory is a store that can fail, and that remembers what it was asked for.
type memory struct {
	*memstore.Store
	fail error

	mu      sync.Mutex
	backups []string
	asked   []any // queries
}

func (m *memory) Counts(ctx context.Context) (runtime.Counts, error) {
	if m.fail != nil {
		return runtime.Counts{}, m.fail
	}
	c, err := m.Store.Counts(ctx)
	c.Bytes = 1536
	return c, err
}

func (m *memory) Run(ctx context.Context, id string) (*runtime.Run, error) {
	if m.fail != nil {
		return nil, m.fail
	}
	return m.Store.Run(ctx, id)
}

func (m *memory) Events(ctx context.Context, q runtime.EventQuery) ([]*runtime.Event, error) {
	m.ask(q)
	if m.fail != nil {
		return nil, m.fail
	}
	return m.Store.Events(ctx, q)
}

func (m *memory) Runs(ctx context.Context, q runtime.RunQuery) ([]*runtime.Run, error) {
	m.ask(q)
	if m.fail != nil {
		return nil, m.fail
	}
	return m.Store.Runs(ctx, q)
}

func (m *memory) ask(q any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, q)
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

// now is what the door's clock shows.
var now = start.Add(90 * time.Minute)

// records are five events, and a run for each but the first.
func records(t *testing.T) *memory {
	t.Helper()
	ctx := context.Background()
	m := &memory{Store: memstore.New()}
	program := &runtime.Program{Digest: "0123456789abcdef", At: start, Files: map[string][]byte{"billing/dunning.hcl": []byte("trigger \"stripe_charge_failed\" {}\n")}}
	if err := m.KeepProgram(ctx, program); err != nil {
		t.Fatal(err)
	}
	for i := range int64(5) {
		at := start.Add(time.Duration(i) * time.Minute)
		digit := string(rune('1' + i))
		e := &runtime.Event{Connection: "stripe", Service: "stripe", ID: "evt_" + digit, Type: "charge.failed", Time: at,
			ReceivedAt: at.Add(time.Second), Account: "acct_1", APIVersion: "2023-10-16", Payload: []byte(`{"id": "evt", "amount": 12345678901234567890}`)}
		if _, err := m.AcceptEvent(ctx, e); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			continue
		}
		run := &runtime.Run{ID: "run_" + digit, EventSeq: e.Seq, Connection: "stripe", EventID: e.ID, EventType: e.Type, Recipe: "billing/dunning",
			Program: "digest", Status: runtime.RunCompleted, StartedAt: e.ReceivedAt, EndedAt: e.ReceivedAt.Add(1500 * time.Millisecond)}
		if i == 4 {
			failure := &runtime.StepError{Step: "action.customerio_track", Kind: connectors.KindServer, Status: 503, Message: "<script>alert(1)</script>"}
			run.Status, run.Error = runtime.RunFailed, failure
			run.Steps = []*runtime.Step{{Index: 0, Address: "action.customerio_track", Action: "customerio_track", Key: "k", Status: runtime.StepFailed,
				StartedAt: run.StartedAt, EndedAt: run.EndedAt, Input: []byte(`{"name":"payment_failed"}`), Output: []byte("not json"), Error: failure,
				Attempts: []runtime.Attempt{{At: run.StartedAt, Duration: 250 * time.Millisecond, Status: 503, Error: failure}}}}
		}
		d := &runtime.Decision{EventSeq: e.Seq, Program: "digest", At: e.ReceivedAt, Matched: []byte{1}, Runs: 1}
		if err := m.Record(ctx, &runtime.Change{Decision: d, Runs: []*runtime.Run{run}}); err != nil {
			t.Fatal(err)
		}
	}
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
		Clock:   runtimetest.NewClock(now),
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
