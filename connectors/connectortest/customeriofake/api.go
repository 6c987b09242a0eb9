package customeriofake

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"net/mail"
	"net/url"
	"strings"

	"github.com/oklog/ulid/v2"
)

// The vendor's limits, in bytes. They are written here a second time on purpose: a fake that shared them with the
// connector could not tell when the connector has one wrong.
const (
	maxRequest    = 2 << 20
	maxID         = 150
	maxAttributes = 300
	maxAttrName   = 150
	maxAttrValue  = 1000
	maxEventName  = 100
	maxEventData  = 100_000
	maxRecipients = 15
)

// dispatch finds the endpoint and lets it act. Paths are taken apart while encoded, so that an encoded slash stays part
// of an identifier.
func (f *Fake) dispatch(r *http.Request, raw []byte) answer {
	parts := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	track := len(parts) > 1 && parts[0] == "api" && parts[1] == "v1"
	switch {
	case track && !f.trackAuth(r):
		return refuse(http.StatusUnauthorized, "Unauthorized request")
	case !track && !f.appAuth(r):
		return refuseApp(http.StatusUnauthorized, "Unauthorized request")
	}
	var identifier string
	if track && len(parts) >= 4 && parts[2] == "customers" {
		var err error
		if identifier, err = url.PathUnescape(parts[3]); err != nil || identifier == "" || len(identifier) > maxID+len("cio_") {
			return refuse(http.StatusBadRequest, "invalid identifier")
		}
		parts[3] = "*"
	}
	switch r.Method + " " + strings.Join(parts, "/") {
	case "PUT api/v1/customers/*":
		return f.identify(identifier, raw)
	case "DELETE api/v1/customers/*":
		return f.delete(identifier)
	case "POST api/v1/customers/*/events", "POST api/v1/events":
		return f.track(identifier, raw)
	case "GET api/v1/accounts/region":
		return ok(map[string]any{"url": "http://" + r.Host, "data_center": "us", "region": "us", "environment_id": 1})
	case "POST v1/send/email":
		return f.sendEmail(raw)
	}
	if track {
		return refuse(http.StatusNotFound, "no such endpoint")
	}
	return refuseApp(http.StatusNotFound, "no such endpoint")
}

func (f *Fake) trackAuth(r *http.Request) bool {
	site, key, given := r.BasicAuth()
	if f.opts.SiteID == "" && f.opts.APIKey == "" {
		return given
	}
	return given && same(site, f.opts.SiteID) && same(key, f.opts.APIKey)
}

func (f *Fake) appAuth(r *http.Request) bool {
	key, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if f.opts.AppKey == "" {
		return given && key != ""
	}
	return given && same(key, f.opts.AppKey)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// object decodes a body that must be a JSON object; numbers keep their digits.
func object(raw []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil || m == nil {
		return nil, fmt.Errorf("body is not a JSON object")
	}
	return m, nil
}

func (f *Fake) identify(identifier string, raw []byte) answer {
	attrs, err := object(raw)
	if err != nil {
		return refuse(http.StatusBadRequest, "%v", err)
	}
	update, _ := attrs["_update"].(bool)
	delete(attrs, "_update")
	delete(attrs, "_timestamp")
	if len(attrs) > maxAttributes {
		return refuse(http.StatusBadRequest, "too many attributes")
	}
	for name, v := range attrs {
		if len(name) > maxAttrName {
			return refuse(http.StatusBadRequest, "attribute name is too long")
		}
		if s, isText := v.(string); isText && len(s) > maxAttrValue {
			return refuse(http.StatusBadRequest, "attribute value is too long: %s", name)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.people[fold(identifier)]
	if p == nil {
		if update {
			return ok(struct{}{}) // the vendor, too, says nothing of a person who isn't there
		}
		p = &Person{Identifier: identifier, Attributes: map[string]any{}}
		f.people[fold(identifier)] = p
	}
	for name, v := range attrs {
		if v == nil || v == "" {
			delete(p.Attributes, name)
			continue
		}
		p.Attributes[name] = v
	}
	return ok(struct{}{})
}

func (f *Fake) delete(identifier string) answer {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.people, fold(identifier))
	f.deleted = append(f.deleted, identifier)
	return ok(struct{}{})
}

func (f *Fake) track(identifier string, raw []byte) answer {
	body, err := object(raw)
	if err != nil {
		return refuse(http.StatusBadRequest, "%v", err)
	}
	e := Event{Identifier: identifier}
	e.Name, _ = body["name"].(string)
	e.Name = strings.TrimSpace(e.Name)
	e.AnonymousID, _ = body["anonymous_id"].(string)
	e.ID, _ = body["id"].(string)
	e.Type, _ = body["type"].(string)
	if e.Type == "" {
		e.Type = "event"
	}
	if e.Name == "" || len(e.Name) > maxEventName {
		return refuse(http.StatusBadRequest, "event name is missing or too long")
	}
	if e.ID != "" {
		if _, err := ulid.ParseStrict(e.ID); err != nil {
			return refuse(http.StatusBadRequest, "id is not a ULID")
		}
	}
	e.Timestamp = f.opts.Now().Unix()
	if n, given := body["timestamp"]; given {
		number, _ := n.(json.Number)
		if e.Timestamp, err = number.Int64(); err != nil {
			return refuse(http.StatusBadRequest, "timestamp is not a number of seconds")
		}
	}
	if data, given := body["data"]; given {
		var isObject bool
		if e.Data, isObject = data.(map[string]any); !isObject {
			return refuse(http.StatusBadRequest, "data is not an object")
		}
		if encoded, _ := json.Marshal(data); len(encoded) > maxEventData {
			return refuse(http.StatusBadRequest, "data is too large")
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if e.ID != "" && f.seen[e.ID] {
		f.duplicates++
		return ok(struct{}{})
	}
	if e.ID != "" {
		f.seen[e.ID] = true
	}
	if identifier != "" && f.people[fold(identifier)] == nil {
		// An event makes the person it names.
		f.people[fold(identifier)] = &Person{Identifier: identifier, Attributes: map[string]any{}}
	}
	f.events = append(f.events, e)
	return ok(struct{}{})
}

func (f *Fake) sendEmail(raw []byte) answer {
	body, err := object(raw)
	if err != nil {
		return refuseApp(http.StatusBadRequest, "%v", err)
	}
	text := func(name string) string { s, _ := body[name].(string); return s }
	if text("to") == "" {
		return refuseApp(http.StatusBadRequest, `"to" is required`)
	}
	who, _ := body["identifiers"].(map[string]any)
	if len(who) != 1 || who["id"] == nil && who["email"] == nil && who["cio_id"] == nil {
		return refuseApp(http.StatusBadRequest, `"identifiers" needs exactly one of id, email, cio_id`)
	}
	_, byNumber := body["transactional_message_id"].(json.Number)
	if !byNumber && text("transactional_message_id") == "" && (text("body") == "" || text("subject") == "" || text("from") == "") {
		return refuseApp(http.StatusBadRequest, `"transactional_message_id" or "body", "subject" and "from" are required`)
	}
	n := 0
	for _, name := range []string{"to", "cc", "bcc"} {
		list, err := mail.ParseAddressList(text(name))
		if err != nil && text(name) != "" {
			return refuseApp(http.StatusBadRequest, "%q holds no valid address", name)
		}
		n += len(list)
	}
	if n > maxRecipients {
		return refuseApp(http.StatusBadRequest, "too many recipients")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	e := Email{DeliveryID: fmt.Sprintf("fake-delivery-%d", len(f.emails)+1), QueuedAt: f.opts.Now().Unix(), Body: body}
	f.emails = append(f.emails, e)
	return ok(map[string]any{"delivery_id": e.DeliveryID, "queued_at": e.QueuedAt})
}

// fold makes e-mail addresses equal whatever their case, as the vendor does; ids keep theirs.
func fold(identifier string) string {
	if strings.Contains(identifier, "@") {
		return strings.ToLower(identifier)
	}
	return identifier
}
