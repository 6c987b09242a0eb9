package check

// What starts a recipe: which events, with which shape, and what to say to somebody who names none that there is.

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

func (b *builder) triggers() {
	taken := map[string]hcl.Range{}
	for _, t := range b.src.Triggers {
		context := fmt.Sprintf("in trigger %q", t.Type)
		if t.Name != t.Type {
			context += fmt.Sprintf(" %q", t.Name)
		}
		b.in(b.e.sc.rep, context, func() {
			if duplicate(b.e.sc.rep, "trigger", t.Name, t.Range, taken) {
				return
			}
			apart := b.trigger(t).apart()
			b.latest(t, apart)
			b.out.Triggers = append(b.out.Triggers, apart...)
		})
	}
}

func (b *builder) trigger(t *syntax.Trigger) *Trigger {
	e := b.e
	if t.Type == callTrigger {
		return b.callTrigger(t)
	}
	out := &Trigger{Name: t.Name, Range: t.Range}
	spec := b.c.cat.Trigger(t.Type)
	if spec == nil {
		names := b.c.cat.TriggerNames()
		fix := suggest(t.Type, names)
		e.reportFix(diag.UnknownTrigger, t.TypeRange, quoted(fix), "there is no trigger %q.%s", t.Type, b.hint(fix, t.Type, names, "triggers"))
		return out
	}
	out.Spec, out.Events, out.Payload = spec, spec.Events, spec.Payload
	out.Connection = e.connect(b.pr, spec.Service, t.Connection, t.TypeRange)
	if !b.out.Disabled {
		b.pr.use(out.Connection, spec.Service != builtin) // no webhooks come in for flowrun itself
	}
	settings := spec.Settings
	if settings == nil {
		settings = schema.NewObject(spec.Name)
	}
	args, shape, ok := e.shapeArg(t.Args, spec.ShapeSetting)
	e.assignArgs(settings, args, t.Range, "the trigger "+spec.Name)
	values := map[string]cty.Value{}
	for _, a := range args {
		f := settings.Field(a.Name)
		if f == nil {
			continue
		}
		if i := e.silent().infer(a.Expr); i.val != cty.NilVal {
			values[a.Name] = i.val
		} else if !i.bad {
			e.report(diag.NotConstant, a.Expr.Range(), "%q must be written out: it says which events are meant before there is one.", a.Name)
		}
		if a.Name == spec.TypesSetting {
			out.Events = e.eventTypes(a.Expr, spec)
			if spec.PayloadFor != nil && len(out.Events) > 0 {
				out.Payload = spec.PayloadFor(out.Events)
			}
		}
	}
	for _, g := range spec.Guards {
		if v, ok := values[g.Setting]; ok && !v.IsNull() && v.Type() == cty.Bool && v.True() {
			out.Guards = append(out.Guards, g)
		}
	}
	if spec.Choose != nil {
		events, guards := spec.Choose(values)
		out.Events, out.Guards = events, append(out.Guards, guards...)
	}
	out.Settings = values
	if !ok {
		out.Payload = nil // what it carries is not known
	}
	if spec.For != nil && ok {
		b.triggerUse(out, t, &schema.Use{Recipe: b.src.Name, Name: t.Name, Sole: len(b.src.Triggers) == 1, Shape: shape, Given: values})
	}
	return out
}

// mostApart is how many objects the types of one trigger may have between them for each to be looked at by itself.
const mostApart = 16

// apart returns a trigger that is told its types as one for each object that they carry, so that the types are told
// apart as several triggers are: what all share can be read, and under event.type == "…" what that one has. A trigger
// whose shape has the fields of each of its types, null where one has none, stays one.
func (t *Trigger) apart() []*Trigger {
	if t.Spec == nil || t.Spec.PayloadFor == nil || len(t.Events) < 2 || slices.Contains(t.Events, "*") {
		return []*Trigger{t}
	}
	var out []*Trigger
	for _, name := range t.Events {
		payload := t.Spec.PayloadFor([]string{name})
		if t.Payload != nil && slices.ContainsFunc(t.Payload.Fields(), func(f schema.Field) bool { return payload.Field(f.Name) == nil }) {
			return []*Trigger{t}
		}
		if n := slices.IndexFunc(out, func(o *Trigger) bool { return o.Payload == payload }); n >= 0 {
			out[n].Events = append(out[n].Events, name)
			continue
		}
		one := *t
		one.Events, one.Payload = []string{name}, payload
		out = append(out, &one)
	}
	if len(out) > mostApart {
		return []*Trigger{t}
	}
	return out
}

// eventTypes reads the list of a trigger that is told its types.
func (e env) eventTypes(x hclsyntax.Expression, spec *schema.Trigger) []string {
	tuple := tupleOf(x)
	if tuple == nil {
		return nil
	}
	var out []string
	for _, ex := range tuple.Exprs {
		v, ok := literal(ex)
		if !ok || v.Type() != cty.String {
			continue
		}
		s := v.AsString()
		if s != "*" && len(spec.KnownTypes) > 0 && !slices.Contains(spec.KnownTypes, s) {
			if e.c.probe != nil {
				e.c.probe.allow(ex.Range(), spec.KnownTypes)
			}
			fix := suggest(s, spec.KnownTypes)
			hint := ""
			if fix != "" {
				hint = fmt.Sprintf(" Did you mean %q?", fix)
			}
			e.reportFix(diag.NotInEnum, ex.Range(), quoted(fix), "%s has no event %q.%s", spec.Service, s, hint)
			continue
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return `"` + s + `"`
}

func tupleOf(x hclsyntax.Expression) *hclsyntax.TupleConsExpr {
	t, _ := unwrap(x).(*hclsyntax.TupleConsExpr)
	return t
}

// hint helps with an unknown trigger or action.
func (b *builder) hint(fix, name string, names []string, what string) string {
	if fix != "" {
		return didYouMean(name, names)
	}
	service, _, _ := strings.Cut(name, "_")
	var same []string
	for _, n := range names {
		if strings.HasPrefix(n, service+"_") {
			same = append(same, n)
		}
	}
	if len(same) > mostListed {
		if near := alike(same, name); len(near) > 0 {
			return fmt.Sprintf(" Near it are %s. \"flowrun connectors -search WORDS\" finds others.", quoteList(near))
		}
		return fmt.Sprintf(" \"flowrun connectors -search WORDS\" finds one of the %d %s of %s.", len(same), what, service)
	}
	if len(same) > 0 {
		return fmt.Sprintf(" The %s of %s are %s.", what, service, quoteList(same))
	}
	return " There are " + what + " of " + quoteList(b.c.cat.ServiceNames()) + "."
}

// mostListed is how many names are listed to somebody who knows none of them.
const mostListed = 12

// alike returns the names that begin with as many words of name as any does, and more than its service's.
func alike(names []string, name string) []string {
	for prefix := name; strings.Count(prefix, "_") > 0; prefix = prefix[:strings.LastIndexByte(prefix, '_')] {
		var out []string
		for _, n := range names {
			if n == prefix || strings.HasPrefix(n, prefix+"_") {
				out = append(out, n)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}
