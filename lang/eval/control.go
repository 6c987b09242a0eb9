package eval

import (
	"github.com/hashicorp/hcl/v2/ext/customdecode"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// try and can are our own because the library's evaluate each argument twice, once for the type and once for the
// value, which nested is exponential; and because its message quotes what failed.

func controlFuncs() []Func {
	return []Func{
		{"can", "Tells whether an expression can be evaluated without an error.", `can(tonumber("a")) → false`, canFunc()},
		{"try", "Gives the value of the first of its expressions that can be evaluated without an error.", `try(tonumber("a"), 0) → 0`, tryFunc()},
	}
}

func tryFunc() function.Function {
	return function.New(&function.Spec{
		VarParam: &function.Parameter{Name: "expressions", Type: customdecode.ExpressionClosureType},
		Type:     function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			for _, arg := range args {
				v, diags := customdecode.ExpressionClosureFromVal(arg).Value()
				switch {
				case diags.HasErrors():
				case !v.IsWhollyKnown():
					return cty.DynamicVal, nil // the known value may yet fail
				default:
					return v, nil
				}
			}
			return cty.NilVal, callError("none of the expressions can be evaluated")
		},
	})
}

func canFunc() function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{{Name: "expression", Type: customdecode.ExpressionClosureType}},
		Type:         function.StaticReturnType(cty.Bool),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v, diags := customdecode.ExpressionClosureFromVal(args[0]).Value()
			switch {
			case diags.HasErrors():
				return cty.False, nil
			case !v.IsWhollyKnown():
				return cty.UnknownVal(cty.Bool), nil
			}
			_, marks := v.UnmarkDeep()
			return cty.True.WithMarks(marks), nil
		},
	})
}
