package customeriofake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// appAPI answers for the App API.
func (f *Fake) appAPI(r *http.Request, parts []string, raw []byte) answer {
	if len(parts) < 2 || parts[0] != "v1" {
		return refuseApp(http.StatusNotFound, "no such endpoint")
	}
	query := r.URL.Query()
	switch {
	case len(parts) == 3 && parts[1] == "send" && r.Method == http.MethodPost:
		return f.send(parts[2], raw)
	case len(parts) == 4 && parts[1] == "campaigns" && parts[3] == "triggers" && r.Method == http.MethodPost:
		return f.broadcast(parts[2], raw)
	case len(parts) == 2 && parts[1] == "customers" && r.Method == http.MethodGet:
		return f.find(query.Get("email"))
	case len(parts) == 4 && parts[1] == "customers" && r.Method == http.MethodGet:
		return f.profile(parts[2], query.Get("id_type"), parts[3])
	case parts[1] == "reporting_webhooks" && len(parts) <= 3:
		return f.reporting(r.Method, parts[2:], raw)
	}
	return refuseApp(http.StatusNotFound, "no such endpoint")
}

func (f *Fake) send(channel string, raw []byte) answer {
	if !slices.Contains([]string{"email", "push", "sms", "in_app", "inbox_message"}, channel) {
		return refuseApp(http.StatusNotFound, "no such endpoint")
	}
	body, err := object(raw)
	if err != nil {
		return refuseApp(http.StatusBadRequest, "%v", err)
	}
	if why := checkMessage(channel, body); why != "" {
		return refuseApp(http.StatusBadRequest, "%s", why)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	m := Email{Channel: channel, DeliveryID: fmt.Sprintf("fake-delivery-%d", len(f.messages)+1), QueuedAt: f.opts.Now().Unix(), Body: body}
	f.messages = append(f.messages, m)
	return ok(map[string]any{"delivery_id": m.DeliveryID, "queued_at": m.QueuedAt})
}

// checkMessage returns why a message is refused, or "".
func checkMessage(channel string, body map[string]any) string {
	text := func(name string) string { s, _ := body[name].(string); return s }
	if text("to") == "" && (channel == "email" || channel == "sms") {
		return `"to" is required`
	}
	who, _ := body["identifiers"].(map[string]any)
	if len(who) != 1 || who["id"] == nil && who["email"] == nil && who["cio_id"] == nil {
		return `"identifiers" needs exactly one of id, email, cio_id`
	}
	_, byNumber := body["transactional_message_id"].(json.Number)
	if !byNumber && text("transactional_message_id") == "" {
		if channel != "email" {
			return `"transactional_message_id" is required`
		}
		if text("body") == "" || text("subject") == "" || text("from") == "" {
			return `"transactional_message_id" or "body", "subject" and "from" are required`
		}
	}
	if channel != "email" {
		return ""
	}
	n := 0
	for _, name := range []string{"to", "cc", "bcc"} {
		list, err := mail.ParseAddressList(text(name))
		if err != nil && text(name) != "" {
			return fmt.Sprintf("%q holds no valid address", name)
		}
		n += len(list)
	}
	if n > maxRecipients {
		return "too many recipients"
	}
	return ""
}

// broadcast starts a broadcast, each at most once in ten seconds.
func (f *Fake) broadcast(number string, raw []byte) answer {
	id, err := strconv.Atoi(number)
	if err != nil || id <= 0 {
		return refuseApp(http.StatusNotFound, "no such broadcast")
	}
	body, err := object(raw)
	if err != nil {
		return refuseApp(http.StatusBadRequest, "%v", err)
	}
	given := 0
	for _, name := range []string{"ids", "emails", "per_user_data", "data_file_url", "recipients"} {
		if body[name] == nil {
			continue
		}
		given++
		if list, isList := body[name].([]any); isList && (len(list) == 0 || len(list) > maxAudience) {
			return refuseApp(http.StatusUnprocessableEntity, "%s must name 1 to %d people", name, maxAudience)
		}
	}
	if given > 1 {
		return refuseApp(http.StatusUnprocessableEntity, "only one of ids, emails, per_user_data, data_file_url and recipients can be given")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.opts.Now()
	if last, before := f.started[id]; before && now.Sub(last) < 10*time.Second {
		return refuseApp(http.StatusTooManyRequests, "a broadcast can be triggered once in 10 seconds")
	}
	f.started[id] = now
	b := Broadcast{BroadcastID: id, ID: len(f.broadcasts) + 1, Body: body}
	f.broadcasts = append(f.broadcasts, b)
	return ok(map[string]any{"id": b.ID})
}

// ids returns what the App API calls the identifiers of a person.
func (p *Person) ids() map[string]any {
	out := map[string]any{"id": nil, "email": nil, "cio_id": p.CioID}
	switch {
	case strings.Contains(p.Identifier, "@"):
		out["email"] = p.Identifier
	case strings.HasPrefix(p.Identifier, "cio_"):
		out["cio_id"] = strings.TrimPrefix(p.Identifier, "cio_")
	case !strings.HasPrefix(p.Identifier, "+"):
		out["id"] = p.Identifier
	}
	if email, given := p.Attributes["email"].(string); given {
		out["email"] = email
	}
	return out
}

// find returns the people of an e-mail address.
func (f *Fake) find(email string) answer {
	f.mu.Lock()
	defer f.mu.Unlock()
	results := []any{}
	for _, p := range f.lookUp("email", email) {
		results = append(results, p.ids())
	}
	return ok(map[string]any{"results": results})
}

// lookUp returns the people with an identifier, in order.
func (f *Fake) lookUp(idType, value string) []*Person {
	var found []*Person
	for _, key := range f.order() {
		if known, _ := f.people[key].ids()[idType].(string); known != "" && fold(known) == fold(value) {
			found = append(found, f.people[key])
		}
	}
	if len(found) == 0 && f.opts.AutoCreate && value != "" && idType != "cio_id" {
		if p := f.makePerson(value); p != nil {
			found = append(found, p)
		}
	}
	return found
}

// order returns the keys of the people, sorted.
func (f *Fake) order() []string {
	keys := make([]string, 0, len(f.people))
	for key := range f.people {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// profile answers what is known of one person.
func (f *Fake) profile(encoded, idType, what string) answer {
	value, err := url.PathUnescape(encoded)
	if err != nil || value == "" {
		return refuseApp(http.StatusBadRequest, "invalid customer id")
	}
	if idType == "" {
		idType = "id"
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	found := f.lookUp(idType, value)
	switch {
	case len(found) == 0:
		return refuseApp(http.StatusNotFound, "customer not found")
	case what == "attributes":
		return ok(map[string]any{"customer": found[0].profile(found[0].ids())})
	case what == "segments":
		return ok(map[string]any{"segments": found[0].segments()})
	}
	return refuseApp(http.StatusNotFound, "no such endpoint")
}

func (p *Person) profile(ids map[string]any) map[string]any {
	attributes, devices := map[string]any{}, []any{}
	for name, v := range p.Attributes {
		text, isText := v.(string)
		if !isText {
			encoded, _ := json.Marshal(v)
			text = string(encoded) // the vendor writes all of them as text
		}
		attributes[name] = text
	}
	tokens := make([]string, 0, len(p.Devices))
	for token := range p.Devices {
		tokens = append(tokens, token)
	}
	slices.Sort(tokens)
	for _, token := range tokens {
		d := p.Devices[token]
		devices = append(devices, map[string]any{"id": token, "platform": d.Platform, "last_used": d.LastUsed})
	}
	return map[string]any{"id": ids["id"], "identifiers": ids, "attributes": attributes, "timestamps": map[string]any{},
		"unsubscribed": attributes["unsubscribed"] == "true", "devices": devices}
}

func (p *Person) segments() []any {
	out := []any{}
	for _, id := range p.Segments {
		out = append(out, map[string]any{"id": id, "name": fmt.Sprintf("Segment %d", id), "description": "", "type": "manual"})
	}
	return out
}
