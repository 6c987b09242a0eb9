package lang_test

// Recipes for the property tests, made so that nothing is left to chance but the details: each is about one operator or
// function in one position, and all pairs of those (cells) take turns.

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/flowrun/flowrun/lang/eval"
)

// kind is what an expression is made for, so that it can be put into a place.
type kind string

const (
	aText   kind = "text"
	aNumber kind = "number"
	aTruth  kind = "truth"
	aList   kind = "list"
	aMap    kind = "map"
	anyKind kind = "any"
)

func operators() []string {
	return []string{"!", "-", "&&", "||", "==", "!=", "<", "<=", ">", ">=", "a+b", "a-b", "a*b", "a/b", "a%b", "?:", "[key]", "[*]", ".*", "for list", "for map",
		"for group", "for if", "text", "%{if}", "%{for}", "object", "tuple", "f(list...)", "guard"}
}

func positions() []string {
	return []string{"condition", "when", "input", "number input", "nested", "object at depth", "template", "local", "for body", "splat", "argument", "list input", "map input", "key"}
}

// subjects are all operators and functions.
func subjects(funcs []eval.Func) []string {
	out := operators()
	for _, f := range funcs {
		out = append(out, f.Name)
	}
	return out
}

// cell writes a recipe about one subject in one position.
func (g *generator) cell(position, subject string, funcs []eval.Func) string {
	g.sober = g.IntN(2) == 0
	g.names = nil
	depth := g.IntN(2)
	inLoop := position == "for body"
	if inLoop {
		g.names = []string{"t"}
	}
	x, k := g.subject(subject, funcs, depth)
	g.names = nil
	place := map[string]string{"name": `"x"`, "id": "trigger.id", "data": "null"}
	var locals, when, more, head string
	condition := ""
	switch position {
	case "condition":
		condition = as(x, k, aTruth)
	case "when":
		when = "  when = " + as(x, k, aTruth) + "\n"
	case "key":
		head = fmt.Sprintf("recipe {\n  concurrency {\n    key = %s\n    limit = 2\n  }\n}\n\n", as(x, k, aText))
	case "input":
		place["name"] = as(x, k, aText)
	case "number input":
		more = "  timestamp = " + as(x, k, aNumber) + "\n"
	case "nested":
		place["data"] = fmt.Sprintf("{ a = [{ b = %s }, 1], c = { d = { e = \"x\" } } }", x)
	case "template":
		place["name"] = fmt.Sprintf("\"a ${%s} b\"", x)
	case "local":
		locals = fmt.Sprintf("  v = %s\n", x)
		place["name"], place["data"] = as("local.v", k, aText), "{ v = local.v }"
	case "for body":
		place["data"] = fmt.Sprintf("[for t in trigger.tags : %s]", x)
	case "splat":
		place["data"] = fmt.Sprintf("[{ b = %s }][*].b", x)
	case "argument":
		place["name"] = fmt.Sprintf("%s(%s)", g.pick("upper", "trimspace", "urlencode"), as(x, k, aText))
	}
	var b strings.Builder
	b.WriteString(head + "trigger \"stripe_charge_failed\" {}\n\nlocals {\n  s = trigger.customer\n  b = trigger.customer != null\n" + locals + "}\n\n")
	for range g.IntN(3) {
		fmt.Fprintf(&b, "filter {\n  condition = %s != null\n}\n\n", g.place())
	}
	if condition != "" {
		fmt.Fprintf(&b, "filter {\n  condition = %s\n}\n\n", condition)
	}
	switch position {
	case "object at depth", "list input", "map input":
		ids, bcc, headers := "trigger.id", "[]", "{}"
		switch position {
		case "object at depth":
			ids = as(x, k, aText)
		case "list input":
			bcc = as(x, k, aList)
		case "map input":
			headers = as(x, k, aMap)
		}
		fmt.Fprintf(&b, "action \"customerio_send_email\" {\n  transactional_message_id = 1\n  to = \"a@b.c\"\n  identifiers = { id = %s }\n  bcc = %s\n  headers = %s\n}\n", ids, bcc, headers)
	default:
		fmt.Fprintf(&b, "action \"customerio_track\" {\n  id = %s\n  name = %s\n  data = %s\n%s%s}\n", place["id"], place["name"], place["data"], more, when)
	}
	return b.String()
}

// as puts an expression of one kind where another is wanted.
func as(x string, is, want kind) string {
	if is == want {
		return x
	}
	switch want {
	case aText:
		switch is {
		case aNumber, aTruth:
			return fmt.Sprintf("tostring(%s)", x)
		}
		return fmt.Sprintf("jsonencode(%s)", x)
	case aNumber:
		switch is {
		case aText, aList, aMap:
			return fmt.Sprintf("length(%s)", x)
		}
		return fmt.Sprintf("length(jsonencode(%s))", x)
	case aTruth:
		switch is {
		case aNumber:
			return fmt.Sprintf("%s > 1", x)
		case aText:
			return fmt.Sprintf("%s != \"a\"", x)
		case aList, aMap:
			return fmt.Sprintf("length(%s) > 0", x)
		}
		return fmt.Sprintf("jsonencode(%s) != \"a\"", x)
	case aList:
		return fmt.Sprintf("[%s]", as(x, is, aText))
	case aMap:
		return fmt.Sprintf("{ a = %s }", as(x, is, aText))
	}
	return x
}

func (g *generator) subject(subject string, funcs []eval.Func, d int) (string, kind) {
	if i := slices.IndexFunc(funcs, func(f eval.Func) bool { return f.Name == subject }); i >= 0 {
		return g.call(funcs[i], d), kindOf(subject)
	}
	switch subject {
	case "!":
		return fmt.Sprintf("!(%s)", g.truth(d)), aTruth
	case "-":
		return fmt.Sprintf("-(%s)", g.number(d)), aNumber
	case "&&", "||":
		return fmt.Sprintf("(%s %s %s)", g.truth(d), subject, g.truth(d)), aTruth
	case "==", "!=":
		switch g.IntN(4) {
		case 0:
			return fmt.Sprintf("(%s %s null)", g.place(), subject), aTruth
		case 1:
			return fmt.Sprintf("(%s %s %s)", g.number(d), subject, g.number(d)), aTruth
		case 2:
			return fmt.Sprintf("(trigger.status %s %s)", subject, g.pick(`"failed"`, `"pending"`, `"sent"`)), aTruth
		}
		return fmt.Sprintf("(%s %s %s)", g.text(d), subject, g.text(d)), aTruth
	case "<", "<=", ">", ">=":
		return fmt.Sprintf("(%s %s %s)", g.number(d), subject, g.number(d)), aTruth
	case "a+b", "a-b", "a*b", "a/b", "a%b":
		return fmt.Sprintf("(%s %s %s)", g.number(d), subject[1:2], g.number(d)), aNumber
	case "?:":
		return fmt.Sprintf("(%s ? %s : %s)", g.truth(d), g.text(d), g.text(d)), aText
	case "[key]":
		return g.pick(fmt.Sprintf("trigger.tags[%s]", g.number(d)), fmt.Sprintf("trigger.metadata[%s]", g.text(d)),
			fmt.Sprintf("{ a = %s, b = %s }[%s]", g.text(d), g.text(d), g.text(0)), fmt.Sprintf("coalesce(trigger.tags[0], %s)", g.text(d))), aText
	case "[*]":
		return g.pick("trigger.refunds.data[*].reason", "trigger.refunds.data[*].amount", "trigger.customer[*]", fmt.Sprintf("%s[*]", g.list(d)), "trigger.refunds[*].data"), aList
	case ".*":
		return g.pick("trigger.refunds.data.*.reason", "trigger.refunds.data.*.id", fmt.Sprintf("%s.*", g.list(d))), aList
	case "for list":
		g.names = append(g.names, "x")
		defer func() { g.names = g.names[:len(g.names)-1] }()
		return fmt.Sprintf("[for i, x in %s : %s]", g.pick("trigger.tags", "compact(trigger.tags)", `["a", "b"]`), g.text(d)), aList
	case "for map":
		return fmt.Sprintf("{ for k, v in trigger.metadata : %s => %s }", g.pick("k", "upper(k)"), g.pick("v", "\"${k}=${v}\"", g.text(d))), aMap
	case "for group":
		return fmt.Sprintf("{ for r in %s : %s => r... }", g.pick("trigger.tags", "values(trigger.metadata)"), g.pick("r", "upper(r)", "substr(r, 0, 1)")), anyKind
	case "for if":
		return fmt.Sprintf("[for x in %s : upper(x) if %s]", g.list(d), g.pick("x != null", "x != null && length(x) > 1", "can(upper(x))", g.truth(d))), aList
	case "text":
		return fmt.Sprintf(`"a ${%s} b ${%s}"`, g.any(d), g.text(d)), aText
	case "%{if}":
		return fmt.Sprintf(`"%%{ if %s }${%s}%%{ else }${%s}%%{ endif }"`, g.truth(d), g.text(d), g.text(d)), aText
	case "%{for}":
		return fmt.Sprintf(`"%%{ for x in %s }${%s}%%{ endfor }"`, g.list(d), g.pick("x", "upper(x)", g.text(d))), aText
	case "object":
		return fmt.Sprintf("{ a = %s, (%s) = %s }", g.text(d), g.pick(`"b"`, "trigger.id"), g.text(d)), aMap
	case "f(list...)":
		return g.pick(fmt.Sprintf("max(%s, trigger.refunds.data[*].amount...)", g.number(d)), "max(trigger.refunds.data[*].amount...)", "length(concat([trigger.tags, [\"a\"]]...))",
			fmt.Sprintf("length(join(\",\", [%s]...))", g.list(d)), fmt.Sprintf("length(coalesce(%s...))", g.list(d)), fmt.Sprintf("length(upper(%s...))", g.list(d)),
			fmt.Sprintf("length(coalesce([%s, %s]...))", g.text(d), g.text(d))), aNumber
	case "tuple":
		return fmt.Sprintf("[%s, %s, %s]", g.any(d), g.text(d), g.number(d)), anyKind
	}
	// A place that may be null, behind what people write to keep null out.
	p := g.place()
	return g.pick(
		fmt.Sprintf("(%s != null ? jsonencode(%s) : %s)", p, p, g.text(d)),
		fmt.Sprintf("(%s == null ? %s : jsonencode(%s))", p, g.text(d), p),
		fmt.Sprintf("(!(%s == null) ? jsonencode(%s) : \"\")", p, p),
		"(trigger.billing_details.email != null && length(trigger.billing_details.email) > 3 ? \"a\" : \"b\")",
		"(trigger.billing_details.email == null || length(trigger.billing_details.email) > 3 ? \"a\" : \"b\")",
		"(trigger.payment_method_details != null ? trigger.payment_method_details.type : \"none\")",
		"(trigger.payment_method_details != null && trigger.payment_method_details.card != null ? \"${trigger.payment_method_details.card.exp_month}\" : \"none\")",
		"(local.b ? upper(trigger.customer) : \"none\")",
		"(trigger.refunds != null && length(trigger.refunds.data) > 0 ? trigger.refunds.data[0].id : \"none\")",
		fmt.Sprintf("try(upper(%s), %s)", p, g.text(d)),
		"coalesce(try(trigger.payment_method_details.card.last4, null), \"none\")",
	), aText
}

func kindOf(name string) kind {
	for k, names := range map[kind]string{
		aNumber: " abs ceil floor log max min parseint pow signum sum length index timecmp unix duration tonumber ",
		aTruth:  " can alltrue anytrue contains endswith startswith strcontains matches tobool ",
		aList:   " compact concat distinct flatten keys reverse slice sort split tolist toset values formatlist ",
		aMap:    " merge tomap zipmap ",
		anyKind: " csvdecode jsondecode element one range regex regexall lookup coalesce try ",
	} {
		if strings.Contains(names, " "+name+" ") {
			return k
		}
	}
	return aText
}

// call writes a call with arguments that its parameters may take. Where only the value tells whether they can (times,
// currencies, patterns), it is mostly one that can.
func (g *generator) call(f eval.Func, d int) string {
	args := []string{}
	for _, p := range f.Impl.Params() {
		args = append(args, g.argument(f.Name, p, d))
	}
	if p := f.Impl.VarParam(); p != nil {
		least := 0
		switch f.Name {
		case "coalesce", "try", "max", "min", "merge", "concat", "join", "range", "format", "formatlist":
			least = 1
		}
		most := 2
		switch f.Name {
		case "money", "from_unix", "lookup", "format", "formatlist":
			most = 1
		}
		for n := range least + g.IntN(most-least+1) {
			if p.Name == "zone_or_locale" {
				args = append(args, []string{`"UTC"`, `"de-DE"`}[n])
				continue
			}
			args = append(args, g.argument(f.Name, *p, d))
		}
	}
	return fmt.Sprintf("%s(%s)", f.Name, strings.Join(args, ", "))
}

func (g *generator) argument(fn string, p function.Parameter, d int) string {
	switch p.Name {
	case "currency":
		return g.pick(`"eur"`, "trigger.currency", `"jpy"`)
	case "zone":
		return g.pick(`"UTC"`, `"Europe/Berlin"`)
	case "locale":
		return g.pick(`"de-DE"`, `"en"`)
	case "pattern":
		return g.pick(`"^a"`, `"[a-z]+"`, `"(a)|(b)"`)
	case "layout":
		return g.pick(`"YYYY-MM-DD"`, `"D. MMMM YYYY"`)
	case "timestamp", "timestamp_a", "timestamp_b", "time":
		return g.pick("event.time", "run.started_at", "from_unix(trigger.created)", `"2024-03-01T12:00:00Z"`, g.text(d))
	case "duration":
		return g.pick(`"72h"`, `"7d"`, g.text(d))
	case "base":
		return g.pick("10", "2", g.number(d))
	case "namespace":
		return g.pick(`"dns"`, `"url"`)
	case "index", "offset", "start_index", "end_index", "spaces":
		return g.pick("0", "1", g.number(d))
	case "seconds":
		return g.pick("trigger.created", g.number(d))
	case "format":
		switch fn {
		case "formatdate":
			return `"YYYY-MM-DD"`
		}
		return g.pick(`"%s"`, `"a %v b"`, `"%q"`, `"%d"`, `"%.2f%%"`, `"%t"`, `"%s %s"`)
	case "args":
		if fn == "formatlist" {
			return g.pick(g.list(d), g.text(d))
		}
		return g.any(d)
	case "list", "seqs", "keys":
		if !p.Type.IsListType() {
			return g.list(d)
		}
	case "map", "inputMap", "mapping", "maps":
		return g.pick(g.texts(d), "trigger.metadata", fmt.Sprintf("{ a = %s, b = %s }", g.text(d), g.text(d)))
	case "number":
		if fn == "parseint" {
			return g.pick(`"12"`, g.text(d))
		}
	case "values":
		if fn == "zipmap" {
			return g.list(d)
		}
		return g.text(d)
	case "value":
		if fn == "length" {
			return g.pick(g.list(d), g.text(d), g.texts(d))
		}
	case "v":
		switch fn {
		case "tolist", "toset":
			return g.list(d)
		case "tomap":
			return g.texts(d)
		case "tonumber":
			return g.pick(`"12"`, g.text(d), g.number(d))
		case "tobool":
			return g.pick(`"true"`, g.text(d), g.truth(d))
		}
	case "str":
		switch fn {
		case "base64decode":
			return g.pick(fmt.Sprintf("base64encode(%s)", g.text(d)), g.text(d))
		case "jsondecode":
			return g.pick(`"{\"a\": [1]}"`, fmt.Sprintf("jsonencode(%s)", g.any(d)), g.text(d))
		case "csvdecode":
			return g.pick(`"a,b\n1,2"`, g.text(d))
		}
	}
	switch {
	case p.Type == cty.String:
		return g.text(d)
	case p.Type == cty.Number:
		return g.number(d)
	case p.Type == cty.Bool:
		return g.truth(d)
	case p.Type.IsListType() && p.Type.ElementType() == cty.Bool:
		return fmt.Sprintf("[%s, %s]", g.truth(d), g.truth(d))
	case p.Type.IsListType() && p.Type.ElementType() == cty.Number:
		return g.pick(fmt.Sprintf("[%s, %s]", g.number(d), g.number(d)), "trigger.refunds.data[*].amount")
	case p.Type.IsListType():
		return g.list(d)
	case p.Type == cty.DynamicPseudoType:
		return g.any(d)
	}
	return g.text(d) // an expression that is handed on unevaluated
}
