package lang

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
)

// connection resolves the settings of one connection.
func (b *binder) connection(c *check.Connection, vars cty.Value) BoundConnection {
	context := fmt.Sprintf("in connection %q", c.Service.Name)
	if c.Name != c.Service.Name {
		context += fmt.Sprintf(" %q", c.Name)
	}
	if c.Settings == nil {
		context = ""
	}
	out := BoundConnection{Name: c.Name, Service: c.Service.Name, Settings: map[string][]string{}, Range: c.Range}
	given, failed := b.settings(c, vars, context)
	for _, f := range c.Service.Settings.Fields() {
		if given[f.Name] == cty.NilVal && f.Required && f.Default == "" && !failed[f.Name] {
			b.report(diag.MissingSetting, c.Range, context, "%s", missing(c, f.Name, "needs"))
			failed[f.Name] = true
		}
	}
	if s := c.Service.SigningSetting; s != "" && c.Listens && !b.in.Unsigned && !failed[s] && empty(given[s]) && !unsigned(c.Service, given) {
		b.report(diag.MissingSetting, c.Range, context, "%s %s", missing(c, s, "receives webhooks and needs"),
			"Without it nobody can tell a true event from a forged one. `flowrun dev` makes one up.")
		failed[s] = true
	}
	if len(failed) > 0 {
		return out
	}
	value, err := c.Service.Settings.Convert(cty.ObjectVal(given))
	if err != nil {
		b.refused(c, err, context)
		return out
	}
	for _, f := range c.Service.Settings.Fields() {
		v := value.GetAttr(f.Name)
		texts := textsOf(v)
		if len(texts) == 0 {
			continue
		}
		out.Settings[f.Name] = texts
		if f.Secret {
			b.keepSecret(v)
		}
	}
	return out
}

// unsigned reports whether the settings say that webhooks need no secret.
func unsigned(s *schema.Service, given map[string]cty.Value) bool {
	text, ok := textOf(orNull(given[s.Unsigned[0]]))
	return ok && s.Unsigned[0] != "" && text == s.Unsigned[1]
}

func orNull(v cty.Value) cty.Value {
	if v == cty.NilVal {
		return cty.NullVal(cty.String)
	}
	return v
}

// missing says how a setting can be given.
func missing(c *check.Connection, setting, needs string) string {
	env := c.Service.Env[setting]
	what := fmt.Sprintf("The connection %q to %s %s %q", c.Name, c.Service.Name, needs, setting)
	switch {
	case c.Settings == nil && env != "":
		return fmt.Sprintf("%s. Set the environment variable %s.", what, env)
	case env != "":
		return fmt.Sprintf("%s. Write %s = env(%q), and set that environment variable.", what, setting, env)
	}
	return what + "."
}

// settings evaluates what the block says, or asks the environment where there is no block. What is null or not there is
// left out.
func (b *binder) settings(c *check.Connection, vars cty.Value, context string) (given map[string]cty.Value, failed map[string]bool) {
	given, failed = map[string]cty.Value{}, map[string]bool{}
	if c.Settings == nil {
		for setting, name := range c.Service.Env {
			f := c.Service.Settings.Field(setting)
			if f == nil || b.in.Env == nil {
				continue
			}
			if text, ok := b.in.Env(name); ok && text != "" {
				given[setting] = wrap(f, cty.StringVal(text))
			}
		}
		return given, failed
	}
	for _, setting := range slices.Sorted(maps.Keys(c.Settings)) {
		f := c.Service.Settings.Field(setting)
		if f == nil {
			continue
		}
		v, err := b.world.value(c.Settings[setting], vars)
		var unset *unsetError
		switch {
		case err != nil && lacks(c.Settings[setting], vars): // the variable's own message says it
		case errors.As(err, &unset):
			b.report(diag.MissingSetting, c.Ranges[setting], context, "%q of the connection %q can't be had: the environment variable %s is not set.",
				setting, c.Name, unset.name)
		case err != nil:
			b.report(diag.MissingSetting, c.Ranges[setting], context, "%q of the connection %q can't be had: %s.", setting, c.Name, err)
		case v.IsNull():
			continue
		case f.Required && empty(v):
			b.report(diag.MissingSetting, c.Ranges[setting], context, "%q of the connection %q is empty.", setting, c.Name)
		default:
			given[setting] = wrap(f, v)
			continue
		}
		failed[setting] = true
	}
	return given, failed
}

// lacks reports whether x reads a variable that has no value.
func lacks(x hcl.Expression, vars cty.Value) bool {
	for _, t := range x.Variables() {
		if t.RootName() != "var" || len(t) < 2 {
			continue
		}
		if attr, ok := t[1].(hcl.TraverseAttr); ok && !vars.Type().HasAttribute(attr.Name) {
			return true
		}
	}
	return false
}

// wrap makes a list of a text where a list is wanted, so that an environment variable can give it: its elements are
// separated by commas.
func wrap(f *schema.Field, v cty.Value) cty.Value {
	if f.Type.Kind != schema.KindList || v.Type() != cty.String {
		return v
	}
	var elems []cty.Value
	for part := range strings.SplitSeq(v.AsString(), ",") {
		if part = strings.TrimSpace(part); part != "" {
			elems = append(elems, cty.StringVal(part))
		}
	}
	return cty.TupleVal(elems)
}

// refused reports a setting that is not what the service takes.
func (b *binder) refused(c *check.Connection, err error, context string) {
	rng := c.Range
	var fe *schema.FieldError
	if errors.As(err, &fe) && len(fe.Path) > 0 {
		if at, ok := c.Ranges[fe.Path[0]]; ok {
			rng = at
		}
	}
	b.report(diag.MissingSetting, rng, context, "The connection %q is refused: %s.", c.Name, err)
}

// empty reports whether a setting holds no text at all.
func empty(v cty.Value) bool {
	return !slices.ContainsFunc(textsOf(v), func(s string) bool { return s != "" })
}

// textsOf returns a setting as texts: one for a scalar, several for a list, none for null.
func textsOf(v cty.Value) []string {
	if v == cty.NilVal || v.IsNull() {
		return nil
	}
	if text, ok := textOf(v); ok {
		return []string{text}
	}
	if !v.CanIterateElements() {
		return nil
	}
	var out []string
	for it := v.ElementIterator(); it.Next(); {
		_, elem := it.Element()
		out = append(out, textsOf(elem)...)
	}
	return out
}

// textOf writes a string, a number or a bool.
func textOf(v cty.Value) (string, bool) {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return "", false
	}
	switch v.Type() {
	case cty.String:
		return v.AsString(), true
	case cty.Number:
		return v.AsBigFloat().Text('f', -1), true
	case cty.Bool:
		if v.True() {
			return "true", true
		}
		return "false", true
	}
	return "", false
}
