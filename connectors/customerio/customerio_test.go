package customerio_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/connectortest"
	"github.com/flowrun/flowrun/connectors/connectortest/customeriofake"
	"github.com/flowrun/flowrun/connectors/customerio"
)

func TestContract(t *testing.T) {
	t.Parallel()
	connectortest.Contract(t, customerio.Spec())
}

var eventTime = time.Date(2026, 3, 4, 5, 6, 7, 890e6, time.UTC)

const stamp = 1772600767 // eventTime in seconds

// bench is a connection to a fake.
type bench struct {
	t    *testing.T
	fake *customeriofake.Fake
	conn *connectors.Conn
	spec *connectors.Spec
}

func newBench(t *testing.T) *bench {
	fake := customeriofake.New(customeriofake.Options{SiteID: "site", APIKey: "track-key", AppKey: "app-key",
		Now: func() time.Time { return eventTime.Add(time.Second) }})
	s := httptest.NewServer(fake)
	t.Cleanup(s.Close)
	return &bench{t: t, fake: fake, spec: customerio.Spec(), conn: &connectors.Conn{Name: "customerio", Service: "customerio",
		Client: s.Client(), Settings: map[string][]string{"site_id": {"site"}, "api_key": {"track-key"}, "app_key": {"app-key"},
			"track_url": {s.URL}, "app_url": {s.URL + "/"}}}}
}

// call makes a call whose input is a JSON object, converted as the engine converts a block's arguments.
func (b *bench) call(name, input, key string) (connectors.Result, error) {
	b.t.Helper()
	for _, a := range b.spec.Actions {
		if a.Name != name {
			continue
		}
		in, err := a.In.DecodeJSON([]byte(input))
		if err != nil {
			b.t.Fatalf("%s %s: %v", name, input, err)
		}
		return a.Call.Call(b.t.Context(), &connectors.Call{Action: a, Conn: b.conn, Input: in, Key: key, EventTime: eventTime})
	}
	b.t.Fatalf("no action %s", name)
	return connectors.Result{}, nil
}

func (b *bench) do(name, input string) {
	b.t.Helper()
	if _, err := b.call(name, input, "key-1"); err != nil {
		b.t.Fatalf("%s %s: %v", name, input, err)
	}
}

// last returns the latest request as "METHOD path body".
func (b *bench) last() string {
	b.t.Helper()
	calls := b.fake.Calls()
	if len(calls) == 0 {
		b.t.Fatal("no request arrived")
	}
	c := calls[len(calls)-1]
	if len(c.Raw) == 0 {
		return c.Method + " " + c.Path
	}
	return fmt.Sprintf("%s %s %s", c.Method, c.Path, c.Raw)
}

func TestRequests(t *testing.T) {
	const id = "(an id of the event's time)"
	for _, c := range []struct{ action, input, want string }{
		{"customerio_identify", `{"id":"cus_1","attributes":{"plan":"pro","gone":null,"age":7,"tags":["a"]}}`,
			`PUT /api/v1/customers/cus_1 {"age":7,"plan":"pro","tags":["a"],"_timestamp":1772600767}`},
		{"customerio_identify", `{"email":"jo+a&b@example.com","update_only":true,"timestamp":1700000000}`,
			`PUT /api/v1/customers/jo%2Ba%26b%40example.com {"_timestamp":1700000000,"_update":true}`},
		{"customerio_identify", `{"cio_id":"03000001","update_only":false}`, `PUT /api/v1/customers/cio_03000001 {"_timestamp":1772600767}`},
		{"customerio_identify", `{"cio_id":"cio_03000001"}`, `PUT /api/v1/customers/cio_03000001 {"_timestamp":1772600767}`},
		{"customerio_identify", `{"id":"a/b c"}`, `PUT /api/v1/customers/a%2Fb%20c {"_timestamp":1772600767}`},
		{"customerio_track", `{"id":"cus_1","name":"paid","data":{"b":null,"a":1.5}}`,
			`POST /api/v1/customers/cus_1/events {"name":"paid","id":"` + id + `","timestamp":1772600767,"data":{"a":1.5,"b":null}}`},
		{"customerio_track", `{"email":"jo@example.com","name":"home \"x\"","type":"page"}`,
			`POST /api/v1/customers/jo%40example.com/events {"name":"home \"x\"","type":"page","id":"` + id + `","timestamp":1772600767}`},
		{"customerio_track", `{"anonymous_id":"anon/1","name":"paid","timestamp":1}`,
			`POST /api/v1/events {"name":"paid","anonymous_id":"anon/1","id":"` + id + `","timestamp":1}`},
		{"customerio_delete", `{"id":"cus_1"}`, `DELETE /api/v1/customers/cus_1`},
		{"customerio_send_email", `{"to":"jo@example.com","identifiers":{"id":"cus_1"},"transactional_message_id":"44","message_data":{"n":1}}`,
			`POST /v1/send/email {"to":"jo@example.com","identifiers":{"id":"cus_1"},"transactional_message_id":"44","message_data":{"n":1}}`},
	} {
		t.Run(c.want, func(t *testing.T) {
			b := newBench(t)
			b.do(c.action, c.input)
			got := b.last()
			if c.action == "customerio_track" {
				// The id is compared by its rule below; here only that it is where it belongs.
				got = withoutID(t, got, id)
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// withoutID puts id in the place of the request's own, which must be a ULID of the event's millisecond.
func withoutID(t *testing.T, request, id string) string {
	t.Helper()
	_, after, found := strings.Cut(request, `"id":"`)
	if !found || len(after) < 26 {
		t.Fatalf("no id in %s", request)
	}
	if got := after[:26]; !strings.HasPrefix(got, ulidTime(eventTime)) {
		t.Errorf("id %s is not of the event's time", got)
	}
	return strings.Replace(request, after[:26], id, 1)
}

// ulidTime is the first ten letters of a ULID, by the specification: 48 bits in Crockford's base 32.
func ulidTime(at time.Time) string {
	ms := uint64(at.UnixMilli())
	var out [10]byte
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[ms&31]
		ms >>= 5
	}
	return string(out[:])
}

func TestRepeatedEventCountsOnce(t *testing.T) {
	b := newBench(t)
	const in = `{"id":"cus_1","name":"paid"}`
	for _, key := range []string{"k1", "k1", "k2", "k1"} {
		if _, err := b.call("customerio_track", in, key); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.fake.Events()) != 2 || b.fake.Duplicates() != 2 {
		t.Errorf("%d events and %d repeats, want 2 and 2", len(b.fake.Events()), b.fake.Duplicates())
	}
	if got := b.fake.Events()[0]; got.Timestamp != stamp || got.Identifier != "cus_1" || got.Name != "paid" {
		t.Errorf("event %+v", got)
	}
}

func TestSendEmailAnswer(t *testing.T) {
	b := newBench(t)
	res, err := b.call("customerio_send_email",
		`{"to":"jo@example.com","identifiers":{"email":"jo@example.com"},"body":"<p>","subject":"s","from":"a@b.example",
		"headers":{"X-A":"1"},"attachments":{"a.txt":"aGk="},"tracked":false}`, "k")
	if err != nil {
		t.Fatal(err)
	}
	want := cty.ObjectVal(map[string]cty.Value{"delivery_id": cty.StringVal("fake-delivery-1"), "queued_at": cty.NumberIntVal(stamp + 1)})
	if !res.Output.RawEquals(want) {
		t.Errorf("output %#v, want %#v", res.Output, want)
	}
	sent := b.fake.Emails()[0].Body
	if sent["tracked"] != false || fmt.Sprint(sent["headers"]) != "map[X-A:1]" || fmt.Sprint(sent["attachments"]) != "map[a.txt:aGk=]" {
		t.Errorf("sent %v", sent)
	}
}

// A template's number may be written as a number.
func TestTemplateByNumber(t *testing.T) {
	b := newBench(t)
	a := b.spec.Actions[3]
	in, err := a.In.Convert(cty.ObjectVal(map[string]cty.Value{"to": cty.StringVal("a@example.com"),
		"identifiers":              cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal("a")}),
		"transactional_message_id": cty.NumberIntVal(44)}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Call.Call(t.Context(), &connectors.Call{Action: a, Conn: b.conn, Input: in}); err != nil {
		t.Fatal(err)
	}
	if got := b.fake.Emails()[0].Body["transactional_message_id"]; got != "44" {
		t.Errorf("sent %v", got)
	}
}

// What a limit or a wrong identifier would make the vendor lose without a word is refused before the call.
func TestRefusedBeforeTheCall(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	many := map[string]int{}
	for i := range 301 {
		many[fmt.Sprint("a", i)] = i
	}
	manyJSON, err := json.Marshal(many)
	if err != nil {
		t.Fatal(err)
	}
	to15 := strings.Repeat("a@example.com, ", 14) + "a@example.com"
	for _, c := range []struct{ action, input, want string }{
		{"customerio_identify", `{"id":"cio_1"}`, "use cio_id"},
		{"customerio_identify", `{"id":"","email":null}`, "exactly one of"},
		{"customerio_identify", `{"cio_id":"cio_"}`, "cio_id is empty"},
		{"customerio_identify", `{"id":".."}`, "can't stand in a path"},
		{"customerio_identify", `{"id":"a","attributes":{"` + long(151) + `":1}}`, "takes 150"},
		{"customerio_identify", `{"id":"a","attributes":{"n":"` + long(1001) + `"}}`, "takes 1000"},
		{"customerio_identify", `{"id":"a","attributes":{"n":["` + long(1001) + `"]}}`, "takes 1000"},
		{"customerio_identify", `{"id":"a","attributes":` + string(manyJSON) + `}`, "more than the 300"},
		{"customerio_identify", `{"id":"a","attributes":{"_timestamp":1}}`, "_timestamp"},
		{"customerio_identify", `{"id":"a","attributes":{"_update":true},"update_only":true}`, "_update"},
		{"customerio_identify", `{"id":"a","timestamp":1.5}`, "whole number"},
		{"customerio_identify", `{"id":"a","timestamp":-1}`, "whole number"},
		{"customerio_identify", `{"id":"a","timestamp":1772600767890}`, "not milliseconds"},
		{"customerio_track", `{"id":"a","name":"  "}`, "name is empty"},
		{"customerio_track", `{"id":"a","name":"n","data":{"d":"` + long(100_000) + `"}}`, "takes 100000"},
		{"customerio_send_email", `{"to":" ","identifiers":{"id":"a"},"transactional_message_id":"1"}`, "to is empty"},
		{"customerio_send_email", `{"to":"a@example.com","identifiers":{"id":""},"transactional_message_id":"1"}`, "identifier is empty"},
		{"customerio_send_email", `{"to":"a@example.com","identifiers":{"id":"a"}}`, "body is missing"},
		{"customerio_send_email", `{"to":"a@example.com","identifiers":{"id":"a"},"body":"b","from":"f@example.com"}`, "subject is missing"},
		{"customerio_send_email", `{"to":"` + to15 + `","cc":"b@example.com","identifiers":{"id":"a"},"transactional_message_id":"1"}`, "hold 16 addresses"},
		{"customerio_send_email", `{"to":"a@example.com","identifiers":{"id":"a"},"transactional_message_id":"1","send_at":1772600767890}`, "not milliseconds"},
	} {
		t.Run(c.action+" "+c.want, func(t *testing.T) {
			b := newBench(t)
			_, err := b.call(c.action, c.input, "k")
			e := connectors.AsError(orNil(err))
			if e.Kind != connectors.KindInvalid || !strings.Contains(e.Message, c.want) || !e.NotSent {
				t.Errorf("%+v, want kind invalid and %q", e, c.want)
			}
			if n := len(b.fake.Calls()); n != 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// What has names of the caller's choice is an object by its shape, so that the checker refuses a list.
func TestFreeFormHasNames(t *testing.T) {
	for _, c := range []struct{ action, input, want string }{
		{"customerio_identify", `{"id":"a","attributes":[1]}`, "attributes must be an object"},
		{"customerio_track", `{"id":"a","name":"n","data":"text"}`, "data must be an object"},
		{"customerio_send_email", `{"to":"a@example.com","identifiers":{"id":"a"},"transactional_message_id":"1","message_data":1}`, "message_data must be an object"},
	} {
		for _, a := range newBench(t).spec.Actions {
			if a.Name != c.action {
				continue
			}
			if _, err := a.In.DecodeJSON([]byte(c.input)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", c.action, err, c.want)
			}
		}
	}
}

// orNil makes the absence of a failure one that no test expects.
func orNil(err error) error {
	if err == nil {
		return fmt.Errorf("no failure")
	}
	return err
}

// The edges of the limits are taken.
func TestLimitsAreInclusive(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	b := newBench(t)
	b.do("customerio_identify", `{"id":"`+long(150)+`","attributes":{"`+long(150)+`":"`+long(1000)+`"}}`)
	b.do("customerio_track", `{"id":"a","name":"`+long(100)+`","data":{"d":"`+long(100_000-len(`{"d":""}`))+`"}}`)
	for _, c := range b.fake.Calls() {
		if c.Status != 200 {
			t.Errorf("%s %s: %d", c.Method, c.Path, c.Status)
		}
	}
}

func TestProblems(t *testing.T) {
	for _, c := range []struct {
		body, want string
		status     int
	}{
		{`{"meta":{"errors":["a is bad","b is bad"]}}`, "a is bad; b is bad", 400},
		{`{"meta":{"error":"Unauthorized"}}`, "Unauthorized", 401},
		{`{"errors":[{"detail":"must be set","status":"422","source":{"pointer":"/to"}},{"detail":"two"}]}`, "must be set (at /to); two", 422},
		{`{"errors":"odd","meta":{"error":"still read"}}`, "still read", 400},
		{`<html>`, "bad gateway", 502},
		{``, "region", 301},
	} {
		b := newBench(t)
		b.fake.Fail(customeriofake.Fault{Status: c.status, Body: c.body})
		_, err := b.call("customerio_delete", `{"id":"a"}`, "k")
		if e := connectors.AsError(orNil(err)); !strings.Contains(e.Message, c.want) || e.Status != c.status {
			t.Errorf("%s: %+v, want %q", c.body, e, c.want)
		}
	}
}

func TestMissingSettings(t *testing.T) {
	for action, c := range map[string]struct{ input, drop, env string }{
		"customerio_track":      {`{"id":"a","name":"n"}`, "site_id", "CUSTOMERIO_SITE_ID"},
		"customerio_delete":     {`{"id":"a"}`, "api_key", "CUSTOMERIO_API_KEY"},
		"customerio_send_email": {`{"to":"a@example.com","identifiers":{"id":"a"},"transactional_message_id":"1"}`, "app_key", "CUSTOMERIO_APP_KEY"},
	} {
		b := newBench(t)
		delete(b.conn.Settings, c.drop)
		_, err := b.call(action, c.input, "k")
		e := connectors.AsError(orNil(err))
		if e.Kind != connectors.KindInvalid || !strings.Contains(e.Message, c.drop) || !strings.Contains(e.Message, c.env) {
			t.Errorf("%s: %+v", action, e)
		}
	}
}

// hosts notes where requests go and sends none.
type hosts struct{ seen []string }

func (h *hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	h.seen = append(h.seen, r.URL.Scheme+"://"+r.URL.Host)
	return nil, &connectors.Error{Kind: connectors.KindCanceled, Message: "dry", NotSent: true}
}

func TestRegions(t *testing.T) {
	for region, want := range map[string][2]string{
		"":   {"https://track.customer.io", "https://api.customer.io"},
		"us": {"https://track.customer.io", "https://api.customer.io"},
		"eu": {"https://track-eu.customer.io", "https://api-eu.customer.io"},
	} {
		b, h := newBench(t), &hosts{}
		b.conn.Client = &http.Client{Transport: h}
		delete(b.conn.Settings, "track_url")
		delete(b.conn.Settings, "app_url")
		b.conn.Settings["region"] = []string{region}
		_, _ = b.call("customerio_delete", `{"id":"a"}`, "k")
		_, err := b.call("customerio_send_email", `{"to":"a@example.com","identifiers":{"id":"a"},"transactional_message_id":"1"}`, "k")
		if len(h.seen) != 2 || [2]string(h.seen) != want {
			t.Errorf("region %q: %v, want %v", region, h.seen, want)
		}
		if e := connectors.AsError(orNil(err)); e.Message != "dry" || !e.NotSent {
			t.Errorf("the transport's own error became %+v", e)
		}
	}
}
