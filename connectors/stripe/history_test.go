package stripe_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/connectortest/stripefake"
	"github.com/flowrun/flowrun/connectors/stripe"
)

func TestHistory(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	fake := stripefake.New(stripefake.Options{API: stripe.NewAPI()})
	put := func(id, typ string, at time.Time) {
		fake.PutEvent(fmt.Appendf(nil, `{"id":%q,"object":"event","type":%q,"created":%d,"api_version":"2020-08-27","livemode":false,`+
			`"data":{"object":{"id":"ch_1","object":"charge"}}}`, id, typ, at.Unix()))
	}
	const burst, steady = 1050, 300
	for i := range burst { // more in one second than a span holds
		put(fmt.Sprintf("evt_burst%04d", i), "charge.failed", start.Add(time.Hour))
	}
	for i := range steady {
		put(fmt.Sprintf("evt_steady%04d", i), "charge.failed", start.Add(2*time.Hour+time.Duration(i)*time.Second))
	}
	put("evt_other", "charge.succeeded", start.Add(3*time.Hour))
	put("evt_late", "charge.failed", start.Add(48*time.Hour))

	c := atFake(t, fake)
	var got []string
	err := stripe.Spec().History.Events(t.Context(), c, connectors.HistoryQuery{Types: []string{"charge.failed"}, From: start, To: start.Add(24 * time.Hour)},
		func(e connectors.PastEvent) error {
			if e.Type != "charge.failed" || e.APIVersion != "2020-08-27" || len(e.Body) == 0 {
				t.Errorf("%+v", e.Envelope)
			}
			got = append(got, e.ID)
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != burst+steady {
		t.Fatalf("%d events, want %d", len(got), burst+steady)
	}
	for i, id := range got {
		want := fmt.Sprintf("evt_burst%04d", i)
		if i >= burst {
			want = fmt.Sprintf("evt_steady%04d", i-burst)
		}
		if id != want {
			t.Fatalf("event %d is %s, want %s: the oldest come first", i, id, want)
		}
	}
}

func TestHistoryObjects(t *testing.T) {
	fake := stripefake.New(stripefake.Options{API: stripe.NewAPI()})
	for i := range 130 {
		fake.PutCustomer(stripefake.Customer{ID: fmt.Sprintf("cus_%d", i), Created: time.Unix(1_700_000_000, 0)})
	}
	c, seen := atFake(t, fake), map[string]bool{}
	err := stripe.Spec().History.Objects(t.Context(), c, "customers", func(e connectors.PastEvent) error {
		if e.Type != "customer.created" || e.Time.Unix() != 1_700_000_000 {
			t.Errorf("%+v", e.Envelope)
		}
		seen[e.ID] = true
		return nil
	})
	if err != nil || len(seen) != 130 || !seen["backfill_cus_7"] {
		t.Errorf("%d customers, %v", len(seen), err)
	}
	if err := stripe.Spec().History.Objects(t.Context(), c, "cats", nil); err == nil {
		t.Error("cats were walked")
	}
}

func TestCause(t *testing.T) {
	cause := stripe.Spec().Webhook.Cause
	for body, want := range map[string]string{
		`{"id":"evt_1","request":{"id":"req_1","idempotency_key":"k1"}}`: "k1",
		`{"id":"evt_1","request":{"id":"req_1","idempotency_key":null}}`: "",
		`{"id":"evt_1","request":"req_1"}`:                               "",
		`{"id":"evt_1","request":null}`:                                  "",
		`{"id":"evt_1"}`:                                                 "",
	} {
		if got := cause([]byte(body)); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}
