package eval

import (
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// Names don't come apart by rule; these functions do what is right for most and harmless for the rest: the first word is
// the first name, all others are the last name.

func personFuncs() []Func {
	text := func(name string, f func(string) string) function.Function {
		return plain(cty.String, func(args []cty.Value) (cty.Value, error) {
			return cty.StringVal(f(args[0].AsString())), nil
		}, param(name, cty.String))
	}
	return []Func{
		{"first_name", "Gives the first word of a full name.", `first_name("Jo van Dam") → "Jo"`, text("full_name", func(s string) string {
			first, _ := cutName(s)
			return first
		})},
		{"full_name", "Puts a first and a last name together; null counts as empty.", `full_name("Jo", null) → "Jo"`, fullNameFunc()},
		{"last_name", "Gives all but the first word of a full name.", `last_name("Jo van Dam") → "van Dam"`, text("full_name", func(s string) string {
			_, last := cutName(s)
			return last
		})},
		{"normalize_email", "Removes white space around an e-mail address and makes it lower case.", `normalize_email(" Jo@Example.com ") → "jo@example.com"`, text("email", func(s string) string {
			return strings.ToLower(strings.TrimSpace(s))
		})},
	}
}

func cutName(s string) (first, rest string) {
	words := strings.Fields(s)
	if len(words) == 0 {
		return "", ""
	}
	return words[0], strings.Join(words[1:], " ")
}

func fullNameFunc() function.Function {
	return plain(cty.String, func(args []cty.Value) (cty.Value, error) {
		var words []string
		for _, arg := range args {
			if !arg.IsNull() {
				words = append(words, strings.Fields(arg.AsString())...)
			}
		}
		return cty.StringVal(strings.Join(words, " ")), nil
	}, function.Parameter{Name: "first", Type: cty.String, AllowNull: true}, function.Parameter{Name: "last", Type: cty.String, AllowNull: true})
}
