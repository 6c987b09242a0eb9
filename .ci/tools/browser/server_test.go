package browser

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen. It decides nothing but when a broken test ends.
const patience = 20 * time.Second

const signingSecret = "whsec_browser_0123456789"

// dunning tells Customer.io of failed charges, and repeats an address, which the page must mask.
const dunning = `recipe {
  description = "Tell Customer.io of large charges that failed"
}

trigger "stripe_charge_failed" {}

filter "large" {
  condition = trigger.amount >= 5000 && trigger.customer != null
}

action "customerio_track" {
  id   = trigger.customer
  name = "payment_failed"
  data = {
    amount  = trigger.amount
    contact = coalesce(trigger.receipt_email, "nobody")
  }
}
`

// vendor stands in for Customer.io.
type vendor struct {
	mu      sync.Mutex
	refuses bool
	calls   int
}

func (v *vendor) refuse(yes bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.refuses = yes
}

func (v *vendor) taken() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.calls
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	v.mu.Lock()
	defer v.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if err != nil || v.refuses {
		var call struct {
			Data struct{ Contact string } `json:"data"`
		}
		// What is no such call is refused without repeating it.
		_ = json.Unmarshal(body, &call)
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"meta":{"error":%q}}`, "nobody is known as "+call.Data.Contact)
		return
	}
	v.calls++
	fmt.Fprint(w, "{}")
}

// site is a server with its folder and its vendor.
type site struct {
	t        *testing.T
	dir      string
	vendor   *vendor
	webhooks string
	base     string // of the page
}

var servingLine = regexp.MustCompile(`(?:no webhooks|webhooks on (http://[^/]+)/webhooks/\S+), control on (http://\S+)`)

// serve starts a server. Files are named below the folder of recipes; "../tokens" is beside it.
func serve(t *testing.T, files map[string]string, args ...string) *site {
	t.Helper()
	needBrowser(t)
	s := &site{t: t, dir: t.TempDir(), vendor: &vendor{}}
	sink := httptest.NewServer(s.vendor)
	t.Cleanup(sink.Close)
	for name, text := range files {
		s.write(name, text)
	}
	var logged bytes.Buffer
	cmd := exec.Command(common.flowrun, append([]string{"serve", "recipes", "-listen", "127.0.0.1:0", "-control", "127.0.0.1:0", "-store", "sqlite:store.db"}, args...)...)
	cmd.Dir, cmd.Stderr = s.dir, &logged
	cmd.Env = append(os.Environ(), "STRIPE_WEBHOOK_SECRET="+signingSecret, "CUSTOMERIO_SITE_ID=site", "CUSTOMERIO_API_KEY=key",
		"CUSTOMERIO_TRACK_URL="+sink.URL)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var text strings.Builder
		buf := make([]byte, 4096)
		for {
			n, err := out.Read(buf)
			text.Write(buf[:n])
			if servingLine.MatchString(text.String()) {
				select {
				case lines <- text.String():
				default:
				}
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		// A process that has ended already needs no signal.
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server ends with %v", err)
		}
		if t.Failed() {
			t.Logf("the server's log:\n%s", logged.String())
		}
	})
	select {
	case line := <-lines:
		m := servingLine.FindStringSubmatch(line)
		s.webhooks, s.base = m[1], m[2]
	case <-ended:
		t.Fatalf("the server has ended: %s", logged.String())
	case <-time.After(patience):
		t.Fatal("the server does not come up")
	}
	return s
}

// write makes or changes a file, all of it at once.
func (s *site) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, "recipes", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path+".tmp", []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		s.t.Fatal(err)
	}
}

// event sends a failed charge as Stripe does.
func (s *site) event(id, customer string, amount int) {
	s.t.Helper()
	now := time.Now()
	body := fmt.Sprintf(`{"id":%q,"object":"event","api_version":"2023-10-16","created":%d,"livemode":false,"type":"charge.failed",`+
		`"data":{"object":{"id":"ch_%s","object":"charge","amount":%d,"currency":"usd","customer":%q,"receipt_email":"%s@person.test",`+
		`"billing_details":{"name":"Canary Person","email":"%s@person.test"},"status":"failed","livemode":false,"created":%d,"paid":false,"metadata":{"order":"6735"}}}}`,
		id, now.Unix(), id, amount, customer, customer, customer, now.Unix())
	stamp := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(signingSecret))
	fmt.Fprintf(mac, "%s.%s", stamp, body)
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.webhooks+"/webhooks/stripe", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Stripe-Signature", "t="+stamp+",v1="+hex.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("the webhook is answered %d", resp.StatusCode)
	}
}

// ask asks the API with a token, or without one, and decodes the answer into v.
func (s *site) ask(token, path string, v any) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.base+path, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s is answered %d, %v", path, resp.StatusCode, err)
	}
}
