package check

// Triggers and actions that are not the same everywhere: what they are depends on how a recipe uses them. A webhook of
// one's own carries what the recipe declares, a request is as safe to repeat as its method. The catalogue says what that
// comes to (schema.Trigger.For, schema.Action.For), and here it is put where all else finds it: Trigger.Payload,
// Trigger.Events and Node.Action.

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// triggerUse fills in what a trigger is in this recipe.
func (b *builder) triggerUse(out *Trigger, t *syntax.Trigger, u *schema.Use) {
	use := out.Spec.For(u)
	b.e.problems(use.Problems, diag.BadArgument, diag.RiskySetting, t.Args, t.Range)
	out.Events, out.Payload = use.Events, use.Payload
	b.overlap(use.Overlap, t)
	if out.Spec.PathSetting != "" {
		b.path(out, t)
	}
}

// overlap gives the recipe the lane that one of its triggers asks for.
func (b *builder) overlap(o schema.Overlap, t *syntax.Trigger) {
	if o == schema.AnyOverlap {
		return
	}
	at := t.Range
	for _, a := range t.Args {
		if a.Name == "overlap" {
			at = a.Expr.Range()
		}
	}
	if b.src.Settings != nil && slices.ContainsFunc(b.src.Settings.Controls, func(c *syntax.Control) bool { return c.Word == "concurrency" }) {
		b.e.report(diag.BadArgument, at, "the recipe's concurrency block says already what happens to runs that overlap. Leave one of the two out.")
		return
	}
	b.out.Flow.Concurrency = &Concurrency{Limit: 1, OnConflict: QueueConflict}
	if o == schema.SkipOverlap {
		b.out.Flow.Concurrency.OnConflict = SkipConflict
	}
}

// actionUse fills in what an action is where this step uses it.
func (b *builder) actionUse(ns *nodeSrc, shape *schema.Type) {
	u := &schema.Use{Recipe: b.src.Name, Name: ns.src.Name, Shape: shape, Given: map[string]cty.Value{}}
	quiet := b.e.silent()
	for _, a := range ns.args {
		i := quiet.constantOf(a)
		if !i.isNull {
			u.Given[a.Name] = i.val
		}
	}
	spec := ns.Node.Action
	use := spec.For(u)
	b.e.problems(use.Problems, diag.BadArgument, diag.RiskySetting, ns.src.Args, ns.src.Range)
	own := *spec
	own.Effect, own.Out = use.Effect, use.Out
	if use.Lasting != (schema.Lasting{}) {
		own.Lasting = use.Lasting
	}
	ns.Node.Action = &own
}

// constantOf is the value of an argument where that can be told before any name is known.
func (e env) constantOf(a argument) info {
	if len(a.Expr.Variables()) > 0 {
		return info{val: cty.NilVal}
	}
	return e.infer(a.Expr)
}

// problems reports what a service has to say of the arguments of a block.
func (e env) problems(list []schema.Problem, mistake, risk diag.Code, args []argument, header hcl.Range) {
	for _, p := range list {
		at := header
		for _, a := range args {
			if a.Name == p.Setting {
				at = a.Expr.Range()
			}
		}
		code := mistake
		if p.Warning {
			code = risk
		}
		e.report(code, at, "%s", e.sentence(p.Reason, false))
	}
}

// Paths below /webhooks/: words of lower case, parted by slashes.
var pathForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*$`)

const longestPath = 200

// door is a path at which a trigger has events come in.
type door struct {
	path    string
	trigger *Trigger
	at      hcl.Range // of the trigger's block
}

// path checks the path at which a trigger's events come in, against the connections' own and against other recipes.
func (b *builder) path(out *Trigger, t *syntax.Trigger) {
	name := out.Spec.PathSetting
	var arg argument
	for _, a := range t.Args {
		if a.Name == name {
			arg = a
		}
	}
	v, ok := out.Settings[name]
	if arg == nil || !ok || v.IsNull() || v.Type() != cty.String {
		return // which is reported
	}
	path := v.AsString()
	if !pathForm.MatchString(path) || len(path) > longestPath {
		b.e.report(diag.BadArgument, arg.Expr.Range(), "%q is no path below /webhooks/: it is made of words in lower case, digits, \"-\", \"_\" and \".\", parted by \"/\", such as \"shop/orders\".", path)
		return
	}
	if cn := b.pr.declared[path]; cn != nil {
		b.e.report(diag.PathTaken, arg.Expr.Range(), "/webhooks/%s is where the webhooks of the connection %q come in (%s line %d). Give the path another name.",
			path, path, cn.Range.Filename, cn.Range.Start.Line)
		return
	}
	if b.c.cat.Service(path) != nil {
		b.e.report(diag.PathTaken, arg.Expr.Range(), "%q is the name of a service, and /webhooks/%s is where its webhooks come in. Give the path another name.", path, path)
		return
	}
	b.doors = append(b.doors, door{path: path, trigger: out, at: t.Range})
}

// checkDoors holds triggers that share a path against the first of them.
func (c *checker) checkDoors(built []*builder, rep *reporter) {
	type first struct {
		door
		recipe string
	}
	seen := map[string]*first{}
	for _, b := range built {
		for _, d := range b.doors {
			f := seen[d.path]
			if f == nil {
				seen[d.path] = &first{d, b.out.Name}
				continue
			}
			why := differs(f.trigger, d.trigger)
			if why == "" {
				continue
			}
			e := b.e
			e.sc.rep = rep
			before := len(rep.diags)
			e.report(diag.PathDiffers, d.at, "the recipe %q (%s line %d) takes what comes to /webhooks/%s, too, and differs in %s. One path has one connection, one way to answer, and fields of one type.",
				f.recipe, f.at.Filename, f.at.Start.Line, d.path, why)
			diag.In(fmt.Sprintf("in trigger %q", d.trigger.Spec.Name), rep.diags[before:])
		}
	}
}

// differs names the first thing in which two triggers of one path don't agree, or returns "".
func differs(a, b *Trigger) string {
	if a.Connection != b.Connection {
		return "the connection"
	}
	for i := range a.Spec.Settings.Fields() {
		f := &a.Spec.Settings.Fields()[i]
		if f.Name == a.Spec.ShapeSetting {
			continue
		}
		x, y := a.Settings[f.Name], b.Settings[f.Name]
		if (x == cty.NilVal) != (y == cty.NilVal) || x != cty.NilVal && !x.RawEquals(y) {
			return fmt.Sprintf("%q", f.Name)
		}
	}
	return differentField(a.Payload, b.Payload, "trigger")
}

// differentField names a field that both shapes have and that is not of one type, or returns "".
func differentField(a, b *schema.Object, at string) string {
	if a == nil || b == nil {
		return ""
	}
	for i := range a.Fields() {
		f := &a.Fields()[i]
		g := b.Field(f.Name)
		if g == nil {
			continue
		}
		x, y := f.Type, g.Type
		for x.Elem != nil && y.Elem != nil && x.Kind == y.Kind {
			x, y = *x.Elem, *y.Elem
		}
		where := at + "." + f.Name
		if x.Kind != y.Kind || f.MayBeNull() != g.MayBeNull() {
			return "the type of " + where
		}
		if x.Kind == schema.KindObject {
			if why := differentField(x.Object, y.Object, where); why != "" {
				return why
			}
		}
	}
	return ""
}
