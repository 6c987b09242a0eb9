package main

// The console: what an expression is worth and what the checker knows of it, at a place of a recipe, for an event. The
// types are the checker's and the values the engine's, so that what is seen here is what a run would see. Steps are not
// run: they answer with the examples that their actions declare.

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/memstore"
)

func consoleCommand() *command {
	var o consoleOptions
	return &command{
		name:  "console",
		args:  "[RECIPE]",
		short: "say what an expression of a recipe is worth, its type, and what the checker has against it",
		long: "Expressions are those of -e, else the lines of standard input. They stand at the end of the recipe, below all its\n" +
			"filters, or in the step that -at names. The event is a sample of the recipe's trigger, or that of FILE: a service's\n" +
			"event as JSON, or only the object that the trigger is about. Nothing is run: a step answers with the example that\n" +
			"its action declares. Secrets are not shown. -trigger without a recipe looks at what a trigger carries.\n" +
			"With -json each expression gives one line: {expression, value, types[], diagnostics[]}.\n" +
			"A line may also be :type EXPRESSION, :fields EXPRESSION, :help or :quit.",
		example: "flowrun console billing/dunning -dir recipes -e trigger.amount -e 'money(trigger.amount, trigger.currency)'\n" +
			"flowrun console -trigger stripe_charge_failed",
		group:   groupLearn,
		maxArgs: 1,
		flags: func(f *flags) {
			f.Var(&o.exprs, "e", "`EXPRESSION`: what to look at; may be repeated")
			f.StringVar(&o.at, "at", "", "`STEP`: the place, such as action.customer or filter.1 (default the end of the recipe)")
			f.StringVar(&o.trigger, "trigger", "", "`TRIGGER`: the one whose event is the sample; without a recipe, the one to look at")
			f.StringVar(&o.event, "event", "", "`FILE`: the event (default a sample)")
			f.StringVar(&o.eventType, "type", "", "`TYPE`: the event's type, where FILE holds only its object (default the recipe's only one)")
			f.StringVar(&o.dir, "dir", ".", "`DIR`: the folder of recipes")
			f.Var(&o.vars, "var", "`NAME=VALUE`: a variable; may be repeated (FLOWRUN_VAR_name)")
			f.Var(&o.varFiles, "var-file", "`FILE`: variables, name = value; may be repeated")
			f.BoolVar(&o.asJSON, "json", false, "print a line of JSON for each expression")
		},
		run: func(ctx context.Context, m *Main, args []string) error {
			if len(args) == 0 && o.trigger == "" {
				return usagef("which recipe? Name one, or a trigger with -trigger. For example: %s", "flowrun console -trigger stripe_charge_failed")
			}
			if o.event == "-" && len(o.exprs) == 0 {
				return usagef("-event - takes standard input, so that the expressions must be given with -e")
			}
			return o.run(ctx, m, args)
		},
	}
}

type consoleOptions struct {
	runOptions
	exprs       list
	at, trigger string
}

// consoleRecipe is the name of the recipe that a console without a recipe looks at.
const consoleRecipe = "console"

func (o *consoleOptions) run(ctx context.Context, m *Main, args []string) error {
	registry := all.Registry()
	p, name, err := o.project(m, registry, args)
	if err != nil {
		return err
	}
	vars, err := m.variables(o.varFiles, o.vars)
	if err != nil {
		return err
	}
	recipe, err := p.recipe(name)
	if err != nil {
		return err
	}
	bindings, diags := p.program.Bind(newInventor(registry, m.Env).inputs(p, vars))
	diags = slices.DeleteFunc(diags, func(d *hcl.Diagnostic) bool { // what another recipe lacks is no matter here
		return d.Subject.Filename != recipe.Filename && d.Subject.Filename != syntax.ConfigFile
	})
	if diags.HasErrors() {
		if err := m.printDiags(m.Stderr, diags, p.files()); err != nil {
			return err
		}
		return errProblems
	}
	if err := p.checkVariables(vars); err != nil {
		return err
	}
	inspector, err := p.program.Inspect(registry, recipe.Name, o.at)
	if err != nil {
		var place *check.UnknownPlaceError
		if errors.As(err, &place) {
			return usagef("-at %s: recipe %s has no such step.%s It has %s", o.at, recipe.Name, diag.DidYouMean(o.at, place.Steps), orNone(place.Steps))
		}
		return fmt.Errorf("looking at %s: %w", recipe.Name, err)
	}
	ev, err := o.happened(m, registry, recipe)
	if err != nil {
		return err
	}
	store := memstore.New()
	defer store.Close()
	e := engine.New(engine.Config{Store: store, Registry: registry, Clock: m.Clock})
	if err := e.Swap(ctx, p.program, bindings); err != nil {
		return err
	}
	scope, err := e.Explore(recipe.Name, ev)
	if err != nil {
		return err
	}
	x := &explorer{m: m, inspector: inspector, scope: scope, secrets: secrets(bindings.Secrets), asJSON: o.asJSON}
	rehearse(scope, registry, recipe, o.at, ev)
	if by := stopper(scope, recipe, o.at); by != "" {
		fmt.Fprintf(m.Stderr, "Note: this event is stopped by %s, so that a run with it would not get here.\n", by)
	}
	return x.all(o.exprs)
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// project compiles the folder, or a recipe that holds nothing but a trigger.
func (o *consoleOptions) project(m *Main, registry *connectors.Registry, args []string) (*project, string, error) {
	if len(args) > 0 {
		p, err := m.sound(o.dir)
		return p, args[0], err
	}
	t, err := findType(registry, o.trigger)
	if err != nil {
		return nil, "", err
	}
	text := fmt.Sprintf("trigger %q {}\n", t.trigger.Name)
	p := &project{shown: ".", dir: m.path(".")}
	p.program, p.diags = lang.CompileFiles(map[string][]byte{consoleRecipe + ".hcl": []byte(text)}, registry)
	if p.diags.HasErrors() {
		return nil, "", fmt.Errorf("looking at the trigger %s: %w", t.trigger.Name, p.diags)
	}
	return p, consoleRecipe, nil
}

// happened returns the event: that of the file, or a sample of one of the recipe's triggers.
func (o *consoleOptions) happened(m *Main, registry *connectors.Registry, recipe *check.Recipe) (*runtime.Event, error) {
	if o.event != "" {
		return o.read(m, registry, recipe)
	}
	for _, t := range recipe.Triggers {
		if o.trigger != "" && o.trigger != t.Name && o.trigger != t.Spec.Name && !slices.Contains(t.Events, o.trigger) {
			continue
		}
		typ := firstOf(t.Events, "charge.failed")
		if o.trigger != "" && slices.Contains(t.Events, o.trigger) {
			typ = o.trigger
		}
		if typ == "*" {
			typ = firstOf(t.Spec.KnownTypes, "charge.failed")
		}
		hook := registry.Spec(t.Spec.Service).Webhook
		if hook == nil || hook.Sample == nil {
			return nil, usagef("%s has no sample events: give one with -event", t.Spec.Service)
		}
		body, err := hook.Sample(typ, "evt_sample", m.Clock.Now())
		if err != nil {
			return nil, fmt.Errorf("making a sample of %s: %w", typ, err)
		}
		return o.decode(m, registry, recipe, body)
	}
	if o.trigger == "" {
		return nil, usagef("recipe %s has no trigger", recipe.Name)
	}
	return nil, usagef("recipe %s has no trigger %q", recipe.Name, o.trigger)
}

// explorer looks at expressions, one after the other.
type explorer struct {
	m         *Main
	inspector *check.Inspector
	scope     *eval.Scope
	secrets   secrets
	asJSON    bool
	failed    bool // an expression had a mistake or no value
}

func (x *explorer) all(exprs []string) error {
	if len(exprs) > 0 {
		for _, src := range exprs {
			if err := x.show(src, false); err != nil {
				return err
			}
		}
		return x.result()
	}
	terminal := isTerminal(x.m.Stdin)
	if terminal {
		fmt.Fprintf(x.m.Stderr, "Expressions stand %s. :help says what else there is.\n", x.inspector.Place())
	}
	lines := bufio.NewScanner(x.m.Stdin)
	lines.Buffer(nil, maxExpression)
	for {
		if terminal {
			fmt.Fprint(x.m.Stderr, "> ")
		}
		if !lines.Scan() {
			break
		}
		more, err := x.line(strings.TrimSpace(lines.Text()))
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading expressions: %w", err)
	}
	if terminal {
		return nil
	}
	return x.result()
}

// maxExpression is the longest line that is read, in bytes.
const maxExpression = 1 << 20

func (x *explorer) result() error {
	if x.failed {
		return errProblems
	}
	return nil
}

// line carries out one line; more is false at the end.
func (x *explorer) line(text string) (more bool, err error) {
	if text == "" || strings.HasPrefix(text, "#") {
		return true, nil
	}
	if !strings.HasPrefix(text, ":") {
		return true, x.show(text, false)
	}
	word, rest, _ := strings.Cut(text, " ")
	switch rest = strings.TrimSpace(rest); {
	case word == ":quit" || word == ":q":
		return false, nil
	case word == ":help":
		_, err := io.WriteString(x.m.Stdout, consoleHelp)
		return true, err
	case word == ":type" && rest != "":
		return true, x.show(rest, true)
	case word == ":fields":
		if rest == "" {
			rest = "trigger"
		}
		return true, x.fields(rest)
	}
	fmt.Fprintf(x.m.Stderr, "There is no %s here; :help says what there is.\n", text)
	x.failed = true
	return true, nil
}

const consoleHelp = `  EXPRESSION           its value, its type, and what the checker has against it
  :type EXPRESSION     only its type
  :fields EXPRESSION   the fields of an object (default trigger); ? marks those that may be null
  :quit                the end
`

// show prints what is known of one expression.
func (x *explorer) show(src string, typeOnly bool) error {
	f := x.inspector.Look(src)
	out := looked{Expression: src, Views: f.Views, Diags: f.Diags}
	if f.Expr != nil && !typeOnly {
		v, err := x.scope.Value(f.Expr)
		if err != nil {
			out.failure = x.secrets.hide(failureText(err))
		} else {
			out.value = v
		}
	}
	x.failed = x.failed || f.Diags.HasErrors() || out.failure != ""
	if x.asJSON {
		return x.json(out)
	}
	return x.text(out, typeOnly)
}

func failureText(err error) string {
	var ee *eval.Error
	if errors.As(err, &ee) {
		return ee.Summary + ": " + ee.Detail
	}
	return err.Error()
}

// fields prints the fields of an object.
func (x *explorer) fields(src string) error {
	f := x.inspector.Look(src)
	if f.Diags.HasErrors() {
		x.failed = true
		return x.m.printDiags(x.m.Stdout, f.Diags, x.inspector.Files())
	}
	for _, v := range f.Views {
		t := v.Type
		for t.Kind == schema.KindList || t.Kind == schema.KindMap {
			if t.Elem == nil {
				break
			}
			t = *t.Elem
		}
		if t.Kind != schema.KindObject || t.Object == nil {
			fmt.Fprintf(x.m.Stdout, "%s is %s: it has no fields.\n", src, typeWords(v))
			return nil
		}
		if len(f.Views) > 1 {
			fmt.Fprintf(x.m.Stdout, "for the trigger %q\n", v.Trigger)
		}
		if err := showFields(x.m.Stdout, t.Object, outputMark); err != nil {
			return err
		}
	}
	return nil
}

// rehearse gives what a run would have found out by the time: the answers of steps and waits as their actions and
// triggers declare them, the element of the step that is looked at, the failure in on_error.
func rehearse(scope *eval.Scope, registry *connectors.Registry, recipe *check.Recipe, at string, ev *runtime.Event) {
	waits := map[string]cty.Value{}
	step := "action"
	for _, n := range slices.Concat(recipe.Nodes, recipe.OnError) {
		switch {
		case n.Kind == check.Wait:
			waits[n.Name] = arrival(n, ev)
			scope.Set("wait", cty.ObjectVal(waits))
		case n.Kind == check.Action && n.Action != nil && n.Latest == nil:
			elements := cty.NilVal
			if n.ForEach != nil {
				if v, err := scope.Value(n.ForEach); err == nil {
					elements, _ = v.Unmark()
				}
				if n.Address == at || n.Name == at {
					scope.Set("each", firstElement(elements))
				}
			}
			scope.SetAction(n.Name, answer(registry, n, elements))
			if step == "action" {
				step = n.Name
			}
		}
		if (n.Address == at || n.Name == at) && n.Kind == check.Wait && n.Wait.Event != nil {
			scope.Set("incoming", cty.ObjectVal(map[string]cty.Value{"trigger": sampleOf(n.Wait.Event.Payload), "event": envelope(n.Wait.Event, ev)}))
		}
	}
	if len(recipe.OnError) > 0 {
		scope.Set("error", cty.ObjectVal(map[string]cty.Value{
			"step": cty.StringVal(step), "message": cty.StringVal("the service answered 503"), "kind": cty.StringVal("server"),
			"status": cty.NumberIntVal(503), "attempts": cty.NumberIntVal(1),
		}))
	}
}

// stopper names the first filter above the place that does not let the event pass, or returns "".
func stopper(scope *eval.Scope, recipe *check.Recipe, at string) string {
	for _, n := range recipe.Nodes {
		if at != "" && (n.Address == at || n.Name == at) {
			break
		}
		if n.Kind != check.Filter || n.Parent >= 0 {
			continue
		}
		v, err := scope.Value(n.Condition)
		if err != nil {
			continue
		}
		if v, _ = eval.Unmark(v); v.Type() != cty.Bool || v.IsNull() || v.True() {
			continue
		}
		if n.Name != "" {
			return fmt.Sprintf("filter %q", n.Name)
		}
		return n.Address
	}
	return ""
}

// answer is what an action answers: the example it declares, where that has its shape, else a sample of the shape.
func answer(registry *connectors.Registry, n *check.Node, elements cty.Value) cty.Value {
	one := cty.NullVal(cty.DynamicPseudoType)
	if n.Out != nil {
		one = sampleOf(n.Out)
		if a := registry.Caller(n.Action.Name); a != nil && a.Answer != "" {
			if v, drift, err := n.Out.Decode([]byte(a.Answer), &schema.Paths{All: true}); err == nil && len(drift) == 0 {
				one = v
			}
		}
	}
	switch {
	case n.ForEach == nil:
		return one
	case elements == cty.NilVal || elements.IsNull() || !elements.CanIterateElements():
		return cty.EmptyTupleVal
	}
	var list []cty.Value
	byKey := map[string]cty.Value{}
	for it := elements.ElementIterator(); it.Next(); {
		key, _ := it.Element()
		list = append(list, one)
		if key, _ = key.Unmark(); key.Type() == cty.String {
			byKey[key.AsString()] = one
		}
	}
	if t := elements.Type(); t.IsObjectType() || t.IsMapType() {
		return cty.ObjectVal(byKey)
	}
	return cty.TupleVal(list)
}

func firstElement(elements cty.Value) cty.Value {
	none := cty.NullVal(cty.DynamicPseudoType)
	each := map[string]cty.Value{"key": none, "value": none}
	if elements != cty.NilVal && !elements.IsNull() && elements.CanIterateElements() {
		if it := elements.ElementIterator(); it.Next() {
			each["key"], each["value"] = it.Element()
		}
	}
	return cty.ObjectVal(each)
}

// arrival is what a wait has found: that the time is over, or the event.
func arrival(n *check.Node, ev *runtime.Event) cty.Value {
	out := map[string]cty.Value{"timed_out": cty.False}
	if n.Wait.Event != nil && n.Wait.Event.Payload != nil {
		out["trigger"], out["event"] = sampleOf(n.Wait.Event.Payload), envelope(n.Wait.Event, ev)
	}
	return cty.ObjectVal(out)
}

func envelope(t *check.Trigger, ev *runtime.Event) cty.Value {
	at := cty.StringVal(ev.Time.UTC().Format("2006-01-02T15:04:05Z"))
	return cty.ObjectVal(map[string]cty.Value{
		"id": cty.StringVal("evt_sample_2"), "type": cty.StringVal(firstOf(t.Events, "")), "time": at, "received_at": at,
		"connection": cty.StringVal(t.Connection), "account": cty.NullVal(cty.String), "livemode": cty.False,
		"api_version": cty.NullVal(cty.String), "changed": cty.ListValEmpty(cty.String), "replayed": cty.False,
		"caused_by": cty.NullVal(cty.Object(map[string]cty.Type{"recipe": cty.String, "run": cty.String})),
	})
}

func sampleOf(o *schema.Object) cty.Value {
	v, _, err := o.Decode(o.Sample(o.Name), &schema.Paths{All: true})
	if err != nil {
		return cty.NullVal(cty.DynamicPseudoType)
	}
	return v
}
