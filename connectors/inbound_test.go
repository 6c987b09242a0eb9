package connectors_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

func TestSecretsAndTokens(t *testing.T) {
	r := &connectors.WebhookRequest{Header: http.Header{}, Query: url.Values{"token": {"b"}},
		Conn: &connectors.Conn{Settings: map[string][]string{"secret": {"a, b,", "", "c"}}}}
	secrets := r.Secrets("secret")
	if !slices.Equal(secrets, []string{"a", "b", "c"}) {
		t.Errorf("secrets %q", secrets)
	}
	if r.Token() != "b" || !connectors.Matches(r.Token(), secrets) {
		t.Errorf("token %q", r.Token())
	}
	r.Header.Set("Authorization", "Bearer x")
	if r.Token() != "x" || connectors.Matches(r.Token(), secrets) {
		t.Errorf("a header that is not right: token %q", r.Token())
	}
	if connectors.Matches("", []string{""}) || connectors.Matches("a", nil) {
		t.Error("what is nothing matches")
	}
}

func TestHMACWebhook(t *testing.T) {
	triggers := []*schema.Trigger{{Name: "desk_opened", Events: []string{"ticket.opened"}, Payload: schema.NewObject("ticket",
		schema.Field{Name: "id", Type: text, Required: true, Example: `"T-1"`})}}
	w := connectors.HMACWebhook("X-Signature", "secret", triggers)
	at := time.Unix(1_750_000_000, 0)
	conn := &connectors.Conn{Settings: map[string][]string{"secret": {"new", "old"}}}
	open := func(body, secret string) (*connectors.Envelope, error) {
		return w.Open(&connectors.WebhookRequest{Body: []byte(body), Header: w.Sign([]byte(body), secret, at), Conn: conn, Now: at})
	}
	body, err := w.Sample("ticket.opened", "evt_1", at)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"id":"evt_1","type":"ticket.opened","created":1750000000,"data":{"id":"T-1"}}`; string(body) != want {
		t.Errorf("sample %s, want %s", body, want)
	}
	for _, secret := range []string{"new", "old"} {
		env, err := open(string(body), secret)
		if err != nil || env.ID != "evt_1" || env.Type != "ticket.opened" || !env.Time.Equal(at) {
			t.Errorf("signed with %s: %+v, %v", secret, env, err)
		}
	}
	if _, err := w.Sample("ticket.closed", "evt_1", at); err == nil {
		t.Error("there is a sample of an event that nothing is fired by")
	}
	for _, tt := range []struct {
		body, secret string
		forged       bool
	}{
		{string(body), "other", true}, {string(body), "", true},
		{`{"id":"","type":"x","data":{}}`, "new", false}, {`{"id":"1","data":{}}`, "new", false}, {`{"id":"1","type":"x"}`, "new", false},
		{`[]`, "new", false}, {`{`, "new", false}, {`{"id":1,"type":"x","data":{}}`, "new", false},
	} {
		_, err := open(tt.body, tt.secret)
		var refused *connectors.WebhookError
		if !errors.As(err, &refused) || refused.Forged != tt.forged {
			t.Errorf("%s signed with %q: %v", tt.body, tt.secret, err)
		}
	}
}

func TestPathSetting(t *testing.T) {
	h := &connectors.HTTP{Method: http.MethodGet, Path: "/people/{who}", PathSetting: "people_path", Base: base, Encode: connectors.NoBody}
	request := func(path string) (string, error) {
		c := call(action(h, nil), "https://vendor.example/api/", map[string]cty.Value{"who": cty.StringVal("a/b")})
		if path != "" {
			c.Conn.Settings["people_path"] = []string{path}
		}
		req, err := h.Request(t.Context(), c)
		if err != nil {
			return "", err
		}
		return req.URL.String(), nil
	}
	for path, want := range map[string]string{
		"":                    "https://vendor.example/api/people/a%2Fb",
		"/people/{who}":       "https://vendor.example/api/people/a%2Fb",
		"/v2/{who}/person":    "https://vendor.example/api/v2/a%2Fb/person",
		"//evil.example{who}": "https://vendor.example/api//evil.examplea%2Fb",
	} {
		if got, err := request(path); err != nil || got != want {
			t.Errorf("%q: %s, %v; want %s", path, got, err, want)
		}
	}
	for _, path := range []string{"people/{who}", "/people", "/people/{who}/{page}", "/people/{who", "/people?x={who}", "/{who}/{who}"} {
		_, err := request(path)
		e := connectors.AsError(err)
		if err == nil || e.Kind != connectors.KindInvalid || !strings.Contains(e.Message, `people_path of connection "vendor"`) {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestListIn(t *testing.T) {
	out := schema.NewObject("people", schema.Field{Name: "people", Type: schema.ObjectType(answerShape).ListOf(), Required: true})
	for body, want := range map[string]int{` [{"id":"1"},{"id":"2"}]`: 2, `[]`: 0, `{"people":[{"id":"1"}]}`: 1, `["1"]`: -1, `{"others":[]}`: -1, ``: -1, `[`: -1} {
		h := &connectors.HTTP{Method: http.MethodGet, Path: "/people", Encode: connectors.NoBody, ListIn: "people"}
		c, _ := serve(t, h, out, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
		res, err := h.Call(t.Context(), c)
		switch {
		case want < 0 && (err == nil || connectors.AsError(err).Kind != connectors.KindDrift):
			t.Errorf("%s: %#v, %v", body, res.Output, err)
		case want >= 0 && (err != nil || res.Output.GetAttr("people").LengthInt() != want):
			t.Errorf("%s: %#v, %v", body, res.Output, err)
		}
	}
}
