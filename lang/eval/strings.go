package eval

import (
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

func twoStrings(a, b string, test func(string, string) bool) function.Function {
	return plain(cty.Bool, func(args []cty.Value) (cty.Value, error) {
		return cty.BoolVal(test(args[0].AsString(), args[1].AsString())), nil
	}, param(a, cty.String), param(b, cty.String))
}

func startswithFunc() function.Function  { return twoStrings("str", "prefix", strings.HasPrefix) }
func endswithFunc() function.Function    { return twoStrings("str", "suffix", strings.HasSuffix) }
func strcontainsFunc() function.Function { return twoStrings("str", "substr", strings.Contains) }

func indentFunc() function.Function {
	return plain(cty.String, func(args []cty.Value) (cty.Value, error) {
		spaces, err := smallInt(args, 0, 1000)
		if err != nil {
			return cty.NilVal, err
		}
		s := args[1].AsString()
		if len(s)+spaces*strings.Count(s, "\n") > maxValueBytes {
			return cty.NilVal, errTooLong
		}
		return cty.StringVal(strings.ReplaceAll(s, "\n", "\n"+strings.Repeat(" ", spaces))), nil
	}, param("spaces", cty.Number), param("str", cty.String))
}

// smallInt returns args[i] as a whole number from 0 to most.
func smallInt(args []cty.Value, i, most int) (int, error) {
	n, acc := args[i].AsBigFloat().Int64()
	if acc != big.Exact || n < 0 || n > int64(most) {
		return 0, function.NewArgErrorf(i, "a whole number from 0 to %d is required", most)
	}
	return int(n), nil
}

func splitFunc() function.Function {
	return plain(cty.List(cty.String), func(args []cty.Value) (cty.Value, error) {
		sep, s := args[0].AsString(), args[1].AsString()
		if len(s)+nodeBytes*(strings.Count(s, sep)+1) > maxValueBytes {
			return cty.NilVal, errTooLong
		}
		parts := strings.Split(s, sep)
		if len(parts) == 0 {
			return cty.ListValEmpty(cty.String), nil
		}
		vals := make([]cty.Value, len(parts))
		for i, part := range parts {
			vals[i] = cty.StringVal(part)
		}
		return cty.ListVal(vals), nil
	}, param("separator", cty.String), param("str", cty.String))
}

func joinFunc() function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{param("separator", cty.String)},
		VarParam:     &function.Parameter{Name: "lists", Type: cty.List(cty.String)},
		Type:         function.StaticReturnType(cty.String),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if len(args) < 2 {
				return cty.NilVal, callError("at least one list is required")
			}
			sep := args[0].AsString()
			var items []string
			total := 0
			for i, list := range args[1:] {
				if !list.IsWhollyKnown() {
					return cty.UnknownVal(cty.String), nil
				}
				for it := list.ElementIterator(); it.Next(); {
					_, v := it.Element()
					if v.IsNull() {
						return cty.NilVal, function.NewArgErrorf(i+1, "an element is null, and null cannot be joined")
					}
					s := v.AsString()
					if total += len(s) + len(sep); total > maxValueBytes {
						return cty.NilVal, errTooLong
					}
					items = append(items, s)
				}
			}
			return cty.StringVal(strings.Join(items, sep)), nil
		},
	})
}

const maxFormatWidth = 999

func formatFunc() function.Function {
	return function.New(&function.Spec{
		Params:       stdlib.FormatFunc.Params(),
		VarParam:     stdlib.FormatFunc.VarParam(),
		Type:         function.StaticReturnType(cty.String),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return format(args[0], args[1:], maxValueBytes)
		},
	})
}

// format is stdlib.Format for results up to limit bytes.
func format(layout cty.Value, args []cty.Value, limit int) (cty.Value, error) {
	size, err := formatSize(layout.AsString(), args, limit)
	if err != nil {
		return cty.NilVal, err
	}
	if size > limit {
		return cty.NilVal, errTooLong
	}
	v, err := stdlib.Format(layout, args...)
	if err != nil {
		return cty.NilVal, callError("the format does not fit the values: each verb needs one value of its kind, and no value may be left over or null")
	}
	return v, nil
}

// formatSize estimates from above how long a formatted text becomes, before any of it is made: one verb can be written
// in six bytes, and can take the same argument as all others.
func formatSize(layout string, args []cty.Value, limit int) (int, error) {
	total, next := len(layout), 0
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' {
			continue
		}
		arg, explicit, number := next, false, -1
		for i++; i < len(layout); i++ {
			c := layout[i]
			if '0' <= c && c <= '9' {
				if number = max(number, 0)*10 + int(c-'0'); number > 100_000 {
					return 0, function.NewArgErrorf(0, "a width is too large")
				}
				continue
			}
			if c == ']' && number > 0 {
				arg, explicit, number = number-1, true, -1
				continue
			}
			if number > maxFormatWidth {
				return 0, function.NewArgErrorf(0, "a width is too large")
			}
			total += max(number, 0)
			number = -1
			if strings.IndexByte("+-# .[*", c) < 0 {
				break
			}
		}
		if i >= len(layout) || layout[i] == '%' {
			continue
		}
		if !explicit {
			next++
		} else {
			next = arg + 1
		}
		if arg < len(args) {
			v := args[arg]
			if strings.IndexByte("bdoxXeEfgG", layout[i]) >= 0 && !fitsNumber(v) {
				return 0, function.NewArgErrorf(arg+1, "a number of reasonable size is required")
			}
			if n, _ := v.Unmark(); strings.IndexByte("bcdoxX", layout[i]) >= 0 && n.IsKnown() && !n.IsNull() && n.Type() == cty.Number && !n.AsBigFloat().IsInt() {
				return 0, function.NewArgErrorf(arg+1, "%%%c needs a whole number", layout[i])
			}
			size, _ := sizeOf(v, limit)
			total += size
		}
		if total > limit {
			return total, nil
		}
	}
	return total, nil
}

// fitsNumber is false for a string that would become a number of absurd length.
func fitsNumber(v cty.Value) bool {
	v, _ = v.Unmark()
	return v.IsNull() || !v.IsKnown() || v.Type() != cty.String || !isLongNumber(v.AsString())
}

func formatlistFunc() function.Function {
	return function.New(&function.Spec{
		Params:       stdlib.FormatListFunc.Params(),
		VarParam:     stdlib.FormatListFunc.VarParam(),
		Type:         function.StaticReturnType(cty.List(cty.String)),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			layout, args := args[0], args[1:]
			length := -1
			for i, arg := range args {
				if !arg.IsWhollyKnown() {
					return cty.UnknownVal(cty.List(cty.String)), nil
				}
				if isSequence(arg) {
					if n := arg.LengthInt(); length >= 0 && n != length {
						return cty.NilVal, function.NewArgErrorf(i+1, "all lists must have the same length")
					} else {
						length = n
					}
				}
			}
			if length == 0 {
				return cty.ListValEmpty(cty.String), nil
			}
			lists := make([][]cty.Value, len(args))
			for i, arg := range args {
				if isSequence(arg) {
					lists[i] = arg.AsValueSlice()
				}
			}
			rows := make([]cty.Value, 0, max(length, 1))
			row := make([]cty.Value, len(args))
			left := maxValueBytes
			for n := range max(length, 1) {
				for i, arg := range args {
					if row[i] = arg; lists[i] != nil {
						row[i] = lists[i][n]
					}
				}
				v, err := format(layout, row, left)
				if err != nil {
					return cty.NilVal, err
				}
				if left -= len(v.AsString()) + nodeBytes; left < 0 {
					return cty.NilVal, errTooLong
				}
				rows = append(rows, v)
			}
			return cty.ListVal(rows), nil
		},
	})
}

func isSequence(v cty.Value) bool {
	ty := v.Type()
	return !v.IsNull() && (ty.IsListType() || ty.IsSetType() || ty.IsTupleType())
}

func tonumberFunc() function.Function {
	const text = "a number is required, or a string that is wholly a number"
	f := quiet(stdlib.MakeToFunc(cty.Number), text)
	return guarded(f, func(args []cty.Value) error {
		if !fitsNumber(args[0]) {
			return function.NewArgErrorf(0, text)
		}
		v, _ := args[0].Unmark()
		if v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
			return nil
		}
		if n, err := cty.ParseNumberVal(v.AsString()); err == nil {
			if _, fault := sizeOf(n, maxValueBytes); fault != noFault {
				return function.NewArgErrorf(0, text+", and not larger than any that JSON carries")
			}
		}
		return nil
	})
}

// tostringFunc writes numbers as JSON does: 10/3 has 150 digits in cty.
func tostringFunc() function.Function {
	f := quiet(stdlib.MakeToFunc(cty.String), "a string, number or bool is required")
	return function.New(&function.Spec{
		Params: f.Params(),
		Type:   f.ReturnTypeForValues,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v := args[0]
			if v.Type() != cty.Number || v.IsNull() || !v.IsKnown() {
				return f.Call(args)
			}
			text, err := numberText(v)
			if err != nil {
				return cty.NilVal, function.NewArgErrorf(0, "a finite number is required")
			}
			return cty.StringVal(text), nil
		},
	})
}

// guarded is f behind a check of its known arguments.
func guarded(f function.Function, check func(args []cty.Value) error) function.Function {
	return function.New(&function.Spec{
		Params:   f.Params(),
		VarParam: f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			if err := check(args); err != nil {
				return cty.NilType, err
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.Call(args) },
	})
}

func parseintFunc() function.Function {
	const text = "a whole number in the given base is required"
	return guarded(quiet(stdlib.ParseIntFunc, text), func(args []cty.Value) error {
		v, _ := args[0].Unmark()
		if v.IsKnown() && v.Type() == cty.String && !v.IsNull() && utf8.RuneCountInString(v.AsString()) > 400 {
			return function.NewArgErrorf(0, text)
		}
		return nil
	})
}
