package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"hash"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

const (
	defaultTolerance = 5 * time.Minute
	longestID        = 255
	mostSignatures   = 16
)

// proof is what a webhook that verified said of itself, signed.
type proof struct {
	id string    // of the delivery; empty where none is signed
	at time.Time // zero where none is signed

	// sealed says that a repeat of old with another look could not be made by one who only listened.
	sealed bool
}

// open verifies a webhook and reads it.
func open(r *connectors.WebhookRequest) (*connectors.Envelope, error) {
	p, err := verify(r)
	if err != nil {
		return nil, err
	}
	payload := r.Body
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" {
		if payload, err = formBody(r.Body); err != nil {
			return nil, &connectors.WebhookError{Reason: "the form can't be read"}
		}
	}
	if err := schema.CheckJSON(payload, schema.JSONLimits{}); err != nil {
		return nil, &connectors.WebhookError{Reason: "the body is not JSON: " + err.Error()}
	}
	if trimmed := bytes.TrimSpace(payload); len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, &connectors.WebhookError{Reason: "the body must be a JSON object"}
	}
	env := &connectors.Envelope{Type: r.Path, Time: r.Now, Livemode: true}
	if env.Type == "" {
		env.Type = service
	}
	if !p.at.IsZero() {
		env.Time = p.at
	}
	if env.ID, err = eventID(r, p, payload); err != nil {
		return nil, err
	}
	if len(payload) != len(r.Body) || &payload[0] != &r.Body[0] {
		env.Payload = string(payload)
	}
	return env, nil
}

// eventID is what makes two deliveries one event. It begins with the path, since several share a connection.
func eventID(r *connectors.WebhookRequest, p proof, payload []byte) (string, error) {
	u := schema.Use{Given: r.Settings}
	var id string
	if from := u.Text("event_id"); from != "" {
		switch kind, name, _ := strings.Cut(from, "."); kind {
		case "header":
			id = r.Header.Get(name)
		default:
			raw := schema.Lookup(payload, strings.Split(name, ".")...)
			if s, ok := schema.StringOf(raw); ok {
				id = s
			} else if n, ok := schema.Int64Of(raw); ok {
				id = strconv.FormatInt(n, 10)
			}
		}
		if id == "" || len(id) > longestID {
			return "", &connectors.WebhookError{Reason: "there is no event id at " + from}
		}
		return join(r.Path, id), nil
	}
	if p.id != "" {
		return join(r.Path, p.id), nil
	}
	return join(r.Path, r.DeliveryID(p.at, p.sealed)), nil
}

func join(path, id string) string {
	if path == "" {
		return id
	}
	return path + ":" + id
}

// formBody makes JSON of a form: a field that occurs once is a string, one that occurs more often a list.
func formBody(body []byte) ([]byte, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for name, v := range values {
		if out[name] = v[0]; len(v) > 1 {
			out[name] = v
		}
	}
	return json.Marshal(out)
}

// verify holds the request against the connection's secrets, each in constant time.
func verify(r *connectors.WebhookRequest) (proof, error) {
	how := r.Conn.Setting("verify")
	if how == "" {
		how = byStandard
	}
	if how == byNobody {
		return proof{}, nil
	}
	secrets := r.Secrets("secret")
	if len(secrets) == 0 {
		return proof{}, &connectors.WebhookError{Status: http.StatusServiceUnavailable, Reason: "webhooks can't be verified here: there is no secret", Forged: true}
	}
	switch how {
	case byStandard:
		return verifyStandard(r, secrets)
	case byHMAC:
		return verifyHMAC(r, secrets)
	case byBasic:
		user, password, ok := parseBasic(r.Header)
		known, matches := connectors.Matches(user, []string{r.Conn.Setting("username")}), connectors.Matches(password, secrets)
		if !ok || !known || !matches {
			return proof{}, connectors.Forged("the user name or the password is not right")
		}
		return proof{}, nil
	case byBearer:
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || !connectors.Matches(token, secrets) {
			return proof{}, connectors.Forged("the token is not right")
		}
		return proof{}, nil
	case byURL:
		if !connectors.Matches(r.Token(), secrets) {
			return proof{}, connectors.Forged("the token is not right")
		}
		return proof{}, nil
	}
	return proof{}, &connectors.WebhookError{Status: http.StatusServiceUnavailable, Reason: "webhooks can't be verified here", Detail: "verify is " + how}
}

func parseBasic(h http.Header) (user, password string, ok bool) {
	r := http.Request{Header: h}
	return r.BasicAuth()
}

// within checks a signed time against the clock.
func within(r *connectors.WebhookRequest, text string) (time.Time, error) {
	tolerance := defaultTolerance
	if d, err := schema.ParseDuration(r.Conn.Setting("tolerance")); err == nil && d > 0 {
		tolerance = d
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || len(text) > 12 {
		return time.Time{}, connectors.Forged("the signed time is not a number of seconds")
	}
	at := time.Unix(n, 0)
	if off := r.Now.Sub(at); off > tolerance || off < -tolerance {
		return time.Time{}, connectors.Forged("the signed time is too far from now")
	}
	return at, nil
}

// verifyStandard follows the Standard Webhooks: v1 signatures over ID.TIMESTAMP.BODY.
func verifyStandard(r *connectors.WebhookRequest, secrets []string) (proof, error) {
	head := func(name string) string {
		if v := r.Header.Get("Webhook-" + name); v != "" {
			return v
		}
		return r.Header.Get("Svix-" + name)
	}
	id, stamp, signatures := head("Id"), head("Timestamp"), head("Signature")
	if id == "" || stamp == "" || signatures == "" || len(id) > longestID {
		return proof{}, connectors.Forged("webhook-id, webhook-timestamp and webhook-signature must be there")
	}
	at, err := within(r, stamp)
	if err != nil {
		return proof{}, err
	}
	given := strings.Fields(signatures)
	if len(given) > mostSignatures {
		given = given[:mostSignatures]
	}
	match := 0
	for _, s := range secrets {
		want := standardSignature(s, id, stamp, r.Body)
		for _, g := range given {
			if want != "" {
				match |= subtle.ConstantTimeCompare([]byte(g), []byte(want))
			}
		}
	}
	if match != 1 {
		return proof{}, connectors.Forged("the signature does not match")
	}
	return proof{id: id, at: at, sealed: true}, nil
}

// standardSignature returns "" for a secret that is none.
func standardSignature(secret, id, stamp string, body []byte) string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) == 0 {
		key = []byte(secret) // one that was made up is taken as it is
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// verifyHMAC verifies a signature in a header.
func verifyHMAC(r *connectors.WebhookRequest, secrets []string) (proof, error) {
	name := r.Conn.Setting("header")
	given := r.Header.Get(name)
	if name == "" || given == "" {
		return proof{}, connectors.Forged("there is no signature")
	}
	given, ok := strings.CutPrefix(given, r.Conn.Setting("prefix"))
	if !ok {
		return proof{}, connectors.Forged("the signature is not of the expected form")
	}
	p := proof{sealed: true}
	var stamp string
	if header := r.Conn.Setting("timestamp_header"); header != "" {
		stamp = r.Header.Get(header)
		at, err := within(r, stamp)
		if err != nil {
			return proof{}, err
		}
		p.at = at
	}
	match := 0
	for _, s := range secrets {
		match |= subtle.ConstantTimeCompare([]byte(given), []byte(signature(r.Conn, s, stamp, r.Body)))
	}
	if match != 1 {
		return proof{}, connectors.Forged("the signature does not match")
	}
	return p, nil
}

// signature is what a sender with the secret writes, without the prefix.
func signature(conn *connectors.Conn, secret, stamp string, body []byte) string {
	sum := map[string]func() hash.Hash{"sha512": sha512.New, "sha1": sha1.New}[conn.Setting("algorithm")]
	if sum == nil {
		sum = sha256.New
	}
	mac := hmac.New(sum, []byte(secret))
	if stamp != "" {
		mac.Write([]byte(stamp + "."))
	}
	mac.Write(body)
	if conn.Setting("encoding") == "base64" {
		return base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// sign signs as Standard Webhooks do, with the id that the body holds, if any.
func sign(body []byte, secret string, at time.Time) http.Header {
	id, ok := schema.StringOf(schema.Lookup(body, "id"))
	if !ok || id == "" || len(id) > longestID {
		sum := sha256.Sum256(body)
		id = "msg_" + hex.EncodeToString(sum[:12])
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	h := http.Header{}
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", stamp)
	h.Set("Webhook-Signature", standardSignature(secret, id, stamp, body))
	return h
}

// Sign returns the headers with which a sender proves itself to a connection, for samples.
func Sign(conn *connectors.Conn, body []byte, secret string, at time.Time) http.Header {
	h := http.Header{}
	switch conn.Setting("verify") {
	case byHMAC:
		stamp := ""
		if name := conn.Setting("timestamp_header"); name != "" {
			stamp = strconv.FormatInt(at.Unix(), 10)
			h.Set(name, stamp)
		}
		h.Set(conn.Setting("header"), conn.Setting("prefix")+signature(conn, secret, stamp, body))
	case byBasic:
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(conn.Setting("username")+":"+secret)))
	case byBearer, byURL:
		h.Set("Authorization", "Bearer "+secret)
	case byNobody:
	default:
		return sign(body, secret, at)
	}
	return h
}
