package stripe

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

var noon = time.Date(2024, 3, 14, 12, 0, 0, 0, time.UTC)

// conn returns a connection with the settings given as name, value pairs, and the test's signing secret.
func conn(settings ...string) *connectors.Conn {
	c := &connectors.Conn{Name: "stripe", Service: "stripe", Client: http.DefaultClient,
		Settings: map[string][]string{settingSecret: {knownSecret}}}
	for i := 0; i < len(settings); i += 2 {
		c.Settings[settings[i]] = append(c.Settings[settings[i]], settings[i+1])
	}
	return c
}

// deliver signs body and opens it.
func deliver(c *connectors.Conn, body []byte) (*connectors.Envelope, error) {
	return open(&connectors.WebhookRequest{Body: body, Header: signHeaders(body, knownSecret, noon), Conn: c, Now: noon})
}

func refusalOf(t *testing.T, err error) *connectors.WebhookError {
	t.Helper()
	var we *connectors.WebhookError
	if !errors.As(err, &we) {
		t.Fatalf("got %v, want a *WebhookError", err)
	}
	if we.Reason == "" || we.Status < 400 {
		t.Errorf("a refusal without reason or status: %+v", we)
	}
	return we
}

const smallEvent = `{"id":"evt_1","object":"event","api_version":"2023-10-16","created":1710417600,"type":"charge.failed","livemode":true,"account":"acct_1","data":{"object":{"id":"ch_1"}}}`

func TestOpen(t *testing.T) {
	got, err := deliver(conn(), []byte(smallEvent))
	if err != nil {
		t.Fatal(err)
	}
	want := connectors.Envelope{ID: "evt_1", Type: "charge.failed", Time: noon, Account: "acct_1", APIVersion: "2023-10-16", Livemode: true}
	if *got != want {
		t.Errorf("got %+v, want %+v", *got, want)
	}
	w := Spec().Webhook
	if object := schema.Lookup([]byte(smallEvent), w.Data...); string(object) != `{"id":"ch_1"}` {
		t.Errorf("data %s", object)
	}
}

func TestOpenTakes(t *testing.T) {
	for name, body := range map[string]string{
		"an unknown type":  `{"id":"evt_1","object":"event","created":1,"type":"v9.new_thing.happened","data":{"object":{}}}`,
		"no version":       `{"id":"evt_1","object":"event","api_version":null,"created":1,"type":"plan.created","data":{"object":{}}}`,
		"another version":  `{"id":"evt_1","object":"event","api_version":"2025-03-31.basil","created":1,"type":"plan.created","data":{"object":{}}}`,
		"no object member": `{"id":"evt_1","created":1,"type":"plan.created","data":{"object":{}}}`,
		"no account":       `{"id":"evt_1","object":"event","account":null,"created":1,"type":"plan.created","data":{"object":{}}}`,
		"white space":      "\n {\"id\":\"evt_1\",\"object\":\"event\",\"created\":1,\"type\":\"plan.created\",\"data\":{\"object\":{}}}\n",
	} {
		if _, err := deliver(conn(), []byte(body)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	event := func(members string) string {
		return `{"object":"event","id":"evt_1","created":1,"type":"plan.created","data":{"object":{}},` + members + `}`
	}
	for _, tt := range []struct{ name, body, reason string }{
		{"nothing", "", "not an event"},
		{"no JSON", "<html>", "not an event"},
		{"two values", smallEvent + smallEvent, "not an event"},
		{"an array", "[]", "not an event"},
		{"no UTF-8", `{"id":"` + "\xff" + `"}`, "not an event"},
		{"deep", strings.Repeat("[", 100) + strings.Repeat("]", 100), "not an event"},
		{"another object", event(`"object":"charge"`), "not an event"},
		{"a thin event", `{"id":"evt_1","object":"v2.core.event","type":"v1.billing.meter.error_report_triggered","created":"2024-09-17T06:20:52.246Z"}`, "thin events"},
		{"no id", `{"object":"event","created":1,"type":"plan.created","data":{"object":{}}}`, "no usable id"},
		{"an id that is a number", event(`"id":1`), "no usable id"},
		{"an empty id", event(`"id":""`), "no usable id"},
		{"a long id", event(`"id":"` + strings.Repeat("x", 256) + `"`), "no usable id"},
		{"an id with a line break", event(`"id":"evt\n1"`), "no usable id"},
		{"an id that is a path", event(`"id":"../1"`), "no usable id"},
		{"a type with spaces", event(`"type":"a b"`), "no usable type"},
		{"a type that is null", event(`"type":null`), "no usable type"},
		{"a long type", event(`"type":"` + strings.Repeat("x", 129) + `"`), "no usable type"},
		{"no time", event(`"created":null`), "no usable time"},
		{"a time in words", event(`"created":"now"`), "no usable time"},
		{"a time before 1970", event(`"created":-1`), "no usable time"},
		{"a time after 9999", event(`"created":253402300800`), "no usable time"},
		{"a time beyond numbers", event(`"created":1e300`), "no usable time"},
		{"an account that is a text", event(`"account":"a b"`), "account"},
		{"a version that is a text", event(`"api_version":"a b"`), "api_version"},
		{"no data", event(`"data":null`), "no object"},
		{"an object that is a list", event(`"data":{"object":[]}`), "no object"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := deliver(conn(), []byte(tt.body))
			we := refusalOf(t, err)
			if !strings.Contains(we.Reason, tt.reason) || we.Forged {
				t.Errorf("got %+v, want a reason with %q", we, tt.reason)
			}
		})
	}
}

// TestForgersLearnNothing checks that whoever has no secret is told the same whatever is wrong.
func TestForgersLearnNothing(t *testing.T) {
	w := Spec().Webhook
	body := []byte(smallEvent)
	var reasons []string
	for _, h := range []http.Header{
		{},
		header("t=1,v1=zz"),
		w.Sign(body, "guess", noon),
		w.Sign(body, "guess", noon.Add(-time.Hour)),
		w.Sign(body, "guess", noon.Add(time.Hour)),
		w.Sign([]byte("{"), knownSecret, noon),
	} {
		_, err := w.Open(&connectors.WebhookRequest{Body: body, Header: h, Conn: conn(), Now: noon})
		we := refusalOf(t, err)
		if !we.Forged || we.Detail == "" || strings.Contains(we.Error(), knownSecret) {
			t.Errorf("got %+v", we)
		}
		reasons = append(reasons, fmt.Sprint(we.Status, we.Reason))
	}
	for _, r := range reasons {
		if r != reasons[0] {
			t.Errorf("reasons differ: %q", reasons)
		}
	}
}

func TestReplayIsRefused(t *testing.T) {
	w := Spec().Webhook
	body := []byte(smallEvent)
	for _, at := range []time.Time{noon.Add(-maxAge - time.Second), noon.Add(maxSkew + time.Second)} {
		_, err := w.Open(&connectors.WebhookRequest{Body: body, Header: w.Sign(body, knownSecret, at), Conn: conn(), Now: noon})
		if we := refusalOf(t, err); !we.Forged || !strings.Contains(we.Detail, "clock") {
			t.Errorf("signed at %s: %+v", at, we)
		}
	}
}

func TestSecretSettings(t *testing.T) {
	w := Spec().Webhook
	body := []byte(smallEvent)
	for _, tt := range []struct {
		secrets []string
		status  int // 0 where the event is taken
	}{
		{[]string{knownSecret}, 0},
		{[]string{"whsec_new", knownSecret}, 0},
		{[]string{"whsec_new, " + knownSecret}, 0},
		{[]string{"whsec_new"}, 400},
		{nil, 503},
		{[]string{""}, 503},
		{[]string{" , "}, 503},
	} {
		c := &connectors.Conn{Settings: map[string][]string{settingSecret: tt.secrets}}
		_, err := w.Open(&connectors.WebhookRequest{Body: body, Header: w.Sign(body, knownSecret, noon), Conn: c, Now: noon})
		if tt.status == 0 {
			if err != nil {
				t.Errorf("secrets %q: %v", tt.secrets, err)
			}
			continue
		}
		if we := refusalOf(t, err); we.Status != tt.status {
			t.Errorf("secrets %q: %+v, want status %d", tt.secrets, we, tt.status)
		}
	}
}

func TestLivemode(t *testing.T) {
	live, test := []byte(smallEvent), []byte(strings.Replace(smallEvent, `"livemode":true`, `"livemode":false`, 1))
	for _, tt := range []struct {
		setting string
		body    []byte
		taken   bool
	}{{"true", live, true}, {"true", test, false}, {"false", live, false}, {"false", test, true}} {
		_, err := deliver(conn(settingLivemode, tt.setting), tt.body)
		if tt.taken != (err == nil) {
			t.Errorf("livemode = %s: %v", tt.setting, err)
		}
		if !tt.taken {
			if we := refusalOf(t, err); we.Forged || !strings.Contains(we.Reason, "mode") {
				t.Errorf("livemode = %s: %+v", tt.setting, we)
			}
		}
	}
}

// TestEventsOfOthers reads events that other projects collected, of API versions back to 2012 and of data mangled by
// other languages. They are not part of this project; FLOWRUN_EVENTS says where they are.
func TestEventsOfOthers(t *testing.T) {
	dir := os.Getenv("FLOWRUN_EVENTS")
	if dir == "" {
		t.Skip("FLOWRUN_EVENTS is not set: the collections of events are kept outside of the project")
	}
	c := newCatalog(catalogText, operationsText)
	n := map[string]int{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		part, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
		n[part]++
		e, err := deliver(conn(), body)
		if part == "hostile" && err != nil {
			refusalOf(t, err)
			return nil
		}
		if err != nil {
			t.Errorf("%s: %v", rel, err)
			return nil
		}
		name, known := c.eventObject(e.Type)
		if !known {
			if part == "stripe" && !deadType(e.Type) {
				t.Errorf("%s: no trigger for %s", rel, e.Type)
			}
			return nil
		}
		object := schema.Lookup(body, "data", "object")
		v, _, err := c.object(name).Decode(object, &schema.Paths{All: true})
		if err != nil {
			t.Errorf("%s: %v", rel, err)
			return nil
		}
		if id, ok := schema.StringOf(schema.Lookup(object, "id")); ok && c.object(name).Field("id") != nil && v.GetAttr("id").AsString() != id {
			t.Errorf("%s: the id was lost", rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n["stripe"] == 0 || n["hostile"] == 0 {
		t.Errorf("read %v: FLOWRUN_EVENTS must hold stripe/ and hostile/", n)
	}
}

// deadType reports whether an event type is one of those that Stripe's library names and API version 2023-10-16 can't
// send any more.
func deadType(eventType string) bool {
	switch prefix, _, _ := strings.Cut(eventType, "."); prefix {
	case "order", "recipient", "sku", "order_return", "bitcoin":
		return true
	}
	return eventType == "invoiceitem.updated" || eventType == "transfer.failed" || eventType == "transfer.paid"
}

// FuzzOpen checks that a signed body is either refused with a reason or has an envelope that is fit for a log, a file
// name and a key, and that what was taken can be decoded.
func FuzzOpen(f *testing.F) {
	seeds, err := filepath.Glob(filepath.Join("testdata", "events", "*.json"))
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range seeds {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte(smallEvent))
	c := newCatalog(catalogText, operationsText)
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := deliver(conn(), body)
		if err != nil {
			refusalOf(t, err)
			return
		}
		if !json.Valid(body) {
			t.Error("a body was taken that is not JSON")
		}
		if !word(e.ID, 255, "_-") || !word(e.Type, 128, "_-.") || e.Time.Year() > 9999 || e.Time.Before(time.Unix(0, 0)) {
			t.Errorf("envelope %+v", e)
		}
		if name, ok := c.eventObject(e.Type); ok {
			if _, _, err := c.object(name).Decode(schema.Lookup(body, "data", "object"), &schema.Paths{All: true}); err != nil {
				t.Errorf("a checked body can't be decoded: %v", err)
			}
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	body, err := Spec().Webhook.Sample("invoice.paid", "evt_1", noon)
	if err != nil {
		b.Fatal(err)
	}
	r := &connectors.WebhookRequest{Body: body, Header: signHeaders(body, knownSecret, noon), Conn: conn(), Now: noon}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := open(r); err != nil {
			b.Fatal(err)
		}
	}
}
