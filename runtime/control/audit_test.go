package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

func (d *door) entries(t *testing.T) []string {
	t.Helper()
	list, err := d.store.Audits(t.Context(), runtime.AuditQuery{})
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, a := range slices.Backward(list) {
		out = append(out, fmt.Sprintf("%s %s %s %v %d %s %s", a.Who, a.Role, a.What, a.IDs, a.Count, a.Detail, a.Result))
	}
	return out
}

// TestEverythingIsLogged does all that can be done and looks for it in the audit log.
func TestEverythingIsLogged(t *testing.T) {
	operator := map[string]string{"Authorization": "Bearer " + joSecret}
	for _, tt := range []struct {
		path, body string
		want       string // "" for nothing
	}{
		{"/api/v1/runs/run_5/retry", `{"from_start": true}`, `jo operate retried [run_5] 1 {"from_start":true} done`},
		{"/api/v1/runs/run_3/retry", `{}`, `jo operate retried [run_3] 1  run_3 has not ended`},
		{"/api/v1/runs/run_5/cancel", ``, `jo operate canceled [run_5] 1  done`},
		{"/api/v1/runs/broken/cancel", ``, `jo operate canceled [broken] 1  the disk is full`},
		{"/api/v1/runs/run_5/resolve", `{"outcome":"sent"}`, `jo operate resolved [run_5] 1 {"outcome":"sent"} done`},
		{"/api/v1/runs/run_5/move", `{}`, `jo operate moved [run_5] 1  done`},
		{"/api/v1/runs/move", `{"status":"completed"}`, `jo operate moved [run_4] 1 {"status":"completed"} done; 2 refused`},
		{"/api/v1/runs/retry", `{"recipe":"billing/dunning"}`, `jo operate retried [run_5] 1 {"recipe":"billing/dunning"} done`},
		{"/api/v1/runs/retry", `{"recipe":"billing/dunning","preview":true}`, ``},
		{"/api/v1/runs/cancel", `{"status":"gone"}`, `jo operate canceled [] 0 {"status":"gone"} status is "gone"; it must be ` + statusWords},
		{"/api/v1/events/evt_5/replay", `{"dry":true}`, `jo operate replayed [evt_5] 1 {"dry":true} done`},
		{"/api/v1/events/nope/reveal", `{}`, `jo operate revealed [nope] 1  finding the event: not found`},
		{"/api/v1/events/evt_5/reveal", `{}`, `jo operate revealed [evt_5] 1  done`},
		{"/api/v1/runs/run_5/reveal", `{}`, `jo operate revealed [run_5] 1  done`},
		{"/api/v1/recipes/pause", `{"recipe":"a/b","drop":true}`, `jo operate paused [a/b] 1 {"recipe":"a/b","drop":true} done`},
		{"/api/v1/recipes/resume", `{"recipe":"a/b"}`, `jo operate resumed [a/b] 1 {"recipe":"a/b"} done`},
		{"/api/v1/backfill", `{"recipe":"a/b"}`, `jo operate backfilled [a/b] 0 {"recipe":"a/b"} done`},
		{"/api/v1/backfill", `{"recipe":"a/b","preview":true}`, ``},
		{"/api/v1/reload", `{}`, `jo operate reloaded [] 0  done`},
		{"/api/v1/store/backup", `{"path":"/x"}`, `jo operate backed_up [] 0 {"path":"/x"} done`},
		{"/api/v1/trigger", `{"type":"charge.failed"}`, `jo operate triggered [] 0 {"type":"charge.failed"} done`},
		{"/api/v1/runs/run_5/cancel", `{`, `jo operate canceled [run_5] 1  the body is not what this path takes: unexpected EOF`},
	} {
		t.Run(tt.path+" "+tt.body, func(t *testing.T) {
			d := newDoorFor(t, nil, "")
			d.send(request{method: "POST", path: tt.path, body: tt.body, header: operator})
			want := []string{}
			if tt.want != "" {
				want = append(want, tt.want)
			}
			if got := d.entries(t); !slices.Equal(got, want) {
				t.Errorf("the log has %q\nwant        %q", got, want)
			}
			// Who may view does none of it, and leaves nothing in the log.
			before := len(d.entries(t))
			if w := d.send(request{method: "POST", path: tt.path, body: tt.body, header: map[string]string{"Authorization": "Bearer " + samSecret}}); w.Code != 403 {
				t.Errorf("who may view is answered %d", w.Code)
			}
			if len(d.entries(t)) != before {
				t.Error("what was refused is in the log")
			}
		})
	}
}

// forgetful can't keep the audit log.
type forgetful struct{ *memory }

func (forgetful) Audit(context.Context, *runtime.Audit) error { return errors.New("no space left") }

func TestNothingIsDoneUnlogged(t *testing.T) {
	d := newDoorFor(t, nil, "")
	cfg := d.cfg
	cfg.Store = forgetful{d.store}
	d.Handler = New(cfg)
	for _, path := range []string{"/api/v1/runs/run_5/retry", "/api/v1/runs/run_5/reveal", "/api/v1/events/evt_5/reveal", "/api/v1/runs/cancel"} {
		w := d.send(request{method: "POST", path: path, body: `{}`, header: map[string]string{"Authorization": "Bearer " + joSecret}})
		if w.Code != 500 || !strings.Contains(w.Body.String(), "no space left") {
			t.Errorf("%s answers %d %s", path, w.Code, w.Body)
		}
	}
	if len(d.crew.asked) != 0 {
		t.Errorf("all the same it did %q", d.crew.asked)
	}
	if w := d.send(request{method: "POST", path: sessionPath, body: fmt.Sprintf(`{"token":%q}`, joSecret)}); w.Code != 500 || len(w.Result().Cookies()) != 0 {
		t.Errorf("signing in answers %d", w.Code)
	}
}

func TestAuditList(t *testing.T) {
	d := newDoorFor(t, nil, "")
	operator := map[string]string{"Authorization": "Bearer " + joSecret}
	for i := range 5 {
		d.send(request{method: "POST", path: fmt.Sprintf("/api/v1/runs/run_%d/retry", i+1), body: `{}`, header: operator})
		d.clock.Advance(time.Minute)
	}
	d.send(request{method: "POST", path: "/api/v1/runs/cancel", body: `{"where":["email=jo@x.test"]}`, header: operator})
	list := func(path string, header map[string]string) AuditList {
		t.Helper()
		w := d.send(request{path: path, header: header})
		var out AuditList
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != 200 {
			t.Fatalf("%s answers %d %s", path, w.Code, w.Body)
		}
		return out
	}
	first := list("/api/v1/audit?limit=4", operator)
	if len(first.Audit) != 4 || first.Next == "" || first.Audit[0].What != "canceled" || first.Audit[0].From != "192.0.2.7" || first.Audit[0].Detail != `{"where":["email=jo@x.test"]}` {
		t.Errorf("the first page is %+v", first)
	}
	if rest := list("/api/v1/audit?limit=4&cursor="+first.Next, operator); len(rest.Audit) != 2 || rest.Next != "" || rest.Audit[1].IDs[0] != "run_1" {
		t.Errorf("the last page is %+v", rest)
	}
	for query, want := range map[string]int{"id=run_3": 1, "what=retried": 5, "who=sam": 0, "since=90s": 2} {
		if got := list("/api/v1/audit?"+query, operator); len(got.Audit) != want {
			t.Errorf("%s finds %d, want %d", query, len(got.Audit), want)
		}
	}
	seen := list("/api/v1/audit?limit=1", map[string]string{"Authorization": "Bearer " + samSecret})
	if a := seen.Audit[0]; a.From != "" || a.Detail != `{"where":["email=[email]"]}` {
		t.Errorf("who may view sees %+v", a)
	}
}

func TestCutText(t *testing.T) {
	for text, want := range map[string]string{"": "", "abc": "abc", "abcd": "abcd", "abcde": "abcd…", "abcé": "abc…"} {
		if got := cutText(text, 4); got != want {
			t.Errorf("%q is cut to %q, want %q", text, got, want)
		}
	}
}
