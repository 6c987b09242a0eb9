package schema

import "github.com/zclconf/go-cty/cty"

// Drift is one place where data does not have the declared shape. It quotes no value.
type Drift struct {
	Path Path
	What string // "is missing", "is a string, not a number"
}

func (d Drift) String() string { return d.Path.String() + " " + d.What }

// Decode makes a cty object of the JSON object raw, holding the fields that want mentions.
func (o *Object) Decode(raw []byte, want *Paths) (cty.Value, []Drift, error) {
	return cty.EmptyObjectVal, nil, nil
}

// DecodeJSON decodes all of raw and converts it: the way from an example to the value of an input.
func (o *Object) DecodeJSON(raw []byte) (cty.Value, error) {
	v, _, err := o.Decode(raw, &Paths{All: true})
	if err != nil {
		return cty.NilVal, err
	}
	return o.Convert(v)
}
