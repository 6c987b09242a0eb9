package connectors

// What webhooks are verified with that more than one service has: secrets that are being replaced, a secret that stands
// in the URL because the sender can be told nothing else, a signature of the usual kind. Whatever is compared is compared
// in constant time, here and nowhere else.

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/flowrun/flowrun/lang/schema"
)

// Secrets returns the secrets that a setting of the connection holds: several while one is replaced, as a list or with
// commas between them.
func (r *WebhookRequest) Secrets(setting string) []string {
	var out []string
	for _, s := range r.Conn.Settings[setting] {
		for part := range strings.SplitSeq(s, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

// Token returns the secret that a sender which signs nothing repeats: its bearer token, or else what the URL says after
// ?token=. It is empty where there is neither.
func (r *WebhookRequest) Token() string {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return token
	}
	return r.Query.Get("token")
}

// Matches reports whether given is one of the secrets, in a time that tells nothing of either, not even the length.
func Matches(given string, secrets []string) bool {
	match := 0
	x := sha256.Sum256([]byte(given))
	for _, s := range secrets {
		y := sha256.Sum256([]byte(s))
		match |= subtle.ConstantTimeCompare(x[:], y[:])
	}
	return match == 1 && given != ""
}

// DeliveryID makes an event's id where the body has none that can be trusted. at is when it was signed, zero where that
// is not told. Of a sealed body, one that only who knows the secret can have made, the body itself is the name; of others
// the headers that name a delivery count, too, and where there are none nothing tells a repeat from another event with
// the same body: both count.
func (r *WebhookRequest) DeliveryID(at time.Time, sealed bool) string {
	h := sha256.New()
	h.Write(r.Body)
	if !at.IsZero() {
		h.Write([]byte(strconv.FormatInt(at.Unix(), 10)))
	}
	if !sealed {
		named := false
		for _, name := range []string{"Webhook-Id", "Idempotency-Key", "X-Request-Id", "X-Event-Id", "X-Github-Delivery"} {
			if v := r.Header.Get(name); v != "" {
				named = true
				h.Write([]byte("\x00" + name + "\x00" + v))
			}
		}
		if !named {
			h.Write([]byte(rand.Text()))
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:20])
}

// Forged returns the refusal of a webhook that does not prove where it comes from.
func Forged(reason string) *WebhookError {
	return &WebhookError{Status: http.StatusUnauthorized, Reason: reason, Forged: true}
}

// HMACWebhook is the webhook of a vendor that does the usual: the body is {id, type, created, data}, with created in
// seconds since 1970, and a header holds the HMAC-SHA256 of the body in hex, under a secret that the setting holds. What
// a trigger's payload describes is data. The signature covers no time of its own, so that an old delivery can be
// repeated by who saw it; it is then the same event.
func HMACWebhook(header, secretSetting string, triggers []*schema.Trigger) *Webhook {
	sign := func(body []byte, secret string) string {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		return hex.EncodeToString(mac.Sum(nil))
	}
	return &Webhook{
		SecretSetting: secretSetting,
		Data:          schema.Path{"data"},
		Open: func(r *WebhookRequest) (*Envelope, error) {
			var wanted []string
			for _, s := range r.Secrets(secretSetting) {
				wanted = append(wanted, sign(r.Body, s))
			}
			if !Matches(r.Header.Get(header), wanted) {
				return nil, Forged("the signature does not match")
			}
			return readEnvelope(r.Body)
		},
		Sign: func(body []byte, secret string, _ time.Time) http.Header {
			h := http.Header{}
			h.Set(header, sign(body, secret))
			return h
		},
		Sample: func(eventType, id string, at time.Time) ([]byte, error) {
			return SampleEvent(triggers, eventType, id, at)
		},
	}
}

// readEnvelope reads the body of HMACWebhook.
func readEnvelope(body []byte) (*Envelope, error) {
	if err := schema.CheckJSON(body, schema.JSONLimits{}); err != nil {
		return nil, &WebhookError{Reason: "the body is not JSON: " + err.Error()}
	}
	var env struct {
		ID, Type string
		Created  int64
		Data     json.RawMessage
	}
	if err := json.Unmarshal(body, &env); err != nil || env.ID == "" || env.Type == "" || len(env.Data) == 0 {
		return nil, &WebhookError{Reason: "the body must be an object with id, type, created and data"}
	}
	return &Envelope{ID: env.ID, Type: env.Type, Time: time.Unix(env.Created, 0), Livemode: true}, nil
}

// SampleEvent makes the body {id, type, created, data} of a type that one of the triggers is fired by.
func SampleEvent(triggers []*schema.Trigger, eventType, id string, at time.Time) ([]byte, error) {
	for _, t := range triggers {
		for _, typ := range t.Events {
			if typ == eventType {
				return fmt.Appendf(nil, `{"id":%q,"type":%q,"created":%d,"data":%s}`, id, typ, at.Unix(), t.Payload.Sample(id)), nil
			}
		}
	}
	return nil, fmt.Errorf("there is no event %q", eventType)
}
