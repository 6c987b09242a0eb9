package engine

// Waits. A wait that has begun is a row: its step with a due time, or with what it looks for, and a run that nobody
// works on. Time or the store makes the run due; then it is read back, and what has come is looked at in the order in
// which it came.

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

// beginWait begins a wait. It returns true where the wait is over at once, or has failed.
func (r *runner) beginWait(n *check.Node) (ended bool) {
	u := r.at(n)
	if err := r.openWait(u); err != nil {
		s := r.step(u)
		s.Status, s.EndedAt, s.Error = runtime.StepFailed, r.e.clock.Now(), stepError(n.Address, err)
		r.state[n.Index] = failed
		r.fail(n.Address, err)
		return true
	}
	r.state[n.Index] = waiting
	if u.step.Due.IsZero() || u.step.Due.After(r.e.clock.Now()) {
		return false
	}
	r.endWait(u, false, nil)
	return true
}

func (r *runner) openWait(u *unit) error {
	w := u.node.Wait
	s := r.step(u)
	if err := r.openScope(); err != nil {
		return err
	}
	switch {
	case w.Event != nil:
		s.Awaits = r.awaits(w)
		if w.Timeout > 0 {
			s.Due = s.StartedAt.Add(w.Timeout)
		}
	case w.Until != nil:
		v, err := r.value(w.Until)
		if err != nil {
			return err
		}
		if v.IsNull() || v.Type() != cty.String {
			return &connectors.Error{Kind: connectors.KindDrift, Message: "`until` is not a time"}
		}
		at, err := time.Parse(time.RFC3339, v.AsString())
		if err != nil {
			return &connectors.Error{Kind: connectors.KindDrift, Message: "`until` is not a time: " + err.Error()}
		}
		s.Due = at
	default:
		s.Due = s.StartedAt.Add(w.For)
	}
	s.Status = runtime.StepWaiting
	return nil
}

// awaits is what a wait looks for. It is empty where no event can be the one, since what it must equal is null or has no value.
func (r *runner) awaits(w *check.WaitFor) []runtime.Await {
	path, key := "", ""
	if w.By != nil {
		v, err := r.value(w.ByExpr)
		if err != nil {
			return nil
		}
		var ok bool
		if key, ok = runtime.AwaitKey(v); !ok {
			return nil
		}
		path = w.By.String()
	}
	out := make([]runtime.Await, len(w.Event.Events))
	for i, typ := range w.Event.Events {
		out[i] = runtime.Await{Connection: w.Event.Connection, EventType: typ, Path: path, Key: key}
	}
	return out
}

// lookAtArrivals takes what has come for the run's steps, then ends the waits whose time is over.
func (r *runner) lookAtArrivals() error {
	arrived := r.run.Arrived
	r.run.Arrived = nil
	if err := r.takeArrivals(arrived); err != nil {
		return err
	}
	now := r.e.clock.Now()
	asked := false
	for _, n := range r.nodes {
		u := &r.units[n.Index]
		over := func() bool {
			return n.Kind == check.Wait && r.state[n.Index] == waiting && !u.step.Due.IsZero() && !u.step.Due.After(now)
		}
		if !over() {
			continue
		}
		if n.Wait.Event == nil || len(u.step.Awaits) == 0 {
			r.endWait(u, n.Wait.Event != nil, nil)
			continue
		}
		if open, err := r.mayCome(u, now); err != nil {
			return err
		} else if open {
			continue
		}
		if !asked { // all that came in time is decided now, and may not have been when the run was read
			asked = true
			again, err := r.e.cfg.Store.Run(context.Background(), r.run.ID)
			if err != nil {
				return fmt.Errorf("reading what has come for it: %w", err)
			}
			if err := r.takeArrivals(again.Arrived); err != nil {
				return err
			}
		}
		if over() {
			r.endWait(u, true, nil)
		}
	}
	return nil
}

// takeArrivals takes what has come, in its order; what was taken before is passed over. What has come for an element is
// taken when the elements are known; until then the store keeps it.
func (r *runner) takeArrivals(arrived []runtime.Arrival) error {
	for _, a := range arrived {
		if slices.Contains(r.run.Arrived, a) {
			continue
		}
		if a.Run != "" {
			child, err := r.calledRun(a.Run)
			if err != nil {
				return err
			}
			if r.called == nil {
				r.called = map[string]*runtime.Run{}
			}
			r.called[a.Run] = child
			if n := r.node(a.Step); n != nil && n.ForEach != nil {
				continue
			}
		}
		r.run.Arrived = append(r.run.Arrived, a)
		u := r.waiter(a.Step)
		if u == nil || u.step.Status != runtime.StepWaiting {
			continue
		}
		if a.Run != "" {
			r.takeCalled(u)
			continue
		}
		if u.node.Kind != check.Wait || u.node.Wait.Event == nil {
			continue
		}
		ev, err := r.e.cfg.Store.EventBySeq(context.Background(), a.EventSeq)
		if err != nil {
			return fmt.Errorf("reading an event that %s may wait for: %w", a.Step, err)
		}
		if came, ok := r.matches(u, ev); ok {
			r.endWait(u, false, came)
		}
	}
	return nil
}

const (
	undecidedLook = 64              // of so many undecided events a wait whose time is over looks for its own
	undecidedWait = 5 * time.Second // before it looks again, where there are more
)

// mayCome reports whether an event that came in time for a wait may still be undecided, so that the store has not given
// it to the wait. The wait is then looked at again later.
func (r *runner) mayCome(u *unit, now time.Time) (bool, error) {
	page, err := r.e.cfg.Store.Undecided(context.Background(), r.ev.Seq, undecidedLook)
	if err != nil {
		return false, fmt.Errorf("reading undecided events: %w", err)
	}
	again := time.Duration(0)
	for _, ev := range page {
		for _, a := range u.step.Awaits {
			if ev.Connection == a.Connection && (ev.Type == a.EventType || a.EventType == "*") && !ev.ReceivedAt.After(u.step.Due) {
				again = storeRetry
			}
		}
	}
	if len(page) == undecidedLook && !page[len(page)-1].ReceivedAt.After(u.step.Due) {
		again = undecidedWait
	}
	if again > 0 {
		r.later = now.Add(again)
	}
	return again > 0, nil
}

// node returns the node of that address, or nil.
func (r *runner) node(address string) *check.Node {
	for _, n := range r.nodes {
		if n.Address == address {
			return n
		}
	}
	return nil
}

// waiter returns the unit of the node of that address once it has begun, or nil.
func (r *runner) waiter(address string) *unit {
	if n := r.node(address); n != nil && r.units[n.Index].step != nil {
		return &r.units[n.Index]
	}
	return nil
}

// arrived is the event that ended a wait.
type arrived struct{ trigger, event cty.Value }

// matches reports whether an event is the one that a wait looks for. One that came when the time was over is not; nor
// is one for which that can't be told.
func (r *runner) matches(u *unit, ev *runtime.Event) (*arrived, bool) {
	w := u.node.Wait
	if ev.Seq <= r.ev.Seq || !u.step.Due.IsZero() && ev.ReceivedAt.After(u.step.Due) {
		return nil, false
	}
	object, previous := r.e.payload(ev)
	drifted := func(err error) (*arrived, bool) {
		r.e.log.Warn("an event could not be compared with what a wait looks for", "recipe", r.run.Recipe, "run", r.run.ID,
			"step", u.node.Address, "event", ev.ID, "error", err)
		return nil, false
	}
	payload, drifts, err := w.Event.Payload.Decode(object, w.Reads)
	if err != nil {
		return drifted(err)
	}
	r.e.noteDrift(ev, drifts)
	if !admitted(w.Event.Guards, ev.Type, object, previous) {
		return nil, false
	}
	got := &arrived{payload, envelope(ev, previous, false)}
	if w.Match == nil {
		return got, true
	}
	r.scope.Set("incoming", cty.ObjectVal(map[string]cty.Value{"trigger": got.trigger, "event": got.event}))
	v, err := r.value(w.Match)
	if err != nil {
		return drifted(err)
	}
	if v.IsNull() || v.Type() != cty.Bool {
		return drifted(fmt.Errorf("match is not true or false"))
	}
	return got, v.True()
}

// endWait ends a wait: its time is over, or what it looks for has come.
func (r *runner) endWait(u *unit, timedOut bool, came *arrived) {
	n := u.node
	attrs := map[string]cty.Value{"timed_out": cty.BoolVal(timedOut)}
	if n.Wait.Event != nil {
		attrs["trigger"], attrs["event"] = null, null
		if came != nil {
			attrs["trigger"], attrs["event"] = came.trigger, came.event
		}
	}
	v := cty.ObjectVal(attrs)
	raw, err := schema.AppendJSON(nil, v)
	if err != nil {
		r.state[n.Index] = failed
		r.fail(n.Address, drift(err))
		return
	}
	s, before := r.step(u), r.inWaits(time.Time{})
	s.Output = raw
	s.Status, s.EndedAt, s.Due, s.Awaits = runtime.StepDone, r.e.clock.Now(), time.Time{}, nil
	r.state[n.Index] = done
	r.scope.SetWait(n.Name, v)
	r.run.Waited += r.inWaits(time.Time{}) - before
}

// retakeWait makes a wait that ended what it was.
func (r *runner) retakeWait(n *check.Node, raw []byte) error {
	timedOut, _ := schema.BoolOf(schema.Lookup(raw, "timed_out"))
	attrs := map[string]cty.Value{"timed_out": cty.BoolVal(timedOut)}
	if n.Wait.Event != nil {
		attrs["trigger"], attrs["event"] = null, null
		if came := schema.Lookup(raw, "trigger"); len(came) > 0 && !schema.IsNull(came) {
			payload, _, err := n.Wait.Event.Payload.Decode(came, n.Wait.Reads)
			if err != nil {
				return err
			}
			event, _, err := envelopeShape().Decode(schema.Lookup(raw, "event"), &schema.Paths{All: true})
			if err != nil {
				return err
			}
			attrs["trigger"], attrs["event"] = payload, event
		}
	}
	r.scope.SetWait(n.Name, cty.ObjectVal(attrs))
	return nil
}

// envelopeShape is the shape of `event`.
func envelopeShape() *schema.Object {
	text, yes := schema.Type{Kind: schema.KindString}, schema.Type{Kind: schema.KindBool}
	return schema.NewObject("event",
		schema.Field{Name: "id", Type: text}, schema.Field{Name: "type", Type: text},
		schema.Field{Name: "time", Type: text}, schema.Field{Name: "received_at", Type: text},
		schema.Field{Name: "connection", Type: text}, schema.Field{Name: "account", Type: text},
		schema.Field{Name: "livemode", Type: yes}, schema.Field{Name: "api_version", Type: text},
		schema.Field{Name: "changed", Type: text.ListOf()}, schema.Field{Name: "replayed", Type: yes})
}
