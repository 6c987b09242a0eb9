package stripe

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

// maxEvent is the largest event that is taken: an invoice of some hundred lines has 300 KB.
const maxEvent = 4 << 20

func (c *catalog) webhook() *connectors.Webhook {
	return &connectors.Webhook{
		Open:          open,
		Sign:          signHeaders,
		Sample:        c.sample,
		Cause:         causeOf,
		Data:          schema.Path{"data", "object"},
		Previous:      schema.Path{"data", "previous_attributes"},
		SecretSetting: settingSecret,
		MaxBody:       maxEvent,
	}
}

// open verifies the signature over the raw body and reads the envelope. Any event type and any API version is taken:
// what no recipe wants costs nothing, and refusing it would have Stripe disable the endpoint.
func open(r *connectors.WebhookRequest) (*connectors.Envelope, error) {
	if err := verify(r.Header, r.Body, secrets(r.Conn), r.Now); err != nil {
		return nil, unverified(err)
	}
	if err := schema.CheckJSON(r.Body, schema.JSONLimits{}); err != nil {
		return nil, refuse("the body is not an event", err.Error())
	}
	e, err := readEnvelope(r.Body)
	if err != nil {
		return nil, err
	}
	if want, err := strconv.ParseBool(r.Conn.Setting(settingLivemode)); err == nil && want != e.Livemode {
		return nil, refuse("the event is of "+mode(e.Livemode)+" mode, and the connection takes only events of "+mode(want)+" mode", "")
	}
	return e, nil
}

// secrets returns the connection's signing secrets. One value may hold several with commas between them, since that is
// how the environment gives a list; no secret of Stripe's holds a comma.
func secrets(c *connectors.Conn) []string {
	var out []string
	for _, value := range c.Settings[settingSecret] {
		for s := range strings.SplitSeq(value, ",") {
			if s = strings.TrimSpace(s); s != "" {
				out = append(out, s)
			}
		}
	}
	return out
}

// unverified returns the refusal of a request whose signature does not hold. Whoever does not know a secret is told the
// same in each case; the log is told which.
func unverified(err error) *connectors.WebhookError {
	switch {
	case errors.Is(err, errNoSecret):
		return &connectors.WebhookError{Status: http.StatusServiceUnavailable,
			Reason: "the connection has no " + settingSecret + ", so that no event can be taken"}
	case errors.Is(err, errTooOld), errors.Is(err, errFromTheFuture):
		// The signature itself held: a replayed delivery, or a clock that is off.
		return &connectors.WebhookError{Status: http.StatusBadRequest, Forged: true, Reason: err.Error(),
			Detail: "it must be at most " + maxAge.String() + " old; check this machine's clock if many are refused"}
	}
	return &connectors.WebhookError{Status: http.StatusBadRequest, Forged: true,
		Reason: "the signature could not be verified", Detail: err.Error()}
}

func refuse(reason, detail string) *connectors.WebhookError {
	return &connectors.WebhookError{Status: http.StatusBadRequest, Reason: reason, Detail: detail}
}

func mode(live bool) string {
	if live {
		return "live"
	}
	return "test"
}

// readEnvelope reads what every event has from a body that CheckJSON has passed.
func readEnvelope(body []byte) (*connectors.Envelope, error) {
	var object, id, typ, created, account, version, livemode, data []byte
	err := schema.Members(body, func(name string, value []byte) bool {
		switch name {
		case "object":
			object = value
		case "id":
			id = value
		case "type":
			typ = value
		case "created":
			created = value
		case "account":
			account = value
		case "api_version":
			version = value
		case "livemode":
			livemode = value
		case "data":
			data = value
		}
		return true
	})
	if err != nil {
		return nil, refuse("the body is not an event", err.Error())
	}
	switch kind, _ := schema.StringOf(object); {
	case kind == "v2.core.event":
		return nil, refuse("thin events are not taken: create the endpoint for snapshot events of API version "+APIVersion, "")
	case object != nil && kind != "event":
		return nil, refuse("the body is not an event", "object is not \"event\"")
	}
	e := &connectors.Envelope{}
	var ok bool
	if e.ID, ok = schema.StringOf(id); !ok || !word(e.ID, 255, "_-") {
		return nil, refuse("the event has no usable id", "id must be 1 to 255 letters, digits, _ and -")
	}
	if e.Type, ok = schema.StringOf(typ); !ok || !word(e.Type, 128, "_-.") {
		return nil, refuse("the event has no usable type", "type must be 1 to 128 letters, digits, _, - and .")
	}
	seconds, ok := schema.Int64Of(created)
	if !ok || seconds < 0 || seconds > 253402300799 { // the end of the year 9999
		return nil, refuse("the event has no usable time", "created must be seconds since 1970")
	}
	e.Time = time.Unix(seconds, 0).UTC()
	if e.Account, ok = schema.StringOf(account); ok && !word(e.Account, 255, "_-") {
		return nil, refuse("the event's account is not an id", "")
	}
	if e.APIVersion, ok = schema.StringOf(version); ok && !word(e.APIVersion, 64, "_-.") {
		return nil, refuse("the event's api_version is not a version", "")
	}
	e.Livemode, _ = schema.BoolOf(livemode)
	if first(schema.Lookup(data, "object")) != '{' {
		return nil, refuse("the event carries no object", "data.object must be an object")
	}
	return e, nil
}

// word reports whether s is 1 to limit ASCII letters, digits and characters of also.
func word(s string, limit int, also string) bool {
	if s == "" || len(s) > limit {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || strings.IndexByte(also, c) >= 0 {
			continue
		}
		return false
	}
	return true
}

func first(raw []byte) byte {
	if len(raw) == 0 {
		return 0
	}
	return raw[0]
}

// causeOf returns the idempotency key of the request that led to an event. Events of old API versions name the request
// only.
func causeOf(body []byte) string {
	key, _ := schema.StringOf(schema.Lookup(body, "request", "idempotency_key"))
	return key
}
