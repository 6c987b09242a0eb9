package main

// Triggers that fire by themselves are the ones that nobody sees coming: a plan says when.

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	plans "github.com/flowrun/flowrun/connectors/schedule"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/runtime/schedule"
)

// plannedSchedule is a trigger that fires by itself.
type plannedSchedule struct {
	Recipe  string     `json:"recipe"`
	Trigger string     `json:"trigger"` // its name
	Type    string     `json:"type"`    // "schedule" or "poll"
	Change  string     `json:"change"`  // "added", "removed" or "changed"
	Before  string     `json:"before,omitempty"`
	After   string     `json:"after,omitempty"`
	Next    *time.Time `json:"next,omitempty"` // when a schedule fires next, once the folder is served
}

// scheduleChanges lists the triggers that come, go, or fire at other times.
func scheduleChanges(served, edited *lang.Program, now time.Time) ([]plannedSchedule, error) {
	was, is := firingOf(served), firingOf(edited)
	out := []plannedSchedule{}
	keys := slices.Concat(slices.Collect(maps.Keys(was)), slices.Collect(maps.Keys(is)))
	slices.SortFunc(keys, compareFiring)
	for _, key := range slices.Compact(keys) {
		before, after := was[key], is[key]
		t := cmp.Or(after, before)
		p := plannedSchedule{Recipe: key.recipe, Trigger: key.name, Type: t.Spec.Name}
		if before != nil {
			p.Before = settingWords(before)
		}
		if after != nil {
			p.After = settingWords(after)
		}
		switch {
		case before == nil:
			p.Change = "added"
		case after == nil:
			p.Change = "removed"
		case p.Before != p.After:
			p.Change = "changed"
		default:
			continue
		}
		if after != nil && after.Spec.Name == "schedule" {
			plan, err := plans.New(after.Settings)
			if err != nil {
				return nil, fmt.Errorf("recipe %s: %w", key.recipe, err)
			}
			src := schedule.Source{Type: after.Events[0], Plan: plan}
			if next := src.Next(now); !next.IsZero() {
				p.Next = &next
			}
		}
		out = append(out, p)
	}
	return out, nil
}

type firingKey struct{ recipe, name string }

// firingOf returns the triggers of enabled recipes that fire by themselves.
func firingOf(p *lang.Program) map[firingKey]*check.Trigger {
	out := map[firingKey]*check.Trigger{}
	ownTriggers(p, func(r *check.Recipe, t *check.Trigger) bool {
		if t.Spec.Name == "schedule" || t.Spec.Name == "poll" {
			out[firingKey{r.Name, t.Name}] = t
		}
		return true
	})
	return out
}

func compareFiring(a, b firingKey) int {
	return cmp.Or(cmp.Compare(a.recipe, b.recipe), cmp.Compare(a.name, b.name))
}

func (p *plannedSchedule) words() string {
	text := p.Recipe + ": "
	switch p.Change {
	case "removed":
		return "- schedule of " + text + p.Before + " (" + p.Type + ") fires no more"
	case "added":
		text = "+ schedule of " + text + p.After
	default:
		text = "~ schedule of " + text + p.Before + " → " + p.After
	}
	switch {
	case p.Type == "poll":
		text += "; looks for the first time once it is served"
	case p.Next == nil:
		text += "; never fires"
	default:
		text += "; fires next at " + p.Next.UTC().Format(time.RFC3339)
	}
	return text
}
