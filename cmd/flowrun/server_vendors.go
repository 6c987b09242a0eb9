package main

// What a server does at the vendors beside its recipes' calls: it keeps the endpoints right, or says in what they are not.

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/runtime/control"
	"github.com/flowrun/flowrun/runtime/endpoints"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/history"
)

const (
	endpointsEvery = time.Hour   // between two looks at the endpoints
	endpointsAgain = time.Minute // after one that failed
)

// vendorOptions are serve's flags about the vendors.
type vendorOptions struct {
	endpointOptions
	register bool
	poll     time.Duration
}

func (o *vendorOptions) define(f *flags) {
	o.endpointOptions.define(f)
	f.BoolVar(&o.register, "register", false, "keep the vendors' endpoints as the recipes need them; needs -public-url and -secret-file")
	f.DurationVar(&o.poll, "poll", 0, "`DURATION`: read the vendors' events so often, for a server that no webhook reaches; 10s to 15m")
}

// The shortest and the longest time between two looks for what is polled.
const (
	shortestPoll = 10 * time.Second
	longestPoll  = 15 * time.Minute
)

func (o *vendorOptions) check() error {
	if o.poll != 0 && (o.poll < shortestPoll || o.poll > longestPoll) {
		return usagef("-poll %s: use 10s to 15m", o.poll)
	}
	if o.poll != 0 && o.register {
		return usagef("-poll is for a server that no webhook reaches, so that -register would have events sent to nowhere")
	}
	if o.register && o.secretFile == "" {
		return usagef("-register needs -secret-file: a vendor tells the secret of a new endpoint once, and the store keeps no secrets")
	}
	if o.register || o.publicURL != "" {
		return o.endpointOptions.check()
	}
	return nil
}

// vendors is what a server knows of what is set up at the vendors.
type vendors struct {
	vendorOptions
	client *http.Client
	kick   chan struct{} // another program is served
	wanted chan struct{} // the same, for the reader of histories
	reader *history.Reader

	mu       *sync.Mutex
	program  *lang.Program
	bindings *lang.Bindings
	known    map[string]endpointState // by connection
	polled   map[string]bool          // connections whose events were read at least once
}

// endpointState is what is known of a connection's endpoint.
type endpointState struct {
	id      string
	notSent []string
	problem string
}

func newVendors() vendors {
	return vendors{kick: make(chan struct{}, 1), wanted: make(chan struct{}, 1), mu: &sync.Mutex{}}
}

// served notes what is served now.
func (v *vendors) served(p *lang.Program, b *lang.Bindings) {
	v.mu.Lock()
	v.program, v.bindings = p, b
	v.mu.Unlock()
	for _, c := range []chan struct{}{v.kick, v.wanted} {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (v *vendors) now() (*lang.Program, *lang.Bindings) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.program, v.bindings
}

// describe adds to a connection what is known of its endpoint.
func (v *vendors) describe(c *control.Connection) {
	v.mu.Lock()
	defer v.mu.Unlock()
	c.Polled = v.polled[c.Name]
	if known, ok := v.known[c.Name]; ok {
		c.Endpoint, c.NotSent, c.Problem = known.id, known.notSent, known.problem
	}
}

// read notes that a connection's events were read.
func (v *vendors) read(connection string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.polled == nil {
		v.polled = map[string]bool{}
	}
	v.polled[connection] = true
}

// learn keeps what is known, and returns those of whom something else was known before.
func (v *vendors) learn(known map[string]endpointState) []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var changed []string
	for name, s := range known {
		if old := v.known[name]; old.problem != s.problem || !slices.Equal(old.notSent, s.notSent) {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	v.known = known
	return changed
}

// keepEndpoints looks at the endpoints whenever another program is served, and from time to time.
func (s *server) keepEndpoints(ctx context.Context) {
	if s.mode != "serve" || s.vendors.poll > 0 {
		return // a stand-in sends nothing, and what is polled needs no endpoint
	}
	for wait := endpointsEvery; ; {
		wake, stop := s.m.Clock.After(wait)
		select {
		case <-s.vendors.kick:
		case <-wake:
		case <-ctx.Done():
			stop()
			return
		}
		stop()
		wait = endpointsEvery
		if !s.lookAtEndpoints(ctx) {
			wait = endpointsAgain
		}
	}
}

// lookAtEndpoints compares, and with -register changes. It reports whether all could be done.
func (s *server) lookAtEndpoints(ctx context.Context) bool {
	program, bindings := s.vendors.now()
	if program == nil {
		return true
	}
	awaited, err := s.store.Awaited(ctx)
	if err != nil {
		s.log.Error("reading what waits look for", "error", err)
		return false
	}
	x := &planner{registry: s.registry, client: s.vendors.client, options: &s.vendors.endpointOptions, make: endpoints.Make}
	if !s.vendors.register {
		x.make, x.listened = s.compare, true
	}
	plans := x.plan(ctx, program, bindings, awaited)
	known := map[string]endpointState{}
	created := false
	for i := range plans {
		p := &plans[i]
		if p.err == nil && s.vendors.register {
			made, err := s.register(ctx, p)
			created = created || made
			p.err = err
		}
		known[p.conn.Name] = s.stateOf(p)
	}
	if ctx.Err() != nil {
		return true
	}
	whole := true
	for _, p := range plans {
		whole = whole && p.err == nil
	}
	for _, name := range s.vendors.learn(known) {
		st := known[name]
		switch {
		case st.problem != "":
			s.log.Warn("the endpoint at the vendor", "connection", name, "problem", st.problem)
		case len(st.notSent) > 0:
			s.log.Warn("recipes need events that the endpoint at the vendor does not send; \"flowrun webhooks apply\" or -register change that",
				"connection", name, "endpoint", st.id, "not_sent", strings.Join(st.notSent, ", "))
		}
	}
	if created {
		s.watcher.Trigger("a new signing secret")
	}
	return whole
}

// register carries a plan out.
func (s *server) register(ctx context.Context, p *endpointPlan) (created bool, err error) {
	err = endpoints.Apply(ctx, p.api, p.conn, p.Plan, func(ch endpoints.Change, made connectors.Endpoint) error {
		s.log.Info("endpoint "+ch.Op.String()+"d", "connection", p.conn.Name, "endpoint", made.ID, "why", ch.Why)
		if ch.Op != endpoints.Delete && !ch.Endpoint.Retired {
			p.Now = &made
		}
		if ch.Op != endpoints.Create || p.api.Secretless {
			return nil
		}
		s.remember([]string{made.Secret})
		created = true
		return addSecret(s.vendors.file(s.m, p.conn.Name), made.Secret)
	})
	return created, err
}

// compare finds the endpoint that sends to this server where it may not be changed: by its URL where that is known,
// else by the path.
func (s *server) compare(_ *connectors.Endpoints, want endpoints.Want, have []connectors.Endpoint) (*endpoints.Plan, error) {
	p := &endpoints.Plan{Want: want}
	for i := range have {
		e := &have[i]
		ours := strings.HasSuffix(e.URL, "/webhooks/"+want.Connection)
		if s.vendors.publicURL != "" {
			ours = e.URL == want.URL
		}
		if ours && !e.Retired && (p.Now == nil || len(want.Lacking(e)) < len(want.Lacking(p.Now))) {
			p.Now = e
		}
	}
	return p, nil
}

// stateOf says what is wrong with an endpoint.
func (s *server) stateOf(p *endpointPlan) endpointState {
	if p.err != nil {
		return endpointState{problem: s.hide(p.err.Error())}
	}
	out := endpointState{notSent: p.Want.Lacking(p.Now)}
	switch {
	case len(p.Want.Events) == 0:
	case p.Now == nil:
		out.problem = "no endpoint at the vendor sends to this server, as far as their URLs tell"
	case p.Now.Disabled:
		out.id, out.problem = p.Now.ID, "the endpoint "+p.Now.ID+" is disabled"
		s.engine.Alert(engine.AlertEndpointDisabled, fmt.Sprintf("the endpoint %s of connection %q is disabled: nothing comes in", p.Now.ID, p.conn.Name), 1)
	default:
		out.id = p.Now.ID
	}
	return out
}
