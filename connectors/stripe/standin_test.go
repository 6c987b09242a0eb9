package stripe

// What Stripe's own validator can't show is tested against a stand-in that remembers: what was created can be looked up,
// changed, listed and deleted, keys replay, and everything that can go wrong goes wrong.

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/connectortest/stripefake"
	"github.com/flowrun/flowrun/lang/schema"
)

// standIn is a Stripe with state, and a way to call actions on it.
type standIn struct {
	t        *testing.T
	fake     *stripefake.Fake
	opts     stripefake.Options
	url      string
	client   *http.Client
	registry *connectors.Registry
	key      string
}

func newStandIn(t *testing.T, opts stripefake.Options) *standIn {
	t.Helper()
	opts.API = NewAPI()
	opts.Now = func() time.Time { return noon }
	s := &standIn{t: t, fake: stripefake.New(opts), opts: opts, key: strings.Repeat("a", 64)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.fake.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	client := &http.Client{Transport: connectors.NewTransport()}
	t.Cleanup(client.CloseIdleConnections)
	r, err := connectors.NewRegistry(Spec())
	if err != nil {
		t.Fatal(err)
	}
	s.url, s.client, s.registry = server.URL, client, r
	return s
}

// call calls an action with the arguments of a JSON object.
func (s *standIn) call(name, args string) (connectors.Result, error) {
	s.t.Helper()
	a := s.registry.Caller("stripe_" + name)
	if a == nil {
		s.t.Fatalf("no action %s", name)
	}
	input, err := a.In.DecodeJSON([]byte(args))
	if err != nil {
		s.t.Fatalf("%s %s: %v", name, args, err)
	}
	return a.Call.Call(context.Background(), &connectors.Call{
		Action: a, Input: input, Key: s.key, EventTime: noon,
		Conn: &connectors.Conn{Name: "stripe", Service: "stripe", Client: s.client,
			Settings: map[string][]string{settingKey: {testKey}, settingBaseURL: {s.url}}},
	})
}

// do calls with a key of its own and wants success; it returns the answer as JSON.
func (s *standIn) do(name, args string) []byte {
	s.t.Helper()
	s.key = token(s.key, "next", 64)
	res, err := s.call(name, args)
	if err != nil {
		s.t.Fatalf("%s %s: %v", name, args, err)
	}
	text, err := schema.AppendJSON(nil, res.Output)
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

func text(raw []byte, path ...string) string {
	s, _ := schema.StringOf(schema.Lookup(raw, path...))
	return s
}

// fail wants a failure of that kind and code.
func (s *standIn) fail(name, args string, kind connectors.Kind, code string) *connectors.Error {
	s.t.Helper()
	_, err := s.call(name, args)
	if err == nil {
		s.t.Fatalf("%s %s: no failure", name, args)
	}
	e := connectors.AsError(err)
	if e.Kind != kind || e.Code != code {
		s.t.Errorf("%s %s: %v (code %s), want %s (code %s)", name, args, err, e.Code, kind, code)
	}
	return e
}

// TestStandInAnswersEveryOperation calls each with its example, as somebody writing a recipe does.
func TestStandInAnswersEveryOperation(t *testing.T) {
	s := newStandIn(t, stripefake.Options{AutoCreate: true})
	for _, name := range s.registry.ActionNames() {
		a := s.registry.Caller(name)
		s.fake = stripefake.New(s.opts)
		if _, err := s.call(strings.TrimPrefix(name, "stripe_"), a.Example); err != nil {
			switch connectors.AsError(err).Code {
			case "invoice_not_open", "payment_intent_unexpected_state", "subscription_not_paused", "checkout_session_not_open", "quote_unexpected_state", "invoice_not_editable":
				continue // what it made up is in another state
			}
			t.Errorf("%s %s: %v", name, a.Example, err)
		}
	}
}

func TestLifeOfAnObject(t *testing.T) {
	s := newStandIn(t, stripefake.Options{})
	made := s.do("product_create", `{"name": "Gold", "metadata": {"a": "1", "b": "2"}, "default_price_data": {"currency": "usd", "unit_amount": 1000}}`)
	id := text(made, "id")
	if !strings.HasPrefix(id, "prod_") || text(made, "name") != "Gold" || !schema.IsNull(schema.Lookup(made, "description")) {
		t.Errorf("made %s", made)
	}
	changed := s.do("product_update", `{"product": "`+id+`", "description": "shiny", "metadata": {"b": "", "c": "3"}}`)
	if text(changed, "name") != "Gold" || text(changed, "description") != "shiny" || string(schema.Lookup(changed, "metadata")) != `{"a":"1","c":"3"}` {
		t.Errorf("changed %s", changed)
	}
	if unset := s.do("product_update", `{"product": "`+id+`", "description": "", "metadata": ""}`); !schema.IsNull(schema.Lookup(unset, "description")) ||
		string(schema.Lookup(unset, "metadata")) != `{}` {
		t.Errorf("unset %s", unset)
	}
	if got := s.do("product_retrieve", `{"product": "`+id+`"}`); text(got, "id") != id {
		t.Errorf("got %s", got)
	}
	if list := s.do("product_list", `{}`); text(list, "data") != "" || !strings.Contains(string(list), id) {
		t.Errorf("list %s", list)
	}
	if gone := s.do("product_delete", `{"product": "`+id+`"}`); string(schema.Lookup(gone, "deleted")) != "true" {
		t.Errorf("gone %s", gone)
	}
	if twice := s.do("product_delete", `{"product": "`+id+`"}`); !schema.IsNull(twice) {
		t.Errorf("twice %s", twice)
	}
	if got := s.do("product_retrieve", `{"product": "`+id+`"}`); !schema.IsNull(got) {
		t.Errorf("deleted: %s", got)
	}
}

func TestVerbs(t *testing.T) {
	s := newStandIn(t, stripefake.Options{})
	customer := text(s.do("customer_create", `{"email": "jo@example.com"}`), "id")
	invoice := text(s.do("invoice_create", `{"customer": "`+customer+`"}`), "id")
	for _, step := range []struct{ op, status string }{{"invoice_finalize", "open"}, {"invoice_pay", "paid"}} {
		if got := s.do(step.op, `{"invoice": "`+invoice+`"}`); text(got, "status") != step.status {
			t.Errorf("%s: %s", step.op, got)
		}
	}
	s.key = strings.Repeat("b", 64)
	s.fail("invoice_void", `{"invoice": "`+invoice+`"}`, connectors.KindRefused, "invoice_not_open")
	sub := text(s.do("subscription_create", `{"customer": "`+customer+`", "items": [{"price": "price_1", "quantity": 3}]}`), "id")
	got := s.do("subscription_cancel_at_period_end", `{"subscription": "`+sub+`", "cancellation_details": {"comment": "too dear"}}`)
	if string(schema.Lookup(got, "cancel_at_period_end")) != "true" || text(got, "status") != "active" || text(got, "cancellation_details", "comment") != "too dear" {
		t.Errorf("%s", got)
	}
	if got := s.do("subscription_cancel", `{"subscription": "`+sub+`"}`); text(got, "status") != "canceled" {
		t.Errorf("%s", got)
	}
	if got := s.do("subscription_cancel", `{"subscription": "`+sub+`"}`); !schema.IsNull(got) {
		t.Errorf("a second cancellation: %s", got)
	}
	link := text(s.do("payment_link_create", `{"line_items": [{"price": "price_1", "quantity": 1}]}`), "id")
	if got := s.do("payment_link_deactivate", `{"payment_link": "`+link+`"}`); string(schema.Lookup(got, "active")) != "false" {
		t.Errorf("%s", got)
	}
}

func TestFindAndUpsert(t *testing.T) {
	s := newStandIn(t, stripefake.Options{})
	if got := s.do("customer_find", `{"email": "jo@example.com"}`); !schema.IsNull(got) {
		t.Errorf("nobody: %s", got)
	}
	first := text(s.do("customer_upsert", `{"email": "jo@example.com", "name": "Jo", "metadata": {"plan": "pro"}}`), "id")
	s.do("customer_create", `{"email": "Jo@example.com"}`)
	if got := s.do("customer_upsert", `{"email": "jo@example.com", "name": "Jo Public"}`); text(got, "id") != first || text(got, "name") != "Jo Public" || text(got, "metadata", "plan") != "pro" {
		t.Errorf("a second time: %s", got)
	}
	if got := s.do("customer_find", `{"email": "jo@example.com"}`); text(got, "id") != first {
		t.Errorf("found: %s", got)
	}
	if n := s.fake.Customers(); n != 2 {
		t.Errorf("%d customers", n)
	}
	// The answer to the creation is lost: the next attempt of the same step finds what it made.
	s.key = strings.Repeat("c", 64)
	s.fake.Fail(stripefake.Fault{Act: true, Status: 200, Body: `{"object": "list", "data": [], "has_more": false, "url": "/"}`}, stripefake.Fault{Act: true, Cut: true}, stripefake.Fault{Cut: true}) // net/http tries once more by itself, as the key allows
	s.fail("customer_upsert", `{"email": "new@example.com"}`, connectors.KindNetwork, "")
	again, err := s.call("customer_upsert", `{"email": "new@example.com"}`)
	if err != nil || again.Output.IsNull() {
		t.Fatalf("again: %v", err)
	}
	if n := s.fake.Customers(); n != 3 {
		t.Errorf("%d customers after a repeat, want 3", n)
	}
}

func TestListsAndSearches(t *testing.T) {
	s := newStandIn(t, stripefake.Options{})
	const many = 235
	for i := range many {
		s.do("coupon_create", `{"percent_off": 10, "duration": "once", "id": "C`+string(rune('A'+i%26))+token("", string(rune(i)), 6)+`", "metadata": {"team": "`+[]string{"red", "blue"}[i%2]+`"}}`)
	}
	page := s.do("coupon_list", `{"limit": 100}`)
	if n := elements(t, page); n != 100 || string(schema.Lookup(page, "has_more")) != "true" {
		t.Errorf("a page holds %d", n)
	}
	requests := len(s.fake.Requests())
	all := s.do("coupon_list", `{"all": true}`)
	if n := elements(t, all); n != many || string(schema.Lookup(all, "has_more")) != "false" {
		t.Errorf("all are %d", n)
	}
	if n := len(s.fake.Requests()) - requests; n != 3 {
		t.Errorf("%d requests for three pages", n)
	}
	for i := range 12 {
		s.do("customer_create", `{"email": "c`+string(rune('a'+i))+`@example.com", "metadata": {"team": "`+[]string{"red", "blue"}[i%2]+`"}}`)
	}
	if n := elements(t, s.do("customer_search", `{"query": "metadata['team']:'red'", "limit": 4}`)); n != 4 {
		t.Errorf("a page of the search holds %d", n)
	}
	if n := elements(t, s.do("customer_search", `{"query": "metadata['team']:'red'", "limit": 4, "all": true}`)); n != 6 {
		t.Errorf("the search finds %d, want 6", n)
	}
	if n := elements(t, s.do("customer_list", `{"created": {"gt": 4000000000}, "all": true}`)); n != 0 {
		t.Errorf("%d customers of the future", n)
	}
	s.fake.Fail(stripefake.Fault{Status: 200, Body: `{"object": "list", "url": "/", "has_more": true, "data": []}`})
	if n := elements(t, s.do("customer_list", `{"all": true}`)); n != 0 {
		t.Errorf("a page without an end goes on: %d", n)
	}
	s.fake.Fail(stripefake.Fault{}, stripefake.Fault{Status: 429})
	s.fail("customer_list", `{"all": true}`, connectors.KindServer, "api_error")
	s.fail("customer_list", `{"all": true}`, connectors.KindRateLimited, "rate_limit")
}

func elements(t *testing.T, page []byte) int {
	t.Helper()
	var elems []json.RawMessage
	if err := json.Unmarshal(schema.Lookup(page, "data"), &elems); err != nil {
		t.Fatalf("%s: %v", page, err)
	}
	return len(elems)
}

func TestExpand(t *testing.T) {
	s := newStandIn(t, stripefake.Options{})
	customer := text(s.do("customer_create", `{"email": "jo@example.com"}`), "id")
	intent := text(s.do("payment_intent_create", `{"amount": 100, "currency": "usd", "customer": "`+customer+`"}`), "id")
	if got := s.do("payment_intent_retrieve", `{"payment_intent": "`+intent+`"}`); text(got, "customer") != customer {
		t.Errorf("%s", got)
	}
	got := s.do("payment_intent_retrieve", `{"payment_intent": "`+intent+`", "expand": ["customer"]}`)
	if text(got, "customer", "email") != "jo@example.com" {
		t.Errorf("%s", got)
	}
	if got := s.do("payment_intent_list", `{"expand": ["data.customer"]}`); !strings.Contains(string(got), "jo@example.com") {
		t.Errorf("%s", got)
	}
	if got := s.do("payment_intent_retrieve", `{"payment_intent": "`+intent+`", "expand": []}`); text(got, "customer") != customer {
		t.Errorf("%s", got)
	}
}

// TestExpandedShapes holds what can be expanded, and what is said of what can't.
func TestExpandedShapes(t *testing.T) {
	a := Spec().Action("stripe_subscription_retrieve")
	out, err := a.OutFor([]string{"customer", "latest_invoice.payment_intent.latest_charge"})
	if err != nil {
		t.Fatal(err)
	}
	charge := out.Field("latest_invoice").Type.Object.Field("payment_intent").Type.Object.Field("latest_charge").Type.Object
	if out.Field("customer").Type.Object.Field("email") == nil || charge.Field("failure_code") == nil {
		t.Error("an expanded id is no object")
	}
	if a.Out.Field("customer").Type.Format != schema.ID {
		t.Error("the shape without expansions changed")
	}
	for path, want := range map[string]string{
		"custmer":              `subscription has no "custmer"`,
		"status":               "status of subscription can't be expanded: it is string",
		"items":                "items of subscription is always there and needs no expanding",
		"latest_invoice.lines": "lines of invoice is always there and needs no expanding",
		"latest_invoice.charge.invoice.charge.invoice": "invoice of charge would be the fifth level; Stripe expands four",
	} {
		if _, err := a.OutFor([]string{path}); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
	get := Spec().Action("stripe_customer_retrieve")
	with, err := get.OutFor([]string{"subscriptions", "tax"})
	if err != nil || with.Field("subscriptions").MayBeNull() || with.Field("sources") != nil || with.Field("tax") == nil {
		t.Errorf("%v, %v", with.Names(), err)
	}
}

func TestReplay(t *testing.T) {
	s := newStandIn(t, stripefake.Options{})
	first, err := s.call("coupon_create", `{"percent_off": 10, "duration": "once"}`)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.call("coupon_create", `{"percent_off": 10, "duration": "once"}`)
	if err != nil || !again.Output.RawEquals(first.Output) {
		t.Errorf("a repeat with the same key: %v", err)
	}
	s.fail("coupon_create", `{"percent_off": 20, "duration": "once"}`, connectors.KindRefused, "idempotency_error")
	s.key = strings.Repeat("d", 64)
	s.fake.Fail(stripefake.Fault{Act: true, Status: 500})
	s.fail("coupon_create", `{"percent_off": 30, "duration": "once"}`, connectors.KindServer, "api_error")
	if _, err := s.call("coupon_create", `{"percent_off": 30, "duration": "once"}`); err != nil {
		t.Errorf("the repeat of what was lost: %v", err)
	}
	if n := elements(t, s.do("coupon_list", `{}`)); n != 2 {
		t.Errorf("%d coupons, want 2", n)
	}
}

func TestKeyInUse(t *testing.T) {
	hold, began := make(chan struct{}), make(chan struct{}, 2)
	s := newStandIn(t, stripefake.Options{OnRequest: func(stripefake.Request) { began <- struct{}{} }})
	s.fake.Fail(stripefake.Fault{Act: true, Status: 200, Body: "{}", Hold: hold})
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = s.call("coupon_create", `{"percent_off": 10, "duration": "once"}`) })
	<-began
	s.fail("coupon_create", `{"percent_off": 10, "duration": "once"}`, connectors.KindConflict, "idempotency_key_in_use")
	close(hold)
	wg.Wait()
}

func TestWhatGoesWrong(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault stripefake.Fault
		kind  connectors.Kind
		code  string
	}{
		{"lock time-out", stripefake.Fault{Status: 429, Body: `{"error": {"type": "invalid_request_error", "code": "lock_timeout", "message": "busy"}}`}, connectors.KindConflict, "lock_timeout"},
		{"conflict", stripefake.Fault{Status: 409}, connectors.KindConflict, "lock_timeout"},
		{"rate", stripefake.Fault{Status: 429, Header: http.Header{"Retry-After": {"3"}}}, connectors.KindRateLimited, "rate_limit"},
		{"a page of a proxy", stripefake.Fault{Status: 502, Body: "<html>bad gateway</html>"}, connectors.KindServer, ""},
		{"a page that says yes", stripefake.Fault{Status: 200, Body: "<html>welcome</html>"}, connectors.KindDrift, ""},
		{"told to try again", stripefake.Fault{Status: 400, Header: http.Header{"Stripe-Should-Retry": {"true"}}}, connectors.KindServer, "invalid_request_error"},
		{"told not to", stripefake.Fault{Status: 503, Header: http.Header{"Stripe-Should-Retry": {"false"}}}, connectors.KindServer, "api_error"},
		{"cut", stripefake.Fault{Cut: true}, connectors.KindNetwork, ""},
	} {
		for _, op := range []struct{ name, args string }{
			{"refund_create", `{"charge": "ch_1", "amount": 5}`}, {"customer_list", `{"all": true}`}, {"invoice_pay", `{"invoice": "in_1"}`},
			{"customer_upsert", `{"email": "jo@example.com"}`}, {"subscription_cancel", `{"subscription": "sub_1"}`},
		} {
			t.Run(tt.name+"/"+op.name, func(t *testing.T) {
				s := newStandIn(t, stripefake.Options{})
				s.fake.Fail(tt.fault)
				e := s.fail(op.name, op.args, tt.kind, tt.code)
				if final := tt.fault.Header.Get("Stripe-Should-Retry") == "false"; e.Final != final {
					t.Errorf("final is %t", e.Final)
				}
				if n := len(s.fake.Requests()); n != 1 {
					t.Errorf("%d requests, want one attempt", n)
				}
			})
		}
	}
}

// TestWire holds what is sent, byte for byte, for what forms are odd about.
func TestWire(t *testing.T) {
	s := newStandIn(t, stripefake.Options{AutoCreate: true})
	for _, tt := range []struct{ op, args, want string }{
		{"subscription_update", `{"subscription": "sub_1", "items": [{"id": "si_1", "price": "price_1"}, {"id": "si_2", "deleted": true}], "metadata": {"b": "x y", "a": "é&="}}`,
			"items[0][id]=si_1&items[0][price]=price_1&items[1][deleted]=true&items[1][id]=si_2&metadata[a]=é&=&metadata[b]=x y"},
		{"customer_update", `{"customer": "cus_1", "address": "", "description": "", "metadata": ""}`, "address=&description=&metadata="},
		{"subscription_update", `{"subscription": "sub_1", "default_tax_rates": [], "trial_end": "now"}`, "default_tax_rates=&trial_end=now"},
		{"customer_list", `{"created": {"gte": 1, "lt": 2}, "expand": ["data.default_source"]}`, "created[gte]=1&created[lt]=2&expand[0]=data.default_source"},
		{"customer_list", `{"created": 1700000000, "limit": 3}`, "created=1700000000&limit=3"},
		{"price_create", `{"currency": "usd", "product": "prod_1", "unit_amount_decimal": "0.5", "currency_options": {"eur": {"unit_amount": 4}}}`,
			"currency=usd&currency_options[eur][unit_amount]=4&product=prod_1&unit_amount_decimal=0.5"},
	} {
		s.do(tt.op, tt.args)
		requests := s.fake.Requests()
		last := requests[len(requests)-1]
		form := last.Form
		if last.Method == http.MethodGet {
			form = last.Query
		}
		got, err := url.QueryUnescape(sortedForm(form))
		if err != nil || got != tt.want {
			t.Errorf("%s %s:\n%s, want\n%s (%v)", tt.op, tt.args, got, tt.want, err)
		}
	}
}

func sortedForm(v url.Values) string { return v.Encode() }

func TestUpload(t *testing.T) {
	var got string
	var kind string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			t.Error(err)
			return
		}
		file, header, err := r.FormFile("file")
		if err != nil {
			t.Error(err)
			return
		}
		content := make([]byte, header.Size)
		if _, err := file.Read(content); err != nil {
			t.Error(err)
		}
		got, kind = header.Filename+": "+string(content), r.FormValue("purpose")+" "+r.FormValue("file_link_data[create]")
		_, _ = w.Write([]byte(Spec().Action("stripe_file_create").Answer))
	}))
	defer server.Close()
	s := newStandIn(t, stripefake.Options{})
	s.url = server.URL
	s.do("file_create", `{"file": "aGVsbG8=", "filename": "a.txt", "purpose": "dispute_evidence", "file_link_data": {"create": true}}`)
	if got != "a.txt: hello" || kind != "dispute_evidence true" {
		t.Errorf("uploaded %q as %q", got, kind)
	}
	s.fail("file_create", `{"file": "not base64!", "purpose": "dispute_evidence"}`, connectors.KindInvalid, "")
	conn := &connectors.Conn{Settings: map[string][]string{}}
	if filesBase(conn) != "https://files.stripe.com" {
		t.Errorf("files are at %s", filesBase(conn))
	}
}

func TestQuoteDocument(t *testing.T) {
	s := newStandIn(t, stripefake.Options{AutoCreate: true})
	if got := s.do("quote_pdf", `{"quote": "qt_1"}`); text(got, "content") != "JVBERi0xLjQK" {
		t.Errorf("%s", got)
	}
}

// TestStandInRefuses sends what the checker would not let through, and what only the vendor knows to be wrong.
func TestStandInRefuses(t *testing.T) {
	s := newStandIn(t, stripefake.Options{})
	s.do("customer_create", `{"email": "jo@example.com"}`)
	for _, tt := range []struct {
		method, path, form string
		status             int
		code, param        string
	}{
		{"POST", "/v1/customers", "emial=x", 400, "parameter_unknown", "emial"},
		{"POST", "/v1/customers", "address[cty]=x", 400, "parameter_unknown", "address[cty]"},
		{"POST", "/v1/subscriptions", "customer=cus_1&items[0][prise]=x", 400, "parameter_unknown", "items[0][prise]"},
		{"POST", "/v1/prices", "unit_amount=5", 400, "parameter_missing", "currency"},
		{"POST", "/v1/prices", "currency=usd&unit_amount=five", 400, "parameter_invalid_integer", "unit_amount"},
		{"POST", "/v1/prices", "currency=usd&billing_scheme=none", 400, "parameter_invalid", "billing_scheme"},
		{"POST", "/v1/refunds/re_nobody", "metadata[a]=b", 404, "resource_missing", "id"},
		{"GET", "/v1/customers?limit=101", "", 400, "parameter_invalid_integer", "limit"},
		{"GET", "/v1/customers?starting_after=cus_nobody", "", 404, "resource_missing", "id"},
		{"GET", "/v1/customers/search?query=nonsense", "", 400, "", "query"},
		{"GET", "/v1/customers/search?query=email:'a'&page=page_99", "", 400, "", "page"},
		{"GET", "/v1/nothing", "", 404, "", ""},
		{"DELETE", "/v1/refunds/re_1", "", 404, "", ""},
		{"POST", "/v1/coupons", "id=A&duration=once&percent_off=1", 200, "", ""},
		{"POST", "/v1/coupons", "id=A&duration=once&percent_off=1", 400, "resource_already_exists", "id"},
		{"POST", "/v1/customers/a%2Fb", "name=x", 404, "resource_missing", "id"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tt.method, s.url+tt.path, strings.NewReader(tt.form))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+testKey)
		r.Header.Set("Stripe-Version", APIVersion)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := s.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var body struct{ Error struct{ Code, Param string } }
		if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
			t.Errorf("%s %s: %v", tt.method, tt.path, err)
		}
		resp.Body.Close()
		if resp.StatusCode != tt.status || body.Error.Code != tt.code || body.Error.Param != tt.param {
			t.Errorf("%s %s %s: %d %+v", tt.method, tt.path, tt.form, resp.StatusCode, body.Error)
		}
	}
}
