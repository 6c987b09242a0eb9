package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/flowrun/flowrun/runtime/control"
)

func TestAccessFlags(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "tokens")
	if err := os.WriteFile(file, []byte("jo operate 0123456789abcdef0123\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		o       accessOptions
		token   string
		problem string
		secrets []string
	}{
		{},
		{token: "x", secrets: []string{"x"}},
		{o: accessOptions{tokens: file}, token: "x", secrets: []string{"0123456789abcdef0123", "x"}},
		{o: accessOptions{tokens: file + ".none"}, problem: "no such file"},
		{o: accessOptions{tokens: dir}, problem: "-tokens"},
		{o: accessOptions{public: "flowrun.example.com"}, problem: "https://"},
		{o: accessOptions{public: "https://flowrun.example.com/page"}, problem: "without a path"},
		{o: accessOptions{public: "https://flowrun.example.com/"}},
		{o: accessOptions{proxies: list{"10.0.0.0/8"}}, problem: "needs tokens"},
		{o: accessOptions{proxies: list{"10.0.0.0/8,127.0.0.1"}}, token: "x", secrets: []string{"x"}},
		{o: accessOptions{proxies: list{"everybody"}}, token: "x", problem: "not an address"},
		{o: accessOptions{userHeader: "X-User"}, problem: "-trusted-proxy"},
		{o: accessOptions{userHeader: "X-User", proxies: list{"10.0.0.1"}}, problem: "-control-url"},
		{o: accessOptions{userHeader: "X-User", proxies: list{"10.0.0.1"}, public: "https://x.test"}},
		{o: accessOptions{operators: list{"jo"}}, problem: "-user-header"},
	} {
		m := &Main{Env: func(name string) (string, bool) { return tt.token, name == "FLOWRUN_CONTROL_TOKEN" && tt.token != "" }}
		access, secrets, err := tt.o.build(m)
		if tt.problem != "" {
			if err == nil || !strings.Contains(err.Error(), tt.problem) {
				t.Errorf("%+v: %v, want %s", tt.o, err, tt.problem)
			}
			continue
		}
		if err != nil || access == nil || !slices.Equal(secrets, tt.secrets) {
			t.Errorf("%+v: secrets %q, %v", tt.o, secrets, err)
		}
	}
	if got := splitCommas(list{"a, b", "", "c"}); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("split into %q", got)
	}
}

// TestPeople has two people use a server that masks, logs and forgets as it should.
func TestPeople(t *testing.T) {
	const jo, sam = "jo-token-0123456789abcdef", "sam-token-0123456789abcde"
	s := newSite(t, map[string]string{"track.hcl": `
trigger "stripe_charge_failed" {}

filter "known" {
  condition = trigger.customer != null
}

action "customerio_identify" {
  id         = trigger.customer
  attributes = {
    amount  = trigger.amount
    contact = coalesce(trigger.receipt_email, "none")
  }
}
`})
	tokens := filepath.Join(s.dir, "tokens")
	write := func(lines ...string) {
		t.Helper()
		if err := os.WriteFile(tokens, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("jo operate "+jo, "sam view "+sam)
	p := s.serve(nil, "-tokens", tokens)
	if _, _, err := p.ready(); err != nil {
		t.Fatal(err)
	}
	if status, answer := s.post(t.Context(), http.DefaultClient, s.event("evt_1", "cus_1", 9000), s.secret); status != 200 {
		t.Fatalf("answered %d %s", status, answer)
	}
	s.settleWith(p, jo)
	do := func(method, path, token, body string, cookies ...*http.Cookie) (int, string, []*http.Cookie) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.control+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		for _, c := range cookies {
			r.AddCookie(c)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(raw), resp.Cookies()
	}
	run := s.runs(t, sam)[0]
	const mail = "cus_1@example.com"
	for path, masked := range map[string]string{"/api/v1/events/evt_1": `"receipt_email":"[masked email]"`, "/api/v1/runs/" + run: `"contact":"[masked]"`} {
		if status, body, _ := do("GET", path, sam, ""); status != 200 || strings.Contains(body, mail) || !strings.Contains(body, masked) || !strings.Contains(body, "9000") || !strings.Contains(body, `"cus_1"`) {
			t.Errorf("sam is shown %d %s", status, body)
		}
		if status, body, _ := do("GET", path, jo, ""); status != 200 || !strings.Contains(body, mail) {
			t.Errorf("jo is shown %d %s", status, body)
		}
	}
	if status, _, _ := do("POST", "/api/v1/runs/"+run+"/reveal", sam, "{}"); status != 403 {
		t.Errorf("sam reveals: %d", status)
	}
	status, _, cookies := do("POST", "/api/v1/session", "", fmt.Sprintf(`{"token":%q}`, jo))
	if status != 200 || len(cookies) != 1 {
		t.Fatalf("signing in: %d, %d cookies", status, len(cookies))
	}
	if status, body, _ := do("GET", "/api/v1/runs/"+run, "", "", cookies...); status != 200 || strings.Contains(body, mail) {
		t.Errorf("the page is shown %d %s", status, body)
	}
	if status, body, _ := do("POST", "/api/v1/runs/"+run+"/reveal", "", "{}", cookies...); status != 200 || !strings.Contains(body, mail) {
		t.Errorf("jo reveals %d %s", status, body)
	}
	// The token goes out of the file; with the next reload so does jo, and his session.
	write("# nobody may operate", "sam view "+sam)
	if status, body, _ := do("POST", "/api/v1/reload", jo, "{}"); status != 200 {
		t.Fatalf("the reload is answered %d %s", status, body)
	}
	if status, _, _ := do("GET", "/api/v1/runs", jo, ""); status != 401 {
		t.Errorf("jo's token is answered %d", status)
	}
	if status, _, _ := do("GET", "/api/v1/runs", "", "", cookies...); status != 401 {
		t.Errorf("jo's session is answered %d", status)
	}
	if status, _, _ := do("GET", "/api/v1/runs", "", ""); status != 401 {
		t.Errorf("nobody is answered %d", status)
	}
	_, body, _ := do("GET", "/api/v1/audit", sam, "")
	var log control.AuditList
	if err := json.Unmarshal([]byte(body), &log); err != nil {
		t.Fatal(err)
	}
	var did []string
	for _, a := range slices.Backward(log.Audit) {
		did = append(did, a.Who+" "+a.What+" "+a.Result)
	}
	if want := []string{"jo signed_in done", "jo revealed done", "jo reloaded done"}; !slices.Equal(did, want) {
		t.Errorf("the log has %q, want %q", did, want)
	}
	if err := p.signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.wait(); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{p.out.String(), p.err.String(), body} {
		if strings.Contains(text, jo) || strings.Contains(text, sam) || strings.Contains(text, mail) {
			t.Errorf("a token or an address is in %s", text)
		}
	}
}
