package stripe

import (
	"regexp"
	"slices"
	"testing"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

func trigger(t *testing.T, name string) *schema.Trigger {
	t.Helper()
	r, err := connectors.NewRegistry(Spec())
	if err != nil {
		t.Fatal(err)
	}
	tr := r.Trigger(name)
	if tr == nil {
		t.Fatalf("no trigger %s", name)
	}
	return tr
}

func TestTriggers(t *testing.T) {
	s := Spec()
	if len(s.Triggers) != 229 {
		t.Errorf("%d triggers, want 226, two of several events, and stripe_event", len(s.Triggers))
	}
	name := regexp.MustCompile(`^stripe_[a-z0-9_]+$`)
	docs := map[string]string{}
	for _, tr := range s.Triggers {
		switch {
		case !name.MatchString(tr.Name) || tr.Service != "stripe":
			t.Errorf("trigger %q of %q", tr.Name, tr.Service)
		case tr.Doc == "" || len(tr.Doc) > 160 || tr.Doc[0] < 'A' || tr.Doc[0] > 'Z':
			t.Errorf("%s: doc %q", tr.Name, tr.Doc)
		case docs[tr.Doc] != "":
			t.Errorf("%s and %s have one doc", tr.Name, docs[tr.Doc])
		case tr.Settings == nil || tr.Payload == nil:
			t.Errorf("%s lacks settings or payload", tr.Name)
		}
		docs[tr.Doc] = tr.Name
	}
	for name, want := range map[string]struct {
		event, object string
		previous      bool
	}{
		"stripe_charge_failed":                                      {"charge.failed", "charge", false},
		"stripe_customer_created":                                   {"customer.created", "customer", false},
		"stripe_customer_updated":                                   {"customer.updated", "customer", true},
		"stripe_customer_subscription_deleted":                      {"customer.subscription.deleted", "subscription", false},
		"stripe_customer_subscription_updated":                      {"customer.subscription.updated", "subscription", true},
		"stripe_checkout_session_completed":                         {"checkout.session.completed", "checkout.session", false},
		"stripe_invoice_payment_failed":                             {"invoice.payment_failed", "invoice", false},
		"stripe_charge_dispute_created":                             {"charge.dispute.created", "dispute", false},
		"stripe_payment_link_created":                               {"payment_link.created", "payment_link", false},
		"stripe_account_external_account_created":                   {"account.external_account.created", "bank_account|card|source", false},
		"stripe_test_helpers_test_clock_advancing":                  {"test_helpers.test_clock.advancing", "test_helpers.test_clock", false},
		"stripe_payment_intent_amount_capturable_updated":           {"payment_intent.amount_capturable_updated", "payment_intent", false},
		"stripe_treasury_financial_account_features_status_updated": {"treasury.financial_account.features_status_updated", "treasury.financial_account", false},
	} {
		tr := trigger(t, name)
		if !slices.Equal(tr.Events, []string{want.event}) || tr.Payload.Name != want.object || tr.Previous != want.previous {
			t.Errorf("%s: events %q, payload %s, previous %t", name, tr.Events, tr.Payload.Name, tr.Previous)
		}
	}
}

func TestTriggerDocs(t *testing.T) {
	for event, want := range map[string]string{
		"account.external_account.created":     "An external account was created",
		"balance.available":                    "A balance is available",
		"charge.expired":                       "A charge expired",
		"invoiceitem.created":                  "An invoice item was created",
		"issuing_authorization.request":        "Issuing authorization: request",
		"payout.paid":                          "A payout was paid",
		"tax.settings.updated":                 "Tax settings were updated",
		"test_helpers.test_clock.advancing":    "A test clock is advancing",
		"terminal.reader.action_failed":        "Terminal reader: action failed",
		"invoice.finalization_failed":          "Invoice: finalization failed",
		"customer.subscription.trial_will_end": "A trial ends in three days, or has just been ended",
	} {
		if got := triggerDoc(event); got != want {
			t.Errorf("%s: %q, want %q", event, got, want)
		}
	}
}

func TestChargeFailedSetting(t *testing.T) {
	tr := trigger(t, "stripe_charge_failed")
	f := tr.Settings.Field("ignore_payment_intents")
	if f == nil || f.Required || f.Type.Kind != schema.KindBool || f.Default != "false" {
		t.Fatalf("setting %+v", f)
	}
	if len(tr.Guards) != 1 || tr.Guards[0].Setting != f.Name || !tr.Guards[0].Null || tr.Payload.Field(tr.Guards[0].Path[0]) == nil {
		t.Errorf("guards %+v", tr.Guards)
	}
}

func TestGenericTrigger(t *testing.T) {
	tr := trigger(t, "stripe_event")
	f := tr.Settings.Field(tr.TypesSetting)
	if f == nil || !f.Required || f.Type.Kind != schema.KindList || !slices.Equal(f.Type.Elem.Enum, tr.KnownTypes) {
		t.Fatalf("setting %+v", f)
	}
	if len(tr.KnownTypes) != 226 || !slices.Contains(tr.KnownTypes, "charge.failed") {
		t.Errorf("%d known types", len(tr.KnownTypes))
	}
	if len(tr.Events) != 0 {
		t.Errorf("events %q", tr.Events)
	}
	if got := tr.Payload.Names(); !slices.Equal(got, []string{"object"}) {
		t.Errorf("what all objects share: %q", got)
	}
}

func TestSharedShape(t *testing.T) {
	tr := trigger(t, "stripe_event")
	if got, want := tr.PayloadFor([]string{"charge.failed", "charge.succeeded"}), trigger(t, "stripe_charge_failed").Payload; got.Name != want.Name || len(got.Fields()) != len(want.Fields()) {
		t.Errorf("types of one object have the shape %s", got.Name)
	}
	both := tr.PayloadFor([]string{"charge.failed", "payment_intent.payment_failed", "no.such"})
	for _, tt := range []struct {
		field string
		null  bool
	}{{"amount", false}, {"currency", false}, {"customer", true}, {"receipt_email", true}} {
		f := both.Field(tt.field)
		if f == nil {
			t.Errorf("charge and payment_intent don't share %s", tt.field)
			continue
		}
		if f.MayBeNull() != tt.null {
			t.Errorf("%s: may be null = %t", tt.field, f.MayBeNull())
		}
	}
	if both.Field("failure_code") != nil {
		t.Error("failure_code is a charge's only")
	}
	if f := both.Field("customer"); f.Role != schema.RoleCustomerID || f.Type.Prefix != "cus_" {
		t.Errorf("customer lost its meaning: %+v", f)
	}
	status := both.Field("status").Type.Enum
	for _, v := range []string{"failed", "requires_payment_method", "succeeded"} {
		if !slices.Contains(status, v) {
			t.Errorf("status can't be %s: %q", v, status)
		}
	}
	if id := both.Field("id"); id == nil || id.Type.Refers != "" || id.Type.Prefix != "" {
		t.Errorf("id %+v", id)
	}
	if got := tr.PayloadFor(nil).Names(); len(got) != 0 {
		t.Errorf("no types share %q", got)
	}
	// An invoice's id may be absent, a charge's may not.
	if f := tr.PayloadFor([]string{"invoice.upcoming", "charge.failed"}).Field("id"); f == nil || !f.MayBeNull() {
		t.Errorf("id %+v", f)
	}
}
