package lang

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/syntax"
)

// envPrefix begins the names of environment variables that give variables.
const envPrefix = "FLOWRUN_VAR_"

// variable returns the value of one variable, converted and validated. Its mistakes are reported.
func (b *binder) variable(v *check.Variable) (cty.Value, bool) {
	context := fmt.Sprintf("in variable %q", v.Name)
	value, from, ok := b.given(v, context)
	if !ok {
		return cty.NilVal, false
	}
	converted, err := convert.Convert(value, v.Type)
	if err != nil {
		b.report(diag.BadVariable, v.Range, context, "The value of %q, %s, must be %s: %s.", v.Name, from, v.Type.FriendlyName(), err)
		return cty.NilVal, false
	}
	if !b.validate(v, converted, context) {
		return cty.NilVal, false
	}
	return converted, true
}

// given finds a variable's value and says where it is from.
func (b *binder) given(v *check.Variable, context string) (value cty.Value, from string, ok bool) {
	text, ok := b.in.Vars[v.Name]
	from = "given by name"
	if !ok && b.in.Env != nil {
		text, ok = b.in.Env(envPrefix + v.Name)
		from = "from " + envPrefix + v.Name
	}
	if ok {
		value, err := parseText(text, v.Type)
		if err != nil {
			b.report(diag.BadVariable, v.Range, context, "The value of %q, %s, must be %s: %s.", v.Name, from, v.Type.FriendlyName(), err)
			return cty.NilVal, "", false
		}
		return value, from, true
	}
	if v.Default == nil {
		b.report(diag.MissingVariable, v.Range, context, "%q has no default and no value was given. Set the environment variable %s%s, or write -var %s=VALUE.",
			v.Name, envPrefix, v.Name, v.Name)
		return cty.NilVal, "", false
	}
	value, err := b.world.value(v.Default, cty.EmptyObjectVal)
	if err != nil {
		b.report(diag.BadVariable, v.Default.Range(), context, "The default of %q can't be had: %s.", v.Name, err)
		return cty.NilVal, "", false
	}
	return value, "its default", true
}

// parseText reads a value that was given as text: as it is for a string, in HCL's or JSON's syntax for lists, maps and
// objects.
func parseText(text string, t cty.Type) (cty.Value, error) {
	trimmed := strings.TrimSpace(text)
	if t == cty.DynamicPseudoType && !strings.HasPrefix(trimmed, "[") && !strings.HasPrefix(trimmed, "{") {
		return cty.StringVal(text), nil
	}
	if t.IsPrimitiveType() {
		if t != cty.String {
			text = trimmed
		}
		return cty.StringVal(text), nil
	}
	const name = "value"
	if diags := syntax.Guard([]byte(text), name); diags.HasErrors() {
		return cty.NilVal, errors.New("it is not well-formed HCL or JSON")
	}
	x, diags := hclsyntax.ParseExpression([]byte(text), name, hcl.InitialPos)
	if diags.HasErrors() {
		return cty.NilVal, errors.New("it is not well-formed HCL or JSON")
	}
	value, diags := eval.Bound(x).Value(nil)
	if diags.HasErrors() || !value.IsWhollyKnown() {
		return cty.NilVal, errors.New("it is not written out")
	}
	return value, nil
}

// validate reports the first validation that does not hold.
func (b *binder) validate(v *check.Variable, value cty.Value, context string) bool {
	vars := cty.ObjectVal(map[string]cty.Value{v.Name: value})
	for _, val := range v.Validations {
		if val.Condition == nil {
			continue
		}
		held, err := b.world.pure(val.Condition, vars)
		if err != nil {
			b.report(diag.BadVariable, val.Condition.Range(), context, "The validation of %q can't be evaluated: %s.", v.Name, err)
			return false
		}
		held, err = convert.Convert(held, cty.Bool)
		if err == nil && !held.IsNull() && held.True() {
			continue
		}
		message := "its validation does not hold"
		if val.ErrorMessage != nil {
			if text, err := b.world.pure(val.ErrorMessage, vars); err == nil && !v.Sensitive {
				if s, ok := textOf(text); ok && s != "" {
					message = strings.TrimSuffix(s, ".")
				}
			}
		}
		b.report(diag.BadVariable, val.Range, context, "The value of %q is refused: %s.", v.Name, message)
		return false
	}
	return true
}
