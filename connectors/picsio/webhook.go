package picsio

// Webhooks. Pics.io sends an Event object to as many URLs as one likes, for the events that are chosen for each, and its
// pages tell neither a signature nor what the object holds. So the URL says what the body may not: the secret, as
// ?token=, and, where the body names no type, the type, as &event=. An event whose body has its facts in data keeps it; of
// another the whole body becomes data.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

// longest is how long an event's id and type may be.
const longest = 255

// kinds are the events that the vendor's help names, each with what it tells of the asset. How webhooks spell them is
// not confirmed: what is compared is read past case, dots and hyphens.
func kinds() [][2]string {
	return [][2]string{
		{"asset_uploaded", "An asset was uploaded"},
		{"asset_approved", "An asset was approved"},
		{"asset_assigned", "An asset was assigned to a teammate"},
	}
}

func triggers() []*schema.Trigger {
	var out []*schema.Trigger
	var types []string
	none := schema.NewObject("settings")
	for _, k := range kinds() {
		types = append(types, k[0])
		out = append(out, &schema.Trigger{Name: service + "_" + k[0], Service: service, Doc: k[1], Settings: none, Payload: asset(), Events: []string{k[0]}})
	}
	return append(out, &schema.Trigger{
		Name: service + "_event", Service: service, Doc: "Any event that Pics.io sends, or those whose types are listed",
		Settings: schema.NewObject("settings", schema.Field{Name: "types", Type: schema.EnumOf(types...).ListOf(),
			Doc: "The types of event", Example: `["asset_uploaded"]`}),
		Payload: asset(), Events: []string{"*"}, TypesSetting: "types", KnownTypes: types,
		PayloadFor: func([]string) *schema.Object { return asset() },
	})
}

// asset is what an event carries. The names are those of assets in the API; that events have them, too, is not confirmed.
func asset() *schema.Object {
	o := schema.NewObject("asset",
		shown("_id", "Id of the asset", `"58dd4ac1e5d0d4d4a4b7a6e5"`),
		shown("name", "Name of the asset", `"beach.jpg"`),
		schema.Field{Name: "fileSize", Type: schema.Type{Kind: schema.KindNumber}, Nullable: true, Doc: "Size of its file, in bytes", Example: "482133"},
		shown("storageId", "Id of the file in the storage", `"1AbCdEfGh"`),
	)
	o.Open = true
	return o
}

func shown(name, doc, example string) schema.Field {
	f := loose(name, doc)
	f.Example = example
	return f
}

func webhook() *connectors.Webhook {
	return &connectors.Webhook{
		Open:          open,
		Data:          schema.Path{"data"},
		SecretSetting: "webhook_secret",
		Unbound:       true,
		Sign: func(_ []byte, secret string, _ time.Time) http.Header {
			return http.Header{"Authorization": {"Bearer " + secret}}
		},
		Sample: func(eventType, id string, at time.Time) ([]byte, error) {
			return connectors.SampleEvent(triggers(), eventType, id, at)
		},
	}
}

// open verifies a webhook and brings it into one form: {id, type, created, data}.
func open(r *connectors.WebhookRequest) (*connectors.Envelope, error) {
	if !connectors.Matches(r.Token(), r.Secrets("webhook_secret")) {
		return nil, connectors.Forged("the token is not right")
	}
	if err := schema.CheckJSON(r.Body, schema.JSONLimits{}); err != nil {
		return nil, &connectors.WebhookError{Reason: "the body is not JSON: " + err.Error()}
	}
	body := bytes.TrimSpace(r.Body)
	if len(body) == 0 || body[0] != '{' {
		return nil, &connectors.WebhookError{Reason: "the body must be a JSON object"}
	}
	env := &connectors.Envelope{Type: eventType(r.Query.Get("event")), Time: r.Now, Livemode: true}
	data := schema.Lookup(body, "data")
	wrapped := len(data) > 0 && data[0] == '{'
	for _, name := range []string{"type", "event", "eventType"} {
		if word, ok := schema.StringOf(schema.Lookup(body, name)); ok && env.Type == "" {
			env.Type = eventType(word)
		}
	}
	if env.Type == "" || len(env.Type) > longest {
		return nil, &connectors.WebhookError{Reason: "the body names no type of event; add &event=TYPE to the URL"}
	}
	if seconds, ok := schema.Int64Of(schema.Lookup(body, "created")); ok && seconds > 0 {
		env.Time = time.Unix(seconds, 0)
	}
	// An id beside the data is the event's. One in a body that is the asset itself is the asset's, and would make
	// two events of it one.
	for _, name := range []string{"id", "_id"} {
		if id, ok := schema.StringOf(schema.Lookup(body, name)); ok && wrapped && env.ID == "" && len(id) <= longest {
			env.ID = id
		}
	}
	if env.ID == "" {
		env.ID = r.DeliveryID(time.Time{}, false)
	}
	if wrapped {
		return env, nil
	}
	payload, err := json.Marshal(struct {
		ID      string          `json:"id"`
		Type    string          `json:"type"`
		Created int64           `json:"created"`
		Data    json.RawMessage `json:"data"`
	}{env.ID, env.Type, env.Time.Unix(), body})
	if err != nil {
		return nil, fmt.Errorf("wrapping the body: %w", err)
	}
	if err := schema.CheckJSON(payload, schema.JSONLimits{}); err != nil { // one level deeper than it came
		return nil, &connectors.WebhookError{Reason: "the body is nested too deeply"}
	}
	env.Payload = string(payload)
	return env, nil
}

// eventType brings the spellings of a type into one: "assetUploaded", "asset.uploaded" and "Asset uploaded" are
// asset_uploaded.
func eventType(word string) string {
	var b strings.Builder
	gap := true
	for _, r := range strings.TrimSpace(word) {
		switch {
		case unicode.IsUpper(r):
			if !gap && b.Len() > 0 {
				b.WriteByte('_')
			}
			b.WriteRune(unicode.ToLower(r))
			gap = true // of several capitals only the first begins a word
		case unicode.IsLetter(r), unicode.IsDigit(r):
			b.WriteRune(r)
			gap = false
		default:
			if b.Len() > 0 && !strings.HasSuffix(b.String(), "_") {
				b.WriteByte('_')
			}
			gap = true
		}
	}
	return strings.TrimSuffix(b.String(), "_")
}
