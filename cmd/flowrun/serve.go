package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/flowrun/flowrun/runtime/telemetry"
)

// A vendor may send an event again for as long as this after its payload has been dropped; it must still be known.
const idsBeyondPayloads = 35 * 24 * time.Hour

// serveOptions are the flags that serve and dev share.
type serveOptions struct {
	listen, control       string
	store                 string
	vars, varFiles        list
	logFormat, logLevel   string
	drain                 time.Duration
	keepPayloads, keepIDs span
	shadow                bool
	access                accessOptions
}

func (o *serveOptions) define(f *flags, defaults serveOptions) {
	*o = defaults
	f.StringVar(&o.listen, "listen", o.listen, "`ADDRESS`: where webhooks are taken")
	f.fromEnv("listen", "FLOWRUN_LISTEN")
	f.StringVar(&o.control, "control", o.control, "`ADDRESS`: where the page and the API are; beyond this machine it needs FLOWRUN_CONTROL_TOKEN, -tokens or -user-header")
	f.fromEnv("control", "FLOWRUN_CONTROL")
	o.access.define(f)
	f.StringVar(&o.store, "store", o.store, "`STORE`: where events and runs are kept, sqlite:FILE")
	f.fromEnv("store", "FLOWRUN_STORE")
	f.Var(&o.vars, "var", "`NAME=VALUE`: a variable; may be repeated (FLOWRUN_VAR_name)")
	f.Var(&o.varFiles, "var-file", "`FILE`: variables, name = value; may be repeated")
	f.StringVar(&o.logFormat, "log-format", o.logFormat, "`FORMAT`: text or json (default text on a terminal, else json)")
	f.fromEnv("log-format", "FLOWRUN_LOG_FORMAT")
	f.StringVar(&o.logLevel, "log-level", o.logLevel, "`LEVEL`: debug, info, warn or error")
	f.fromEnv("log-level", "FLOWRUN_LOG_LEVEL")
	f.DurationVar(&o.drain, "drain", o.drain, "`DURATION`: how long SIGTERM waits for running steps")
	f.Var(&o.keepPayloads, "keep-payloads", "`DURATION`: how long bodies of events and data of steps are kept")
	f.Var(&o.keepIDs, "keep-ids", "`DURATION`: how long events are known, so that a repeat is recognised")
}

func serveDefaults() serveOptions {
	return serveOptions{
		listen: ":8080", control: "127.0.0.1:8081", store: "sqlite:flowrun.db", logLevel: "info", drain: 30 * time.Second,
		keepPayloads: span(30 * 24 * time.Hour), keepIDs: span(400 * 24 * time.Hour),
	}
}

// check refuses what could only fail later.
func (o *serveOptions) check(m *Main) error {
	if _, err := sqlitePath(o.store); err != nil {
		return err
	}
	for _, a := range []struct{ flag, address string }{{"listen", o.listen}, {"control", o.control}} {
		if _, _, err := net.SplitHostPort(a.address); err != nil {
			return usagef("-%s %q is not an address such as :8080 or 127.0.0.1:8080", a.flag, a.address)
		}
	}
	if !loopback(o.control) && !o.access.locked(m) {
		return usagef("-control %s can be reached from other machines, so that it needs a token: "+
			"set FLOWRUN_CONTROL_TOKEN or -tokens, or use an address such as 127.0.0.1:8081", o.control)
	}
	switch o.logFormat {
	case "", telemetry.FormatText, telemetry.FormatJSON:
	default:
		return usagef("-log-format %q: use text or json", o.logFormat)
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return usagef("-log-level %q: use debug, info, warn or error", o.logLevel)
	}
	if o.drain < 0 {
		return usagef("-drain %s: a duration can't be negative", o.drain)
	}
	if time.Duration(o.keepIDs) < time.Duration(o.keepPayloads)+idsBeyondPayloads {
		return usagef("-keep-ids %s is too short for -keep-payloads %s: events must be known for 35 days more, since vendors send again",
			o.keepIDs.String(), o.keepPayloads.String())
	}
	return nil
}

// loopback reports whether an address can be reached from this machine only.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// sqlitePath returns the file of a store.
func sqlitePath(store string) (string, error) {
	kind, rest, ok := strings.Cut(store, ":")
	switch {
	case ok && kind == "sqlite" && rest != "":
		return strings.TrimPrefix(rest, "//"), nil
	case kind == "postgres" || kind == "postgresql":
		return "", usagef("this build of flowrun has no PostgreSQL store; use -store sqlite:FILE")
	}
	return "", usagef("-store %q: write sqlite:FILE, such as sqlite:flowrun.db", store)
}

func (o *serveOptions) logger(m *Main, r *telemetry.Redactor) *slog.Logger {
	format := o.logFormat
	if format == "" {
		format = telemetry.FormatJSON
		if isTerminal(m.Stderr) {
			format = telemetry.FormatText
		}
	}
	if format == telemetry.FormatText && m.color(m.Stderr) {
		format = telemetry.FormatColor
	}
	level := slog.LevelInfo
	// check has refused what can't be read.
	_ = level.UnmarshalText([]byte(o.logLevel))
	return telemetry.NewLogger(m.Stderr, format, level, r)
}

func serveCommand() *command {
	var o serveOptions
	var v vendorOptions
	return &command{
		name:  "serve",
		args:  "[DIR]",
		short: "serve the recipes of a folder: webhooks, engine, hot reload, control door",
		long: "Settings of connections are read from the environment, see \"flowrun connectors NAME\".\n" +
			"SIGTERM stops it: nothing new is taken, running steps may end, what isn't done goes on after the next start.\n" +
			"SIGHUP reads the folder and the environment again; a change of the folder does too.",
		example: "STRIPE_WEBHOOK_SECRET=whsec_… flowrun serve -store sqlite:flowrun.db recipes",
		group:   groupOperate,
		maxArgs: 1,
		flags: func(f *flags) {
			o.define(f, serveDefaults())
			f.BoolVar(&o.shadow, "shadow", false, "run every recipe as with mode = \"shadow\": calls that change anything are recorded and not made")
			v.define(f)
		},
		run: func(ctx context.Context, m *Main, args []string) error {
			if err := v.check(); err != nil {
				return err
			}
			s, err := newServer(m, o, args)
			if err != nil {
				return err
			}
			s.vendors.vendorOptions = v
			collectLess(m)
			return s.run(ctx)
		},
	}
}

// gcPercent trades some tens of megabytes for the collector's share of the CPU: what a server keeps is small, and what
// it makes for each event is garbage at once.
const gcPercent = 400

func collectLess(m *Main) {
	if m.env("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// newServer checks the options and compiles the folder, so that mistakes show before a port is opened.
func newServer(m *Main, o serveOptions, args []string) (*server, error) {
	if err := o.check(m); err != nil {
		return nil, err
	}
	shown, dir, err := m.folder(args)
	if err != nil {
		return nil, err
	}
	vars, err := m.variables(o.varFiles, o.vars)
	if err != nil {
		return nil, err
	}
	s := &server{m: m, o: o, mode: "serve", vendors: newVendors(), shown: shown, dir: dir, vars: vars, env: m.Env, redactor: &telemetry.Redactor{}}
	access, secrets, err := o.access.build(m)
	if err != nil {
		return nil, err
	}
	s.access = access
	s.remember(secrets)
	s.log = o.logger(m, s.redactor)
	return s, nil
}

func (o *serveOptions) storeShown() string {
	path, err := sqlitePath(o.store)
	if err != nil {
		return fmt.Sprintf("%q", o.store)
	}
	return "sqlite:" + path
}
