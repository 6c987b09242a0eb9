package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/runtime"
)

// TestAnswers compares whole answers with what stands in testdata: the JSON is a contract.
func TestAnswers(t *testing.T) {
	h := New(config(records(t)))
	owned := map[string]bool{}
	for name, path := range map[string]string{
		"status":    "/api/v1/status",
		"recipes":   "/api/v1/recipes",
		"program":   "/api/v1/program",
		"history":   "/api/v1/history?since=2026-11-03T02:03:01Z&limit=1",
		"events":    "/api/v1/events?limit=2",
		"undecided": "/api/v1/events/evt_1",
		"event":     "/api/v1/events/evt_5?connection=stripe",
		"runs":      "/api/v1/runs?limit=2",
		"failed":    "/api/v1/runs/run_5",
		"openapi":   "/api/v1/openapi.json",
	} {
		t.Run(name, func(t *testing.T) {
			w := ask(h, "GET", path, "")
			if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
				t.Fatalf("answers %d, %s", w.Code, w.Header().Get("Content-Type"))
			}
			var indented bytes.Buffer
			if err := json.Indent(&indented, w.Body.Bytes(), "", "  "); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".json")
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(golden, indented.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), indented.String()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
		owned[name+".json"] = true
	}
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !owned[f.Name()] {
			t.Errorf("testdata/%s belongs to no test", f.Name())
		}
	}
}

func TestRefusals(t *testing.T) {
	bare := config(records(t))
	bare.Reload, bare.Trigger, bare.Engine, bare.Reloads = nil, nil, nil, nil
	for _, tt := range []struct {
		method, path, body string
		bare               bool
		status             int
		code, message      string
	}{
		{method: "GET", path: "/api/v1/runs/nope", status: 404, code: "not_found", message: "nope"},
		{method: "GET", path: "/api/v1/events/nope", status: 404, code: "not_found", message: "nope"},
		{method: "GET", path: "/api/v1/events/evt_1?connection=other", status: 404, code: "not_found"},
		{method: "GET", path: "/api/v1/program?digest=gone", status: 404, code: "not_found", message: "gone"},
		{method: "GET", path: "/api/v1/program?sha=1", status: 400, code: "unknown_parameter", message: "sha"},
		{method: "GET", path: "/api/v1/history?since=soon", status: 400, code: "bad_parameter", message: "soon"},
		{method: "GET", path: "/api/v1/nope", status: 404, code: "not_found", message: "openapi.json"},
		{method: "GET", path: "/favicon.ico", status: 404, code: "not_found"},
		{method: "DELETE", path: "/api/v1/runs", status: 405, code: "method", message: "GET"},
		{method: "GET", path: "/api/v1/reload", status: 405, code: "method", message: "POST"},
		{method: "GET", path: "/api/v1/runs?status=done", status: 400, code: "bad_parameter", message: `status is "done"; it must be queued`},
		{method: "GET", path: "/api/v1/runs?limit=0", status: 400, code: "bad_parameter", message: "1 to 500"},
		{method: "GET", path: "/api/v1/runs?limit=501", status: 400, code: "bad_parameter"},
		{method: "GET", path: "/api/v1/runs?limit=x", status: 400, code: "bad_parameter"},
		{method: "GET", path: "/api/v1/runs?cursor=-1", status: 400, code: "bad_parameter", message: "next"},
		{method: "GET", path: "/api/v1/runs?cursor=!", status: 400, code: "bad_parameter"},
		{method: "GET", path: "/api/v1/events?since=yesterday", status: 400, code: "bad_parameter", message: "RFC 3339"},
		{method: "GET", path: "/api/v1/runs?recipes=x", status: 400, code: "unknown_parameter", message: `"recipes"`},
		{method: "GET", path: "/api/v1/events?status=failed", status: 400, code: "unknown_parameter"},
		{method: "GET", path: "/api/v1/runs?recipe=a&recipe=b", status: 400, code: "bad_parameter", message: "2 times"},
		{method: "GET", path: "/api/v1/runs?status=failed,done", status: 400, code: "bad_parameter", message: "done"},
		{method: "GET", path: "/api/v1/runs?until=soon", status: 400, code: "bad_parameter", message: "until"},
		{method: "GET", path: "/api/v1/stats?bucket=7m", status: 400, code: "bad_parameter", message: "multiple"},
		{method: "GET", path: "/api/v1/stats?bucket=5m&since=300d", status: 400, code: "bad_parameter", message: "no more than"},
		{method: "GET", path: "/api/v1/stats?since=1h&until=2h", status: 400, code: "bad_parameter", message: "before until"},
		{method: "GET", path: "/api/v1/stats?since=1900-01-01T00:00:00Z", status: 400, code: "bad_parameter"},
		{method: "GET", path: "/api/v1/stream?only=nothing", status: 400, code: "bad_parameter", message: "breakers"},
		{method: "GET", path: "/api/v1/runs?a=%zz", status: 400, code: "bad_query"},
		{method: "POST", path: "/api/v1/store/backup", body: `{"path":"copy.db"}`, status: 400, code: "bad_path", message: "absolute"},
		{method: "POST", path: "/api/v1/store/backup", body: `{}`, status: 400, code: "bad_path"},
		{method: "POST", path: "/api/v1/store/backup", body: `{"file":"/x"}`, status: 400, code: "bad_request", message: "file"},
		{method: "POST", path: "/api/v1/store/backup", body: `{"path":"/x"}{}`, status: 400, code: "bad_request", message: "more than one"},
		{method: "POST", path: "/api/v1/store/backup", body: `{`, status: 400, code: "bad_request"},
		{method: "POST", path: "/api/v1/trigger", body: `{}`, status: 400, code: "bad_request", message: "type is missing"},
		{method: "POST", path: "/api/v1/trigger", body: `{"type":"unheard.of"}`, status: 400, code: "bad_request"},
		{method: "POST", path: "/api/v1/trigger", body: `{"type":"broken"}`, status: 500, code: "internal", message: "listener gone"},
		{method: "POST", path: "/api/v1/trigger", body: `{"type":"` + strings.Repeat("x", maxRequest) + `"}`, status: 413, code: "too_large"},
		{bare: true, method: "POST", path: "/api/v1/trigger", body: `{"type":"x"}`, status: 404, code: "not_found", message: "flowrun dev"},
		{bare: true, method: "POST", path: "/api/v1/reload", status: 404, code: "not_found"},
	} {
		h := New(config(records(t)))
		if tt.bare {
			h = New(bare)
		}
		w := ask(h, tt.method, tt.path, tt.body)
		var p problemBody
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			t.Errorf("%s %s: the body %q is not JSON", tt.method, tt.path, w.Body)
			continue
		}
		if w.Code != tt.status || p.Error.Code != tt.code || !strings.Contains(p.Error.Message, tt.message) {
			t.Errorf("%s %s: %d %+v, want %d %s %q", tt.method, tt.path, w.Code, p.Error, tt.status, tt.code, tt.message)
		}
	}
}

func TestWithoutAnEngine(t *testing.T) {
	store := records(t)
	h := New(Config{Store: store})
	for _, path := range []string{"/api/v1/status", "/api/v1/recipes", "/api/v1/events", "/api/v1/events/evt_2", "/readyz", "/api/v1/stats"} {
		if w := ask(h, "GET", path, ""); w.Code != http.StatusOK {
			t.Errorf("%s answers %d %s", path, w.Code, w.Body)
		}
	}
	if w := ask(h, "GET", "/metrics", ""); w.Code != http.StatusNotFound {
		t.Errorf("/metrics without metrics answers %d", w.Code)
	}
}

func TestCursors(t *testing.T) {
	c := client(t, New(config(records(t))), "")
	var ids []string
	f := RunFilter{Limit: 3}
	for pages := 1; ; pages++ {
		list, err := c.Runs(context.Background(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list.Runs {
			ids = append(ids, r.ID)
		}
		if list.Next == "" {
			if pages != 2 {
				t.Errorf("%d pages, want 2", pages)
			}
			break
		}
		f.Cursor = list.Next
	}
	if want := []string{"run_5", "run_4", "run_3", "run_2"}; !slices.Equal(ids, want) {
		t.Errorf("runs %v, want %v", ids, want)
	}

	// A page that is exactly full is the last where nothing follows.
	list, err := c.Runs(context.Background(), RunFilter{Limit: 4})
	if err != nil || len(list.Runs) != 4 || list.Next != "" {
		t.Errorf("%d runs, next %q, %v", len(list.Runs), list.Next, err)
	}
	events, err := c.Events(context.Background(), EventFilter{Limit: 4})
	if err != nil || len(events.Events) != 4 || events.Next == "" {
		t.Fatalf("%d events, next %q, %v", len(events.Events), events.Next, err)
	}
	events, err = c.Events(context.Background(), EventFilter{Limit: 4, Cursor: events.Next})
	if err != nil || len(events.Events) != 1 || events.Events[0].ID != "evt_1" || events.Next != "" {
		t.Errorf("the last page: %+v, %v", events, err)
	}
}

func TestFiltersReachTheStore(t *testing.T) {
	store := records(t)
	c := client(t, New(config(store)), "")
	if _, err := c.Runs(context.Background(), RunFilter{Recipe: "a/b", Status: "failed", Event: "evt_1", Since: "7d12h", Limit: 10, Cursor: "z"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Events(context.Background(), EventFilter{Connection: "c&d", Type: "t", Since: "2026-11-01T00:00:00Z"}); err != nil {
		t.Fatal(err)
	}
	want := []any{
		runtime.RunQuery{Recipe: "a/b", Statuses: []runtime.RunStatus{runtime.RunFailed}, EventID: "evt_1", Since: now.Add(-180 * time.Hour), Before: 35, Limit: 11},
		runtime.EventQuery{Connection: "c&d", Type: "t", Since: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Limit: 51},
	}
	if diff := cmp.Diff(want, store.asked); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestSince(t *testing.T) {
	now := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	for in, want := range map[string]time.Duration{"90m": 90 * time.Minute, "7d": 168 * time.Hour, "1d2h": 26 * time.Hour, "0d": 0} {
		if got, ok := since(in, now); !ok || now.Sub(got) != want {
			t.Errorf("since(%q) = %v, %v", in, got, ok)
		}
	}
	for _, in := range []string{"d", "-1d", "7", "-5m", "1d-2h", "yesterday", "9999999999d", "2026-11-03"} {
		if got, ok := since(in, now); ok {
			t.Errorf("since(%q) = %v", in, got)
		}
	}
}

func TestProbes(t *testing.T) {
	cfg := config(records(t))
	cfg.Ready = func() error { return errors.New("waiting for the store's lock") }
	cfg.Token = "t"
	h := New(cfg)
	if w := ask(h, "GET", "/healthz", ""); w.Code != 200 {
		t.Errorf("/healthz answers %d", w.Code)
	}
	w := ask(h, "GET", "/readyz", "")
	if w.Code != 503 || !strings.Contains(w.Body.String(), "waiting for the store's lock") || w.Header().Get("Retry-After") == "" {
		t.Errorf("/readyz answers %d %s", w.Code, w.Body)
	}
	// A reload that was refused leaves the server ready.
	if w := ask(New(config(records(t))), "GET", "/readyz", ""); w.Code != 200 {
		t.Errorf("/readyz after a refused reload answers %d", w.Code)
	}
}

func TestMetricsAreFresh(t *testing.T) {
	body := ask(New(config(records(t))), "GET", "/metrics", "").Body.String()
	for _, want := range []string{"flowrun_store_events 5", "flowrun_store_bytes 1536", `flowrun_store_runs{status="failed"} 1`, "flowrun_queue_depth 4", "flowrun_runs_in_flight 2"} {
		if !strings.Contains(body, "\n"+want) {
			t.Errorf("no line %s", want)
		}
	}
}

func TestStoreErrors(t *testing.T) {
	store := records(t)
	var log bytes.Buffer
	cfg := config(store)
	cfg.Log = logTo(&log)
	h := New(cfg)
	store.fail = errors.New("disk I/O error")
	for _, path := range []string{"/api/v1/status", "/api/v1/runs", "/api/v1/events", "/api/v1/runs/run_5"} {
		if w := ask(h, "GET", path, ""); w.Code != 500 || !strings.Contains(w.Body.String(), "disk I/O error") {
			t.Errorf("%s answers %d %s", path, w.Code, w.Body)
		}
	}
	if !strings.Contains(log.String(), "ERROR control request failed") {
		t.Errorf("the log says %s", log.String())
	}
	if w := ask(h, "POST", "/api/v1/store/backup", `{"path":"/x"}`); w.Code != 422 {
		t.Errorf("a failed backup answers %d %s", w.Code, w.Body)
	}
	store.fail = fmt.Errorf("reading: %w", runtime.ErrClosed)
	if w := ask(h, "GET", "/api/v1/runs", ""); w.Code != 503 {
		t.Errorf("a closed store answers %d", w.Code)
	}
}

// TestOpenAPI compares the description with what the handler does.
func TestOpenAPI(t *testing.T) {
	cfg := config(records(t))
	cfg.Operator, cfg.Past = &crew{}, &crew{}
	h := New(cfg)
	h.CloseStreams() // so that the stream ends at once
	var doc struct {
		OpenAPI    string
		Paths      map[string]map[string]json.RawMessage
		Components struct{ Schemas map[string]any }
	}
	raw := ask(h, "GET", "/api/v1/openapi.json", "").Body.Bytes()
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	listed := 0
	for path, ops := range doc.Paths {
		listed += len(ops)
		for method := range ops {
			concrete := strings.NewReplacer("events/{id}", "events/evt_1", "runs/{id}", "runs/run_5").Replace(path)
			w := ask(h, strings.ToUpper(method), concrete, `{}`)
			if w.Code == http.StatusNotFound || w.Code == http.StatusMethodNotAllowed {
				t.Errorf("%s %s is described and answers %d", method, path, w.Code)
			}
		}
	}
	if listed != len(h.routes()) {
		t.Errorf("%d operations are described, %d served", listed, len(h.routes()))
	}
	for _, r := range h.routes() {
		if _, ok := doc.Paths[strings.TrimSuffix(r.path, "{$}")][strings.ToLower(r.method)]; !ok {
			t.Errorf("%s %s is served and not described", r.method, r.path)
		}
	}
	// Who may do what is said of each, and the words of records are those of the store.
	for path, ops := range doc.Paths {
		for method, op := range ops {
			var said struct {
				Role      string `json:"x-role"`
				Responses map[string]any
			}
			if err := json.Unmarshal(op, &said); err != nil {
				t.Fatal(err)
			}
			open := path == sessionPath || isProbe(path)
			if (said.Role == "") != open || (said.Responses["401"] == nil) != open || said.Role == "view" && method != "get" {
				t.Errorf("%s %s is for %q, with %v", method, path, said.Role, said.Responses["401"])
			}
		}
	}
	words := func(schema, field string) string {
		raw, err := json.Marshal(doc.Components.Schemas[schema].(map[string]any)["properties"].(map[string]any)[field].(map[string]any)["enum"])
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	var runs, steps []string
	for s := runtime.RunRunning; s <= runtime.RunSkipped; s++ {
		runs = append(runs, s.String())
	}
	for s := runtime.StepIntent; s <= runtime.StepUnknown; s++ {
		steps = append(steps, s.String())
	}
	for got, want := range map[string][]string{words("Run", "status"): runs, words("Step", "status"): steps} {
		if raw, err := json.Marshal(want); err != nil || got != string(raw) {
			t.Errorf("described are %s, there are %s", got, raw)
		}
	}
	// Every reference leads somewhere.
	for part := range strings.SplitSeq(string(raw), `"#/components/schemas/`) {
		if name, _, ok := strings.Cut(part, `"`); ok && !strings.HasPrefix(part, "{") && doc.Components.Schemas[name] == nil {
			t.Errorf("schema %s is referred to and missing", name)
		}
	}
}

func TestServerWaitsForTheBackup(t *testing.T) {
	s := NewServer("127.0.0.1:0", http.NotFoundHandler())
	if s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.IdleTimeout == 0 || s.MaxHeaderBytes == 0 || s.WriteTimeout != 0 {
		t.Errorf("%+v", s)
	}
}
