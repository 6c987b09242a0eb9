package customerio

// Objects are what people have in common, such as a company or a course. Each is of a type, which is a number that is
// written as a string, and has relationships with people.

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

// object returns the fields that name an object: its type and your id of it, or the id that Customer.io gave it.
func object() []schema.Field {
	id := schema.Type{Kind: schema.KindString, Max: maxID}
	return []schema.Field{
		{Name: "object_type_id", Type: id, Doc: "Number of the object's type, with object_id", Example: `"1"`},
		{Name: "object_id", Type: id, Doc: "Your own id of the object", Example: `"acme"`},
		{Name: "cio_object_id", Type: id, Doc: "Id that Customer.io gave the object", Example: `"obb7fd050101"`},
	}
}

// objectOf returns the identifiers that v, an object with object's fields, names an object by, as a JSON object.
func objectOf(v cty.Value) ([]byte, error) {
	typ, id, cioID := textOf(v, "object_type_id"), textOf(v, "object_id"), textOf(v, "cio_object_id")
	if (id == "") == (cioID == "") {
		return nil, connectors.Invalid("exactly one of object_id and cio_object_id must be given, and not be empty")
	}
	if (typ == "") != (id == "") {
		return nil, connectors.Invalid("object_type_id must be given with object_id, and only with it")
	}
	dst := []byte{'{'}
	for _, m := range [][2]string{{"object_type_id", typ}, {"object_id", id}, {"cio_object_id", cioID}} {
		if m[1] == "" {
			continue
		}
		err := short(m[0], m[1], maxID)
		if err == nil {
			err = text(m[0], m[1])
		}
		if err != nil {
			return nil, err
		}
		if dst, err = connectors.AppendJSONMember(dst, m[0], cty.StringVal(m[1])); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func attributesField(doc string) schema.Field {
	return schema.Field{Name: "attributes", Type: named(), Doc: doc, Example: `{"role": "admin"}`}
}

// peopleField lists people with what relates each to an object.
func peopleField(required bool) schema.Field {
	fields := append(person(), attributesField("Attributes of the relationship; null takes one away"))
	return schema.Field{Name: "people", Required: required, Doc: "The people, each by exactly one of id, email and cio_id", Example: `[{"id": "cus_123"}]`,
		Type: schema.ObjectType(schema.NewObject("related person", fields...).WithOneOf("id", "email", "cio_id")).ListOf()}
}

// objectsField lists objects with what relates each to a person.
func objectsField() schema.Field {
	fields := append(object(), attributesField("Attributes of the relationship; null takes one away"))
	return schema.Field{Name: "objects", Required: true, Doc: "The objects, each by its type and object_id or by cio_object_id",
		Example: `[{"object_type_id": "1", "object_id": "acme"}]`,
		Type:    schema.ObjectType(schema.NewObject("related object", fields...).WithOneOf("object_id", "cio_object_id")).ListOf()}
}

// objectAction is an action on an object; rest appends what follows its identifiers.
func (s *settings) objectAction(name, verb, doc, example string, more []schema.Field, rest func([]byte, *connectors.Call) ([]byte, error)) *connectors.Action {
	return &connectors.Action{
		Action: schema.Action{Name: service + "_" + name, Service: service, Effect: schema.Idempotent, Doc: doc,
			In: schema.NewObject(name, append(object(), more...)...).WithOneOf("object_id", "cio_object_id")},
		Call: s.change(func(dst []byte, c *connectors.Call) ([]byte, error) {
			which, err := objectOf(c.Input)
			if err != nil {
				return nil, err
			}
			dst = begin(dst, "object", verb, which)
			if rest != nil {
				if dst, err = rest(dst, c); err != nil {
					return nil, err
				}
			}
			return append(dst, '}'), nil
		}, nil),
		Example: example,
	}
}

func identifyObject(s *settings) *connectors.Action {
	more := []schema.Field{
		{Name: "attributes", Type: named(), Doc: "Attributes to set, by name; null takes one away",
			Example: `{"name": "Acme", "plan": "enterprise"}`},
		peopleField(false),
	}
	return s.objectAction("identify_object", "identify", "Create or update an object, such as a company, and relate people to it",
		`{"object_type_id": "1", "object_id": "acme", "attributes": {"name": "Acme"}, "people": [{"id": "cus_123"}]}`, more,
		func(dst []byte, c *connectors.Call) ([]byte, error) {
			dst, err := appendObject(dst, "attributes", connectors.Input(c, "attributes"))
			if err != nil {
				return nil, err
			}
			if v := connectors.Input(c, "people"); v.IsNull() || v.LengthInt() == 0 {
				return dst, nil
			}
			return appendRelated(dst, c, "people", personOf)
		})
}

func deleteObject(s *settings) *connectors.Action {
	a := s.objectAction("delete_object", "delete", "Delete an object and its relationships",
		`{"object_type_id": "1", "object_id": "acme"}`, nil, nil)
	a.Lasting.Kind = schema.Deletes
	return a
}

func addPeople(s *settings) *connectors.Action {
	return s.objectAction("add_people_to_object", "add_relationships", "Relate people to an object",
		`{"object_type_id": "1", "object_id": "acme", "people": [{"id": "cus_123", "attributes": {"role": "admin"}}]}`,
		[]schema.Field{peopleField(true)}, relatedPeople)
}

func removePeople(s *settings) *connectors.Action {
	return s.objectAction("remove_people_from_object", "delete_relationships", "End relationships of people with an object",
		`{"object_type_id": "1", "object_id": "acme", "people": [{"id": "cus_123"}]}`,
		[]schema.Field{peopleField(true)}, relatedPeople)
}

func relatedPeople(dst []byte, c *connectors.Call) ([]byte, error) {
	return appendRelated(dst, c, "people", personOf)
}

// relationAction is an action on the relationships of a person.
func (s *settings) relationAction(name, verb, doc string) *connectors.Action {
	return &connectors.Action{
		Action: schema.Action{Name: service + "_" + name, Service: service, Effect: schema.Idempotent, Doc: doc,
			In: schema.NewObject(name, append(anyone(), objectsField())...).WithOneOf(identifiers()...)},
		Call: s.change(func(dst []byte, c *connectors.Call) ([]byte, error) {
			dst, err := personChange(dst, c, verb)
			if err != nil {
				return nil, err
			}
			dst, err = appendRelated(dst, c, "objects", objectOf)
			return append(dst, '}'), err
		}, nil),
		Example: `{"id": "cus_123", "objects": [{"object_type_id": "1", "object_id": "acme"}]}`,
	}
}

func addRelationships(s *settings) *connectors.Action {
	return s.relationAction("add_relationships", "add_relationships", "Relate a person to objects, such as a company")
}

func deleteRelationships(s *settings) *connectors.Action {
	return s.relationAction("delete_relationships", "delete_relationships", "End relationships of a person with objects")
}

// appendRelated appends the relationships that the input lists, each named by identify.
func appendRelated(dst []byte, c *connectors.Call, field string, identify func(cty.Value) ([]byte, error)) ([]byte, error) {
	list := connectors.Input(c, field)
	if list.IsNull() || list.LengthInt() == 0 {
		return nil, connectors.Invalidf("%s is empty", field)
	}
	dst = append(appendRaw(dst, "cio_relationships"), '[')
	for i, v := range list.AsValueSlice() {
		where := fmt.Sprintf("%s[%d]", field, i)
		if v.IsNull() {
			return nil, connectors.Invalidf("%s is null", where)
		}
		who, err := identify(v)
		if err != nil {
			return nil, within(where, err)
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, `{"identifiers":`...), who...)
		if attributes := v.GetAttr("attributes"); !attributes.IsNull() {
			if dst, err = appendRawJSON(dst, "relationship_attributes", attributes); err != nil {
				return nil, within(where, err)
			}
		}
		dst = append(dst, '}')
	}
	return append(dst, ']'), nil
}
