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
