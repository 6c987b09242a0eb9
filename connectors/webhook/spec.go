// Package webhook describes webhooks of no vendor: anybody who can be told a URL and a secret. The recipe says at which
// path they come in and what the body holds; the connection says how they are verified, since that is where secrets are.
//
// Whatever does not verify is refused before it is read. The package keeps nothing: that a repeat is one follows from
// the event's id.
package webhook

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

const service = "webhook"

// Ways to verify.
const (
	byStandard = "standard_webhooks"
	byHMAC     = "hmac"
	byBasic    = "basic"
	byBearer   = "bearer"
	byURL      = "url"
	byNobody   = "none"
)

// Spec returns the description.
func Spec() *connectors.Spec {
	return &connectors.Spec{
		Name:     service,
		Title:    "Webhook",
		Doc:      "Webhooks of any sender, at a path and with a body that the recipe declares",
		Settings: settings(),
		Check:    check,
		Webhook: &connectors.Webhook{
			Open: open, Sign: sign, Sample: sample, SecretSetting: "secret", Unsigned: [2]string{"verify", byNobody},
		},
		Triggers: []*schema.Trigger{trigger()},
	}
}

func settings() []connectors.Setting {
	text := schema.Type{Kind: schema.KindString}
	set := func(f schema.Field, env string) connectors.Setting { return connectors.Setting{Field: f, Env: env} }
	return []connectors.Setting{
		set(schema.Field{Name: "verify", Type: schema.EnumOf(byStandard, byHMAC, byBasic, byBearer, byURL, byNobody), Default: `"` + byStandard + `"`,
			Doc: "How a webhook proves where it comes from; url: by ?token= in the URL, of a sender that can be told nothing else"}, "WEBHOOK_VERIFY"),
		set(schema.Field{Name: "secret", Type: text.ListOf(), Secret: true,
			Doc: "The signing secret, the token of bearer and url, or the password of basic; a list while it is replaced", Example: `["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]`}, "WEBHOOK_SECRET"),
		set(schema.Field{Name: "username", Type: text, Doc: "Of basic"}, "WEBHOOK_USERNAME"),
		set(schema.Field{Name: "header", Type: text, Doc: "Of hmac: the header that holds the signature"}, "WEBHOOK_HEADER"),
		set(schema.Field{Name: "algorithm", Type: schema.EnumOf("sha256", "sha512", "sha1"), Default: `"sha256"`, Doc: "Of hmac"}, "WEBHOOK_ALGORITHM"),
		set(schema.Field{Name: "encoding", Type: schema.EnumOf("hex", "base64"), Default: `"hex"`, Doc: "Of hmac: how the signature is written"}, "WEBHOOK_ENCODING"),
		set(schema.Field{Name: "prefix", Type: text, Doc: "Of hmac: what stands before the signature, such as sha256="}, "WEBHOOK_PREFIX"),
		set(schema.Field{Name: "timestamp_header", Type: text,
			Doc: "Of hmac: the header with the seconds since 1970 that are signed with the body, as TIMESTAMP.BODY"}, "WEBHOOK_TIMESTAMP_HEADER"),
		set(schema.Field{Name: "tolerance", Type: schema.Type{Kind: schema.KindString, Format: schema.Duration}, Default: `"5m"`,
			Doc: "How far a signed time may be from now, either way"}, "WEBHOOK_TOLERANCE"),
	}
}

// check looks at how the settings go together.
func check(u *schema.Use) []schema.Problem {
	has := func(name string) bool { _, ok := u.Given[name]; return ok }
	if v, given := u.Given["verify"]; given && v == cty.NilVal {
		return nil
	}
	verify := u.Text("verify")
	if verify == "" {
		verify = byStandard
	}
	var out []schema.Problem
	problem := func(setting, format string, args ...any) {
		out = append(out, schema.Problem{Setting: setting, Reason: fmt.Sprintf(format, args...)})
	}
	switch {
	case verify == byNobody:
		out = append(out, schema.Problem{Setting: "verify", Warning: true,
			Reason: "anybody who finds the URL can send these webhooks, and recipes will take them for true."})
		if has("secret") {
			problem("secret", "a secret is of no use where nothing is verified (verify = %q).", byNobody)
		}
	case !has("secret"):
		problem("", "verify = %q needs a secret: secret = env(\"WEBHOOK_SECRET\").", verify)
	case verify == byHMAC && !has("header"):
		problem("verify", "hmac needs the header that holds the signature: header = \"X-Signature\".")
	case verify == byBasic && !has("username"):
		problem("verify", "basic needs a username.")
	}
	for _, name := range []string{"header", "algorithm", "encoding", "prefix", "timestamp_header"} {
		if has(name) && verify != byHMAC {
			problem(name, "%s belongs to verify = %q.", name, byHMAC)
		}
	}
	if has("username") && verify != byBasic {
		problem("username", "a username belongs to verify = %q.", byBasic)
	}
	if has("tolerance") && verify != byStandard && !has("timestamp_header") {
		problem("tolerance", "a tolerance is about a time that is signed, and none is.")
	}
	return out
}

func trigger() *schema.Trigger {
	text := schema.Type{Kind: schema.KindString}
	data := schema.Type{Kind: schema.KindAny}
	return &schema.Trigger{
		Name: "webhook", Service: service, Events: []string{"webhook"}, Payload: schema.NewObject("body"),
		Doc:          "Somebody sent a request to /webhooks/PATH. `trigger` is its body: JSON, or a form",
		ShapeSetting: "body", PathSetting: "path", For: use,
		Settings: schema.NewObject("webhook",
			schema.Field{Name: "path", Type: text, Required: true, Doc: "Where it comes in, below /webhooks/; several recipes may share one", Example: `"shop/orders"`},
			schema.Field{Name: "body", Type: data, Doc: "What the body holds, { name = TYPE }; other fields may be there, too"},
			schema.Field{Name: "method", Type: schema.EnumOf(http.MethodPost, http.MethodPut, http.MethodPatch), Default: `"POST"`, Doc: "The only method that is taken"},
			schema.Field{Name: "event_id", Type: text, Example: `"body.id"`,
				Doc: "What makes two deliveries one event: body.NAME, or header.NAME. Where left out, what the sender signs, or else the body with the headers that name a delivery"},
			schema.Field{Name: "status", Type: schema.Type{Kind: schema.KindNumber, Format: schema.Integer}, Default: "200", Doc: "What the caller is answered once the event is on disk, from 200 to 299"},
			schema.Field{Name: "answer", Type: data, Doc: "The body of that answer, as JSON", Example: `{"ok": true}`},
		),
	}
}

func use(u *schema.Use) schema.TriggerUse {
	out := schema.TriggerUse{Events: []string{u.Text("path")}}
	problem := func(setting, reason string) {
		out.Problems = append(out.Problems, schema.Problem{Setting: setting, Reason: reason})
	}
	switch {
	case u.Shape == nil:
		problem("", "what the body holds is declared: body = { id = string }. An empty one, body = {}, says that it doesn't matter.")
	case u.Shape.Kind != schema.KindObject || u.Shape.Object == nil:
		problem("body", "a body is an object: body = { id = string }.")
	default:
		out.Payload = u.Shape.Object
	}
	if id := u.Text("event_id"); id != "" {
		if kind, name, _ := strings.Cut(id, "."); kind != "body" && kind != "header" || name == "" {
			problem("event_id", fmt.Sprintf("%q is neither body.NAME nor header.NAME.", id))
		}
	}
	if v := u.Given["status"]; v != cty.NilVal && v.Type() == cty.Number {
		if n, _ := v.AsBigFloat().Int64(); n < 200 || n > 299 {
			problem("status", "the caller is answered once the event is on disk, with a status from 200 to 299. Anything else would have it sent again.")
		}
	}
	return out
}

func sample(_, id string, at time.Time) ([]byte, error) {
	return fmt.Appendf(nil, `{"id":%q,"sent_at":%d}`, id, at.Unix()), nil
}
