package stripe

import (
	"strings"
	"testing"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

func TestSpec(t *testing.T) {
	r, err := connectors.NewRegistry(Spec())
	if err != nil {
		t.Fatal(err)
	}
	s := r.Service("stripe")
	if s.SigningSetting != settingSecret {
		t.Errorf("signing setting %q", s.SigningSetting)
	}
	for name, want := range map[string]struct {
		env    string
		secret bool
	}{
		"api_key":        {"STRIPE_API_KEY", true},
		"webhook_secret": {"STRIPE_WEBHOOK_SECRET", true},
		"base_url":       {"STRIPE_BASE_URL", false},
		"livemode":       {"", false},
	} {
		f := s.Settings.Field(name)
		if f == nil {
			t.Errorf("no setting %s", name)
			continue
		}
		if f.Secret != want.secret || f.Required || f.Doc == "" || s.Env[name] != want.env {
			t.Errorf("setting %+v, environment %q", f, s.Env[name])
		}
	}
}

// TestEveryAction reads each action, since a line that can't be read is found no earlier than at its use, and checks
// that its example is an input and its answer an output.
func TestEveryAction(t *testing.T) {
	r, err := connectors.NewRegistry(Spec())
	if err != nil {
		t.Fatal(err)
	}
	names := r.ActionNames()
	if len(names) != 507+len(helperNames()) {
		t.Errorf("%d actions, want 507 and %d helpers", len(names), len(helperNames()))
	}
	for _, name := range names {
		a := r.Caller(name)
		if a == nil || a.Name != name || a.Call == nil || a.Effect.String() == "invalid" {
			t.Errorf("%s is incomplete", name)
			continue
		}
		if a.Doc == "" || strings.ContainsAny(a.Doc, "\n") || a.Doc[0] < 'A' || a.Doc[0] > 'Z' {
			t.Errorf("%s: doc %q", name, a.Doc)
		}
		if _, err := a.In.DecodeJSON([]byte(a.Example)); err != nil {
			t.Errorf("%s: example %s: %v", name, a.Example, err)
		}
		_, drifts, err := a.Out.Decode([]byte(a.Answer), &schema.Paths{All: true})
		if err != nil || len(drifts) > 0 {
			t.Errorf("%s: answer: %v %v", name, err, drifts)
		}
	}
}

func TestEmits(t *testing.T) {
	s := Spec()
	c := newCatalog(catalogText, operationsText)
	emitting := 0
	for _, name := range s.ActionNames {
		a := s.Action(name)
		if len(a.Emits) > 0 {
			emitting++
		}
		for _, e := range a.Emits {
			if _, ok := c.eventObject(e); !ok || a.Effect == schema.Read {
				t.Errorf("%s emits %s", name, e)
			}
		}
	}
	if emitting < 100 {
		t.Errorf("only %d actions emit something", emitting)
	}
	for name, want := range map[string]string{
		"customer_create": "customer.created", "customer_upsert": "customer.created customer.updated", "subscription_update": "customer.subscription.updated",
		"subscription_cancel": "customer.subscription.deleted", "invoice_finalize": "invoice.finalized", "invoice_void": "invoice.voided",
		"invoice_mark_uncollectible": "invoice.marked_uncollectible", "payment_link_deactivate": "payment_link.updated", "coupon_delete": "coupon.deleted",
		"dispute_update": "charge.dispute.updated", "payment_intent_cancel": "payment_intent.canceled", "payment_method_attach": "payment_method.attached",
		"quote_accept": "quote.accepted", "checkout_session_expire": "checkout.session.expired", "customer_list": "",
	} {
		if got := strings.Join(s.Action("stripe_"+name).Emits, " "); got != want {
			t.Errorf("%s emits %q, want %q", name, got, want)
		}
	}
}

// TestSecretFields checks that what lets somebody act or pay is known to be secret.
func TestSecretFields(t *testing.T) {
	for _, path := range []string{"payment_intent_create.client_secret", "webhook_endpoint_create.secret", "ephemeral_key_create.secret",
		"terminal_connection_token_create.secret", "issuing_card_retrieve.number", "issuing_card_retrieve.cvc", "apps_secret_find.payload"} {
		name, field, _ := strings.Cut(path, ".")
		if f := action(t, "stripe_"+name).Out.Field(field); f == nil || !f.Secret {
			t.Errorf("%s: %+v", path, f)
		}
	}
	card := action(t, "stripe_token_create").In.Field("card").Type.Object
	if !card.Field("number").Secret || !card.Field("cvc").Secret || card.Field("exp_year").Secret {
		t.Error("a card's number and code are secret, its expiry is not")
	}
}

func TestCustomerAnswer(t *testing.T) {
	out := action(t, "stripe_customer_retrieve").Out
	for name, role := range map[string]schema.Role{"id": schema.RoleCustomerID, "email": schema.RoleEmail, "name": schema.RoleName, "phone": schema.RolePhone} {
		if f := out.Field(name); f == nil || f.Role != role {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if f := out.Field("id"); f.MayBeNull() {
		t.Error("the id may be null")
	}
	if f := out.Field("email"); !f.MayBeNull() {
		t.Error("the e-mail address may not be null")
	}
	for _, name := range []string{"subscriptions", "sources", "deleted"} {
		if out.Field(name) != nil {
			t.Errorf("a look-up never answers %s", name)
		}
	}
}
