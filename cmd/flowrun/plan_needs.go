package main

// What a server must have before a folder can be served: connections, what their keys may do, the environment.

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
)

// connectionChanges lists the connections that come, go, or are used for more.
func connectionChanges(registry *connectors.Registry, served, edited *lang.Program) []plannedConn {
	out := []plannedConn{}
	was, is := map[string]*check.Connection{}, map[string]*check.Connection{}
	for _, c := range served.Connections() {
		was[c.Name] = c
	}
	for _, c := range edited.Connections() {
		is[c.Name] = c
	}
	usedWas, usedIs := actionsOf(served), actionsOf(edited)
	for _, name := range unionKeys(was, is) {
		old, now := was[name], is[name]
		spec := registry.Spec(cmp.Or(now, old).Service.Name)
		if spec != nil && spec.Local {
			continue // nothing is at the other end
		}
		if now == nil {
			out = append(out, plannedConn{Name: name, Service: old.Service.Name, Change: "removed"})
			continue
		}
		c := plannedConn{Name: name, Service: now.Service.Name, Listens: now.Listens && (old == nil || !old.Listens),
			Actions: without(usedIs[name], usedWas[name])}
		if spec != nil {
			c.Listens = c.Listens && spec.Webhook != nil && !ownPaths(spec)
			c.Permissions = newPermissions(permissions(spec, served, name), permissions(spec, edited, name))
		}
		switch {
		case old == nil:
			c.Change = "added"
		case c.Listens || len(c.Actions) > 0:
			c.Change = "used for more"
		default:
			continue
		}
		out = append(out, c)
	}
	return out
}

// newPermissions returns what a key must be allowed that it had not to be before, with what for.
func newPermissions(was, is []string) []string {
	var out []string
	for _, p := range is {
		name, _, _ := strings.Cut(p, " (")
		more := strings.TrimSuffix(name, ": read") + ": write" // which includes to read
		if !slices.ContainsFunc(was, func(old string) bool {
			return strings.HasPrefix(old, name+" (") || strings.HasPrefix(old, more+" (")
		}) {
			out = append(out, p)
		}
	}
	return out
}

func actionsOf(p *lang.Program) map[string][]string {
	out := map[string][]string{}
	for _, r := range p.Recipes() {
		for _, n := range slices.Concat(r.Nodes, r.OnError) {
			if n.Kind == check.Action && n.Calls == "" && !slices.Contains(out[n.Connection], n.Action.Name) {
				out[n.Connection] = append(out[n.Connection], n.Action.Name)
			}
		}
	}
	return out
}

// newSettings returns the environment variables that become needed.
func newSettings(registry *connectors.Registry, served, edited *lang.Program) []plannedSetting {
	known := map[string]bool{}
	for _, s := range settingsOf(registry, served) {
		known[s.Name] = true
	}
	out := []plannedSetting{}
	for _, s := range settingsOf(registry, edited) {
		if !known[s.Name] {
			known[s.Name] = true
			out = append(out, s)
		}
	}
	return out
}

// settingsOf returns the environment variables that a program can't do without, as far as its text tells: those that
// connections name, those that stand for what a connection without a block must have, and variables without a default.
func settingsOf(registry *connectors.Registry, p *lang.Program) []plannedSetting {
	var out []plannedSetting
	asked := newInventor(registry, func(string) (string, bool) { return "", false }).fields(p)
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		if s := asked[name]; s.asked {
			out = append(out, plannedSetting{Name: name, For: "a connection", Secret: s.field == nil || s.field.Secret})
		}
	}
	for _, c := range p.Connections() {
		for _, f := range c.Service.Settings.Fields() {
			env := c.Service.Env[f.Name]
			if _, given := c.Settings[f.Name]; given || env == "" || !(f.Required || c.Listens && f.Name == c.Service.SigningSetting) {
				continue
			}
			out = append(out, plannedSetting{Name: env, For: "connection " + quoted(c.Name), Secret: f.Secret})
		}
	}
	for _, v := range p.Variables() {
		if v.Default == nil {
			out = append(out, plannedSetting{Name: "FLOWRUN_VAR_" + v.Name, For: "variable " + quoted(v.Name), Secret: v.Sensitive})
		}
	}
	return out
}
