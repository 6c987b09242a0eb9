package suite

// Values that tests write, and whether they fit the shape they stand for. An expression and its value are walked together,
// so that a mistake is shown where it is written, however deep.

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// functions are those of the language, and file(); no name is in reach of a test's expressions.
func functions(read func(string) ([]byte, error)) map[string]function.Function {
	funcs := eval.Table()
	funcs["file"] = function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if read == nil {
				return cty.NilVal, errors.New("files can't be read here")
			}
			raw, err := read(args[0].AsString())
			if err != nil {
				return cty.NilVal, fmt.Errorf("reading %s: %w", args[0].AsString(), err)
			}
			return cty.StringVal(string(raw)), nil
		},
	})
	return funcs
}

// fileOf is the path in file("path").
func fileOf(x hclsyntax.Expression) string {
	call, ok := x.(*hclsyntax.FunctionCallExpr)
	if !ok || call.Name != "file" || len(call.Args) != 1 {
		return ""
	}
	if v, diags := call.Args[0].Value(nil); !diags.HasErrors() && isKnown(v, cty.String) {
		return v.AsString()
	}
	return ""
}

// value evaluates an expression; a mistake is reported, and its value is cty.DynamicVal.
func (c *checker) value(x hclsyntax.Expression) cty.Value {
	v, err := eval.NewScope(c.funcs, nil).Value(eval.Bound(x))
	if err != nil {
		detail := err.Error()
		if ee := (*eval.Error)(nil); errors.As(err, &ee) {
			detail = ee.Detail
		}
		c.report(diag.TestEval, x.Range(), "It has no value: %s A test knows functions and file(\"…\"), and no names such as trigger or var.", sentence(detail))
		return cty.DynamicVal
	}
	v, _ = eval.Unmark(v)
	return v
}

func sentence(s string) string {
	if n := len(s); n > 0 && s[n-1] != '.' {
		return s + "."
	}
	return s
}

func isKnown(v cty.Value, t cty.Type) bool { return v.IsKnown() && !v.IsNull() && v.Type() == t }

func (c *checker) text(x hclsyntax.Expression, what string) (string, bool) {
	v := c.value(x)
	if isKnown(v, cty.String) {
		return v.AsString(), true
	}
	if v.IsKnown() {
		c.report(diag.TestValue, x.Range(), "%s is a text.", what)
	}
	return "", false
}

func (c *checker) duration(x hclsyntax.Expression) (time.Duration, bool) {
	text, ok := c.text(x, "a duration")
	if !ok {
		return 0, false
	}
	d, err := schema.ParseDuration(text)
	if err != nil {
		c.report(diag.TestValue, x.Range(), "%q is not a duration, such as \"90s\", \"72h\" or \"7d\".", text)
	}
	return d, err == nil
}

func (c *checker) whole(x hclsyntax.Expression) (*int, bool) {
	v := c.value(x)
	if isKnown(v, cty.Number) {
		if n, _ := v.AsBigFloat().Int64(); v.AsBigFloat().IsInt() && n >= 0 && n < 1<<31 {
			i := int(n)
			return &i, true
		}
	}
	if v.IsKnown() {
		c.report(diag.TestValue, x.Range(), "It is a whole number, 0 or more.")
	}
	return nil, false
}

func (c *checker) json(v cty.Value, rng hcl.Range) []byte {
	raw, err := schema.AppendJSON(nil, v)
	if err != nil && v.IsWhollyKnown() {
		c.report(diag.TestValue, rng, "The value can't be written as JSON: %s.", err)
	}
	return raw
}

// members calls f for each member of an object.
func (c *checker) members(x hclsyntax.Expression, f func(name string, rng hcl.Range, v cty.Value, x hclsyntax.Expression)) {
	v := c.value(x)
	if !v.IsKnown() {
		return
	}
	if v.IsNull() || !v.Type().IsObjectType() && !v.Type().IsMapType() {
		c.report(diag.TestValue, x.Range(), "It is an object: { name = value }.")
		return
	}
	for it := v.ElementIterator(); it.Next(); {
		k, val := it.Element()
		rng, inner := c.member(x, k.AsString())
		if inner == nil {
			rng = x.Range()
		}
		f(k.AsString(), rng, val, inner)
	}
}

// member finds where a member of an object is written: the range of its name and its expression, or nil.
func (c *checker) member(x hclsyntax.Expression, name string) (hcl.Range, hclsyntax.Expression) {
	cons, ok := x.(*hclsyntax.ObjectConsExpr)
	if !ok {
		return hcl.Range{}, nil
	}
	for _, item := range cons.Items {
		if k, diags := item.KeyExpr.Value(nil); !diags.HasErrors() && isKnown(k, cty.String) && k.AsString() == name {
			return item.KeyExpr.Range(), item.ValueExpr
		}
	}
	return hcl.Range{}, nil
}

// object makes an object of arguments, each of which fits the field of its name.
func (c *checker) object(args []*syntax.Arg, o *schema.Object, what string) cty.Value {
	vals := map[string]cty.Value{}
	for _, a := range args {
		f := o.Field(a.Name)
		if f == nil && !o.Open {
			c.unknownField(a.NameRange, a.Name, o, what)
			continue
		}
		v := c.value(a.Expr)
		if f != nil {
			c.fitField(a.Name, v, a.Expr, a.Expr.Range(), f)
		}
		vals[a.Name] = v
	}
	return cty.ObjectVal(vals)
}

func (c *checker) unknownField(rng hcl.Range, name string, o *schema.Object, what string) {
	c.report(diag.TestUnknownName, rng, "There is no attribute %q in %s.%s", name, what, diag.DidYouMean(name, o.Names()))
	c.mend(diag.Suggest(name, o.Names()))
}

func (c *checker) fitField(name string, v cty.Value, x hclsyntax.Expression, rng hcl.Range, f *schema.Field) {
	if v.IsKnown() && v.IsNull() {
		if !f.MayBeNull() {
			c.report(diag.TestValue, rng, "%q is never null.", name)
		}
		return
	}
	c.fit(v, x, rng, &f.Type)
}

// fit reports where a value is not of a type. x is its expression, or nil where that is not written out.
func (c *checker) fit(v cty.Value, x hclsyntax.Expression, rng hcl.Range, t *schema.Type) {
	if p, ok := x.(*hclsyntax.ParenthesesExpr); ok {
		x = p.Expression
	}
	if x != nil {
		rng = x.Range()
	}
	if !v.IsKnown() || v.IsNull() {
		return
	}
	ty := v.Type()
	wrong := func() {
		c.report(diag.TestValue, rng, "It is a %s there, not %s.", t, described(ty))
	}
	switch t.Kind {
	case schema.KindString:
		switch {
		case ty != cty.String:
			wrong()
		case len(t.Enum) > 0 && !slices.Contains(t.Enum, v.AsString()):
			c.report(diag.TestValue, rng, "%q is none of the values that it can have.%s", v.AsString(), diag.DidYouMean(v.AsString(), t.Enum))
			c.mendText(v.AsString(), t.Enum)
		}
	case schema.KindNumber:
		if ty != cty.Number {
			wrong()
		}
	case schema.KindBool:
		if ty != cty.Bool {
			wrong()
		}
	case schema.KindList:
		if !ty.IsTupleType() && !ty.IsListType() && !ty.IsSetType() {
			wrong()
			return
		}
		cons, _ := x.(*hclsyntax.TupleConsExpr)
		i := 0
		for it := v.ElementIterator(); it.Next(); i++ {
			_, elem := it.Element()
			var inner hclsyntax.Expression
			if cons != nil && i < len(cons.Exprs) {
				inner = cons.Exprs[i]
			}
			if t.Elem != nil {
				c.fit(elem, inner, rng, t.Elem)
			}
		}
	case schema.KindMap, schema.KindObject:
		if !ty.IsObjectType() && !ty.IsMapType() {
			wrong()
			return
		}
		c.fitMembers(v, x, rng, t)
	}
}

func (c *checker) fitMembers(v cty.Value, x hclsyntax.Expression, rng hcl.Range, t *schema.Type) {
	for it := v.ElementIterator(); it.Next(); {
		k, elem := it.Element()
		name := k.AsString()
		at, inner := c.member(x, name)
		if inner == nil {
			at = rng
		}
		if t.Kind == schema.KindMap {
			if t.Elem != nil {
				c.fit(elem, inner, at, t.Elem)
			}
			continue
		}
		if t.Object == nil {
			continue
		}
		switch f := t.Object.Field(name); {
		case f != nil:
			valueAt := at
			if inner != nil {
				valueAt = inner.Range()
			}
			c.fitField(name, elem, inner, valueAt, f)
		case !t.Object.Open:
			c.unknownField(at, name, t.Object, "it")
		}
	}
}

func described(t cty.Type) string {
	switch {
	case t.IsTupleType(), t.IsListType(), t.IsSetType():
		return "a list"
	case t.IsObjectType(), t.IsMapType():
		return "an object"
	}
	return "a " + t.FriendlyName()
}

// nullable is a shape of which each field may be null.
func nullable(o *schema.Object) *schema.Object {
	fields := slices.Clone(o.Fields())
	for i := range fields {
		fields[i].Nullable, fields[i].Required = true, false
	}
	return schema.NewObject(o.Name, fields...)
}
