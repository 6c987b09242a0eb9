package customerio

// A delivery that is refused does harm: for most statuses Customer.io stops for an hour, and it holds back every later
// event until the refused one is taken or seven days are over. So nothing is refused that the signature shows to be
// theirs, unless it is no JSON at all: what lacks an id or a type gets one here, and a recipe that reads what is
// missing says so.

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

const settingSigningKey = "webhook_signing_key"

// maxEvent is the largest event that is taken; one that includes the text of its message can be long.
const maxEvent = 4 << 20

// unknownType is the type of an event that does not say what it is.
const unknownType = "unknown"

func (c *catalog) webhook() *connectors.Webhook {
	return &connectors.Webhook{
		Open:          open,
		Sign:          signHeaders,
		Sample:        c.sample,
		Data:          schema.Path{"data"},
		SecretSetting: settingSigningKey,
		MaxBody:       maxEvent,
		Busy:          http.StatusServiceUnavailable, // 429 is one of the statuses that make the vendor stop for an hour
	}
}

func open(r *connectors.WebhookRequest) (*connectors.Envelope, error) {
	at, err := verify(r.Header, r.Body, signingKeys(r.Conn), r.Now)
	if err != nil {
		return nil, unverified(err)
	}
	if err := schema.CheckJSON(r.Body, schema.JSONLimits{}); err != nil {
		return nil, &connectors.WebhookError{Status: http.StatusUnprocessableEntity, Reason: "the body is not JSON", Detail: err.Error()}
	}
	return envelope(r.Body, at), nil
}

// signingKeys returns the connection's signing keys. One value may hold several with commas between them, since that is
// how the environment gives a list.
func signingKeys(c *connectors.Conn) []string {
	var out []string
	for _, value := range c.Settings[settingSigningKey] {
		for s := range strings.SplitSeq(value, ",") {
			if s = strings.TrimSpace(s); s != "" {
				out = append(out, s)
			}
		}
	}
	return out
}

// unverified returns the refusal of a request whose signature does not hold. Whoever does not know a key is told the
// same in each case; the log is told which.
func unverified(err error) *connectors.WebhookError {
	switch {
	case errors.Is(err, errNoSecret):
		return &connectors.WebhookError{Status: http.StatusServiceUnavailable,
			Reason: "the connection has no " + settingSigningKey + ", so that no event can be taken"}
	case errors.Is(err, errTooOld), errors.Is(err, errFromTheFuture):
		return &connectors.WebhookError{Status: http.StatusBadRequest, Forged: true, Reason: err.Error(),
			Detail: "it must be at most " + maxAge.String() + " old; check this machine's clock if many are refused"}
	}
	return &connectors.WebhookError{Status: http.StatusBadRequest, Forged: true,
		Reason: "the signature could not be verified", Detail: err.Error()}
}

// envelope reads what every event has from a body that CheckJSON has passed; signed is when it was sent.
func envelope(body []byte, signed time.Time) *connectors.Envelope {
	var id, object, misspelt, metric, timestamp, data []byte
	// What is no object has no members, and becomes an event of unknown type.
	_ = schema.Members(body, func(name string, value []byte) bool {
		switch name {
		case "event_id":
			id = value
		case "object_type":
			object = value
		case "object_type_type": // so the vendor's description of one event has it
			misspelt = value
		case "metric":
			metric = value
		case "timestamp":
			timestamp = value
		case "data":
			data = value
		}
		return true
	})
	e := &connectors.Envelope{Time: signed, Livemode: true}
	if n, ok := schema.Int64Of(timestamp); ok && n > 0 && n < lastSecond {
		e.Time = time.Unix(n, 0).UTC()
	}
	var ok bool
	if e.ID, ok = schema.StringOf(id); !ok || !word(e.ID) {
		// The same delivery tried again has the same body.
		sum := sha256.Sum256(body)
		e.ID = "sha256-" + hex.EncodeToString(sum[:16])
	}
	if object == nil {
		object = misspelt
	}
	kind, _ := schema.StringOf(object)
	what, _ := schema.StringOf(metric)
	e.Type = typeOf(kind, what, data)
	return e
}

// typeOf returns an event's type by the vendor's list. What happens to a person comes under the channel of the message
// that made them do it, where there was one: only email_unsubscribed is a type of its own, and it tells its recipient.
func typeOf(object, metric string, data []byte) string {
	switch metric {
	case "subscribed":
		return "customer_subscribed"
	case "unsubscribed":
		if object != "email" || schema.Lookup(data, "recipient") == nil && schema.Lookup(data, "email_address") != nil {
			return "customer_unsubscribed"
		}
	case preferencesChanged, "cio_" + preferencesChanged:
		return "customer_" + preferencesChanged
	}
	if name := object + "_" + metric; word(object) && word(metric) {
		return name
	}
	return unknownType
}

// word reports whether s is 1 to 64 ASCII letters, digits, _ and -.
func word(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			continue
		}
		return false
	}
	return true
}

// sample makes an event of the type as the raw body of a webhook: what a campaign's message would bring about. The same
// arguments give the same bytes.
func (c *catalog) sample(eventType, id string, at time.Time) ([]byte, error) {
	for _, e := range c.events {
		if e.name() != eventType {
			continue
		}
		metric := e.metric
		if metric == preferencesChanged {
			metric = "cio_" + metric
		}
		return json.MarshalIndent(struct {
			ID        string                     `json:"event_id"`
			Object    string                     `json:"object_type"`
			Metric    string                     `json:"metric"`
			Timestamp int64                      `json:"timestamp"`
			Data      map[string]json.RawMessage `json:"data"`
		}{id, e.object, metric, at.Unix(), e.sampleData()}, "", "  ")
	}
	return nil, fmt.Errorf("there is no event type %q at Customer.io", eventType)
}

func (e event) sampleData() map[string]json.RawMessage {
	data := map[string]json.RawMessage{}
	for _, f := range e.payload().Fields() {
		switch f.Name {
		case "content", "headers", "broadcast_id", "trigger_id", "newsletter_id", "content_id", "transactional_message_id", "parent_action_id":
			continue // of other messages, or only where the webhook is set up so
		case "delivery_id", "campaign_id", "action_id", "journey_id", "trigger_event_id":
			if e.object == "customer" {
				continue
			}
		case "identifiers":
			data[f.Name] = json.RawMessage(`{"id": "cus_123", "email": "jo@example.com", "cio_id": "d9c106000001"}`)
			continue
		}
		data[f.Name] = json.RawMessage(f.Example)
	}
	return data
}
