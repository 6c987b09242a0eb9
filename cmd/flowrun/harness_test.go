package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/connectors/connectortest/customeriofake"
	"github.com/flowrun/flowrun/runtime/control"
)

// site is what a test of the whole process needs: a folder, an environment, a stand-in for the vendor, a port that
// outlives restarts.
type site struct {
	t        testing.TB
	dir      string
	env      []string
	fake     *customeriofake.Fake
	hook     *connectors.Webhook
	secret   string
	webhooks string // address of the listener
	control  string

	mu     sync.Mutex
	called func(customeriofake.Call) // is told of each call to the stand-in
}

func (s *site) onCall(f func(customeriofake.Call)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.called = f
}

func (s *site) tell(c customeriofake.Call) {
	s.mu.Lock()
	f := s.called
	s.mu.Unlock()
	if f != nil {
		f(c)
	}
}

// newSite makes a site with these recipes. The environment holds the pairs besides what the site needs.
func newSite(t testing.TB, recipes map[string]string, env ...string) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), hook: all.Registry().Spec("stripe").Webhook,
		secret: "whsec_site_0123456789"}
	s.fake = customeriofake.New(customeriofake.Options{OnCall: s.tell})
	vendor := httptest.NewServer(s.fake)
	t.Cleanup(vendor.Close)
	for name, text := range recipes {
		path := filepath.Join(s.dir, "recipes", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.webhooks, s.control = freeAddress(t), freeAddress(t)
	s.env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + os.TempDir(), "STRIPE_WEBHOOK_SECRET=" + s.secret,
		"STRIPE_API_KEY=sk_test_site", "STRIPE_BASE_URL=http://127.0.0.1:1", "CUSTOMERIO_SITE_ID=site", "CUSTOMERIO_API_KEY=track_key", "CUSTOMERIO_APP_KEY=app_key_site",
		"CUSTOMERIO_TRACK_URL=" + vendor.URL, "CUSTOMERIO_APP_URL=" + vendor.URL}, env...)
	return s
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (s *site) store() string { return filepath.Join(s.dir, "store.db") }

// serve starts a server. The caller waits for it to be ready, or to end.
func (s *site) serve(env []string, args ...string) *process {
	s.t.Helper()
	args = append([]string{"serve", "recipes", "-listen", s.webhooks, "-control", s.control, "-store", "sqlite:" + s.store()}, args...)
	p, err := startProcess(s.dir, append(append([]string{}, s.env...), env...), args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// event returns a signed request's body for a failed charge.
func (s *site) event(id, customer string, amount int) []byte {
	return fmt.Appendf(nil, `{"id":%q,"object":"event","api_version":"2023-10-16","created":%d,"livemode":false,"type":"charge.failed",`+
		`"data":{"object":{"id":"ch_%s","object":"charge","amount":%d,"currency":"usd","customer":%q,"receipt_email":"%s@example.com",`+
		`"status":"failed","livemode":false,"created":1700000000,"paid":false,"metadata":{}}}}`,
		id, time.Now().Unix(), id, amount, customer, customer)
}

// post sends a body as the vendor would, and returns the status; 0 where nobody answered.
func (s *site) post(ctx context.Context, client *http.Client, body []byte, secret string) (int, string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.webhooks+"/webhooks/stripe", bytes.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return 0, ""
	}
	for name, values := range s.hook.Sign(body, secret, time.Now()) {
		req.Header[name] = values
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, ""
	}
	return resp.StatusCode, string(answer)
}

// runs returns the ids of all runs.
func (s *site) runs(t testing.TB, token string) []string {
	t.Helper()
	page, err := control.NewClient("http://"+s.control, token).Runs(t.Context(), control.RunFilter{})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range page.Runs {
		ids = append(ids, r.ID)
	}
	return ids
}
