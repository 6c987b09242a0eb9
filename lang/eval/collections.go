package eval

import (
	"math/big"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"github.com/flowrun/flowrun/lang/schema"
)

func collectionFuncs() []Func {
	return []Func{
		{"alltrue", "Tells whether all elements of a list are true; null counts as false.", `alltrue([true, false]) → false`, allFunc(true)},
		{"anytrue", "Tells whether any element of a list is true; null counts as false.", `anytrue([true, false]) → true`, allFunc(false)},
		{"coalesce", "Gives the first of its arguments that is neither null nor an empty string.", `coalesce(null, "", "a") → "a"`, coalesceFunc()},
		{"compact", "Removes nulls and empty strings from a list of strings.", `compact(["a", "", "b"]) → tolist(["a", "b"])`, stdlib.CompactFunc},
		{"concat", "Puts lists together.", `concat(["a"], ["b"]) → ["a", "b"]`, quiet(stdlib.ConcatFunc, "lists or tuples are required")},
		{"contains", "Tells whether a list holds a value.", `contains(["a", "b"], "a") → true`, containsFunc()},
		{"distinct", "Removes duplicates from a list and keeps its order.", `distinct(["a", "b", "a"]) → tolist(["a", "b"])`, distinctFunc()},
		{"element", "Gives an element by its index, which wraps around at the end.", `element(["a", "b"], 3) → "b"`, quiet(stdlib.ElementFunc, "a list that is not empty and a whole number are required")},
		{"flatten", "Makes one list of lists in lists.", `flatten([["a"], ["b", ["c"]]]) → ["a", "b", "c"]`, quiet(stdlib.FlattenFunc, "a list is required")},
		{"index", "Gives the index of a value in a list.", `index(["a", "b"], "b") → 1`, indexFunc()},
		{"keys", "Gives the keys of a map or object, sorted.", `keys({ b = 1, a = 2 }) → ["a", "b"]`, quiet(stdlib.KeysFunc, "a map or object is required")},
		{"length", "Gives the number of elements, or of a string's characters.", `length("añb") → 3`, lengthFunc()},
		{"lookup", "Gives the value of a key, or a default where there is none.", `lookup({ a = 1 }, "b", 0) → 0`, lookupFunc()},
		{"merge", "Puts maps or objects together; later ones win, null counts as empty.", `merge({ a = 1 }, { a = 2, b = 3 }) → { a = 2, b = 3 }`, quiet(stdlib.MergeFunc, "maps or objects are required")},
		{"one", "Gives the only element of a list, or null where it is empty.", `one(["a"]) → "a"`, oneFunc()},
		{"range", "Gives up to 1024 numbers from a start to before an end.", `range(3) → tolist([0, 1, 2])`, quiet(stdlib.RangeFunc, "one to three numbers are required that lead from start to end in at most 1024 steps")},
		{"reverse", "Reverses a list.", `reverse(["a", "b"]) → ["b", "a"]`, quiet(stdlib.ReverseListFunc, "a list is required")},
		{"slice", "Takes a part of a list, from a start index to before an end index.", `slice(["a", "b", "c"], 0, 2) → ["a", "b"]`, quiet(stdlib.SliceFunc, "a list and two indices within it are required, the start before the end")},
		{"sort", "Sorts a list of strings by their bytes.", `sort(["b", "a"]) → tolist(["a", "b"])`, quiet(stdlib.SortFunc, "a list of strings without null is required")},
		{"sum", "Adds the numbers of a list; of an empty one the sum is 0.", `sum([1, 2, 3]) → 6`, sumFunc()},
		{"values", "Gives the values of a map or object, in the order of its keys.", `values({ b = 1, a = 2 }) → [2, 1]`, quiet(stdlib.ValuesFunc, "a map or object is required")},
		{"zipmap", "Makes a map of a list of keys and a list of values.", `zipmap(["a", "b"], [1, 2]) → { a = 1, b = 2 }`, quiet(stdlib.ZipmapFunc, "a list of strings without null and a list of the same length are required")},
	}
}

func allFunc(all bool) function.Function {
	return plain(cty.Bool, func(args []cty.Value) (cty.Value, error) {
		unknown := false
		for it := args[0].ElementIterator(); it.Next(); {
			_, v := it.Element()
			switch {
			case !v.IsKnown():
				unknown = true
			case (!v.IsNull() && v.True()) != all:
				return cty.BoolVal(!all), nil
			}
		}
		if unknown {
			return cty.UnknownVal(cty.Bool), nil
		}
		return cty.BoolVal(all), nil
	}, function.Parameter{Name: "list", Type: cty.List(cty.Bool)})
}

func coalesceFunc() function.Function {
	return function.New(&function.Spec{
		VarParam: &function.Parameter{Name: "values", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true},
		Type: func(args []cty.Value) (cty.Type, error) {
			if len(args) == 0 {
				return cty.NilType, callError("at least one argument is required")
			}
			types := make([]cty.Type, 0, len(args))
			same := true
			for _, arg := range args {
				if arg.IsKnown() && arg.IsNull() && arg.Type() == cty.DynamicPseudoType {
					continue // a null of no type can stand for any
				}
				types = append(types, arg.Type())
				same = same && types[0].Equals(arg.Type())
			}
			switch {
			case len(types) == 0:
				return cty.DynamicPseudoType, nil
			case same:
				return types[0], nil
			}
			ty, _ := convert.UnifyUnsafe(types)
			if ty == cty.NilType {
				return cty.NilType, callError("all arguments must have types that can be one")
			}
			return ty, nil
		},
		RefineResult: notNull,
		Impl: func(args []cty.Value, retType cty.Type) (cty.Value, error) {
			for i, v := range args {
				v, err := convert.Convert(v, retType)
				if err != nil {
					return cty.NilVal, function.NewArgErrorf(i, "all arguments must have types that can be one")
				}
				if !v.IsKnown() {
					return cty.UnknownVal(retType), nil
				}
				if v.IsNull() || v.Type() == cty.String && v.AsString() == "" {
					continue
				}
				return v, nil
			}
			return cty.NilVal, callError("every argument is null or an empty string")
		},
	})
}

func containsFunc() function.Function {
	return quiet(stdlib.ContainsFunc, "a list, set or tuple is required")
}

// distinctFunc is linear; the library's compares every element with every other.
func distinctFunc() function.Function {
	f := quiet(stdlib.DistinctFunc, "a list is required")
	return function.New(&function.Spec{
		Params: f.Params(),
		Type:   func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
		Impl: func(args []cty.Value, retType cty.Type) (cty.Value, error) {
			if !args[0].IsWhollyKnown() {
				return cty.UnknownVal(retType), nil
			}
			seen := map[string]bool{}
			var vals []cty.Value
			for it := args[0].ElementIterator(); it.Next(); {
				_, v := it.Element()
				key, err := schema.AppendJSON(nil, v)
				if err != nil {
					return cty.NilVal, function.NewArgErrorf(0, "an element cannot be compared")
				}
				if !seen[string(key)] {
					seen[string(key)] = true
					vals = append(vals, v)
				}
			}
			if len(vals) == 0 {
				return cty.ListValEmpty(retType.ElementType()), nil
			}
			return cty.ListVal(vals), nil
		},
	})
}

func indexFunc() function.Function {
	return plain(cty.Number, func(args []cty.Value) (cty.Value, error) {
		if !isSequence(args[0]) || args[0].Type().IsSetType() {
			return cty.NilVal, function.NewArgErrorf(0, "a list or tuple is required")
		}
		if !args[0].IsKnown() || !args[1].IsKnown() {
			return cty.UnknownVal(cty.Number), nil
		}
		i := int64(0)
		for it := args[0].ElementIterator(); it.Next(); i++ {
			_, v := it.Element()
			eq, err := stdlib.Equal(v, args[1])
			switch {
			case err != nil:
				return cty.NilVal, function.NewArgErrorf(1, "a value is required that can be compared with the elements")
			case !eq.IsKnown():
				return cty.UnknownVal(cty.Number), nil
			case eq.True():
				return cty.NumberIntVal(i), nil
			}
		}
		return cty.NilVal, function.NewArgErrorf(1, "the list does not hold the value")
	}, function.Parameter{Name: "list", Type: cty.DynamicPseudoType}, function.Parameter{Name: "value", Type: cty.DynamicPseudoType})
}

func lengthFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowUnknown: true, AllowDynamicType: true}},
		Type: func(args []cty.Value) (cty.Type, error) {
			ty := args[0].Type()
			if ty == cty.String || ty == cty.DynamicPseudoType || ty.IsCollectionType() || ty.IsTupleType() || ty.IsObjectType() {
				return cty.Number, nil
			}
			return cty.NilType, function.NewArgErrorf(0, "a string, list, set, map or object is required")
		},
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v := args[0]
			switch ty := v.Type(); {
			case ty.IsObjectType():
				return cty.NumberIntVal(int64(len(ty.AttributeTypes()))), nil
			case ty.IsTupleType():
				return cty.NumberIntVal(int64(len(ty.TupleElementTypes()))), nil
			case !v.IsKnown():
				return cty.UnknownVal(cty.Number).Refine().NotNull().NumberRangeLowerBound(cty.Zero, true).NewValue(), nil
			case ty == cty.String:
				return stdlib.Strlen(v)
			}
			return v.Length(), nil
		},
	})
}

func lookupFunc() function.Function {
	const noKey = "there is no such key, and no default is given"
	return function.New(&function.Spec{
		Params:   []function.Parameter{{Name: "map", Type: cty.DynamicPseudoType}, {Name: "key", Type: cty.String}},
		VarParam: &function.Parameter{Name: "default", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true},
		Type: func(args []cty.Value) (cty.Type, error) {
			ty := args[0].Type()
			switch {
			case len(args) > 3:
				return cty.NilType, function.NewArgErrorf(3, "too many arguments")
			case ty.IsMapType():
				if len(args) == 3 && convert.GetConversionUnsafe(args[2].Type(), ty.ElementType()) == nil && !args[2].Type().Equals(ty.ElementType()) {
					return cty.NilType, function.NewArgErrorf(2, "the default must have the type of the map's values")
				}
				return ty.ElementType(), nil
			case ty.IsObjectType():
				if !args[1].IsKnown() || args[1].IsNull() {
					return cty.DynamicPseudoType, nil
				}
				if key := args[1].AsString(); ty.HasAttribute(key) {
					return ty.AttributeType(key), nil
				}
				if len(args) == 3 {
					return args[2].Type(), nil
				}
				return cty.NilType, function.NewArgErrorf(1, noKey)
			case ty == cty.DynamicPseudoType:
				return cty.DynamicPseudoType, nil
			}
			return cty.NilType, function.NewArgErrorf(0, "a map or object is required")
		},
		Impl: func(args []cty.Value, retType cty.Type) (cty.Value, error) {
			m, key := args[0], args[1].AsString()
			if m.Type().IsObjectType() {
				if m.Type().HasAttribute(key) {
					return m.GetAttr(key), nil
				}
			} else if m.HasIndex(args[1]).True() {
				return m.Index(args[1]), nil
			}
			if len(args) < 3 {
				return cty.NilVal, function.NewArgErrorf(1, noKey)
			}
			v, err := convert.Convert(args[2], retType)
			if err != nil {
				return cty.NilVal, function.NewArgErrorf(2, "the default must have the type of the map's values")
			}
			return v, nil
		},
	})
}

func oneFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{param("list", cty.DynamicPseudoType)},
		Type: func(args []cty.Value) (cty.Type, error) {
			ty := args[0].Type()
			switch {
			case ty.IsListType(), ty.IsSetType():
				return ty.ElementType(), nil
			case ty.IsTupleType():
				switch types := ty.TupleElementTypes(); len(types) {
				case 0:
					return cty.DynamicPseudoType, nil
				case 1:
					return types[0], nil
				}
			case ty == cty.DynamicPseudoType:
				return ty, nil
			}
			return cty.NilType, function.NewArgErrorf(0, "a list, set or tuple with at most one element is required")
		},
		Impl: func(args []cty.Value, retType cty.Type) (cty.Value, error) {
			switch args[0].LengthInt() {
			case 0:
				return cty.NullVal(retType), nil
			case 1:
				return args[0].AsValueSlice()[0], nil
			}
			return cty.NilVal, function.NewArgErrorf(0, "a list, set or tuple with at most one element is required")
		},
	})
}

func sumFunc() function.Function {
	return plain(cty.Number, func(args []cty.Value) (cty.Value, error) {
		if !args[0].IsWhollyKnown() {
			return cty.UnknownVal(cty.Number), nil
		}
		total := new(big.Float).SetPrec(512)
		for it := args[0].ElementIterator(); it.Next(); {
			_, v := it.Element()
			if v.IsNull() || v.AsBigFloat().IsInf() {
				return cty.NilVal, function.NewArgErrorf(0, "a list of finite numbers without null is required")
			}
			total.Add(total, v.AsBigFloat())
		}
		return cty.NumberVal(total), nil
	}, function.Parameter{Name: "list", Type: cty.List(cty.Number)})
}
