package main

// Triggers that no vendor fires: paths of a recipe's own, set times, lists that are looked at. What they are is in the
// recipes, so all of it is found in the program.

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	httpservice "github.com/flowrun/flowrun/connectors/http"
	plans "github.com/flowrun/flowrun/connectors/schedule"
	"github.com/flowrun/flowrun/connectors/webhook"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/control"
	"github.com/flowrun/flowrun/runtime/ingress"
	"github.com/flowrun/flowrun/runtime/schedule"
)

// ownPaths reports whether a service's webhooks come in at paths that recipes name, and not at its connections' names.
func ownPaths(spec *connectors.Spec) bool {
	return slices.ContainsFunc(spec.Triggers, func(t *schema.Trigger) bool { return t.PathSetting != "" })
}

// ownTriggers calls f with each trigger that recipes define themselves, until it returns false. A wait may look for one.
func ownTriggers(p *lang.Program, f func(*check.Recipe, *check.Trigger) bool) {
	for _, r := range p.Recipes() {
		if r.Disabled {
			continue
		}
		all := slices.Clone(r.Triggers)
		for _, n := range slices.Concat(r.Nodes, r.OnError) {
			if n.Wait != nil && n.Wait.Event != nil {
				all = append(all, n.Wait.Event)
			}
		}
		for _, t := range all {
			if t.Spec.For != nil && !f(r, t) {
				return
			}
		}
	}
}

// ownPath returns the door of a path that a recipe names, or nil.
func (s *server) ownPath(p *lang.Program, path string) *ingress.Door {
	var door *ingress.Door
	ownTriggers(p, func(_ *check.Recipe, t *check.Trigger) bool {
		spec, conn := s.registry.Spec(t.Spec.Service), s.engine.Connection(t.Connection)
		if t.Spec.PathSetting == "" || !slices.Contains(t.Events, path) || spec == nil || spec.Webhook == nil || conn == nil {
			return true
		}
		use := schema.Use{Given: t.Settings}
		door = &ingress.Door{Conn: conn, Webhook: spec.Webhook, Path: path, Settings: t.Settings, Method: use.Text("method")}
		if v, ok := t.Settings["status"]; ok && !v.IsNull() && v.Type() == cty.Number {
			n, _ := v.AsBigFloat().Int64()
			door.Status = int(n)
		}
		if v, ok := t.Settings["answer"]; ok && !v.IsNull() {
			if raw, err := schema.AppendJSON(nil, v); err == nil { // a literal always can be written
				door.Answer = raw
			}
		}
		return false
	})
	return door
}

// doorNames are the names below /webhooks/ at which something is taken.
func (s *server) doorNames(p *lang.Program) []string {
	var names []string
	for _, c := range p.Connections() {
		if spec := s.registry.Spec(c.Service.Name); c.Listens && spec != nil && spec.Webhook != nil && !ownPaths(spec) {
			names = append(names, c.Name)
		}
	}
	ownTriggers(p, func(_ *check.Recipe, t *check.Trigger) bool {
		if t.Spec.PathSetting != "" && !slices.Contains(names, t.Events[0]) {
			names = append(names, t.Events[0])
		}
		return true
	})
	return names
}

// sources returns the triggers of a program that fire by themselves.
func (s *server) sources(p *lang.Program) ([]schedule.Source, error) {
	var out []schedule.Source
	var fault error
	ownTriggers(p, func(r *check.Recipe, t *check.Trigger) bool {
		src := schedule.Source{Connection: t.Connection, Service: t.Spec.Service, Type: t.Events[0]}
		switch t.Spec.Name {
		case "schedule":
			src.Plan, fault = plans.New(t.Settings)
		case "poll":
			src.Poll, fault = s.poll(t)
		default:
			return true
		}
		if fault != nil {
			fault = fmt.Errorf("recipe %s: %w", r.Name, fault)
			return false
		}
		out = append(out, src)
		return true
	})
	return out, fault
}

// poll makes what looks at a list.
func (s *server) poll(t *check.Trigger) (*schedule.Poll, error) {
	use := schema.Use{Given: t.Settings}
	every, err := schema.ParseDuration(use.Text("every"))
	if err != nil {
		return nil, err
	}
	conn := s.engine.Connection(t.Connection)
	if conn == nil {
		return nil, fmt.Errorf("connection %q is not bound", t.Connection)
	}
	key := use.Text("key")
	if key == "" {
		key = "id"
	}
	p := &schedule.Poll{Every: every, Key: strings.Split(key, "."), Item: t.Payload.Field("item").Type.Object,
		Capture: []string{httpservice.Insert, httpservice.Update}}
	if v, ok := t.Settings["capture"]; ok && !v.IsNull() {
		p.Capture = nil
		for it := v.ElementIterator(); it.Next(); {
			_, kind := it.Element()
			p.Capture = append(p.Capture, kind.AsString())
		}
	}
	if v, ok := t.Settings["initial"]; ok && !v.IsNull() && v.Type() == cty.Bool {
		p.Initial = v.True()
	}
	list := map[string]cty.Value{}
	for _, name := range []string{"path", "url", "query", "headers", "paging", "items", "key"} {
		if v, ok := t.Settings[name]; ok {
			list[name] = v
		}
	}
	raw, err := schema.AppendJSON(nil, cty.ObjectVal(list))
	if err != nil {
		return nil, fmt.Errorf("reading the settings of the poll: %w", err)
	}
	var fields []string
	for i := range p.Item.Fields() {
		f := &p.Item.Fields()[i]
		fields = append(fields, f.Name+" "+f.Type.String())
	}
	p.Text = string(raw) + strings.Join(fields, ",")
	p.Look = func(ctx context.Context) ([][]byte, error) { return httpservice.Look(ctx, conn, list) }
	if s.elsewhere(t, conn) {
		p.Look = func(context.Context) ([][]byte, error) { return [][]byte{p.Item.Sample(t.Events[0])}, nil }
	}
	return p, nil
}

// elsewhere reports whether a list can't be looked at from a sandbox: it is on another machine. There it is a sample that
// never changes.
func (s *server) elsewhere(t *check.Trigger, conn *connectors.Conn) bool {
	if s.mode != "dev" {
		return false
	}
	use := schema.Use{Given: t.Settings}
	at, err := url.Parse(cmp.Or(use.Text("url"), conn.Setting("base_url")))
	return err == nil && !loopback(net.JoinHostPort(at.Hostname(), "0"))
}

// sampledLists returns the types of the polls whose lists a sandbox does not look at.
func (s *server) sampledLists() []string {
	var out []string
	ownTriggers(s.engine.Program(), func(_ *check.Recipe, t *check.Trigger) bool {
		if conn := s.engine.Connection(t.Connection); t.Spec.Name == "poll" && conn != nil && s.elsewhere(t, conn) {
			out = append(out, t.Events[0])
		}
		return true
	})
	return out
}

// ownTrigger returns the trigger of the current program whose events have the type, or nil.
func (s *server) ownTrigger(typ string) *check.Trigger {
	program := s.engine.Program()
	if program == nil {
		return nil
	}
	var found *check.Trigger
	ownTriggers(program, func(_ *check.Recipe, t *check.Trigger) bool {
		if slices.Contains(t.Events, typ) {
			found = t
		}
		return found == nil
	})
	return found
}

// sendOwn makes a sample of what a recipe declares, and sends it where it comes in, or accepts it where nothing does.
func (s *server) sendOwn(ctx context.Context, t *check.Trigger, r control.TriggerRequest) (control.TriggerResult, error) {
	now := s.m.Clock.Now()
	sm := &sample{spec: s.registry.Spec(t.Spec.Service), trigger: t.Spec, eventType: r.Type, id: newSampleID(), body: t.Payload.Sample(r.Type)}
	if err := sm.set(t.Payload, nil, r.Set); err != nil {
		return control.TriggerResult{}, fmt.Errorf("%w: %w", control.ErrBadTrigger, err)
	}
	result := control.TriggerResult{EventID: sm.id, Connection: t.Connection, Type: r.Type}
	if t.Spec.PathSetting == "" {
		ev := &runtime.Event{Connection: t.Connection, Service: t.Spec.Service, ID: sm.id, Type: r.Type, Time: now, ReceivedAt: now, Livemode: true, Payload: sm.body}
		accepted, err := s.store.AcceptEvent(ctx, ev)
		if err != nil {
			return control.TriggerResult{}, fmt.Errorf("storing the event: %w", err)
		}
		if accepted {
			s.accepted(ev)
		}
		result.Accepted = accepted
		return result, nil
	}
	door := s.findDoor(r.Type)
	if door == nil {
		return control.TriggerResult{}, fmt.Errorf("%w: nothing is taken at /webhooks/%s", control.ErrBadTrigger, r.Type)
	}
	secret, _, _ := strings.Cut(door.Conn.Setting(sm.spec.Webhook.SecretSetting), ",")
	sm.method, sm.headers = door.Method, webhook.Sign(door.Conn, sm.body, strings.TrimSpace(secret), now)
	a, err := sm.post(ctx, "http://"+dialable(s.webhooks.Addr().String())+"/webhooks/"+r.Type, "", now)
	if err != nil {
		return control.TriggerResult{}, err
	}
	if a.status < 200 || a.status > 299 {
		return control.TriggerResult{}, fmt.Errorf("the listener answered %d: %s", a.status, a.body)
	}
	result.Connection, result.Accepted = r.Type, true
	return result, nil
}

// answering is the transport of dev: a request that nobody on this machine can answer is answered here.
func (s *server) answering(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		a, ok := r.Context().Value(actionKey{}).(*connectors.Action)
		if !ok {
			return next.RoundTrip(r)
		}
		status, reply, ok := s.answer(a)
		if !ok {
			return next.RoundTrip(r)
		}
		body := ""
		if r.Body != nil {
			raw, err := io.ReadAll(r.Body)
			r.Body.Close()
			if err != nil {
				return nil, err
			}
			body = string(raw)
		}
		if s.called != nil {
			s.called(a.Service, r.Method, r.URL.Host+r.URL.Path, body, status)
		}
		return &http.Response{StatusCode: status, Status: strconv.Itoa(status) + " " + http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(reply)),
			ContentLength: int64(len(reply)), Request: r}, nil
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
