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
		long: "Each vendor is asked something harmless with the key that the recipes would use. Nothing is changed. The exit code is 1\n" +
			"where something would keep the recipes from working.",
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
}

func (f finding) print(m *Main) {
	fmt.Fprintf(m.Stdout, "%-5s %s: %s\n", f.Grade, f.Connection, f.Text)
	for _, p := range f.Permissions {
		fmt.Fprintf(m.Stdout, "        %s\n", p)
	}
}

// examine looks at one connection.
func examine(ctx context.Context, m *Main, r *connectors.Registry, p *lang.Program, c lang.BoundConnection, hide secrets) []finding {
	spec := r.Spec(c.Service)
	if spec == nil || spec.Local {
		return nil
	}
	var out []finding
	add := func(grade, format string, args ...any) {
		out = append(out, finding{Connection: c.Name, Grade: grade, Text: hide.hide(fmt.Sprintf(format, args...))})
	}
	if spec.Webhook != nil && len(c.Settings[spec.Webhook.SecretSetting]) == 0 && slices.ContainsFunc(p.Connections(),
		func(k *check.Connection) bool { return k.Name == c.Name && k.Listens }) {
		add("bad", "it has no %s, so that no webhook can be taken", spec.Webhook.SecretSetting)
	}
	clock := &vendorClock{inner: connectors.NewTransport(), now: m.Clock.Now}
	conn := &connectors.Conn{Name: c.Name, Service: c.Service, Settings: c.Settings, Client: &http.Client{Transport: clock}}
	switch keyless := spec.Endpoints != nil && conn.Setting(spec.Endpoints.KeySetting) == ""; {
	case keyless:
		add("note", "it has no %s, so that its vendor can't be asked", spec.Endpoints.KeySetting)
	case spec.Probe == nil:
		add("note", "its vendor has nothing harmless to ask for; its settings are complete")
	default:
		ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
		err := spec.Probe(ctx, conn)
		cancel()
		switch {
		case err == nil:
			add("ok", "the vendor answers and takes the key")
		case connectors.AsError(err).Kind == connectors.KindInvalid && !calls(p, c.Name):
			add("note", "its vendor can't be asked, and no recipe calls it: %v", err)
		default:
			add("bad", "%v", err)
		}
		if skew, known := clock.skew(); known && skew.Abs() > maxSkew {
			add("bad", "this machine's clock is %s off the vendor's: signatures will be refused", skew.Round(time.Second))
		}
	}
	if spec.KeyNote != nil {
		if note := spec.KeyNote(conn); note != "" {
			add("note", "%s", note)
		}
	}
	if needs := permissions(spec, p, c.Name); len(needs) > 0 {
		out = append(out, finding{Connection: c.Name, Grade: "note", Text: "what a restricted key must be allowed", Permissions: needs})
	}
	return out
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

// permissions returns what a connection's key must be allowed, sorted; to write includes to read.
func permissions(spec *connectors.Spec, p *lang.Program, connection string) []string {
	if spec.Permission == nil {
		return nil
	}
	set := map[string]string{}
	add := func(permission, why string) {
		if permission != "" && set[permission] == "" {
			set[permission] = why
		}
	}
	for _, r := range p.Recipes() {
		for _, n := range slices.Concat(r.Nodes, r.OnError) {
			if n.Kind == check.Action && n.Connection == connection && !r.Disabled {
				add(spec.Permission(n.Action.Name), n.Action.Name)
			}
		}
	}
	for _, c := range p.Connections() {
		if c.Name == connection && c.Listens {
			add(spec.PermissionFor["history"], "so that no event is missed")
			add(spec.PermissionFor["endpoints"], "webhooks apply, serve -register")
		}
	}
	var out []string
	for permission, why := range set {
		if resource, read := strings.CutSuffix(permission, ": read"); read && set[resource+": write"] != "" {
			continue
		}
		out = append(out, permission+" ("+why+")")
	}
	slices.Sort(out)
	return out
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
