package customeriofake

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
)

// entity answers for one change of the second version of the Track API.
func (f *Fake) entity(raw []byte) answer {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.change(raw); p != nil {
		a := ok(map[string]any{"errors": []any{p}})
		a.status = http.StatusBadRequest
		return a
	}
	return ok(struct{}{})
}

// batch answers for many changes: those that are refused are named, the others are taken.
func (f *Fake) batch(raw []byte) answer {
	var body struct {
		Batch []json.RawMessage `json:"batch"`
	}
	if err := json.Unmarshal(raw, &body); err != nil || len(raw) > maxBatch || len(body.Batch) == 0 {
		a := ok(map[string]any{"errors": []any{bad("batch", "the batch is empty, too large or no JSON")}})
		a.status = http.StatusBadRequest
		return a
	}
	type refusal struct {
		Index int `json:"batch_index"`
		problem
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var refused []refusal
	for i, item := range body.Batch {
		if p := f.change(item); p != nil {
			refused = append(refused, refusal{i, *p})
		}
	}
	if len(refused) == 0 {
		return ok(struct{}{})
	}
	a := ok(map[string]any{"errors": refused})
	a.status = http.StatusMultiStatus
	return a
}

// change makes one change of a person or an object. The lock is held.
func (f *Fake) change(raw []byte) *problem {
	if len(bytes.TrimSpace(raw)) > maxEntity {
		return bad("", "the request is larger than 32 KB")
	}
	body, err := object(raw)
	if err != nil {
		return bad("", "%v", err)
	}
	kind, _ := body["type"].(string)
	action, _ := body["action"].(string)
	switch kind {
	case "person":
		if action == "merge" {
			return f.mergePeople(body)
		}
		who, p := personOf(body["identifiers"])
		if p != nil {
			return p
		}
		return f.changePerson(who, action, body)
	case "object":
		key, p := objectOf(body["identifiers"])
		if p != nil {
			return p
		}
		return f.changeObject(key, action, body)
	}
	return bad("type", "unknown type")
}

// personOf returns the identifier that a set of identifiers holds, which must be one.
func personOf(v any) (string, *problem) {
	ids, _ := v.(map[string]any)
	if len(ids) != 1 {
		return "", bad("identifiers", "exactly one identifier must be given")
	}
	for _, name := range []string{"id", "email", "cio_id", "phone"} {
		text, given := ids[name].(string)
		if !given || text == "" || len(text) > maxID {
			continue
		}
		if name == "cio_id" {
			return "cio_" + text, nil
		}
		return text, nil
	}
	return "", bad("identifiers", "the identifier is empty, too long or of no known kind")
}

func objectOf(v any) (string, *problem) {
	ids, _ := v.(map[string]any)
	typ, _ := ids["object_type_id"].(string)
	id, _ := ids["object_id"].(string)
	cio, _ := ids["cio_object_id"].(string)
	switch {
	case len(ids) == 2 && typ != "" && id != "":
		return typ + "/" + id, nil
	case len(ids) == 1 && cio != "":
		return "cio/" + cio, nil
	}
	return "", bad("identifiers", "object_type_id and object_id, or cio_object_id, must be given")
}

func (f *Fake) mergePeople(body map[string]any) *problem {
	primary, p := personOf(body["primary"])
	if p != nil {
		return p
	}
	secondary, p := personOf(body["secondary"])
	if p != nil {
		return p
	}
	f.unite(primary, secondary)
	return nil
}

func (f *Fake) changePerson(who, action string, body map[string]any) *problem {
	attrs, isObject := body["attributes"].(map[string]any)
	if body["attributes"] != nil && !isObject {
		return bad("attributes", "attributes is not an object")
	}
	switch action {
	case "identify":
		return f.set(who, attrs)
	case "event", "page", "screen":
		return f.record(who, action, body, "attributes")
	case "delete":
		f.remove(who)
	case "suppress":
		f.remove(who)
		f.suppressed[fold(who)] = true
	case "unsuppress":
		delete(f.suppressed, fold(who))
	case "add_device", "delete_device":
		return f.device(who, action, body)
	case "add_relationships", "delete_relationships":
		return f.relate(body, func(v map[string]any) *problem {
			key, p := objectOf(v["identifiers"])
			if p == nil {
				f.bind(key, who, v, action == "add_relationships")
			}
			return p
		})
	default:
		return bad("action", "unknown action")
	}
	return nil
}

func (f *Fake) device(who, action string, body map[string]any) *problem {
	d, _ := body["device"].(map[string]any)
	token, _ := d["token"].(string)
	if token == "" {
		return bad("device.token", "the token is missing")
	}
	if action == "delete_device" {
		if p := f.person(who); p != nil {
			delete(p.Devices, token)
		}
		return nil
	}
	platform, _ := d["platform"].(string)
	if platform != "ios" && platform != "android" {
		return bad("device.platform", "the platform must be ios or android")
	}
	used := f.opts.Now().Unix()
	if n, given := d["last_used"].(json.Number); given {
		used, _ = n.Int64()
	}
	attrs, _ := d["attributes"].(map[string]any)
	if p := f.makePerson(who); p != nil {
		p.Devices[token] = Device{Platform: platform, LastUsed: used, Attributes: attrs}
	}
	return nil
}

func (f *Fake) changeObject(key, action string, body map[string]any) *problem {
	people := func(add bool) *problem {
		return f.relate(body, func(v map[string]any) *problem {
			who, p := personOf(v["identifiers"])
			if p == nil {
				f.bind(key, who, v, add)
			}
			return p
		})
	}
	switch action {
	case "identify":
		attrs, isObject := body["attributes"].(map[string]any)
		if body["attributes"] != nil && !isObject {
			return bad("attributes", "attributes is not an object")
		}
		if p := checkAttributes(attrs); p != nil {
			return p
		}
		if o := f.object(key); o != nil {
			merge(o.Attributes, attrs)
		}
		if body["cio_relationships"] == nil {
			return nil
		}
		return people(true)
	case "delete":
		delete(f.objects, key)
		return nil
	case "add_relationships":
		return people(true)
	case "delete_relationships":
		return people(false)
	}
	return bad("action", "unknown action")
}

// object returns an object, new where there is none; nil where it is named by an id that only the vendor can give.
func (f *Fake) object(key string) *Object {
	o := f.objects[key]
	if o == nil && !strings.HasPrefix(key, "cio/") {
		o = &Object{Key: key, Attributes: map[string]any{}, People: map[string]map[string]any{}}
		f.objects[key] = o
	}
	return o
}

// relate calls one for each relationship of a change.
func (f *Fake) relate(body map[string]any, one func(map[string]any) *problem) *problem {
	list, _ := body["cio_relationships"].([]any)
	if len(list) == 0 {
		return bad("cio_relationships", "the relationships are missing")
	}
	for _, v := range list {
		m, _ := v.(map[string]any)
		if p := one(m); p != nil {
			return p
		}
	}
	return nil
}

// bind relates a person to an object, or ends it.
func (f *Fake) bind(key, who string, relationship map[string]any, add bool) {
	if !add {
		if o := f.objects[key]; o != nil {
			delete(o.People, who)
		}
		return
	}
	o, p := f.object(key), f.makePerson(who)
	if o == nil || p == nil {
		return
	}
	attrs, _ := relationship["relationship_attributes"].(map[string]any)
	if o.People[who] == nil {
		o.People[who] = map[string]any{}
	}
	merge(o.People[who], attrs)
}
