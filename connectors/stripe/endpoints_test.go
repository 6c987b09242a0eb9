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
