package check

// What functions ask of their arguments beyond a type, where the text or a shape tells: that a key is there, that a
// format fits what it formats.

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
)

// ruleCSVDecode is a list with an object for each line. Which columns there are only the text tells: reading one that
// isn't there gives null.
func ruleCSVDecode(e env, c *call) info {
	if !e.checkArg(c, 0) {
		return mistake()
	}
	return c.out(stringType.MapOf().ListOf())
}

// missingKey refuses a look-up without a default in what need not have the key.
func (e env) missingKey(c *call, coll info) bool {
	if len(c.args) > 2 || c.x.ExpandFinal || e.quiet || coll.lax() {
		return false
	}
	if name, ok := c.arg(1).text(); ok && coll.t.Kind == schema.KindObject && (coll.t.Object.Field(name) != nil || coll.t.Object.Open) {
		return false
	}
	src := e.source(c.x.Args[0].Range())
	e.report(diag.BadIndex, c.x.Range(), "lookup without a default fails where there is no such key. Add a default as the third argument, or write %s[…], which is null then.", src)
	return true
}

// verb is one place of a format that takes a value.
type verb struct {
	letter byte
	arg    int
}

// verbs reads a format; ok is false where it is one that the function refuses, or that counts in ways of its own.
func verbs(layout string) (list []verb, ok bool) {
	next := 0
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' {
			continue
		}
		for i++; i < len(layout) && strings.IndexByte("+-# .0123456789", layout[i]) >= 0; i++ {
		}
		switch {
		case i >= len(layout) || layout[i] == '[' || layout[i] == '*':
			return nil, false
		case layout[i] == '%':
		case strings.IndexByte("vTtbcdoxXeEfgGsq", layout[i]) < 0:
			return nil, false
		default:
			list = append(list, verb{layout[i], next})
			next++
		}
	}
	return list, true
}

// ruleFormat holds the verbs of a format that is written out against the values.
func ruleFormat(e env, c *call) info {
	if !e.checkArg(c, 0) {
		return mistake()
	}
	out := c.out(stringType)
	if c.x.Name == "formatlist" {
		out.t = stringType.ListOf()
	}
	layout, ok := c.arg(0).text()
	list, readable := verbs(layout)
	if !ok || !readable || c.x.ExpandFinal || e.quiet {
		return out
	}
	if len(list) != len(c.args)-1 {
		return e.report(diag.BadCall, c.x.Args[0].Range(), "this format has %s, and %s given.", countOf(len(list), "verb"), wereGiven(len(c.args)-1))
	}
	for _, v := range list {
		n := v.arg + 1
		i, x := c.arg(n), c.argExpr(n)
		if c.x.Name == "formatlist" && i.t.Kind == schema.KindList && i.t.Elem != nil && !i.lax() {
			i = info{t: *i.t.Elem, null: i.elemNull || i.null, bad: i.bad, why: i.why}
		}
		if i.bad {
			continue
		}
		if i.null && v.letter != 'v' {
			e.null(x, i, fmt.Sprintf("%%%c needs a value", v.letter))
			return mistake()
		}
		if i.lax() {
			continue
		}
		switch v.letter {
		case 's', 'q':
			ok = primitive(i.t.Kind)
		case 't':
			ok = i.t.Kind == schema.KindBool
		case 'b', 'c', 'd', 'o', 'x', 'X', 'e', 'E', 'f', 'g', 'G':
			ok = i.t.Kind == schema.KindNumber
			if s, is := i.text(); is {
				ok = parsesAsNumber(s)
			}
		}
		if !ok {
			return e.report(diag.WrongType, x.Range(), "%%%c of the format can't write %s. %%v writes anything, as JSON.", v.letter, article(i.t.String()))
		}
	}
	return out
}

func countOf(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func wereGiven(n int) string {
	if n == 1 {
		return "1 value is"
	}
	return fmt.Sprintf("%d values are", n)
}

// spread checks f(list...): how many arguments the list makes must fit the function.
func (e env) spread(c *call, last info) bool {
	if last.t.Kind == schema.KindMap || last.t.Kind == schema.KindObject && len(last.elems) == 0 {
		return true // what is said of that is said where the list is taken apart
	}
	before := len(c.x.Args) - 1
	least := len(c.spec.Params())
	switch c.x.Name {
	case "coalesce", "max", "min", "try":
		least = 1
	}
	rng := hcl.RangeBetween(c.x.Args[before].Range(), c.x.CloseParenRange)
	if len(last.elems) > 0 {
		n := before + len(last.elems)
		if n < least || c.spec.VarParam() == nil && n > least {
			e.report(diag.BadCall, rng, "%s takes %d arguments; %s.", c.x.Name, least, given(n))
			return false
		}
		return true
	}
	if e.quiet || last.lax() {
		return true
	}
	if c.spec.VarParam() == nil {
		e.report(diag.BadCall, rng, "%s takes %s, and the list may have any number of elements.", c.x.Name, countOf(least, "argument"))
		return false
	}
	if before < least {
		path, ok := e.pathOf(c.x.Args[before])
		if !ok || e.facts.minLen[path] < least-before {
			e.report(diag.BadCall, rng, "%s takes %s at least, and the list may be empty. Write one in front, or guard it (length(%s) > 0).",
				c.x.Name, countOf(least, "argument"), e.source(c.x.Args[before].Range()))
			return false
		}
	}
	return true
}
