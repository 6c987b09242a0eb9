package eval

import (
	"cmp"
	"errors"
	"slices"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// Func is one function of the language.
type Func struct {
	Name    string
	Doc     string // one sentence
	Example string // a call and what it gives, as expressions: `upper("a") → "A"`
	Impl    function.Function
}

// Functions returns all functions, sorted by name. Names that Terraform has mean what they mean there.
//
// A parameter allows null only where null means something to the function; the checker relies on it. No message of a
// function quotes the value of an argument, and none can give much more than 1 MiB before it is noticed.
func Functions() []Func {
	all := slices.Concat(stringFuncs(), regexFuncs(), collectionFuncs(), conversionFuncs(), numberFuncs(),
		timeFuncs(), encodingFuncs(), moneyFuncs(), personFuncs(), controlFuncs())
	slices.SortFunc(all, func(a, b Func) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Table returns all functions by name, as an hcl.EvalContext wants them. It is built at each call; callers keep it. It
// is safe for concurrent use.
func Table() map[string]function.Function {
	all := Functions()
	table := make(map[string]function.Function, len(all))
	for _, f := range all {
		table[f.Name] = f.Impl
	}
	return table
}

// param is a parameter that takes no null.
func param(name string, ty cty.Type) function.Parameter {
	return function.Parameter{Name: name, Type: ty}
}

func notNull(b *cty.RefinementBuilder) *cty.RefinementBuilder { return b.NotNull() }

// plain makes a function of known arguments whose result has always the same type and is never null.
func plain(ret cty.Type, impl func(args []cty.Value) (cty.Value, error), params ...function.Parameter) function.Function {
	return function.New(&function.Spec{
		Params:       params,
		Type:         function.StaticReturnType(ret),
		RefineResult: notNull,
		Impl:         func(args []cty.Value, _ cty.Type) (cty.Value, error) { return impl(args) },
	})
}

// optional makes a function like plain whose last parameters may be left out: up to most arguments in the place of
// rest.
func optional(ret cty.Type, impl func(args []cty.Value) (cty.Value, error), rest function.Parameter, most int, params ...function.Parameter) function.Function {
	return function.New(&function.Spec{
		Params:   params,
		VarParam: &rest,
		Type: func(args []cty.Value) (cty.Type, error) {
			if len(args) > len(params)+most {
				return cty.NilType, function.NewArgErrorf(len(params)+most, "too many arguments")
			}
			return ret, nil
		},
		RefineResult: notNull,
		Impl:         func(args []cty.Value, _ cty.Type) (cty.Value, error) { return impl(args) },
	})
}

// quiet is f with its errors replaced by text, since those of cty's library can quote what they were given. An error
// about one argument stays one about that argument.
func quiet(f function.Function, text string) function.Function {
	hush := func(err error) error {
		if err == nil {
			return nil
		}
		var arg function.ArgError
		if errors.As(err, &arg) {
			return function.NewArgErrorf(arg.Index, "%s", text)
		}
		return callError(text)
	}
	return function.New(&function.Spec{
		Params:   f.Params(),
		VarParam: f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			ty, err := f.ReturnTypeForValues(args)
			return ty, hush(err)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v, err := f.Call(args)
			return v, hush(err)
		},
	})
}

// callError is an error about a call as a whole.
type callError string

func (e callError) Error() string { return string(e) }

const errTooLong callError = "the result would be larger than 1 MiB"

func stringFuncs() []Func {
	return []Func{
		{"chomp", "Removes line breaks from the end of a string.", `chomp("a\n") → "a"`, stdlib.ChompFunc},
		{"endswith", "Tells whether a string ends with another.", `endswith("invoice.paid", ".paid") → true`, endswithFunc()},
		{"format", "Puts values into a text by verbs such as %s, %d and %.2f.", `format("%s: %d", "a", 3) → "a: 3"`, formatFunc()},
		{"formatlist", "Formats once for each element of the lists among its arguments.", `formatlist("%s!", ["a", "b"]) → ["a!", "b!"]`, formatlistFunc()},
		{"indent", "Adds spaces to the beginning of every line but the first.", `indent(2, "a\nb") → "a\n  b"`, indentFunc()},
		{"join", "Joins the strings of lists with a separator.", `join(", ", ["a", "b"]) → "a, b"`, joinFunc()},
		{"lower", "Makes letters lower case.", `lower("AbC") → "abc"`, stdlib.LowerFunc},
		{"split", "Splits a string at a separator.", `split(",", "a,b") → ["a", "b"]`, splitFunc()},
		{"startswith", "Tells whether a string begins with another.", `startswith("cus_1", "cus_") → true`, startswithFunc()},
		{"strcontains", "Tells whether a string contains another.", `strcontains("hello", "ell") → true`, strcontainsFunc()},
		{"strrev", "Reverses the characters of a string.", `strrev("abc") → "cba"`, stdlib.ReverseFunc},
		{"substr", "Takes a part of a string, by offset and length in characters; length -1 means to the end.", `substr("hello", 1, 3) → "ell"`, quiet(stdlib.SubstrFunc, "offset and length must be whole numbers within the string")},
		{"title", "Makes the first letter of every word upper case.", `title("jo example") → "Jo Example"`, stdlib.TitleFunc},
		{"trim", "Removes the given characters from both ends of a string.", `trim("?!a?", "?!") → "a"`, stdlib.TrimFunc},
		{"trimprefix", "Removes a beginning from a string.", `trimprefix("cus_1", "cus_") → "1"`, stdlib.TrimPrefixFunc},
		{"trimspace", "Removes white space from both ends of a string.", `trimspace(" a ") → "a"`, stdlib.TrimSpaceFunc},
		{"trimsuffix", "Removes an ending from a string.", `trimsuffix("a.json", ".json") → "a"`, stdlib.TrimSuffixFunc},
		{"upper", "Makes letters upper case.", `upper("a") → "A"`, stdlib.UpperFunc},
	}
}

func conversionFuncs() []Func {
	return []Func{
		{"tobool", "Makes a bool of \"true\" or \"false\"; null stays null.", `tobool("true") → true`, quiet(stdlib.MakeToFunc(cty.Bool), "a bool is required, or the string \"true\" or \"false\"")},
		{"tolist", "Makes a list of a set or a tuple; null stays null.", `tolist(toset(["b", "a"])) → tolist(["a", "b"])`, quiet(stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)), "a list, set or tuple is required whose elements can have one type")},
		{"tomap", "Makes a map of an object; null stays null.", `tomap({ a = 1 })["a"] → 1`, quiet(stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)), "a map or object is required whose values can have one type")},
		{"tonumber", "Makes a number of a string; null stays null.", `tonumber("12.5") → 12.5`, tonumberFunc()},
		{"toset", "Makes a set of a list: without order or duplicates; null stays null.", `length(toset(["a", "a"])) → 1`, quiet(stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)), "a list, set or tuple is required whose elements can have one type")},
		{"tostring", "Makes a string of a number or bool; null stays null.", `tostring(12) → "12"`, tostringFunc()},
	}
}

// powFunc refuses what is no real number, on which the library's panics.
func powFunc() function.Function {
	return guarded(stdlib.PowFunc, func(args []cty.Value) error {
		base, _ := args[0].Unmark()
		power, _ := args[1].Unmark()
		for _, v := range []cty.Value{base, power} {
			if !v.IsKnown() || v.IsNull() || v.Type() != cty.Number {
				return nil
			}
		}
		if base.AsBigFloat().Sign() < 0 && !power.AsBigFloat().IsInt() {
			return function.NewArgErrorf(1, "a negative number can be raised to a whole number only")
		}
		return nil
	})
}

// logFunc refuses what has no logarithm, on which the library's panics.
func logFunc() function.Function {
	return guarded(stdlib.LogFunc, func(args []cty.Value) error {
		for i, v := range args {
			v, _ = v.Unmark()
			if v.IsKnown() && v.Type() == cty.Number && !v.IsNull() && (v.AsBigFloat().Sign() <= 0 || i == 1 && v.Equals(cty.NumberIntVal(1)).True()) {
				return function.NewArgErrorf(i, "a positive number and a positive base other than 1 are required")
			}
		}
		return nil
	})
}

func numberFuncs() []Func {
	return []Func{
		{"abs", "Takes the sign from a number.", `abs(-2) → 2`, stdlib.AbsoluteFunc},
		{"ceil", "Rounds a number up.", `ceil(1.2) → 2`, stdlib.CeilFunc},
		{"floor", "Rounds a number down.", `floor(1.8) → 1`, stdlib.FloorFunc},
		{"log", "Gives the logarithm of a number to a base.", `log(8, 2) → 3`, logFunc()},
		{"max", "Gives the greatest of numbers.", `max(1, 3, 2) → 3`, stdlib.MaxFunc},
		{"min", "Gives the least of numbers.", `min(1, 3, 2) → 1`, stdlib.MinFunc},
		{"parseint", "Reads a whole number written in a base from 2 to 62.", `parseint("ff", 16) → 255`, parseintFunc()},
		{"pow", "Raises a number to a power.", `pow(2, 10) → 1024`, powFunc()},
		{"signum", "Gives -1, 0 or 1 by a number's sign.", `signum(-5) → -1`, quiet(stdlib.SignumFunc, "a whole number is required")},
	}
}
