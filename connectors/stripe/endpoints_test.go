package stripe_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/connectortest/stripefake"
	"github.com/flowrun/flowrun/connectors/stripe"
)

func atFake(t *testing.T, fake *stripefake.Fake) *connectors.Conn {
	t.Helper()
	srv := httptest.NewServer(fake)
	t.Cleanup(srv.Close)
	return &connectors.Conn{Name: "stripe", Service: "stripe", Client: &http.Client{},
		Settings: map[string][]string{"api_key": {"sk_test_1"}, "base_url": {srv.URL}}}
}

func TestEndpoints(t *testing.T) {
	fake := stripefake.New(stripefake.Options{API: stripe.NewAPI()})
	c, api := atFake(t, fake), stripe.Spec().Endpoints
	want := connectors.Endpoint{URL: "https://h/webhooks/stripe", Events: []string{"charge.failed", "invoice.paid"}, APIVersion: stripe.APIVersion,
		Instance: "h", Connection: "stripe", Connect: true}
	made, err := api.Create(t.Context(), c, want)
	if err != nil {
		t.Fatal(err)
	}
	if made.Secret != stripefake.Secret(made.ID) {
		t.Errorf("secret %q, want the one that is told once", made.Secret)
	}
	want.ID, want.Events, want.Retired, want.Disabled = made.ID, []string{"charge.failed"}, true, true
	if _, err := api.Update(t.Context(), c, want); err != nil {
		t.Fatal(err)
	}
	list, err := api.List(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]connectors.Endpoint{want}, list); d != "" {
		t.Errorf("the endpoint (-want +got):\n%s", d)
	}
	for range 2 { // the second time it is gone, which is what was wanted
		if err := api.Delete(t.Context(), c, made.ID); err != nil {
			t.Fatal(err)
		}
	}
	for range api.Most {
		if _, err := api.Create(t.Context(), c, want); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := api.Create(t.Context(), c, want); err == nil || !strings.Contains(err.Error(), "maximum of 16") {
		t.Errorf("%v, want the cap", err)
	}
}

func TestEndpointsKeepModesApart(t *testing.T) {
	check := stripe.Spec().Endpoints.Check
	for _, c := range []struct {
		key, livemode string
		fails         bool
	}{
		{"sk_test_1", "true", true}, {"rk_live_1", "false", true}, {"sk_live_1", "true", false}, {"sk_test_1", "", false}, {"odd", "true", false},
	} {
		err := check(&connectors.Conn{Settings: map[string][]string{"api_key": {c.key}, "livemode": {c.livemode}}})
		if (err != nil) != c.fails {
			t.Errorf("%s with livemode %q: %v", c.key, c.livemode, err)
		}
	}
}

func TestLimitsGoByTheMode(t *testing.T) {
	spec := stripe.Spec()
	for _, c := range []struct {
		key, class string
		rate       float64
	}{
		{"sk_live_1", "", 100}, {"rk_test_1", "", 25}, {"odd", "", 100}, {"sk_live_1", "search", 20}, {"sk_test_1", "search", 20},
	} {
		if l := spec.Limit(&connectors.Conn{Settings: map[string][]string{"api_key": {c.key}}}, c.class); l.Rate != c.rate {
			t.Errorf("%s, class %q: %+v, want %v a second", c.key, c.class, l, c.rate)
		}
	}
	for action, want := range map[string]string{"stripe_customer_search": "search", "stripe_file_create": "files", "stripe_customer_create": ""} {
		if a := spec.Action(action); a.Limit != want {
			t.Errorf("%s counts for %q, want %q", action, a.Limit, want)
		}
	}
}

func TestPermissions(t *testing.T) {
	spec := stripe.Spec()
	for action, want := range map[string]string{
		"stripe_customer_find": "Customers: read", "stripe_refund_create": "Charges and Refunds: write", "stripe_checkout_session_create": "Checkout Sessions: write",
		"stripe_invoice_retrieve": "Invoices: read", "stripe_subscription_cancel": "Subscriptions: write", "stripe_nothing": "",
	} {
		var got []string
		for _, p := range spec.Keys.Needs(action, nil) {
			got = append(got, p.String())
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s needs %q, want %q", action, got, want)
		}
	}
	for _, name := range spec.ActionNames {
		if len(spec.Keys.Needs(name, nil)) == 0 {
			t.Errorf("%s needs no permission", name)
		}
	}
}
