package main

// The catalogue for the control door: what there is to make recipes of, each with an example, and recipes for pairs.

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/pair"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime/control"
)

// catalogue is a registry as the control door shows it.
type catalogue struct {
	r    *connectors.Registry
	list func() *control.CatalogList // made once
}

var _ control.Catalog = (*catalogue)(nil)

func newCatalogue(r *connectors.Registry) *catalogue {
	return &catalogue{r: r, list: sync.OnceValue(func() *control.CatalogList { return listCatalogue(r) })}
}

// List implements control.Catalog.
func (c *catalogue) List() *control.CatalogList { return c.list() }

func listCatalogue(r *connectors.Registry) *control.CatalogList {
	out := &control.CatalogList{Services: []control.CatalogService{}, Entries: []control.CatalogItem{}}
	for _, name := range r.ServiceNames() {
		s := r.Spec(name)
		out.Services = append(out.Services, control.CatalogService{Name: s.Name, Title: s.Title, Doc: s.Doc,
			Triggers: len(s.Triggers), Actions: len(s.AllActions()), Pairs: !s.Local})
		for _, t := range s.Triggers {
			out.Entries = append(out.Entries, control.CatalogItem{Kind: "trigger", Name: t.Name, Service: s.Name, Doc: t.Doc,
				Offered: pair.Offered(t) && !s.Local})
		}
		action := func(a *connectors.Action) {
			out.Entries = append(out.Entries, control.CatalogItem{Kind: "action", Name: a.Name, Service: s.Name, Doc: a.Doc,
				Effect: a.Effect.String(), Offered: !s.Local})
		}
		for _, a := range s.Actions {
			action(a)
		}
		for _, name := range s.ActionNames {
			action(s.Action(name)) // made for this line only: the registry would keep all of them
		}
	}
	slices.SortStableFunc(out.Entries, func(a, b control.CatalogItem) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Entry implements control.Catalog.
func (c *catalogue) Entry(name, kind, path string) *control.CatalogEntry {
	e := &control.CatalogEntry{Name: name, Path: path, Settings: []control.CatalogField{}, Fields: []control.CatalogField{},
		Inputs: []control.CatalogField{}, Outputs: []control.CatalogField{}}
	var roots map[string]*schema.Object
	is := func(one string) bool { return kind == "" || kind == one }
	if s := c.r.Spec(name); s != nil && is("service") {
		c.service(e, s)
	} else if t := c.r.Trigger(name); t != nil && is("trigger") {
		c.trigger(e, t)
		roots = map[string]*schema.Object{"": t.Payload}
	} else if a := c.r.Caller(name); a != nil && is("action") {
		c.action(e, a)
		roots = map[string]*schema.Object{"in": a.In, "out": a.Out}
	} else {
		return nil
	}
	if path == "" {
		return e
	}
	names := strings.Split(path, ".")
	root := roots[""]
	if e.Kind == "action" {
		root, names = roots[names[0]], names[1:]
	}
	if root == nil {
		return nil
	}
	o, _ := objectAt(root, names)
	if o == nil {
		return nil
	}
	e.Fields, e.Inputs, e.Outputs, e.Settings, e.Sample = catalogFields(o), []control.CatalogField{}, []control.CatalogField{}, []control.CatalogField{}, nil
	return e
}

func (c *catalogue) service(e *control.CatalogEntry, s *connectors.Spec) {
	e.Kind, e.Service, e.Title, e.Doc = "service", s.Name, s.Title, s.Doc
	for i := range s.Settings {
		f := catalogField(&s.Settings[i].Field)
		f.Env = s.Settings[i].Env
		e.Settings = append(e.Settings, f)
	}
	e.Limits = limitsOf(s, func(class string) connectors.Limit { return s.Limits[class] })
}

func (c *catalogue) trigger(e *control.CatalogEntry, t *schema.Trigger) {
	e.Kind, e.Service, e.Title, e.Doc, e.Events = "trigger", t.Service, inWords(t.Name, t.Service), t.Doc, t.Events
	e.Settings, e.Fields = catalogFields(t.Settings), catalogFields(t.Payload)
	if t.Payload != nil && t.For == nil && len(t.Payload.Fields()) > 0 {
		e.Sample = t.Payload.Sample(t.Name)
	}
	e.Example = string(exampleTrigger(t))
}

func (c *catalogue) action(e *control.CatalogEntry, a *connectors.Action) {
	e.Kind, e.Service, e.Title, e.Doc = "action", a.Service, inWords(a.Name, a.Service), a.Doc
	e.Effect, e.Repeat = a.Effect.String(), repeatWords(a.Effect)
	e.Inputs, e.Outputs, e.MayBeNull, e.Limit = catalogFields(a.In), catalogFields(a.Out), a.OutMayBeNull, a.Limit
	if a.In != nil {
		e.OneOf = a.In.OneOf
	}
	e.Example = string(exampleRecipe(a, ""))
}

// Pair implements control.Catalog.
func (c *catalogue) Pair(ctx context.Context, trigger, action string) (*control.CatalogPair, error) {
	p, text, _, err := soundPair(ctx, c.r, trigger, action)
	if err != nil {
		return nil, refusal{err}
	}
	t, a := c.r.Trigger(trigger), c.r.Action(action)
	out := &control.CatalogPair{Trigger: trigger, Action: action, Recipe: string(text), Filename: trigger + "_to_" + action + ".hcl",
		Title: fmt.Sprintf("When %s in %s, %s in %s", lowerFirst(inWords(t.Name, t.Service)), c.r.Spec(t.Service).Title,
			lowerFirst(inWords(a.Name, a.Service)), c.r.Spec(a.Service).Title),
		Variables: []control.CatalogVariable{}, LookUps: append([]string{}, p.LookUps...), Guarded: p.Guarded, NotNull: []string{}}
	for _, v := range p.Variables {
		out.Variables = append(out.Variables, control.CatalogVariable{Name: v.Name, Type: v.Type, Doc: v.Doc, Example: v.Example})
	}
	for _, s := range p.NotNull {
		out.NotNull = append(out.NotNull, "trigger."+s.Path.String())
	}
	return out, nil
}

// inWords is the name of a trigger or an action without its service's: "Charge failed".
func inWords(name, service string) string {
	words := strings.ReplaceAll(strings.TrimPrefix(name, service+"_"), "_", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

func catalogFields(o *schema.Object) []control.CatalogField {
	out := []control.CatalogField{}
	if o == nil {
		return out
	}
	fields := o.Fields()
	for i := range fields {
		out = append(out, catalogField(&fields[i]))
	}
	return out
}

func catalogField(f *schema.Field) control.CatalogField {
	inner := objectIn(&f.Type)
	return control.CatalogField{
		Name: f.Name, Type: f.Type.String(), Doc: f.Doc, Required: f.Required, Nullable: f.MayBeNull(), Secret: f.Secret, Enum: f.Type.Enum,
		Role: string(f.Role), Example: f.Example, Default: f.Default, Object: inner != nil && len(inner.Fields()) > 0,
	}
}

// exampleRecipe writes an action's example as a recipe would, after what stands before it.
func exampleRecipe(a *connectors.Action, before string) []byte {
	f := hclwrite.NewEmptyFile()
	body := f.Body().AppendNewBlock("action", []string{a.Name}).Body()
	v, err := schema.DecodeAny([]byte(a.Example))
	if err != nil {
		return nil
	}
	given := v.AsValueMap()
	for _, field := range a.In.Fields() {
		if v, ok := given[field.Name]; ok {
			body.SetAttributeValue(field.Name, v)
		}
	}
	return append([]byte(before), hclwrite.Format(f.Bytes())...)
}

// exampleTrigger writes a trigger with the settings that it needs; nothing where one of these has no example.
func exampleTrigger(t *schema.Trigger) []byte {
	f := hclwrite.NewEmptyFile()
	body := f.Body().AppendNewBlock("trigger", []string{t.Name}).Body()
	if t.Settings != nil {
		for _, s := range t.Settings.Fields() {
			if !s.Required {
				continue
			}
			v, err := schema.DecodeAny([]byte(s.Example))
			if err != nil || s.Name == t.ShapeSetting {
				return nil
			}
			body.SetAttributeValue(s.Name, v)
		}
	}
	return hclwrite.Format(f.Bytes())
}
