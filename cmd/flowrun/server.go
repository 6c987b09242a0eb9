package main

// One server, from the compiled folder to the drained engine; serve and dev differ in what they put into it.
//
// The order matters. Mistakes that can be found without a port are found first. The listeners come next, and answer 503,
// so that in a rolling deploy the vendor's events are put off and not refused while this process waits for the other's
// lock on the store. Only a program that was taken makes the server ready. At the end it goes the other way round.

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/control"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/history"
	"github.com/flowrun/flowrun/runtime/ingress"
	"github.com/flowrun/flowrun/runtime/reload"
	"github.com/flowrun/flowrun/runtime/schedule"
	"github.com/flowrun/flowrun/runtime/telemetry"
)

const (
	lockNotice   = 10 * time.Second // between two messages that the store is locked
	pruneEvery   = time.Hour
	countEvery   = 15 * time.Second
	closeTimeout = 5 * time.Second // for requests under way when the listeners close

	// Terminals and supervisors signal a process and its group, which arrives twice and is meant once.
	sameSignal = 500 * time.Millisecond
)

// server is one process that serves a folder.
type server struct {
	m    *Main
	o    serveOptions
	mode string // "serve" or "dev"

	shown, dir string // the folder, as written and as found
	vars       map[string]string
	env        func(string) (string, bool)

	// What dev puts in.
	inputs func(*project) lang.Inputs                           // instead of the environment; may be nil
	rebind func(*lang.Bindings) error                           // changes settings after binding, or refuses them; may be nil
	dial   func(*http.Transport)                                // restricts where calls may go; may be nil
	answer func(*connectors.Action) (int, string, bool)         // what a call is answered that goes nowhere; set where dial is
	watch  observer                                             // is told what happens; may be nil
	failed func(p *project, diags hcl.Diagnostics, text string) // shows a folder that was refused; the log where nil
	ready  func(line string)                                    // is told what is served; prints it where nil
	called func(service, method, path, body string, status int) // is told of what the transport answered itself; may be nil
	beside func(ctx context.Context)                            // runs beside the server until it ends; may be nil

	vendors vendors // what is set up at the vendors, and what they keep

	redactor *telemetry.Redactor
	secretMu sync.Mutex
	secrets  []string

	log      *slog.Logger
	metrics  *telemetry.Metrics
	registry *connectors.Registry
	started  time.Time

	store    runtime.Store
	engine   *engine.Engine
	watcher  *reload.Watcher
	clock    *schedule.Scheduler // of triggers that fire by themselves
	hooks    *ingress.Handler
	door     *control.Handler
	access   *control.Access
	doorBox  box
	older    olderPrograms
	judged   judged
	webhooks net.Listener
	controls net.Listener
	first    *project // compiled before the listeners were opened, applied once

	stopping chan struct{} // closed by the first SIGINT or SIGTERM, or by stop
	stopOnce sync.Once
	abort    chan struct{} // closed by the second
	running  bool          // the engine has been started
}

// observer is told what happens, for dev to print.
type observer interface {
	accepted(*runtime.Event)
	decided(*runtime.Event, *runtime.Decision)
	ended(*runtime.Run)
	swapped(*lang.Program, *lang.Bindings)
}

// run serves until a signal or the context ends it.
func (s *server) run(ctx context.Context) error {
	defer s.catchPanic()
	var err error
	if s.registry, err = quietRegistry(s.hide); err != nil {
		return err
	}
	s.started = s.m.Clock.Now()
	s.metrics = telemetry.NewMetrics()
	s.metrics.BuildInfo(thisBuild().Version)
	if err := s.compileFirst(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	hup := s.signals(ctx)
	fault, closeDoors, err := s.listen()
	if err != nil {
		return err
	}
	defer func() { s.close(closeDoors) }()
	if s.store, err = s.openStore(ctx); err != nil {
		if s.stopped() {
			return nil
		}
		return err
	}
	s.build()
	if first := s.watcher.Trigger("start"); !first.OK && s.mode == "serve" {
		return errProblems
	}

	var loops sync.WaitGroup
	loops.Go(func() { _ = s.watcher.Run(ctx) }) // ends with the context, which is no failure
	loops.Go(func() { s.housekeeping(ctx) })
	loops.Go(func() { s.clock.Run(ctx) })
	loops.Go(func() { s.reloadOnSignal(ctx, hup) })
	loops.Go(func() { s.keepEndpoints(ctx) })
	loops.Go(func() { s.keepHistory(ctx) })
	if s.beside != nil {
		loops.Go(func() { s.beside(ctx) })
	}
	select {
	case <-s.stopping:
	case <-ctx.Done():
	case err = <-fault:
	}
	s.hooks.SetReady(false)
	cancel()
	if stop := s.drain(&loops); stop != nil {
		return stop
	}
	return err
}

// catchPanic prints a panic of this goroutine without secrets.
func (s *server) catchPanic() {
	if p := recover(); p != nil {
		s.log.Error("flowrun met a fault of its own and stops", "panic", fmt.Sprint(p))
		panic(s.redactor.String(fmt.Sprint(p)))
	}
}

// signals watches for SIGINT and SIGTERM, and passes SIGHUP on.
func (s *server) signals(ctx context.Context) <-chan struct{} {
	s.stopping, s.abort = make(chan struct{}), make(chan struct{})
	hup := make(chan struct{}, 1)
	in := s.m.Signals
	release := func() {}
	if in == nil {
		c := make(chan os.Signal, 4)
		signal.Notify(c, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
		in, release = c, func() { signal.Stop(c) }
	}
	go func() {
		defer release()
		var first time.Time
		abort := sync.OnceFunc(func() { close(s.abort) })
		for {
			select {
			case sig, ok := <-in:
				switch {
				case !ok:
					return
				case sig == syscall.SIGHUP:
					select {
					case hup <- struct{}{}:
					default:
					}
				case first.IsZero():
					first = s.m.Clock.Now()
					s.stop()
				case s.m.Clock.Now().Sub(first) >= sameSignal:
					abort()
				}
			case <-ctx.Done():
				// A second signal still counts while the server drains.
				if first.IsZero() {
					return
				}
				ctx = context.Background()
			}
		}
	}()
	return hup
}

// stop ends the server as SIGTERM does.
func (s *server) stop() { s.stopOnce.Do(func() { close(s.stopping) }) }

func (s *server) stopped() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}

// close closes the doors, then the store. After a second signal nothing is waited for: the process ends, and the store
// is made for that.
func (s *server) close(doors func(context.Context)) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if s.door != nil {
		s.door.CloseStreams() // who follows runs would keep the door open
	}
	select {
	case <-s.abort:
		cancel()
		doors(ctx)
		return
	default:
	}
	doors(ctx)
	if s.store == nil {
		return
	}
	if err := s.store.Close(); err != nil {
		s.log.Error("closing the store", "error", err)
	}
}

// build makes the engine, the watcher and the control door, none of which does anything yet.
func (s *server) build() {
	transport := connectors.NewTransport()
	client := &http.Client{Transport: connectors.Guarded(transport)}
	if s.dial != nil {
		s.dial(transport)
		client.Transport = s.answering(transport)
	}
	s.registry.Speak(transport)
	s.vendors.client = client
	cfg := engine.Config{
		Store:    s.store,
		Registry: s.registry,
		Clock:    s.m.Clock,
		Log:      s.log,
		Metrics:  s.metrics,
		Client:   s.vendors.client,
		RunURL:   func(id string) string { return s.pageURL() + "/runs/" + id },
		Rebuild:  s.rebuild,
		Crash:    s.m.Crash,
		Shadow:   s.o.shadow,
	}
	cfg.OnRun = func(r *runtime.Run) {
		s.door.Publish(r)
		if s.watch != nil {
			s.watch.ended(r)
		}
	}
	cfg.OnEvent = func(e *runtime.Event, d *runtime.Decision) {
		s.door.PublishEvent(e, d)
		if s.watch != nil {
			s.watch.decided(e, d)
		}
	}
	s.engine = engine.New(cfg)
	s.clock = schedule.New(schedule.Config{Store: s.store, Accepted: s.accepted, Clock: s.m.Clock, Log: s.log})
	s.vendors.reader = history.New(history.Config{Store: s.store, Clock: s.m.Clock, Log: s.log, Accepted: s.accepted})
	s.watcher = reload.New(reload.Config{Dir: s.dir, Apply: s.apply, Clock: s.m.Clock, Log: s.log, Metrics: s.metrics})
	s.door = s.newDoor()
	s.doorBox.set(s.door)
}

// pageURL is where people find the page.
func (s *server) pageURL() string {
	if s.o.access.public != "" {
		return strings.TrimRight(s.o.access.public, "/")
	}
	return "http://" + dialable(s.controls.Addr().String())
}

func (s *server) accepted(e *runtime.Event) {
	s.door.PublishEvent(e, nil)
	if s.watch != nil {
		s.watch.accepted(e)
	}
	s.engine.Accepted(e)
}

func (s *server) reloadOnSignal(ctx context.Context, hup <-chan struct{}) {
	for {
		select {
		case <-hup:
			s.watcher.Trigger("SIGHUP")
		case <-ctx.Done():
			return
		}
	}
}

// housekeeping drops what is past its time, and counts what is there.
func (s *server) housekeeping(ctx context.Context) {
	pruned := s.m.Clock.Now()
	for {
		if c, err := s.store.Counts(ctx); err == nil {
			runs := map[string]int64{}
			for status, n := range c.Runs {
				runs[status.String()] = n
			}
			s.metrics.StoreSize(c.Bytes, c.Events, c.Undecided, runs)
		}
		wake, stop := s.m.Clock.After(countEvery)
		select {
		case <-wake:
		case <-ctx.Done():
			stop()
			return
		}
		if now := s.m.Clock.Now(); now.Sub(pruned) >= pruneEvery {
			pruned = now
			s.prune(ctx, now)
		}
	}
}

func (s *server) prune(ctx context.Context, now time.Time) {
	dropped, forgotten, err := s.store.Prune(ctx, now.Add(-time.Duration(s.o.keepPayloads)), now.Add(-time.Duration(s.o.keepIDs)))
	switch {
	case err != nil && ctx.Err() == nil:
		s.log.Error("dropping old data failed; it is tried again in an hour", "error", err)
	case dropped+forgotten > 0:
		s.log.Info("old data dropped", "payloads", dropped, "events", forgotten)
	}
	if _, err := s.store.Expire(ctx, now); err != nil && ctx.Err() == nil {
		s.log.Error("forgetting what has expired failed; it is tried again in an hour", "error", err)
	}
}

// drain lets running steps end. It returns an error where a second signal cuts it short.
func (s *server) drain(loops *sync.WaitGroup) error {
	loops.Wait()
	if s.running && s.engine.Status().InFlight > 0 {
		s.log.Info("stopping: running steps may end", "for_at_most", s.o.drain, "running", s.engine.Status().InFlight)
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.o.drain)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.engine.Drain(ctx) }()
	select {
	case err := <-done:
		if err != nil {
			s.log.Warn("steps were cut off; they go on after the next start", "after", s.o.drain)
		}
		s.log.Info("stopped")
		return nil
	case <-s.abort:
		return errors.New("stopped at once by a second signal; what was running goes on after the next start")
	}
}
