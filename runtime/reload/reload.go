// Package reload watches a folder of recipes and has it applied when its content has changed.
//
// What the operating system says of changes is a hint only: a watch on a file dies with an atomic rename, a watch on a
// folder with `git checkout`, mounted configuration is swapped by a link whose files never show up, network file systems
// say nothing at all, and a half-written file is as visible as a whole one. So a hint leads, after a short silence, to
// reading everything and comparing its hash with what was applied last; a slow poll does the same without a hint; and
// only a difference is applied. It is Apply that compiles, and that keeps the old program where the new one is wrong.
package reload

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/flowrun/flowrun/lang/syntax"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/telemetry"
)

// Defaults of Config.
const (
	DefaultDebounce = 200 * time.Millisecond
	DefaultPoll     = 5 * time.Second
)

// mostDebounces bounds how often changes that never stop can put an apply off.
const mostDebounces = 25

// Config is what a Watcher needs. Dir and Apply must be set.
type Config struct {
	Dir      string
	Debounce time.Duration // silence after a hint before the folder is read; 0 is DefaultDebounce
	Poll     time.Duration // between two reads without a hint; 0 is DefaultPoll
	PollOnly bool          // ask for no hints
	Clock    runtime.Clock // nil is the machine's
	Log      *slog.Logger  // nil logs nothing
	Metrics  *telemetry.Metrics

	// Apply compiles the folder and swaps the program, or says why not. why is what set it off: "start", "change", or
	// what Trigger was given. It fills in Digest, Changed, OK, Recipes and Diagnostics; the Watcher adds At and Took.
	// It is never called twice at the same time.
	Apply func(ctx context.Context, why string) Result
}

// Result is how an apply ended.
type Result struct {
	Digest      string // of the program that serves afterwards
	Changed     bool   // the program is another than before
	OK          bool   // the folder was taken
	Recipes     int    // in the program that serves afterwards
	Diagnostics string // rendered, errors and warnings
	At          time.Time
	Took        time.Duration
}

// Watcher applies a folder whenever its content has changed.
type Watcher struct {
	cfg  Config
	turn chan struct{} // holds one token while an apply is under way

	mu       sync.Mutex
	waiting  *call  // the apply that waits for its turn; what comes meanwhile joins it
	applied  string // hash of the content that was applied last, taken or not
	started  bool
	last     Result
	lastGood Result

	hints    func() (hints, error)
	compared func(Result) // told after each comparison; tests wait for it
}

type call struct {
	why    string
	force  bool // apply even where the content is the same
	done   chan struct{}
	result Result
}

// New returns a Watcher that has applied nothing yet.
func New(cfg Config) *Watcher {
	if cfg.Debounce <= 0 {
		cfg.Debounce = DefaultDebounce
	}
	if cfg.Poll <= 0 {
		cfg.Poll = DefaultPoll
	}
	if cfg.Clock == nil {
		cfg.Clock = runtime.SystemClock{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	w := &Watcher{cfg: cfg, turn: make(chan struct{}, 1), compared: func(Result) {}}
	w.hints = func() (hints, error) { return notify(cfg.Dir) }
	return w
}

// Trigger applies the folder now, whether or not it has changed, since what it depends on besides (the environment,
// variables) may have. It returns once that is done. Calls that come while an apply is under way share the next one.
func (w *Watcher) Trigger(why string) Result {
	return w.apply(context.Background(), why, true)
}

// Last returns the result of the newest apply; the zero Result where there was none.
func (w *Watcher) Last() Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// LastGood returns the result of the newest apply that was taken.
func (w *Watcher) LastGood() Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lastGood
}

// Run watches until ctx is done, and returns its error. It applies the folder first, unless Trigger has done so before.
func (w *Watcher) Run(ctx context.Context) error {
	source := w.listen()
	defer func() { source.close() }()

	w.mu.Lock()
	started := w.started
	w.mu.Unlock()
	if started {
		w.apply(ctx, "change", false)
	} else {
		w.apply(ctx, "start", true)
	}

	poll, stopPoll := w.cfg.Clock.After(w.cfg.Poll)
	defer func() { stopPoll() }()
	var quiet <-chan time.Time
	stopQuiet := func() {}
	defer func() { stopQuiet() }()
	var firstHint time.Time

	for {
		select {
		case <-ctx.Done():
			return ctx.Err()

		case _, ok := <-source.hint:
			if !ok {
				w.cfg.Log.Warn("watching the folder has stopped; it is still read regularly", "dir", w.cfg.Dir, "every", w.cfg.Poll)
				source.close()
				source = noHints()
			}
			now := w.cfg.Clock.Now()
			if quiet == nil {
				firstHint = now
			} else if now.Sub(firstHint) >= mostDebounces*w.cfg.Debounce {
				continue // the timer that runs is the last one
			}
			stopQuiet()
			quiet, stopQuiet = w.cfg.Clock.After(w.cfg.Debounce)

		case <-quiet:
			quiet, stopQuiet = nil, func() {}
			// Folders that are new must be watched before they are read, or what is written in between is missed.
			source.rescan()
			w.compared(w.apply(ctx, "change", false))

		case <-poll:
			poll, stopPoll = w.cfg.Clock.After(w.cfg.Poll)
			source.rescan()
			w.compared(w.apply(ctx, "change", false))
		}
	}
}

func (w *Watcher) listen() hints {
	if w.cfg.PollOnly {
		return noHints()
	}
	source, err := w.hints()
	if err != nil {
		w.cfg.Log.Warn("the folder can't be watched; it is read regularly instead", "dir", w.cfg.Dir, "every", w.cfg.Poll, "error", err)
		return noHints()
	}
	return source
}

// apply applies the folder where its content is not what was applied last, or where force is set.
func (w *Watcher) apply(ctx context.Context, why string, force bool) Result {
	w.mu.Lock()
	if c := w.waiting; c != nil {
		if force && !c.force {
			c.why, c.force = why, true
		}
		w.mu.Unlock()
		<-c.done
		return c.result
	}
	c := &call{why: why, force: force, done: make(chan struct{})}
	w.waiting = c
	w.mu.Unlock()

	w.turn <- struct{}{}
	defer func() {
		<-w.turn
		close(c.done)
	}()

	// From here on a newcomer needs an apply of its own: the folder may change after it was read for this one.
	w.mu.Lock()
	w.waiting = nil
	w.started = true
	why, force = c.why, c.force
	w.mu.Unlock()

	hash := Hash(w.cfg.Dir)
	w.mu.Lock()
	same := hash == w.applied
	c.result = w.last
	w.mu.Unlock()
	if same && !force {
		return c.result
	}

	at := w.cfg.Clock.Now()
	result := w.cfg.Apply(ctx, why)
	result.At, result.Took = at, w.cfg.Clock.Now().Sub(at)
	w.cfg.Metrics.Reload(result.OK)

	w.mu.Lock()
	w.applied = hash
	w.last = result
	if result.OK {
		w.lastGood = result
	}
	c.result = result
	w.mu.Unlock()
	return result
}

// Hash returns the hash of what is served from the folder: the names and contents of its files as syntax.Load reads
// them, and what could not be read. Two folders of the same hash compile to the same program.
func Hash(dir string) string {
	files, diags := syntax.Load(os.DirFS(dir))
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		part(h, name)
		part(h, string(files[name]))
	}
	for _, d := range diags {
		part(h, d.Error())
	}
	return hex.EncodeToString(h.Sum(nil))
}

// part writes s so that no two sequences of parts look alike.
func part(w io.Writer, s string) {
	var size [8]byte
	binary.BigEndian.PutUint64(size[:], uint64(len(s)))
	// A hash never fails to write.
	_, _ = w.Write(size[:])
	_, _ = io.WriteString(w, s)
}
