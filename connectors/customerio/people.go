package customerio

import (
	"bytes"
	"net/http"
	"strconv"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

func deletePerson(s *settings) *connectors.Action {
	return &connectors.Action{
		Action: schema.Action{Name: "customerio_delete", Service: service, Effect: schema.Idempotent,
			Lasting: schema.Lasting{Kind: schema.Deletes},
			Doc:     "Delete a person and their history; any later call for the same identifier creates them anew",
			In:      schema.NewObject("delete", anyone()...).WithOneOf(identifiers()...)},
		Call: s.change(func(dst []byte, c *connectors.Call) ([]byte, error) {
			dst, err := personChange(dst, c, "delete")
			return append(dst, '}'), err
		}, s.trackCall(&connectors.HTTP{Method: http.MethodDelete, Path: "/api/v1/customers/{identifier}",
			PathValue: pathIdentifier, Encode: connectors.NoBody})),
		Example: `{"id": "cus_123"}`,
	}
}

// personAction is an action on a person that needs no more than their identifier.
func (s *settings) personAction(name, verb, doc string) *connectors.Action {
	return &connectors.Action{
		Action: schema.Action{Name: service + "_" + name, Service: service, Effect: schema.Idempotent, Doc: doc,
			In: schema.NewObject(name, anyone()...).WithOneOf(identifiers()...)},
		Call: s.change(func(dst []byte, c *connectors.Call) ([]byte, error) {
			dst, err := personChange(dst, c, verb)
			return append(dst, '}'), err
		}, nil),
		Example: `{"id": "cus_123"}`,
	}
}

func suppress(s *settings) *connectors.Action {
	a := s.personAction("suppress", "suppress",
		"Delete a person for good and ignore whatever is sent about them; the history does not come back")
	a.Lasting.Kind = schema.Deletes
	return a
}

func unsuppress(s *settings) *connectors.Action {
	return s.personAction("unsuppress", "unsuppress", "Let a suppressed identifier be used again; what was deleted stays deleted")
}

func merge(s *settings) *connectors.Action {
	one := func(name, doc, example string) schema.Field {
		return schema.Field{Name: name, Required: true, Doc: doc, Example: example,
			Type: schema.ObjectType(schema.NewObject(name, person()...).WithOneOf("id", "email", "cio_id"))}
	}
	return &connectors.Action{
		Action: schema.Action{Name: "customerio_merge", Service: service, Effect: schema.Idempotent,
			Lasting: schema.Lasting{Kind: schema.Deletes},
			Doc:     "Merge a person into another and delete the first; it can't be undone, and nothing happens where the other isn't there",
			In: schema.NewObject("merge",
				one("primary", "Who stays: exactly one of id, email and cio_id", `{"id": "cus_123"}`),
				one("secondary", "Who is merged and deleted: exactly one of id, email and cio_id", `{"email": "jo@example.com"}`))},
		Call:    s.change(mergeEntity, nil),
		Example: `{"primary": {"id": "cus_123"}, "secondary": {"email": "jo@example.com"}}`,
	}
}

func mergeEntity(dst []byte, c *connectors.Call) ([]byte, error) {
	primary, err := personOf(connectors.Input(c, "primary"))
	if err != nil {
		return nil, within("primary", err)
	}
	secondary, err := personOf(connectors.Input(c, "secondary"))
	if err != nil {
		return nil, within("secondary", err)
	}
	if bytes.Equal(primary, secondary) {
		return nil, connectors.Invalid("primary and secondary are the same person")
	}
	dst = append(append(dst, `{"type":"person","action":"merge","primary":`...), primary...)
	dst = append(append(dst, `,"secondary":`...), secondary...)
	return append(dst, '}'), nil
}

// within says in which input a refused value stands.
func within(name string, err error) *connectors.Error {
	e := *invalid(err)
	e.Message = name + ": " + e.Message
	return &e
}

func addDevice(s *settings) *connectors.Action {
	fields := append(anyone(), deviceField(),
		schema.Field{Name: "platform", Required: true, Type: schema.EnumOf("ios", "android"), Doc: "Platform of the device", Example: `"ios"`},
		schema.Field{Name: "last_used", Type: schema.Type{Kind: schema.KindNumber, Format: schema.UnixTime}, Example: "1750000000",
			Doc: "When the device was used last; the event's time where left out"},
		schema.Field{Name: "attributes", Type: named(), Doc: "What segments can ask of the device",
			Example: `{"app_version": "2.1.0"}`})
	return &connectors.Action{
		Action: schema.Action{Name: "customerio_add_device", Service: service, Effect: schema.Idempotent,
			Doc: "Add a device to a person or update it, for push notifications",
			In:  schema.NewObject("add_device", fields...).WithOneOf(identifiers()...)},
		Call:    s.change(addDeviceEntity, nil),
		Example: `{"id": "cus_123", "device_id": "a83b219c", "platform": "ios"}`,
	}
}

func deviceField() schema.Field {
	return schema.Field{Name: "device_id", Required: true, Type: textType(), Doc: "Token of the device", Example: `"a83b219c"`}
}

func addDeviceEntity(dst []byte, c *connectors.Call) ([]byte, error) {
	dst, err := deviceChange(dst, c, "add_device")
	if err != nil {
		return nil, err
	}
	if dst, err = connectors.AppendJSONMember(dst, "platform", connectors.Input(c, "platform")); err != nil {
		return nil, err
	}
	at, timed, err := seconds(c, "last_used")
	if err != nil {
		return nil, err
	}
	if timed {
		dst = strconv.AppendInt(appendRaw(dst, "last_used"), at, 10)
	}
	if dst, err = appendObject(dst, "attributes", connectors.Input(c, "attributes")); err != nil {
		return nil, err
	}
	return append(dst, "}}"...), nil
}

func deleteDevice(s *settings) *connectors.Action {
	return &connectors.Action{
		Action: schema.Action{Name: "customerio_delete_device", Service: service, Effect: schema.Idempotent,
			Doc: "Take a device away from a person",
			In:  schema.NewObject("delete_device", append(anyone(), deviceField())...).WithOneOf(identifiers()...)},
		Call: s.change(func(dst []byte, c *connectors.Call) ([]byte, error) {
			dst, err := deviceChange(dst, c, "delete_device")
			return append(dst, "}}"...), err
		}, nil),
		Example: `{"id": "cus_123", "device_id": "a83b219c"}`,
	}
}

// deviceChange begins a change of a person's device; the device's object stays open.
func deviceChange(dst []byte, c *connectors.Call, action string) ([]byte, error) {
	token := connectors.InputString(c, "device_id")
	if token == "" {
		return nil, connectors.Invalid("device_id is empty")
	}
	dst, err := personChange(dst, c, action)
	if err != nil {
		return nil, err
	}
	return connectors.AppendJSONMember(append(appendRaw(dst, "device"), '{'), "token", cty.StringVal(token))
}
