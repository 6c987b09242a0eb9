package picsio_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/connectortest"
	"github.com/flowrun/flowrun/connectors/connectortest/picsiofake"
	"github.com/flowrun/flowrun/connectors/picsio"
	"github.com/flowrun/flowrun/lang/schema"
)

func TestContract(t *testing.T) { connectortest.Contract(t, picsio.Spec()) }

var now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func conn(client *http.Client, settings map[string]string) *connectors.Conn {
	c := &connectors.Conn{Name: "picsio", Service: "picsio", Client: client, Settings: map[string][]string{"api_key": {"key_1"}}}
	for name, v := range settings {
		c.Settings[name] = []string{v}
	}
	return c
}

func action(t *testing.T, name string) *connectors.Action {
	t.Helper()
	for _, a := range picsio.Spec().Actions {
		if a.Name == name {
			return a
		}
	}
	t.Fatalf("there is no action %s", name)
	return nil
}

func call(t *testing.T, c *connectors.Conn, name, input string) (connectors.Result, error) {
	t.Helper()
	a := action(t, name)
	in, err := a.In.DecodeJSON([]byte(input))
	if err != nil {
		t.Fatal(err)
	}
	return a.Call.Call(t.Context(), &connectors.Call{Action: a, Conn: c, Input: in, Key: strings.Repeat("ab", 32)})
}

// TestRequests holds what is sent to the byte, since nothing more can be known of the vendor here; each path can be
// another one.
func TestRequests(t *testing.T) {
	paths := map[string]string{"root_collection_path": "/v2/root", "create_collection_path": "/v2/collections/new",
		"custom_fields_path": "/v2/fields", "keywords_path": "/v2/words"}
	for _, tt := range []struct{ action, input, want, elsewhere, body string }{
		{"picsio_collection_root", `{}`, "GET https://api.pics.io/collections/root", "GET https://api.pics.io/v2/root", ""},
		{"picsio_collection_create", `{"name":"Spring & co"}`, "POST https://api.pics.io/collections", "POST https://api.pics.io/v2/collections/new", `{"name":"Spring & co"}`},
		{"picsio_collection_create", `{"name":"a","parentId":"58dd"}`, "POST https://api.pics.io/collections", "POST https://api.pics.io/v2/collections/new", `{"name":"a","parentId":"58dd"}`},
		{"picsio_custom_field_list", `{}`, "GET https://api.pics.io/customFields", "GET https://api.pics.io/v2/fields", ""},
		{"picsio_keyword_list", `{}`, "GET https://api.pics.io/keywords", "GET https://api.pics.io/v2/words", ""},
	} {
		a := action(t, tt.action)
		in, err := a.In.DecodeJSON([]byte(tt.input))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			conn *connectors.Conn
			want string
		}{{conn(nil, nil), tt.want}, {conn(nil, paths), tt.elsewhere}} {
			req, err := a.Call.(*connectors.HTTP).Request(context.Background(), &connectors.Call{Action: a, Conn: c.conn, Input: in, Key: strings.Repeat("ab", 32)})
			if err != nil {
				t.Errorf("%s: %v", tt.action, err)
				continue
			}
			if got := req.Method + " " + req.URL.String(); got != c.want {
				t.Errorf("%s: %s, want %s", tt.action, got, c.want)
			}
			if got := req.Header.Get("Authorization"); got != "Bearer key_1" {
				t.Errorf("%s: Authorization %q", tt.action, got)
			}
			body := ""
			if req.Body != nil {
				raw := new(strings.Builder)
				if err := req.Write(raw); err != nil {
					t.Fatal(err)
				}
				_, body, _ = strings.Cut(raw.String(), "\r\n\r\n")
			}
			if body != tt.body {
				t.Errorf("%s: body %s, want %s", tt.action, body, tt.body)
			}
		}
	}
}

func TestAgainstTheFake(t *testing.T) {
	fake := &picsiofake.Fake{Paths: map[string]string{"/customFields": "/fields"}}
	srv := httptest.NewServer(fake)
	t.Cleanup(srv.Close)
	c := conn(srv.Client(), map[string]string{"base_url": srv.URL, "custom_fields_path": "/fields"})

	root, err := call(t, c, "picsio_collection_root", `{}`)
	if err != nil {
		t.Fatal(err)
	}
	id := root.Output.GetAttr("_id").AsString()
	made, err := call(t, c, "picsio_collection_create", `{"name":"Spring","parentId":"`+id+`"}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := made.Output.GetAttr("parentId").AsString(); got != id {
		t.Errorf("parent %q, want %q", got, id)
	}
	if got := fake.Collections(); len(got) != 1 || got[0].Name != "Spring" {
		t.Errorf("collections %+v", got)
	}
	fields, err := call(t, c, "picsio_custom_field_list", `{}`)
	if err != nil || fields.Output.GetAttr("customFields").LengthInt() != 1 {
		t.Errorf("custom fields: %#v, %v", fields.Output, err)
	}
	// The fake answers this one with a bare list.
	words, err := call(t, c, "picsio_keyword_list", `{}`)
	if err != nil || words.Output.GetAttr("keywords").LengthInt() != 1 {
		t.Errorf("keywords: %#v, %v", words.Output, err)
	}
	if _, err := call(t, c, "picsio_collection_create", `{"name":"x","parentId":"no"}`); connectors.AsError(err).Kind != connectors.KindNotFound ||
		connectors.AsError(err).Message != "there is no such parent" {
		t.Errorf("an unknown parent: %v", err)
	}
	c.Settings["keywords_path"] = []string{"/moved"}
	if _, err := call(t, c, "picsio_keyword_list", `{}`); connectors.AsError(err).Kind != connectors.KindNotFound {
		t.Errorf("a path that is not there: %v", err)
	}
	if err := picsio.Spec().Probes[0].Ask(t.Context(), c); err != nil {
		t.Errorf("probe: %v", err)
	}
	delete(c.Settings, "api_key")
	if err := picsio.Spec().Probes[0].Ask(t.Context(), c); connectors.AsError(err).Kind != connectors.KindInvalid {
		t.Errorf("probe without a key: %v", err)
	}
}

func TestPathsThatAreNone(t *testing.T) {
	for _, path := range []string{"keywords", "/key words", "/keywords?all=1", "/{name}", "/a#b"} {
		_, err := call(t, conn(http.DefaultClient, map[string]string{"keywords_path": path}), "picsio_keyword_list", `{}`)
		if e := connectors.AsError(err); err == nil || e.Kind != connectors.KindInvalid || !e.NotSent || !strings.Contains(e.Message, "keywords_path") {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// hook opens a webhook that comes in at a URL with this query.
func hook(t *testing.T, query, body string, header http.Header) (*connectors.Envelope, error) {
	t.Helper()
	q, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	if header == nil {
		header = http.Header{}
	}
	c := conn(nil, map[string]string{"webhook_secret": "old-one, s3cret"})
	return picsio.Spec().Webhook.Open(&connectors.WebhookRequest{Body: []byte(body), Header: header, Query: q, Conn: c, Now: now})
}

func TestWebhooks(t *testing.T) {
	for _, tt := range []struct{ query, body, id, typ, asset string }{
		{"token=s3cret", `{"id":"e1","type":"asset_uploaded","created":1750000000,"data":{"_id":"a1"}}`, "e1", "asset_uploaded", "a1"},
		{"token=old-one", `{"_id":"e1","event":"assetApproved","data":{"_id":"a1"}}`, "e1", "asset_approved", "a1"},
		{"token=s3cret&event=asset.assigned", `{"_id":"a1","name":"x"}`, "", "asset_assigned", "a1"},
		{"token=s3cret&event=Asset%20uploaded", `{"_id":"a1","type":"image"}`, "", "asset_uploaded", "a1"},
		{"token=s3cret", `{"_id":"a1","eventType":"ASSET_UPLOADED"}`, "", "asset_uploaded", "a1"},
	} {
		env, err := hook(t, tt.query, tt.body, nil)
		if err != nil {
			t.Errorf("%s %s: %v", tt.query, tt.body, err)
			continue
		}
		if env.Type != tt.typ || tt.id != "" && env.ID != tt.id || env.ID == "" || env.ID == "a1" {
			t.Errorf("%s %s: %+v", tt.query, tt.body, env)
		}
		payload := env.Payload
		if payload == "" {
			payload = tt.body
		}
		if got, _ := schema.StringOf(schema.Lookup([]byte(payload), "data", "_id")); got != tt.asset {
			t.Errorf("%s %s: the asset is %q in %s", tt.query, tt.body, got, payload)
		}
	}
	for _, tt := range []struct {
		query, body string
		forged      bool
	}{
		{"", `{"type":"asset_uploaded"}`, true},
		{"token=", `{"type":"asset_uploaded"}`, true},
		{"token=S3CRET", `{"type":"asset_uploaded"}`, true},
		{"token=s3cret", `{"_id":"a1"}`, false},
		{"token=s3cret", `[]`, false},
		{"token=s3cret", `{"type":`, false},
		{"token=s3cret&event=" + strings.Repeat("x", 300), `{}`, false},
	} {
		_, err := hook(t, tt.query, tt.body, nil)
		var refused *connectors.WebhookError
		if !errors.As(err, &refused) || refused.Forged != tt.forged || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s %s: %v", tt.query, tt.body, err)
		}
	}
}

// TestDeliveries: two deliveries are one event only where something says so.
func TestDeliveries(t *testing.T) {
	id := func(body string, header http.Header) string {
		t.Helper()
		env, err := hook(t, "token=s3cret&event=asset_uploaded", body, header)
		if err != nil {
			t.Fatal(err)
		}
		return env.ID
	}
	named := http.Header{"X-Request-Id": {"7"}}
	if first, again := id(`{"_id":"a1"}`, named), id(`{"_id":"a1"}`, named); first != again {
		t.Error("a named delivery that comes twice is two events")
	}
	if first, other := id(`{"_id":"a1"}`, nil), id(`{"_id":"a1"}`, nil); first == other {
		t.Error("two events of an asset became one")
	}
}

func FuzzOpen(f *testing.F) {
	f.Add("token=s3cret&event=assetUploaded", `{"_id":"a1"}`)
	f.Add("token=x", `{"type":"asset_uploaded","data":{}}`)
	f.Add("event=%20", `{"data":null}`)
	f.Fuzz(func(t *testing.T, query, body string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		c := conn(nil, map[string]string{"webhook_secret": "s3cret"})
		env, err := picsio.Spec().Webhook.Open(&connectors.WebhookRequest{Body: []byte(body), Query: q, Header: http.Header{}, Conn: c, Now: now})
		if err != nil {
			return
		}
		if q.Get("token") != "s3cret" || env.ID == "" || env.Type == "" {
			t.Fatalf("%q with %q is taken as %+v", body, query, env)
		}
		if env.Payload != "" && schema.CheckJSON([]byte(env.Payload), schema.JSONLimits{}) != nil {
			t.Fatalf("%q is kept as %q", body, env.Payload)
		}
	})
}
