// Package schedule describes the clock as a service: a trigger that fires at set times. It calls nobody and needs no
// connection block. When a schedule is due is worked out here; runtime/schedule waits for it.
package schedule

import (
	"fmt"
	"hash/fnv"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/cron"
	"github.com/flowrun/flowrun/lang/schema"
)

const service = "schedule"

// Bounds of a schedule.
const (
	shortest  = 10 * time.Second
	longest   = 366 * 24 * time.Hour
	mostDelay = 24 * time.Hour
)

// Spec returns the description.
func Spec() *connectors.Spec {
	text := schema.Type{Kind: schema.KindString}
	length := schema.Type{Kind: schema.KindString, Format: schema.Duration}
	return &connectors.Spec{
		Name:  service,
		Title: "Schedule",
		Doc:   "A trigger that fires at set times. Its connection needs no block",
		Local: true,
		Triggers: []*schema.Trigger{{
			Name: "schedule", Service: service, Events: []string{"schedule"}, Payload: payload(), For: use,
			Doc: "A set time has come. A time that was missed is made up for as catchup says; none fires twice",
			Settings: schema.NewObject("schedule",
				schema.Field{Name: "cron", Type: text, Doc: "Five fields (minute, hour, day of the month, month, day of the week), or @hourly, @daily, @weekly, @monthly, @yearly", Example: `"0 9 * * mon-fri"`},
				schema.Field{Name: "every", Type: length, Doc: "A length of time from 10s on, counted from the beginning of 1970 in UTC", Example: `"15m"`},
				schema.Field{Name: "timezone", Type: text, Doc: "Whose clocks cron means. UTC where left out", Example: `"Europe/Berlin"`},
				schema.Field{Name: "jitter", Type: length, Doc: "Up to so long later, by a delay that is always the same for one time of one recipe", Example: `"5m"`},
				schema.Field{Name: "catchup", Type: schema.EnumOf("none", "last", "all"), Default: `"last"`, Doc: "What is made up for after the server was down: nothing, the last time that was missed, or all, up to 100"},
				schema.Field{Name: "overlap", Type: schema.EnumOf("allow", "queue", "skip"), Default: `"allow"`, Doc: "What happens when the time comes and a run is still under way: both run, the new one waits, or it is dropped"},
			).WithOneOf("cron", "every"),
		}},
	}
}

// payload is the shape of `trigger`.
func payload() *schema.Object {
	return schema.NewObject("schedule",
		schema.Field{Name: "planned_at", Type: schema.Type{Kind: schema.KindString}, Required: true, Doc: "The set time, RFC 3339 in the schedule's time zone", Example: `"2026-11-24T09:00:00Z"`},
		schema.Field{Name: "previous_at", Type: schema.Type{Kind: schema.KindString}, Required: true, Nullable: true,
			Doc: "The set time that fired before, null for the first", Example: `"2026-11-23T09:00:00Z"`},
	)
}

func use(u *schema.Use) schema.TriggerUse {
	out := schema.TriggerUse{Events: []string{u.Recipe + "/" + u.Name}, Payload: payload()}
	if _, setting, err := read(u.Given); err != nil {
		out.Problems = []schema.Problem{{Setting: setting, Reason: fmt.Sprintf("%q: %v.", u.Text(setting), err)}}
	}
	switch u.Text("overlap") {
	case "queue":
		out.Overlap = schema.QueueOverlap
	case "skip":
		out.Overlap = schema.SkipOverlap
	}
	if out.Overlap != schema.AnyOverlap && !u.Sole {
		out.Problems = append(out.Problems, schema.Problem{Setting: "overlap",
			Reason: "overlap is about all runs of the recipe, and it has other triggers. Write a concurrency block in recipe { } instead."})
	}
	return out
}

// Plan says when a schedule is due. It is immutable.
type Plan struct {
	cron    *cron.Schedule
	every   time.Duration
	zone    *time.Location
	jitter  time.Duration
	catchup string
	text    string
}

// Catchup says what is made up for: "none", "last" or "all".
func (p *Plan) Catchup() string { return p.catchup }

// Text is the same for the same times.
func (p *Plan) Text() string { return p.text }

// New reads the settings of a trigger.
func New(settings map[string]cty.Value) (*Plan, error) {
	p, setting, err := read(settings)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", setting, err)
	}
	return p, nil
}

func read(settings map[string]cty.Value) (p *Plan, setting string, err error) {
	u := schema.Use{Given: settings}
	p = &Plan{zone: time.UTC, catchup: "last"}
	if c := u.Text("catchup"); c != "" {
		p.catchup = c
	}
	p.text = fmt.Sprintf("%s|%s|%s", u.Text("cron"), u.Text("every"), u.Text("timezone"))
	if zone := u.Text("timezone"); zone != "" {
		if p.zone, err = time.LoadLocation(zone); err != nil || zone == "Local" {
			return nil, "timezone", fmt.Errorf("there is no such time zone; it is named like Europe/Berlin")
		}
		if u.Text("every") != "" {
			return nil, "timezone", fmt.Errorf("every counts time as it passes, which is the same in all time zones")
		}
	}
	if text := u.Text("cron"); text != "" {
		if p.cron, err = cron.Parse(text); err != nil {
			return nil, "cron", err
		}
	}
	if p.every, err = span(u.Text("every"), shortest, longest); err != nil {
		return nil, "every", err
	}
	if p.jitter, err = span(u.Text("jitter"), 0, mostDelay); err != nil {
		return nil, "jitter", err
	}
	return p, "", nil
}

// span reads a length of time within bounds; "" is 0.
func span(text string, low, high time.Duration) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := schema.ParseDuration(text)
	if err == nil && (d < low || d > high) {
		return 0, fmt.Errorf("it is from %s to %s", low, high)
	}
	return d, nil // one that is no duration is reported as a literal
}

// Next returns the first set time after t; the zero time where there is none.
func (p *Plan) Next(t time.Time) time.Time {
	switch {
	case p.cron != nil:
		return p.cron.Next(t, p.zone)
	case p.every > 0:
		n := t.UnixNano() / int64(p.every)
		return time.Unix(0, (n+1)*int64(p.every)).UTC()
	}
	return time.Time{}
}

// Delay is how long after a set time a recipe fires.
func (p *Plan) Delay(id string) time.Duration {
	if p.jitter == 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // a hash takes everything
	return time.Duration(h.Sum64() % uint64(p.jitter))
}
