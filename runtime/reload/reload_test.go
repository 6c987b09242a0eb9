package reload

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/runtime/runtimetest"
)

// patience is how long a test waits for what must happen; it never waits for what must not.
const patience = 30 * time.Second

// clock is a clock that says which timers are armed.
type clock struct {
	*runtimetest.Clock
	armed chan time.Duration // each After
}

func newClock() *clock {
	return &clock{runtimetest.NewClock(time.Unix(1_700_000_000, 0)), make(chan time.Duration, 100)}
}

// After implements runtime.Clock.
func (c *clock) After(d time.Duration) (<-chan time.Time, func()) {
	fired, stop := c.Clock.After(d)
	c.armed <- d
	return fired, stop
}

// fixture is a watched folder whose applies are seen one by one.
type fixture struct {
	t        *testing.T
	dir      string
	watcher  *Watcher
	applies  chan applied
	compared chan Result
}

type applied struct {
	why   string
	files []string // "name=content"
}

func newFixture(t *testing.T, dir string, change func(*Config)) *fixture {
	f := &fixture{t: t, dir: dir, applies: make(chan applied, 1000), compared: make(chan Result, 1000)}
	cfg := Config{Dir: dir, Apply: func(_ context.Context, why string) Result {
		a := applied{why: why, files: read(dir)}
		f.applies <- a
		bad := slices.ContainsFunc(a.files, func(s string) bool { return strings.Contains(s, "bad") })
		return Result{OK: !bad, Changed: !bad, Digest: strings.Join(a.files, ","), Recipes: len(a.files)}
	}}
	if change != nil {
		change(&cfg)
	}
	f.watcher = New(cfg)
	f.watcher.compared = func(r Result) { f.compared <- r }
	return f
}

// read is what Apply sees of the folder.
func read(dir string) []string {
	var out []string
	matches, err := filepath.Glob(filepath.Join(dir, "*.hcl"))
	if err != nil {
		return []string{err.Error()}
	}
	deeper, err := filepath.Glob(filepath.Join(dir, "*", "*.hcl"))
	if err != nil {
		return []string{err.Error()}
	}
	for _, name := range append(matches, deeper...) {
		content, err := os.ReadFile(name)
		if err != nil {
			content = []byte("gone")
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			rel = name
		}
		if rel[0] != '.' && rel[0] != '_' && !strings.HasSuffix(rel, ".test.hcl") {
			out = append(out, filepath.ToSlash(rel)+"="+string(content))
		}
	}
	return out
}

func (f *fixture) run() {
	f.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- f.watcher.Run(ctx) }()
	f.t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			f.t.Errorf("Run = %v", err)
		}
	})
}

// await returns the first apply that ends with these files; those before are of half a change.
func (f *fixture) await(files ...string) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var seen []applied
	for {
		select {
		case a := <-f.applies:
			if slices.Equal(a.files, files) {
				return
			}
			seen = append(seen, a)
		case <-ctx.Done():
			f.t.Fatalf("no apply of %v; there were %v", files, seen)
		}
	}
}

func (f *fixture) none() {
	f.t.Helper()
	select {
	case a := <-f.applies:
		f.t.Fatalf("unexpected apply %v", a)
	default:
	}
}

func receive[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	select {
	case v = <-c:
	case <-ctx.Done():
		t.Fatal("nothing came")
	}
	return v
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTrigger(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.hcl"), "1")
	clock := newClock()
	f := newFixture(t, dir, func(c *Config) { c.Clock = clock })
	if f.watcher.Last() != (Result{}) {
		t.Error("there is a result before there was an apply")
	}
	want := Result{Digest: "a.hcl=1", Changed: true, OK: true, Recipes: 1, At: clock.Now()}
	if diff := cmp.Diff(want, f.watcher.Trigger("SIGHUP")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if a := receive(t, f.applies); a.why != "SIGHUP" {
		t.Errorf("why = %q", a.why)
	}
	// What is asked for is done, even where no file has changed.
	f.watcher.Trigger("control")
	if a := receive(t, f.applies); a.why != "control" {
		t.Errorf("why = %q", a.why)
	}

	clock.Advance(time.Hour)
	write(t, filepath.Join(dir, "a.hcl"), "bad")
	got := f.watcher.Trigger("SIGHUP")
	if got.OK || f.watcher.Last() != got {
		t.Errorf("a refused apply: %+v, last %+v", got, f.watcher.Last())
	}
	if diff := cmp.Diff(want, f.watcher.LastGood()); diff != "" {
		t.Errorf("last good (-want +got)\n%s", diff)
	}
}

func TestPoll(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.hcl"), "1")
	clock := newClock()
	f := newFixture(t, dir, func(c *Config) { c.Clock, c.PollOnly = clock, true })
	f.run()
	if a := receive(t, f.applies); a.why != "start" {
		t.Errorf("why = %q", a.why)
	}
	step := func() {
		t.Helper()
		if d := receive(t, clock.armed); d != DefaultPoll {
			t.Fatalf("a timer of %v", d)
		}
		clock.Advance(DefaultPoll)
		receive(t, f.compared)
	}
	step()
	f.none() // the same content is not applied again

	must(t, os.Mkdir(filepath.Join(dir, ".git"), 0o700))
	must(t, os.Mkdir(filepath.Join(dir, "_old"), 0o700))
	for _, name := range []string{"a.test.hcl", "notes.md", ".git/x.hcl", "_old/x.hcl"} {
		write(t, filepath.Join(dir, name), "x")
	}
	must(t, os.Chtimes(filepath.Join(dir, "a.hcl"), time.Unix(1, 0), time.Unix(1, 0)))
	step()
	f.none() // nor is what is not served

	write(t, filepath.Join(dir, "a.hcl"), "2")
	step()
	f.await("a.hcl=2")
	must(t, os.Rename(filepath.Join(dir, "a.hcl"), filepath.Join(dir, "b.hcl")))
	step()
	f.await("b.hcl=2")
	write(t, filepath.Join(dir, "b.hcl"), "bad")
	step()
	f.await("b.hcl=bad")
	step()
	f.none() // what was refused is not tried again until it changes
	write(t, filepath.Join(dir, "b.hcl"), "3")
	step()
	f.await("b.hcl=3")
	must(t, os.RemoveAll(dir))
	step()
	f.await()
}

func TestRunAfterTriggerDoesNotApplyTwice(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.hcl"), "1")
	clock := newClock()
	f := newFixture(t, dir, func(c *Config) { c.Clock, c.PollOnly = clock, true })
	f.watcher.Trigger("start")
	f.await("a.hcl=1")
	f.run()
	receive(t, clock.armed) // Run is past its first look
	f.none()
}

// TestDebounce shows that a hint waits for silence, but not for ever.
func TestDebounce(t *testing.T) {
	dir := t.TempDir()
	clock := newClock()
	hint := make(chan struct{})
	f := newFixture(t, dir, func(c *Config) { c.Clock = clock })
	rescans := 0
	f.watcher.hints = func() (hints, error) {
		return hints{hint: hint, rescan: func() { rescans++ }, close: func() {}}, nil
	}
	f.run()
	f.await()
	receive(t, clock.armed) // the poll

	write(t, filepath.Join(dir, "a.hcl"), "1")
	for range 3 {
		hint <- struct{}{}
		if d := receive(t, clock.armed); d != DefaultDebounce {
			t.Fatalf("a timer of %v", d)
		}
		clock.Advance(DefaultDebounce - 1)
	}
	f.none()
	clock.Advance(1)
	receive(t, f.compared)
	f.await("a.hcl=1")
	if rescans != 1 {
		t.Errorf("%d rescans", rescans)
	}

	// Changes without a pause: the hints go on, and still it is applied.
	write(t, filepath.Join(dir, "a.hcl"), "2")
	for range mostDebounces + 1 {
		hint <- struct{}{}
		receive(t, clock.armed)
		clock.Advance(DefaultDebounce - 1)
	}
	hint <- struct{}{} // arms no timer any more
	hint <- struct{}{}
	clock.Advance(1)
	receive(t, f.compared)
	f.await("a.hcl=2")
}

func TestHintsEnd(t *testing.T) {
	dir := t.TempDir()
	clock := newClock()
	hint := make(chan struct{})
	var log bytes.Buffer
	f := newFixture(t, dir, func(c *Config) {
		c.Clock = clock
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	closed := 0
	f.watcher.hints = func() (hints, error) {
		return hints{hint: hint, rescan: func() { t.Error("a source that has ended is asked to rescan") }, close: func() { closed++ }}, nil
	}
	f.run()
	receive(t, clock.armed)
	close(hint)
	receive(t, clock.armed)
	write(t, filepath.Join(dir, "a.hcl"), "1")
	clock.Advance(DefaultPoll)
	f.await()
	f.await("a.hcl=1")
	receive(t, f.compared)
	if closed != 1 || !strings.Contains(log.String(), "still read regularly") {
		t.Errorf("closed %d times; log %s", closed, log.String())
	}
}

func TestNoHintsAtAll(t *testing.T) {
	dir := t.TempDir()
	clock := newClock()
	f := newFixture(t, dir, func(c *Config) { c.Clock = clock })
	f.watcher.hints = func() (hints, error) { return hints{}, errors.New("too many watches") }
	f.run()
	f.await()
	receive(t, clock.armed)
	write(t, filepath.Join(dir, "a.hcl"), "1")
	clock.Advance(DefaultPoll)
	f.await("a.hcl=1")
}

// TestSerialised shows that applies never overlap, and that all who ask while one is under way share the next.
func TestSerialised(t *testing.T) {
	dir := t.TempDir()
	enter, leave := make(chan string), make(chan Result)
	var mu sync.Mutex
	active, applies := 0, 0
	w := New(Config{Dir: dir, Clock: newClock(), Apply: func(_ context.Context, why string) Result {
		mu.Lock()
		active++
		applies++
		if active > 1 {
			t.Error("two applies at once")
		}
		mu.Unlock()
		enter <- why
		r := <-leave
		mu.Lock()
		active--
		mu.Unlock()
		return r
	}})
	results := make(chan Result, 20)
	go func() { results <- w.Trigger("first") }()
	receive(t, enter)
	for range 10 {
		go func() { results <- w.Trigger("second") }()
	}
	leave <- Result{Digest: "1", OK: true}
	if got := receive(t, results); got.Digest != "1" {
		t.Errorf("the first is told %+v", got)
	}
	for got := 0; got < 10; {
		select {
		case <-enter:
			leave <- Result{Digest: "2", OK: true}
		case r := <-results:
			if r.Digest != "2" {
				t.Errorf("the others are told %+v", r)
			}
			got++
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if applies < 2 || applies > 11 {
		t.Errorf("%d applies", applies)
	}
}

// TestJoin is the part of TestSerialised that does not depend on who comes first.
func TestJoin(t *testing.T) {
	w := New(Config{Dir: t.TempDir(), Apply: func(context.Context, string) Result { return Result{Digest: "x"} }})
	c := &call{why: "change", done: make(chan struct{})}
	w.waiting = c
	got := make(chan Result)
	go func() { got <- w.Trigger("SIGHUP") }()
	for joined := false; !joined; {
		w.mu.Lock()
		joined = c.force
		w.mu.Unlock()
	}
	if c.why != "SIGHUP" {
		t.Errorf("why = %q", c.why)
	}
	c.result = Result{Digest: "shared"}
	close(c.done)
	if r := receive(t, got); r.Digest != "shared" {
		t.Errorf("told %+v", r)
	}
}

func TestHash(t *testing.T) {
	dir := t.TempDir()
	seen := map[string]string{}
	check := func(name string) {
		t.Helper()
		h := Hash(dir)
		if other, ok := seen[h]; ok {
			t.Errorf("%s has the hash of %s", name, other)
		}
		seen[h] = name
	}
	check("empty")
	write(t, filepath.Join(dir, "a.hcl"), "bc.hcl")
	check("one")
	write(t, filepath.Join(dir, "a.hcl"), "b")
	check("edited")
	write(t, filepath.Join(dir, "b.hcl"), "b")
	check("two")
	must(t, os.Mkdir(filepath.Join(dir, "sub"), 0o700))
	if _, ok := seen[Hash(dir)]; !ok {
		t.Error("an empty folder changes the hash")
	}
	must(t, os.Rename(filepath.Join(dir, "b.hcl"), filepath.Join(dir, "sub", "b.hcl")))
	check("moved")
	must(t, os.RemoveAll(dir))
	check("removed")
}
