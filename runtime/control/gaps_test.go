package control

import (
	"net/http"
	"strings"
	"testing"
)

func TestBackfill(t *testing.T) {
	for name, c := range map[string]struct {
		body   string
		status int
		want   string // of the answer
		asked  string
	}{
		"preview":   {`{"recipe":"a","since":"2026-01-02T00:00:00Z","preview":true}`, http.StatusOK, `"matched":2`, `backfill a "" since 2026-01-02T00:00:00Z preview=true`},
		"objects":   {`{"recipe":"a","objects":"customers"}`, http.StatusOK, `"matched":2`, `backfill a "customers" since 0001-01-01T00:00:00Z preview=false`},
		"bad since": {`{"recipe":"a","since":"soon"}`, http.StatusBadRequest, `since`, ``},
		"refused":   {`{"recipe":"run_3"}`, http.StatusConflict, `has not ended`, `backfill run_3 "" since 0001-01-01T00:00:00Z preview=false`},
	} {
		t.Run(name, func(t *testing.T) {
			crew, cfg := &crew{}, config(records(t))
			cfg.Past = crew
			w := ask(New(cfg), "POST", "/api/v1/backfill", c.body)
			if answer := compact(t, w.Body.Bytes()); w.Code != c.status || !strings.Contains(answer, c.want) {
				t.Errorf("%d %s, want %d and %q", w.Code, answer, c.status, c.want)
			}
			if got := strings.Join(crew.asked, "\n"); got != c.asked {
				t.Errorf("asked %q, want %q", got, c.asked)
			}
		})
	}
}

func TestGaps(t *testing.T) {
	cfg := config(records(t))
	if body := compact(t, ask(New(cfg), "GET", "/api/v1/gaps", "").Body.Bytes()); body != `{"gaps":[]}` {
		t.Errorf("without a history: %s", body)
	}
	cfg.Past = &crew{}
	list, err := client(t, New(cfg), "").Gaps(t.Context())
	if err != nil || len(list.Gaps) != 1 || list.Gaps[0].ID != "evt_9" {
		t.Errorf("%+v, %v", list, err)
	}
}
