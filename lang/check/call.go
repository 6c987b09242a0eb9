package check

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
)

// call is one call of a function with what is known of its arguments.
type call struct {
	c    *checker
	x    *hclsyntax.FunctionCallExpr
	args []info
	spec function.Function
}

func (c *call) arg(n int) info {
	if n < len(c.args) {
		return c.args[n]
	}
	return of(anyType)
}

// out starts a result: it is as secret and as personal as the arguments are.
func (c *call) out(t schema.Type) info {
	i := of(t)
	for _, a := range c.args {
		i.taint(a)
		i.personal = i.personal || c.c.tellsOfPerson(a.t)
		i.bad = i.bad || a.bad
	}
	return i
}

func (e env) inferCall(x *hclsyntax.FunctionCallExpr) info {
	switch x.Name {
	case "env", "file":
		return e.inferWorld(x)
	}
	spec, ok := e.c.funcs[x.Name]
	if !ok {
		for _, a := range x.Args {
			e.infer(a)
		}
		fix := suggestFunction(x.Name, e.c.names)
		hint := ""
		if fix != "" {
			hint = fmt.Sprintf(" Did you mean %q?", fix)
		}
		return e.reportFix(diag.UnknownFunction, x.NameRange, fix, "there is no function %q.%s", x.Name, hint)
	}
	if !e.arity(x, spec) {
		for _, a := range x.Args {
			e.infer(a)
		}
		return mistake()
	}
	c := &call{c: e.c, x: x, spec: spec}
	switch x.Name {
	case "try":
		return e.inferTry(c)
	case "can":
		out := of(boolType)
		out.taint(e.lenient().infer(x.Args[0]))
		return out
	}
	for n, a := range x.Args {
		i := e.infer(a)
		if x.ExpandFinal && n == len(x.Args)-1 {
			if !i.bad && !i.null && !e.spread(c, i) {
				return mistake()
			}
			c.args = append(c.args, e.expanded(a, i)...)
			continue
		}
		c.args = append(c.args, i)
	}
	if c.out(anyType).bad {
		return mistake()
	}
	before := len(e.sc.rep.diags)
	if rule := special(x.Name); rule != nil {
		out := c.kept(e, rule(e, c))
		if len(e.sc.rep.diags) > before || !out.bad && !e.onKnown(c) {
			out.bad = true
		}
		return out
	}
	return c.kept(e, e.inferPlain(c))
}

// kept makes a result as secret and as personal as what its arguments hold. How many there are, and by which names, is
// no secret.
func (c *call) kept(e env, out info) info {
	if out.bad || c.x.Name == "length" || c.x.Name == "keys" {
		return out
	}
	if !primitive(out.t.Kind) {
		for _, a := range c.args {
			out.inner |= a.inner
		}
	}
	return e.kept(out, c.args...)
}

// suggestFunction knows what functions are called elsewhere.
func suggestFunction(name string, names []string) string {
	switch name {
	case "uppercase", "toUpper", "toupper", "upcase":
		return "upper"
	case "lowercase", "toLower", "tolower", "downcase":
		return "lower"
	case "concatenate":
		return "join"
	case "len", "size", "count":
		return "length"
	case "default", "ifnull", "nvl":
		return "coalesce"
	case "includes", "has":
		return "contains"
	}
	return suggest(name, names)
}

func (e env) arity(x *hclsyntax.FunctionCallExpr, spec function.Function) bool {
	least, most := len(spec.Params()), len(spec.Params())
	if spec.VarParam() != nil {
		most = -1
	}
	n := len(x.Args)
	if x.ExpandFinal {
		return true
	}
	want := fmt.Sprintf("%d", least)
	switch {
	case most < 0:
		want = fmt.Sprintf("at least %d", least)
	}
	plural := "s"
	if least == 1 {
		plural = ""
	}
	if n < least || most >= 0 && n > most {
		rng := hcl.RangeBetween(x.NameRange, x.CloseParenRange)
		if n > most && most >= 0 {
			rng = x.Args[most].Range()
		}
		e.report(diag.BadCall, rng, "%s takes %s argument%s; %s.", x.Name, want, plural, given(n))
		return false
	}
	if (x.Name == "try" || x.Name == "coalesce") && n == 0 {
		e.report(diag.BadCall, hcl.RangeBetween(x.NameRange, x.CloseParenRange), "%s takes at least 1 argument.", x.Name)
		return false
	}
	return true
}

func given(n int) string {
	if n == 1 {
		return "1 is given"
	}
	return fmt.Sprintf("%d are given", n)
}

// expanded stands for the arguments that f(list...) makes.
func (e env) expanded(x hclsyntax.Expression, i info) []info {
	if i.null {
		e.null(x, i, "the list before ... can't be null")
		return []info{mistake()}
	}
	if len(i.elems) > 0 {
		return i.elems
	}
	_, elem, ok := e.parts(i)
	if !ok || i.t.Kind == schema.KindMap || i.t.Kind == schema.KindObject {
		e.report(diag.BadCall, x.Range(), "only a list can be followed by ...; this is %s.", article(i.t.String()))
		return []info{mistake()}
	}
	return []info{elem}
}

// inferWorld checks env("NAME") and file("path").
func (e env) inferWorld(x *hclsyntax.FunctionCallExpr) info {
	if !e.world {
		for _, a := range x.Args {
			e.infer(a)
		}
		return e.report(diag.EnvOutside, x.NameRange,
			"%s() can be called in connection and variable blocks only, so that an event replayed gives the same requests. Put the value into a variable and read var.NAME.", x.Name)
	}
	if len(x.Args) != 1 || x.ExpandFinal {
		return e.report(diag.BadCall, x.Range(), "%s takes 1 argument; %d are given.", x.Name, len(x.Args))
	}
	i := e.infer(x.Args[0])
	if i.bad {
		return mistake()
	}
	if i.null || !i.lax() && i.t.Kind != schema.KindString {
		return e.report(diag.BadCall, x.Args[0].Range(), "%s needs a name in quotes.", x.Name)
	}
	return of(stringType)
}

func (e env) inferTry(c *call) info {
	last := len(c.x.Args) - 1
	var out info
	sure := false // what is written out can be evaluated, so that nothing behind it is
	for n, a := range c.x.Args {
		var i info
		if n < last || sure {
			i = e.lenient().infer(a)
		} else {
			i = e.infer(a)
		}
		if sure {
			i = out
		}
		sure = sure || e.sure(a)
		if n == 0 {
			out = i
			continue
		}
		t := i.t
		switch {
		case i.isNull:
			t = out.t
		case out.isNull:
		default:
			t = join(out.t, i.t)
		}
		out = e.kept(merged(out, i, t), out, i)
	}
	out.val = cty.NilVal
	return out
}

// sure reports whether an expression is known to be evaluated: what is written out, and a read that nothing is wrong with.
func (e env) sure(x hclsyntax.Expression) bool {
	if _, ok := literal(x); ok {
		return true
	}
	if _, ok := unwrap(x).(*hclsyntax.ScopeTraversalExpr); !ok || e.quiet {
		return false
	}
	i := e.silent().infer(x)
	return !i.bad && !i.lax()
}

// param returns the parameter that the n-th argument goes to.
func (c *call) param(n int) *function.Parameter {
	if params := c.spec.Params(); n < len(params) {
		return &params[n]
	}
	return c.spec.VarParam()
}

// argRange is where the n-th argument is written.
func (c *call) argExpr(n int) hclsyntax.Expression {
	if n >= len(c.x.Args) {
		n = len(c.x.Args) - 1
	}
	return c.x.Args[n]
}

// checkArg tests one argument against its parameter and reports whether it can be given.
func (e env) checkArg(c *call, n int) bool {
	p, i := c.param(n), c.arg(n)
	if p == nil || i.bad {
		return p != nil
	}
	x := c.argExpr(n)
	want := typeOf(p.Type)
	label := ordinal(n + 1)
	if i.null && !p.AllowNull {
		need := fmt.Sprintf("%s needs %s as its %s argument", c.x.Name, article(want.String()), label)
		if want.Kind == schema.KindAny {
			need = fmt.Sprintf("the %s argument of %s can't be null", label, c.x.Name)
		}
		e.null(x, i, need)
		return e.quiet
	}
	if why := e.mismatch(i, want, ""); why != "" {
		is := fmt.Sprintf("%s is %s", e.source(x.Range()), article(i.t.String()))
		hint := ""
		if i.t.Kind == schema.KindString && want.Kind == schema.KindNumber {
			hint = " Convert it with tonumber(…) if it always holds a number."
		}
		e.report(diag.WrongType, x.Range(), "%s needs %s as its %s argument; %s.%s", c.x.Name, article(want.String()), label, is, hint)
		return false
	}
	if i.elemNull && i.t.Kind == schema.KindList && !takesNulls(c.x.Name) && !e.quiet {
		src := e.source(x.Range())
		e.report(diag.MayBeNull, x.Range(), "%s takes no null in a list, and elements of %s may be null.\nLeave those out: [for v in %s : v if v != null].", c.x.Name, src, src)
		return false
	}
	return e.literalArg(c, n, p, x, i)
}

// takesNulls reports whether a function knows what to do with null in a list.
func takesNulls(name string) bool {
	switch name {
	case "alltrue", "anytrue", "formatlist", "compact":
		return true
	}
	return false
}

// literalArg tests what only the text of an argument tells.
func (e env) literalArg(c *call, n int, p *function.Parameter, x hclsyntax.Expression, i info) bool {
	s, ok := i.text()
	if !ok {
		return true
	}
	switch {
	case n == 0 && (c.x.Name == "regex" || c.x.Name == "regexall" || c.x.Name == "matches"):
		if _, err := regexp.Compile(s); err != nil {
			e.report(diag.BadLiteral, x.Range(), "this is not a regular expression: %s.", err)
			return false
		}
	case p.Name == "zone" || p.Name == "timezone":
		if _, err := time.LoadLocation(s); err != nil {
			e.report(diag.BadLiteral, x.Range(), "%s needs a time zone such as \"Europe/Paris\"; %q is none.", c.x.Name, s)
			return false
		}
	case p.Name == "currency":
		if why := wrongFormat(s, schema.Type{Format: schema.Currency}); why != "" {
			e.report(diag.BadLiteral, x.Range(), "%s needs %s; %q is none.", c.x.Name, why, s)
			return false
		}
	}
	return true
}

// longestConstant bounds the text that calls on constants may build up.
const longestConstant = 1024

// inferPlain handles a function whose own type function says what it returns.
func (e env) inferPlain(c *call) info {
	ok := true
	for n := range c.args {
		if !e.checkArg(c, n) {
			ok = false
		}
	}
	if !ok {
		return mistake()
	}
	if !known(c) && !e.onKnown(c) {
		return mistake()
	}
	vals := make([]cty.Value, len(c.args))
	known := !c.x.ExpandFinal
	for n, a := range c.args {
		switch {
		case a.val != cty.NilVal:
			vals[n] = a.val
		default:
			known = false
			t := ctyOf(a.t)
			if p := c.param(n); p != nil && p.Type != cty.DynamicPseudoType && !p.Type.HasDynamicTypes() {
				t = p.Type
			}
			vals[n] = cty.UnknownVal(t)
			if t == cty.DynamicPseudoType {
				vals[n] = cty.DynamicVal
			}
		}
		if p := c.param(n); p != nil && a.val != cty.NilVal && !p.Type.HasDynamicTypes() && !a.val.IsNull() {
			if v, err := convertTo(a.val, p.Type); err == nil {
				vals[n] = v
			}
		}
	}
	if known {
		v, err := safely(func() (cty.Value, error) { return c.spec.Call(vals) })
		if err != nil {
			if e.quiet {
				return of(anyType)
			}
			return e.report(diag.EvalFailed, c.x.Range(), "%s fails on these arguments: %s.", c.x.Name, err)
		}
		if v.IsKnown() && !v.IsNull() && v.Type() == cty.Number && tooLarge(v) && !e.quiet {
			return e.report(diag.EvalFailed, c.x.Range(), "%s gives a number here that is larger than any that JSON carries.", c.x.Name)
		}
		if v.IsWhollyKnown() && !v.IsNull() {
			out := c.out(typeOf(v.Type()))
			if text, ok := textOf(v); !ok || len(text) <= longestConstant {
				out.val = v
			}
			return out
		}
	}
	if c.x.ExpandFinal {
		return c.out(anyType)
	}
	v, err := safely(func() (cty.Value, error) {
		t, err := c.spec.ReturnTypeForValues(vals)
		if err != nil {
			return cty.NilVal, err
		}
		return cty.UnknownVal(t), nil
	})
	if err != nil {
		return e.badCall(c, err)
	}
	return c.out(typeOf(v.Type()))
}

// known reports whether the text alone gives all arguments.
func known(c *call) bool {
	return !slices.ContainsFunc(c.args, func(a info) bool { return a.val == cty.NilVal })
}

// badCall reports what a function says of its arguments.
func (e env) badCall(c *call, err error) info {
	rng := c.x.Range()
	var ae function.ArgError
	if errors.As(err, &ae) && ae.Index < len(c.x.Args) {
		rng = c.x.Args[ae.Index].Range()
	}
	if e.quiet {
		return of(anyType)
	}
	return e.report(diag.BadCall, rng, "%s: %s.", c.x.Name, err)
}

// safely turns a panic within a function, which would be a fault of that function, into an error.
func safely(f func() (cty.Value, error)) (v cty.Value, err error) {
	defer func() {
		if r := recover(); r != nil {
			v, err = cty.DynamicVal, nil
		}
	}()
	return f()
}
