// Package engine is the loop: events meet recipes, recipes become runs, steps become calls, and every end is in the
// store before it counts.
//
// An event is on disk before the engine sees it, so the engine may forget anything: what has no decision is taken up
// again. Three things follow. The queue in memory is a bounded hint, and an overflow is answered by reading the store.
// A run that need not wait costs one write, made when it ends, together with the decision on its event. And whatever
// must not be repeated (the intent of an AtMostOnce call, the answer to it, a retry that waits, a shutdown) is written
// before the engine goes on.
//
// The package does no parsing, opens no listener and knows no vendor.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/telemetry"
)

const (
	defaultMaxInFlight = 1024
	feedSize           = 4096
	scanPage           = 256
	defaultTimeout     = 30 * time.Second // of one attempt, where the recipe says nothing
	storeRetry         = time.Second      // between tries of a write that the store refused
)

// Config is what an engine is made of. Store and Registry are required.
type Config struct {
	Store    runtime.Store
	Registry *connectors.Registry
	Clock    runtime.Clock       // the system's where nil
	Log      *slog.Logger        // discards where nil
	Metrics  *telemetry.Metrics  // may be nil
	Client   *http.Client        // how calls reach vendors; http.DefaultClient's transport where nil
	Rand     func() float64      // in [0, 1), for jitter; math/rand's where nil
	RunURL   func(string) string // the page of a run, for run.url; may be nil
	// OnRun is called when a run has ended or must wait, and OnEvent when an event's decision is made; both after it is
	// recorded. They must not block, and may be nil.
	OnRun   func(*runtime.Run)
	OnEvent func(*runtime.Event, *runtime.Decision)

	// Rebuild compiles a program that runs are pinned to and that is no longer the current one.
	Rebuild func(*runtime.Program) (*lang.Program, *lang.Bindings, error)

	// Shadow runs every recipe as if its mode were "shadow": calls that change anything are recorded and not made.
	Shadow bool

	// OwnObject reports whether the object that the event carries stands for the one that a trigger with latest would
	// fetch; address is that of the step that fetches. It is fetched where nil.
	OwnObject func(address string) bool

	// InTurn makes the calls of a run one after the other, in the order in which they are written, where they would be
	// made in parallel. It is for engines that are driven.
	InTurn bool

	// MaxInFlight is how many events and resumed runs are worked on at a time; 1024 where 0.
	MaxInFlight int

	// Crash is called at named points by tests that kill the process there; nil in production.
	Crash func(point string)
}

// Engine runs the current program. Use New, Swap, Start, and Drain at the end.
type Engine struct {
	cfg   Config
	clock runtime.Clock
	log   *slog.Logger

	current atomic.Pointer[generation]
	pinned  pinnedCache
	lookups lookups

	feed     chan *runtime.Event
	behind   atomic.Bool  // an event was dropped from the feed
	dropped  atomic.Int64 // the smallest Seq dropped since the last scan; 0 for none
	wakeScan chan struct{}
	wakeDue  chan struct{}
	slots    chan struct{}
	jobs     chan job     // to idle workers
	idle     atomic.Int32 // how many there are

	mu      sync.Mutex
	working map[int64]struct{}         // Seqs of events being worked on
	active  map[string]struct{}        // ids of runs being resumed, or changed by an operator
	left    []string                   // ids of running runs that could not be resumed and must be tried again
	live    map[string]*runner         // runs being worked on, by id
	waiting map[string][]chan struct{} // who waits until a run is not active any more, or live

	turns     *turnstile
	flow      flow
	anyPaused atomic.Bool
	pausing   sync.Mutex              // held while a pause is made or ended, in the store and in memory
	awaited   atomic.Pointer[awaited] // what waits look for; nil where none does
	opMu      sync.Mutex              // held while work is begun from outside, so that Drain sees it

	causes causes
	past   sync.Mutex // held while a past event is stored
	doors  doors
	alerts alerts

	// answers says, in a trial, what the same request was answered; no call is made then. It is nil in all but trials.
	answers func(*runtime.Run, *runtime.Step) (output []byte, known bool)

	draining atomic.Bool
	stopFeed chan struct{} // closed by Drain: take no more
	calls    context.Context
	cutCalls context.CancelCauseFunc
	wg       sync.WaitGroup // loops
	work     sync.WaitGroup // events and runs
}

// New returns an engine that does nothing yet.
func New(cfg Config) *Engine {
	if cfg.Clock == nil {
		cfg.Clock = runtime.SystemClock{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Client == nil {
		cfg.Client = &http.Client{}
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Float64
	}
	if cfg.MaxInFlight <= 0 {
		cfg.MaxInFlight = defaultMaxInFlight
	}
	if cfg.Crash == nil {
		cfg.Crash = func(string) {}
	}
	e := &Engine{
		cfg:      cfg,
		clock:    cfg.Clock,
		log:      cfg.Log,
		feed:     make(chan *runtime.Event, feedSize),
		slots:    make(chan struct{}, cfg.MaxInFlight),
		jobs:     make(chan job),
		wakeScan: make(chan struct{}, 1),
		wakeDue:  make(chan struct{}, 1),
		working:  map[int64]struct{}{},
		active:   map[string]struct{}{},
		live:     map[string]*runner{},
		waiting:  map[string][]chan struct{}{},
		turns:    newTurnstile(),
		flow:     newFlow(max(1, cfg.MaxInFlight/4)),
		doors:    newDoors(),
		alerts:   alerts{kinds: map[string]*alertGroup{}, forged: map[string]forgeries{}, wake: make(chan struct{}, 1)},
		stopFeed: make(chan struct{}),
	}
	e.calls, e.cutCalls = context.WithCancelCause(context.Background())
	return e
}

// Swap makes p the program that new events meet. Runs under way keep theirs. The program's files are kept in the
// store first, so that no run can be pinned to a program that is lost.
func (e *Engine) Swap(ctx context.Context, p *lang.Program, b *lang.Bindings) error {
	g, err := e.newGeneration(p, b)
	if err != nil {
		return err
	}
	kept := &runtime.Program{Digest: p.Digest(), Files: p.Files(), At: e.clock.Now(), Awaits: awaitsOf(p)}
	if err := e.cfg.Store.KeepProgram(ctx, kept); err != nil {
		return fmt.Errorf("keeping the program: %w", err)
	}
	e.lookFor(kept.Awaits)
	e.current.Store(g)
	e.obey(g)
	e.cfg.Metrics.ProgramInfo(g.digest, len(g.recipes))
	return nil
}

// Start takes up what the last process left, then works until Drain. Swap must have been called.
func (e *Engine) Start(ctx context.Context) error {
	if e.current.Load() == nil {
		return errors.New("starting the engine: no program")
	}
	if err := e.recoverFlow(ctx); err != nil {
		return fmt.Errorf("taking up flow control: %w", err)
	}
	if err := e.recoverRuns(ctx); err != nil {
		return fmt.Errorf("taking up unfinished runs: %w", err)
	}
	e.noteDropped(1) // the first scan takes up all undecided events
	e.wg.Go(e.dispatch)
	e.wg.Go(e.dueLoop)
	e.wg.Go(e.alertLoop)
	e.wg.Go(e.laneLoop)
	e.wg.Go(e.indexLoop)
	return nil
}

// Drain takes nothing new, lets running steps finish until ctx ends, then cuts them off. What isn't done is recorded
// and goes on after the next start. It returns ctx's error where calls had to be cut off.
func (e *Engine) Drain(ctx context.Context) error {
	e.opMu.Lock()
	again := e.draining.Swap(true)
	e.opMu.Unlock()
	if again {
		return nil
	}
	close(e.stopFeed)
	e.wg.Wait()
	done := make(chan struct{})
	go func() { e.work.Wait(); close(done) }()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	e.cutCalls(errDraining)
	<-done
	return err
}

var errDraining = errors.New("the server is shutting down")

// Status is where the engine stands.
type Status struct {
	Program    string // digest
	Recipes    []string
	Disabled   []string
	QueueDepth int
	InFlight   int
	Behind     bool // reading events back from the store
	Draining   bool
	Breakers   []BreakerStatus // those that are not closed
	Paused     []runtime.Pause // recipes that take no events, by name
	Lanes      int             // concurrency keys with runs under way or waiting
	Queued     int             // runs that wait for a place in a lane
	Alerts     []AlertStatus   // the newest last
}

// Status returns where the engine stands now.
func (e *Engine) Status() Status {
	s := Status{
		QueueDepth: len(e.feed),
		InFlight:   len(e.slots),
		Behind:     e.behind.Load(),
		Draining:   e.draining.Load(),
		Breakers:   e.doors.status(),
		Paused:     e.flow.pauseStatus(),
		Alerts:     e.alertStatus(),
	}
	s.Lanes, s.Queued = e.flow.laneStatus()
	if g := e.current.Load(); g != nil {
		s.Program = g.digest
		for _, r := range g.program.Recipes() {
			if r.Disabled {
				s.Disabled = append(s.Disabled, r.Name)
			} else {
				s.Recipes = append(s.Recipes, r.Name)
			}
		}
	}
	return s
}

// Program returns the current program, or nil before the first Swap.
func (e *Engine) Program() *lang.Program {
	if g := e.current.Load(); g != nil {
		return g.program
	}
	return nil
}

// Connection returns a connection of the current program, or nil.
func (e *Engine) Connection(name string) *connectors.Conn {
	if g := e.current.Load(); g != nil {
		return g.conns[name]
	}
	return nil
}

// record writes a change, however long the store refuses: what was done must not be forgotten while this process
// lives. It gives up, with the store's error, only when the engine is cut off.
func (e *Engine) record(c *runtime.Change) error {
	calls, again := calledIn(c), false
	return e.insist(func() error {
		if again && e.known(calls) {
			return nil // it was made, and what it began has gone on since
		}
		again = true
		return e.cfg.Store.Record(context.Background(), c)
	})
}

// insist does what writes to the store, however long that refuses.
func (e *Engine) insist(write func() error) error {
	for complained := false; ; complained = true {
		err := write()
		if err == nil {
			if complained {
				e.log.Info("the store writes again")
			}
			return nil
		}
		if errors.Is(err, runtime.ErrClosed) {
			return err
		}
		if !complained {
			e.log.Error("the store can't write; runs wait until it can", "error", err)
			e.Alert(AlertStoreRefuses, "the store can't write: "+err.Error(), 1)
		}
		wake, stop := e.clock.After(storeRetry)
		select {
		case <-wake:
		case <-e.calls.Done():
			stop()
			return err
		}
	}
}

// calledIn returns the id of a run that a change calls into being, or "".
func calledIn(c *runtime.Change) string {
	for _, run := range c.Runs {
		if run.Parent != "" && run.Seq == 0 {
			return run.ID
		}
	}
	return ""
}

// known reports whether a run is certain to be in the store.
func (e *Engine) known(id string) bool {
	if id == "" {
		return false
	}
	_, err := e.cfg.Store.Run(context.Background(), id)
	return err == nil
}
