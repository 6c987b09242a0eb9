package ingress

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/runtimetest"
	"github.com/flowrun/flowrun/runtime/telemetry"
)

const signingSecret = "signing-secret"

func sign(body []byte) string {
	m := hmac.New(sha256.New, []byte(signingSecret))
	m.Write(body)
	return hex.EncodeToString(m.Sum(nil))
}

// openTest is a service's Open: a body {"id", "type"}, signed in a header.
func openTest(r *connectors.WebhookRequest) (*connectors.Envelope, error) {
	if !hmac.Equal([]byte(sign(r.Body)), []byte(r.Header.Get("X-Signature"))) {
		return nil, &connectors.WebhookError{Reason: "the signature does not hold", Detail: "tried 1 secret", Forged: true}
	}
	var body struct{ ID, Type, Do string }
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return nil, &connectors.WebhookError{Reason: "the body is not JSON", Detail: err.Error()}
	}
	switch body.Do {
	case "panic":
		panic("a bug in a service")
	case "later":
		return nil, &connectors.WebhookError{Status: 503, Reason: "not now"}
	case "bug":
		return nil, errors.New("internal detail")
	case "nonsense":
		return nil, &connectors.WebhookError{Status: 200, Reason: "nonsense"}
	}
	return &connectors.Envelope{ID: body.ID, Type: body.Type, Time: time.Unix(1, 0), Account: "acct_1", APIVersion: "v", Livemode: true}, nil
}

// fixture is a handler over a store in memory.
type fixture struct {
	*Handler
	log     bytes.Buffer
	metrics *telemetry.Metrics
	clock   *runtimetest.Clock

	mu     sync.Mutex
	events []*runtime.Event
	told   []*runtime.Event
	fail   error
	hold   chan struct{} // Accept waits for it where it is set
	within chan struct{} // and says so here
}

func newFixture(change func(*Config)) *fixture {
	f := &fixture{metrics: telemetry.NewMetrics(), clock: runtimetest.NewClock(time.Date(2026, 11, 3, 3, 0, 0, 0, time.UTC))}
	stripe := &Door{Conn: &connectors.Conn{Name: "main", Service: "test"}, Webhook: &connectors.Webhook{Open: openTest}}
	patient := &Door{Conn: &connectors.Conn{Name: "patient", Service: "test"},
		Webhook: &connectors.Webhook{Open: openTest, Busy: 503, MaxBody: 2000}}
	cfg := Config{
		Accept:   f.accept,
		Accepted: func(e *runtime.Event) { f.told = append(f.told, e) },
		Door: func(name string) *Door {
			return map[string]*Door{"main": stripe, "patient": patient}[name]
		},
		MaxBody: 1000,
		Clock:   f.clock,
		Log:     telemetry.NewLogger(&f.log, telemetry.FormatText, slog.LevelDebug, nil),
		Metrics: f.metrics,
	}
	if change != nil {
		change(&cfg)
	}
	f.Handler = New(cfg)
	return f
}

func (f *fixture) accept(ctx context.Context, e *runtime.Event) (bool, error) {
	if f.hold != nil {
		f.within <- struct{}{}
		<-f.hold
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return false, f.fail
	}
	for _, old := range f.events {
		if old.Connection == e.Connection && old.ID == e.ID {
			return false, nil
		}
	}
	e.Seq = int64(len(f.events) + 1)
	f.events = append(f.events, e)
	return true, nil
}

func post(path, body string) *http.Request {
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set("X-Signature", sign([]byte(body)))
	return r
}

func (f *fixture) serve(r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const good = `{"id": "evt_1", "type": "charge.failed"}`

func TestAccept(t *testing.T) {
	f := newFixture(nil)
	resp := f.serve(post("/webhooks/main", good))
	if got := text(t, resp); resp.StatusCode != 200 || got != `{"status":"accepted"}`+"\n" {
		t.Fatalf("answers %d %s", resp.StatusCode, got)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	want := []*runtime.Event{{Seq: 1, Connection: "main", Service: "test", ID: "evt_1", Type: "charge.failed", Time: time.Unix(1, 0),
		ReceivedAt: f.clock.Now(), Account: "acct_1", APIVersion: "v", Livemode: true, Payload: []byte(good)}}
	if diff := cmp.Diff(want, f.events); diff != "" {
		t.Errorf("stored (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(want, f.told); diff != "" {
		t.Errorf("told (-want +got)\n%s", diff)
	}

	// The same again is 200 and nothing else.
	resp = f.serve(post("/webhooks/main", good))
	if got := text(t, resp); resp.StatusCode != 200 || got != `{"status":"duplicate"}`+"\n" {
		t.Errorf("a duplicate is answered %d %s", resp.StatusCode, got)
	}
	if len(f.told) != 1 {
		t.Errorf("told of %d events, want 1", len(f.told))
	}
	// Another connection may use the same id.
	if resp := f.serve(post("/webhooks/patient", good)); resp.StatusCode != 200 || len(f.told) != 2 {
		t.Errorf("the same id at another door: %d, told of %d", resp.StatusCode, len(f.told))
	}
}

func TestPayloadsAreNotShared(t *testing.T) {
	f := newFixture(nil)
	var want []string
	for i := range 20 {
		body := fmt.Sprintf(`{"id": "evt_%d", "type": "x", "pad": "%s"}`, i, strings.Repeat("p", 20-i))
		want = append(want, body)
		if resp := f.serve(post("/webhooks/main", body)); resp.StatusCode != 200 {
			t.Fatalf("answers %d", resp.StatusCode)
		}
	}
	var got []string
	for _, e := range f.events {
		got = append(got, string(e.Payload))
		if cap(e.Payload) > len(e.Payload)+64 {
			t.Errorf("a payload of %d bytes holds %d", len(e.Payload), cap(e.Payload))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestRefuse(t *testing.T) {
	with := func(r *http.Request, name, value string) *http.Request {
		r.Header.Set(name, value)
		return r
	}
	chunked := func(body string) *http.Request {
		r := post("/webhooks/main", body)
		r.ContentLength = -1
		r.Body = io.NopCloser(strings.NewReader(body))
		return r
	}
	shorter := post("/webhooks/main", good)
	shorter.ContentLength = 500
	broken := post("/webhooks/main", good)
	broken.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), brokenReader{}))
	for _, tt := range []struct {
		name   string
		req    *http.Request
		status int
		body   string
		header map[string]string
		metric string
	}{
		{name: "get", req: httptest.NewRequest("GET", "/webhooks/main", nil), status: 405, body: "use POST",
			header: map[string]string{"Allow": "POST"}, metric: `connection="",reason="method"`},
		{name: "options", req: httptest.NewRequest("OPTIONS", "/webhooks/main", nil), status: 405, body: "use POST"},
		{name: "get of an unknown door", req: httptest.NewRequest("GET", "/webhooks/nope", nil), status: 405, body: "use POST"},
		{name: "unknown door", req: post("/webhooks/nope", good), status: 404, body: "no such connection", metric: `connection="",reason="door"`},
		{name: "no door", req: post("/webhooks/", good), status: 404, body: "no such connection"},
		{name: "long door", req: post("/webhooks/"+strings.Repeat("x", 5000), good), status: 404, body: "no such connection"},
		{name: "root", req: httptest.NewRequest("GET", "/", nil), status: 404, body: "there is nothing here"},
		{name: "metrics", req: httptest.NewRequest("GET", "/metrics", nil), status: 404, body: "there is nothing here"},
		{name: "api", req: httptest.NewRequest("GET", "/api/v1/status", nil), status: 404, body: "there is nothing here"},
		{name: "stated too large", req: post("/webhooks/main", strings.Repeat("x", 1001)), status: 413, body: "over the limit of 1000 bytes",
			header: map[string]string{"Connection": "close"}, metric: `connection="main",reason="too_large"`},
		{name: "chunked too large", req: chunked(strings.Repeat("x", 1001)), status: 413, body: "over the limit of 1000 bytes"},
		{name: "largest the vendor needs", req: post("/webhooks/patient", strings.Repeat("x", 2001)), status: 413, body: "over the limit of 2000 bytes"},
		{name: "gzip", req: with(post("/webhooks/main", good), "Content-Encoding", "gzip"), status: 415, body: "must not be compressed"},
		{name: "shorter than stated", req: shorter, status: 400, body: "shorter than its Content-Length"},
		{name: "cut", req: broken, status: 400, body: "could not be read", header: map[string]string{"Connection": "close"}},
		{name: "empty", req: post("/webhooks/main", ""), status: 400, body: "the body is empty"},
		{name: "forged", req: with(post("/webhooks/main", good), "X-Signature", "00"), status: 400, body: "the signature does not hold",
			metric: `connection="main",reason="signature"`},
		{name: "not JSON", req: post("/webhooks/main", "{"), status: 400, body: "the body is not JSON", metric: `connection="main",reason="body"`},
		{name: "no id", req: post("/webhooks/main", `{"type": "x"}`), status: 400, body: "no id or no type"},
		{name: "no type", req: post("/webhooks/main", `{"id": "x"}`), status: 400, body: "no id or no type"},
		{name: "the service says when", req: post("/webhooks/main", `{"do": "later"}`), status: 503, body: "not now",
			header: map[string]string{"Retry-After": "5"}},
		{name: "an error that isn't for the sender", req: post("/webhooks/main", `{"do": "bug"}`), status: 400, body: "could not be read"},
		{name: "a status that isn't a refusal", req: post("/webhooks/main", `{"do": "nonsense"}`), status: 400, body: "nonsense"},
		{name: "a panic", req: post("/webhooks/main", `{"do": "panic"}`), status: 503, body: "internal error",
			header: map[string]string{"Retry-After": "5"}, metric: `connection="main",reason="internal"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(nil)
			resp := f.serve(tt.req)
			body := text(t, resp)
			var parsed struct{ Error string }
			if err := json.Unmarshal([]byte(body), &parsed); err != nil {
				t.Fatalf("the body %q is not JSON: %v", body, err)
			}
			if resp.StatusCode != tt.status || !strings.Contains(parsed.Error, tt.body) {
				t.Errorf("answers %d %s, want %d %s", resp.StatusCode, body, tt.status, tt.body)
			}
			for _, leak := range []string{"internal detail", "tried 1 secret", "a bug in"} {
				if strings.Contains(body, leak) {
					t.Errorf("the sender is told %q", leak)
				}
			}
			for name, want := range tt.header {
				if got := resp.Header.Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if len(f.events) != 0 || len(f.told) != 0 {
				t.Error("an event was stored")
			}
			if tt.metric != "" {
				w := httptest.NewRecorder()
				f.metrics.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
				if want := "flowrun_events_refused_total{" + tt.metric + "} 1"; !strings.Contains(w.Body.String(), want) {
					t.Errorf("no line %s", want)
				}
			}
			if got := f.inFlight.Load(); got != 0 {
				t.Errorf("%d bodies are still in flight", got)
			}
		})
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestExactlyAtTheCap(t *testing.T) {
	f := newFixture(nil)
	pad := 1000 - len(`{"id": "a", "type": "b", "pad": ""}`)
	body := `{"id": "a", "type": "b", "pad": "` + strings.Repeat("x", pad) + `"}`
	if resp := f.serve(post("/webhooks/main", body)); resp.StatusCode != 200 {
		t.Errorf("answers %d to %d bytes", resp.StatusCode, len(body))
	}
}

func TestStoreFails(t *testing.T) {
	f := newFixture(nil)
	f.fail = fmt.Errorf("writing: %w", runtime.ErrClosed)
	resp := f.serve(post("/webhooks/main", good))
	if body := text(t, resp); resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "5" || strings.Contains(body, "closed") {
		t.Errorf("answers %d, Retry-After %q, %s", resp.StatusCode, resp.Header.Get("Retry-After"), body)
	}
	if !strings.Contains(f.log.String(), "ERROR webhook not stored") || !strings.Contains(f.log.String(), "the store is closed") {
		t.Errorf("the log says\n%s", f.log.String())
	}
	f.fail = nil
	if resp := f.serve(post("/webhooks/main", good)); resp.StatusCode != 200 || len(f.told) != 1 {
		t.Errorf("sent again: %d, told of %d", resp.StatusCode, len(f.told))
	}
}

func TestSenderHangsUp(t *testing.T) {
	f := newFixture(nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	f.serve(post("/webhooks/main", good).WithContext(ctx))
	if len(f.told) != 1 {
		t.Error("an event was given up because its sender did not wait for the answer")
	}
}

func TestReady(t *testing.T) {
	f := newFixture(nil)
	f.SetReady(false)
	resp := f.serve(post("/webhooks/main", good))
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || f.Ready() {
		t.Errorf("answers %d while not ready", resp.StatusCode)
	}
	if resp := f.serve(httptest.NewRequest("GET", "/healthz", nil)); resp.StatusCode != 200 {
		t.Errorf("/healthz answers %d while not ready", resp.StatusCode)
	}
	f.SetReady(true)
	if resp := f.serve(post("/webhooks/main", good)); resp.StatusCode != 200 || !f.Ready() {
		t.Errorf("answers %d once ready", resp.StatusCode)
	}
}

func TestHealthz(t *testing.T) {
	f := newFixture(nil)
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "POST": 405} {
		if resp := f.serve(httptest.NewRequest(method, "/healthz", nil)); resp.StatusCode != want {
			t.Errorf("%s answers %d, want %d", method, resp.StatusCode, want)
		}
	}
}

func TestBusy(t *testing.T) {
	f := newFixture(func(c *Config) { c.MaxInFlight = 1 })
	f.hold, f.within = make(chan struct{}), make(chan struct{})
	done := make(chan int)
	go func() { done <- f.serve(post("/webhooks/main", good)).StatusCode }()
	<-f.within
	resp := f.serve(post("/webhooks/main", `{"id": "evt_2", "type": "x"}`))
	if resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "5" {
		t.Errorf("answers %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	if resp := f.serve(post("/webhooks/patient", good)); resp.StatusCode != 503 {
		t.Errorf("a vendor that stops at 429 is answered %d", resp.StatusCode)
	}
	close(f.hold)
	if status := <-done; status != 200 {
		t.Errorf("the first one is answered %d", status)
	}
	f.hold = nil
	if resp := f.serve(post("/webhooks/main", `{"id": "evt_3", "type": "x"}`)); resp.StatusCode != 200 {
		t.Errorf("afterwards %d", resp.StatusCode)
	}
}

// logLines passes on each line that is logged.
type logLines chan string

func (l logLines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func TestFloodsAreLoggedOnceAMinute(t *testing.T) {
	log := make(logLines, 1000)
	f := newFixture(func(c *Config) { c.Log = telemetry.NewLogger(log, telemetry.FormatText, nil, nil) })
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	line := func(want ...string) {
		t.Helper()
		select {
		case got := <-log:
			for _, w := range want {
				if !strings.Contains(got, w) {
					t.Errorf("no %q in %s", w, got)
				}
			}
		case <-ctx.Done():
			t.Fatalf("no line with %q", want)
		}
	}
	silence := func() {
		t.Helper()
		select {
		case got := <-log:
			t.Fatalf("unexpected line %s", got)
		default:
		}
	}
	minute := func(timers int) {
		t.Helper()
		if err := f.clock.WaitTimers(ctx, timers); err != nil {
			t.Fatal(err)
		}
		f.clock.Advance(time.Minute)
	}
	forge := func(times int) {
		for range times {
			r := post("/webhooks/main", good)
			r.Header.Set("X-Signature", "forged")
			f.serve(r)
		}
	}

	forge(1)
	line("WARN  webhook with a bad signature refused", "connection=main", `detail="tried 1 secret"`, "from=192.0.2.1")
	forge(99)
	silence()
	for i := range 100 {
		f.serve(post(fmt.Sprintf("/webhooks/unknown%d", i), good))
	}
	line("WARN  webhook refused", "path=/webhooks/unknown0") // names that strangers make up share a line
	silence()
	f.fail = errors.New("disk full")
	f.serve(post("/webhooks/main", good))
	line("ERROR webhook not stored", "disk full") // what is our own fault is not drowned

	minute(2)
	if all := <-log + <-log; strings.Count(all, "more webhooks refused") != 2 || strings.Count(all, "count=99") != 2 ||
		strings.Count(all, "connection=main") != 1 {
		t.Errorf("after a minute the log says\n%s", all)
	}

	forge(5) // the flood goes on: counted in the minute that has begun
	silence()
	minute(1)
	line("more webhooks refused", "count=5")
	f.clock.Advance(time.Minute)
	forge(1) // after a pause, said at once
	line("webhook with a bad signature refused")
	silence()
}

func FuzzHandler(f *testing.F) {
	f.Add("POST", "main", "", []byte(good), true, int64(0))
	f.Add("POST", "main", "", []byte(good), false, int64(0))
	f.Add("POST", "main", "gzip", []byte("\x1f\x8b"), true, int64(0))
	f.Add("POST", "patient", "identity", []byte(`{"do": "panic"}`), true, int64(5))
	f.Add("POST", "../healthz", "", []byte(`{"id":"\u0000","type":"x"}`), true, int64(-1))
	f.Add("PUT", "main", "", []byte{}, true, int64(1<<40))
	f.Add("POST", "main", "", bytes.Repeat([]byte("x"), 1001), true, int64(0))
	f.Fuzz(func(t *testing.T, method, door, encoding string, body []byte, signed bool, skew int64) {
		fx := newFixture(nil)
		r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		r.Method, r.URL.Path = method, "/webhooks/"+door
		r.ContentLength = int64(len(body)) + skew
		if encoding != "" {
			r.Header.Set("Content-Encoding", encoding)
		}
		if signed {
			r.Header.Set("X-Signature", sign(body))
		}
		resp := fx.serve(r)
		if !json.Valid([]byte(text(t, resp))) {
			t.Error("the answer is not JSON")
		}
		stored := len(fx.events) == 1
		switch {
		case stored != (resp.StatusCode == 200):
			t.Errorf("answers %d with %d events stored", resp.StatusCode, len(fx.events))
		case stored && !signed:
			t.Error("an event without a signature was stored")
		case stored && !bytes.Equal(fx.events[0].Payload, body):
			t.Error("the payload is not the body")
		}
		if fx.inFlight.Load() != 0 {
			t.Error("a body is still in flight")
		}
	})
}

// BenchmarkAccept measures the path without the network and the store.
func BenchmarkAccept(b *testing.B) {
	open := func(*connectors.WebhookRequest) (*connectors.Envelope, error) {
		return &connectors.Envelope{ID: "evt_1", Type: "x"}, nil
	}
	door := &Door{Conn: &connectors.Conn{Name: "main", Service: "test"}, Webhook: &connectors.Webhook{Open: open}}
	h := New(Config{
		Accept:  func(context.Context, *runtime.Event) (bool, error) { return true, nil },
		Door:    func(string) *Door { return door },
		Metrics: telemetry.NewMetrics(),
	})
	body := bytes.Repeat([]byte("x"), 3000)
	reader := bytes.NewReader(body)
	r := httptest.NewRequest("POST", "/webhooks/main", nil)
	r.Body = io.NopCloser(reader)
	r.ContentLength = int64(len(body))
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(body)
		h.ServeHTTP(discard{http.Header{}}, r)
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}
