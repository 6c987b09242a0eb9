package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// text prints a plan for people. What goes away is marked with a minus, and in red on a terminal.
func (p *plan) text(w io.Writer, color bool) error {
	var out bytes.Buffer
	red, plain := "", ""
	if color {
		red, plain = "\x1b[31m", "\x1b[0m"
	}
	for _, r := range p.Removed {
		fmt.Fprintf(&out, "%s- recipe %s is REMOVED%s (%s → %s)%s\n", red, r.Name, p.unfinished(r.Name), strings.Join(r.Triggers, ", "), actionsOrNone(r.Actions), plain)
	}
	for _, r := range p.Added {
		fmt.Fprintf(&out, "+ recipe %s (%s → %s)\n", r.Name, strings.Join(r.Triggers, ", "), actionsOrNone(r.Actions))
	}
	for _, r := range p.Changed {
		fmt.Fprintf(&out, "~ recipe %s\n", r.Name)
		for _, c := range r.Changes {
			from, to := "", ""
			if c.Kind == "removed" {
				from, to = red, plain
			}
			fmt.Fprintf(&out, "    %s%s%s\n", from, c.words(), to)
		}
	}
	for _, c := range p.Project {
		fmt.Fprintln(&out, c.words())
	}
	for _, c := range p.Connections {
		switch c.Change {
		case "removed":
			fmt.Fprintf(&out, "%s- connection %s (%s) is not used any more%s\n", red, c.Name, c.Service, plain)
			continue
		case "added":
			fmt.Fprintf(&out, "+ connection %s (%s) is needed\n", c.Name, c.Service)
		default:
			fmt.Fprintf(&out, "~ connection %s (%s) is used for more\n", c.Name, c.Service)
		}
		if c.Listens {
			fmt.Fprintf(&out, "    it takes webhooks at /webhooks/%s\n", c.Name)
		}
		if len(c.Actions) > 0 {
			fmt.Fprintf(&out, "    it makes calls that it has not made: %s\n", strings.Join(c.Actions, ", "))
		}
		for _, p := range c.Permissions {
			fmt.Fprintf(&out, "    a restricted key must be allowed %s\n", p)
		}
	}
	for _, s := range p.Settings {
		secret := ""
		if s.Secret {
			secret = ", a secret"
		}
		fmt.Fprintf(&out, "+ environment %s is needed for %s%s\n", s.Name, s.For, secret)
	}
	for _, c := range p.Schedules {
		if c.Change == "removed" {
			fmt.Fprintf(&out, "%s%s%s\n", red, c.words(), plain)
			continue
		}
		fmt.Fprintln(&out, c.words())
	}
	for i := range p.endpoints {
		p.endpoints[i].print(&out, "")
	}
	for _, r := range p.Runs {
		fmt.Fprintf(&out, "! %s\n", r.words())
	}
	switch {
	case !p.Changes && p.Served == p.Edited:
		fmt.Fprintf(&out, "No changes: program %s is served.\n", short(p.Served))
	case !p.Changes:
		fmt.Fprintf(&out, "No changes: the files differ, and what they say does not.\n")
	default:
		fmt.Fprintf(&out, "\nPlan: %d to add, %d to change, %d to remove, %d unchanged.\n", len(p.Added), len(p.Changed), len(p.Removed), p.Unchanged)
	}
	_, err := w.Write(out.Bytes())
	return err
}

// unfinished says how many runs of a recipe have not ended.
func (p *plan) unfinished(recipe string) string {
	var running, waiting, queued int64
	for _, r := range p.Runs {
		if r.Recipe == recipe {
			running, waiting, queued = running+r.Running, waiting+r.Waiting, queued+r.Queued
		}
	}
	if running+waiting+queued == 0 {
		return ""
	}
	return " with " + countWords(running, waiting, queued)
}

func countWords(running, waiting, queued int64) string {
	var parts []string
	for _, x := range []struct {
		n    int64
		word string
	}{{running, "running"}, {waiting, "waiting"}, {queued, "queued"}} {
		if x.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", x.n, x.word))
		}
	}
	return strings.Join(parts, ", ")
}

func actionsOrNone(actions []string) string {
	if len(actions) == 0 {
		return "no actions"
	}
	return strings.Join(actions, ", ")
}

func (c *plannedChange) words() string {
	switch c.Kind {
	case "added":
		if c.After == strings.TrimPrefix(c.What, "filter ") {
			return "+ " + c.What
		}
		return "+ " + c.What + ": " + c.After
	case "removed":
		if c.Before == strings.TrimPrefix(c.What, "filter ") {
			return "- " + c.What
		}
		return "- " + c.What + ": " + c.Before
	}
	return "~ " + c.What + ": " + c.Before + " → " + c.After
}

func (r *plannedRuns) words() string {
	text := fmt.Sprintf("%s: runs on program %s: %s; they go on with it", r.Recipe, short(r.Program), countWords(r.Running, r.Waiting, r.Queued))
	switch {
	case r.Waiting == 0:
	case r.Looked == 0:
		text += "; none can be moved: " + r.Reason
	default:
		text += fmt.Sprintf("; %d of %d waiting could be moved", r.Movable, r.Looked)
		if r.Reason != "" {
			text += " (" + r.Reason + ")"
		}
	}
	return text
}

// labelOf is the text of a case's value.
func labelOf(v cty.Value) (string, bool) {
	s, err := convert.Convert(v, cty.String)
	if err != nil || s.IsNull() || !s.IsKnown() {
		return "", false
	}
	return s.AsString(), true
}
