package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/control"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/memstore"
)

// console prints what happens in dev, as it happens.
type console struct {
	s      *server
	fakes  *fakes
	polled *polled // connections that are no stand-ins
	paint  func(sgr, text string) string

	mu       sync.Mutex
	program  *lang.Program
	bindings *lang.Bindings
	quiet    bool // the program that is swapped in is announced by the banner
}

var _ observer = (*console)(nil)

func newConsole(s *server, f *fakes) *console {
	return &console{s: s, fakes: f, polled: &polled{}, paint: painter(s.m.color(s.m.Stdout)), quiet: true}
}

func (c *console) printf(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintf(c.s.m.Stdout, format, args...)
}

// ready prints what is served and how to send events.
func (c *console) ready(line string) {
	var b strings.Builder
	fmt.Fprintf(&b, "flowrun: %s\n\n", line)
	if names := c.polled.names(); len(names) > 0 {
		fmt.Fprintf(&b, "  %s: the test account of the key; its events are read every %s, and calls are made there\n", strings.Join(names, ", "), c.s.vendors.poll)
		fmt.Fprintf(&b, "  a sandbox otherwise, nothing else leaves this machine: %s\n", c.fakes.list(c.polled.services()))
	} else {
		fmt.Fprintf(&b, "  a sandbox, nothing leaves this machine: %s\n", c.fakes.list(nil))
	}
	for _, list := range c.s.sampledLists() {
		fmt.Fprintf(&b, "  the list of %s is on another machine, and not looked at: \"%s trigger %s\" sends what a look would find\n", list, self(), list)
	}
	typ := "stripe_charge_failed"
	if all := c.types(); len(all) > 0 {
		typ = all[0].Type
	}
	server := ""
	if at := c.s.controls.Addr().String(); at != "127.0.0.1:8081" {
		server = " -server http://" + at
	}
	if isTerminal(c.s.m.Stdin) {
		fmt.Fprint(&b, "  Enter sends the next sample event, a type and Enter sends that one, q and Enter quits\n")
	}
	fmt.Fprintf(&b, "  from another terminal: %s trigger %s%s\n\n", self(), typ, server)
	c.printf("%s", b.String())
	c.mu.Lock()
	c.quiet = false
	c.mu.Unlock()
}

// self is how flowrun was called: people run it from a clone with `go run` before they install it.
func self() string {
	if exe, err := os.Executable(); err == nil && strings.Contains(filepath.ToSlash(exe), "/go-build") {
		return "go run ./cmd/flowrun"
	}
	return "flowrun"
}

// refused shows why a folder was not taken.
func (c *console) refused(p *project, diags hcl.Diagnostics, text string) {
	if diags.HasErrors() {
		text = c.s.render(p, diags, c.s.m.color(c.s.m.Stdout))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	rest := "nothing is served until they are mended"
	if c.program != nil {
		rest = "the last good recipes go on"
	}
	fmt.Fprintf(c.s.m.Stdout, "%s\n%s\n\n", text, c.paint("31", "these recipes were not taken; "+rest))
}

// swapped implements observer.
func (c *console) swapped(p *lang.Program, b *lang.Bindings) {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed := c.program == nil || c.program.Digest() != p.Digest()
	c.program, c.bindings = p, b
	if !c.quiet && changed {
		fmt.Fprintf(c.s.m.Stdout, "%s\n\n", c.paint("32", "recipes reloaded: "+plural(len(p.Recipes()), "recipe")))
	}
}

// accepted implements observer.
func (c *console) accepted(e *runtime.Event) {
	c.fakes.learn(e)
	c.printf("%s %s %s\n", c.paint("2", c.clock()), c.paint("1", e.Type), c.paint("2", e.ID))
}

func (c *console) clock() string { return c.s.m.Clock.Now().Format("15:04:05") }

// called prints a call that reached a stand-in.
func (c *console) called(service, method, path, body string, status int) {
	color := "32"
	if status >= 400 || status == 0 {
		color = "31"
	}
	var compact bytes.Buffer
	if json.Compact(&compact, []byte(body)) == nil {
		body = compact.String()
	}
	if body != "" {
		body = "\n             " + body
	}
	c.printf("         %s %s %s %s%s\n", c.paint("36", "→ "+service), method, path, c.paint(color, fmt.Sprint(status)), body)
}

// ended implements observer.
func (c *console) ended(r *runtime.Run) {
	status := r.Status.String()
	line := fmt.Sprintf("         %s %s", c.paint(statusColor(status), status), r.Recipe)
	shown := control.RunOf(r)
	switch standing := shown.Standing(c.when); {
	case r.Error != nil:
		line += ": " + dash(r.Error.Step) + ": " + r.Error.Message
	case standing != "":
		line += ", " + standing
	case !r.EndedAt.IsZero():
		line += c.paint("2", " in "+r.EndedAt.Sub(r.StartedAt).Round(time.Millisecond).String())
	}
	c.printf("%s\n", line)
}

// when writes a time, with its date where that isn't today's.
func (c *console) when(t time.Time) string {
	layout := "15:04:05"
	if now := c.s.m.Clock.Now().Local(); now.YearDay() != t.Local().YearDay() || now.Year() != t.Local().Year() {
		layout = "2006-01-02 15:04:05"
	}
	return t.Local().Format(layout)
}

// decided implements observer: it says which recipes did not take an event, and why.
func (c *console) decided(e *runtime.Event, d *runtime.Decision) {
	c.mu.Lock()
	program, bindings := c.program, c.bindings
	c.mu.Unlock()
	if program == nil || program.Digest() != d.Program {
		return
	}
	all := listeners(program, e)
	if len(all) == 0 {
		text := "no recipe listens to it"
		if names := waiters(program, e); len(names) > 0 {
			text = "no recipe starts with it; " + waitText(names)
		}
		c.printf("         %s\n", c.paint("2", text))
		return
	}
	for i, r := range all {
		if i/8 < len(d.Matched) && d.Matched[i/8]&(1<<(i%8)) != 0 {
			continue
		}
		line := "         " + c.paint("33", "filtered") + " " + r.Name
		if by := c.whyNot(program, bindings, r.Name, e); by != "" {
			line += fmt.Sprintf(" by %q", by)
		}
		c.printf("%s\n", line)
	}
}

// nowhere is a transport that sends nothing.
type nowhere struct{}

// RoundTrip implements http.RoundTripper.
func (nowhere) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("nothing is sent from here")
}

// whyNot runs a recipe that did not take an event once more, aside, and returns the gate that stopped it. It can't
// make a call: the gate that kept it from the event comes before every step.
func (c *console) whyNot(p *lang.Program, b *lang.Bindings, recipe string, e *runtime.Event) string {
	ctx := context.Background()
	store := memstore.New()
	defer store.Close()
	again := *e
	if _, err := store.AcceptEvent(ctx, &again); err != nil {
		return ""
	}
	aside := engine.New(engine.Config{Store: store, Registry: c.s.registry, Clock: c.s.m.Clock, Client: &http.Client{Transport: nowhere{}}})
	if err := aside.Swap(ctx, p, b); err != nil {
		return ""
	}
	run, err := aside.Once(ctx, recipe, &again)
	if err != nil {
		return ""
	}
	return run.StoppedBy
}
