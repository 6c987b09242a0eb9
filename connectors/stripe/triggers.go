package stripe

import (
	"cmp"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/lang/schema"
)

// triggers returns one trigger for each event type, those that are made of several, and stripe_event for any types at
// once.
func (c *catalog) triggers() []*schema.Trigger {
	none := schema.NewObject("settings")
	types := make([]string, len(c.events))
	triggers := make([]*schema.Trigger, 0, len(c.events)+1)
	for i, e := range c.events {
		types[i] = e.name
		t := &schema.Trigger{
			Name:     triggerName(e.name),
			Service:  "stripe",
			Doc:      triggerDoc(e.name),
			Settings: none,
			Payload:  c.object(e.object),
			Events:   []string{e.name},
			Previous: hasPrevious(e.name),
			Latest:   c.latest,
		}
		withOptions(t, e.name)
		triggers = append(triggers, t)
	}
	for _, t := range c.combined() {
		t.Latest = c.latest
		triggers = append(triggers, t)
	}
	return append(triggers, &schema.Trigger{
		Name:    "stripe_event",
		Service: "stripe",
		Doc:     "Any of the event types that are listed; trigger holds what their objects have in common",
		Settings: schema.NewObject("settings", schema.Field{
			Name: "types", Required: true, Type: schema.EnumOf(types...).ListOf(), Example: `["charge.failed", "invoice.payment_failed"]`,
			Doc: "Stripe's names of the event types",
		}),
		Payload:      c.shared(types),
		TypesSetting: "types",
		KnownTypes:   types,
		PayloadFor:   c.shared,
		Latest:       c.latest,
	})
}

// triggerName returns the name of an event type's trigger: "charge.failed" is stripe_charge_failed.
func triggerName(eventType string) string { return "stripe_" + strings.ReplaceAll(eventType, ".", "_") }

// hasPrevious reports whether events of the type say what changed. Stripe sends previous_attributes with updates, and
// every type of an update ends in that word.
func hasPrevious(eventType string) bool { return strings.HasSuffix(eventType, ".updated") }

// eventObject returns the name of the object that events of the type carry.
func (c *catalog) eventObject(name string) (string, bool) {
	i, ok := slices.BinarySearchFunc(c.events, name, func(e eventType, name string) int { return cmp.Compare(e.name, name) })
	if !ok {
		return "", false
	}
	return c.events[i].object, true
}

// shared returns the shape of what the objects of all the types have in common: the one object where they carry the
// same; else the fields that each has with the same structure. A type that Stripe doesn't have counts for nothing.
func (c *catalog) shared(types []string) *schema.Object {
	var names []string
	for _, t := range types {
		if name, ok := c.eventObject(t); ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	switch len(names) {
	case 0:
		return schema.NewObject("event object")
	case 1:
		return c.object(names[0])
	}
	return schema.LazyObject("event object", func() []schema.Field {
		common := slices.Clone(c.object(names[0]).Fields())
		for _, name := range names[1:] {
			o := c.object(name)
			common = slices.DeleteFunc(common, func(f schema.Field) bool { return o.Field(f.Name) == nil })
			kept := common[:0]
			for _, f := range common {
				if both, ok := intersect(f, *o.Field(f.Name)); ok {
					kept = append(kept, both)
				}
			}
			common = kept
		}
		return common
	})
}

// intersect returns what holds of both fields, and false where they differ in structure. What one field promises and
// the other does not, nobody promises.
func intersect(a, b schema.Field) (schema.Field, bool) {
	a.Required = a.Required && b.Required
	a.Nullable = a.Nullable || b.Nullable
	a.Secret = a.Secret || b.Secret
	if a.Role != b.Role {
		a.Role = ""
	}
	t, ok := intersectTypes(a.Type, b.Type)
	a.Type = t
	return a, ok
}

func intersectTypes(a, b schema.Type) (schema.Type, bool) {
	if a.Kind != b.Kind || a.Object != b.Object || (a.Elem == nil) != (b.Elem == nil) {
		return a, false
	}
	if a.Elem != nil {
		elem, ok := intersectTypes(*a.Elem, *b.Elem)
		a.Elem = &elem
		return a, ok
	}
	// A string that is an enum of two sets may be any of both; with a free string it may be anything.
	if len(a.Enum) == 0 || len(b.Enum) == 0 {
		a.Enum = nil
	} else if !slices.Equal(a.Enum, b.Enum) {
		a.Enum = slices.Concat(a.Enum, b.Enum)
		slices.Sort(a.Enum)
		a.Enum = slices.Compact(a.Enum)
	}
	if a.Format != b.Format {
		a.Format = schema.NoFormat
	}
	if a.Prefix != b.Prefix {
		a.Prefix = ""
	}
	if a.Refers != b.Refers {
		a.Refers = ""
	}
	if a.Max == 0 || b.Max == 0 {
		a.Max = 0
	} else {
		a.Max = max(a.Max, b.Max)
	}
	return a, true
}
