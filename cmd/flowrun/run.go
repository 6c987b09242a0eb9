package main

// One recipe on one event, here and now. Calls are made by the real callers up to the wire; there they are shown, and
// answered with what the action declares, so that what is printed is what would be sent.

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/memstore"
)

// liveness is the flag -live: nothing is sent, look-ups are, or all is.
type liveness string

const (
	dry       liveness = ""
	liveReads liveness = "reads"
	liveAll   liveness = "true"
)

func (l *liveness) String() string   { return string(*l) }
func (l *liveness) IsBoolFlag() bool { return true }

func (l *liveness) Set(s string) error {
	switch s {
	case "true", "all":
		*l = liveAll
	case "reads":
		*l = liveReads
	case "false":
		*l = dry
	default:
		return fmt.Errorf("use -live or -live=reads")
	}
	return nil
}

func (l liveness) sends(effect schema.Effect) bool {
	return l == liveAll || l == liveReads && effect == schema.Read
}

func runCommand() *command {
	var o runOptions
	return &command{
		name:  "run",
		args:  "RECIPE",
		short: "run one recipe on one event, and show each step and the exact requests",
		long: "Nothing is sent unless -live is given: each call is answered with the example that its action declares, and a\n" +
			"trigger with latest is the object as FILE has it; -live=reads fetches it.\n" +
			"FILE holds a service's event as JSON, or only the object that the trigger is about; - is standard input.\n" +
			"Settings that the environment lacks are made up while nothing is sent.",
		example: "flowrun trigger charge.failed -print > event.json && flowrun run billing/dunning -dir recipes -event event.json",
		group:   groupWrite,
		maxArgs: 1,
		flags: func(f *flags) {
			f.StringVar(&o.event, "event", "", "`FILE`: the event")
			f.StringVar(&o.dir, "dir", ".", "`DIR`: the folder of recipes")
			f.StringVar(&o.eventType, "type", "", "`TYPE`: the event's type, where FILE holds only its object (default the recipe's only one)")
			f.Var(&o.live, "live", "make the calls; -live=reads makes look-ups only")
			f.Var(&o.vars, "var", "`NAME=VALUE`: a variable; may be repeated (FLOWRUN_VAR_name)")
			f.Var(&o.varFiles, "var-file", "`FILE`: variables, name = value; may be repeated")
			f.BoolVar(&o.asJSON, "json", false, "print JSON")
		},
		run: func(ctx context.Context, m *Main, args []string) error {
			if len(args) == 0 {
				return usagef("which recipe? For example: flowrun run billing/dunning -event event.json")
			}
			if o.event == "" {
				return usagef("which event? Give a file with -event; \"flowrun trigger TYPE -print\" makes one")
			}
			return o.run(ctx, m, strings.TrimSuffix(args[0], ".hcl"))
		},
	}
}

type runOptions struct {
	event, dir, eventType string
	live                  liveness
	vars, varFiles        list
	asJSON                bool
}

func (o *runOptions) run(ctx context.Context, m *Main, name string) error {
	registry := all.Registry()
	shown, dir, err := m.folder([]string{o.dir})
	if err != nil {
		return err
	}
	vars, err := m.variables(o.varFiles, o.vars)
	if err != nil {
		return err
	}
	p := compile(shown, dir, registry)
	bindings, err := o.bind(m, p, registry, vars)
	if err != nil {
		return err
	}
	recipe := p.program.Recipe(name)
	if recipe == nil {
		var names []string
		for _, r := range p.program.Recipes() {
			names = append(names, r.Name)
		}
		return usagef("there is no recipe %q in the folder %q.%s", name, shown, diag.DidYouMean(name, names))
	}
	ev, err := o.read(m, registry, recipe)
	if err != nil {
		return err
	}
	hidden := secrets(bindings.Secrets)
	transport := connectors.NewTransport()
	registry.Speak(transport)
	recorder := &wire{live: o.live, secrets: hidden, next: connectors.Guarded(transport)}
	observed, err := recorder.observe()
	if err != nil {
		return err
	}
	store := memstore.New()
	defer store.Close()
	if _, err := store.AcceptEvent(ctx, ev); err != nil {
		return fmt.Errorf("keeping the event: %w", err)
	}
	own := !o.live.sends(schema.Read) // nothing is fetched
	e := engine.New(engine.Config{Store: store, Registry: observed, Clock: m.Clock, Client: &http.Client{Transport: recorder},
		OwnObject: func(string) bool { return own }})
	if err := e.Swap(ctx, p.program, bindings); err != nil {
		return err
	}
	run, err := e.Once(ctx, name, ev)
	if err != nil {
		return err
	}
	out := &report{m: m, secrets: hidden, recipe: recipe, event: ev, run: run, requests: recorder.seen, own: own}
	if o.asJSON {
		err = out.json()
	} else {
		out.text()
	}
	if ended := []runtime.RunStatus{runtime.RunCompleted, runtime.RunFiltered, runtime.RunSkipped}; err == nil && !slices.Contains(ended, run.Status) && !out.waits() {
		return errProblems
	}
	return err
}

// bind gives the program its values, made up where need be and nothing is sent.
func (o *runOptions) bind(m *Main, p *project, registry *connectors.Registry, vars map[string]string) (*lang.Bindings, error) {
	diags := p.diags
	var bindings *lang.Bindings
	if p.program != nil && !diags.HasErrors() {
		in := p.inputs(m.Env, vars)
		if o.live == dry {
			in = newInventor(registry, m.Env).inputs(p, vars)
		}
		b, more := p.program.Bind(in)
		bindings, diags = b, slices.Concat(diags, more)
	}
	if err := m.printDiags(m.Stderr, diags, p.files()); err != nil {
		return nil, err
	}
	if diags.HasErrors() || bindings == nil {
		return nil, errProblems
	}
	return bindings, p.checkVariables(vars)
}

// read reads the event and finds the trigger of the recipe that it fires.
func (o *runOptions) read(m *Main, registry *connectors.Registry, recipe *check.Recipe) (*runtime.Event, error) {
	body, err := m.readInput(o.event)
	if err != nil {
		return nil, err
	}
	return o.decode(m, registry, recipe, body)
}

// decode makes an event of a body.
func (o *runOptions) decode(m *Main, registry *connectors.Registry, recipe *check.Recipe, body []byte) (*runtime.Event, error) {
	err := schema.CheckJSON(body, schema.JSONLimits{})
	if err != nil {
		return nil, fmt.Errorf("reading the event from %s: %w", o.event, err)
	}
	if len(recipe.Triggers) == 0 {
		return nil, usagef("recipe %s has no trigger", recipe.Name)
	}
	if t := recipe.Triggers[0]; t.Spec.For != nil { // the file holds what `trigger` is
		now := m.Clock.Now()
		return &runtime.Event{Connection: t.Connection, Service: t.Spec.Service, ID: "evt_run", Type: t.Events[0], Time: now, ReceivedAt: now,
			Livemode: true, Payload: body}, nil
	}
	hook := registry.Spec(recipe.Triggers[0].Spec.Service).Webhook
	if hook == nil {
		return nil, usagef("%s has no webhooks, so that no event can be read from a file", recipe.Triggers[0].Spec.Service)
	}
	now := m.Clock.Now()
	if schema.Lookup(body, hook.Data...) == nil {
		if body, err = o.wrap(recipe, hook, body, m); err != nil {
			return nil, err
		}
	}
	text := func(name string) string { s, _ := schema.StringOf(schema.Lookup(body, name)); return s }
	ev := &runtime.Event{ReceivedAt: now, Time: now, ID: text("id"), Type: text("type"), Account: text("account"),
		APIVersion: text("api_version"), Payload: body}
	ev.Livemode, _ = schema.BoolOf(schema.Lookup(body, "livemode"))
	// The envelope is read by the service itself, once it is signed with a secret of our own.
	env, err := hook.Envelope(body, now)
	if err != nil {
		return nil, fmt.Errorf("reading the event from %s: %w", o.event, err)
	}
	if env != nil {
		ev.ID, ev.Type, ev.Time, ev.Account, ev.APIVersion, ev.Livemode = env.ID, env.Type, env.Time, env.Account, env.APIVersion, env.Livemode
	}
	for _, t := range recipe.Triggers {
		if slices.Contains(t.Events, ev.Type) || slices.Contains(t.Events, "*") {
			ev.Connection, ev.Service = t.Connection, t.Spec.Service
			return ev, nil
		}
	}
	return nil, usagef("recipe %s does not listen to %s, only to %s", recipe.Name, ev.Type, strings.Join(recipe.Triggers[0].Events, ", "))
}

// wrap puts an object into an event of the recipe's type.
func (o *runOptions) wrap(recipe *check.Recipe, hook *connectors.Webhook, object []byte, m *Main) ([]byte, error) {
	typ := o.eventType
	if typ == "" {
		if len(recipe.Triggers) > 1 || len(recipe.Triggers[0].Events) != 1 {
			return nil, usagef("%s holds an object and no event, and recipe %s listens to several types: give one with -type", o.event, recipe.Name)
		}
		typ = recipe.Triggers[0].Events[0]
	}
	whole, err := hook.Sample(typ, "evt_run", m.Clock.Now())
	if err != nil {
		return nil, usagef("%v", err)
	}
	var event any
	if err := json.Unmarshal(whole, &event); err != nil {
		return nil, fmt.Errorf("reading a sample of %s: %w", typ, err)
	}
	last := len(hook.Data) - 1
	parent, ok := inside(event, hook.Data[:last])
	if !ok {
		return nil, fmt.Errorf("a sample of %s has no %s", typ, hook.Data)
	}
	parent[hook.Data[last]] = json.RawMessage(object)
	out, err := json.Marshal(event)
	if err != nil {
		return nil, fmt.Errorf("wrapping the object: %w", err)
	}
	return out, nil
}

// replyOf is what a service answers a call of an action, by its description.
func replyOf(a *connectors.Action) string {
	if a.ReplyFor != nil && a.Out != nil {
		return a.ReplyFor(a)
	}
	return cmp.Or(a.Reply, a.Answer)
}

func (m *Main) readInput(name string) ([]byte, error) {
	if name == "-" {
		raw, err := io.ReadAll(io.LimitReader(m.Stdin, maxStdin))
		if err != nil {
			return nil, fmt.Errorf("reading standard input: %w", err)
		}
		return raw, nil
	}
	raw, err := os.ReadFile(m.path(name))
	if err != nil {
		return nil, fmt.Errorf("reading the event from %s: %w", name, cause(err))
	}
	return raw, nil
}

// wire is the transport of a dry run: it notes each request, and answers it or lets it through.
type wire struct {
	live    liveness
	secrets secrets
	next    http.RoundTripper

	mu   sync.Mutex
	seen []request
}

// request is one call as it would be sent, without secrets.
type request struct {
	Action  string            `json:"action"`
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body,omitempty"`
	Sent    bool              `json:"sent"`
	Status  int               `json:"status"`
	Answer  string            `json:"answer,omitempty"`
}

type actionKey struct{}

// observe returns a registry whose callers tell the transport which action calls.
func (w *wire) observe() (*connectors.Registry, error) {
	return wrappedRegistry(func(_ *connectors.Action, inner connectors.Caller) connectors.Caller {
		return connectors.Func(func(ctx context.Context, c *connectors.Call) (connectors.Result, error) {
			return inner.Call(context.WithValue(ctx, actionKey{}, c.Action), c)
		})
	})
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	a, ok := r.Context().Value(actionKey{}).(*connectors.Action)
	if !ok {
		return nil, fmt.Errorf("a call that belongs to no action")
	}
	seen := request{Action: a.Name, Method: r.Method, URL: w.secrets.hide(r.URL.String()), Headers: map[string]string{}}
	for name, values := range r.Header {
		seen.Headers[name] = w.secrets.hide(strings.Join(values, ", "))
	}
	if r.Header.Get("Authorization") != "" {
		seen.Headers["Authorization"] = "[redacted]"
	}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return nil, err
		}
		seen.Body = w.secrets.hide(string(body))
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	resp, err := w.answer(r, a, &seen)
	w.mu.Lock()
	w.seen = append(w.seen, seen)
	w.mu.Unlock()
	return resp, err
}

func (w *wire) answer(r *http.Request, a *connectors.Action, seen *request) (*http.Response, error) {
	if !w.live.sends(a.Effect) {
		seen.Status, seen.Answer = http.StatusOK, replyOf(a)
		body := cmp.Or(seen.Answer, "{}")
		return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
			ContentLength: int64(len(body)), Request: r}, nil
	}
	seen.Sent = true
	resp, err := w.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	seen.Status = resp.StatusCode
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	seen.Answer = w.secrets.hide(string(body))
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}
