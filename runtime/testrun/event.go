package testrun

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/suite"
	"github.com/flowrun/flowrun/runtime"
)

// seed is what the ids of all samples of a test are made of, so that its events are about the same customer and object.
const seed = "evt_test"

// event makes an event that comes now.
func (w *world) event(e *suite.Event) (*runtime.Event, error) {
	now := w.clock.Now()
	ev := &runtime.Event{ID: fmt.Sprintf("%s_%d", seed, len(w.events)+1), Time: now, ReceivedAt: now}
	if e.Fixture != nil {
		return ev, w.fixture(ev, e)
	}
	ev.Service, ev.Connection, ev.Type = e.Trigger.Spec.Service, e.Trigger.Connection, e.Type
	hook := w.hook(ev.Service)
	if hook == nil || hook.Sample == nil {
		if e.Object != nil {
			ev.Payload = e.Object
			return ev, nil
		}
		body, err := suite.Merge(e.Trigger.Payload, e.Trigger.Payload.Sample(seed), e.Changes)
		ev.Payload = body
		return ev, err
	}
	body, err := hook.Sample(e.Type, seed, now)
	if err != nil {
		return nil, fmt.Errorf("making a sample of %s: %w", e.Type, err)
	}
	body, err = within(body, hook.Data, func(old []byte) ([]byte, error) {
		if e.Object != nil {
			return e.Object, nil
		}
		if e.Trigger.Spec.For != nil {
			old = e.Trigger.Payload.Sample(seed) // the service doesn't know what the recipe declares
		}
		return suite.Merge(e.Trigger.Payload, old, e.Changes)
	})
	if err == nil && e.Previous != cty.NilVal {
		body, err = within(body, hook.Previous, func([]byte) ([]byte, error) { return schema.AppendJSON(nil, e.Previous) })
	}
	if err != nil {
		return nil, fmt.Errorf("changing a sample of %s: %w", e.Type, err)
	}
	ev.Payload = body
	if env, err := hook.Envelope(body, now); err != nil {
		return nil, fmt.Errorf("reading a sample of %s: %w", e.Type, err)
	} else if env != nil {
		ev.Time, ev.Account, ev.APIVersion, ev.Livemode = env.Time, env.Account, env.APIVersion, env.Livemode
	}
	if e.Envelope.ID != "" {
		ev.ID = e.Envelope.ID
	}
	if e.Envelope.Account != "" {
		ev.Account = e.Envelope.Account
	}
	if e.Envelope.Livemode != nil {
		ev.Livemode = *e.Envelope.Livemode
	}
	return ev, nil
}

func (w *world) hook(service string) *connectors.Webhook {
	if spec := w.registry.Spec(service); spec != nil {
		return spec.Webhook
	}
	return nil
}

// within replaces what stands at a path of a JSON object.
func within(body []byte, path schema.Path, change func([]byte) ([]byte, error)) ([]byte, error) {
	if len(path) == 0 {
		return change(body)
	}
	members := map[string]json.RawMessage{}
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&members); err != nil {
		return nil, err
	}
	inner, err := within(members[path[0]], path[1:], change)
	if err != nil {
		return nil, err
	}
	members[path[0]] = inner
	return json.Marshal(members)
}

// fixture fills in an event that a file holds: a service's whole event, or only what it is about.
func (w *world) fixture(ev *runtime.Event, e *suite.Event) error {
	for _, t := range w.listeners() {
		hook := w.hook(t.Spec.Service)
		if hook == nil {
			continue
		}
		if schema.Lookup(e.Fixture, hook.Data...) == nil {
			continue
		}
		env, err := hook.Envelope(e.Fixture, ev.ReceivedAt)
		if err != nil || env == nil {
			continue // of another service
		}
		if !slices.Contains(t.Events, env.Type) && !slices.Contains(t.Events, "*") {
			continue
		}
		ev.Service, ev.Connection = t.Spec.Service, t.Connection
		ev.ID, ev.Type, ev.Time, ev.Account, ev.APIVersion, ev.Livemode = env.ID, env.Type, env.Time, env.Account, env.APIVersion, env.Livemode
		ev.Payload = e.Fixture
		return nil
	}
	// Only an object: the event of the recipe's own trigger is put around it.
	if len(w.recipe.Triggers) == 0 {
		return errors.New("the recipe has no trigger")
	}
	t := w.recipe.Triggers[0]
	hook := w.hook(t.Spec.Service)
	if schema.Lookup(e.Fixture, "data") != nil && schema.Lookup(e.Fixture, "type") != nil || len(t.Events) != 1 || hook == nil || hook.Sample == nil {
		return fmt.Errorf("the event of %q is none that the recipe starts with or waits for", e.File)
	}
	body, err := hook.Sample(t.Events[0], ev.ID, ev.ReceivedAt)
	if err == nil {
		body, err = within(body, hook.Data, func([]byte) ([]byte, error) { return e.Fixture, nil })
	}
	if err != nil {
		return fmt.Errorf("wrapping the fixture into an event: %w", err)
	}
	ev.Service, ev.Connection, ev.Type, ev.Payload = t.Spec.Service, t.Connection, t.Events[0], body
	return nil
}

// listeners are the triggers that start the recipe and those that its waits look for.
func (w *world) listeners() []*check.Trigger {
	list := slices.Clone(w.recipe.Triggers)
	for _, n := range slices.Concat(w.recipe.Nodes, w.recipe.OnError) {
		if n.Wait != nil && n.Wait.Event != nil {
			list = append(list, n.Wait.Event)
		}
	}
	return list
}
