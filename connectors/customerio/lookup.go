package customerio

// Look-ups answer what is known, and null where nobody is: who asks for a person of an address must be ready for there
// being none. The App API takes ten of them a second.

import (
	"context"
	"net/http"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

// lookup is a call whose answer stands inside of what the vendor sends.
type lookup struct {
	*connectors.HTTP

	wire *schema.Object // what the vendor sends
	take func(cty.Value) cty.Value
}

// Call implements connectors.Caller.
func (l *lookup) Call(ctx context.Context, c *connectors.Call) (connectors.Result, error) {
	own, action := *c, *c.Action
	action.Out = l.wire
	own.Action = &action
	res, err := l.HTTP.Call(ctx, &own)
	if err != nil {
		if connectors.AsError(err).Kind == connectors.KindNotFound {
			return connectors.Result{Status: res.Status, Output: nobody()}, nil
		}
		return res, err
	}
	res.Output = l.take(res.Output)
	return res, nil
}

func nobody() cty.Value { return cty.NullVal(cty.DynamicPseudoType) }

func personShape() *schema.Object {
	return schema.NewObject("person",
		schema.Field{Name: "id", Type: textType(), Required: true, Nullable: true, Role: schema.RoleCustomerID, Doc: "Your own id of the person", Example: `"cus_123"`},
		schema.Field{Name: "email", Type: emailType(), Required: true, Nullable: true, Role: schema.RoleEmail, Doc: "E-mail address of the person", Example: `"jo@example.com"`},
		schema.Field{Name: "cio_id", Type: textType(), Required: true, Doc: "Id that Customer.io gave the person", Example: `"a3000001"`},
	)
}

func findPerson(s *settings) *connectors.Action {
	one := personShape()
	return &connectors.Action{
		Action: schema.Action{Name: "customerio_find_person", Service: service, Effect: schema.Read, OutMayBeNull: true,
			Doc: "Find a person by e-mail address; the first of several, null where there is none",
			In: schema.NewObject("find_person", schema.Field{Name: "email", Required: true, Role: schema.RoleEmail, Type: emailType(),
				Doc: "E-mail address to look for", Example: `"jo@example.com"`}),
			Out: one},
		Call: &lookup{
			HTTP: s.appCall(&connectors.HTTP{Method: http.MethodGet, Path: "/v1/customers", Query: []string{"email"}, Encode: connectors.NoBody,
				Check: func(c *connectors.Call) error {
					_, err := checkedEmail(connectors.InputString(c, "email"))
					return err
				}}),
			wire: schema.NewObject("people", schema.Field{Name: "results", Required: true, Doc: "Who has the address", Type: schema.ObjectType(one).ListOf()}),
			take: func(v cty.Value) cty.Value {
				if found := v.GetAttr("results"); found.LengthInt() > 0 {
					return found.Index(cty.NumberIntVal(0))
				}
				return nobody()
			},
		},
		Example: `{"email": "jo@example.com"}`,
		Answer:  `{"id": "cus_123", "email": "jo@example.com", "cio_id": "a3000001"}`,
		Reply:   `{"results": [{"id": "cus_123", "email": "jo@example.com", "cio_id": "a3000001"}]}`,
		Limit:   limitApp,
	}
}

// profileFields name one person for a look-up by a path and id_type.
func profileFields() []schema.Field {
	return []schema.Field{
		{Name: "customer_id", Required: true, Role: schema.RoleCustomerID, Type: schema.Type{Kind: schema.KindString, Max: maxID},
			Doc: "What names the person", Example: `"cus_123"`},
		idTypeField("What customer_id is: your own id, an e-mail address or the id of Customer.io"),
	}
}

func personAttributes(s *settings) *connectors.Action {
	ids := schema.NewObject("identifiers",
		schema.Field{Name: "id", Type: textType(), Nullable: true, Role: schema.RoleCustomerID, Doc: "Your own id of the person", Example: `"cus_123"`},
		schema.Field{Name: "email", Type: emailType(), Nullable: true, Role: schema.RoleEmail, Doc: "E-mail address of the person", Example: `"jo@example.com"`},
		schema.Field{Name: "cio_id", Type: textType(), Doc: "Id that Customer.io gave the person", Example: `"a3000001"`})
	devices := schema.NewObject("device",
		schema.Field{Name: "id", Type: textType(), Doc: "Token of the device", Example: `"a83b219c"`},
		schema.Field{Name: "platform", Type: textType(), Doc: "Platform of the device", Example: `"ios"`},
		schema.Field{Name: "last_used", Type: schema.Type{Kind: schema.KindNumber, Format: schema.UnixTime}, Nullable: true, Doc: "When it was used last", Example: "1750000000"})
	profile := schema.NewObject("profile",
		schema.Field{Name: "id", Type: textType(), Nullable: true, Role: schema.RoleCustomerID, Doc: "Your own id of the person", Example: `"cus_123"`},
		schema.Field{Name: "identifiers", Type: schema.ObjectType(ids), Doc: "All that identifies the person", Example: `{"id": "cus_123"}`},
		schema.Field{Name: "attributes", Type: schema.Type{Kind: schema.KindAny}, Required: true, Doc: "Attributes by name, most of them as text", Example: `{"plan": "pro"}`},
		schema.Field{Name: "timestamps", Type: schema.Type{Kind: schema.KindAny}, Doc: "When each attribute was set, in unix seconds, by name", Example: `{"plan": 1750000000}`},
		schema.Field{Name: "unsubscribed", Type: schema.Type{Kind: schema.KindBool}, Doc: "The person wants no messages", Example: "false"},
		schema.Field{Name: "devices", Type: schema.ObjectType(devices).ListOf(), Doc: "The person's devices", Example: `[{"id": "a83b219c", "platform": "ios"}]`})
	return &connectors.Action{
		Action: schema.Action{Name: "customerio_person_attributes", Service: service, Effect: schema.Read, OutMayBeNull: true,
			Doc: "Look up a person's attributes and devices; null where there is no such person",
			In:  schema.NewObject("person_attributes", profileFields()...), Out: profile},
		Call: &lookup{
			HTTP: s.profileCall("/v1/customers/{customer_id}/attributes"),
			wire: schema.NewObject("answer", schema.Field{Name: "customer", Required: true, Doc: "The person", Type: schema.ObjectType(profile)}),
			take: func(v cty.Value) cty.Value { return v.GetAttr("customer") },
		},
		Example: `{"customer_id": "cus_123"}`,
		Answer:  `{"id": "cus_123", "attributes": {"plan": "pro"}, "unsubscribed": false, "devices": []}`,
		Reply:   `{"customer": {"id": "cus_123", "attributes": {"plan": "pro"}, "unsubscribed": false, "devices": []}}`,
		Limit:   limitApp,
	}
}

func personSegments(s *settings) *connectors.Action {
	segment := schema.NewObject("segment",
		schema.Field{Name: "id", Type: integerType(), Required: true, Doc: "Number of the segment", Example: "7"},
		schema.Field{Name: "name", Type: textType(), Doc: "Name of the segment", Example: `"Paying customers"`},
		schema.Field{Name: "description", Type: textType(), Nullable: true, Doc: "What it is for", Example: `"Everybody with a plan"`},
		schema.Field{Name: "type", Type: textType(), Doc: "How it is filled: dynamic or manual", Example: `"dynamic"`})
	out := schema.NewObject("segments", schema.Field{Name: "segments", Required: true, Type: schema.ObjectType(segment).ListOf(),
		Doc: "The segments that the person is in", Example: `[{"id": 7, "name": "Paying customers"}]`})
	return &connectors.Action{
		Action: schema.Action{Name: "customerio_person_segments", Service: service, Effect: schema.Read, OutMayBeNull: true,
			Doc: "Look up which segments a person is in; null where there is no such person",
			In:  schema.NewObject("person_segments", profileFields()...), Out: out},
		Call: &lookup{HTTP: s.profileCall("/v1/customers/{customer_id}/segments"), wire: out,
			take: func(v cty.Value) cty.Value { return v }},
		Example: `{"customer_id": "cus_123"}`,
		Answer:  `{"segments": [{"id": 7, "name": "Paying customers", "description": "", "type": "dynamic"}]}`,
		Limit:   limitApp,
	}
}

func (s *settings) profileCall(path string) *connectors.HTTP {
	return s.appCall(&connectors.HTTP{Method: http.MethodGet, Path: path, Query: []string{"id_type"}, Encode: connectors.NoBody,
		Check: func(c *connectors.Call) error {
			return short("customer_id", connectors.InputString(c, "customer_id"), maxID)
		}})
}
