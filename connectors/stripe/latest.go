package stripe

// Stripe promises no order of events, and an event holds its object as it was when the event was made. So a recipe that
// acts on how things stand asks for the object as it is now. What can be asked for so is read from the operations: a look-up
// that answers the event's object, by values that the event has.

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/flowrun/flowrun/lang/schema"
)

// latest says how the object that events of the types carry is looked up.
func (c *catalog) latest(types []string) (*schema.Fetch, error) {
	object := ""
	for _, t := range types {
		name, ok := c.eventObject(t)
		switch {
		case !ok || object != "" && name != object:
			return nil, errors.New("its events carry objects of several kinds")
		case t == "invoice.upcoming":
			return nil, errors.New("an upcoming invoice has no id until it is made")
		case strings.HasSuffix(t, ".deleted") && name != "subscription": // a subscription that ended is still there
			return nil, fmt.Errorf("%s tells that the object is no more", t)
		}
		object = name
	}
	if f := c.lookUp(object); f != nil {
		return f, nil
	}
	return nil, fmt.Errorf("there is no look-up of %s by what the event says of it", article(spaced(strings.ReplaceAll(object, "|", ", "))))
}

// article puts the article before a noun.
func article(noun string) string {
	if noun != "" && strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

// lookUp returns the operation that answers an object by its id, or, of what has none, by the object that it belongs to;
// nil where there is none. Of several it is the one that asks for the least, and is named as its object.
func (c *catalog) lookUp(object string) *schema.Fetch {
	if object == "" || strings.Contains(object, "|") {
		return nil
	}
	shape := c.object(object)
	var best *schema.Fetch
	for _, op := range c.operations {
		if op.method != http.MethodGet || op.answer != "@"+object {
			continue
		}
		inputs, ok := placed(op.path, shape)
		if !ok {
			continue
		}
		own := op.name == strings.ReplaceAll(object, ".", "_")+"_retrieve"
		if best == nil || len(inputs) < len(best.Inputs) || len(inputs) == len(best.Inputs) && own {
			best = &schema.Fetch{Action: "stripe_" + op.name, Inputs: inputs}
		}
	}
	return best
}

// placed finds the values of a path's placeholders in an object; ok is false where one is not there, or where the path
// leads to what need not be the same object.
func placed(path string, shape *schema.Object) (inputs map[string]schema.Path, ok bool) {
	inputs = map[string]schema.Path{}
	parts := strings.Split(path, "/")
	byID := false
	for i, part := range parts {
		name, placeholder := strings.CutPrefix(part, "{")
		if !placeholder {
			continue
		}
		name = strings.TrimSuffix(name, "}")
		from := name
		if i == len(parts)-1 {
			from, byID = "id", true
		}
		f := shape.Field(from)
		if f == nil || f.Type.Kind != schema.KindString {
			return nil, false
		}
		inputs[name] = schema.Path{from}
	}
	return inputs, byID || shape.Field("id") == nil
}
