// Package stripemock holds contract tests: what the connector sends and reads is held against stripe-mock, Stripe's own
// stand-in, which validates requests and makes answers from the same description of the API. It forgets everything and
// never refuses a rate, so that behaviour is tested elsewhere, against a fake with state.
package stripemock

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-mock/embedded"
	"github.com/stripe/stripe-mock/server"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/connectortest/stripefake"
	"github.com/flowrun/flowrun/connectors/stripe"
	"github.com/flowrun/flowrun/lang/schema"
)

// mock starts stripe-mock on the loopback interface, within this process. Its own program opens a second listener on
// all interfaces.
func mock(t *testing.T) string {
	t.Helper()
	spec, err := server.LoadSpec(embedded.OpenAPISpec, "")
	if err != nil {
		t.Fatal(err)
	}
	fixtures, err := server.LoadFixtures(embedded.OpenAPIFixtures, "")
	if err != nil {
		t.Fatal(err)
	}
	stub, err := server.NewStubServer(fixtures, spec, true, false)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", stub.HandleRequest)
	s := httptest.NewServer(&server.DoubleSlashFixHandler{Mux: mux})
	t.Cleanup(s.Close)
	return s.URL
}

func retrieve(t *testing.T, base, key string) (connectors.Result, error) {
	t.Helper()
	registry, err := connectors.NewRegistry(stripe.Spec())
	if err != nil {
		t.Fatal(err)
	}
	a := registry.Caller("stripe_customer_retrieve")
	client := &http.Client{Transport: connectors.NewTransport()}
	t.Cleanup(client.CloseIdleConnections)
	return a.Call.Call(t.Context(), &connectors.Call{
		Action: a,
		Conn: &connectors.Conn{Name: "stripe", Service: "stripe", Client: client, Settings: map[string][]string{
			"api_key": {key}, "base_url": {base}}},
		Input: cty.ObjectVal(map[string]cty.Value{"customer": cty.StringVal("cus_123")}),
		Key:   "k", EventTime: time.Unix(1710417600, 0),
	})
}

func TestRetrieveCustomer(t *testing.T) {
	base := mock(t)
	res, err := retrieve(t, base, "sk_test_123")
	if err != nil {
		t.Fatal(err)
	}
	if res.Status != 200 || res.Output.GetAttr("id").AsString() != "cus_123" {
		t.Errorf("status %d, output %#v", res.Status, res.Output)
	}
	_, err = retrieve(t, base, "nonsense")
	var e *connectors.Error
	if !errors.As(err, &e) || e.Kind != connectors.KindUnauthorized || e.Status != 401 {
		t.Errorf("a wrong key: %v", err)
	}
}

// TestFixtures decodes Stripe's example of each object that an event carries.
func TestFixtures(t *testing.T) {
	var fixtures struct {
		Resources map[string]json.RawMessage `json:"resources"`
	}
	if err := json.Unmarshal(embedded.OpenAPIFixtures, &fixtures); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, trigger := range stripe.Spec().Triggers {
		for name := range strings.SplitSeq(trigger.Payload.Name, "|") {
			raw, ok := fixtures.Resources[name]
			if !ok || seen[name] {
				continue
			}
			seen[name] = true
			_, drifts, err := trigger.Payload.Decode(raw, &schema.Paths{All: true})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for _, d := range drifts {
				t.Errorf("%s: %s", name, d)
			}
		}
	}
	if len(seen) < 65 {
		t.Errorf("only %d objects have a fixture", len(seen))
	}
}

// TestFakeAgrees checks that the fake's customers have the members that Stripe's have.
func TestFakeAgrees(t *testing.T) {
	fake := stripefake.New(stripefake.Options{})
	fake.PutCustomer(stripefake.Customer{ID: "cus_123"})
	s := httptest.NewServer(fake)
	t.Cleanup(s.Close)
	ours, theirs := customer(t, s.URL), customer(t, mock(t))
	for name := range theirs {
		if _, ok := ours[name]; !ok {
			t.Errorf("the fake's customer has no %s", name)
		}
	}
	for name := range ours {
		if _, ok := theirs[name]; !ok {
			t.Errorf("Stripe's customer has no %s", name)
		}
	}
}

func customer(t *testing.T, base string) map[string]any {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, base+"/v1/customers/cus_123", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer sk_test_123")
	r.Header.Set("Stripe-Version", stripe.APIVersion)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}
