// Package schedule makes events of what happens without anybody calling: a set time comes, or a list that is looked at
// again and again has changed. It knows the sources that the current program names, waits for them, and has each event
// committed before anybody hears of it.
//
// That nothing fires twice follows from the events' ids, which are made of the recipe and the set time, or of the item
// and the look at which its change was seen: after a crash, or with two processes, the second event of an id is none.
// What must be remembered between looks is a value in the store. The package runs no recipe and makes no request itself.
package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

const (
	grace      = time.Minute // a set time is not missed before
	mostMissed = 100         // set times that are made up for
	farthest   = 366 * 24 * time.Hour
	afterFault = 5 * time.Second // before what could not be stored is tried again
	idle       = time.Hour       // the longest between two looks at the clock
)

// Config is what a Scheduler needs.
type Config struct {
	Store    runtime.Store
	Accepted func(*runtime.Event) // is told of each new event once it is committed; must not block
	Clock    runtime.Clock
	Log      *slog.Logger
}

// Source is a trigger of a recipe that fires by itself. Plan or Poll is set.
type Source struct {
	Connection, Service string
	Type                string // of its events: RECIPE/TRIGGER, which no other source has
	Plan                Plan
	Poll                *Poll
}

// Next returns when a source that has a Plan fires for the first time after now: a set time, and its delay behind that. It
// is the zero time where there is none.
func (s Source) Next(now time.Time) time.Time {
	at := s.Plan.Next(now)
	if at.IsZero() {
		return at
	}
	return at.Add(s.Plan.Delay(eventID(&entry{Source: s}, at)))
}

// Plan says when a source is due. It must be safe for concurrent use.
type Plan interface {
	Next(time.Time) time.Time      // the first set time after; zero where there is none
	Delay(id string) time.Duration // how long after its set time the event of that id fires
	Catchup() string               // of the times that were missed: "none", "last" or "all"
	Text() string                  // the same for the same times: another one begins anew
}

// Scheduler waits for the sources of the current program.
type Scheduler struct {
	cfg     Config
	changed chan struct{}
	looking sync.WaitGroup

	mu      sync.Mutex
	entries []*entry
}

// entry is a source and where it stands.
type entry struct {
	Source
	loaded bool
	last   time.Time // the set time that was dealt with last
	fired  time.Time // the one that fired last
	due    time.Time // when it is looked at next; zero for at once
	busy   bool      // a look is under way
	gone   bool
}

// New returns a scheduler without sources.
func New(cfg Config) *Scheduler {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Accepted == nil {
		cfg.Accepted = func(*runtime.Event) {}
	}
	return &Scheduler{cfg: cfg, changed: make(chan struct{}, 1)}
}

// Set replaces the sources. What was remembered of one that stays is kept.
func (s *Scheduler) Set(sources []Source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		e.gone = true
	}
	s.entries = s.entries[:0:0]
	for _, src := range sources {
		s.entries = append(s.entries, &entry{Source: src})
	}
	s.wake()
}

func (s *Scheduler) wake() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Run fires what is due until ctx ends, and returns once no look is under way.
func (s *Scheduler) Run(ctx context.Context) {
	defer s.looking.Wait()
	for {
		next := s.tick(ctx)
		timer, stop := s.cfg.Clock.After(next.Sub(s.cfg.Clock.Now()))
		select {
		case <-timer:
		case <-s.changed:
		case <-ctx.Done():
			stop()
			return
		}
		stop()
	}
}

// tick fires what is due, and returns when to look again.
func (s *Scheduler) tick(ctx context.Context) time.Time {
	s.mu.Lock()
	entries := slices.Clone(s.entries)
	s.mu.Unlock()
	now := s.cfg.Clock.Now()
	next := now.Add(idle)
	for _, e := range entries {
		s.mu.Lock()
		due, busy := e.due, e.busy
		s.mu.Unlock()
		switch {
		case ctx.Err() != nil:
			return next
		case busy:
			continue
		case e.Plan != nil:
			if !due.After(now) {
				due = s.plan(ctx, e, now)
				s.mu.Lock()
				e.due = due
				s.mu.Unlock()
			}
		case !due.After(now):
			s.startLook(ctx, e)
			continue
		}
		if due.Before(next) {
			next = due
		}
	}
	return next
}

// remembered is what the store keeps of a schedule.
type remembered struct {
	Text  string    `json:"text"`
	Last  time.Time `json:"last"`
	Fired time.Time `json:"fired"`
}

func stateName(e *entry) string { return "flowrun:" + e.Service + "/" + e.Type }

// plan fires the set times of a schedule that have come, and returns when the next one does.
func (s *Scheduler) plan(ctx context.Context, e *entry, now time.Time) time.Time {
	if err := s.load(ctx, e, now); err != nil {
		s.failed(ctx, e, err)
		return now.Add(afterFault)
	}
	at := e.last
	if oldest := now.Add(-farthest); at.Before(oldest) {
		at = oldest
	}
	var come []time.Time // the last of them
	wake := now.Add(idle)
	for {
		next := e.Plan.Next(at)
		if next.IsZero() {
			break
		}
		if due := next.Add(e.Plan.Delay(eventID(e, next))); due.After(now) {
			wake = due
			break
		}
		at = next
		if come = append(come, next); len(come) > mostMissed {
			come = come[1:]
		}
	}
	switch e.Plan.Catchup() {
	case "none":
		come = slices.DeleteFunc(come, func(t time.Time) bool {
			return now.Sub(t.Add(e.Plan.Delay(eventID(e, t)))) > grace
		})
	case "last":
		come = come[max(len(come)-1, 0):]
	}
	for _, t := range come {
		if err := s.fire(ctx, e, t, now); err != nil {
			s.failed(ctx, e, err)
			return now.Add(afterFault)
		}
	}
	if at.After(e.last) && (len(come) == 0 || at.After(come[len(come)-1])) {
		e.last = at
		if err := s.keep(ctx, e, now); err != nil {
			s.failed(ctx, e, err)
		}
	}
	return wake
}

// load reads where a schedule stands. One that is new, or has other times than before, begins now.
func (s *Scheduler) load(ctx context.Context, e *entry, now time.Time) error {
	if e.loaded {
		return nil
	}
	var r remembered
	v, err := s.cfg.Store.State(ctx, stateName(e), now)
	switch {
	case err == nil:
		if err := json.Unmarshal(v.Value, &r); err != nil {
			return fmt.Errorf("reading where the schedule stands: %w", err)
		}
	case !errors.Is(err, runtime.ErrNotFound):
		return fmt.Errorf("reading where the schedule stands: %w", err)
	}
	e.last, e.fired = r.Last, r.Fired
	if r.Text != e.Plan.Text() {
		e.last = now
		if err := s.keep(ctx, e, now); err != nil {
			return err
		}
	}
	e.loaded = true
	return nil
}

func (s *Scheduler) keep(ctx context.Context, e *entry, now time.Time) error {
	raw, err := json.Marshal(remembered{e.Plan.Text(), e.last, e.fired})
	if err == nil {
		err = s.cfg.Store.SetState(ctx, stateName(e), &runtime.StateValue{Value: raw, At: now})
	}
	if err != nil {
		return fmt.Errorf("keeping where the schedule stands: %w", err)
	}
	return nil
}

func eventID(e *entry, t time.Time) string { return e.Type + "@" + t.UTC().Format(time.RFC3339) }

// fire makes an event of a set time.
func (s *Scheduler) fire(ctx context.Context, e *entry, t, now time.Time) error {
	previous := cty.NullVal(cty.String)
	if !e.fired.IsZero() {
		previous = cty.StringVal(e.fired.In(t.Location()).Format(time.RFC3339))
	}
	payload, err := schema.AppendJSON(nil, cty.ObjectVal(map[string]cty.Value{
		"planned_at": cty.StringVal(t.Format(time.RFC3339)), "previous_at": previous,
	}))
	if err != nil {
		return fmt.Errorf("writing the event: %w", err)
	}
	if err := s.accept(ctx, e, eventID(e, t), t, now, payload); err != nil {
		return err
	}
	e.last, e.fired = t, t
	return s.keep(ctx, e, now)
}

// accept commits an event; one that is there already is none.
func (s *Scheduler) accept(ctx context.Context, e *entry, id string, at, now time.Time, payload []byte) error {
	ev := &runtime.Event{Connection: e.Connection, Service: e.Service, ID: id, Type: e.Type, Time: at, ReceivedAt: now, Livemode: true, Payload: payload}
	accepted, err := s.cfg.Store.AcceptEvent(ctx, ev)
	if err != nil {
		return fmt.Errorf("storing the event: %w", err)
	}
	if accepted {
		s.cfg.Accepted(ev)
	}
	return nil
}

func (s *Scheduler) failed(ctx context.Context, e *entry, err error) {
	if ctx.Err() == nil && !errors.Is(err, runtime.ErrClosed) {
		s.cfg.Log.Warn("a trigger that fires by itself failed, and is tried again", "source", e.Type, "error", err)
	}
}
