package engine

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/flowrun"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/memstore"
	"github.com/flowrun/flowrun/runtime/runtimetest"
	"github.com/flowrun/flowrun/runtime/telemetry"
)

// The tests' vendor is called acme. Its orders have an amount that is always there, a customer that may be null, and
// actions of each effect whose answers a test decides.

var (
	number = schema.Type{Kind: schema.KindNumber}
	text   = schema.Type{Kind: schema.KindString}
)

func acmeOrder() *schema.Object {
	return schema.NewObject("order",
		schema.Field{Name: "id", Type: text, Required: true},
		schema.Field{Name: "amount", Type: number, Required: true},
		schema.Field{Name: "customer", Type: text, Nullable: true, Required: true},
		schema.Field{Name: "status", Type: schema.EnumOf("open", "paid"), Required: true},
		schema.Field{Name: "paid", Type: schema.Type{Kind: schema.KindBool}, Required: true},
		schema.Field{Name: "note", Type: text},
		schema.Field{Name: "any", Type: schema.Type{Kind: schema.KindAny}},
		schema.Field{Name: "items", Type: text.ListOf(), Required: true},
		schema.Field{Name: "tags", Type: text.MapOf(), Required: true},
	)
}

// vendor is what acme does when it is called.
type vendor struct {
	mu     sync.Mutex
	calls  []vendorCall
	tries  map[string]int // by action and key
	gone   func() bool    // whether nothing reaches the vendor; may be nil
	seen   func(vendorCall)
	answer func(ctx context.Context, action string, input map[string]cty.Value, n int) (cty.Value, error)
}

type vendorCall struct {
	action, key, run string
	name             string // the input "name"
}

// goes says from when on nothing reaches the vendor. Calls of an engine that was killed may still be under way.
func (v *vendor) goes(gone func() bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.gone = gone
}

func (v *vendor) call(ctx context.Context, c *connectors.Call) (connectors.Result, error) {
	in := c.Input.AsValueMap()
	name := ""
	if x := in["name"]; !x.IsNull() {
		name = x.AsString()
	}
	v.mu.Lock()
	if v.gone != nil && v.gone() {
		v.mu.Unlock()
		return connectors.Result{}, transient()
	}
	if v.tries == nil {
		v.tries = map[string]int{}
	}
	v.tries[c.Action.Name+c.Key]++
	n := v.tries[c.Action.Name+c.Key]
	v.calls = append(v.calls, vendorCall{c.Action.Name, c.Key, c.Run, name})
	if v.seen != nil {
		v.seen(v.calls[len(v.calls)-1])
	}
	answer := v.answer
	v.mu.Unlock()
	out := cty.ObjectVal(map[string]cty.Value{"email": cty.StringVal("jo@example.com")})
	if answer != nil {
		got, err := answer(ctx, c.Action.Name, in, n)
		if err != nil {
			return connectors.Result{}, err
		}
		if got != cty.NilVal {
			out = got
		}
	}
	return connectors.Result{Output: out, Status: 200}, nil
}

func (v *vendor) log() []vendorCall {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]vendorCall(nil), v.calls...)
}

func (v *vendor) registry(t testing.TB) *connectors.Registry {
	t.Helper()
	action := func(name string, effect schema.Effect) *connectors.Action {
		return &connectors.Action{
			Action: schema.Action{Name: name, Service: "acme", Doc: "Test action", Effect: effect,
				In: schema.NewObject(name, schema.Field{Name: "name", Type: text, Required: true},
					schema.Field{Name: "data", Type: schema.Type{Kind: schema.KindAny}}),
				Out: schema.NewObject("answer", schema.Field{Name: "email", Type: text, Nullable: true, Required: true})},
			Call: connectors.Func(v.call),
		}
	}
	lasting := func(name string, effect schema.Effect, does schema.Lasting) *connectors.Action {
		a := action(name, effect)
		a.Lasting = does
		a.In = schema.NewObject(name, append(a.In.Fields(), schema.Field{Name: "amount", Type: number},
			schema.Field{Name: "currency", Type: text}, schema.Field{Name: "confirm", Type: schema.Type{Kind: schema.KindBool}})...)
		return a
	}
	money := schema.Lasting{Kind: schema.MovesMoney, Amount: "amount", Currency: "currency"}
	confirmed := money
	confirmed.Only = "confirm"
	trigger := func(name, event string) *schema.Trigger {
		return &schema.Trigger{Name: name, Service: "acme", Doc: "Test trigger", Settings: schema.NewObject("settings"),
			Payload: acmeOrder(), Events: []string{event}, Previous: true,
			Latest: func([]string) (*schema.Fetch, error) {
				return &schema.Fetch{Action: "acme_order", Inputs: map[string]schema.Path{"name": {"id"}}}, nil
			}}
	}
	order := action("acme_order", schema.Read)
	order.Out, order.OutMayBeNull = acmeOrder(), true
	chosen := trigger("acme_order_either", "order.created")
	chosen.Settings = schema.NewObject("settings", schema.Field{Name: "raised", Type: schema.Type{Kind: schema.KindBool}})
	chosen.Choose = func(settings map[string]cty.Value) ([]string, []schema.Guard) {
		if _, ok := settings["raised"]; !ok {
			return []string{"order.created"}, nil
		}
		return []string{"order.created", "order.paid"}, []schema.Guard{
			{Setting: "raised", Path: schema.Path{"status"}, In: []string{"open"}, Types: []string{"order.created"}},
			{Setting: "raised", Types: []string{"order.paid"}, Test: func(object, previous []byte) bool {
				now, _ := schema.Int64Of(schema.Lookup(object, "amount"))
				before, known := schema.Int64Of(schema.Lookup(previous, "amount"))
				return known && now > before
			}},
		}
	}
	reg, err := connectors.NewRegistry(&connectors.Spec{
		Name: "acme", Title: "Acme", Doc: "A vendor of tests",
		Webhook: &connectors.Webhook{Data: schema.Path{"object"}, Previous: schema.Path{"before"},
			Cause: func(body []byte) string {
				key, _ := schema.StringOf(schema.Lookup(body, "cause"))
				return key
			}},
		Triggers: []*schema.Trigger{trigger("acme_order_created", "order.created"), trigger("acme_order_paid", "order.paid"), chosen},
		Actions: []*connectors.Action{action("acme_read", schema.Read), action("acme_put", schema.Idempotent),
			action("acme_send", schema.Keyed), action("acme_mail", schema.AtMostOnce), order,
			lasting("acme_pay", schema.Keyed, money), lasting("acme_charge", schema.Keyed, confirmed),
			lasting("acme_erase", schema.Idempotent, schema.Lasting{Kind: schema.Deletes}),
			lasting("acme_text", schema.AtMostOnce, schema.Lasting{Kind: schema.SendsMessage})},
	}, flowrun.Spec())
	if err != nil {
		t.Fatal(err)
	}
	return reg
}

// world is an engine with all around it.
type world struct {
	t       testing.TB
	store   runtime.Store
	clock   *runtimetest.Clock
	vendor  *vendor
	engine  *Engine
	cfg     Config
	runs    chan *runtime.Run
	decided chan *runtime.Decision
	alerts  chan *runtime.Event // alerts that are decided
	seq     int
	oneSlot bool // the engine works on one run at a time
	crash   func(point string)
	slots   int // Config.MaxInFlight
}

func newWorld(t testing.TB, files map[string]string) *world {
	t.Helper()
	w := &world{t: t, store: memstore.New(), clock: runtimetest.NewClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
		vendor: &vendor{}, runs: make(chan *runtime.Run, 10000), decided: make(chan *runtime.Decision, 10000), alerts: make(chan *runtime.Event, 1000)}
	w.boot(files)
	return w
}

// boot starts an engine on the world's store, as a new process would.
func (w *world) boot(files map[string]string) {
	w.t.Helper()
	reg := w.vendor.registry(w.t)
	w.cfg = Config{
		Store: w.store, Registry: reg, Clock: w.clock, Log: slog.New(slog.DiscardHandler),
		Rand:  func() float64 { return 0.5 },
		Crash: w.crash,

		MaxInFlight: w.slots,
		Metrics:     telemetry.NewMetrics(),
		OnRun:       func(r *runtime.Run) { w.runs <- clone(r) },
		OnEvent: func(ev *runtime.Event, d *runtime.Decision) {
			if ev.Service == alertService {
				w.alerts <- ev
			} else {
				w.decided <- d
			}
		},
		Rebuild: func(p *runtime.Program) (*lang.Program, *lang.Bindings, error) {
			prog, b := compile(w.t, reg, p.Files)
			return prog, b, nil
		},
	}
	if w.oneSlot {
		w.cfg.MaxInFlight = 1
	}
	w.engine = New(w.cfg)
	w.swap(files)
	if err := w.engine.Start(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	e := w.engine
	w.t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		e.Drain(ctx)
	})
}

// kill ends an engine the hard way: what it was doing is lost, and nothing it does later counts.
func (w *world) stop(ctx context.Context) error { return w.engine.Drain(ctx) }

func clone(r *runtime.Run) *runtime.Run {
	c := *r
	c.Steps = nil
	for _, s := range r.Steps {
		sc := *s
		sc.Attempts = append([]runtime.Attempt(nil), s.Attempts...)
		c.Steps = append(c.Steps, &sc)
	}
	return &c
}

func (w *world) swap(files map[string]string) {
	w.t.Helper()
	raw := map[string][]byte{}
	for name, src := range files {
		raw[name] = []byte(src)
	}
	p, b := compile(w.t, w.cfg.Registry, raw)
	if err := w.engine.Swap(context.Background(), p, b); err != nil {
		w.t.Fatal(err)
	}
}

func compile(t testing.TB, reg *connectors.Registry, files map[string][]byte) (*lang.Program, *lang.Bindings) {
	t.Helper()
	p, diags := lang.CompileFiles(files, reg)
	if diags.HasErrors() {
		for _, d := range diags {
			t.Error(d)
		}
		t.Fatal("the recipes don't compile")
	}
	b, diags := p.Bind(lang.Inputs{Env: func(string) (string, bool) { return "", false }})
	if diags.HasErrors() {
		t.Fatalf("binding: %v", diags)
	}
	return p, b
}

// order is an event; fields are JSON members that replace the default ones.
func (w *world) order(eventType string, fields ...string) *runtime.Event {
	w.seq++
	members := map[string]string{"id": `"o1"`, "amount": "100", "customer": `"c1"`, "status": `"open"`, "paid": "false"}
	order := []string{"id", "amount", "customer", "status", "paid"}
	for _, f := range fields {
		k, v, _ := strings.Cut(f, "=")
		if _, known := members[k]; !known {
			order = append(order, k)
		}
		members[k] = v
	}
	var b strings.Builder
	for _, k := range order {
		if members[k] == "" {
			continue // left out
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", k, members[k])
	}
	return &runtime.Event{Connection: "acme", Service: "acme", ID: fmt.Sprintf("evt_%d", w.seq), Type: eventType,
		Time: w.clock.Now(), ReceivedAt: w.clock.Now(), Payload: []byte(`{"object":{` + b.String() + `}}`)}
}

// accept stores an event; send also tells the engine.
func (w *world) accept(ev *runtime.Event) *runtime.Event {
	w.t.Helper()
	if ok, err := w.store.AcceptEvent(context.Background(), ev); err != nil || !ok {
		w.t.Fatalf("accepting: %v %v", ok, err)
	}
	return ev
}

func (w *world) send(ev *runtime.Event) *runtime.Event {
	w.t.Helper()
	w.engine.Accepted(w.accept(ev))
	return ev
}

const patience = 20 * time.Second // for what other goroutines do at once; only a fault exhausts it

func (w *world) nextRun() *runtime.Run {
	w.t.Helper()
	return receive(w.t, w.runs, "a run")
}

func (w *world) nextDecision() *runtime.Decision {
	w.t.Helper()
	return receive(w.t, w.decided, "a decision")
}

func receive[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case x := <-c:
		return x
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// untilCounted returns once the metrics hold a text.
func (w *world) untilCounted(ctx context.Context, text string) {
	for ctx.Err() == nil {
		rec := httptest.NewRecorder()
		w.cfg.Metrics.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
		if strings.Contains(rec.Body.String(), text) {
			return
		}
		goruntime.Gosched()
	}
}

// storedRun reads the run of a recipe for an event.
func (w *world) storedRun(ev *runtime.Event, recipe string) *runtime.Run {
	w.t.Helper()
	r, err := w.store.Run(context.Background(), runtime.RunID(ev, recipe, ""))
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// play sends an event and returns the run it leads to, once that has ended or only waits for something to come. Time
// passes for it.
func (w *world) play(ev *runtime.Event) *runtime.Run {
	w.t.Helper()
	w.send(ev)
	return w.toEnd()
}

func (w *world) toEnd() *runtime.Run {
	w.t.Helper()
	run := w.nextRun()
	for !run.Status.Ended() && !run.Due.IsZero() {
		w.clock.Advance(max(0, run.Due.Sub(w.clock.Now())))
		run = w.nextRun()
	}
	return run
}

// byName makes the vendor answer by the input "name": what begins with bad is refused, with flaky fails the first
// time, with lost ends without an answer; and the answer's email is the name.
func byName(_ context.Context, _ string, in map[string]cty.Value, n int) (cty.Value, error) {
	name := in["name"].AsString()
	switch {
	case strings.HasPrefix(name, "bad"):
		return cty.NilVal, refused()
	case strings.HasPrefix(name, "flaky") && n == 1:
		return cty.NilVal, transient()
	case strings.HasPrefix(name, "lost"):
		return cty.NilVal, &connectors.Error{Kind: connectors.KindTimeout, Message: "no answer"}
	}
	return cty.ObjectVal(map[string]cty.Value{"email": cty.StringVal(name)}), nil
}

func refused() error {
	return &connectors.Error{Kind: connectors.KindRefused, Status: 400, Message: "no"}
}

// called returns the names of the calls made, in their order, or sorted.
func (v *vendor) called(sorted bool) string {
	var names []string
	for _, c := range v.log() {
		names = append(names, c.name)
	}
	if sorted {
		slices.Sort(names)
	}
	return strings.Join(names, " ")
}

func transient() error {
	return &connectors.Error{Kind: connectors.KindServer, Status: 503, Message: "not now"}
}
