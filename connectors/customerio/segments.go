package customerio

import (
	"net/http"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

// maxSegmentCall is how many people one call can add to a segment.
const maxSegmentCall = 1000

// segmentAction adds people to a manual segment or removes them. The segments that are made of conditions are the
// vendor's to fill.
func (s *settings) segmentAction(name, verb, doc string) *connectors.Action {
	return &connectors.Action{
		Action: schema.Action{Name: service + "_" + name, Service: service, Effect: schema.Idempotent, Doc: doc,
			In: schema.NewObject(name,
				schema.Field{Name: "segment_id", Required: true, Type: integerType(), Doc: "Number of the segment, which must be a manual one", Example: "7"},
				schema.Field{Name: "ids", Required: true, Type: textType().ListOf(), Doc: "The people, at most 1,000", Example: `["cus_123"]`},
				idTypeField("What ids holds: your own ids, e-mail addresses or ids of Customer.io"))},
		Call: s.trackCall(&connectors.HTTP{Method: http.MethodPost, Path: "/api/v1/segments/{segment_id}/" + verb,
			PathValue: wholeNumber, Rename: map[string]string{"segment_id": ""}, Query: []string{"id_type"}, Check: checkSegment}),
		Example: `{"segment_id": 7, "ids": ["cus_123"]}`,
	}
}

func idTypeField(doc string) schema.Field {
	return schema.Field{Name: "id_type", Type: schema.EnumOf("id", "email", "cio_id"), Default: `"id"`, Doc: doc, Example: `"email"`}
}

func addToSegment(s *settings) *connectors.Action {
	return s.segmentAction("add_to_segment", "add_customers", "Add people to a manual segment")
}

func removeFromSegment(s *settings) *connectors.Action {
	return s.segmentAction("remove_from_segment", "remove_customers", "Remove people from a manual segment")
}

func checkSegment(c *connectors.Call) error {
	ids := connectors.Input(c, "ids")
	if n := ids.LengthInt(); n == 0 || n > maxSegmentCall {
		return connectors.Invalidf("ids names %d people; Customer.io takes 1 to %d", n, maxSegmentCall)
	}
	for _, id := range ids.AsValueSlice() {
		if id.IsNull() || id.AsString() == "" {
			return connectors.Invalid("ids holds an empty one")
		}
		if err := short("an id", id.AsString(), maxID); err != nil {
			return err
		}
	}
	return nil
}
