package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/langtest"
)

func compiled(t *testing.T, archive string) *lang.Program {
	t.Helper()
	p, diags := lang.CompileFiles(langtest.Files("", []byte(archive)), all.Registry())
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return p
}

const (
	nightly  = "-- nightly.hcl --\ntrigger \"schedule\" \"night\" {\n  cron = \"0 3 * * *\"\n}\naction \"customerio_track\" {\n  id   = \"team\"\n  name = trigger.planned_at\n}\n"
	morning  = "-- morning.hcl --\ntrigger \"schedule\" {\n  cron     = \"30 9 * * *\"\n  timezone = \"Europe/Berlin\"\n}\naction \"customerio_track\" {\n  id   = \"team\"\n  name = \"morning\"\n}\n"
	contacts = "-- contacts.hcl --\ntrigger \"poll\" {\n  url   = \"https://crm.example.com/contacts\"\n  every = \"5m\"\n  item = {\n    id = string\n  }\n}\naction \"customerio_track\" {\n  id   = trigger.item.id\n  name = \"seen\"\n}\n"
)

// TestPlanOfSchedules says of triggers that fire by themselves which come, go and change, and when they fire next.
func TestPlanOfSchedules(t *testing.T) {
	now := time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, served, edited string
		want                 []string // of the schedules; none where nothing changes
		recipe               string   // a line about the recipe
	}{
		{"the same", nightly + contacts, contacts + nightly, nil, ""},
		{"another time", nightly, strings.Replace(nightly, "0 3", "0 4", 1),
			[]string{"~ schedule of nightly: cron 0 3 * * * → cron 0 4 * * *; fires next at 2026-11-25T04:00:00Z"},
			"~ trigger schedule \"night\" on schedule: nightly/night; cron 0 3 * * * → nightly/night; cron 0 4 * * *"},
		{"new ones", nightly, nightly + morning + contacts, []string{
			"+ schedule of contacts: every 5m, url https://crm.example.com/contacts; looks for the first time once it is served",
			"+ schedule of morning: cron 30 9 * * *, timezone Europe/Berlin; fires next at 2026-11-25T08:30:00Z",
		}, "+ recipe morning (schedule on schedule → customerio_track)"},
		{"gone", nightly + contacts, contacts, []string{"- schedule of nightly: cron 0 3 * * * (schedule) fires no more"}, ""},
		{"switched off", nightly, nightly + "recipe {\n  enabled = false\n}\n", []string{"- schedule of nightly: cron 0 3 * * * (schedule) fires no more"},
			"~ enabled: true → false"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := planOf(all.Registry(), compiled(t, c.served), compiled(t, c.edited), now)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := p.text(&out, false); err != nil {
				t.Fatal(err)
			}
			var got []string
			for line := range strings.Lines(out.String()) {
				if strings.Contains(line, "schedule of ") {
					got = append(got, strings.TrimSpace(line))
				}
			}
			if !slices.Equal(got, c.want) || !strings.Contains(out.String(), c.recipe) {
				t.Errorf("%s", out.String())
			}
			if changes := c.want != nil; p.Changes != changes {
				t.Errorf("changes: %v\n%s", p.Changes, out.String())
			}
		})
	}
}
