package main

// Sample events, for `flowrun trigger`, for the key press in dev and for dev's door.

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime/control"
)

// sample is an event that nobody sent yet.
type sample struct {
	spec      *connectors.Spec
	trigger   *schema.Trigger
	eventType string // the vendor's
	id        string
	body      []byte
}

// newSample makes an event of a type, which may be a trigger's name or the vendor's word, with values set: paths in the
// event's object → values as -set takes them.
func newSample(r *connectors.Registry, typ string, set map[string]string, at time.Time) (*sample, error) {
	s, err := findType(r, typ)
	if err != nil {
		return nil, err
	}
	s.id = "evt_" + rand.Text()[:24]
	if s.body, err = s.spec.Webhook.Sample(s.eventType, s.id, at); err != nil {
		return nil, fmt.Errorf("making a sample of %s: %w", typ, err)
	}
	if len(set) == 0 {
		return s, nil
	}
	var event any
	dec := json.NewDecoder(bytes.NewReader(s.body))
	dec.UseNumber()
	if err := dec.Decode(&event); err != nil {
		return nil, fmt.Errorf("reading the sample of %s: %w", typ, err)
	}
	object, ok := inside(event, s.spec.Webhook.Data)
	if !ok {
		return nil, fmt.Errorf("the sample of %s holds no object at %s", typ, s.spec.Webhook.Data)
	}
	for _, path := range sortedKeys(set) {
		if err := setPath(object, s.trigger.Payload, path, set[path]); err != nil {
			return nil, err
		}
	}
	if s.body, err = json.MarshalIndent(event, "", "  "); err != nil {
		return nil, fmt.Errorf("writing the sample of %s: %w", typ, err)
	}
	return s, nil
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// findType returns the trigger that a type names.
func findType(r *connectors.Registry, typ string) (*sample, error) {
	var known []string
	for _, name := range r.TriggerNames() {
		t := r.Trigger(name)
		spec := r.Spec(t.Service)
		if spec == nil || spec.Webhook == nil || spec.Webhook.Sample == nil {
			continue
		}
		if t.TypesSetting != "" {
			if name == typ {
				return nil, usagef("%s stands for several types; name one of them, such as %s", typ, firstOf(t.KnownTypes, "charge.failed"))
			}
			continue
		}
		if len(t.Events) == 0 {
			continue
		}
		if name == typ || slices.Contains(t.Events, typ) {
			s := &sample{spec: spec, trigger: t, eventType: t.Events[0]}
			if name != typ {
				s.eventType = typ
			}
			return s, nil
		}
		known = append(append(known, name), t.Events...)
	}
	return nil, usagef("no service has an event %q.%s \"flowrun connectors SERVICE\" lists them", typ, diag.DidYouMean(typ, known))
}

// firstOf returns preferred where the list has it, else the list's first.
func firstOf(names []string, preferred string) string {
	if len(names) == 0 || slices.Contains(names, preferred) {
		return preferred
	}
	return names[0]
}

// inside follows a path through objects to an object.
func inside(v any, path schema.Path) (map[string]any, bool) {
	m, ok := v.(map[string]any)
	for _, name := range path {
		if m, ok = m[name].(map[string]any); !ok {
			return nil, false
		}
	}
	return m, ok
}

// setPath puts a value, typed by the shape, where the path says. Objects that are missing or null on the way are made.
func setPath(object map[string]any, shape *schema.Object, path, text string) error {
	names := strings.Split(path, ".")
	t := schema.ObjectType(shape)
	var at any = object
	var put func(any) // replaces at in what holds it
	nullable := false
	for i, name := range names {
		switch t.Kind {
		case schema.KindObject:
			f := t.Object.Field(name)
			if f == nil && !t.Object.Open {
				return usagef("-set %s: %s has no field %q.%s", path, where(shape.Name, names[:i]), name, diag.DidYouMean(name, t.Object.Names()))
			}
			m := asObject(at, t.Object, put)
			at, put = m[name], func(v any) { m[name] = v }
			if f == nil {
				t, nullable = schema.Type{Kind: schema.KindAny}, true
				continue
			}
			t, nullable = f.Type, f.MayBeNull()
		case schema.KindMap, schema.KindAny:
			m := asMap(at, put)
			at, put = m[name], func(v any) { m[name] = v }
			nullable = true
			if t.Kind == schema.KindMap && t.Elem != nil {
				t = *t.Elem
			}
		case schema.KindList:
			elems, _ := at.([]any)
			n, err := strconv.Atoi(name)
			if n == len(elems) && err == nil && n < mostElements && t.Elem != nil {
				elems = append(elems, nil) // one more than there are
				put(elems)
			}
			if err != nil || n < 0 || n >= len(elems) {
				return usagef("-set %s: %s is a list of %d; name an element by its number, or set the whole list as JSON", path,
					where(shape.Name, names[:i]), len(elems))
			}
			at, put = elems[n], func(v any) { elems[n] = v }
			nullable = false
			if t.Elem != nil {
				t = *t.Elem
			}
		default:
			return usagef("-set %s: %s is a %s and has no fields", path, where(shape.Name, names[:i]), t)
		}
	}
	v, err := typed(t, nullable, text)
	if err != nil {
		return usagef("-set %s=%s: %v", path, text, err)
	}
	put(v)
	return nil
}

// mostElements is how many elements a list of a sample has at most.
const mostElements = 100

// asObject returns what is at a place as an object; what is not there yet is an example of its shape, so that the event
// stays one that the service could send.
func asObject(at any, shape *schema.Object, put func(any)) map[string]any {
	if m, ok := at.(map[string]any); ok {
		return m
	}
	m := map[string]any{}
	dec := json.NewDecoder(bytes.NewReader(shape.Sample("set")))
	dec.UseNumber()
	if dec.Decode(&m) != nil {
		m = map[string]any{}
	}
	put(m)
	return m
}

func asMap(at any, put func(any)) map[string]any {
	m, ok := at.(map[string]any)
	if !ok {
		m = map[string]any{}
		put(m) // only the outermost has no put, and it is an object
	}
	return m
}

func where(root string, path []string) string {
	if len(path) == 0 {
		return "the " + root
	}
	return strings.Join(path, ".")
}

// typed reads a value as its type wants it.
func typed(t schema.Type, nullable bool, text string) (any, error) {
	if text == "null" && nullable {
		return nil, nil
	}
	switch t.Kind {
	case schema.KindString:
		return text, nil
	case schema.KindBool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return nil, errors.New("it takes true or false")
		}
		return b, nil
	case schema.KindNumber:
		if _, err := strconv.ParseFloat(text, 64); err != nil || !json.Valid([]byte(text)) {
			return nil, errors.New("it takes a number")
		}
		if whole := t.Format == schema.Integer || t.Format == schema.MinorUnit || t.Format == schema.UnixTime; whole && strings.ContainsAny(text, ".eE") {
			return nil, errors.New("it takes a whole number")
		}
		return json.Number(text), nil
	}
	var v any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil || dec.More() {
		if t.Kind == schema.KindAny {
			return text, nil // free-form: what isn't JSON is a text
		}
		return nil, fmt.Errorf("it takes a %s, written as JSON", t)
	}
	return v, nil
}

// answered is what a server said of a sample.
type answered struct {
	status int
	body   string
}

func (a answered) accepted() bool {
	return a.status == http.StatusOK && strings.Contains(a.body, `"accepted"`)
}

// post signs the sample and sends it.
func (s *sample) post(ctx context.Context, to, secret string, at time.Time) (answered, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(s.body))
	if err != nil {
		return answered{}, usagef("%q is not a URL to send to", to)
	}
	if s.spec.Webhook.Sign != nil {
		for name, values := range s.spec.Webhook.Sign(s.body, secret, at) {
			req.Header[name] = values
		}
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	client := &http.Client{Timeout: 30 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return answered{}, fmt.Errorf("sending the event: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return answered{}, fmt.Errorf("reading the answer: %w", err)
	}
	return answered{resp.StatusCode, strings.TrimSpace(string(body))}, nil
}

// sendSample is the door through which `flowrun trigger` has a dev server sign and send.
func (s *server) sendSample(ctx context.Context, r control.TriggerRequest) (control.TriggerResult, error) {
	sm, err := newSample(s.registry, r.Type, r.Set, s.m.Clock.Now())
	if err != nil {
		return control.TriggerResult{}, fmt.Errorf("%w: %w", control.ErrBadTrigger, err)
	}
	name := r.Connection
	if name == "" {
		name = s.doorFor(sm)
	}
	conn := s.engine.Connection(name)
	if conn == nil || conn.Service != sm.spec.Name || s.findDoor(name) == nil {
		return control.TriggerResult{}, fmt.Errorf("%w: no recipe listens to %s on a connection %q", control.ErrBadTrigger, sm.spec.Title, name)
	}
	secret, _, _ := strings.Cut(conn.Setting(sm.spec.Webhook.SecretSetting), ",")
	a, err := sm.post(ctx, "http://"+dialable(s.webhooks.Addr().String())+"/webhooks/"+name, strings.TrimSpace(secret), s.m.Clock.Now())
	if err != nil {
		return control.TriggerResult{}, err
	}
	if a.status != http.StatusOK {
		return control.TriggerResult{}, fmt.Errorf("the listener answered %d: %s", a.status, a.body)
	}
	return control.TriggerResult{EventID: sm.id, Connection: name, Type: sm.eventType, Accepted: a.accepted()}, nil
}

// doorFor returns the connection that a sample is meant for: the first of its service that listens.
func (s *server) doorFor(sm *sample) string {
	if program := s.engine.Program(); program != nil {
		for _, c := range program.Connections() {
			if c.Listens && c.Service.Name == sm.spec.Name {
				return c.Name
			}
		}
	}
	return sm.spec.Name
}

// dialable turns the address of a listener on all interfaces into one of this machine.
func dialable(address string) string {
	for _, all := range []string{"[::]:", "0.0.0.0:"} {
		if port, ok := strings.CutPrefix(address, all); ok {
			return "127.0.0.1:" + port
		}
	}
	return address
}
