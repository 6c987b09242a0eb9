package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/flowrun/flowrun/connectors/connectortest/customeriofake"
)

// TestSecretsStayInside gives the server secrets that can be recognised, has good, forged, broken and failing traffic
// pass through it, with a vendor that repeats keys in its answers, and looks for the secrets in everything that came
// out: both outputs, the store's files, every answer of the control door, the metrics.
func TestSecretsStayInside(t *testing.T) {
	canaries := map[string]string{
		"STRIPE_API_KEY":        "sk_test_canaryONEcanaryONE",
		"CUSTOMERIO_SITE_ID":    "canarySITEcanarySITE",
		"CUSTOMERIO_API_KEY":    "canaryTWOcanary/TWO+x",
		"CUSTOMERIO_APP_KEY":    "canaryTHREEcanaryTHREE",
		"FLOWRUN_CONTROL_TOKEN": "canaryFOURcanaryFOUR",
		"FLOWRUN_VAR_password":  "canaryFIVEcanaryFIVE",
	}
	var env []string
	for name, value := range canaries {
		env = append(env, name+"="+value)
	}
	delete(canaries, "CUSTOMERIO_SITE_ID") // an identifier, which stands in Customer.io's own pages: not a secret
	s := newSite(t, map[string]string{
		"flowrun.hcl": `
variable "password" {
  type      = string
  sensitive = true
}
`,
		"track.hcl": crashRecipes["track.hcl"],
		"mail.hcl":  crashRecipes["mail.hcl"],
	}, env...)
	canaries["STRIPE_WEBHOOK_SECRET"] = s.secret

	p := s.serve(nil, "-log-level", "debug")
	if _, _, err := p.ready(); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{}
	post := func(want int, body []byte, secret string) string {
		t.Helper()
		status, answer := s.post(t.Context(), client, body, secret)
		if status != want {
			t.Fatalf("answered %d %s, want %d", status, answer, want)
		}
		return answer
	}
	var answers strings.Builder
	all := ""
	for _, v := range canaries {
		all += v + " "
	}
	// The vendor repeats what it was given, in each place a message is taken from.
	echo := `{"meta":{"error":"bad key ` + all + `","errors":["bad key ` + all + `"]},"error":{"message":"` + all + `"}}`
	s.fake.Fail(
		customeriofake.Fault{Status: http.StatusUnauthorized, Body: echo},
		customeriofake.Fault{Status: http.StatusBadRequest, Body: echo},
	)
	answers.WriteString(post(http.StatusOK, s.event("evt_failing", "cus_failing", 9000), s.secret))
	answers.WriteString(post(http.StatusOK, s.event("evt_good", "cus_good", 9000), s.secret))
	answers.WriteString(post(http.StatusOK, s.event("evt_filtered", "cus_filtered", 1), s.secret))
	answers.WriteString(post(http.StatusBadRequest, s.event("evt_forged", "cus_forged", 9000), "whsec_of_a_forger"))
	answers.WriteString(post(http.StatusBadRequest, []byte(`{"id": "evt_broken"`), s.secret))
	s.settleWith(p, canaries["FLOWRUN_CONTROL_TOKEN"])

	// A reload that is refused, with the secret's own text as the mistake would show it.
	if err := os.WriteFile(filepath.Join(s.dir, "recipes", "wrong.hcl"), []byte("trigger \"stripe_charge_failed\" {}\nfilter {\n  condition = var.password == 7\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	get := func(path string) {
		t.Helper()
		answers.WriteString(s.ask(t, http.MethodGet, path, canaries["FLOWRUN_CONTROL_TOKEN"]))
	}
	answers.WriteString(s.ask(t, http.MethodPost, "/api/v1/reload", canaries["FLOWRUN_CONTROL_TOKEN"]))
	for _, path := range []string{"/metrics", "/api/v1/audit", "/api/v1/stats", "/api/v1/history", "/readyz", "/api/v1/status", "/api/v1/recipes", "/api/v1/events", "/api/v1/runs",
		"/api/v1/events/evt_failing", "/api/v1/events/evt_good", "/api/v1/openapi.json"} {
		get(path)
	}
	for _, run := range s.runs(t, canaries["FLOWRUN_CONTROL_TOKEN"]) {
		get("/api/v1/runs/" + run)
	}
	if !strings.Contains(answers.String(), "[redacted]") && !strings.Contains(answers.String(), "[secret]") {
		t.Error("no answer shows that something was taken out: the vendor's echo was not met")
	}
	if err := p.signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.wait(); err != nil || p.code != exitOK {
		t.Fatalf("it ended with %d, %v\n%s", p.code, err, p.err)
	}

	places := map[string]string{"stdout": p.out.String(), "stderr": p.err.String(), "answers": answers.String()}
	files, err := filepath.Glob(s.store() + "*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no store: %v, %v", files, err)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		places[filepath.Base(name)] = string(raw)
	}
	for place, text := range places {
		for name, secret := range canaries {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s is in %s: …%q…", name, place, text[max(0, i-80):min(len(text), i+80)])
			}
		}
	}
}

// ask asks the control door.
func (s *site) ask(t testing.TB, method, path, token string) string {
	t.Helper()
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader("{}")
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.control+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s answered %d %s", method, path, resp.StatusCode, raw)
	}
	if resp.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if raw, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	return string(raw)
}
