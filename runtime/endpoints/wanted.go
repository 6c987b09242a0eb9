// Package endpoints keeps the places that vendors send events to as the recipes need them: it compares what a program
// listens to with what is set up at the vendor, and says or does what is missing. It keeps nothing itself: what it
// needs to know of an endpoint stands at the vendor.
package endpoints

import (
	"maps"
	"slices"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/runtime"
)

// Events returns the event types that the program's recipes and their waits listen to, by connection, sorted; more adds
// what the waits of older programs look for. Recipes that are disabled count for nothing.
func Events(p *lang.Program, more []runtime.Await) map[string][]string {
	sets := map[string]map[string]bool{}
	add := func(connection string, types ...string) {
		if sets[connection] == nil {
			sets[connection] = map[string]bool{}
		}
		for _, t := range types {
			sets[connection][t] = true
		}
	}
	for _, r := range p.Recipes() {
		if r.Disabled {
			continue
		}
		for _, t := range r.Triggers {
			add(t.Connection, t.Events...)
		}
		for _, n := range slices.Concat(r.Nodes, r.OnError) {
			if n.Kind == check.Wait && n.Wait != nil && n.Wait.Event != nil {
				add(n.Wait.Event.Connection, n.Wait.Event.Events...)
			}
		}
	}
	for _, a := range more {
		add(a.Connection, a.EventType)
	}
	out := map[string][]string{}
	for name, set := range sets {
		if set["*"] {
			out[name] = []string{"*"}
			continue
		}
		out[name] = slices.Sorted(maps.Keys(set))
	}
	return out
}

// Want is what the endpoint of one connection should be.
type Want struct {
	Instance, Connection string
	URL                  string
	Events               []string // sorted
	Connect              bool
}

// WantOf returns what is wanted of a connection's endpoint.
func WantOf(api *connectors.Endpoints, c *connectors.Conn, instance, url string, events []string) Want {
	return Want{Instance: instance, Connection: c.Name, URL: url, Events: events,
		Connect: api.ConnectSetting != "" && c.Setting(api.ConnectSetting) == "true"}
}

// Lacking returns the wanted events that the endpoint does not send: all of them where it is disabled.
func (w Want) Lacking(e *connectors.Endpoint) []string {
	if e == nil || e.Disabled {
		return w.Events
	}
	if slices.Contains(e.Events, "*") {
		return nil
	}
	var out []string
	for _, t := range w.Events {
		if !slices.Contains(e.Events, t) {
			out = append(out, t)
		}
	}
	return out
}
