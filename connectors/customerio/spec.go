// Package customerio describes Customer.io: people and events through the Track API, messages and look-ups through the
// App API, and what it reports of messages and people by webhook.
//
// The vendor's Go client is not used. Its newest release that can be fetched and verified has no event id, so that a
// repeat would be a second event; it hides the status of a failure, knows no timeouts and no Retry-After, takes 204 and
// 207 for errors, and reads answers without a bound. What is needed of the API is four requests, declared here.
//
// What is odd about the vendor: which kind of identifier a path holds is guessed from its looks (identifier.go); events
// are recognised as repeats by a ULID (eventid.go); e-mails are not recognised at all; limits that are passed are
// often not refused but cut (limits.go); a webhook that is refused stops all behind it (webhook.go). The Pipelines API
// and the JavaScript snippet's part of the Track API are left out.
package customerio

import (
	"net/http"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

const service = "customerio"

// Spec returns the description of Customer.io.
func Spec() *connectors.Spec {
	s, c := newSettings(), newCatalog()
	return &connectors.Spec{
		Name:     service,
		Title:    "Customer.io",
		Doc:      "Messages to people, by their attributes and the events they cause",
		Settings: s.all(),
		Webhook:  c.webhook(),
		Triggers: c.triggers(),
		Actions: []*connectors.Action{
			identify(s), track(s), deletePerson(s), sendEmail(s),
			page(s), screen(s), suppress(s), unsuppress(s), merge(s), addDevice(s), deleteDevice(s),
			addToSegment(s), removeFromSegment(s),
			identifyObject(s), deleteObject(s), addPeople(s), removePeople(s), addRelationships(s), deleteRelationships(s),
			sendPush(s), sendSMS(s), sendInApp(s), sendInbox(s), triggerBroadcast(s),
			findPerson(s), personAttributes(s), personSegments(s),
		},
		Limits:    limits(),
		Endpoints: endpoints(),
		Probes:    probes(s),
		Keep:      s.keep,
	}
}

// settings are the arguments of the connection block, each under its name.
type settings struct {
	siteID, apiKey, appKey, signingKey, region, batch, trackURL, appURL connectors.Setting
}

func newSettings() *settings {
	text := schema.Type{Kind: schema.KindString}
	address := schema.Type{Kind: schema.KindString, Format: schema.URL}
	return &settings{
		siteID: connectors.Setting{Env: "CUSTOMERIO_SITE_ID", Field: schema.Field{Name: "site_id", Type: text,
			Doc: "Site ID of the workspace, for people and events", Example: `"b8d1f0c2a4e65d7f9012"`}},
		apiKey: connectors.Setting{Env: "CUSTOMERIO_API_KEY", Field: schema.Field{Name: "api_key", Type: text, Secret: true,
			Doc: "Track API key that belongs to the site ID", Example: `"3f1c5a7e9b2d4f608123"`}},
		appKey: connectors.Setting{Env: "CUSTOMERIO_APP_KEY", Field: schema.Field{Name: "app_key", Type: text, Secret: true,
			Doc: "App API key, for messages, broadcasts and look-ups", Example: `"a1b2c3d4e5f60718293a"`}},
		signingKey: connectors.Setting{Env: "CUSTOMERIO_WEBHOOK_SIGNING_KEY", Field: schema.Field{
			Name: settingSigningKey, Type: text.ListOf(), Secret: true, Example: `["5e0f7c9d1b3a"]`,
			Doc: "Signing key of the reporting webhook, from its page at Customer.io, or a list of several; in the environment they are separated by commas"}},
		region: connectors.Setting{Env: "CUSTOMERIO_REGION", Field: schema.Field{Name: "region",
			Type: schema.EnumOf("us", "eu"), Default: `"us"`,
			Doc: "Where the account's data is kept", Example: `"eu"`}},
		batch: connectors.Setting{Field: schema.Field{Name: "batch", Type: schema.Type{Kind: schema.KindBool}, Default: "false", Example: "true",
			Doc: "Send changes of people and objects, and events, of many runs together; each waits a few milliseconds for others"}},
		trackURL: connectors.Setting{Env: "CUSTOMERIO_TRACK_URL", Field: schema.Field{Name: "track_url", Type: address,
			Doc: "Address of the Track API, instead of the region's", Example: `"https://track.example.com"`}},
		appURL: connectors.Setting{Env: "CUSTOMERIO_APP_URL", Field: schema.Field{Name: "app_url", Type: address,
			Doc: "Address of the App API, instead of the region's", Example: `"https://api.example.com"`}},
	}
}

func (s *settings) all() []connectors.Setting {
	return []connectors.Setting{s.siteID, s.apiKey, s.appKey, s.signingKey, s.region, s.batch, s.trackURL, s.appURL}
}

// trackCall completes h as a call of the Track API.
func (s *settings) trackCall(h *connectors.HTTP) *connectors.HTTP {
	h.Requires = []connectors.Setting{s.siteID, s.apiKey}
	h.Base = func(c *connectors.Conn) string {
		return host(c, "track_url", "https://track.customer.io", "https://track-eu.customer.io")
	}
	h.Auth = func(c *connectors.Conn, r *http.Request) {
		r.SetBasicAuth(c.Setting("site_id"), c.Setting("api_key"))
	}
	h.Problem = problem
	return h
}

// appCall completes h as a call of the App API.
func (s *settings) appCall(h *connectors.HTTP) *connectors.HTTP {
	h.Requires = []connectors.Setting{s.appKey}
	h.Base = func(c *connectors.Conn) string {
		return host(c, "app_url", "https://api.customer.io", "https://api-eu.customer.io")
	}
	h.Auth = func(c *connectors.Conn, r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+c.Setting("app_key"))
	}
	h.Problem = problem
	return h
}

// host returns the address of one of the APIs. The regions have hosts of their own: the US hosts forward European
// accounts, but the data would then have passed through the US; the other way round calls fail.
func host(c *connectors.Conn, setting, us, eu string) string {
	if u := c.Setting(setting); u != "" {
		return u
	}
	if c.Setting("region") == "eu" {
		return eu
	}
	return us
}
