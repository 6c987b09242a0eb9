package stripe

import (
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

// TestExamples checks that an action's example is an input and its answer an output.
func TestExamples(t *testing.T) {
	for _, a := range Spec().Actions {
		if a.Doc == "" || a.Call == nil || a.Effect.String() == "invalid" {
			t.Errorf("%s is incomplete", a.Name)
		}
		if _, err := a.In.DecodeJSON([]byte(a.Example)); err != nil {
			t.Errorf("%s: example: %v", a.Name, err)
		}
		_, drifts, err := a.Out.Decode([]byte(a.Answer), &schema.Paths{All: true})
		if err != nil || len(drifts) > 0 {
			t.Errorf("%s: answer: %v %v", a.Name, err, drifts)
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
