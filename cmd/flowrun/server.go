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
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
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
	"github.com/flowrun/flowrun/runtime/ingress"
	"github.com/flowrun/flowrun/runtime/reload"
	"github.com/flowrun/flowrun/runtime/sqlite"
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
	rebind func(*lang.Bindings)                                 // changes settings after binding; may be nil
	dial   func(*http.Transport)                                // restricts where calls may go; may be nil
	watch  observer                                             // is told what happens; may be nil
	failed func(p *project, diags hcl.Diagnostics, text string) // shows a folder that was refused; the log where nil
	ready  func(line string)                                    // is told what is served; prints it where nil
	beside func(ctx context.Context)                            // runs beside the server until it ends; may be nil

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
	hooks    *ingress.Handler
	door     *control.Handler
	doorBox  box
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
	loops.Go(func() { s.reloadOnSignal(ctx, hup) })
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

func (s *server) compileFirst() error {
	p := compile(s.shown, s.dir, s.registry)
	if s.mode == "serve" {
		_, diags := s.bind(p)
		fmt.Fprint(s.m.Stderr, s.render(p, diags, s.m.color(s.m.Stderr)))
		if diags.HasErrors() {
			return errProblems
		}
		if len(p.program.Recipes()) == 0 {
			return usagef("there are no recipes in %s", s.shown)
		}
		if err := p.checkVariables(s.vars); err != nil {
			return err
		}
	}
	s.first = p
	return nil
}

// render returns diagnostics for people. They quote recipes as they are, addresses in them too, but no secret.
func (s *server) render(p *project, diags hcl.Diagnostics, color bool) string {
	var b strings.Builder
	if err := writeDiags(&b, diags, p.files(), color); err != nil {
		fmt.Fprintln(&b, err)
	}
	return s.hide(b.String())
}

// bind gives the program its values; one that can't be run is refused. The diagnostics are those of the folder and of the binding.
func (s *server) bind(p *project) (*lang.Bindings, hcl.Diagnostics) {
	if p.program == nil || p.diags.HasErrors() {
		return nil, p.diags
	}
	if refused := p.program.NotYetRunnable(); refused.HasErrors() {
		return nil, slices.Concat(p.diags, refused)
	}
	in := p.inputs(s.env, s.vars)
	if s.inputs != nil {
		in = s.inputs(p)
	}
	b, diags := p.program.Bind(in)
	if b != nil && s.rebind != nil {
		s.rebind(b)
	}
	if b != nil {
		s.remember(b.Secrets)
	}
	return b, slices.Concat(p.diags, diags)
}

// remember adds to what is redacted. Old secrets stay: what runs still knows them.
func (s *server) remember(secrets []string) {
	s.secretMu.Lock()
	defer s.secretMu.Unlock()
	for _, v := range secrets {
		if !slices.Contains(s.secrets, v) {
			s.secrets = append(s.secrets, v)
		}
	}
	s.redactor.SetSecrets(s.secrets)
}

// hide takes the secrets out of a text, and nothing else.
func (s *server) hide(text string) string {
	s.secretMu.Lock()
	known := secrets(s.secrets)
	s.secretMu.Unlock()
	return known.hide(text)
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

// listen opens both listeners. They answer 503 until there is more to say.
func (s *server) listen() (fault <-chan error, closeDoors func(context.Context), err error) {
	s.hooks = ingress.New(ingress.Config{
		Accept:   func(ctx context.Context, e *runtime.Event) (bool, error) { return s.store.AcceptEvent(ctx, e) },
		Accepted: s.accepted,
		Door:     s.findDoor,
		Clock:    s.m.Clock,
		Log:      s.log,
		Metrics:  s.metrics,
	})
	s.hooks.SetReady(false)
	s.doorBox.set(http.HandlerFunc(starting))
	if s.webhooks, err = s.open("the listener for webhooks", "listen", &s.o.listen); err != nil {
		return nil, nil, err
	}
	if s.controls, err = s.open("the control door", "control", &s.o.control); err != nil {
		s.webhooks.Close()
		return nil, nil, err
	}
	faults := make(chan error, 2)
	servers := []*http.Server{ingress.NewServer("", s.hooks), control.NewServer("", &s.doorBox)}
	for i, l := range []net.Listener{s.webhooks, s.controls} {
		servers[i].ErrorLog = slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)
		go func() {
			if err := servers[i].Serve(l); !errors.Is(err, http.ErrServerClosed) {
				faults <- fmt.Errorf("serving on %s: %w", l.Addr(), err)
			}
		}()
	}
	return faults, func(ctx context.Context) {
		for _, srv := range servers {
			if srv.Shutdown(ctx) != nil {
				srv.Close()
			}
		}
	}, nil
}

func (s *server) open(what, flag string, address *string) (net.Listener, error) {
	l, err := net.Listen("tcp", *address)
	if err == nil {
		return l, nil
	}
	if s.mode == "dev" {
		if other, e := net.Listen("tcp", "127.0.0.1:0"); e == nil {
			fmt.Fprintf(s.m.Stderr, "flowrun: %s can't be had, perhaps since it is in use; %s is at %s instead\n", *address, what, other.Addr())
			*address = other.Addr().String()
			return other, nil
		}
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return nil, fmt.Errorf("opening %s for %s (-%s): %w", *address, what, flag, err)
}

// openStore opens the store, and waits while another process holds it.
func (s *server) openStore(ctx context.Context) (runtime.Store, error) {
	path, err := sqlitePath(s.o.store)
	if err != nil {
		return nil, err
	}
	opts := sqlite.Options{OnCommit: s.metrics.Commit, Crash: s.m.Crash}
	store, err := sqlite.Open(ctx, s.m.path(path), opts)
	if !errors.Is(err, runtime.ErrLocked) {
		return asStore(store, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-s.stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	var notices sync.WaitGroup
	notices.Go(func() {
		since := s.m.Clock.Now()
		for {
			// The words of the error name the process.
			fmt.Fprintf(s.m.Stderr, "flowrun: %v; waiting for it to end (%s so far), webhooks are answered 503 meanwhile\n",
				err, s.m.Clock.Now().Sub(since).Round(time.Second))
			wake, stop := s.m.Clock.After(lockNotice)
			select {
			case <-wake:
			case <-ctx.Done():
				stop()
				return
			}
		}
	})
	opts.Wait = true
	store, openErr := sqlite.Open(ctx, s.m.path(path), opts)
	cancel()
	notices.Wait()
	return asStore(store, openErr)
}

// asStore keeps a nil *sqlite.Store from becoming a runtime.Store that isn't nil.
func asStore(store *sqlite.Store, err error) (runtime.Store, error) {
	if err != nil {
		return nil, err
	}
	return store, nil
}

// close closes the doors, then the store. After a second signal nothing is waited for: the process ends, and the store
// is made for that.
func (s *server) close(doors func(context.Context)) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
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
	if s.dial != nil {
		s.dial(transport)
	}
	cfg := engine.Config{
		Store:    s.store,
		Registry: s.registry,
		Clock:    s.m.Clock,
		Log:      s.log,
		Metrics:  s.metrics,
		Client:   &http.Client{Transport: transport},
		RunURL:   func(id string) string { return "http://" + dialable(s.controls.Addr().String()) + "/api/v1/runs/" + id },
		Rebuild:  s.rebuild,
		Crash:    s.m.Crash,
	}
	if s.watch != nil {
		cfg.OnRun, cfg.OnEvent = s.watch.ended, s.watch.decided
	}
	s.engine = engine.New(cfg)
	s.watcher = reload.New(reload.Config{Dir: s.dir, Apply: s.apply, Clock: s.m.Clock, Log: s.log, Metrics: s.metrics})
	s.door = s.newDoor()
	s.doorBox.set(s.door)
}

func (s *server) accepted(e *runtime.Event) {
	if s.watch != nil {
		s.watch.accepted(e)
	}
	s.engine.Accepted(e)
}

// rebuild compiles a program that runs are pinned to and that isn't served any more.
func (s *server) rebuild(kept *runtime.Program) (*lang.Program, *lang.Bindings, error) {
	program, diags := lang.CompileFiles(kept.Files, s.registry)
	if diags.HasErrors() {
		return nil, nil, fmt.Errorf("it does not compile with this version of flowrun: %w", diags)
	}
	p := &project{shown: s.shown, dir: s.dir, program: program}
	b, diags := s.bind(p)
	if diags.HasErrors() {
		return nil, nil, fmt.Errorf("its settings are incomplete: %w", diags)
	}
	return program, b, nil
}

// apply compiles the folder and swaps the program; where anything is wrong the last good one goes on.
func (s *server) apply(ctx context.Context, why string) reload.Result {
	p := s.first
	s.first = nil
	quiet := p != nil && s.mode == "serve" // what the folder has to say was printed before the listeners opened
	if p == nil {
		p = compile(s.shown, s.dir, s.registry)
	}
	bindings, diags := s.bind(p)
	text := s.render(p, diags, false)
	if !diags.HasErrors() {
		before := s.engine.Status().Program
		err := s.engine.Swap(ctx, p.program, bindings)
		if err == nil {
			err = s.begin(ctx, p.program, bindings)
		}
		if err == nil {
			n := len(p.program.Recipes())
			if !quiet {
				s.log.Info("recipes applied", "why", why, "recipes", n, "program", short(p.program.Digest()))
				if text != "" {
					s.log.Warn("the recipes have warnings", "warnings", text)
				}
			}
			return reload.Result{Digest: p.program.Digest(), Changed: before != p.program.Digest(), OK: true, Recipes: n, Diagnostics: text}
		}
		text += s.hide(err.Error()) + "\n"
	}
	if s.failed != nil {
		s.failed(p, diags, text)
	} else {
		s.log.Error("the recipes were refused; the last good ones are served", "why", why, "problems", text)
	}
	status := s.engine.Status()
	return reload.Result{Digest: status.Program, Recipes: len(status.Recipes) + len(status.Disabled), Diagnostics: text}
}

// begin makes the server ready, when its first program has been taken.
func (s *server) begin(ctx context.Context, p *lang.Program, b *lang.Bindings) error {
	if s.watch != nil {
		s.watch.swapped(p, b)
	}
	if s.running {
		return nil
	}
	if err := s.engine.Start(ctx); err != nil {
		return err
	}
	s.running = true
	s.hooks.SetReady(true)
	var services, doors []string
	for _, c := range p.Connections() {
		services = append(services, c.Name)
		if c.Listens {
			doors = append(doors, c.Name)
		}
	}
	line := fmt.Sprintf("serving %s from %s (%s); %s, control on %s", plural(len(p.Recipes()), "recipe"), s.shown,
		strings.Join(services, ", "), webhooksOn(s.webhooks.Addr(), doors), "http://"+s.controls.Addr().String())
	if s.ready != nil {
		s.ready(line)
		return nil
	}
	fmt.Fprintf(s.m.Stdout, "flowrun: %s\n", line)
	return nil
}

func webhooksOn(a net.Addr, doors []string) string {
	switch len(doors) {
	case 0:
		return "no webhooks"
	case 1:
		return fmt.Sprintf("webhooks on http://%s/webhooks/%s", a, doors[0])
	}
	return fmt.Sprintf("webhooks on http://%s/webhooks/{%s}", a, strings.Join(doors, ","))
}

func short(digest string) string { return digest[:min(12, len(digest))] }

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

// box is a handler that can be changed while it serves.
type box struct {
	mu sync.RWMutex
	h  http.Handler
}

func (b *box) set(h http.Handler) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.h = h
}

// ServeHTTP implements http.Handler.
func (b *box) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.RLock()
	h := b.h
	b.mu.RUnlock()
	h.ServeHTTP(w, r)
}

// starting is the control door before there is a store. It tells nothing but that.
func starting(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/healthz" {
		_, _ = io.WriteString(w, `{"status":"ok"}`+"\n")
		return
	}
	w.Header().Set("Retry-After", "5")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, `{"status":"unavailable","error":{"code":"starting","message":"the server is starting: it waits for its store"}}`+"\n")
}
