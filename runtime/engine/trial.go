package engine

// Trials: what a program would have made of events that have happened. The matching, the evaluation and the order of
// steps are those of every run; what differs is around them. No call is made: a step is recorded, and answers what the
// same request was answered when the event was first run, or what it answers is unknown, and so is all that needs it.
// Nothing is stored, and time is that of the events: a wait finds what came after, or is over at once.

import (
	"context"
	"fmt"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

// Trial is a program to be tried on past events. It is safe for concurrent use; each goroutine takes a Trier.
type Trial struct {
	cfg  Config
	past *Past
	g    *generation
}

// NewTrial makes a trial of a program. Of the configuration, Registry and Log count.
func NewTrial(cfg Config, past *Past, p *lang.Program, b *lang.Bindings) (*Trial, error) {
	t := &Trial{cfg: Config{Registry: cfg.Registry, Log: cfg.Log, Shadow: true}, past: past}
	e := New(t.cfg)
	var err error
	if t.g, err = e.newGeneration(p, b); err != nil {
		return nil, err
	}
	return t, nil
}

// Trier tries events one after the other.
type Trier struct {
	t     *Trial
	e     *Engine
	clock trialClock
	store trialStore
	event *PastEvent
	reads map[*route]map[*schema.Object]*schema.Paths // of all its recipes, by the shape of the payload
}

// Trier returns one for a goroutine.
func (t *Trial) Trier() *Trier {
	w := &Trier{t: t, reads: map[*route]map[*schema.Object]*schema.Paths{}}
	cfg := t.cfg
	cfg.Clock, cfg.Store = &w.clock, &w.store
	w.e = New(cfg)
	w.e.answers = w.answer
	return w
}

// End is how a trial of a recipe ended. The zero End is invalid.
type End uint8

const (
	_         End = iota
	Ran           // nothing held it back
	Held          // a gate did
	Undecided     // whether one does is unknown
)

// Tried is what one recipe made of an event.
type Tried struct {
	Recipe  *check.Recipe
	End     End
	HeldBy  string         // the gate
	Run     *runtime.Run   // with its steps
	Called  []*runtime.Run // runs that it called, and those that these called
	Unknown []string       // addresses of look-ups without an answer, and of what needs an answer that is unknown
	Waiting bool           // it waits for what had not come when the events end
	Made    []Made         // the calls that would have been made and change something, in the order of the recipe
}

// Made is a call that was recorded and not made.
type Made struct {
	Node *check.Node
	Run  *runtime.Run // of the recipe, or one that it called
	Step *runtime.Step
}

// Try runs the recipes that listen to the event of that number, but for those that are left out, and returns what became
// of those that take it.
func (w *Trier) Try(i int, leaveOut map[string]bool) ([]*Tried, error) {
	w.event = &w.t.past.events[i]
	ev := w.event.Event
	rt := w.t.g.route(ev.Connection, ev.Type)
	if rt == nil || len(ev.Payload) == 0 {
		return nil, nil
	}
	w.clock.now = w.event.began()
	began := w.clock.now
	var out []*Tried
	runners := w.e.match(w.t.g, rt, ev, &eventWork{decision: &runtime.Decision{}, shared: w.sharedOf(rt)})
	for _, r := range runners {
		if leaveOut[r.rec.Name] {
			continue
		}
		w.clock.now = began
		tried := &Tried{Recipe: r.rec.Recipe, Run: r.run}
		if err := w.drive(r, tried); err != nil {
			return nil, fmt.Errorf("recipe %s, event %s: %w", r.rec.Name, ev.ID, err)
		}
		tried.End, tried.HeldBy = endOf(r, tried)
		out = append(out, tried)
	}
	return out, nil
}

// shared is what the recipes that meet an event have in common. One goroutine tries them.
type shared struct {
	reads    map[*schema.Object]*schema.Paths // of all of them, by the shape of the payload
	payloads map[*schema.Object]cty.Value
	event    cty.Value
}

// sharedOf returns it for an event of a route.
func (w *Trier) sharedOf(rt *route) *shared {
	reads := w.reads[rt]
	if reads == nil {
		reads = map[*schema.Object]*schema.Paths{}
		for _, en := range rt.entries {
			shape := en.trigger.Payload
			if reads[shape] == nil {
				reads[shape] = &schema.Paths{}
			}
			reads[shape].Merge(en.recipe.Reads)
		}
		w.reads[rt] = reads
	}
	return &shared{reads: reads, payloads: map[*schema.Object]cty.Value{}}
}

// payload decodes what all recipes read of an object. It is not known where it can't be read: each says so itself.
func (s *shared) payload(shape *schema.Object, object []byte) (v cty.Value, known bool) {
	v, known = s.payloads[shape]
	if !known && s.reads[shape] != nil {
		var err error
		if v, _, err = shape.Decode(object, s.reads[shape]); err != nil {
			v = cty.NilVal
		}
		s.payloads[shape] = v
	}
	return v, v != cty.NilVal
}

// envelope is `event`, made once.
func (s *shared) envelope(made func() cty.Value) cty.Value {
	if s.event == cty.NilVal {
		s.event = made()
	}
	return s.event
}

// Has reports whether the program has a recipe of that name.
func (w *Trier) Has(name string) bool { return w.t.g.recipes[name] != nil }

// Held names what holds an event back from a recipe of the program before there is a run, or returns "".
func (w *Trier) Held(i int, name string) string {
	ev := w.t.past.events[i].Event
	rec := w.t.g.recipes[name]
	if rec == nil {
		return ""
	}
	trigger := triggerFor(rec, ev)
	switch {
	case rec.Disabled:
		return "enabled = false"
	case trigger == nil:
		return "its triggers"
	}
	r := w.e.newRunner(w.t.g, rec, trigger, ev, nil)
	r.object, r.previous = w.e.payload(ev)
	if setting := r.refusedBy(); setting != "" {
		return "the trigger's " + setting
	}
	for _, n := range leading(rec) {
		if lets, err := r.gate(n); err != nil || !lets {
			return gateName(n)
		}
	}
	return ""
}

// Ask asks the gates of a recipe for the event of that number, with what the steps of a run that Try returned have
// answered; without a run, those that decide whether there is one. It returns nil where no trigger takes the event.
func (w *Trier) Ask(i int, name string, run *runtime.Run) *Verdict {
	ev := w.t.past.events[i].Event
	rec := w.t.g.recipes[name]
	if rec == nil {
		return nil
	}
	trigger := triggerFor(rec, ev)
	if trigger == nil {
		return nil
	}
	v := &Verdict{Recipe: rec.Recipe, Files: w.t.g.program.Files(), Run: run}
	r := w.e.newRunner(w.t.g, rec, trigger, ev, nil)
	r.object, r.previous = w.e.payload(ev)
	if v.Setting = r.refusedBy(); v.Setting != "" || rec.Disabled {
		return v
	}
	r.progress = &r.main
	if run != nil {
		r.run = run
		if err := w.e.guarded(r.restoreSteps); err != nil {
			return v
		}
	}
	r.askGates(v, run == nil)
	return v
}

// drive works on a run until it has ended, or waits for what never came.
func (w *Trier) drive(r *runner, tried *Tried) error {
	for {
		if err := r.exec(); err != nil {
			return err
		}
		begun, end := w.clock.now, w.clock.now
		for _, child := range w.store.take() {
			w.clock.now = begun
			c := w.called(r, child)
			tried.Called = append(tried.Called, child)
			if err := w.drive(c, tried); err != nil {
				return err
			}
			if child.Status.Ended() {
				if r.called == nil {
					r.called = map[string]*runtime.Run{}
				}
				r.called[child.ID] = child
			}
			if w.clock.now.After(end) {
				end = w.clock.now
			}
		}
		w.clock.now = end
		if r.run.Status != runtime.RunWaiting {
			tried.note(r)
			return nil
		}
		if !w.wake(r) {
			tried.Waiting = true
			tried.note(r)
			return nil
		}
		r.run.Status = runtime.RunRunning
	}
}

// called takes up a run that another called.
func (w *Trier) called(caller *runner, run *runtime.Run) *runner {
	rec := w.t.g.recipes[run.Recipe]
	r := w.e.newRunner(w.t.g, rec, rec.called, caller.ev, nil)
	run.Status, run.Due = runtime.RunRunning, time.Time{}
	r.run, r.object, r.keyBase = run, run.Input, run.Parent
	return r
}

// wake has the next thing happen that a waiting run waits for. It returns false where nothing more does.
func (w *Trier) wake(r *runner) bool {
	woken := false
	r.each(func(u *unit) {
		if u.step.Status == runtime.StepWaiting && u.step.Child != "" {
			r.takeCalled(u)
			woken = woken || u.step.Status != runtime.StepWaiting
		}
	})
	if woken {
		return true
	}
	var next *unit
	var at time.Time
	var came *arrived
	for _, n := range r.nodes {
		u := &r.units[n.Index]
		if n.Kind != check.Wait || r.state[n.Index] != waiting {
			continue
		}
		t, got, ok := w.over(r, u)
		if ok && (next == nil || t.Before(at)) {
			next, at, came = u, t, got
		}
	}
	if next == nil {
		return false
	}
	if at.After(w.clock.now) {
		w.clock.now = at
	}
	r.endWait(next, next.node.Wait.Event != nil && came == nil, came)
	return true
}

// over says when a wait is over and what ended it. It is not where that would be after the last event.
func (w *Trier) over(r *runner, u *unit) (at time.Time, came *arrived, ok bool) {
	due := u.step.Due
	if u.node.Wait.Event == nil {
		return due, nil, true
	}
	for _, ev := range w.t.past.awaited(w.e, u.step.Awaits, r.ev.Seq) {
		if !due.IsZero() && ev.ReceivedAt.After(due) {
			break
		}
		if got, ok := r.matches(u, ev); ok {
			return ev.ReceivedAt, got, true
		}
	}
	if due.IsZero() || due.After(w.t.past.end) {
		return time.Time{}, nil, false
	}
	return due, nil, true
}

// answer finds what a request was answered when the event was first run.
func (w *Trier) answer(run *runtime.Run, s *runtime.Step) ([]byte, bool) {
	for _, exact := range []bool{true, false} {
		for _, old := range w.event.Runs {
			if exact != (old.Recipe == run.Recipe) {
				continue
			}
			for _, o := range old.Steps {
				if o.Action == s.Action && o.Status == runtime.StepDone && !o.Shadow && string(o.Input) == string(s.Input) {
					return o.Output, true
				}
			}
		}
	}
	return nil, false
}

// takeAnswer ends a step of a trial with what is known of its answer.
func (r *runner) takeAnswer(u *unit) {
	s := r.step(u)
	raw, known := r.e.answers(r.run, s)
	if u.node.Latest != nil {
		r.takeObjectOnce(u, raw, known)
		return
	}
	r.ran = true
	if u.node.Out == nil {
		r.succeed(u, null, nil)
		return
	}
	if known {
		if out, err := output(u.node.Out, raw); err == nil {
			r.succeed(u, out, raw)
			return
		}
	}
	r.shadow(u)
}

// note notes what a run would have done, and what is unknown of it.
func (t *Tried) note(r *runner) {
	for _, s := range r.run.Steps {
		if _, n := r.nodeOf(s); n != nil && n.Kind == check.Action && n.Calls == "" && n.Action.Effect != schema.Read && s.Status == runtime.StepDone {
			t.Made = append(t.Made, Made{n, r.run, s})
		}
	}
	for _, p := range []*progress{&r.main, &r.handler} {
		if p.graph == nil {
			continue
		}
		for _, n := range p.nodes {
			s := p.state[n.Index]
			if s == dark || s == shadowed && n.Action != nil && n.Action.Effect == schema.Read {
				t.Unknown = append(t.Unknown, n.Address)
			}
		}
	}
}

// endOf says whether a recipe's gates let the event through. One that holds back after something was changed does not
// count: the event had its effect.
func endOf(r *runner, t *Tried) (End, string) {
	if len(t.Made) > 0 || r.run.Status == runtime.RunFailed {
		return Ran, ""
	}
	end := Ran
	for _, n := range r.main.nodes {
		if n.Parent >= 0 || n.Kind != check.Filter && n.Latest == nil {
			continue
		}
		switch r.main.state[n.Index] {
		case stopped:
			if n.Latest != nil {
				return Held, byLatest
			}
			return Held, gateName(n)
		case dark:
			end = Undecided
		}
	}
	return end, ""
}

// trialClock stands still until it is set. Nothing waits by it.
type trialClock struct{ now time.Time }

func (c *trialClock) Now() time.Time { return c.now }

func (c *trialClock) After(time.Duration) (<-chan time.Time, func()) { return nil, func() {} }

// trialStore keeps nothing but the runs that were called. A trial asks it for nothing else.
type trialStore struct {
	runtime.Store
	begun []*runtime.Run
}

func (s *trialStore) Record(_ context.Context, c *runtime.Change) error {
	for _, r := range c.Runs {
		if r.Parent != "" && r.Status == runtime.RunQueued {
			s.begun = append(s.begun, r)
		}
	}
	return nil
}

func (s *trialStore) take() []*runtime.Run {
	begun := s.begun
	s.begun = nil
	return begun
}
