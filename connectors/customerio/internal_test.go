package customerio

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
)

func FuzzEventID(f *testing.F) {
	f.Add("", int64(0))
	f.Add("k", int64(-1))
	f.Add(strings.Repeat("ab", 32), int64(1772600767890))
	f.Add("k", int64(1)<<62)
	f.Fuzz(func(t *testing.T, key string, ms int64) {
		at := time.UnixMilli(ms)
		got := eventID(key, at)
		id, err := ulid.ParseStrict(got)
		if err != nil {
			t.Fatalf("%q at %d: %q is no ULID: %v", key, ms, got, err)
		}
		if again := eventID(key, at); again != got {
			t.Errorf("%q at %d: %q, then %q", key, ms, got, again)
		}
		if ms >= 0 && uint64(ms) <= ulid.MaxTime() && id.Time() != uint64(ms) {
			t.Errorf("at %d: the id's time is %d", ms, id.Time())
		}
		if other := eventID(key+"x", at); other == got {
			t.Errorf("two keys make the id %q", got)
		}
	})
}

func FuzzIdentifier(f *testing.F) {
	for _, s := range []string{"cus_123", "jo+a&b@example.com", "cio_1", "a/b c", "..", "", "é", "%2e%2e", "a?b#c", strings.Repeat("x", 151)} {
		f.Add(s, "", "")
		f.Add("", s, "")
		f.Add("", "", s)
	}
	f.Add("a", "b@c", "d")
	s := newSettings()
	h := s.trackCall(&connectors.HTTP{Method: http.MethodDelete, Path: "/api/v1/customers/{identifier}",
		PathValue: pathIdentifier, Encode: connectors.NoBody})
	conn := &connectors.Conn{Settings: map[string][]string{"site_id": {"s"}, "api_key": {"k"}}, Client: http.DefaultClient}
	f.Fuzz(func(t *testing.T, id, email, cioID string) {
		c := &connectors.Call{Conn: conn, Input: cty.ObjectVal(map[string]cty.Value{
			"id": cty.StringVal(id), "email": cty.StringVal(email), "cio_id": cty.StringVal(cioID)})}
		want, err := identifier(c)
		if err != nil {
			return
		}
		req, err := h.Request(context.Background(), c)
		if err != nil {
			return // "." and ".."
		}
		path, found := strings.CutPrefix(req.URL.EscapedPath(), "/api/v1/customers/")
		if !found || strings.ContainsAny(path, "/?#&+@ ") || req.URL.RawQuery != "" || req.URL.Host != "track.customer.io" {
			t.Fatalf("%q became %s", want, req.URL)
		}
		if back, err := url.PathUnescape(path); err != nil || back != want {
			t.Errorf("%q is read as %q, %v", want, back, err)
		}
		if strings.HasPrefix(want, cioPrefix) != (cioID != "") {
			t.Errorf("%q would be taken for an identifier of another kind", want)
		}
	})
}

// Whatever the texts are, a change is one JSON object that names the person as they were given.
func FuzzChange(f *testing.F) {
	f.Add("cus_1", "paid", `a "quoted" value`, "plan")
	f.Add("jo+a&b@example.com", "home\n", "\x00", "a.b")
	f.Add("é", "\u2028", `{"a":1}`, `"`)
	s := newSettings()
	changes := map[string]*connectors.Action{}
	for _, a := range []*connectors.Action{identify(s), track(s), identifyObject(s)} {
		changes[a.Name] = a
	}
	f.Fuzz(func(t *testing.T, id, name, text, attribute string) {
		free := cty.ObjectVal(map[string]cty.Value{attribute: cty.StringVal(text)})
		for _, c := range []struct {
			action string
			in     map[string]cty.Value
			entity func([]byte, *connectors.Call) ([]byte, error)
		}{
			{"customerio_identify", map[string]cty.Value{"id": cty.StringVal(id), "attributes": free}, identifyEntity},
			{"customerio_track", map[string]cty.Value{"id": cty.StringVal(id), "name": cty.StringVal(name), "data": free}, eventEntity("")},
		} {
			in, err := changes[c.action].In.Convert(cty.ObjectVal(c.in))
			if err != nil {
				return
			}
			raw, err := c.entity(nil, &connectors.Call{Input: in, Key: "k", EventTime: time.Unix(1, 0)})
			if err != nil {
				continue
			}
			var got struct {
				Type, Action string
				Identifiers  map[string]string
				Attributes   map[string]any
			}
			if err := json.Unmarshal(raw, &got); err != nil {
				t.Fatalf("%s: %v", raw, err)
			}
			want := in.GetAttr("id").AsString() // as cty normalised it
			if len(got.Identifiers) != 1 || got.Identifiers["id"] != want || got.Type != "person" {
				t.Errorf("%q became %s", id, raw)
			}
		}
	})
}

// BenchmarkTrack builds and sends an event to a server on the loopback that does nothing.
func BenchmarkTrack(b *testing.B) {
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "{}")
	}))
	b.Cleanup(sink.Close)
	a, c := benchCall(b, sink.URL)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := a.Call.Call(context.Background(), c); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// nowhere answers in memory, so that only our own work is measured.
type nowhere struct{}

func (nowhere) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
}

func BenchmarkTrackBuild(b *testing.B) {
	a, c := benchCall(b, "http://127.0.0.1:1")
	c.Conn.Client.Transport = nowhere{}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Call.Call(context.Background(), c); err != nil {
			b.Fatal(err)
		}
	}
}

func benchCall(b *testing.B, address string) (*connectors.Action, *connectors.Call) {
	a := track(newSettings())
	in, err := a.In.DecodeJSON([]byte(a.Example))
	if err != nil {
		b.Fatal(err)
	}
	transport := connectors.NewTransport()
	b.Cleanup(transport.CloseIdleConnections)
	return a, &connectors.Call{Action: a, Input: in, Key: strings.Repeat("0123456789abcdef", 4),
		EventTime: time.UnixMilli(1772600767890), Conn: &connectors.Conn{Name: service, Client: &http.Client{Transport: transport},
			Settings: map[string][]string{"site_id": {"s"}, "api_key": {"k"}, "track_url": {address}}}}
}
