package customerio

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

func track(s *settings) *connectors.Action {
	fields := append(anyone(),
		schema.Field{Name: "anonymous_id", Doc: "Id of somebody who is not identified yet, such as a cookie's",
			Type: schema.Type{Kind: schema.KindString, Max: maxID}, Example: `"anon-7f3a"`},
		schema.Field{Name: "name", Required: true, Role: schema.RoleEventName, Doc: "Name of the event, by which campaigns and segments know it",
			Type: schema.Type{Kind: schema.KindString, Max: maxEventName}, Example: `"payment_failed"`},
		schema.Field{Name: "type", Doc: "Kind of event: page and screen are views", Type: schema.EnumOf("event", "page", "screen"),
			Example: `"event"`},
		schema.Field{Name: "data", Type: named(), Example: `{"amount": "49.00 EUR"}`,
			Doc: "What messages can use; recipient, from_address and reply_to override the campaign's"},
		timestampField("When it happened; the event's time where left out. Only what is less than 72 hours old starts campaigns"),
	)
	people := s.change(eventEntity(""), s.trackCall(&connectors.HTTP{Method: http.MethodPost, Path: "/api/v1/customers/{identifier}/events",
		PathValue: pathIdentifier, Body: eventBody, Check: checkEvent}))
	anonymous := s.trackCall(&connectors.HTTP{Method: http.MethodPost, Path: "/api/v1/events",
		Body: eventBody, Check: checkAnonymous})
	return &connectors.Action{
		Action: schema.Action{Name: "customerio_track", Service: service, Effect: schema.Keyed,
			Doc: "Record an event of a person, or of somebody not identified yet",
			In:  schema.NewObject("track", fields...).WithOneOf(append(identifiers(), "anonymous_id")...)},
		Call: connectors.Func(func(ctx context.Context, c *connectors.Call) (connectors.Result, error) {
			if connectors.InputString(c, "anonymous_id") != "" {
				return anonymous.Call(ctx, c)
			}
			return people.Call(ctx, c)
		}),
		Example: `{"id": "cus_123", "name": "payment_failed", "data": {"amount": "49.00 EUR", "attempt": 2}}`,
	}
}

// view is an action that records that a page or a screen was seen.
func view(s *settings, kind, doc, name string) *connectors.Action {
	fields := append(anyone(),
		schema.Field{Name: "name", Required: true, Type: schema.Type{Kind: schema.KindString, Max: maxEventName},
			Doc: "Name of the " + kind + ", by which segments know it", Example: `"` + name + `"`},
		schema.Field{Name: "data", Type: named(), Doc: "What is known of the view", Example: `{"referrer": "https://example.com"}`},
		timestampField("When it was seen; the event's time where left out"))
	return &connectors.Action{
		Action: schema.Action{Name: service + "_" + kind, Service: service, Effect: schema.Keyed, Doc: doc,
			In: schema.NewObject(kind, fields...).WithOneOf(identifiers()...)},
		Call:    s.change(eventEntity(kind), nil),
		Example: `{"id": "cus_123", "name": "` + name + `"}`,
	}
}

func page(s *settings) *connectors.Action {
	return view(s, "page", "Record that a person saw a page", "/pricing")
}

func screen(s *settings) *connectors.Action {
	return view(s, "screen", "Record that a person saw a screen of an app", "Dashboard")
}

func checkEvent(c *connectors.Call) error {
	name := connectors.InputString(c, "name")
	if strings.TrimSpace(name) == "" {
		return connectors.Invalid("name is empty")
	}
	if err := short("name", name, maxEventName); err != nil {
		return err
	}
	if c.Key == "" {
		return connectors.Invalid("the call has no idempotency key")
	}
	return nil
}

func checkAnonymous(c *connectors.Call) error {
	for _, name := range identifiers() {
		if connectors.InputString(c, name) != "" {
			return connectors.Invalid("exactly one of id, email, cio_id, phone and anonymous_id must be given")
		}
	}
	if err := short("anonymous_id", connectors.InputString(c, "anonymous_id"), maxID); err != nil {
		return err
	}
	return checkEvent(c)
}

func eventBody(dst []byte, c *connectors.Call) ([]byte, error) {
	at, timed, err := seconds(c, "timestamp")
	if err != nil {
		return nil, err
	}
	dst = append(dst, '{')
	for _, name := range []string{"name", "type", "anonymous_id"} {
		v := connectors.Input(c, name)
		if v.IsNull() || name == "anonymous_id" && v.AsString() == "" {
			continue
		}
		if dst, err = connectors.AppendJSONMember(dst, name, v); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if dst, err = appendEvent(dst, c, at, timed, "data"); err != nil {
		return nil, err
	}
	return append(dst, '}'), nil
}

// eventEntity writes the event as the second version of the Track API has it; kind is the type's where the input gives
// none.
func eventEntity(kind string) func([]byte, *connectors.Call) ([]byte, error) {
	return func(dst []byte, c *connectors.Call) ([]byte, error) {
		if err := checkEvent(c); err != nil {
			return nil, err
		}
		action := connectors.InputString(c, "type")
		switch {
		case kind != "":
			action = kind
		case action == "":
			action = "event"
		}
		dst, err := personChange(dst, c, action)
		if err != nil {
			return nil, err
		}
		if dst, err = connectors.AppendJSONMember(dst, "name", connectors.Input(c, "name")); err != nil {
			return nil, fmt.Errorf("name: %w", err)
		}
		at, timed, err := seconds(c, "timestamp")
		if err != nil {
			return nil, err
		}
		if dst, err = appendEvent(dst, c, at, timed, "attributes"); err != nil {
			return nil, err
		}
		return append(dst, '}'), nil
	}
}

// appendEvent appends what both versions write alike: the id, the time, and the data under its name there.
func appendEvent(dst []byte, c *connectors.Call, at int64, timed bool, dataName string) ([]byte, error) {
	dst = append(append(appendRaw(dst, "id"), '"'), eventID(c.Key, c.EventTime)...)
	dst = append(dst, '"')
	if timed {
		dst = strconv.AppendInt(appendRaw(dst, "timestamp"), at, 10)
	}
	data := connectors.Input(c, "data")
	if data.IsNull() {
		return dst, nil
	}
	dst = appendRaw(dst, dataName)
	start := len(dst)
	// Nulls stay: a message can tell a field that is null from one that nobody sends.
	dst, err := schema.AppendJSON(dst, data)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	if n := len(dst) - start; n > maxEventData {
		return nil, connectors.Invalidf("data has %d bytes as JSON; Customer.io takes %d", n, maxEventData)
	}
	return dst, nil
}
