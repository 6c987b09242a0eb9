package stripefake_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors/connectortest/stripefake"
)

var noon = time.Date(2024, 3, 14, 12, 0, 0, 0, time.UTC)

func serve(t *testing.T, opts stripefake.Options) (*stripefake.Fake, *httptest.Server) {
	t.Helper()
	opts.Now = func() time.Time { return noon }
	f := stripefake.New(opts)
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return f, s
}

type reply struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

// field returns a value of the answer by the names that lead to it.
func (r reply) field(path ...string) any {
	var v any = r.body
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func request(t *testing.T, s *httptest.Server, method, path, form string, header map[string]string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, s.URL+path, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer sk_test_1")
	r.Header.Set("Stripe-Version", "2023-10-16")
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, v := range header {
		if v == "" {
			r.Header.Del(name)
		} else {
			r.Header.Set(name, v)
		}
	}
	return r
}

func do(t *testing.T, s *httptest.Server, method, path, form string, header map[string]string) reply {
	t.Helper()
	got, err := send(s, request(t, s, method, path, form, header))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func send(s *httptest.Server, r *http.Request) (reply, error) {
	resp, err := s.Client().Do(r)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, err
	}
	got := reply{status: resp.StatusCode, header: resp.Header, text: string(raw)}
	// What is not JSON has no fields.
	_ = json.Unmarshal(raw, &got.body)
	return got, nil
}

func TestRetrieve(t *testing.T) {
	f, s := serve(t, stripefake.Options{})
	f.PutCustomer(stripefake.Customer{ID: "cus_1", Email: "jo@example.com", Metadata: map[string]string{"plan": "gold"}})

	got := do(t, s, "GET", "/v1/customers/cus_1", "", nil)
	if got.status != 200 || got.field("email") != "jo@example.com" || got.field("metadata", "plan") != "gold" || got.field("name") != nil ||
		got.field("created") != float64(noon.Unix()) {
		t.Errorf("got %d %s", got.status, got.text)
	}
	if got.header.Get("Request-Id") == "" {
		t.Error("no request id")
	}

	got = do(t, s, "GET", "/v1/customers/cus_2", "", nil)
	if got.status != 404 || got.field("error", "code") != "resource_missing" || got.field("error", "message") != "No such customer: 'cus_2'" {
		t.Errorf("a customer that isn't there: %d %s", got.status, got.text)
	}

	if got = do(t, s, "DELETE", "/v1/customers/cus_1", "", nil); got.status != 200 || got.field("deleted") != true {
		t.Errorf("delete: %d %s", got.status, got.text)
	}
	if got = do(t, s, "GET", "/v1/customers/cus_1", "", nil); got.status != 200 || got.field("deleted") != true || got.field("email") != nil {
		t.Errorf("a deleted customer: %d %s", got.status, got.text)
	}
	if got = do(t, s, "DELETE", "/v1/customers/cus_1", "", nil); got.status != 404 {
		t.Errorf("a second delete: %d %s", got.status, got.text)
	}
	if f.Customers() != 0 {
		t.Errorf("%d customers are left", f.Customers())
	}
}

func TestAutoCreate(t *testing.T) {
	f, s := serve(t, stripefake.Options{AutoCreate: true})
	first := do(t, s, "GET", "/v1/customers/cus_Qx7", "", nil)
	if first.status != 200 || first.field("id") != "cus_Qx7" || first.field("email") != "qx7@example.com" || first.field("name") == nil {
		t.Errorf("got %d %s", first.status, first.text)
	}
	if again := do(t, s, "GET", "/v1/customers/cus_Qx7", "", nil); again.text != first.text {
		t.Errorf("the second look-up answers something else:\n%s\n%s", first.text, again.text)
	}
	if got := do(t, s, "GET", "/v1/customers/nobody", "", nil); got.status != 404 {
		t.Errorf("an id that is no customer's: %d", got.status)
	}
	f.DeleteCustomer("cus_Qx7")
	if got := do(t, s, "GET", "/v1/customers/cus_Qx7", "", nil); got.field("deleted") != true {
		t.Errorf("a deleted customer came back: %s", got.text)
	}
}

func TestRefusals(t *testing.T) {
	_, s := serve(t, stripefake.Options{AutoCreate: true})
	for _, tt := range []struct {
		name, method, path, form string
		header                   map[string]string
		status                   int
		message                  string
	}{
		{"no key", "GET", "/v1/customers/cus_1", "", map[string]string{"Authorization": ""}, 401, "did not provide an API key"},
		{"live key", "GET", "/v1/customers/cus_1", "", map[string]string{"Authorization": "Bearer sk_live_secret"}, 401, "Invalid API Key"},
		{"no version", "GET", "/v1/customers/cus_1", "", map[string]string{"Stripe-Version": ""}, 400, "Invalid Stripe API version"},
		{"other version", "GET", "/v1/customers/cus_1", "", map[string]string{"Stripe-Version": "2020-08-27"}, 400, "Invalid Stripe API version"},
		{"other path", "GET", "/v1/charges/ch_1", "", nil, 404, "Unrecognized request URL (GET: /v1/charges/ch_1)"},
		{"other query", "GET", "/v1/customers/cus_1?email=a", "", nil, 400, "unknown parameter: email"},
		{"unknown parameter", "POST", "/v1/customers", "emial=a", nil, 400, "unknown parameter: emial"},
		{"no e-mail address", "POST", "/v1/customers", "email=a", nil, 400, "Invalid email address"},
		{"long key", "POST", "/v1/customers", "email=a@b.c", map[string]string{"Idempotency-Key": strings.Repeat("k", 256)}, 400, "255 characters"},
		{"bad form", "POST", "/v1/customers", "email=%zz", nil, 400, "form-encoded"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := do(t, s, tt.method, tt.path, tt.form, tt.header)
			message, _ := got.field("error", "message").(string)
			if got.status != tt.status || !strings.Contains(message, tt.message) {
				t.Errorf("got %d %s, want %d and a message with %q", got.status, got.text, tt.status, tt.message)
			}
			if strings.Contains(got.text, "sk_live_secret") {
				t.Error("the answer repeats the key")
			}
		})
	}
	if got := do(t, s, "GET", "/v1/customers/cus_1", "", map[string]string{"Authorization": "Bearer rk_test_1"}); got.status != 200 {
		t.Errorf("a restricted key: %d", got.status)
	}
}

func TestIdempotency(t *testing.T) {
	f, s := serve(t, stripefake.Options{})
	key := map[string]string{"Idempotency-Key": "k1"}
	form := url.Values{"email": {"jo@example.com"}, "metadata[plan]": {"gold"}}.Encode()

	first := do(t, s, "POST", "/v1/customers", form, key)
	again := do(t, s, "POST", "/v1/customers", form, key)
	if first.status != 200 || again.text != first.text || again.header.Get("Idempotent-Replayed") != "true" || first.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("first %d %s\nagain %d %s", first.status, first.text, again.status, again.text)
	}
	if f.Customers() != 1 {
		t.Errorf("%d customers", f.Customers())
	}
	if got := do(t, s, "POST", "/v1/customers", "email=other@example.com", key); got.status != 400 || got.field("error", "type") != "idempotency_error" {
		t.Errorf("other parameters: %d %s", got.status, got.text)
	}
	if got := do(t, s, "POST", "/v1/customers", form, map[string]string{"Idempotency-Key": "k2"}); got.status != 200 || got.field("id") == first.field("id") {
		t.Errorf("another key: %d %s", got.status, got.text)
	}
	// A refusal leaves the key free.
	bad := map[string]string{"Idempotency-Key": "k3"}
	do(t, s, "POST", "/v1/customers", "nmae=Jo", bad)
	if got := do(t, s, "POST", "/v1/customers", "name=Jo", bad); got.status != 200 {
		t.Errorf("after a refusal: %d %s", got.status, got.text)
	}
}

// TestLostAnswer is the case that keys are for: the request took effect and nobody learnt of it.
func TestLostAnswer(t *testing.T) {
	f, s := serve(t, stripefake.Options{})
	f.Fail(stripefake.Fault{Act: true, Cut: true})
	key := map[string]string{"Idempotency-Key": "k"}
	if _, err := send(s, withoutReplay(request(t, s, "POST", "/v1/customers", "name=Jo", key))); err == nil {
		t.Fatal("an answer came")
	}
	got := do(t, s, "POST", "/v1/customers", "name=Jo", key)
	if got.status != 200 || got.header.Get("Idempotent-Replayed") != "true" || f.Customers() != 1 {
		t.Errorf("got %d %s; %d customers", got.status, got.text, f.Customers())
	}
	log := f.Requests()
	if len(log) != 2 || log[0].Status != 0 || !log[1].Replay || log[1].Form.Get("name") != "Jo" {
		t.Errorf("log %+v", log)
	}
}

// withoutReplay keeps net/http from sending the request a second time by itself, as it does with idempotent ones.
func withoutReplay(r *http.Request) *http.Request {
	r.GetBody = nil
	return r
}

func TestKeyInUse(t *testing.T) {
	seen, release := make(chan struct{}, 2), make(chan struct{})
	f, s := serve(t, stripefake.Options{OnRequest: func(stripefake.Request) { seen <- struct{}{} }})
	f.Fail(stripefake.Fault{Act: true, Status: 200, Body: "{}", Hold: release})
	key := map[string]string{"Idempotency-Key": "k"}
	first := make(chan error, 1)
	held := request(t, s, "POST", "/v1/customers", "name=Jo", key)
	go func() {
		_, err := send(s, held)
		first <- err
	}()
	<-seen
	got := do(t, s, "POST", "/v1/customers", "name=Jo", key)
	if got.status != 409 || got.field("error", "code") != "idempotency_key_in_use" {
		t.Errorf("got %d %s", got.status, got.text)
	}
	close(release)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	if got = do(t, s, "POST", "/v1/customers", "name=Jo", key); got.status != 200 || got.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("after the first was answered: %d %s", got.status, got.text)
	}
}

func TestFaults(t *testing.T) {
	f, s := serve(t, stripefake.Options{AutoCreate: true})
	f.Fail(
		stripefake.Fault{Status: 429, Header: http.Header{"retry-after": {"7"}}},
		stripefake.Fault{Status: 502, Body: "<html>bad gateway</html>", Header: http.Header{"Content-Type": {"text/html"}}},
		stripefake.Fault{},
		stripefake.Fault{Status: 409},
	)
	for _, want := range []struct {
		status       int
		code, header string
	}{{429, "rate_limit", "7"}, {502, "", ""}, {500, "", ""}, {409, "lock_timeout", ""}, {200, "", ""}} {
		got := do(t, s, "GET", "/v1/customers/cus_1", "", nil)
		code, _ := got.field("error", "code").(string)
		if got.status != want.status || code != want.code || got.header.Get("Retry-After") != want.header {
			t.Errorf("got %d %q Retry-After %q, want %+v", got.status, code, got.header.Get("Retry-After"), want)
		}
	}
	f.Fail(stripefake.Fault{Cut: true}, stripefake.Fault{Cut: true})
	if _, err := send(s, request(t, s, "POST", "/v1/customers", "name=Jo", nil)); !errors.Is(err, io.EOF) {
		t.Errorf("a cut connection: %v", err)
	}
	if f.Customers() != 1 {
		t.Errorf("a request that was cut before it acted left a customer")
	}
}

func TestObserver(t *testing.T) {
	var paths []string
	f, s := serve(t, stripefake.Options{OnRequest: func(r stripefake.Request) { paths = append(paths, r.Method+" "+r.Path) }})
	do(t, s, "GET", "/v1/customers/cus%2F1", "", nil)
	do(t, s, "POST", "/v1/customers", "name=Jo", nil)
	if len(paths) != 2 || paths[0] != "GET /v1/customers/cus%2F1" || paths[1] != "POST /v1/customers" {
		t.Errorf("observed %q", paths)
	}
	for _, r := range f.Requests() {
		if r.Header.Get("Authorization") != "" {
			t.Error("the log holds a key")
		}
		if !r.At.Equal(noon) {
			t.Errorf("at %s", r.At)
		}
	}
}
