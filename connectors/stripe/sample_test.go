package stripe

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	stripego "github.com/stripe/stripe-go/v76"

	"github.com/flowrun/flowrun/lang/schema"
)

// TestSamples makes an event of each type and takes it in as if it had come from Stripe.
func TestSamples(t *testing.T) {
	c := newCatalog(catalogText, operationsText)
	w := c.webhook()
	for _, e := range c.events {
		t.Run(e.name, func(t *testing.T) {
			body, err := w.Sample(e.name, "evt_1", noon)
			if err != nil {
				t.Fatal(err)
			}
			again, err := w.Sample(e.name, "evt_1", noon)
			if err != nil || !bytes.Equal(body, again) {
				t.Errorf("two samples of the same arguments differ (%v)", err)
			}
			got, err := deliver(conn(), body)
			if err != nil {
				t.Fatal(err)
			}
			if got.ID != "evt_1" || got.Type != e.name || !got.Time.Equal(noon) || got.APIVersion != APIVersion || got.Livemode {
				t.Errorf("envelope %+v", got)
			}
			shape := c.object(e.object)
			object := schema.Lookup(body, w.Data...)
			_, drifts, err := shape.Decode(object, &schema.Paths{All: true})
			if err != nil || len(drifts) > 0 {
				t.Errorf("decoding: %v %v", err, drifts)
			}
			checkEnums(t, e.name, shape, object)
			previous := schema.Lookup(body, w.Previous...)
			if (previous != nil) != hasPrevious(e.name) {
				t.Errorf("previous_attributes: %s", previous)
			}
			// Stripe's library reads it, too.
			var sdk stripego.Event
			if err := json.Unmarshal(body, &sdk); err != nil || sdk.Data.Object == nil {
				t.Errorf("Stripe's library: %v", err)
			}
		})
	}
}

// checkEnums checks that a sample holds no value that its type doesn't have.
func checkEnums(t *testing.T, where string, o *schema.Object, raw []byte) {
	t.Helper()
	err := schema.Members(raw, func(name string, value []byte) bool {
		f := o.Field(name)
		switch {
		case f == nil:
			t.Errorf("%s: the shape has no %s", where, name)
		case f.Type.Kind == schema.KindObject && !schema.IsNull(value):
			checkEnums(t, where+"."+name, f.Type.Object, value)
		case len(f.Type.Enum) > 0:
			if s, ok := schema.StringOf(value); ok && !slices.Contains(f.Type.Enum, s) {
				t.Errorf("%s.%s is %q, not one of %q", where, name, s, f.Type.Enum)
			}
		}
		return true
	})
	if err != nil {
		t.Errorf("%s: %v", where, err)
	}
}

// TestSampleValues holds what samples of the well-known events say.
func TestSampleValues(t *testing.T) {
	w := Spec().Webhook
	at := noon
	for _, tt := range []struct {
		event string
		want  map[string]any // path → value; a string that ends in * is a prefix
	}{
		{"charge.failed", map[string]any{"id": "ch_*", "customer": "cus_*", "status": "failed", "paid": false, "failure_code": "card_declined",
			"currency": "usd", "billing_details.email": "jenny.rosen@example.com", "payment_intent": "pi_*", "created": float64(at.Unix())}},
		{"charge.succeeded", map[string]any{"status": "succeeded", "paid": true, "failure_code": nil}},
		{"customer.created", map[string]any{"id": "cus_*", "email": "jenny.rosen@example.com", "name": "Jenny Rosen", "object": "customer"}},
		{"checkout.session.completed", map[string]any{"id": "cs_*", "customer": "cus_*", "payment_status": "paid", "status": "complete",
			"customer_details.email": "jenny.rosen@example.com", "amount_total": float64(12000)}},
		{"customer.subscription.deleted", map[string]any{"id": "sub_*", "customer": "cus_*", "status": "canceled", "ended_at": float64(at.Unix())}},
		{"customer.subscription.trial_will_end", map[string]any{"status": "trialing", "trial_end": float64(at.AddDate(0, 0, 3).Unix())}},
		{"invoice.payment_failed", map[string]any{"id": "in_*", "customer": "cus_*", "customer_email": "jenny.rosen@example.com", "paid": false,
			"attempt_count": float64(1), "subscription": "sub_*"}},
		{"invoice.upcoming", map[string]any{"id": nil, "customer": "cus_*"}},
		{"charge.dispute.created", map[string]any{"id": "dp_*", "charge": "ch_*", "status": "needs_response"}},
		{"payment_link.created", map[string]any{"id": "plink_*", "url": "https://buy.stripe.com/*"}},
		{"account.external_account.created", map[string]any{"id": "ba_*", "object": "bank_account"}},
	} {
		t.Run(tt.event, func(t *testing.T) {
			body, err := w.Sample(tt.event, "evt_1", at)
			if err != nil {
				t.Fatal(err)
			}
			for path, want := range tt.want {
				raw := schema.Lookup(body, append([]string{"data", "object"}, strings.Split(path, ".")...)...)
				var got any
				if raw != nil {
					if err := json.Unmarshal(raw, &got); err != nil {
						t.Fatal(err)
					}
				}
				if prefix, ok := want.(string); ok && strings.HasSuffix(prefix, "*") {
					if s, _ := got.(string); !strings.HasPrefix(s, prefix[:len(prefix)-1]) || len(s) < len(prefix)+8 {
						t.Errorf("%s is %v, want %s", path, got, want)
					}
				} else if got != want {
					t.Errorf("%s is %v, want %v", path, got, want)
				}
			}
		})
	}
}

func TestSampleIDs(t *testing.T) {
	w := Spec().Webhook
	one, err := w.Sample("charge.failed", "evt_1", noon)
	if err != nil {
		t.Fatal(err)
	}
	two, err := w.Sample("charge.failed", "evt_2", noon.Add(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"id", "customer"} {
		if bytes.Equal(schema.Lookup(one, "data", "object", name), schema.Lookup(two, "data", "object", name)) {
			t.Errorf("two events have the same %s", name)
		}
	}
	if _, err := w.Sample("charge.flied", "evt_1", noon); err == nil || !strings.Contains(err.Error(), `"charge.flied"`) {
		t.Errorf("an unknown type: %v", err)
	}
}

func TestPreviousOfSamples(t *testing.T) {
	body, err := Spec().Webhook.Sample("customer.subscription.updated", "evt_1", noon)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(schema.Lookup(body, "data", "previous_attributes"), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"cancel_at": nil, "cancel_at_period_end": false, "canceled_at": nil}, got); diff != "" {
		t.Error(diff)
	}
}

// TestIDsGoTogether checks that what an event names in two places is named alike.
func TestIDsGoTogether(t *testing.T) {
	c := newCatalog(catalogText, operationsText)
	for _, e := range c.events {
		body, err := c.sample(e.name, "evt_1", noon)
		if err != nil {
			t.Fatal(err)
		}
		object := schema.Lookup(body, "data", "object")
		seen := map[string]string{}
		if id, ok := schema.StringOf(schema.Lookup(object, "id")); ok {
			seen[e.object] = id
		}
		sameIDs(t, e.name, c.object(e.object), object, seen)
	}
}

// sameIDs checks the fields that are called as the object that they name.
func sameIDs(t *testing.T, event string, shape *schema.Object, raw []byte, seen map[string]string) {
	t.Helper()
	err := schema.Members(raw, func(name string, value []byte) bool {
		f := shape.Field(name)
		if f == nil {
			return true
		}
		if f.Type.Kind == schema.KindObject && !schema.IsNull(value) {
			sameIDs(t, event, f.Type.Object, value, seen)
		}
		id, ok := schema.StringOf(value)
		if ok && f.Type.Format == schema.ID && f.Type.Refers == name {
			if old := seen[name]; old != "" && old != id {
				t.Errorf("%s: %s is %s and %s", event, name, old, id)
			}
			seen[name] = id
		}
		return true
	})
	if err != nil {
		t.Errorf("%s: %v", event, err)
	}
}
