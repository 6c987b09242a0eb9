package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/memstore"
	"github.com/flowrun/flowrun/runtime/sqlite"
)

// The model test's world is a bubble (testing/synctest): its time passes when nobody has anything to do, so that days
// take no time and no time-out is a matter of how busy the machine is.

// mClock is the bubble's clock, which can be set as a machine's can: timers don't notice.
type mClock struct{ set atomic.Int64 }

func (c *mClock) Now() time.Time { return time.Now().Add(time.Duration(c.set.Load())).UTC() }

func (c *mClock) After(d time.Duration) (<-chan time.Time, func()) {
	return runtime.SystemClock{}.After(d)
}

// mFate is what the vendor does with the calls of one name.
type mFate struct {
	kind  string // ok, server, network, timeout, rate_limited, conflict, refused, dead
	times int    // how often, before it is ok
	null  bool   // its answer has no email
	takes time.Duration
}

// acts reports whether the vendor acts on a call that it fails.
func (f mFate) acts() bool { return f.kind == "network" || f.kind == "timeout" }

// fateOf depends on the case and the name alone.
func (c *mCase) fateOf(name string) mFate {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s", c.seed, name)
	r := rand.New(rand.NewPCG(h.Sum64(), 0))
	n := c.node(name)
	f := mFate{kind: "ok", null: r.IntN(4) == 0, takes: []time.Duration{0, 0, 100 * time.Millisecond, 3 * time.Second}[r.IntN(4)]}
	kind := []string{"server", "network", "timeout", "rate_limited", "conflict", "refused", "dead"}[r.IntN(7)]
	times := 1 + r.IntN(3)
	if r.IntN(100) >= c.troubled {
		return f
	}
	if kind == "dead" && n.attempts == 0 && n.effect != "mail" {
		kind = "server"
	}
	if n.attempts > 0 {
		times = min(times, n.attempts-1)
	}
	if n.on != nil && !slices.Contains(n.on, kind) || n.effect == "mail" && kind != "rate_limited" {
		times = 1000 // it is not tried again, but for those who look at it after a crash
	}
	f.kind, f.times = kind, times
	return f
}

// node finds the action of a call's name.
func (c *mCase) node(name string) *mNode {
	parts := strings.Split(name, "/")
	for _, r := range c.recipes {
		if r.name == parts[0] {
			if n := find(r.nodes, parts[1]); n != nil {
				return n
			}
			return find(r.onError, parts[1])
		}
	}
	return nil
}

func find(nodes []*mNode, name string) *mNode {
	for _, n := range nodes {
		if n.name == name {
			return n
		}
		for _, in := range [][]*mNode{n.open, n.paid} {
			if m := find(in, name); m != nil {
				return m
			}
		}
	}
	return nil
}

// taken is what the vendor has seen of one name.
type taken struct {
	keys  map[string]bool
	calls int
	acted int
	first int // its place among all names
}

type mWorld struct {
	c       *mCase
	t       *testing.T
	clock   *mClock
	store   runtime.Store
	vendor  *vendor
	engine  *Engine
	death   *death
	version int
	lives   int
	start   time.Time
	events  []*runtime.Event // by index of the case's
	cut     bool             // a process has died, or was as good as dead

	mu       sync.Mutex
	names    map[string]*taken
	busy     map[string]map[string]int // calls under way, by lane and order
	rand     *rand.Rand
	problems []string
	entitled map[string]bool // names that the reference allows
}

func (w *mWorld) blame(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problems = append(w.problems, fmt.Sprintf(format, args...))
}

func (w *mWorld) chance(n int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return n > 0 && w.rand.IntN(n) == 0
}

// answer is the vendor.
func (w *mWorld) answer(ctx context.Context, action string, in map[string]cty.Value, _ int) (cty.Value, error) {
	name := in["name"].AsString()
	f := w.c.fateOf(name)
	w.mu.Lock()
	x := w.names[name]
	x.calls++
	troubled := f.kind == "refused" || f.kind == "dead" || f.kind != "ok" && x.calls <= f.times
	if !troubled || f.acts() {
		x.acted++
	}
	w.mu.Unlock()
	defer w.enter(name)()
	takes := f.takes
	if troubled && f.kind == "timeout" {
		takes = time.Hour
	}
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return cty.NilVal, &connectors.Error{Kind: connectors.KindTimeout, Message: "no answer in time"}
		}
	}
	if troubled {
		e := &connectors.Error{Kind: connectors.Kind(f.kind), Message: f.kind}
		switch f.kind {
		case "dead":
			e.Kind = connectors.KindServer
		case "rate_limited":
			e.NotSent, e.RetryAfter = true, 30*time.Second
		}
		return cty.NilVal, e
	}
	email := cty.StringVal("jo@example.com")
	if f.null {
		email = cty.NullVal(cty.String)
	}
	return cty.ObjectVal(map[string]cty.Value{"email": email}), nil
}

// enter notes that a call of a lane is under way, and looks whether there are more than may be.
func (w *mWorld) enter(name string) (leave func()) {
	parts := strings.Split(name, "/")
	r := w.c.recipe(parts[0])
	if r == nil || r.flow != "queue" || strings.HasPrefix(parts[2], "evt") {
		return func() {}
	}
	lane := r.name + " " + w.c.keyOf(r, parts[2])
	w.mu.Lock()
	busy := w.busy // of this life
	if busy[lane] == nil {
		busy[lane] = map[string]int{}
	}
	busy[lane][parts[2]]++
	n := len(busy[lane])
	w.mu.Unlock()
	if n > r.limit {
		w.blame("%d runs of lane %s are under way at a time", n, lane)
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if busy[lane][parts[2]]--; busy[lane][parts[2]] == 0 {
			delete(busy[lane], parts[2])
		}
	}
}

func (c *mCase) recipe(name string) *mRecipe {
	for _, r := range c.recipes {
		if r.name == name {
			return r
		}
	}
	return nil
}

// keyOf is the lane of an order.
func (c *mCase) keyOf(r *mRecipe, id string) string {
	for _, ev := range c.events {
		if !ev.paid && fmt.Sprintf("o%d", ev.order) == id && (r.keyed || r.flow == "deduplicate") {
			return ev.customer
		}
	}
	return ""
}

// mStore fails now and then, before it has done what it was asked or after; and does nothing for a process that is dead.
type mStore struct {
	runtime.Store
	w     *mWorld
	death *death
}

var errStore = errors.New("the disk is full")

func (s *mStore) do(f func() error) error {
	if s.death.is() {
		return runtime.ErrClosed
	}
	if s.w.chance(s.w.c.store) {
		if s.w.chance(2) {
			_ = f()
		}
		return errStore
	}
	return f()
}

func (s *mStore) Record(ctx context.Context, c *runtime.Change) error {
	return s.do(func() error { return s.Store.Record(ctx, c) })
}

// AcceptEvent has done nothing where it fails: who is told that an event was not taken sends it again, and Accepted is
// for those that are new.
func (s *mStore) AcceptEvent(ctx context.Context, e *runtime.Event) (bool, error) {
	switch {
	case s.death.is():
		return false, runtime.ErrClosed
	case s.w.chance(s.w.c.store):
		return false, errStore
	}
	return s.Store.AcceptEvent(ctx, e)
}

func (s *mStore) KeepProgram(ctx context.Context, p *runtime.Program) error {
	return s.do(func() error { return s.Store.KeepProgram(ctx, p) })
}

func (s *mStore) AddFields(ctx context.Context, upTo int64, events []runtime.EventFields) error {
	return s.do(func() error { return s.Store.AddFields(ctx, upTo, events) })
}

func list[T any](s *mStore, f func() ([]T, error)) (out []T, err error) {
	if s.w.chance(s.w.c.store) {
		return nil, errStore
	}
	return f()
}

func (s *mStore) Undecided(ctx context.Context, after int64, limit int) ([]*runtime.Event, error) {
	return list(s, func() ([]*runtime.Event, error) { return s.Store.Undecided(ctx, after, limit) })
}

func (s *mStore) Unfinished(ctx context.Context, after int64, limit int) ([]*runtime.Run, error) {
	return list(s, func() ([]*runtime.Run, error) { return s.Store.Unfinished(ctx, after, limit) })
}

func (s *mStore) Due(ctx context.Context, now time.Time, limit int) ([]*runtime.Run, error) {
	return list(s, func() ([]*runtime.Run, error) { return s.Store.Due(ctx, now, limit) })
}

func (s *mStore) Queued(ctx context.Context, lane string, limit int) ([]*runtime.Run, error) {
	return list(s, func() ([]*runtime.Run, error) { return s.Store.Queued(ctx, lane, limit) })
}

func (s *mStore) InLanes(ctx context.Context, after int64, limit int) ([]*runtime.Run, error) {
	return list(s, func() ([]*runtime.Run, error) { return s.Store.InLanes(ctx, after, limit) })
}

func (s *mStore) Mark(ctx context.Context, key string) (*runtime.Mark, error) {
	if s.w.chance(s.w.c.store) {
		return nil, errStore
	}
	return s.Store.Mark(ctx, key)
}

func (s *mStore) Run(ctx context.Context, id string) (*runtime.Run, error) {
	if s.w.chance(s.w.c.store) {
		return nil, errStore
	}
	return s.Store.Run(ctx, id)
}

func (s *mStore) EventBySeq(ctx context.Context, seq int64) (*runtime.Event, error) {
	if s.w.chance(s.w.c.store) {
		return nil, errStore
	}
	return s.Store.EventBySeq(ctx, seq)
}

// play runs the case and returns what was wrong.
func (c *mCase) play(t *testing.T) (problems []string) {
	var dir string
	if c.sqlite {
		dir = t.TempDir()
	}
	synctest.Test(t, func(t *testing.T) {
		w := &mWorld{c: c, t: t, clock: &mClock{}, vendor: &vendor{}, names: map[string]*taken{},
			events: make([]*runtime.Event, len(c.events)), rand: rand.New(rand.NewPCG(c.seed, 2)), start: time.Now()}
		w.store = memstore.New()
		if c.sqlite {
			s, err := sqlite.Open(t.Context(), filepath.Join(dir, "m.db"), sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			w.store = s
		}
		w.vendor.answer = w.answer
		w.run()
		w.check()
		w.store.Close()
		problems = w.problems
	})
	return problems
}

func (w *mWorld) boot() {
	d := &death{c: make(chan struct{})}
	if w.lives < len(w.c.crashes) {
		d.point, d.nth = w.c.crashes[w.lives].point, w.c.crashes[w.lives].nth
	}
	w.lives++
	w.death = d
	w.mu.Lock()
	w.busy = map[string]map[string]int{}
	w.mu.Unlock()
	store := &mStore{w.store, w, d}
	reg := w.registry(d)
	for {
		cfg := Config{Store: store, Registry: reg, Clock: w.clock, Log: slog.New(slog.DiscardHandler), MaxInFlight: w.c.slots, Crash: d.at,
			Rand: func() float64 {
				w.mu.Lock()
				defer w.mu.Unlock()
				return w.rand.Float64()
			},
			Rebuild: func(p *runtime.Program) (*lang.Program, *lang.Bindings, error) {
				prog, b := compile(w.t, reg, p.Files)
				return prog, b, nil
			}}
		w.engine = New(cfg)
		raw := map[string][]byte{}
		for name, src := range w.c.files(w.version) {
			raw[name] = []byte(src)
		}
		p, b := compile(w.t, reg, raw)
		err := w.engine.Swap(context.Background(), p, b)
		if err == nil {
			err = w.engine.Start(context.Background())
		}
		if err == nil {
			return
		}
		w.cut = true
		_ = w.engine.Drain(expired()) // the process ends and is started again
		if d.is() {
			return
		}
		pass(time.Second)
	}
}

// registry is that of the vendor, for one life: what a process does after its death reaches nobody.
func (w *mWorld) registry(d *death) *connectors.Registry {
	v := &vendor{}
	v.answer = w.vendor.answer
	v.gone = d.is
	v.seen = func(call vendorCall) {
		w.mu.Lock()
		defer w.mu.Unlock()
		x := w.names[call.name]
		if x == nil {
			x = &taken{keys: map[string]bool{}, first: len(w.names)}
			w.names[call.name] = x
		}
		x.keys[call.key] = true
	}
	return v.registry(w.t)
}

func pass(d time.Duration) { <-time.After(d) }

// until lets time pass, and has another process take over whenever one has died.
func (w *mWorld) until(at time.Time) {
	for {
		d := time.Until(at)
		if d < 0 {
			return
		}
		select {
		case <-time.After(d):
			synctest.Wait()
			if !w.death.is() {
				return
			}
			w.takeOver()
		case <-w.death.c:
			w.takeOver()
		}
	}
}

func (w *mWorld) takeOver() {
	for w.death.is() {
		w.cut = true
		_ = w.engine.Drain(expired())
		if w.chance(2) {
			pass(time.Duration(w.rand.IntN(3600)) * time.Second)
		}
		w.boot()
	}
}

func (w *mWorld) run() {
	w.boot()
	type deed struct {
		at time.Duration
		do func()
	}
	var deeds []deed
	for i := range w.c.events {
		deeds = append(deeds, deed{w.c.events[i].at, func() { w.send(i) }})
		if w.c.events[i].again {
			deeds = append(deeds, deed{w.c.events[i].at + time.Minute, func() { w.send(i) }})
		}
	}
	if w.c.restart > 0 {
		deeds = append(deeds, deed{w.c.restart, func() {
			_ = w.engine.Drain(context.Background())
			w.version++
			w.lives-- // the same as before
			if !w.death.is() {
				w.boot()
			}
			w.takeOver()
		}})
	}
	if w.c.jump != 0 {
		deeds = append(deeds, deed{w.c.jumpAt, func() { w.clock.set.Add(int64(w.c.jump)) }})
	}
	slices.SortStableFunc(deeds, func(a, b deed) int { return int(a.at - b.at) })
	last := time.Duration(-1)
	for _, d := range deeds {
		if d.at != last {
			w.until(w.start.Add(d.at))
			last = d.at
		}
		d.do()
	}
	for step, left := time.Second, 4*24*time.Hour; ; step = min(2*step, 10*time.Minute) {
		w.until(time.Now().Add(step))
		counts, err := w.store.Counts(context.Background())
		if err != nil {
			w.blame("counting: %v", err)
			break
		}
		if counts.Undecided+counts.Runs[runtime.RunRunning]+counts.Runs[runtime.RunWaiting]+counts.Runs[runtime.RunQueued] == 0 {
			break
		}
		if left -= step; left < 0 {
			left, err := w.store.Undecided(context.Background(), 0, 10)
			w.blame("not all comes to an end: runs %v, undecided %d (%v)", counts.Runs, counts.Undecided, err)
			for _, ev := range left {
				w.blame("undecided: %d %s", ev.Seq, ev.ID)
			}
			for _, ev := range w.events {
				if ev == nil {
					continue
				}
				runs, _ := w.store.RunsOf(context.Background(), ev.Seq)
				for _, run := range runs {
					if !run.Status.Ended() {
						run, _ = w.store.Run(context.Background(), run.ID)
						text, _ := json.Marshal(run)
						w.blame("unfinished: %s", text)
					}
				}
			}
			break
		}
	}
	_ = w.engine.Drain(context.Background())
}

// send delivers an event as a vendor does: again and again until it is taken.
func (w *mWorld) send(i int) {
	x := &w.c.events[i]
	typ := "order.created"
	if x.paid {
		typ = "order.paid"
	}
	for {
		ev := &runtime.Event{Connection: "acme", Service: "acme", ID: fmt.Sprintf("evt_%d", i), Type: typ, Time: w.clock.Now(), ReceivedAt: w.clock.Now(),
			Payload: fmt.Appendf(nil, `{"object":{"id":"o%d","amount":%d,"customer":%s,"status":%q,"paid":false,"items":[],"tags":{}}}`, x.order, x.amount, x.customer, x.status)}
		ok, err := w.engine.cfg.Store.AcceptEvent(context.Background(), ev)
		switch {
		case err != nil:
			w.until(time.Now().Add(time.Minute))
			continue
		case ok != (w.events[i] == nil):
			w.blame("event %s: accepted %v, was known %v", ev.ID, ok, w.events[i] != nil)
		case ok:
			w.events[i] = ev
			w.engine.Accepted(ev)
		}
		return
	}
}
