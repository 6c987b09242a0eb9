package customerio_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/connectortest/customeriofake"
	"github.com/flowrun/flowrun/connectors/customerio"
)

func TestReportingWebhooks(t *testing.T) {
	b := newBench(t)
	hooks, ctx := customerio.NewReportingWebhooks(b.conn), t.Context()
	if list, err := hooks.List(ctx); err != nil || len(list) != 0 {
		t.Fatalf("%v, %v", list, err)
	}
	want := customerio.ReportingWebhook{Name: "flowrun", Endpoint: "https://example.com/webhooks/customerio",
		Events: []string{"email_opened", "sms_replied"}, FullResolution: true}
	got, err := hooks.Create(ctx, want)
	if err != nil {
		t.Fatal(err)
	}
	want.ID = 1
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	want.Events, want.Disabled = []string{"email_opened"}, true
	if got, err = hooks.Update(ctx, want); err != nil || !cmp.Equal(want, got) {
		t.Errorf("updated %+v, %v", got, err)
	}
	other, err := hooks.Create(ctx, customerio.ReportingWebhook{ID: 9, Name: "other", Endpoint: "https://example.com", Events: []string{"email_sent"}})
	if err != nil || other.ID != 2 {
		t.Fatalf("%+v, %v", other, err)
	}
	if err := hooks.Delete(ctx, other.ID); err != nil {
		t.Errorf("deleting: %v", err)
	}
	if list, err := hooks.List(ctx); err != nil || !cmp.Equal([]customerio.ReportingWebhook{want}, list) || len(b.fake.Webhooks()) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestReportingWebhooksRefused(t *testing.T) {
	b := newBench(t)
	hooks, ctx := customerio.NewReportingWebhooks(b.conn), t.Context()
	fine := customerio.ReportingWebhook{ID: 1, Name: "n", Endpoint: "https://example.com", Events: []string{"email_sent"}}
	kind := func(err error) connectors.Kind { return connectors.AsError(orNil(err)).Kind }
	for _, spoil := range []func(*customerio.ReportingWebhook){
		func(w *customerio.ReportingWebhook) { w.Name = "" },
		func(w *customerio.ReportingWebhook) { w.Endpoint = "" },
		func(w *customerio.ReportingWebhook) { w.Events = nil },
		func(w *customerio.ReportingWebhook) { w.ID = 0 },
	} {
		w := fine
		spoil(&w)
		if _, err := hooks.Update(ctx, w); kind(err) != connectors.KindInvalid {
			t.Errorf("%+v: %v", w, err)
		}
	}
	if err := hooks.Delete(ctx, 0); kind(err) != connectors.KindInvalid || len(b.fake.Calls()) != 0 {
		t.Errorf("%v, %d calls", err, len(b.fake.Calls()))
	}
	if _, err := hooks.Update(ctx, fine); kind(err) != connectors.KindNotFound {
		t.Errorf("a webhook that isn't there: %v", err)
	}
	for body, want := range map[string]connectors.Kind{`{}`: connectors.KindDrift, `{"id":"x"}`: connectors.KindDrift, `{"id":1,"events":{}}`: connectors.KindDrift} {
		b.fake.Fail(customeriofake.Fault{Status: 200, Body: body})
		if _, err := hooks.Create(ctx, fine); kind(err) != want {
			t.Errorf("answer %s: %v", body, err)
		}
	}
	b.conn.Settings["app_key"] = []string{"wrong"}
	if _, err := hooks.List(ctx); kind(err) != connectors.KindUnauthorized {
		t.Errorf("a wrong key: %v", err)
	}
}
