package lang

import (
	"errors"
	"fmt"
	"maps"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/flowrun/flowrun/lang/eval"
)

// world evaluates what may read the environment and files: settings of connections and defaults of variables. Nothing
// else in the language can.
type world struct {
	pureFuncs, funcs map[string]function.Function
	failure          error // what env() or file() met in the evaluation under way
}

// unsetError is an environment variable that isn't there.
type unsetError struct{ name string }

func (e *unsetError) Error() string { return "the environment variable " + e.name + " is not set" }

func newWorld(in Inputs) *world {
	w := &world{pureFuncs: eval.Table()}
	w.funcs = maps.Clone(w.pureFuncs)
	w.funcs["env"] = w.reader("name", func(name string) (string, error) {
		if in.Env != nil {
			if text, ok := in.Env(name); ok {
				return text, nil
			}
		}
		return "", &unsetError{name}
	})
	w.funcs["file"] = w.reader("path", func(path string) (string, error) {
		if in.ReadFile == nil {
			return "", errors.New("files can't be read here")
		}
		raw, err := in.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("reading %s: %w", path, err)
		}
		return string(raw), nil
	})
	return w
}

func (w *world) reader(param string, read func(string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: param, Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			text, err := read(args[0].AsString())
			if err != nil {
				w.failure = err
				return cty.NilVal, err
			}
			return cty.StringVal(text), nil
		},
	})
}

// value evaluates x with env() and file(); the value has no marks.
func (w *world) value(x hcl.Expression, vars cty.Value) (cty.Value, error) {
	return w.evaluate(x, vars, w.funcs)
}

// pure evaluates x without them.
func (w *world) pure(x hcl.Expression, vars cty.Value) (cty.Value, error) {
	return w.evaluate(x, vars, w.pureFuncs)
}

func (w *world) evaluate(x hcl.Expression, vars cty.Value, funcs map[string]function.Function) (cty.Value, error) {
	w.failure = nil
	scope := eval.NewScope(funcs, nil)
	scope.Set("var", vars)
	v, err := scope.Value(x)
	if err != nil {
		if w.failure != nil {
			return cty.NilVal, w.failure
		}
		var ee *eval.Error
		if errors.As(err, &ee) {
			return cty.NilVal, errors.New(ee.Detail)
		}
		return cty.NilVal, err
	}
	v, _ = eval.Unmark(v)
	return v, nil
}
