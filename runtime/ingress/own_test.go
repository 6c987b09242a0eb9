package ingress

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
)

// TestPathOfOnesOwn is a door with a method, an answer and a payload of its own.
func TestPathOfOnesOwn(t *testing.T) {
	var got *connectors.WebhookRequest
	hook := &connectors.Webhook{Open: func(r *connectors.WebhookRequest) (*connectors.Envelope, error) {
		got = r
		return &connectors.Envelope{ID: "1", Type: r.Path, Payload: `{"a":"1"}`}, nil
	}}
	door := &Door{Conn: &connectors.Conn{Name: "shop"}, Webhook: hook, Path: "shop/orders", Method: http.MethodPut,
		Settings: map[string]cty.Value{"event_id": cty.StringVal("body.id")}, Status: 202, Answer: []byte(`{"received":true}`)}
	f := newFixture(func(c *Config) {
		c.Door = func(name string) *Door { return map[string]*Door{"shop/orders": door}[name] }
	})
	send := func(method, path string) (int, string, http.Header) {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader("a=1")))
		body, _ := io.ReadAll(w.Result().Body)
		return w.Code, string(body), w.Result().Header
	}
	for range 2 { // the second is a duplicate, and answered as the first
		if code, body, _ := send("PUT", "/webhooks/shop/orders"); code != 202 || body != `{"received":true}` {
			t.Errorf("%d %s", code, body)
		}
	}
	if len(f.events) != 1 || string(f.events[0].Payload) != `{"a":"1"}` || f.events[0].Type != "shop/orders" {
		t.Errorf("%+v", f.events)
	}
	if got.Path != "shop/orders" || got.Settings["event_id"] == cty.NilVal {
		t.Errorf("%+v", got)
	}
	if code, _, h := send("POST", "/webhooks/shop/orders"); code != 405 || h.Get("Allow") != "PUT" {
		t.Errorf("another method: %d, allowed is %q", code, h.Get("Allow"))
	}
	for method, want := range map[string]int{"PUT": 405, "POST": 404, "GET": 405} {
		if code, _, h := send(method, "/webhooks/nothing"); code != want || code == 405 && h.Get("Allow") != "POST" {
			t.Errorf("%s where nothing is: %d", method, code)
		}
	}
	door.Status, door.Answer = http.StatusNoContent, nil
	if code, body, _ := send("PUT", "/webhooks/shop/orders"); code != 204 || body != "" {
		t.Errorf("without a body: %d %q", code, body)
	}
}

// TestQueryIsHandedOn: a sender that signs nothing says its secret in the URL, which stands in no log.
func TestQueryIsHandedOn(t *testing.T) {
	var got *connectors.WebhookRequest
	hook := &connectors.Webhook{Open: func(r *connectors.WebhookRequest) (*connectors.Envelope, error) {
		got = r
		return nil, connectors.Forged("the token is not right")
	}}
	door := &Door{Conn: &connectors.Conn{Name: "library"}, Webhook: hook}
	f := newFixture(func(c *Config) {
		c.Door = func(name string) *Door { return map[string]*Door{"library": door}[name] }
	})
	w := httptest.NewRecorder()
	f.ServeHTTP(w, httptest.NewRequest("POST", "/webhooks/library?token=s3cret&event=asset%20uploaded", strings.NewReader("{}")))
	if w.Code != http.StatusUnauthorized || got.Token() != "s3cret" || got.Query.Get("event") != "asset uploaded" {
		t.Errorf("%d, %+v", w.Code, got)
	}
	if f.log.Len() == 0 || strings.Contains(f.log.String(), "s3cret") {
		t.Errorf("logged: %s", f.log.String())
	}
	f.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/webhooks/library", strings.NewReader("{}")))
	if got.Query != nil || got.Token() != "" {
		t.Errorf("without a query: %+v", got)
	}
}
