package stripe

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/connectortest/stripefake"
	"github.com/flowrun/flowrun/lang/schema"
)

const testKey = "sk_test_4eC39HqLyjWDarjtT1zdp7dc"

// action returns the action of that name.
func action(t *testing.T, name string) *connectors.Action {
	t.Helper()
	a := Spec().Action(name)
	if a == nil {
		t.Fatalf("no action %s", name)
	}
	return a
}

// retrieve looks a customer up at base.
func retrieve(t *testing.T, ctx context.Context, base, id string) (connectors.Result, error) {
	t.Helper()
	a := action(t, "stripe_customer_retrieve")
	c := conn(settingKey, testKey, settingBaseURL, base)
	c.Client = &http.Client{Transport: connectors.NewTransport()}
	t.Cleanup(c.Client.CloseIdleConnections)
	return a.Call.Call(ctx, &connectors.Call{Action: a, Conn: c, Key: strings.Repeat("ab", 32), Run: "run_1", EventID: "evt_1", EventTime: noon,
		Input: cty.ObjectVal(map[string]cty.Value{"customer": cty.StringVal(id)})})
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func fake(t *testing.T) (*stripefake.Fake, string) {
	t.Helper()
	f := stripefake.New(stripefake.Options{Now: func() time.Time { return noon }})
	return f, serve(t, f)
}

func failure(t *testing.T, err error) *connectors.Error {
	t.Helper()
	var e *connectors.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a *connectors.Error", err)
	}
	if strings.Contains(e.Error(), testKey) {
		t.Errorf("the error holds the key: %v", e)
	}
	return e
}

func TestRetrieveCustomer(t *testing.T) {
	f, url := fake(t)
	f.PutCustomer(stripefake.Customer{ID: "cus_1", Email: "jo@example.com", Name: "Jo", Metadata: map[string]string{"plan": "gold"}})
	for _, base := range []string{url, url + "/", url + "/v1", url + "/v1/"} {
		res, err := retrieve(t, t.Context(), base, "cus_1")
		if err != nil {
			t.Fatalf("base %s: %v", base, err)
		}
		v := res.Output
		if res.Status != 200 || v.GetAttr("email").AsString() != "jo@example.com" || v.GetAttr("metadata").Index(cty.StringVal("plan")).AsString() != "gold" || !v.GetAttr("phone").IsNull() {
			t.Errorf("status %d, output %#v", res.Status, v)
		}
	}
	r := f.Requests()[0]
	if r.Method != "GET" || r.Path != "/v1/customers/cus_1" || len(r.Query) != 0 || len(r.Form) != 0 {
		t.Errorf("request %+v", r)
	}
	for name, want := range map[string]string{"Stripe-Version": APIVersion, "User-Agent": "flowrun", "Idempotency-Key": "", "X-Stripe-Client-User-Agent": "", "X-Stripe-Client-Telemetry": "", "Content-Type": ""} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("header %s is %q, want %q", name, got, want)
		}
	}
}

func TestRetrieveNobody(t *testing.T) {
	f, url := fake(t)
	res, err := retrieve(t, t.Context(), url, "cus_none")
	if err != nil || res.Status != 404 || res.Output == cty.NilVal || !res.Output.IsNull() {
		t.Errorf("a customer that isn't there: %+v, %v", res, err)
	}
	f.PutCustomer(stripefake.Customer{ID: "cus_1"})
	f.DeleteCustomer("cus_1")
	_, err = retrieve(t, t.Context(), url, "cus_1")
	if e := failure(t, err); e.Kind != connectors.KindGone || e.Status != 200 || e.Kind.Transient() {
		t.Errorf("a deleted customer: %+v", e)
	}
}

// TestRefusals says what each of Stripe's answers means.
func TestRefusals(t *testing.T) {
	h := func(pairs ...string) http.Header {
		out := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			out.Set(pairs[i], pairs[i+1])
		}
		return out
	}
	problem := func(typ, code, message string) string {
		return `{"error":{"type":"` + typ + `","code":"` + code + `","message":"` + message + `"}}`
	}
	for _, tt := range []struct {
		name    string
		fault   stripefake.Fault
		want    connectors.Error
		message string
	}{
		{"bad request", stripefake.Fault{Status: 400, Body: `{"error":{"type":"invalid_request_error","code":"parameter_invalid_empty","param":"customer","message":"You passed an empty string."}}`},
			connectors.Error{Kind: connectors.KindRefused, Code: "parameter_invalid_empty"}, "You passed an empty string. (param: customer) [req_"},
		{"other parameters under the key", stripefake.Fault{Status: 400, Body: problem("idempotency_error", "", "Keys for idempotent requests…")},
			connectors.Error{Kind: connectors.KindRefused, Code: "idempotency_error"}, "Keys for"},
		{"declined", stripefake.Fault{Status: 402, Body: `{"error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds","message":"Declined."}}`},
			connectors.Error{Kind: connectors.KindRefused, Code: "card_declined"}, "Declined. (decline_code: insufficient_funds)"},
		{"wrong key", stripefake.Fault{Status: 401, Body: problem("invalid_request_error", "", "Invalid API Key provided: "+testKey)},
			connectors.Error{Kind: connectors.KindUnauthorized, Code: "invalid_request_error"}, "[secret]"},
		{"key without the right", stripefake.Fault{Status: 403, Body: problem("invalid_request_error", "", "The provided key does not have the required permissions")},
			connectors.Error{Kind: connectors.KindUnauthorized, Code: "invalid_request_error"}, "permissions"},
		{"no such path", stripefake.Fault{Status: 404, Body: problem("invalid_request_error", "", "Unrecognized request URL")},
			connectors.Error{Kind: connectors.KindNotFound, Code: "invalid_request_error"}, "Unrecognized"},
		{"there in the other mode", stripefake.Fault{Status: 404, Body: problem("invalid_request_error", "resource_missing", "No such customer: 'cus_1'; a similar object exists in live mode, but a test mode key was used to make this request.")},
			connectors.Error{Kind: connectors.KindNotFound, Code: "resource_missing"}, "test mode key"},
		{"not Stripe's", stripefake.Fault{Status: 404, Body: "<html>nginx</html>"},
			connectors.Error{Kind: connectors.KindNotFound}, "base_url"},
		{"conflict", stripefake.Fault{Status: 409, Body: problem("idempotency_error", "idempotency_key_in_use", "in progress")},
			connectors.Error{Kind: connectors.KindConflict, Code: "idempotency_key_in_use"}, "in progress"},
		{"lock as 429", stripefake.Fault{Status: 429, Body: problem("invalid_request_error", "lock_timeout", "locked")},
			connectors.Error{Kind: connectors.KindConflict, Code: "lock_timeout", NotSent: true}, "locked"},
		{"lock as 400", stripefake.Fault{Status: 400, Body: problem("invalid_request_error", "lock_timeout", "locked")},
			connectors.Error{Kind: connectors.KindConflict, Code: "lock_timeout"}, "locked"},
		{"too many", stripefake.Fault{Status: 429, Header: h("Retry-After", "7")},
			connectors.Error{Kind: connectors.KindRateLimited, Code: "rate_limit", NotSent: true, RetryAfter: 7 * time.Second}, "rate limit"},
		{"too many, until", stripefake.Fault{Status: 429, Header: h("Date", noon.Format(http.TimeFormat), "Retry-After", noon.Add(time.Minute).Format(http.TimeFormat))},
			connectors.Error{Kind: connectors.KindRateLimited, Code: "rate_limit", NotSent: true, RetryAfter: time.Minute}, ""},
		{"too many, until, by nobody's clock", stripefake.Fault{Status: 429, Header: h("Date", "now", "Retry-After", noon.Format(http.TimeFormat))},
			connectors.Error{Kind: connectors.KindRateLimited, Code: "rate_limit", NotSent: true}, ""},
		{"too many, as a page", stripefake.Fault{Status: 429, Body: "slow down"},
			connectors.Error{Kind: connectors.KindRateLimited, NotSent: true}, "too many requests"},
		{"server", stripefake.Fault{Status: 500},
			connectors.Error{Kind: connectors.KindServer, Code: "api_error"}, "unknown error"},
		{"bad gateway", stripefake.Fault{Status: 502, Body: "<html>"},
			connectors.Error{Kind: connectors.KindServer}, "bad gateway"},
		{"busy", stripefake.Fault{Status: 503, Header: h("Retry-After", "2")},
			connectors.Error{Kind: connectors.KindServer, Code: "api_error", RetryAfter: 2 * time.Second}, ""},
		{"no use", stripefake.Fault{Status: 500, Header: h("Stripe-Should-Retry", "false")},
			connectors.Error{Kind: connectors.KindServer, Code: "api_error", Final: true}, ""},
		{"try again", stripefake.Fault{Status: 400, Header: h("Stripe-Should-Retry", "true"), Body: problem("invalid_request_error", "odd", "odd")},
			connectors.Error{Kind: connectors.KindServer, Code: "odd"}, "odd"},
		{"redirect", stripefake.Fault{Status: 302, Header: h("Location", "https://example.com/"), Body: "x"},
			connectors.Error{Kind: connectors.KindRefused}, "redirect is not followed"},
		{"long message with line breaks", stripefake.Fault{Status: 400, Body: problem("invalid_request_error", "x", strings.Repeat("é\\n", 400))},
			connectors.Error{Kind: connectors.KindRefused, Code: "x"}, "é é é"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, url := fake(t)
			f.PutCustomer(stripefake.Customer{ID: "cus_1"})
			f.Fail(tt.fault)
			_, err := retrieve(t, t.Context(), url, "cus_1")
			e := failure(t, err)
			tt.want.Status = tt.fault.Status
			got := connectors.Error{Kind: e.Kind, Status: e.Status, Code: e.Code, RetryAfter: e.RetryAfter, NotSent: e.NotSent, Final: e.Final}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if !strings.Contains(e.Message, tt.message) || len(e.Message) > maxMessage+len("…") || strings.ContainsAny(e.Message, "\n\r") {
				t.Errorf("message %q, want one line with %q", e.Message, tt.message)
			}
			if n := len(f.Requests()); n != 1 {
				t.Errorf("%d attempts", n)
			}
		})
	}
}

func TestAnswersThatAreNotStripes(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		want string
	}{
		"a page":            {"<html>", "not Stripe's"},
		"nothing":           {"", "not Stripe's"},
		"a list":            {"[]", "reading"},
		"another object":    {`{"status":"ok"}`, "is missing"},
		"an e-mail of 5":    {`{"id":"cus_1","object":"customer","created":1,"livemode":false,"email":5}`, "email"},
		"too large":         {`{"id":"` + strings.Repeat("x", maxAnswer) + `"}`, "1 MiB"},
		"nested too deeply": {strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100), "not Stripe's"},
	} {
		t.Run(name, func(t *testing.T) {
			url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, tt.body) }))
			_, err := retrieve(t, t.Context(), url, "cus_1")
			if e := failure(t, err); e.Kind != connectors.KindDrift || e.Status != 200 || !strings.Contains(e.Message, tt.want) {
				t.Errorf("got %+v, want drift and %q", e, tt.want)
			}
		})
	}
}

// TestDriftDeepInside checks that a look-up does not fail for what is amiss in a part that nobody may read.
func TestDriftDeepInside(t *testing.T) {
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"id":"cus_1","object":"customer","created":1,"livemode":false,"email":"jo@example.com","shipping":{"address":{"city":7}},"new_thing":[{}]}`)
	}))
	res, err := retrieve(t, t.Context(), url, "cus_1")
	if err != nil || res.Output.GetAttr("email").AsString() != "jo@example.com" {
		t.Errorf("got %#v, %v", res.Output, err)
	}
}

func TestNoAnswer(t *testing.T) {
	t.Run("nobody listens", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		url := "http://" + l.Addr().String()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		_, err = retrieve(t, t.Context(), url, "cus_1")
		if e := failure(t, err); e.Kind != connectors.KindNetwork || !e.NotSent || e.Status != 0 {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("cut", func(t *testing.T) {
		f, url := fake(t)
		f.Fail(stripefake.Fault{Cut: true})
		_, err := retrieve(t, t.Context(), url, "cus_1")
		if e := failure(t, err); e.Kind != connectors.KindNetwork || e.NotSent {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("cut in the body", func(t *testing.T) {
		url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"id":`)
		}))
		_, err := retrieve(t, t.Context(), url, "cus_1")
		if e := failure(t, err); e.Kind != connectors.KindNetwork || e.NotSent || e.Status != 200 {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("canceled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		f := stripefake.New(stripefake.Options{OnRequest: func(stripefake.Request) { cancel() }})
		f.Fail(stripefake.Fault{Hold: make(chan struct{})})
		_, err := retrieve(t, ctx, serve(t, f), "cus_1")
		if e := failure(t, err); e.Kind != connectors.KindCanceled || e.NotSent {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("out of time", func(t *testing.T) {
		ctx, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
		defer cancel()
		_, url := fake(t)
		_, err := retrieve(t, ctx, url, "cus_1")
		if e := failure(t, err); e.Kind != connectors.KindTimeout {
			t.Errorf("got %+v", e)
		}
	})
}

func TestCallsThatCannotBeMade(t *testing.T) {
	a := action(t, "stripe_customer_retrieve")
	for name, tt := range map[string]struct {
		settings []string
		id       string
		want     string
	}{
		"no key":            {nil, "cus_1", "STRIPE_API_KEY"},
		"publishable key":   {[]string{settingKey, "pk_test_1"}, "cus_1", "publishable"},
		"signing secret":    {[]string{settingKey, "whsec_1"}, "cus_1", "webhook_secret"},
		"key with a break":  {[]string{settingKey, "sk_test_1\nX: y"}, "cus_1", "character"},
		"live key in clear": {[]string{settingKey, "sk_live_1", settingBaseURL, "http://proxy.example"}, "cus_1", "unencrypted"},
		"no URL":            {[]string{settingKey, testKey, settingBaseURL, "ftp://example.com"}, "cus_1", "http"},
		"an empty id":       {[]string{settingKey, testKey}, "", "customer"},
		"an id that is ..":  {[]string{settingKey, testKey}, "..", ".."},
	} {
		t.Run(name, func(t *testing.T) {
			c := conn(tt.settings...)
			c.Client = &http.Client{Transport: refuseAll{t}}
			_, err := a.Call.Call(t.Context(), &connectors.Call{Action: a, Conn: c, Input: cty.ObjectVal(map[string]cty.Value{"customer": cty.StringVal(tt.id)})})
			if e := failure(t, err); e.Kind != connectors.KindInvalid || !e.NotSent || !strings.Contains(e.Message, tt.want) {
				t.Errorf("got %+v, want a message with %q", e, tt.want)
			}
		})
	}
}

// refuseAll fails the test where something is sent.
type refuseAll struct{ t *testing.T }

func (r refuseAll) RoundTrip(req *http.Request) (*http.Response, error) {
	r.t.Errorf("sent %s", req.URL)
	return nil, errors.New("sent")
}

// TestEncodedID checks that an id can't lead to another path.
func TestEncodedID(t *testing.T) {
	f, url := fake(t)
	if _, err := retrieve(t, t.Context(), url, "cus_1/../../charges?x=1#y"); err != nil {
		t.Fatal(err)
	}
	if got := f.Requests()[0].Path; got != "/v1/customers/cus_1%2F..%2F..%2Fcharges%3Fx%3D1%23y" {
		t.Errorf("path %s", got)
	}
}

// TestWriting checks what a request that writes carries, although no action here writes yet.
func TestWriting(t *testing.T) {
	f, url := fake(t)
	a := &connectors.Action{Action: schema.Action{Name: "create", In: schema.NewObject("create",
		schema.Field{Name: "email", Type: schema.Type{Kind: schema.KindString}}), Effect: schema.Keyed}}
	create := &call{request: newRequest(http.MethodPost, "/v1/customers"), decode: func(_ *connectors.Call, body []byte) (cty.Value, error) {
		id, _ := schema.StringOf(schema.Lookup(body, "id"))
		return cty.StringVal(id), nil
	}}
	c := conn(settingKey, " "+testKey+"\n", settingBaseURL, url)
	var ids []string
	for i := range 3 {
		res, err := create.Call(t.Context(), &connectors.Call{Action: a, Conn: c, Key: "key" + strconv.Itoa(i/2),
			Input: cty.ObjectVal(map[string]cty.Value{"email": cty.StringVal("jo+1@example.com")})})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, res.Output.AsString())
	}
	if ids[0] != ids[1] || ids[1] == ids[2] || f.Customers() != 2 {
		t.Errorf("ids %q, %d customers", ids, f.Customers())
	}
	if r := f.Requests()[1]; !r.Replay || r.Header.Get("Idempotency-Key") != "key0" || r.Form.Get("email") != "jo+1@example.com" {
		t.Errorf("request %+v", r)
	}
}
