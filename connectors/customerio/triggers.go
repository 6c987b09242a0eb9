package customerio

import (
	"slices"
	"strings"

	"github.com/flowrun/flowrun/lang/schema"
)

// catalog is the table of events with what is made of it once.
type catalog struct {
	events   []event
	names    []string                  // in the order of events
	payloads map[string]*schema.Object // by name
}

func newCatalog() *catalog {
	c := &catalog{events: allEvents(), payloads: map[string]*schema.Object{}}
	for _, e := range c.events {
		c.names = append(c.names, e.name())
		c.payloads[e.name()] = e.payload()
	}
	return c
}

// triggers returns one trigger for each type of event, and those that take several.
func (c *catalog) triggers() []*schema.Trigger {
	none := schema.NewObject("settings")
	var out []*schema.Trigger
	for _, e := range c.events {
		out = append(out, &schema.Trigger{Name: service + "_" + e.name(), Service: service, Doc: e.doc, Settings: none,
			Payload: c.payloads[e.name()], Events: []string{e.name()}})
	}
	emails := c.where("email")
	failed := c.where("", "bounced", "dropped", "deferred", "spammed", "failed", "undeliverable")
	persons := c.where("customer")
	return append(out,
		c.group("email_event", "What became of an e-mail: sent, delivered, opened, clicked or converted where types is left out",
			emails, c.where("email", "sent", "delivered", "opened", "clicked", "converted")),
		c.group("delivery_failed", "A message of any channel did not reach its recipient: bounced, dropped, deferred, spammed, failed or undeliverable",
			failed, failed),
		c.group("person_subscription", "A person subscribed, unsubscribed or changed their preferences", persons, persons),
		c.group("message_replied", "A person answered an SMS or a WhatsApp message", c.where("", "replied"), c.where("", "replied")),
		c.group("event", "Any event that Customer.io reports, or those whose types are listed", c.names, []string{"*"}),
	)
}

// where returns the names of the events of an object, or of any where it is empty, with one of the metrics, or any.
func (c *catalog) where(object string, metrics ...string) []string {
	var out []string
	for _, e := range c.events {
		if (object == "" || e.object == object) && (len(metrics) == 0 || slices.Contains(metrics, e.metric)) {
			out = append(out, e.name())
		}
	}
	return out
}

// group returns a trigger for several types: those that the setting "types" lists, else the usual ones.
func (c *catalog) group(name, doc string, known, usual []string) *schema.Trigger {
	return &schema.Trigger{
		Name:    service + "_" + name,
		Service: service,
		Doc:     doc,
		Settings: schema.NewObject("settings", schema.Field{Name: "types", Type: schema.EnumOf(known...).ListOf(),
			Doc: "Customer.io's names of the event types", Example: `["` + strings.Join(known[:min(2, len(known))], `", "`) + `"]`}),
		Payload:      c.shared(usual),
		Events:       usual,
		TypesSetting: "types",
		KnownTypes:   known,
		PayloadFor:   c.shared,
	}
}

// shared returns the shape of what events of the types may carry: each field that one of them has, promised only where
// all do. A field of a name means the same in each.
func (c *catalog) shared(types []string) *schema.Object {
	if slices.Contains(types, "*") {
		types = c.names
	}
	if len(types) == 1 && c.payloads[types[0]] != nil {
		return c.payloads[types[0]]
	}
	return schema.LazyObject("event data", func() []schema.Field {
		var out []schema.Field
		at, count, all := map[string]int{}, map[string]int{}, 0
		for _, t := range types {
			o := c.payloads[t]
			if o == nil {
				continue
			}
			all++
			for _, f := range o.Fields() {
				count[f.Name]++
				i, known := at[f.Name]
				if !known {
					at[f.Name] = len(out)
					out = append(out, f)
					continue
				}
				out[i] = either(out[i], f)
			}
		}
		for i := range out {
			out[i].Required = out[i].Required && count[out[i].Name] == all
		}
		return out
	})
}

// either returns what holds of a field that is one of two of the same kind.
func either(a, b schema.Field) schema.Field {
	a.Required = a.Required && b.Required
	a.Nullable = a.Nullable || b.Nullable
	if a.Role != b.Role {
		a.Role = ""
	}
	if a.Type.Format != b.Type.Format {
		a.Type.Format = schema.NoFormat
	}
	if a.Doc != b.Doc && a.Name == "recipient" {
		a.Doc = "Where it went: an address, a phone number, a channel or a person, as the channel has it"
	}
	return a
}
