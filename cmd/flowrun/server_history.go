package main

// What a server reads of the vendors' histories: what no webhook brought, and what a person asks for.

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime/control"
	"github.com/flowrun/flowrun/runtime/endpoints"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/history"
)

// historyEvery is the time between two looks at what webhooks should have brought.
const historyEvery = 15 * time.Minute

var _ control.Past = (*machine)(nil)

// keepHistory looks at the histories at the start and from time to time, and sets watermarks whenever another program
// is served.
func (s *server) keepHistory(ctx context.Context) {
	if s.mode != "serve" && s.vendors.poll == 0 {
		return // stand-ins keep none
	}
	every := historyEvery
	if s.vendors.poll > 0 {
		every = s.vendors.poll
	}
	for {
		wake, stop := s.m.Clock.After(every)
		select {
		case <-s.vendors.wanted:
		case <-wake:
		case <-ctx.Done():
			stop()
			return
		}
		stop()
		s.lookAtHistories(ctx)
	}
}

// pastSources returns the connections whose vendors keep events that recipes want and that can be asked.
func (s *server) pastSources() []history.Source {
	program, bindings := s.vendors.now()
	if program == nil {
		return nil
	}
	wanted := endpoints.Events(program, nil)
	var out []history.Source
	for _, c := range bindings.Connections {
		spec := s.registry.Spec(c.Service)
		conn := &connectors.Conn{Name: c.Name, Service: c.Service, Settings: c.Settings, Client: s.vendors.client}
		if spec == nil || spec.History == nil || spec.History.Events == nil || conn.Setting(spec.History.KeySetting) == "" {
			continue
		}
		out = append(out, history.Source{Conn: conn, API: spec.History, Types: wanted[c.Name], Polled: s.vendors.poll > 0})
	}
	return out
}

func (s *server) lookAtHistories(ctx context.Context) {
	for _, src := range s.pastSources() {
		rep, err := s.vendors.reader.Look(ctx, src)
		name := src.Conn.Name
		if rep != nil && !src.Polled {
			s.metrics.EventsMissing(name, len(rep.Taken))
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.log.Warn("the vendor's events could not be compared with what has come in; it is tried again", "connection", name, "error", s.hide(err.Error()))
			continue
		case !rep.Lost.IsZero():
			s.log.Error("events may be lost: the server was away for longer than the vendor keeps them", "connection", name, "before", rep.Lost)
		}
		if src.Polled {
			s.vendors.read(name)
		}
		if n := len(rep.Taken); n > 0 && !src.Polled {
			s.log.Warn("events that no webhook had brought were taken from the vendor's history", "connection", name, "events", n,
				"first", rep.Taken[0].ID, "of", rep.Taken[0].Time)
			s.engine.Alert(engine.AlertMissingEvents, fmt.Sprintf("webhooks are missing on connection %q: %s, the first from %s, taken from the vendor's history",
				name, plural(n, "event"), rep.Taken[0].Time.UTC().Format(time.RFC3339)), n)
		}
	}
}

// Gaps implements control.History.
func (x *machine) Gaps(ctx context.Context) ([]control.Gap, error) {
	var names []string
	for _, src := range (*server)(x).pastSources() {
		names = append(names, src.Conn.Name)
	}
	gaps, err := x.vendors.reader.Gaps(ctx, names)
	out := make([]control.Gap, len(gaps))
	for i, g := range gaps {
		out[i] = control.Gap(g)
	}
	return out, err
}

// errNoHistory refuses what no vendor of the recipe's can be asked.
var errNoHistory = errors.New("none of the recipe's triggers is of a vendor whose history can be read; it also needs the key for the vendor's API")

// Backfill implements control.History.
func (x *machine) Backfill(ctx context.Context, r control.BackfillRequest, since time.Time) (*control.BackfillResult, error) {
	s := (*server)(x)
	program, _ := s.vendors.now()
	var recipe *check.Recipe
	if program != nil {
		recipe = program.Recipe(r.Recipe)
	}
	if recipe == nil {
		return nil, refusal{fmt.Errorf("there is no recipe %q", r.Recipe)}
	}
	res := &control.BackfillResult{Types: map[string]int{}, Effects: effectsOf(recipe)}
	asked := false
	for _, src := range s.pastSources() {
		var types []string
		for _, t := range recipe.Triggers {
			if t.Connection == src.Conn.Name {
				types = append(types, t.Events...)
			}
		}
		if len(types) == 0 {
			continue
		}
		asked = true
		each := func(e connectors.PastEvent) error { return x.backfill(ctx, r, src.Conn, e, res) }
		now := s.m.Clock.Now()
		var err error
		switch kind := src.API.Kinds[r.Objects]; {
		case r.Objects == "":
			from := now.Add(-src.API.Window)
			if since.After(from) {
				from = since
			}
			err = src.API.Events(ctx, src.Conn, connectors.HistoryQuery{Types: types, From: from, To: now.Add(time.Second)}, each)
		case kind == "":
			return nil, refusal{fmt.Errorf("objects of the kind %q can't be walked; those that can: %s", r.Objects, listed(src.API.Kinds))}
		default:
			err = src.API.Objects(ctx, src.Conn, r.Objects, each)
		}
		if err != nil {
			return nil, errors.New(s.hide(err.Error()))
		}
	}
	if !asked {
		return nil, refusal{errNoHistory}
	}
	return res, nil
}

// backfill counts one event of the past, and runs the recipe for it unless that is only previewed.
func (x *machine) backfill(ctx context.Context, r control.BackfillRequest, c *connectors.Conn, e connectors.PastEvent, res *control.BackfillResult) error {
	res.Seen++
	ev := history.EventOf(c, e, x.m.Clock.Now())
	takes, err := x.engine.Takes(r.Recipe, ev)
	if err != nil || !takes {
		return err
	}
	if had, err := x.had(ctx, r.Recipe, ev.Connection, ev.ID); err != nil || had {
		if had {
			res.Had++
		}
		return err
	}
	res.Matched++
	res.Types[ev.Type]++
	if r.Preview {
		return nil
	}
	_, err = x.engine.Backfill(ctx, r.Recipe, ev)
	switch {
	case errors.Is(err, engine.ErrRefused):
		if res.Refused++; res.Reason == "" {
			res.Reason = err.Error()
		}
	case err != nil:
		return err
	default:
		res.Done++
	}
	return nil
}

// had reports whether the recipe has run for an event, or is to.
func (x *machine) had(ctx context.Context, recipe, connection, id string) (bool, error) {
	known, err := x.store.Event(ctx, connection, id)
	if err != nil {
		return false, ignoreNotFound(err)
	}
	runs, err := x.store.RunsOf(ctx, known.Seq)
	if err != nil {
		return false, fmt.Errorf("reading the event's runs: %w", err)
	}
	for _, run := range runs {
		if run.Recipe == recipe && run.Parent == "" && !run.Shadow {
			return true, nil
		}
	}
	return false, nil
}

// effectsOf returns the calls of a recipe that change something.
func effectsOf(r *check.Recipe) []control.BackfillEffect {
	out := []control.BackfillEffect{}
	for _, n := range r.Nodes {
		if n.Kind == check.Action && n.Action.Effect != schema.Read {
			out = append(out, control.BackfillEffect{Step: n.Address, Action: n.Action.Name, Effect: n.Action.Effect.String()})
		}
	}
	return out
}
