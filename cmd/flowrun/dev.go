package main

// A sandbox to write recipes in: the server as it is, between stand-ins for the vendors that live in the same process.
// Nothing can leave the machine, whatever recipes and environment say: addresses of services are replaced after binding,
// and the transport itself reaches loopback only.

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/runtime/control"
)

func devCommand() *command {
	var o serveOptions
	var fail list
	var poll time.Duration
	return &command{
		name:  "dev",
		args:  "[DIR]",
		short: "serve in a sandbox: the services are stand-ins, nothing leaves this machine",
		long: "Events are sent by pressing Enter, or from another terminal with \"flowrun trigger TYPE\". Each is shown with\n" +
			"what recipes made of it and the calls that reached the stand-ins. Secrets are made up, the store is a temporary\n" +
			"one unless -store is given, and a change of the recipes is live at once.\n" +
			"With -poll a Stripe connection is the test account of its key: what happens there starts recipes, without a webhook,\n" +
			"and calls to Stripe are made there. A live key is refused.",
		example: "flowrun dev examples",
		group:   groupWrite,
		maxArgs: 1,
		flags: func(f *flags) {
			d := serveDefaults()
			d.listen, d.store, d.logLevel = "127.0.0.1:8080", "", "warn"
			o.define(f, d)
			delete(f.vars, "store") // the environment names the store of production
			f.DurationVar(&poll, "poll", 0, "`DURATION`: read the events of the Stripe test account whose key the environment has, so often, and make calls to Stripe there; 10s to 15m")
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
			v := vendorOptions{poll: poll}
			if err := v.check(); err != nil {
				return err
			}
			s, err := newServer(m, o, args)
			if err != nil {
				return err
			}
			s.vendors.vendorOptions = v
			faults, err := parseFaults(fail, failable(all.Registry()))
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
	s.rebind = func(b *lang.Bindings) error {
		for i := range b.Connections {
			real := false
			if s.vendors.poll > 0 {
				var err error
				if real, err = c.polled.take(&b.Connections[i], invent); err != nil {
					return err
				}
			}
			if !real {
				fakes.redirect(&b.Connections[i])
			}
		}
		return nil
	}
	s.dial, s.answer = func(t *http.Transport) { loopbackOnly(t, c.polled.reaches) }, fakes.answer
	s.watch = c
	s.failed = c.refused
	s.ready = c.ready
	s.beside = c.keys
	fakes.told, s.called = c.called, c.called
	return c
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
