package customeriofake

// What happens to people and their events, however a call says it. The methods without an answer hold the lock already
// and return why the vendor would refuse, or "".

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/oklog/ulid/v2"
)

// problem is why something is refused, as the second version of the API says it.
type problem struct {
	Reason  string `json:"reason"`
	Field   string `json:"field"`
	Message string `json:"message"`
}

func bad(field, format string, args ...any) *problem {
	return &problem{Reason: "invalid", Field: field, Message: fmt.Sprintf(format, args...)}
}

// person returns who an identifier names, or nil.
func (f *Fake) person(identifier string) *Person {
	if p := f.people[fold(identifier)]; p != nil {
		return p
	}
	if id, given := strings.CutPrefix(identifier, "cio_"); given {
		for _, p := range f.people {
			if p.CioID == id {
				return p
			}
		}
	}
	return nil
}

// makePerson returns who an identifier names, new where nobody is; nil where it is suppressed.
func (f *Fake) makePerson(identifier string) *Person {
	if f.suppressed[fold(identifier)] {
		return nil
	}
	if p := f.person(identifier); p != nil {
		return p
	}
	f.born++
	p := &Person{Identifier: identifier, CioID: fmt.Sprintf("a3%06d", f.born), Attributes: map[string]any{}, Devices: map[string]Device{}}
	f.people[fold(identifier)] = p
	return p
}

func (f *Fake) identify(identifier string, raw []byte) answer {
	attrs, err := object(raw)
	if err != nil {
		return refuse(http.StatusBadRequest, "%v", err)
	}
	delete(attrs, "_timestamp")
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.set(identifier, attrs); p != nil {
		return refuse(http.StatusBadRequest, "%s", p.Message)
	}
	return ok(struct{}{})
}

// set gives a person attributes.
func (f *Fake) set(identifier string, attrs map[string]any) *problem {
	update, _ := attrs["_update"].(bool)
	delete(attrs, "_update")
	if p := checkAttributes(attrs); p != nil {
		return p
	}
	if update && f.person(identifier) == nil {
		return nil // the vendor, too, says nothing of a person who isn't there
	}
	p := f.makePerson(identifier)
	if p == nil {
		return nil
	}
	merge(p.Attributes, attrs)
	return nil
}

func checkAttributes(attrs map[string]any) *problem {
	if len(attrs) > maxAttributes {
		return bad("attributes", "too many attributes")
	}
	for name, v := range attrs {
		if len(name) > maxAttrName {
			return bad("attributes", "attribute name is too long")
		}
		if s, isText := v.(string); isText && len(s) > maxAttrValue {
			return bad("attributes", "attribute value is too long: %s", name)
		}
	}
	return nil
}

// merge sets attributes; null and empty texts take them away.
func merge(into, attrs map[string]any) {
	for name, v := range attrs {
		if v == nil || v == "" {
			delete(into, name)
			continue
		}
		into[name] = v
	}
}

// remove deletes a person, whether or not there is one.
func (f *Fake) remove(identifier string) {
	f.deleted = append(f.deleted, identifier)
	p := f.person(identifier)
	if p == nil {
		return
	}
	delete(f.people, fold(p.Identifier))
	for _, o := range f.objects {
		delete(o.People, p.Identifier)
	}
}

// unite merges a person into another, who must be there.
func (f *Fake) unite(primary, secondary string) {
	to, from := f.person(primary), f.person(secondary)
	if to == nil || from == nil || to == from {
		return
	}
	for name, v := range from.Attributes {
		if _, given := to.Attributes[name]; !given {
			to.Attributes[name] = v
		}
	}
	for token, d := range from.Devices {
		to.Devices[token] = d
	}
	for i := range f.events {
		if fold(f.events[i].Identifier) == fold(from.Identifier) {
			f.events[i].Identifier = to.Identifier
		}
	}
	delete(f.people, fold(from.Identifier))
}

func (f *Fake) track(identifier string, raw []byte) answer {
	body, err := object(raw)
	if err != nil {
		return refuse(http.StatusBadRequest, "%v", err)
	}
	kind, _ := body["type"].(string)
	if kind == "" {
		kind = "event"
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.record(identifier, kind, body, "data"); p != nil {
		return refuse(http.StatusBadRequest, "%s", p.Message)
	}
	return ok(struct{}{})
}

// record keeps an event that was not seen before; its data are under a name of their own in each version of the API.
func (f *Fake) record(identifier, kind string, body map[string]any, dataName string) *problem {
	e := Event{Identifier: identifier, Type: kind}
	e.Name, _ = body["name"].(string)
	e.Name = strings.TrimSpace(e.Name)
	e.AnonymousID, _ = body["anonymous_id"].(string)
	e.ID, _ = body["id"].(string)
	if e.Name == "" || len(e.Name) > maxEventName {
		return bad("name", "event name is missing or too long")
	}
	if e.ID != "" {
		if _, err := ulid.ParseStrict(e.ID); err != nil {
			return bad("id", "id is not a ULID")
		}
	}
	e.Timestamp = f.opts.Now().Unix()
	if n, given := body["timestamp"]; given {
		number, _ := n.(json.Number)
		var err error
		if e.Timestamp, err = number.Int64(); err != nil {
			return bad("timestamp", "timestamp is not a number of seconds")
		}
	}
	if data, given := body[dataName]; given {
		var isObject bool
		if e.Data, isObject = data.(map[string]any); !isObject {
			return bad(dataName, "data is not an object")
		}
		if encoded, _ := json.Marshal(data); len(encoded) > maxEventData {
			return bad(dataName, "data is too large")
		}
	}
	if e.ID != "" && f.seen[e.ID] {
		f.duplicates++
		return nil
	}
	if e.ID != "" {
		f.seen[e.ID] = true
	}
	if identifier != "" && f.makePerson(identifier) == nil {
		return nil // suppressed
	}
	f.events = append(f.events, e)
	return nil
}

// segment adds people to a manual segment or removes them. Who isn't there is passed over.
func (f *Fake) segment(id int, idType string, raw []byte, add bool) answer {
	body, err := object(raw)
	if err != nil {
		return refuse(http.StatusBadRequest, "%v", err)
	}
	ids, _ := body["ids"].([]any)
	if id <= 0 || len(ids) == 0 || len(ids) > maxSegment {
		return refuse(http.StatusBadRequest, "ids must hold 1 to %d people", maxSegment)
	}
	if !slices.Contains([]string{"", "id", "email", "cio_id"}, idType) {
		return refuse(http.StatusBadRequest, "invalid id_type")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, v := range ids {
		text, _ := v.(string)
		if idType == "cio_id" {
			text = "cio_" + text
		}
		p := f.person(text)
		if p == nil {
			continue
		}
		at, in := slices.BinarySearch(p.Segments, id)
		switch {
		case add && !in:
			p.Segments = slices.Insert(p.Segments, at, id)
		case !add && in:
			p.Segments = slices.Delete(p.Segments, at, at+1)
		}
	}
	return ok(struct{}{})
}
