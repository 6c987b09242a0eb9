// Package picsio describes Pics.io, where teams keep their images: its collections, custom fields and keywords, and the
// events of assets.
//
// What is odd about the vendor is how little of it is published. Its help pages tell that there is an API at
// https://api.pics.io with a bearer key, that webhooks are POST requests which want a 200, and of which kinds some of
// their events are; code that others have published shows the key, that ids are called _id, and that refusals are
// {msg} or {message}. The paths and answers of the four actions and the bodies of webhooks are in none of that. They
// are therefore a small table of what is likely (endpoints.go), each path of which a connection can replace; shapes
// promise nothing, so that no answer is refused for what it lacks; and an event's type can stand in the webhook's URL
// (webhook.go). Assets themselves, which the API can search and upload, are left out.
package picsio

import (
	"context"
	"net/http"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

const service = "picsio"

// Spec returns the description of Pics.io.
func Spec() *connectors.Spec {
	s := newSettings()
	spec := &connectors.Spec{
		Name:  service,
		Title: "Pics.io",
		Doc: "Collections, custom fields and keywords of an image library, and events of its assets. Unverified: Pics.io publishes neither " +
			"the paths of these calls nor the bodies of its webhooks; where a path is another one, set it in the connection",
		Settings: []connectors.Setting{s.key, s.secret, s.base},
		Webhook:  webhook(),
		Triggers: triggers(),
		Check:    check,
		Unsure:   "the paths of its calls are unverified; where one answers 404, the connection's setting for it replaces it",
	}
	for _, e := range endpoints() {
		spec.Settings = append(spec.Settings, e.setting())
		spec.Actions = append(spec.Actions, e.action(s))
	}
	root := spec.Actions[0]
	spec.Probes = []connectors.Probe{{Name: "the vendor", Takes: "the key", Ask: func(ctx context.Context, c *connectors.Conn) error {
		_, err := root.Call.Call(ctx, &connectors.Call{Action: root, Conn: c, Input: cty.EmptyObjectVal})
		return err
	}}}
	return spec
}

type settings struct{ key, secret, base connectors.Setting }

func newSettings() *settings {
	text := schema.Type{Kind: schema.KindString}
	return &settings{
		key: connectors.Setting{Env: "PICSIO_API_KEY", Field: schema.Field{Name: "api_key", Type: text, Secret: true,
			Doc: "API key, of a plan that has access to the API", Example: `"key_x"`}},
		secret: connectors.Setting{Env: "PICSIO_WEBHOOK_SECRET", Field: schema.Field{Name: "webhook_secret", Type: text.ListOf(), Secret: true,
			Doc: "What webhooks prove themselves with: ?token= in the URL that Pics.io is told; a list while it is replaced", Example: `["a-long-random-word"]`}},
		base: connectors.Setting{Env: "PICSIO_BASE_URL", Field: schema.Field{Name: "base_url", Type: schema.Type{Kind: schema.KindString, Format: schema.URL},
			Default: `"https://api.pics.io"`, Doc: "Address of the API", Example: `"https://picsio.example.com"`}},
	}
}

// check looks at the paths that are given.
func check(u *schema.Use) []schema.Problem {
	var out []schema.Problem
	for _, e := range endpoints() {
		name := e.setting().Name
		path := u.Text(name)
		if path != "" && (!strings.HasPrefix(path, "/") || strings.ContainsAny(path, "{}?# ")) {
			out = append(out, schema.Problem{Setting: name, Reason: "a path begins with / and holds no space, ?, #, { or }: " + e.path + ", for example."})
		}
	}
	return out
}

// call completes h as a call of the API.
func (s *settings) call(h *connectors.HTTP) *connectors.HTTP {
	h.Requires = []connectors.Setting{s.key}
	h.Base = func(c *connectors.Conn) string {
		if own := c.Setting(s.base.Name); own != "" {
			return own
		}
		return "https://api.pics.io"
	}
	h.Auth = func(c *connectors.Conn, r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+c.Setting(s.key.Name))
	}
	h.Problem = problem
	return h
}

// problem reads a refusal: {msg} or {message}.
func problem(_ int, _ http.Header, body []byte) (message, code string) {
	for _, name := range []string{"message", "msg"} {
		if text, ok := schema.StringOf(schema.Lookup(body, name)); ok && text != "" {
			return text, ""
		}
	}
	return "", ""
}
