package schedule_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	plans "github.com/flowrun/flowrun/connectors/schedule"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/memstore"
	"github.com/flowrun/flowrun/runtime/runtimetest"
	"github.com/flowrun/flowrun/runtime/schedule"
)

var start = time.Date(2026, 11, 24, 8, 59, 30, 0, time.UTC)

// machine is a scheduler on a virtual clock, and what it fired.
type machine struct {
	t     *testing.T
	store runtime.Store
	clock *runtimetest.Clock
	s     *schedule.Scheduler
	mu    sync.Mutex
	fired []*runtime.Event
	stop  func()
}

func newMachine(t *testing.T, store runtime.Store, now time.Time, sources ...schedule.Source) *machine {
	t.Helper()
	m := &machine{t: t, store: store, clock: runtimetest.NewClock(now)}
	m.s = schedule.New(schedule.Config{Store: store, Clock: m.clock, Accepted: func(e *runtime.Event) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.fired = append(m.fired, e)
	}})
	m.s.Set(sources)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); m.s.Run(ctx) }()
	m.stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(m.stop)
	m.settle()
	return m
}

// settle waits until the scheduler waits.
func (m *machine) settle() {
	m.t.Helper()
	if err := m.clock.WaitTimers(m.t.Context(), 1); err != nil {
		m.t.Fatal(err)
	}
}

// to moves the clock on in steps, as time does.
func (m *machine) to(at time.Time) {
	m.t.Helper()
	for m.clock.Now().Before(at) {
		m.settle()
		next, ok := m.clock.NextTimer()
		left := at.Sub(m.clock.Now())
		if ok && next < left {
			left = max(next, 0)
		}
		m.clock.Advance(left)
	}
	m.settle()
}

// set replaces the sources, and waits until the scheduler waits for the new ones.
func (m *machine) set(sources ...schedule.Source) {
	m.t.Helper()
	before, _ := m.clock.NextTimer()
	m.s.Set(sources)
	for m.t.Context().Err() == nil {
		m.settle()
		if now, ok := m.clock.NextTimer(); ok && now != before {
			return
		}
		goruntime.Gosched()
	}
}

func (m *machine) times() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for _, e := range m.fired {
		out = append(out, e.Time.UTC().Format("02T15:04:05"))
	}
	return out
}

func source(t *testing.T, settings map[string]string) schedule.Source {
	t.Helper()
	given := map[string]cty.Value{}
	for k, v := range settings {
		given[k] = cty.StringVal(v)
	}
	p, err := plans.New(given)
	if err != nil {
		t.Fatal(err)
	}
	return schedule.Source{Connection: "schedule", Service: "schedule", Type: "daily/schedule", Plan: p}
}

func newStore(t *testing.T) runtime.Store {
	s := memstore.New()
	t.Cleanup(func() { s.Close() })
	return s
}

func TestFires(t *testing.T) {
	m := newMachine(t, newStore(t), start, source(t, map[string]string{"cron": "0 9-11 * * *", "timezone": "Europe/Berlin"}))
	m.to(start.Add(26 * time.Hour))
	want := []string{"24T09:00:00", "24T10:00:00", "25T08:00:00", "25T09:00:00", "25T10:00:00"}
	if got := m.times(); !slices.Equal(got, want) {
		t.Fatalf("fired at %v, want %v", got, want)
	}
	var payloads []string
	for _, e := range m.fired[:3] {
		payloads = append(payloads, string(e.Payload))
	}
	if payloads[0] != `{"planned_at":"2026-11-24T10:00:00+01:00","previous_at":null}` ||
		payloads[2] != `{"planned_at":"2026-11-25T09:00:00+01:00","previous_at":"2026-11-24T11:00:00+01:00"}` {
		t.Errorf("%v", payloads)
	}
	if e := m.fired[0]; e.ID != "daily/schedule@2026-11-24T09:00:00Z" || e.Type != "daily/schedule" || e.Connection != "schedule" {
		t.Errorf("%+v", e)
	}
}

// TestAfterDowntime is what is made up for, and that nothing which fired fires again.
func TestAfterDowntime(t *testing.T) {
	for catchup, want := range map[string][]string{
		"none": {"24T09:00:00", "25T10:00:00"},
		"":     {"24T09:00:00", "25T09:00:00", "25T10:00:00"},
		"last": {"24T09:00:00", "25T09:00:00", "25T10:00:00"},
		"all":  {"24T09:00:00", "24T10:00:00", "25T08:00:00", "25T09:00:00", "25T10:00:00"},
	} {
		t.Run(catchup, func(t *testing.T) {
			store := newStore(t)
			settings := map[string]string{"cron": "0 8-10 * * *"}
			if catchup != "" {
				settings["catchup"] = catchup
			}
			first := newMachine(t, store, start, source(t, settings))
			first.to(start.Add(10 * time.Minute))
			first.stop()
			second := newMachine(t, store, start.Add(24*time.Hour+30*time.Minute), source(t, settings))
			second.to(start.Add(26 * time.Hour))
			if got := slices.Concat(first.times(), second.times()); !slices.Equal(got, want) {
				t.Errorf("fired at %v, want %v", got, want)
			}
		})
	}
}

func TestAllIsBounded(t *testing.T) {
	store := newStore(t)
	src := source(t, map[string]string{"every": "1m", "catchup": "all"})
	newMachine(t, store, start, src).stop()
	m := newMachine(t, store, start.Add(30*24*time.Hour), src)
	m.settle()
	if got := m.times(); len(got) != 100 || got[99] != "24T08:59:00" {
		t.Errorf("%d were made up for, the last at %v", len(got), got[len(got)-1:])
	}
}

// TestTwoLookAtOnce is two processes on one store: each set time fires once.
func TestTwoLookAtOnce(t *testing.T) {
	store := newStore(t)
	src := source(t, map[string]string{"every": "10m"})
	a, b := newMachine(t, store, start, src), newMachine(t, store, start, src)
	for range 12 {
		a.to(a.clock.Now().Add(5 * time.Minute))
		b.to(b.clock.Now().Add(5 * time.Minute))
	}
	got := slices.Concat(a.times(), b.times())
	slices.Sort(got)
	want := []string{"24T09:00:00", "24T09:10:00", "24T09:20:00", "24T09:30:00", "24T09:40:00", "24T09:50:00"}
	if !slices.Equal(got, want) {
		t.Errorf("fired at %v, want %v", got, want)
	}
}

func TestReload(t *testing.T) {
	m := newMachine(t, newStore(t), start, source(t, map[string]string{"cron": "0 9 * * *"}))
	m.to(start.Add(40 * time.Minute))
	m.set(source(t, map[string]string{"cron": "5,20 9-10 * * *", "catchup": "all"}))
	m.to(start.Add(75 * time.Minute))
	m.set()
	m.to(start.Add(48 * time.Hour))
	if got := m.times(); !slices.Equal(got, []string{"24T09:00:00", "24T10:05:00"}) {
		t.Errorf("fired at %v", got)
	}
}

func TestJitter(t *testing.T) {
	src := source(t, map[string]string{"cron": "0 9 * * *", "jitter": "20m"})
	late := src.Plan.Delay("daily/schedule@2026-11-24T09:00:00Z")
	if late <= 0 || late >= 20*time.Minute {
		t.Fatalf("the delay is %s", late)
	}
	m := newMachine(t, newStore(t), start, src)
	nine := start.Add(30 * time.Second)
	m.to(nine.Add(late - time.Millisecond))
	if len(m.times()) != 0 {
		t.Error("it fired early")
	}
	m.to(nine.Add(late))
	if got := m.times(); !slices.Equal(got, []string{"24T09:00:00"}) {
		t.Errorf("fired at %v", got)
	}
}

// flaky is a store whose next writes fail.
type flaky struct {
	runtime.Store
	mu    sync.Mutex
	fails int
}

func (f *flaky) SetState(ctx context.Context, name string, v *runtime.StateValue) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails > 0 {
		f.fails--
		return errors.New("the disk is full")
	}
	return f.Store.SetState(ctx, name, v)
}

func TestStoreThatFails(t *testing.T) {
	f := &flaky{Store: newStore(t)}
	m := newMachine(t, f, start, source(t, map[string]string{"every": "10m"}))
	f.mu.Lock()
	f.fails = 2
	f.mu.Unlock()
	m.to(start.Add(11 * time.Minute))
	if got := m.times(); !slices.Equal(got, []string{"24T09:00:00", "24T09:10:00"}) {
		t.Errorf("fired at %v", got)
	}
}

// list is what a poll looks at.
type list struct {
	mu    sync.Mutex
	items []string
	err   error
	looks int
}

func (l *list) set(items ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.items, l.err = items, nil
}

func (l *list) look(context.Context) ([][]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.looks++
	var out [][]byte
	for _, i := range l.items {
		out = append(out, []byte(i))
	}
	return out, l.err
}

func (l *list) source(initial bool, capture ...string) schedule.Source {
	text := schema.Type{Kind: schema.KindString}
	return schedule.Source{Connection: "http", Service: "http", Type: "sync/poll", Poll: &schedule.Poll{
		Every: time.Minute, Text: "v1", Key: []string{"id"}, Capture: capture, Initial: initial, Look: l.look,
		Item: schema.NewObject("item", schema.Field{Name: "id", Type: text, Required: true}, schema.Field{Name: "name", Type: text}),
	}}
}

// looked moves the clock to the next look and waits for its end.
func (m *machine) looked(l *list) {
	m.t.Helper()
	l.mu.Lock()
	before := l.looks
	l.mu.Unlock()
	m.clock.Advance(time.Minute)
	m.quiet(l, before+1)
}

// quiet waits until there were so many looks and the next one is waited for.
func (m *machine) quiet(l *list, looks int) {
	m.t.Helper()
	for {
		m.settle()
		l.mu.Lock()
		n := l.looks
		l.mu.Unlock()
		if next, ok := m.clock.NextTimer(); n >= looks && ok && next <= time.Minute {
			return
		}
		if m.t.Context().Err() != nil {
			m.t.Fatal("it did not look")
		}
	}
}

func (m *machine) changes() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for _, e := range m.fired {
		var p struct {
			Change, Key    string
			Item, Previous struct{ Name string }
		}
		if err := json.Unmarshal(e.Payload, &p); err != nil {
			m.t.Fatal(err)
		}
		out = append(out, strings.TrimRight(fmt.Sprintf("%s %s %s %s", p.Change, p.Key, p.Item.Name, p.Previous.Name), " "))
	}
	return out
}

func TestPoll(t *testing.T) {
	l := &list{}
	l.set(`{"id": "1", "name": "Jo", "seen": 1}`, `{"id": "2", "name": "Al"}`)
	store := newStore(t)
	m := newMachine(t, store, start, l.source(false, "insert", "update", "delete"))
	m.quiet(l, 1)
	l.set(`{"id": "1", "name": "Joan", "seen": 2}`, `{"id": "3", "name": "Vi"}`)
	m.looked(l)
	l.set(`{"id": "1", "name": "Jo", "seen": 3}`, `{"id": "3", "name": "Vi", "seen": 9}`) // back to what it was
	m.looked(l)
	m.looked(l)
	want := []string{"update 1 Joan Jo", "insert 3 Vi", "delete 2 Al", "update 1 Jo Joan"}
	if got := m.changes(); !slices.Equal(got, want) {
		t.Fatalf("%q, want %q", got, want)
	}
	m.stop()

	// A restart knows what was seen; what changed meanwhile fires once.
	l.set(`{"id": "3", "name": "Vivian"}`)
	again := newMachine(t, store, m.clock.Now().Add(time.Hour), l.source(false, "update"))
	again.quiet(l, 5)
	again.looked(l)
	if got := again.changes(); !slices.Equal(got, []string{"update 3 Vivian Vi"}) {
		t.Errorf("after a restart: %q", got)
	}
}

func TestPollInitial(t *testing.T) {
	l := &list{}
	l.set(`{"id": "1"}`, `{"id": "2"}`, `{"id": "2", "name": "the last counts"}`)
	m := newMachine(t, newStore(t), start, l.source(true, "insert"))
	m.quiet(l, 1)
	m.looked(l)
	if got := m.changes(); !slices.Equal(got, []string{"insert 1", "insert 2 the last counts"}) {
		t.Errorf("%q", got)
	}
}

// TestPollFails is that a list which can't be read changes nothing.
func TestPollFails(t *testing.T) {
	l := &list{}
	l.set(`{"id": "1", "name": "Jo"}`)
	m := newMachine(t, newStore(t), start, l.source(false, "insert", "update", "delete"))
	m.quiet(l, 1)
	l.mu.Lock()
	l.err = errors.New("it is down")
	l.mu.Unlock()
	m.looked(l)
	for _, broken := range []string{`{"id": null}`, `{"id": "1", "name": 5}`, `[]`, `{`} {
		l.set(broken)
		m.looked(l)
	}
	l.set(`{"id": "1", "name": "Joan"}`)
	m.looked(l)
	if got := m.changes(); !slices.Equal(got, []string{"update 1 Joan Jo"}) {
		t.Errorf("%q", got)
	}
}

// refusing is a store that takes no events for a while, as if the process ended between the two writes.
type refusing struct {
	runtime.Store
	mu  sync.Mutex
	off bool
}

func (r *refusing) AcceptEvent(ctx context.Context, e *runtime.Event) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.off {
		return false, errors.New("cut off")
	}
	return r.Store.AcceptEvent(ctx, e)
}

func TestPollCutOff(t *testing.T) {
	l := &list{}
	l.set()
	r := &refusing{Store: newStore(t)}
	m := newMachine(t, r, start, l.source(false, "insert"))
	m.quiet(l, 1)
	r.mu.Lock()
	r.off = true
	r.mu.Unlock()
	l.set(`{"id": "1", "name": "Jo"}`)
	m.looked(l)
	m.stop()
	l.set() // it is gone again before anybody looks
	r.mu.Lock()
	r.off = false
	r.mu.Unlock()
	again := newMachine(t, r, m.clock.Now().Add(time.Hour), l.source(false, "insert"))
	again.quiet(l, 3)
	if got := slices.Concat(m.changes(), again.changes()); !slices.Equal(got, []string{"insert 1 Jo"}) {
		t.Errorf("%q", got)
	}
}
