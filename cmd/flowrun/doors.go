package main

// What the listeners ask of the machine: the adapters between packages that don't know each other.

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/control"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/ingress"
	"github.com/flowrun/flowrun/runtime/reload"
	"github.com/flowrun/flowrun/runtime/ui"
)

// findDoor returns the door of a connection that a recipe listens on, or nil.
func (s *server) findDoor(name string) *ingress.Door {
	program, conn := s.engine.Program(), s.engine.Connection(name)
	if program == nil {
		return nil
	}
	if door := s.ownPath(program, name); door != nil {
		return door
	}
	if conn == nil {
		return nil
	}
	listens := slices.ContainsFunc(program.Connections(), func(c *check.Connection) bool { return c.Name == name && c.Listens })
	spec := s.registry.Spec(conn.Service)
	if !listens || spec == nil || spec.Webhook == nil || ownPaths(spec) {
		return nil
	}
	return &ingress.Door{Conn: conn, Webhook: spec.Webhook}
}

func (s *server) newDoor() *control.Handler {
	cfg := control.Config{
		Store:    s.store,
		Engine:   (*machine)(s),
		Operator: (*machine)(s),
		Past:     (*machine)(s),
		Server: control.ServerInfo{
			Version: thisBuild().Version, Mode: s.mode, Shadow: s.o.shadow, StartedAt: s.started, Listen: s.webhooks.Addr().String(),
			Control: s.controls.Addr().String(), Store: s.o.storeShown(), Dir: s.shown,
		},
		Reload: func(context.Context) control.ReloadResult { return control.ReloadResult(s.watcher.Trigger("control")) },
		Reloads: func() (last, good control.ReloadResult) {
			return control.ReloadResult(s.watcher.Last()), control.ReloadResult(s.watcher.LastGood())
		},
		Fields:  s.engine.Fields,
		Ready:   s.notReady,
		Access:  s.access,
		Shapes:  newShapes((*machine)(s)),
		Page:    ui.New(),
		Clock:   s.m.Clock,
		Log:     s.log,
		Metrics: s.metrics,
	}
	if s.mode == "dev" {
		cfg.Trigger = s.sendSample
	}
	return control.New(cfg)
}

func (s *server) notReady() error {
	switch {
	case s.stopped():
		return errors.New("the server is stopping")
	case !s.hooks.Ready():
		return errors.New("no program has been taken yet")
	}
	return nil
}

var _ = control.ReloadResult(reload.Result{}) // the two must stay alike

// machine is the server as the control door sees it.
type machine server

var _ control.Engine = (*machine)(nil)

// Status implements control.Engine.
func (x *machine) Status() control.EngineStatus { return engineStatus(x.engine.Status()) }

func engineStatus(st engine.Status) control.EngineStatus {
	out := control.EngineStatus{
		Program: st.Program, Recipes: len(st.Recipes) + len(st.Disabled), QueueDepth: st.QueueDepth,
		InFlight: st.InFlight, Draining: st.Draining, Lanes: st.Lanes, Queued: st.Queued,
	}
	for _, b := range st.Breakers {
		out.Breakers = append(out.Breakers, control.Breaker(b))
	}
	for _, p := range st.Paused {
		out.Paused = append(out.Paused, control.Pause{Recipe: p.Recipe, Drop: p.Drop, Reason: p.Reason})
	}
	for _, a := range st.Alerts {
		out.Alerts = append(out.Alerts, control.Alert(a))
	}
	return out
}

// Recipes implements control.Engine.
func (x *machine) Recipes() []control.Recipe {
	program := x.engine.Program()
	if program == nil {
		return nil
	}
	var out []control.Recipe
	for _, r := range program.Recipes() {
		c := control.Recipe{Name: r.Name, Filename: r.Filename, Description: r.Description, Enabled: !r.Disabled,
			Triggers: []control.RecipeTrigger{}, Actions: []string{}, Labels: r.Labels}
		for n, t := range r.Triggers {
			if n > 0 && t.Range == r.Triggers[n-1].Range { // the types of one block, told apart by the checker
				last := &c.Triggers[len(c.Triggers)-1]
				last.Events = slices.Concat(last.Events, t.Events)
				continue
			}
			c.Triggers = append(c.Triggers, control.RecipeTrigger{Type: t.Spec.Name, Connection: t.Connection, Events: t.Events})
		}
		for _, n := range r.Nodes {
			if n.Kind == check.Action {
				c.Actions = append(c.Actions, n.Action.Name)
			}
		}
		out = append(out, c)
	}
	return x.withRuns(out, program.Digest())
}

// withRuns adds how many runs of each recipe have not ended, and recipes that are served no more and have such runs.
func (x *machine) withRuns(recipes []control.Recipe, digest string) []control.Recipe {
	counts, err := x.store.RecipeCounts(context.Background())
	if err != nil {
		x.log.Error("counting the runs of recipes", "error", err)
		return recipes
	}
	at := func(name string) *control.Recipe {
		for i := range recipes {
			if recipes[i].Name == name {
				return &recipes[i]
			}
		}
		recipes = append(recipes, control.Recipe{Name: name, Removed: true, Triggers: []control.RecipeTrigger{}, Actions: []string{}})
		return &recipes[len(recipes)-1]
	}
	for _, c := range counts {
		r := at(c.Recipe)
		r.Running, r.Waiting, r.Queued = r.Running+c.Running, r.Waiting+c.Waiting, r.Queued+c.Queued
		r.Programs = append(r.Programs, control.ProgramRuns{Program: c.Program, Running: c.Running, Waiting: c.Waiting, Queued: c.Queued})
		if c.Program != digest {
			r.OnOlder += c.Running + c.Waiting + c.Queued
		}
	}
	for _, p := range x.engine.Status().Paused {
		word := "hold"
		if p.Drop {
			word = "drop"
		}
		r := at(p.Recipe)
		r.Paused, r.Reason = word, p.Reason
	}
	return recipes
}

// Connections implements control.Engine.
func (x *machine) Connections() []control.Connection {
	program := x.engine.Program()
	if program == nil {
		return nil
	}
	var out []control.Connection
	for _, c := range program.Connections() {
		shown := control.Connection{Name: c.Name, Service: c.Service.Name}
		if spec := x.registry.Spec(c.Service.Name); c.Listens && spec != nil && spec.Webhook != nil && !ownPaths(spec) {
			shown.Door = "/webhooks/" + c.Name
		}
		if conn := x.engine.Connection(c.Name); conn != nil {
			shown.Livemode = livemode(c.Service, conn)
		}
		x.vendors.describe(&shown)
		out = append(out, shown)
	}
	return out
}

// Matched implements control.Engine.
func (x *machine) Matched(ctx context.Context, e *runtime.Event, d *runtime.Decision) []string {
	program := x.engine.Program()
	if program == nil || program.Digest() != d.Program {
		if program = x.older.get(d.Program, func() *lang.Program { return x.compileOld(ctx, d.Program) }); program == nil {
			return nil
		}
	}
	names := []string{}
	for i, r := range listeners(program, e) {
		if i/8 < len(d.Matched) && d.Matched[i/8]&(1<<(i%8)) != 0 {
			names = append(names, r.Name)
		}
	}
	return names
}

// compileOld returns a program that the store keeps, or nil.
func (x *machine) compileOld(ctx context.Context, digest string) *lang.Program {
	kept, err := x.store.Program(ctx, digest)
	if err != nil {
		return nil
	}
	old, diags := lang.CompileFiles(kept.Files, x.registry)
	if diags.HasErrors() {
		return nil
	}
	return old
}

// olderPrograms are some programs that were served before, compiled: a page of events asks for the same one again and
// again.
type olderPrograms struct {
	mu   sync.Mutex
	kept []*lang.Program // the one that was asked for last at the end
}

const maxOlder = 4

// get returns a program, made by compile where it is not at hand; nil where compile gives none.
func (o *olderPrograms) get(digest string, compile func() *lang.Program) *lang.Program {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.IndexFunc(o.kept, func(p *lang.Program) bool { return p.Digest() == digest })
	var p *lang.Program
	if i >= 0 {
		p = o.kept[i]
		o.kept = slices.Delete(o.kept, i, i+1)
	} else if p = compile(); p == nil {
		return nil
	}
	if o.kept = append(o.kept, p); len(o.kept) > maxOlder {
		o.kept = slices.Delete(o.kept, 0, 1)
	}
	return p
}

// listeners returns the recipes that listen to an event's type, in the order of their names: the order of the bits of
// a decision.
func listeners(p *lang.Program, e *runtime.Event) []*check.Recipe {
	var out []*check.Recipe
	for _, r := range p.Recipes() {
		if !r.Disabled && slices.ContainsFunc(r.Triggers, func(t *check.Trigger) bool {
			return t.Connection == e.Connection && (slices.Contains(t.Events, e.Type) || slices.Contains(t.Events, "*"))
		}) {
			out = append(out, r)
		}
	}
	return out
}

// waiters returns the waits that look for events of an event's type, such as "wait.paid of dunning", in the order of the
// recipes' names.
func waiters(p *lang.Program, e *runtime.Event) []string {
	var out []string
	for _, r := range p.Recipes() {
		for _, n := range slices.Concat(r.Nodes, r.OnError) {
			if n.Kind != check.Wait || n.Wait.Event == nil || n.Wait.Event.Connection != e.Connection {
				continue
			}
			if t := n.Wait.Event; slices.Contains(t.Events, e.Type) || slices.Contains(t.Events, "*") {
				out = append(out, n.Address+" of "+r.Name)
			}
		}
	}
	return out
}

// waitText says what waiters found.
func waitText(waits []string) string {
	verb := " look for it"
	if len(waits) == 1 {
		verb = " looks for it"
	}
	return strings.Join(waits, ", ") + verb
}

// livemode tells whether a connection is one where money moves; nil where that can't be told.
func livemode(s *schema.Service, c *connectors.Conn) *bool {
	if s.Settings.Field("livemode") == nil {
		return nil
	}
	if live, err := strconv.ParseBool(c.Setting("livemode")); err == nil {
		return &live
	}
	return liveKey(c.Setting("api_key"))
}

// liveKey reads the mode out of a key of Stripe's form.
func liveKey(key string) *bool {
	for _, kind := range []string{"sk_", "rk_"} {
		mode, ok := strings.CutPrefix(key, kind)
		if !ok {
			continue
		}
		live := strings.HasPrefix(mode, "live_")
		if live || strings.HasPrefix(mode, "test_") {
			return &live
		}
	}
	return nil
}
