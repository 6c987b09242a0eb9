package main

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
	"github.com/flowrun/flowrun/lang/check"
)

// maxSkew is how far this machine's clock may be from a vendor's before signatures are in danger: they are taken for
// five minutes.
const maxSkew = time.Minute

// doctorTimeout is how long a vendor is given to answer.
const doctorTimeout = 20 * time.Second

func doctorCommand() *command {
	var vars, varFiles list
	asJSON := false
	return &command{
		name:  "doctor",
		args:  "[DIR]",
		group: groupOperate,
		short: "say whether the connections work, and what their keys must be allowed",
		long: "Each vendor is asked something harmless with the credentials that the recipes would use. Nothing is changed. Of a\n" +
			"restricted Stripe key it finds out what it may do, beside what the recipes need: by lists of one object, and by changes\n" +
			"of objects that are not there. The exit code is 1 where something would keep the recipes from working.",
		example: "flowrun doctor recipes",
		maxArgs: 1,
		flags: func(f *flags) {
			f.Var(&vars, "var", "`NAME=VALUE`: a variable; may be repeated (FLOWRUN_VAR_name)")
			f.Var(&varFiles, "var-file", "`FILE`: variables, name = value; may be repeated")
			f.BoolVar(&asJSON, "json", false, "print JSON")
		},
		run: func(ctx context.Context, m *Main, args []string) error {
			b, p, registry, err := m.bindFor(args, varFiles, vars, &endpointOptions{})
			if err != nil {
				return err
			}
			var all []finding
			for _, c := range b.Connections {
				all = append(all, examine(ctx, m, registry, p.program, c, b.Secrets)...)
			}
			if asJSON {
				if err := printJSON(m.Stdout, all); err != nil {
					return err
				}
			} else {
				for _, f := range all {
					f.print(m)
				}
			}
			if slices.ContainsFunc(all, func(f finding) bool { return f.Grade == "bad" }) {
				return errProblems
			}
			return nil
		},
	}
}

// finding is one thing that doctor found.
type finding struct {
	Connection  string   `json:"connection"`
	Grade       string   `json:"grade"` // "ok", "note" or "bad"
	Text        string   `json:"text"`
	Permissions []string `json:"permissions,omitempty"`
	Needs       []need   `json:"needs,omitempty"` // of the list of what the key must be allowed
	Link        string   `json:"link,omitempty"`  // where such a key is made
}

func (f finding) print(m *Main) {
	fmt.Fprintf(m.Stdout, "%-5s %s: %s\n", f.Grade, f.Connection, f.Text)
	for _, p := range f.Permissions {
		fmt.Fprintf(m.Stdout, "        %s\n", p)
	}
	if f.Link != "" {
		fmt.Fprintf(m.Stdout, "        %s\n", f.Link)
	}
}

// patient looks at one connection.
type patient struct {
	m     *Main
	spec  *connectors.Spec
	p     *lang.Program
	c     lang.BoundConnection
	conn  *connectors.Conn
	hide  secrets
	found []finding
}

// examine looks at one connection.
func examine(ctx context.Context, m *Main, r *connectors.Registry, p *lang.Program, c lang.BoundConnection, hide secrets) []finding {
	spec := r.Spec(c.Service)
	if spec == nil || spec.Local {
		return nil
	}
	transport := connectors.NewTransport()
	r.Speak(transport)
	clock := &vendorClock{inner: connectors.Guarded(transport), now: m.Clock.Now}
	x := &patient{m: m, spec: spec, p: p, c: c, hide: hide,
		conn: &connectors.Conn{Name: c.Name, Service: c.Service, Settings: c.Settings, Client: &http.Client{Transport: clock}}}
	if spec.Webhook != nil && len(c.Settings[spec.Webhook.SecretSetting]) == 0 && x.listens() && !ownPaths(spec) {
		x.add("bad", "it has no %s, so that no webhook can be taken", spec.Webhook.SecretSetting)
	}
	reached := x.probe(ctx)
	if skew, known := clock.skew(); known && skew.Abs() > maxSkew {
		x.add("bad", "this machine's clock is %s off the vendor's: signatures will be refused", skew.Round(time.Second))
	}
	if spec.Unsure != "" {
		x.add("note", "%s", spec.Unsure)
	}
	if spec.Keys != nil {
		x.keys(ctx, reached)
	}
	return x.found
}

func (x *patient) add(grade, format string, args ...any) {
	x.found = append(x.found, finding{Connection: x.c.Name, Grade: grade, Text: x.hide.hide(fmt.Sprintf(format, args...))})
}

func (x *patient) listens() bool {
	return slices.ContainsFunc(x.p.Connections(), func(k *check.Connection) bool { return k.Name == x.c.Name && k.Listens })
}

// probe asks each of the service's APIs something harmless. It reports whether all that could be asked answered well.
func (x *patient) probe(ctx context.Context) (reached bool) {
	if len(x.spec.Probes) == 0 {
		x.add("note", "its vendor has nothing harmless to ask for; its settings are complete")
		return false
	}
	reached = true
	for _, p := range x.spec.Probes {
		missing := slices.DeleteFunc(slices.Clone(p.Requires), func(name string) bool { return x.conn.Setting(name) != "" })
		if len(missing) > 0 {
			reached = false
			x.add("note", "it has no %s, so that %s can't be asked", strings.Join(missing, " and no "), p.Name)
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
		err := p.Ask(ctx, x.conn)
		cancel()
		switch {
		case err != nil && connectors.AsError(err).Kind == connectors.KindInvalid && !calls(x.p, x.c.Name):
			reached = false
			x.add("note", "%s can't be asked, and no recipe calls it: %v", p.Name, err)
		case err != nil:
			reached = false
			if len(x.spec.Probes) > 1 {
				err = fmt.Errorf("%s: %w", p.Name, err)
			}
			x.add("bad", "%v", err)
		case x.spec.Keys != nil:
			words, _ := x.spec.Keys.Kind(x.conn)
			x.add("ok", "%s answers and takes %s: %s", p.Name, p.Takes, words)
		default:
			x.add("ok", "%s answers and takes %s", p.Name, p.Takes)
		}
	}
	return reached
}

// calls reports whether a recipe calls a connection's vendor.
func calls(p *lang.Program, connection string) bool {
	for _, r := range p.Recipes() {
		for _, n := range slices.Concat(r.Nodes, r.OnError) {
			if n.Kind == check.Action && n.Connection == connection && !r.Disabled {
				return true
			}
		}
	}
	return false
}

// vendorClock notes by how much a vendor's clock differs from ours.
type vendorClock struct {
	inner http.RoundTripper
	now   func() time.Time

	mu    sync.Mutex
	off   time.Duration
	known bool
}

// RoundTrip implements http.RoundTripper.
func (v *vendorClock) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := v.inner.RoundTrip(r)
	if err != nil {
		return resp, err
	}
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		v.mu.Lock()
		v.off, v.known = v.now().Sub(at), true
		v.mu.Unlock()
	}
	return resp, nil
}

func (v *vendorClock) skew() (time.Duration, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.off, v.known
}
