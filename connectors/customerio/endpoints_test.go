package customerio_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/connectortest/customeriofake"
	"github.com/flowrun/flowrun/connectors/customerio"
)

func TestEndpoints(t *testing.T) {
	fake := customeriofake.New(customeriofake.Options{})
	srv := httptest.NewServer(fake)
	t.Cleanup(srv.Close)
	c := &connectors.Conn{Name: "cio", Service: "customerio", Client: &http.Client{},
		Settings: map[string][]string{"app_key": {"app"}, "app_url": {srv.URL}}}
	api := customerio.Spec().Endpoints

	made, err := api.Create(t.Context(), c, connectors.Endpoint{URL: "https://h/webhooks/cio", Events: []string{"email_opened"}, Instance: "h", Connection: "cio"})
	if err != nil {
		t.Fatal(err)
	}
	want := connectors.Endpoint{ID: made.ID, URL: "https://h/webhooks/cio", Events: []string{"email_clicked", "email_opened"}, Instance: "h", Connection: "cio", Retired: true}
	if _, err := api.Update(t.Context(), c, want); err != nil {
		t.Fatal(err)
	}
	list, err := api.List(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]connectors.Endpoint{want}, list); d != "" {
		t.Errorf("the webhook (-want +got):\n%s", d)
	}
	for range 2 { // the second time it is gone, which is what was wanted
		if err := api.Delete(t.Context(), c, made.ID); err != nil {
			t.Fatal(err)
		}
	}
	if hooks := fake.Webhooks(); len(hooks) != 0 {
		t.Errorf("%+v is left", hooks)
	}
}
