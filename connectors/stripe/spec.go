// Package stripe describes Stripe: its 226 webhook events with the shape of what each carries, the signature that they
// come with, and its 507 operations, each of them an action. Shapes and operations are generated from Stripe's own
// description of the API version that is pinned here (catalog.txt, operations.txt); everything that is odd about Stripe
// and not in that description is written by hand, in the file that needs it.
//
// The package keeps no state and never calls out but through the connection's client.
package stripe

import (
	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

// APIVersion is the version of Stripe's API that shapes, calls and samples are of. Events of other versions are taken
// as they are: what differs shows as drift where a recipe reads it.
const APIVersion = "2023-10-16"

const defaultBaseURL = "https://api.stripe.com"

// Spec returns what flowrun knows of Stripe. It takes well under a millisecond; shapes are read when they are used.
func Spec() *connectors.Spec {
	c := newCatalog(catalogText, operationsText)
	s := &connectors.Spec{
		Name:  "stripe",
		Title: "Stripe",
		Doc: "Payments, subscriptions and invoices. Events come in through a webhook endpoint that is created at Stripe " +
			"with API version " + APIVersion + "; calls need a secret or restricted key.",
		Settings: settings(),
		Webhook:  c.webhook(),
		Triggers: c.triggers(),

		Limits:   limits(),
		LimitFor: limitFor,

		Keys:   c.keys(),
		Probes: []connectors.Probe{{Name: "the vendor", Takes: "the key", Requires: []string{settingKey}, Ask: probe}},

		Endpoints: endpoints(),
		History:   history(),

		ActionNames: c.actionNames(),
		Action:      c.action,
	}
	return s
}

// The settings' names.
const (
	settingKey      = "api_key"
	settingSecret   = "webhook_secret"
	settingBaseURL  = "base_url"
	settingLivemode = "livemode"
	settingConnect  = "connect"
)

func settings() []connectors.Setting {
	text := schema.Type{Kind: schema.KindString}
	return []connectors.Setting{
		keySetting(),
		{Env: "STRIPE_WEBHOOK_SECRET", Field: schema.Field{
			Name: settingSecret, Type: text.ListOf(), Secret: true, Example: `["whsec_example"]`,
			Doc: "Signing secret of the webhook endpoint, or a list of several while one is rolled; in the environment they are separated by commas",
		}},
		{Env: "STRIPE_BASE_URL", Field: schema.Field{
			Name: settingBaseURL, Type: schema.Type{Kind: schema.KindString, Format: schema.URL}, Default: `"` + defaultBaseURL + `"`,
			Doc: "Where the API is; only tests and proxies need it", Example: `"` + defaultBaseURL + `"`,
		}},
		{Field: schema.Field{
			Name: settingLivemode, Type: schema.Type{Kind: schema.KindBool}, Example: "true",
			Doc: "Take only live events (true) or only test events (false); both where left out",
		}},
		{Field: schema.Field{
			Name: settingConnect, Type: schema.Type{Kind: schema.KindBool}, Example: "true",
			Doc: "The endpoint that flowrun sets up is for events of connected accounts (true), or of the account itself",
		}},
	}
}

func keySetting() connectors.Setting {
	return connectors.Setting{Env: "STRIPE_API_KEY", Field: schema.Field{
		Name: settingKey, Type: schema.Type{Kind: schema.KindString}, Secret: true, Example: `"sk_test_example"`,
		Doc: "Secret or restricted API key; a restricted key needs the permissions of the actions that recipes use",
	}}
}
