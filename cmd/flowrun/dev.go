package main

// A sandbox to write recipes in: the server as it is, between stand-ins for the vendors that live in the same process.
// Nothing can leave the machine, whatever recipes and environment say: addresses of services are replaced after binding,
// and the transport itself reaches loopback only.

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/connectors/connectortest/customeriofake"
	"github.com/flowrun/flowrun/connectors/connectortest/stripefake"
	"github.com/flowrun/flowrun/connectors/stripe"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/runtime/control"
)

func devCommand() *command {
	var o serveOptions
	var fail list
	return &command{
		name:  "dev",
		args:  "[DIR]",
		short: "serve in a sandbox: the services are stand-ins, nothing leaves this machine",
		long: "Events are sent by pressing Enter, or from another terminal with \"flowrun trigger TYPE\". Each is shown with\n" +
			"what recipes made of it and the calls that reached the stand-ins. Secrets are made up, the store is a temporary\n" +
			"one unless -store is given, and a change of the recipes is live at once.",
		example: "flowrun dev examples",
		group:   groupWrite,
		maxArgs: 1,
		flags: func(f *flags) {
			d := serveDefaults()
			d.listen, d.store, d.logLevel = "127.0.0.1:8080", "", "warn"
			o.define(f, d)
			delete(f.vars, "store") // the environment names the store of production
			f.Var(&fail, "fail", "`SERVICE=STATUS`: have a stand-in answer its calls with an HTTP status; SERVICE=STATUS*N only the first N; may be repeated")
		},
		run: func(ctx context.Context, m *Main, args []string) (err error) {
			if o.store == "" {
				dir, err := os.MkdirTemp("", "flowrun-dev-")
				if err != nil {
					return fmt.Errorf("making a temporary store: %w", err)
				}
				defer os.RemoveAll(dir)
				o.store = "sqlite:" + filepath.Join(dir, "flowrun.db")
			}
			s, err := newServer(m, o, args)
			if err != nil {
				return err
			}
			faults, err := parseFaults(fail)
			if err != nil {
				return err
			}
			fakes, err := startFakes(faults)
			if err != nil {
				return err
			}
			defer fakes.close()
			newSandbox(s, fakes)
			return s.run(ctx)
		},
	}
}

// newSandbox changes a server into one for dev.
func newSandbox(s *server, fakes *fakes) *console {
	c := newConsole(s, fakes)
	invent := newInventor(all.Registry(), s.m.Env)
	s.mode = "dev"
	s.inputs = func(p *project) lang.Inputs { return invent.inputs(p, s.vars) }
	s.rebind = func(b *lang.Bindings) {
		for i := range b.Connections {
			fakes.redirect(&b.Connections[i])
		}
	}
	s.dial = loopbackOnly
	s.watch = c
	s.failed = c.refused
	s.ready = c.ready
	s.beside = c.keys
	fakes.told = c.called
	return c
}

// fakes are the stand-ins, each on a port of its own.
type fakes struct {
	servers []*http.Server
	urls    map[string]string // by service
	told    func(service, method, path, body string, status int)
}

func startFakes(faults map[string]*fault) (*fakes, error) {
	f := &fakes{urls: map[string]string{}, told: func(string, string, string, string, int) {}}
	payments := stripefake.New(stripefake.Options{AutoCreate: true, API: stripe.NewAPI(), OnRequest: func(r stripefake.Request) {
		body := ""
		if len(r.Form) > 0 {
			body = r.Form.Encode()
		}
		f.told("stripe", r.Method, r.Path, body, r.Status)
	}})
	customerio := customeriofake.New(customeriofake.Options{AutoCreate: true, OnCall: func(c customeriofake.Call) {
		f.told("customerio", c.Method, c.Path, string(c.Raw), c.Status)
	}})
	for _, fake := range []struct {
		service string
		handler http.Handler
	}{{"stripe", payments}, {"customerio", customerio}} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			f.close()
			return nil, fmt.Errorf("opening a port for the stand-in of %s: %w", fake.service, err)
		}
		handler := fake.handler
		if x := faults[fake.service]; x != nil {
			handler = f.failing(fake.service, x, handler)
		}
		srv := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
		f.servers = append(f.servers, srv)
		f.urls[fake.service] = "http://" + l.Addr().String()
		go func() { _ = srv.Serve(l) }() // ends when it is closed
	}
	return f, nil
}

func (f *fakes) close() {
	for _, srv := range f.servers {
		srv.Close()
	}
}

// redirect has a connection call its stand-in, and drops what would only make sense for the real service.
func (f *fakes) redirect(c *lang.BoundConnection) {
	if c.Settings == nil {
		c.Settings = map[string][]string{}
	}
	set := func(url string, settings ...string) {
		for _, name := range settings {
			c.Settings[name] = []string{url}
		}
	}
	switch c.Service {
	case "stripe":
		set(f.urls[c.Service], "base_url")
		delete(c.Settings, "livemode")
	case "customerio":
		set(f.urls[c.Service], "track_url", "app_url")
		delete(c.Settings, "region")
	}
}

// keys sends a sample for each line typed: the next one, or that of a type. It ends with the terminal.
func (c *console) keys(ctx context.Context) {
	if !isTerminal(c.s.m.Stdin) {
		return
	}
	lines := make(chan string)
	go func() {
		// Reading a terminal can't be given up; the goroutine ends with the process.
		in := bufio.NewScanner(c.s.m.Stdin)
		for in.Scan() {
			select {
			case lines <- strings.TrimSpace(in.Text()):
			case <-ctx.Done():
				return
			}
		}
		close(lines)
	}()
	next := 0
	for {
		select {
		case <-ctx.Done():
			return
		case line, ok := <-lines:
			switch {
			case !ok:
				return
			case line == "q" || line == "quit":
				c.s.stop()
				return
			}
			r := control.TriggerRequest{Type: line}
			if line == "" {
				all := c.types()
				if len(all) == 0 {
					c.printf("no recipe listens to anything yet\n")
					continue
				}
				r = all[next%len(all)]
				next++
			}
			if _, err := c.s.sendSample(ctx, r); err != nil && !errors.Is(err, context.Canceled) {
				c.printf("%s\n", c.paint("31", err.Error()))
			}
		}
	}
}

// types returns the samples that Enter goes through: each type that a recipe listens to, once.
func (c *console) types() []control.TriggerRequest {
	program := c.s.engine.Program()
	if program == nil {
		return nil
	}
	var out []control.TriggerRequest
	for _, r := range program.Recipes() {
		if r.Disabled {
			continue
		}
		for _, t := range r.Triggers {
			for _, typ := range t.Events {
				known := slices.ContainsFunc(out, func(q control.TriggerRequest) bool { return q.Type == typ && q.Connection == t.Connection })
				if typ != "*" && !known {
					out = append(out, control.TriggerRequest{Type: typ, Connection: t.Connection})
				}
			}
		}
	}
	return out
}
