package customerio

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

func identify(s *settings) *connectors.Action {
	in := schema.NewObject("identify", append(anyone(),
		schema.Field{Name: "attributes", Type: named(),
			Doc:     `Attributes to set, by name; null leaves one as it is, "" empties it`,
			Example: `{"email": "jo@example.com", "plan": "pro"}`},
		schema.Field{Name: "update_only", Type: schema.Type{Kind: schema.KindBool}, Example: "true", Default: "false",
			Doc: "Change people that exist and never create one"},
		schema.Field{Name: "created_at", Type: schema.Type{Kind: schema.KindNumber, Format: schema.UnixTime}, Role: schema.RoleCreatedAt,
			Doc: "When the person signed up, as campaigns and segments know it", Example: "1750000000"},
		timestampField("When the attributes became so, which orders updates that overtake each other; the event's time where left out"),
	)...).WithOneOf(identifiers()...)
	return &connectors.Action{
		Action: schema.Action{Name: "customerio_identify", Service: service, Effect: schema.Idempotent, In: in,
			Doc: "Create or update a person and their attributes"},
		Call: s.change(identifyEntity, s.trackCall(&connectors.HTTP{Method: http.MethodPut, Path: "/api/v1/customers/{identifier}",
			PathValue: pathIdentifier, Body: identifyBody})),
		Example: `{"id": "cus_123", "attributes": {"email": "jo@example.com", "plan": "pro"}}`,
	}
}

// identifyBody writes the person as the first version of the Track API has them: all of it attributes.
func identifyBody(dst []byte, c *connectors.Call) ([]byte, error) {
	at, timed, err := seconds(c, "timestamp")
	if err != nil {
		return nil, err
	}
	if dst, err = appendAttributes(append(dst, '{'), c, timed); err != nil {
		return nil, err
	}
	if timed {
		dst = strconv.AppendInt(appendRaw(dst, "_timestamp"), at, 10)
	}
	return append(appendUpdate(dst, c), '}'), nil
}

// identifyEntity writes the person as the second version has them.
func identifyEntity(dst []byte, c *connectors.Call) ([]byte, error) {
	dst, err := personChange(dst, c, "identify")
	if err != nil {
		return nil, err
	}
	at, timed, err := seconds(c, "timestamp")
	if err != nil {
		return nil, err
	}
	if timed {
		dst = strconv.AppendInt(appendRaw(dst, "timestamp"), at, 10)
	}
	if dst, err = appendAttributes(append(appendRaw(dst, "attributes"), '{'), c, timed); err != nil {
		return nil, err
	}
	return append(appendUpdate(dst, c), "}}"...), nil
}

// appendUpdate appends what keeps a person from being created.
func appendUpdate(dst []byte, c *connectors.Call) []byte {
	if update := connectors.Input(c, "update_only"); !update.IsNull() && update.True() {
		dst = append(appendRaw(dst, "_update"), "true"...)
	}
	return dst
}

// appendAttributes appends the attributes to an object that is open in dst. What an input of its own sets must not be
// among them.
func appendAttributes(dst []byte, c *connectors.Call, timed bool) ([]byte, error) {
	attributes, created := connectors.Input(c, "attributes"), connectors.Input(c, "created_at")
	reserved := map[string]bool{"_timestamp": timed, "_update": !connectors.Input(c, "update_only").IsNull(), "created_at": !created.IsNull()}
	n := 0
	if !attributes.IsNull() {
		for it := attributes.ElementIterator(); it.Next(); {
			k, v := it.Element()
			name := k.AsString()
			if v.IsNull() {
				continue
			}
			if reserved[name] {
				return nil, connectors.Invalidf("attributes holds %s, which timestamp, update_only or created_at sets", name)
			}
			n++
			var err error
			if dst, err = appendAttribute(dst, name, v); err != nil {
				return nil, err
			}
		}
	}
	if !created.IsNull() {
		at, err := unixSeconds("created_at", created)
		if err != nil {
			return nil, err
		}
		n++
		dst = strconv.AppendInt(appendRaw(dst, "created_at"), at, 10)
	}
	if n > maxAttributes {
		return nil, connectors.Invalidf("attributes holds more than the %d that Customer.io takes", maxAttributes)
	}
	return dst, nil
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
