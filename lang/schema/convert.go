package schema

import "github.com/zclconf/go-cty/cty"

// FieldError says which field of an input or of settings is refused, and why. It quotes no value.
type FieldError struct {
	Path   Path
	Reason string
}

func (e *FieldError) Error() string { return e.Path.String() + ": " + e.Reason }

// Convert makes the value of an input or of settings from an object holding the arguments that were given.
func (o *Object) Convert(v cty.Value) (cty.Value, error) { return v, nil }
