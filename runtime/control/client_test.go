package control

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestClient(t *testing.T) {
	store := records(t)
	cfg := config(store)
	cfg.Token = "right"
	c := client(t, New(cfg), "right")
	ctx := context.Background()

	status, err := c.Status(ctx)
	if err != nil || status.Version != "v1.2.3" || status.Engine.QueueDepth != 4 || status.StoreCounts.Runs["failed"] != 1 || status.LastReload.OK {
		t.Errorf("Status = %+v, %v", status, err)
	}
	reload, err := c.Reload(ctx)
	if err != nil || !reload.OK || reload.Digest != "new" || reload.DurationMS != 40 {
		t.Errorf("Reload = %+v, %v", reload, err)
	}
	recipes, err := c.Recipes(ctx)
	if err != nil || len(recipes) != 1 || recipes[0].Name != "billing/dunning" {
		t.Errorf("Recipes = %+v, %v", recipes, err)
	}
	run, err := c.Run(ctx, "run_5")
	if err != nil || run.Error.Status != 503 || len(run.Steps) != 1 || run.Steps[0].Attempts[0].DurationMS != 250 {
		t.Errorf("Run = %+v, %v", run, err)
	}
	event, err := c.Event(ctx, "stripe", "evt_5")
	if err != nil || !strings.Contains(string(event.Payload), "12345678901234567890") || len(event.Runs) != 1 || event.Decision.Matched[0] != "billing/dunning" {
		t.Errorf("Event = %+v, %v", event, err)
	}
	backup, err := c.Backup(ctx, "/backups/copy.db")
	if err != nil || backup.Path != "/backups/copy.db" || !slices.Equal(store.backups, []string{"/backups/copy.db"}) {
		t.Errorf("Backup = %+v, %v; the store was asked for %v", backup, err, store.backups)
	}
	trigger, err := c.Trigger(ctx, TriggerRequest{Type: "charge.failed", Set: map[string]string{"amount": "5"}})
	if err != nil || trigger.EventID != "evt_new" || trigger.Type != "charge.failed5" || !trigger.Accepted {
		t.Errorf("Trigger = %+v, %v", trigger, err)
	}
}

func TestClientErrors(t *testing.T) {
	ctx := context.Background()
	c := client(t, New(config(records(t))), "")
	for _, id := range []string{"nope", "a/b", "a b?c#d"} {
		_, err := c.Run(ctx, id)
		if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), id) {
			t.Errorf("Run(%q) fails with %v", id, err)
		}
	}
	var api *APIError
	if _, err := c.Runs(ctx, RunFilter{Status: "done"}); !errors.As(err, &api) || api.Status != 400 || errors.Is(err, ErrNotFound) {
		t.Errorf("a bad filter fails with %v", err)
	}

	guarded := config(records(t))
	guarded.Token = "right"
	s := httptest.NewServer(New(guarded))
	defer s.Close()
	if _, err := NewClient(s.URL, "").Status(ctx); err == nil || !strings.Contains(err.Error(), "set FLOWRUN_CONTROL_TOKEN") {
		t.Errorf("without a token: %v", err)
	}
	if _, err := NewClient(s.URL, "wrong").Status(ctx); err == nil || !strings.Contains(err.Error(), "refused the token") || strings.Contains(err.Error(), "wrong") {
		t.Errorf("with a wrong token: %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := NewClient(s.URL, "right").Status(cancelled); !errors.Is(err, context.Canceled) || errors.Is(err, ErrNoServer) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := NewClient("http://[bad", "").Status(ctx); err == nil || !strings.Contains(err.Error(), "is not a URL") {
		t.Errorf("a bad address: %v", err)
	}
}

func TestNobodyAnswers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = NewClient(base, "").Status(context.Background())
	want := "no server answers at " + base + ": is `flowrun serve` or `flowrun dev` running?"
	if err == nil || err.Error() != want || !errors.Is(err, ErrNoServer) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestSomebodyElseAnswers(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"page": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"404":  http.NotFound,
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		},
	} {
		s := httptest.NewServer(h)
		_, err := NewClient(s.URL, "t").Status(context.Background())
		if err == nil || !strings.Contains(err.Error(), "is not a flowrun control door") {
			t.Errorf("%s: %v", name, err)
		}
		s.Close()
	}
}

func TestNewClient(t *testing.T) {
	for in, want := range map[string]string{"": DefaultServer, "localhost:9": "http://localhost:9", "https://x.test/": "https://x.test"} {
		if got := NewClient(in, "").Base(); got != want {
			t.Errorf("NewClient(%q) asks %q, want %q", in, got, want)
		}
	}
}
