package customerio

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

func identify(s *settings) *connectors.Action {
	in := schema.NewObject("identify", append(person(),
		schema.Field{Name: "attributes", Type: named(),
			Doc:     `Attributes to set, by name; null leaves one as it is, "" empties it`,
			Example: `{"email": "jo@example.com", "plan": "pro"}`},
		schema.Field{Name: "update_only", Type: schema.Type{Kind: schema.KindBool}, Example: "true", Default: "false",
			Doc: "Change people that exist and never create one"},
		timestampField("When the attributes became so, which orders updates that overtake each other; the event's time where left out"),
	)...).WithOneOf("id", "email", "cio_id")
	return &connectors.Action{
		Action: schema.Action{Name: "customerio_identify", Service: service, Effect: schema.Idempotent, In: in,
			Doc: "Create or update a person and their attributes"},
		Call: s.trackCall(&connectors.HTTP{Method: http.MethodPut, Path: "/api/v1/customers/{identifier}",
			PathValue: pathIdentifier, Body: identifyBody}),
		Example: `{"id": "cus_123", "attributes": {"email": "jo@example.com", "plan": "pro"}}`,
	}
}

func identifyBody(dst []byte, c *connectors.Call) ([]byte, error) {
	at, timed, err := seconds(c, "timestamp")
	if err != nil {
		return nil, err
	}
	attributes := connectors.Input(c, "attributes")
	dst = append(dst, '{')
	update := connectors.Input(c, "update_only")
	reserved := map[string]bool{"_timestamp": timed, "_update": !update.IsNull()}
	if !attributes.IsNull() {
		n := 0
		for it := attributes.ElementIterator(); it.Next(); {
			k, v := it.Element()
			name := k.AsString()
			if v.IsNull() {
				continue
			}
			if reserved[name] {
				return nil, connectors.Invalidf("attributes holds %s, which timestamp or update_only sets", name)
			}
			if n++; n > maxAttributes {
				return nil, connectors.Invalidf("attributes holds more than the %d that Customer.io takes", maxAttributes)
			}
			if dst, err = appendAttribute(dst, name, v); err != nil {
				return nil, err
			}
		}
	}
	if timed {
		dst = strconv.AppendInt(appendRaw(dst, "_timestamp"), at, 10)
	}
	if !update.IsNull() && update.True() {
		dst = append(appendRaw(dst, "_update"), "true"...)
	}
	return append(dst, '}'), nil
}

// appendRaw appends the name of a member that needs no escape.
func appendRaw(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(append(append(dst, '"'), name...), `":`...)
}

func appendAttribute(dst []byte, name string, v cty.Value) ([]byte, error) {
	if err := short("the name of an attribute", name, maxAttrName); err != nil {
		return nil, err
	}
	start := len(dst)
	dst, err := connectors.AppendJSONMember(dst, name, v)
	if err != nil {
		return nil, fmt.Errorf("attributes: %w", err)
	}
	size := len(dst) - start - len(name) // a little too much for what is not a string, and never too little
	if v.Type() == cty.String {
		size = len(v.AsString())
	}
	if size > maxAttrValue {
		return nil, connectors.Invalidf("attribute %q has %d bytes; Customer.io takes %d", name, size, maxAttrValue)
	}
	return dst, nil
}

func track(s *settings) *connectors.Action {
	fields := append(person(),
		schema.Field{Name: "anonymous_id", Doc: "Id of somebody who is not identified yet, such as a cookie's",
			Type: schema.Type{Kind: schema.KindString, Max: maxID}, Example: `"anon-7f3a"`},
		schema.Field{Name: "name", Required: true, Doc: "Name of the event, by which campaigns and segments know it",
			Type: schema.Type{Kind: schema.KindString, Max: maxEventName}, Example: `"payment_failed"`},
		schema.Field{Name: "type", Doc: "Kind of event: page and screen are views", Type: schema.EnumOf("event", "page", "screen"),
			Example: `"event"`},
		schema.Field{Name: "data", Type: named(), Example: `{"amount": "49.00 EUR"}`,
			Doc: "What messages can use; recipient, from_address and reply_to override the campaign's"},
		timestampField("When it happened; the event's time where left out. Only what is less than 72 hours old starts campaigns"),
	)
	people := s.trackCall(&connectors.HTTP{Method: http.MethodPost, Path: "/api/v1/customers/{identifier}/events",
		PathValue: pathIdentifier, Body: eventBody, Check: checkEvent})
	anonymous := s.trackCall(&connectors.HTTP{Method: http.MethodPost, Path: "/api/v1/events",
		Body: eventBody, Check: checkAnonymous})
	return &connectors.Action{
		Action: schema.Action{Name: "customerio_track", Service: service, Effect: schema.Keyed,
			Doc: "Record an event of a person, or of somebody not identified yet",
			In:  schema.NewObject("track", fields...).WithOneOf("id", "email", "cio_id", "anonymous_id")},
		Call: connectors.Func(func(ctx context.Context, c *connectors.Call) (connectors.Result, error) {
			if connectors.InputString(c, "anonymous_id") != "" {
				return anonymous.Call(ctx, c)
			}
			return people.Call(ctx, c)
		}),
		Example: `{"id": "cus_123", "name": "payment_failed", "data": {"amount": "49.00 EUR", "attempt": 2}}`,
	}
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
	for _, name := range []string{"id", "email", "cio_id"} {
		if connectors.InputString(c, name) != "" {
			return connectors.Invalid("exactly one of id, email, cio_id and anonymous_id must be given")
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
	dst = append(append(appendRaw(dst, "id"), '"'), eventID(c.Key, c.EventTime)...)
	dst = append(dst, '"')
	if timed {
		dst = strconv.AppendInt(appendRaw(dst, "timestamp"), at, 10)
	}
	if data := connectors.Input(c, "data"); !data.IsNull() {
		dst = appendRaw(dst, "data")
		start := len(dst)
		// Nulls stay: a message can tell a field that is null from one that nobody sends.
		if dst, err = schema.AppendJSON(dst, data); err != nil {
			return nil, fmt.Errorf("data: %w", err)
		}
		if n := len(dst) - start; n > maxEventData {
			return nil, connectors.Invalidf("data has %d bytes as JSON; Customer.io takes %d", n, maxEventData)
		}
	}
	return append(dst, '}'), nil
}

func deletePerson(s *settings) *connectors.Action {
	return &connectors.Action{
		Action: schema.Action{Name: "customerio_delete", Service: service, Effect: schema.Idempotent,
			Doc: "Delete a person and their history; any later call for the same identifier creates them anew",
			In:  schema.NewObject("delete", person()...).WithOneOf("id", "email", "cio_id")},
		Call: s.trackCall(&connectors.HTTP{Method: http.MethodDelete, Path: "/api/v1/customers/{identifier}",
			PathValue: pathIdentifier, Encode: connectors.NoBody}),
		Example: `{"id": "cus_123"}`,
	}
}
