package eval

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

const (
	maxPattern      = 1000 // bytes
	maxInstructions = 2000 // of the compiled pattern: matching takes the product of it and the text
	maxRegexes      = 256  // kept by one table
)

func regexFuncs() []Func {
	c := &regexCache{}
	return []Func{
		{"matches", "Tells whether a regular expression (RE2) matches a part of a string; ^ and $ mean its ends.", `matches("^cus_", "cus_1") → true`, matchesFunc(c)},
		{"regex", "Gives the first match of a regular expression: a string, or its groups as a list or, where they are named, an object.", `regex("[0-9]+", "a12") → "12"`, regexFunc(c)},
		{"regexall", "Gives all matches of a regular expression, as regex does.", `regexall("[0-9]", "a1b2") → tolist(["1", "2"])`, regexallFunc(c)},
		{"replace", "Replaces every occurrence of a string, or of a regular expression written between slashes.", `replace("a-b-c", "-", "+") → "a+b+c"`, replaceFunc(c)},
	}
}

// regexCache keeps compiled patterns: they are literals nearly always, and compiling takes longer than matching.
type regexCache struct {
	mu   sync.RWMutex
	byRE map[string]*regexp.Regexp
}

// compile returns the pattern that is argument i.
func (c *regexCache) compile(i int, pattern string) (*regexp.Regexp, error) {
	c.mu.RLock()
	re := c.byRE[pattern]
	c.mu.RUnlock()
	if re != nil {
		return re, nil
	}
	if len(pattern) > maxPattern {
		return nil, function.NewArgErrorf(i, "the regular expression is longer than %d bytes", maxPattern)
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		reason := "it cannot be read"
		if e := (*syntax.Error)(nil); errors.As(err, &e) {
			reason = e.Code.String()
		}
		return nil, function.NewArgErrorf(i, "not a regular expression: %s", reason)
	}
	if prog, err := syntax.Compile(parsed.Simplify()); err != nil || len(prog.Inst) > maxInstructions {
		return nil, function.NewArgErrorf(i, "the regular expression is too complex")
	}
	if re, err = regexp.Compile(pattern); err != nil {
		return nil, function.NewArgErrorf(i, "not a regular expression")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byRE == nil || len(c.byRE) >= maxRegexes {
		c.byRE = map[string]*regexp.Regexp{}
	}
	c.byRE[pattern] = re
	return re, nil
}

func matchesFunc(c *regexCache) function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{{Name: "pattern", Type: cty.String, AllowUnknown: true}, {Name: "str", Type: cty.String, AllowUnknown: true}},
		Type:         c.patternThen(func(*regexp.Regexp) (cty.Type, error) { return cty.Bool, nil }, cty.Bool),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if !args[0].IsKnown() || !args[1].IsKnown() {
				return cty.UnknownVal(cty.Bool), nil
			}
			re, err := c.compile(0, args[0].AsString())
			if err != nil {
				return cty.NilVal, err
			}
			return cty.BoolVal(re.MatchString(args[1].AsString())), nil
		},
	})
}

// patternThen is a function's Type that refuses a bad pattern as soon as it is known, which is when a recipe is checked.
func (c *regexCache) patternThen(of func(*regexp.Regexp) (cty.Type, error), unknown cty.Type) function.TypeFunc {
	return func(args []cty.Value) (cty.Type, error) {
		if !args[0].IsKnown() || args[0].IsNull() {
			return unknown, nil
		}
		re, err := c.compile(0, args[0].AsString())
		if err != nil {
			return cty.NilType, err
		}
		return of(re)
	}
}

// matchType is the type of one match.
func matchType(re *regexp.Regexp) (cty.Type, error) {
	if re.NumSubexp() == 0 {
		return cty.String, nil
	}
	var types []cty.Type
	attrs := map[string]cty.Type{}
	for _, name := range re.SubexpNames()[1:] {
		types = append(types, cty.String)
		if name != "" {
			attrs[name] = cty.String
		}
	}
	switch len(attrs) {
	case 0:
		return cty.Tuple(types), nil
	case len(types):
		return cty.Object(attrs), nil
	}
	return cty.NilType, function.NewArgErrorf(0, "either all groups of a regular expression have different names, or none has")
}

// matchValue is one match, given its indices as package regexp has them.
func matchValue(re *regexp.Regexp, s string, at []int) cty.Value {
	group := func(i int) cty.Value {
		if at[2*i] < 0 {
			return cty.NullVal(cty.String)
		}
		return cty.StringVal(s[at[2*i]:at[2*i+1]])
	}
	if len(at) == 2 {
		return group(0)
	}
	vals := make([]cty.Value, 0, len(at)/2-1)
	attrs := map[string]cty.Value{}
	for i, name := range re.SubexpNames() {
		if i == 0 {
			continue
		}
		vals = append(vals, group(i))
		if name != "" {
			attrs[name] = group(i)
		}
	}
	if len(attrs) > 0 {
		return cty.ObjectVal(attrs)
	}
	return cty.TupleVal(vals)
}

func regexParams() []function.Parameter {
	return []function.Parameter{param("pattern", cty.String), param("str", cty.String)}
}

func regexFunc(c *regexCache) function.Function {
	return function.New(&function.Spec{
		Params:       regexParams(),
		Type:         c.patternThen(matchType, cty.DynamicPseudoType),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			re, err := c.compile(0, args[0].AsString())
			if err != nil {
				return cty.NilVal, err
			}
			s := args[1].AsString()
			at := re.FindStringSubmatchIndex(s)
			if at == nil {
				return cty.NilVal, callError("the regular expression matches no part of the string")
			}
			return matchValue(re, s, at), nil
		},
	})
}

func regexallFunc(c *regexCache) function.Function {
	listType := func(re *regexp.Regexp) (cty.Type, error) {
		ty, err := matchType(re)
		if err != nil {
			return cty.NilType, err
		}
		return cty.List(ty), nil
	}
	return function.New(&function.Spec{
		Params:       regexParams(),
		Type:         c.patternThen(listType, cty.DynamicPseudoType),
		RefineResult: notNull,
		Impl: func(args []cty.Value, retType cty.Type) (cty.Value, error) {
			re, err := c.compile(0, args[0].AsString())
			if err != nil {
				return cty.NilVal, err
			}
			s := args[1].AsString()
			most := maxValueBytes / (nodeBytes * (re.NumSubexp() + 1))
			found := re.FindAllStringSubmatchIndex(s, most+1)
			if len(found) > most {
				return cty.NilVal, errTooLong
			}
			if len(found) == 0 {
				return cty.ListValEmpty(retType.ElementType()), nil
			}
			vals := make([]cty.Value, len(found))
			for i, at := range found {
				vals[i] = matchValue(re, s, at)
			}
			return cty.ListVal(vals), nil
		},
	})
}

func replaceFunc(c *regexCache) function.Function {
	return plain(cty.String, func(args []cty.Value) (cty.Value, error) {
		s, old, repl := args[0].AsString(), args[1].AsString(), args[2].AsString()
		if len(old) > 1 && old[0] == '/' && old[len(old)-1] == '/' {
			return replaceRegex(c, s, old[1:len(old)-1], repl)
		}
		if len(s)+strings.Count(s, old)*(len(repl)-len(old)) > maxValueBytes {
			return cty.NilVal, errTooLong
		}
		return cty.StringVal(strings.ReplaceAll(s, old, repl)), nil
	}, param("str", cty.String), param("substr", cty.String), param("replace", cty.String))
}

func replaceRegex(c *regexCache, s, pattern, repl string) (cty.Value, error) {
	re, err := c.compile(1, pattern)
	if err != nil {
		return cty.NilVal, err
	}
	most := maxValueBytes / nodeBytes
	found := re.FindAllStringSubmatchIndex(s, most+1)
	if len(found) > most {
		return cty.NilVal, errTooLong
	}
	var out []byte
	end := 0
	for _, at := range found {
		out = re.ExpandString(append(out, s[end:at[0]]...), repl, s, at)
		if end = at[1]; len(out) > maxValueBytes {
			return cty.NilVal, errTooLong
		}
	}
	return cty.StringVal(string(append(out, s[end:]...))), nil
}
