package suite

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/schema"
)

// Merge changes a JSON object of the shape: nested objects are changed in turn, all else is replaced. null takes away a
// field that may be absent and not null. An object that is changed and not there begins as a sample of its shape.
func Merge(o *schema.Object, base []byte, changes cty.Value) ([]byte, error) {
	into, err := decodeObject(base)
	if err != nil {
		return nil, err
	}
	raw, err := schema.AppendJSON(nil, changes)
	if err != nil {
		return nil, fmt.Errorf("writing the changes: %w", err)
	}
	with, err := decodeObject(raw)
	if err != nil {
		return nil, err
	}
	if err := merge(o, into, with); err != nil {
		return nil, err
	}
	return json.Marshal(into)
}

func decodeObject(raw []byte) (map[string]any, error) {
	out := map[string]any{}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber() // amounts keep their digits
	if err := dec.Decode(&out); err != nil {
		return nil, fmt.Errorf("reading an object: %w", err)
	}
	return out, nil
}

func merge(o *schema.Object, into, with map[string]any) error {
	for name, v := range with {
		f := o.Field(name)
		if v == nil && f != nil && !f.Nullable {
			delete(into, name)
			continue
		}
		change, nested := v.(map[string]any)
		if !nested || f == nil || f.Type.Kind != schema.KindObject || f.Type.Object == nil {
			into[name] = v
			continue
		}
		inner, there := into[name].(map[string]any)
		if !there {
			var err error
			if inner, err = decodeObject(f.Type.Object.Sample(name)); err != nil {
				return err
			}
		}
		if err := merge(f.Type.Object, inner, change); err != nil {
			return err
		}
		into[name] = inner
	}
	return nil
}
