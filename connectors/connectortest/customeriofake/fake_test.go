package customeriofake_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/connectors/connectortest/customeriofake"
)

var now = time.Unix(1772600767, 0)

type door struct {
	*testing.T
	*customeriofake.Fake
	url string
}

func open(t *testing.T, opts customeriofake.Options) *door {
	opts.Now = func() time.Time { return now }
	f := customeriofake.New(opts)
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return &door{T: t, Fake: f, url: s.URL}
}

// send makes a request with the credentials "s:k" or, for App paths, the token "a".
func (d *door) send(method, path, body string) (int, string, error) {
	return d.as("s", "k", "a", method, path, body)
}

func (d *door) as(site, key, token, method, path, body string) (int, string, error) {
	d.Helper()
	req, err := http.NewRequestWithContext(d.Context(), method, d.url+path, strings.NewReader(body))
	if err != nil {
		d.Fatal(err)
	}
	if strings.HasPrefix(path, "/api/") {
		req.SetBasicAuth(site, key)
	} else {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(answer), err
}

func (d *door) want(status int, method, path, body string) string {
	d.Helper()
	got, answer, err := d.send(method, path, body)
	if err != nil || got != status {
		d.Errorf("%s %s %.80s: %d %s %v, want %d", method, path, body, got, answer, err, status)
	}
	return answer
}

func TestPeople(t *testing.T) {
	d := open(t, customeriofake.Options{})
	d.want(200, "PUT", "/api/v1/customers/Jo%2Bx%40example.com", `{"plan":"pro","age":9007199254740993,"_timestamp":1}`)
	d.want(200, "PUT", "/api/v1/customers/jo%2Bx%40EXAMPLE.com", `{"plan":"","city":"Oslo"}`)
	p, ok := d.Person("jo+x@example.com")
	if !ok || p.Attributes["plan"] != nil || p.Attributes["city"] != "Oslo" || d.People() != 1 {
		t.Errorf("%+v, %v, %d people", p, ok, d.People())
	}
	d.want(200, "PUT", "/api/v1/customers/nobody", `{"_update":true,"plan":"pro"}`)
	if _, ok := d.Person("nobody"); ok {
		t.Error("an update made a person")
	}
	if got := d.want(200, "DELETE", "/api/v1/customers/jo%2Bx%40example.com", ""); got != "{}" {
		t.Errorf("answer %s, want {}", got)
	}
	d.want(200, "DELETE", "/api/v1/customers/a%2Fb", "")
	if diff := cmp.Diff([]string{"jo+x@example.com", "a/b"}, d.Deleted()); diff != "" || d.People() != 0 {
		t.Errorf("deleted (-want +got):\n%s%d people", diff, d.People())
	}
}

func TestEvents(t *testing.T) {
	d := open(t, customeriofake.Options{})
	const id = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
	for range 3 {
		d.want(200, "POST", "/api/v1/customers/cus_1/events", `{"name":" paid ","id":"`+id+`","timestamp":5,"data":{"a":1}}`)
	}
	d.want(200, "POST", "/api/v1/events", `{"name":"seen","anonymous_id":"anon"}`)
	if len(d.Events()) != 2 || d.Duplicates() != 2 {
		t.Fatalf("%d events, %d repeats", len(d.Events()), d.Duplicates())
	}
	if e := d.Events()[0]; e.Name != "paid" || e.ID != id || e.Timestamp != 5 || e.Type != "event" || e.Identifier != "cus_1" {
		t.Errorf("%+v", e)
	}
	if e := d.Events()[1]; e.AnonymousID != "anon" || e.Timestamp != now.Unix() || e.Identifier != "" {
		t.Errorf("%+v", e)
	}
	if _, ok := d.Person("cus_1"); !ok {
		t.Error("the event made no person")
	}
}

func TestBatches(t *testing.T) {
	d := open(t, customeriofake.Options{})
	const good = `{"type":"person","identifiers":{"id":"a"},"action":"identify","attributes":{"plan":"pro"}}`
	if got := d.want(200, "POST", "/api/v2/batch", `{"batch":[`+good+`]}`); got != "{}" {
		t.Errorf("answer %s", got)
	}
	got := d.want(207, "POST", "/api/v2/batch", `{"batch":[`+good+`,{"type":"person","action":"identify"},
		{"type":"person","identifiers":{"id":"b"},"action":"dance"},{"type":"delivery"},
		{"type":"person","identifiers":{"phone":"+15555550100"},"action":"event","name":"paid"}]}`)
	for _, want := range []string{`"batch_index":1,"reason":"invalid","field":"identifiers"`, `"batch_index":2,"reason":"invalid","field":"action"`, `"batch_index":3`} {
		if !strings.Contains(got, want) {
			t.Errorf("answer %s, want %s", got, want)
		}
	}
	if strings.Count(got, "batch_index") != 3 || len(d.Events()) != 1 || d.Events()[0].Identifier != "+15555550100" {
		t.Errorf("answer %s, events %v", got, d.Events())
	}
	d.want(400, "POST", "/api/v2/batch", `{"batch":[]}`)
	d.want(400, "POST", "/api/v2/batch", `{"batch":{}}`)
	d.want(400, "POST", "/api/v2/batch", `{"batch":["`+strings.Repeat("x", 500_000)+`"]}`)
	if got := d.want(207, "POST", "/api/v2/batch", `{"batch":[{"type":"person","identifiers":{"id":"a"},"action":"event","name":"n","attributes":{"d":"`+
		strings.Repeat("x", 32_000)+`"}}]}`); !strings.Contains(got, "32 KB") {
		t.Errorf("answer %s", got)
	}
}

func TestLookupsOfASandbox(t *testing.T) {
	for auto, want := range map[bool]int{false: 404, true: 200} {
		d := open(t, customeriofake.Options{AutoCreate: auto})
		d.want(want, "GET", "/v1/customers/cus_1/attributes?id_type=id", "")
		d.want(404, "GET", "/v1/customers/03/attributes?id_type=cio_id", "")
		if got := d.want(200, "GET", "/v1/customers?email=a%2Bb%40example.com", ""); strings.Contains(got, "a+b@example.com") != auto {
			t.Errorf("answer %s", got)
		}
	}
}

func TestLatency(t *testing.T) {
	d := open(t, customeriofake.Options{Latency: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "DELETE", d.url+"/api/v1/customers/a", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("s", "k")
	ended := make(chan error)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("a call that should take an hour: %v", err)
	}
}

func TestEmailsHaveNoKey(t *testing.T) {
	d := open(t, customeriofake.Options{})
	const mail = `{"to":"a@example.com","identifiers":{"id":"1"},"transactional_message_id":44}`
	first, second := d.want(200, "POST", "/v1/send/email", mail), d.want(200, "POST", "/v1/send/email", mail)
	if first == second || len(d.Emails()) != 2 {
		t.Errorf("%s and %s, %d e-mails", first, second, len(d.Emails()))
	}
}

func TestRefusals(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	d := open(t, customeriofake.Options{})
	for _, c := range []struct {
		status             int
		method, path, body string
	}{
		{404, "GET", "/api/v1/customers/a", ""},
		{404, "POST", "/v1/send/fax", "{}"},
		{400, "PUT", "/api/v1/customers/a", "[]"},
		{400, "PUT", "/api/v1/customers/a", ""},
		{400, "PUT", "/api/v1/customers/a", "null"},
		{400, "PUT", "/api/v1/customers/" + long(200), "{}"},
		{400, "PUT", "/api/v1/customers/a", `{"` + long(151) + `":1}`},
		{400, "PUT", "/api/v1/customers/a", `{"n":"` + long(1001) + `"}`},
		{400, "POST", "/api/v1/customers/a/events", `{}`},
		{400, "POST", "/api/v1/customers/a/events", `{"name":"` + long(101) + `"}`},
		{400, "POST", "/api/v1/customers/a/events", `{"name":"n","id":"not-a-ulid"}`},
		{400, "POST", "/api/v1/customers/a/events", `{"name":"n","data":[]}`},
		{400, "POST", "/api/v1/customers/a/events", `{"name":"n","timestamp":"now"}`},
		{400, "POST", "/api/v1/events", `{"name":"n","data":{"d":"` + long(100_000) + `"}}`},
		{400, "POST", "/api/v2/entity", `{"type":"person","identifiers":{"id":"a","email":"a@example.com"},"action":"identify"}`},
		{400, "POST", "/api/v2/entity", `{"type":"person","identifiers":{"id":"a"},"action":"add_device","device":{"token":"t","platform":"tv"}}`},
		{400, "POST", "/api/v2/entity", `{"type":"object","identifiers":{"object_id":"a"},"action":"identify"}`},
		{400, "POST", "/api/v2/entity", `{"type":"object","identifiers":{"object_type_id":"1","object_id":"a"},"action":"add_relationships"}`},
		{400, "POST", "/api/v1/segments/7/add_customers", `{"ids":[]}`},
		{400, "POST", "/api/v1/segments/7/add_customers?id_type=phone", `{"ids":["a"]}`},
		{400, "POST", "/v1/send/sms", `{"identifiers":{"id":"1"},"transactional_message_id":1}`},
		{400, "POST", "/v1/send/push", `{"identifiers":{"id":"1"},"body":"b","subject":"s","from":"f@example.com"}`},
		{404, "POST", "/v1/campaigns/x/triggers", `{"ids":["a"]}`},
		{422, "POST", "/v1/campaigns/1/triggers", `{"ids":["a"],"emails":["a@example.com"]}`},
		{422, "POST", "/v1/campaigns/1/triggers", `{"ids":[]}`},
		{404, "GET", "/v1/reporting_webhooks/1", ""},
		{400, "POST", "/v1/reporting_webhooks", `{"name":"n","endpoint":"https://example.com","events":[]}`},
		{400, "POST", "/v1/reporting_webhooks", `{"name":"n","endpoint":"ftp://example.com","events":["email_sent"]}`},
		{400, "POST", "/v1/send/email", `{"identifiers":{"id":"1"},"transactional_message_id":1}`},
		{400, "POST", "/v1/send/email", `{"to":"a@example.com","identifiers":{"id":"1","email":"a@example.com"},"transactional_message_id":1}`},
		{400, "POST", "/v1/send/email", `{"to":"a@example.com","identifiers":{"id":"1"},"body":"b"}`},
		{400, "POST", "/v1/send/email", `{"to":"nobody","identifiers":{"id":"1"},"transactional_message_id":1}`},
		{400, "POST", "/v1/send/email", `{"to":"` + strings.Repeat("a@example.com,", 15) + `a@example.com","identifiers":{"id":"1"},"transactional_message_id":1}`},
		{413, "POST", "/v1/send/email", long(3 << 20)},
	} {
		d.want(c.status, c.method, c.path, c.body)
	}
	if len(d.Emails()) != 0 || len(d.Events()) != 0 || d.People() != 0 {
		t.Error("a refused call took effect")
	}
}

func TestCredentials(t *testing.T) {
	d := open(t, customeriofake.Options{SiteID: "s", APIKey: "k", AppKey: "a"})
	d.want(200, "PUT", "/api/v1/customers/a", "{}")
	for _, bad := range [][3]string{{"s", "x", "x"}, {"x", "k", ""}, {"", "", "ab"}} {
		for path, method := range map[string]string{"/api/v1/customers/a": "DELETE", "/v1/send/email": "POST"} {
			if status, _, err := d.as(bad[0], bad[1], bad[2], method, path, "{}"); status != 401 || err != nil {
				t.Errorf("%v %s: %d, %v; want 401", bad, path, status, err)
			}
		}
	}
	for _, c := range d.Calls() {
		if c.Header.Get("Authorization") != "" {
			t.Error("the log keeps credentials")
		}
	}
}

func TestFaults(t *testing.T) {
	d := open(t, customeriofake.Options{})
	const event = `{"name":"n","id":"01ARZ3NDEKTSV4RRFFQ69G5FAV"}`
	d.Fail(customeriofake.Fault{Status: 429, Header: http.Header{"Retry-After": {"1"}}, Body: `{"meta":{"error":"slow"}}`},
		customeriofake.Fault{}, customeriofake.Fault{Cut: true, Act: true})
	if got := d.want(429, "POST", "/api/v1/events", event); got != `{"meta":{"error":"slow"}}` {
		t.Errorf("answer %s", got)
	}
	d.want(500, "POST", "/api/v1/events", event)
	if len(d.Events()) != 0 {
		t.Error("a fault took effect")
	}
	if _, _, err := d.send("POST", "/api/v1/events", event); err == nil {
		t.Error("a cut connection answered")
	}
	d.want(200, "POST", "/api/v1/events", event)
	if len(d.Events()) != 1 || d.Duplicates() != 1 {
		t.Errorf("%d events, %d repeats: the answer that was lost had taken effect", len(d.Events()), d.Duplicates())
	}
	var statuses []int
	for _, c := range d.Calls() {
		statuses = append(statuses, c.Status)
	}
	if diff := cmp.Diff([]int{429, 500, 0, 200}, statuses); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}

func TestHold(t *testing.T) {
	arrived := make(chan customeriofake.Call, 2)
	d := open(t, customeriofake.Options{OnCall: func(c customeriofake.Call) { arrived <- c }})
	hold := make(chan struct{})
	d.Fail(customeriofake.Fault{Hold: hold, Act: true, Status: 200, Body: "{}"}, customeriofake.Fault{Hold: make(chan struct{})})
	answered := make(chan int, 1)
	go func() {
		status, _, _ := d.send("PUT", "/api/v1/customers/a%20b", `{"n":[1]}`)
		answered <- status
	}()
	c := <-arrived
	if diff := cmp.Diff(map[string]any{"n": []any{1.0}}, c.Body); c.Method != "PUT" || c.Path != "/api/v1/customers/a%20b" || !c.At.Equal(now) || diff != "" {
		t.Errorf("call %+v (-want +got):\n%s", c, diff)
	}
	select {
	case status := <-answered:
		t.Errorf("answered %d while held", status)
	default:
	}
	close(hold)
	if status := <-answered; status != 200 {
		t.Errorf("%d after release", status)
	}

	// A held call whose client goes away ends, or the server could not close.
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	req, err := http.NewRequestWithContext(ctx, "DELETE", d.url+"/api/v1/customers/a", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("s", "k")
	if resp, err := http.DefaultClient.Do(req); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", resp, err)
	}
}
