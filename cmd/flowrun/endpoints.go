package main

// Where vendors send events: what the commands `webhooks` and `serve -register` share.

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/endpoints"
)

// noSecret stands for a signing secret that there is none of yet, so that a program can be bound. It is struck out of
// the connection before anything could be verified with it.
const noSecret = "flowrun-has-no-secret-yet"

// endpointOptions say how endpoints are set up.
type endpointOptions struct {
	publicURL, instance, secretFile string
}

func (o *endpointOptions) define(f *flags) {
	f.StringVar(&o.publicURL, "public-url", "", "`URL`: where vendors reach the listener for webhooks, such as https://hooks.example.com")
	f.fromEnv("public-url", "FLOWRUN_PUBLIC_URL")
	f.StringVar(&o.instance, "instance", "", "`NAME`: whose endpoints these are, where several flowruns share an account (default the host of -public-url)")
	f.fromEnv("instance", "FLOWRUN_INSTANCE")
	f.StringVar(&o.secretFile, "secret-file", "", "`FILE`: where signing secrets are written, mode 0600; {connection} in it stands for the connection's name")
	f.fromEnv("secret-file", "FLOWRUN_SECRET_FILE")
}

// check refuses what a vendor would refuse, or send events to nowhere with.
func (o *endpointOptions) check() error {
	u, err := url.Parse(o.publicURL)
	switch {
	case o.publicURL == "":
		return usagef("where do vendors reach the server? Give -public-url https://… or set FLOWRUN_PUBLIC_URL")
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return usagef("-public-url %q is not a URL such as https://hooks.example.com", o.publicURL)
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(net.JoinHostPort(u.Hostname(), "80"))):
		return usagef("-public-url %q must begin with https://: events are data of people, and are not sent in the clear", o.publicURL)
	}
	if o.instance == "" {
		o.instance = u.Host
	}
	for _, c := range o.instance {
		if c <= ' ' || c > '~' || len(o.instance) > 100 {
			return usagef("-instance %q: use at most 100 letters, digits, dots and dashes", o.instance)
		}
	}
	return nil
}

func (o *endpointOptions) url(connection string) string {
	return strings.TrimRight(o.publicURL, "/") + "/webhooks/" + connection
}

// file returns the path of a connection's secrets, "" where they aren't kept.
func (o *endpointOptions) file(m *Main, connection string) string {
	if o.secretFile == "" {
		return ""
	}
	return m.path(strings.ReplaceAll(o.secretFile, "{connection}", connection))
}

// checkFiles refuses one file for the secrets of several connections.
func (o *endpointOptions) checkFiles(p *lang.Program, r *connectors.Registry) error {
	var names []string
	for _, c := range p.Connections() {
		if api := endpointsOf(r, c); c.Listens && api != nil && !api.Secretless {
			names = append(names, c.Name)
		}
	}
	if len(names) > 1 && o.secretFile != "" && !strings.Contains(o.secretFile, "{connection}") {
		return usagef("-secret-file %s would hold the secrets of %s: write {connection} where the connection's name belongs",
			o.secretFile, strings.Join(names, " and "))
	}
	return nil
}

func endpointsOf(r *connectors.Registry, c *check.Connection) *connectors.Endpoints {
	if s := r.Spec(c.Service.Name); s != nil {
		return s.Endpoints
	}
	return nil
}

// secretless returns inputs by which a program can be bound before its endpoints have secrets.
func (o *endpointOptions) secretless(m *Main, p *project, in lang.Inputs, r *connectors.Registry) lang.Inputs {
	fields := newInventor(r, m.Env).fields(p.program)
	secret := map[string]bool{}
	files := map[string]bool{}
	in.Unsigned = true
	for _, name := range r.ServiceNames() {
		if s := r.Spec(name); s.Endpoints != nil && s.Webhook != nil {
			secret[s.Webhook.SecretSetting] = true
		}
	}
	if p.program != nil {
		for _, c := range p.program.Connections() {
			if f := o.file(m, c.Name); f != "" {
				files[filepath.Clean(f)] = true
			}
		}
	}
	env, read := in.Env, in.ReadFile
	in.Env = func(name string) (string, bool) {
		if v, ok := env(name); ok && v != "" {
			return v, ok
		}
		if f := fields[name].field; f != nil && secret[f.Name] {
			return noSecret, true
		}
		return env(name)
	}
	in.ReadFile = func(name string) ([]byte, error) {
		raw, err := read(name)
		if path := name; errors.Is(err, os.ErrNotExist) {
			if !filepath.IsAbs(path) {
				path = filepath.Join(p.dir, path)
			}
			if files[filepath.Clean(path)] {
				return []byte(noSecret), nil
			}
		}
		return raw, err
	}
	return in
}

// fill puts the secrets that files hold into the connections, and takes out what stood for them.
func (o *endpointOptions) fill(m *Main, b *lang.Bindings, r *connectors.Registry) error {
	for i := range b.Connections {
		c := &b.Connections[i]
		s := r.Spec(c.Service)
		if s == nil || s.Endpoints == nil || s.Webhook == nil {
			continue
		}
		have := slices.DeleteFunc(slices.Clone(c.Settings[s.Webhook.SecretSetting]), func(v string) bool { return v == noSecret })
		var kept []string
		if !s.Endpoints.Secretless {
			var err error
			if kept, err = readSecrets(o.file(m, c.Name)); err != nil {
				return err
			}
		}
		for _, v := range kept {
			if !slices.Contains(have, v) {
				have = append(have, v)
				b.Secrets = append(b.Secrets, v)
			}
		}
		if len(have) > 0 {
			c.Settings[s.Webhook.SecretSetting] = have
		} else {
			delete(c.Settings, s.Webhook.SecretSetting)
		}
	}
	b.Secrets = slices.DeleteFunc(b.Secrets, func(v string) bool { return v == noSecret })
	slices.Sort(b.Secrets)
	return nil
}

// readSecrets reads a file of secrets, the newest first; there are none where there is no such file.
func readSecrets(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading secrets from %s: %w", path, cause(err))
	}
	return strings.FieldsFunc(string(raw), func(c rune) bool { return c == ',' || c <= ' ' }), nil
}

// writeSecrets replaces a file of secrets. Nobody but the owner can read it at any moment.
func writeSecrets(path string, list []string) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // made with mode 0600
	if err != nil {
		return fmt.Errorf("writing secrets to %s: %w", path, cause(err))
	}
	_, err = f.WriteString(strings.Join(list, ",") + "\n")
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing secrets to %s: %w", path, errors.Join(cause(err), os.Remove(f.Name())))
	}
	return nil
}

// endpointPlan is what is to be done about one connection, or why that can't be said.
type endpointPlan struct {
	conn *connectors.Conn
	api  *connectors.Endpoints
	*endpoints.Plan
	err error
}

// planner makes plans for all connections that recipes listen on and whose endpoints can be set up.
type planner struct {
	registry *connectors.Registry
	client   *http.Client
	options  *endpointOptions
	listened bool // only those that recipes listen on: what is left of others is nobody's business
	make     func(*connectors.Endpoints, endpoints.Want, []connectors.Endpoint) (*endpoints.Plan, error)
}

// plan asks the vendors. A connection without a key has no plan.
func (x *planner) plan(ctx context.Context, p *lang.Program, b *lang.Bindings, more []runtime.Await) []endpointPlan {
	wanted := endpoints.Events(p, more)
	var out []endpointPlan
	for _, c := range b.Connections {
		spec := x.registry.Spec(c.Service)
		conn := &connectors.Conn{Name: c.Name, Service: c.Service, Settings: c.Settings, Client: x.client}
		if spec == nil || spec.Endpoints == nil || conn.Setting(spec.Endpoints.KeySetting) == "" {
			continue
		}
		if x.listened && len(wanted[c.Name]) == 0 {
			continue
		}
		api := spec.Endpoints
		e := endpointPlan{conn: conn, api: api}
		e.Plan, e.err = x.one(ctx, api, conn, wanted[c.Name])
		if e.err == nil && len(wanted[c.Name]) == 0 && len(e.Changes) == 0 {
			continue // nobody listens, and nothing is there
		}
		out = append(out, e)
	}
	return out
}

func (x *planner) one(ctx context.Context, api *connectors.Endpoints, c *connectors.Conn, events []string) (*endpoints.Plan, error) {
	if api.Check != nil {
		if err := api.Check(c); err != nil {
			return nil, err
		}
	}
	have, err := api.List(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("listing the endpoints of %s: %w", c.Name, err)
	}
	return x.make(api, endpoints.WantOf(api, c, x.options.instance, x.options.url(c.Name), events), have)
}
