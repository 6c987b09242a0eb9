package check

import (
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
)

// Some arguments are literals nearly always: a layout, a time zone, a pattern. Whether one is right only the function
// knows, so it is tried with it and with arguments that are right in all other places: what it says of the literal then
// it says of every event.

const aMoment = "2024-03-01T12:00:00Z"

// samples returns arguments that the function takes, or nil for functions whose literals are not tried.
func samples(name string) []cty.Value {
	text := func(list ...string) []cty.Value {
		var out []cty.Value
		for _, s := range list {
			out = append(out, cty.StringVal(s))
		}
		return out
	}
	switch name {
	case "format_time":
		return text(aMoment, "YYYY", "UTC", "en-US")
	case "formatdate":
		return text("YYYY", aMoment)
	case "timeadd":
		return text(aMoment, "1h")
	case "timecmp":
		return text(aMoment, aMoment)
	case "in_zone":
		return text(aMoment, "UTC")
	case "replace":
		return text("a", "a", "a")
	case "from_unix":
		return append([]cty.Value{cty.NumberIntVal(1)}, text("UTC")...)
	case "money":
		return append([]cty.Value{cty.NumberIntVal(1)}, text("usd", "en-US")...)
	case "format_number":
		return append([]cty.Value{cty.NumberIntVal(1)}, text("en-US")...)
	case "parseint":
		return append(text("1"), cty.NumberIntVal(62)) // in which most texts are numbers
	case "substr":
		return append(text("abc"), cty.Zero, cty.NumberIntVal(1))
	case "indent":
		return append([]cty.Value{cty.NumberIntVal(1)}, text("a")...)
	case "log":
		return []cty.Value{cty.NumberIntVal(8), cty.NumberIntVal(2)}
	case "element":
		return []cty.Value{cty.ListVal(text("a")), cty.Zero}
	case "uuidv5":
		return text("dns", "a")
	}
	return nil
}

// tried reports what a function says of its literal arguments, and whether they are right.
func (e env) tried(c *call) bool {
	if e.quiet || c.x.ExpandFinal {
		return true
	}
	right := samples(c.x.Name)
	for n, a := range c.args {
		if !a.constant() || n >= len(right) || len(c.args) > len(right) {
			continue
		}
		v, err := convertTo(a.val, right[n].Type())
		if err != nil {
			continue
		}
		vals := slices.Clone(right[:len(c.args)])
		vals[n] = v
		_, err = safely(func() (cty.Value, error) { return c.spec.Call(vals) })
		if err != nil {
			e.report(diag.BadLiteral, c.argExpr(n).Range(), "the %s argument of %s can't be this: %s.", ordinal(n+1), c.x.Name, err)
			return false
		}
	}
	return true
}

// numeral returns what is known of a number that is written out: JSON carries none that is larger than a float64.
func (e env) numeral(x *hclsyntax.LiteralValueExpr) info {
	i := infoOf(x.Val)
	if i.constant() && i.val.Type() == cty.Number && tooLarge(i.val) {
		return e.report(diag.BadLiteral, x.Range(), "this number is larger than any that JSON carries.")
	}
	return i
}

func tooLarge(v cty.Value) bool {
	f := v.AsBigFloat()
	return f.IsInf() || new(big.Float).Abs(f).Cmp(big.NewFloat(math.MaxFloat64)) > 0
}

// compareFormat checks a constant against what the other side's format promises of all its values.
func (e env) compareFormat(x hclsyntax.Expression, place, value info) {
	s, ok := value.text()
	if !ok || s == "" || place.t.Kind != schema.KindString || len(place.t.Enum) > 0 || value.bad {
		return
	}
	lower := strings.ToLower(s)
	if place.t.Format == schema.Currency && lower != s && e.sc.variant != nil && e.sc.variant.Spec != nil && e.sc.variant.Spec.Service == "stripe" {
		e.reportFix(diag.NeverEqual, x.Range(), quoted(lower), "stripe writes currency codes in lower case, so that this is never %q. Did you mean %q?", s, lower)
		return
	}
	switch place.t.Format {
	case schema.ID, schema.Currency, schema.Country:
		if why := wrongFormat(s, place.t); why != "" {
			e.report(diag.NeverEqual, x.Range(), "this is always %s, and %q is none, so they are never equal.", why, s)
		}
	}
}
