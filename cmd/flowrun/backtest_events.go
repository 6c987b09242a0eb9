package main

// Past events, from a server or from files.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/control"
	"github.com/flowrun/flowrun/runtime/engine"
)

// past reads the events.
func (o *backtestOptions) past(ctx context.Context, m *Main, registry *connectors.Registry, programs ...*lang.Program) (*engine.Past, error) {
	if o.events != "" {
		shown, dir, err := m.folder([]string{o.events})
		if err != nil {
			return nil, err
		}
		r := eventReader{registry: registry, programs: programs, now: m.Clock.Now()}
		return r.folder(shown, dir)
	}
	var events []engine.PastEvent
	for cursor := ""; ; {
		page, err := o.client(m).History(ctx, o.since, cursor, 0)
		if err != nil {
			return nil, err
		}
		for i := range page.Events {
			events = append(events, pastEvent(&page.Events[i]))
		}
		if cursor = page.Next; cursor == "" {
			return engine.NewPast(events), nil
		}
	}
}

// pastEvent is an event as the control door tells it.
func pastEvent(e *control.Event) engine.PastEvent {
	out := engine.PastEvent{Event: &runtime.Event{Seq: e.Seq, Connection: e.Connection, Service: e.Service, ID: e.ID, Type: e.Type,
		Time: e.Time, ReceivedAt: e.ReceivedAt, Account: e.Account, APIVersion: e.APIVersion, Livemode: e.Livemode, Payload: e.Payload}}
	for _, r := range e.Runs {
		run := &runtime.Run{ID: r.ID, Recipe: r.Recipe, Parent: r.Parent, StartedAt: r.StartedAt}
		for _, s := range r.Steps {
			step := &runtime.Step{Address: s.Address, Each: s.Each, Action: s.Action, Shadow: s.Shadow, Input: compactJSON(s.Input), Output: compactJSON(s.Output)}
			step.Status, _ = runtime.ParseStepStatus(s.Status)
			run.Steps = append(run.Steps, step)
		}
		out.Runs = append(out.Runs, run)
	}
	return out
}

func compactJSON(raw json.RawMessage) []byte {
	if len(raw) == 0 {
		return nil
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return raw
	}
	return b.Bytes()
}

// eventReader makes events of files.
type eventReader struct {
	registry *connectors.Registry
	programs []*lang.Program
	now      time.Time
	events   []engine.PastEvent
}

func (r *eventReader) folder(shown, dir string) (*engine.Past, error) {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		ext := filepath.Ext(path)
		if d.IsDir() || !slices.Contains([]string{".json", ".jsonl", ".ndjson"}, ext) {
			return nil
		}
		name := filepath.Join(shown, strings.TrimPrefix(strings.TrimPrefix(path, dir), string(filepath.Separator)))
		raw, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("reading events from %s: %w", name, cause(err))
		}
		if ext == ".json" {
			if err := r.value(raw); err != nil {
				return fmt.Errorf("reading events from %s: %w", name, err)
			}
			return nil
		}
		n := 0
		for line := range bytes.Lines(raw) {
			if n++; len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			if err := r.value(line); err != nil {
				return fmt.Errorf("reading events from %s line %d: %w", name, n, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(r.events) == 0 {
		return nil, usagef("there are no events in %s: it needs files whose names end in .json or .jsonl", shown)
	}
	slices.SortStableFunc(r.events, func(a, b engine.PastEvent) int { return a.Event.ReceivedAt.Compare(b.Event.ReceivedAt) })
	for i := range r.events {
		r.events[i].Event.Seq = int64(i + 1)
	}
	return engine.NewPast(r.events), nil
}

// value takes one value: a service's event, one as the control door tells it, or a list of these.
func (r *eventReader) value(raw []byte) error {
	if err := schema.CheckJSON(raw, schema.JSONLimits{}); err != nil {
		return err
	}
	if list := schema.Lookup(raw, "events"); list != nil {
		var page control.History
		if err := json.Unmarshal(raw, &page); err != nil {
			return err
		}
		for i := range page.Events {
			r.events = append(r.events, pastEvent(&page.Events[i]))
		}
		return nil
	}
	if schema.Lookup(raw, "payload") != nil && schema.Lookup(raw, "connection") != nil {
		var e control.Event
		if err := json.Unmarshal(raw, &e); err != nil {
			return err
		}
		r.events = append(r.events, pastEvent(&e))
		return nil
	}
	ev, err := r.open(raw)
	if err != nil {
		return err
	}
	r.events = append(r.events, engine.PastEvent{Event: ev})
	return nil
}

// open finds the connection whose service sends such events.
func (r *eventReader) open(raw []byte) (*runtime.Event, error) {
	var problem error
	for _, p := range r.programs {
		for _, c := range p.Connections() {
			spec := r.registry.Spec(c.Service.Name)
			if !c.Listens || spec == nil || spec.Webhook == nil {
				continue
			}
			env, err := readEnvelope(spec.Webhook, raw, r.now)
			if err != nil {
				problem = err
				continue
			}
			return &runtime.Event{Connection: c.Name, Service: spec.Name, ID: env.ID, Type: env.Type, Time: env.Time, ReceivedAt: env.Time,
				Account: env.Account, APIVersion: env.APIVersion, Livemode: env.Livemode, Payload: bytes.TrimSpace(raw)}, nil
		}
	}
	if problem == nil {
		problem = errors.New("no recipe listens to a service that sends events")
	}
	return nil, problem
}

// readEnvelope has the service read its own event.
func readEnvelope(hook *connectors.Webhook, body []byte, now time.Time) (*connectors.Envelope, error) {
	if len(hook.Data) > 0 && schema.Lookup(body, hook.Data...) == nil {
		return nil, fmt.Errorf("it is no event: it has no %s", hook.Data)
	}
	env, err := hook.Envelope(body, now)
	if env == nil && err == nil {
		err = errors.New("the service's events can't be read from files")
	}
	return env, err
}
