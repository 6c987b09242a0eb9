package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

func event(id string) *runtime.Event {
	return makeEvent(rand.New(rand.NewPCG(1, 1)), id)
}

// queued waits until n requests wait for the writer.
func queued(s *Store, n int) {
	for {
		s.w.mu.Lock()
		there := len(s.w.queue)
		s.w.mu.Unlock()
		if there >= n {
			return
		}
		goruntime.Gosched()
	}
}

// held is a store whose writer, after its first commit, waits for release. The first event is accepted already.
func held(t *testing.T, opts Options) (s *Store, release func()) {
	gate, reached := make(chan struct{}), make(chan struct{})
	var once sync.Once
	opts.synchronous = "OFF"
	next := opts.OnCommit
	opts.OnCommit = func(n int, d time.Duration) {
		if next != nil {
			next(n, d)
		}
		once.Do(func() { close(reached); <-gate })
	}
	s = open(t, filepath.Join(t.TempDir(), "flowrun.db"), opts)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := s.AcceptEvent(context.Background(), event("evt_first")); err != nil {
			t.Error(err)
		}
	}()
	<-reached
	return s, func() { close(gate); <-done }
}

func TestOneCommitForAllThatWait(t *testing.T) {
	var sizes []int
	s, release := held(t, Options{OnCommit: func(n int, d time.Duration) {
		sizes = append(sizes, n)
		if d <= 0 {
			t.Errorf("a commit took %v", d)
		}
	}})
	const n = 40
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if ok, err := s.AcceptEvent(t.Context(), event(fmt.Sprint(i))); !ok || err != nil {
				t.Error(ok, err)
			}
		})
	}
	// The first event's words were new: the writer is held while numbering the first of them, so that each of the
	// others waits to number the same word.
	queued(s, n)
	release()
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	most := 0
	for _, size := range sizes {
		most = max(most, size)
	}
	if most < n {
		t.Errorf("commits held %v operations; %d waited together", sizes, n)
	}
}

type poison struct{}

var errPoison = errors.New("poison")

func (poison) apply(w *writer) error {
	if err := w.c.run(`INSERT INTO names (name) VALUES ('poison')`); err != nil {
		return err
	}
	w.n.events += 1000
	return errPoison
}

func (poison) kind() opKind { return opOther }

func TestOneFailureHarmsNoOther(t *testing.T) {
	s, release := held(t, Options{})
	errs := make([]error, 20)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			if i == 7 {
				errs[i] = s.w.do(t.Context(), poison{}, 1)
			} else {
				errs[i] = s.w.do(t.Context(), &nameOp{word: fmt.Sprint("word ", i)}, 1)
			}
		})
	}
	queued(s, len(errs))
	release()
	wg.Wait()
	for i, err := range errs {
		if want := map[bool]error{true: errPoison}[i == 7]; !errors.Is(err, want) {
			t.Errorf("operation %d: %v", i, err)
		}
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	n, err := loadNamesOf(s)
	if err != nil || n["poison"] || !n["word 19"] {
		t.Errorf("names are %v: %v", n, err)
	}
}

func loadNamesOf(s *Store) (map[string]bool, error) {
	found := map[string]bool{}
	return found, s.pool.lend(context.Background(), func(c *conn) error {
		return c.query(`SELECT name FROM names`, func(st *stmt) error { found[st.text(0)] = true; return nil })
	})
}

func TestCancelWhileWaiting(t *testing.T) {
	s, release := held(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	op := &nameOp{word: "later"}
	done := make(chan error)
	go func() { done <- s.w.do(ctx, op, 1) }()
	queued(s, 1)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	release()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestInterruptQuery(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "flowrun.db"), fast())
	for range readers * 2 {
		ctx, cancel := context.WithCancel(t.Context())
		err := s.pool.read(ctx, func(c *conn) error {
			return c.query(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n`,
				func(*stmt) error { cancel(); return nil })
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v", err)
		}
		if _, err := s.Events(t.Context(), runtime.EventQuery{}); err != nil {
			t.Fatalf("after an interrupted query: %v", err)
		}
	}
}

func TestReadersCanNotWrite(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "flowrun.db"), fast())
	if err := s.Backup(t.Context(), s.path+".copy"); err != nil {
		t.Fatal(err)
	}
	for range readers {
		err := s.pool.lend(t.Context(), func(c *conn) error { return c.run(`DELETE FROM names`) })
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("a reader wrote: %v", err)
		}
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flowrun.db")
	first := open(t, path, fast())
	_, err := Open(t.Context(), path, fast())
	if !errors.Is(err, runtime.ErrLocked) || !strings.Contains(err.Error(), path) ||
		!strings.Contains(err.Error(), fmt.Sprint("process ", os.Getpid())) {
		t.Errorf("opened twice: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	opts := fast()
	opts.Wait = true
	if _, err := Open(ctx, path, opts); !errors.Is(err, runtime.ErrLocked) || !errors.Is(err, context.Canceled) {
		t.Errorf("waited for the lock in vain: %v", err)
	}
	opened := make(chan error)
	go func() {
		second, err := Open(context.Background(), path, opts)
		if err == nil {
			err = second.Close()
		}
		opened <- err
	}()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Errorf("waited for the lock: %v", err)
	}
}

func TestOpenFails(t *testing.T) {
	dir := t.TempDir()
	junk := filepath.Join(dir, "junk")
	if err := os.WriteFile(junk, []byte(strings.Repeat("this is not a database ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "none", "flowrun.db"), junk} {
		for range 2 { // the second time shows that the first let go of the lock
			if _, err := Open(t.Context(), path, Options{}); err == nil || errors.Is(err, runtime.ErrLocked) {
				t.Errorf("opening %s: %v", path, err)
			}
		}
	}
}

func TestFilesArePrivate(t *testing.T) {
	if goruntime.GOOS == "windows" {
		return // its permissions are not in the mode
	}
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "flowrun.db"), fast())
	if _, err := s.AcceptEvent(t.Context(), event("evt_1")); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), filepath.Join(dir, "copy.db")); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 4 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestBackupLeavesNothingBehind(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "flowrun.db"), fast())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(t.TempDir(), "copy")
	if err := s.Backup(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if err := s.Backup(t.Context(), filepath.Join(path, "in", "no", "folder")); err == nil {
		t.Error("backed up into nowhere")
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left behind: %v", err)
	}
}

func TestCrashPoints(t *testing.T) {
	var points []string
	s := open(t, filepath.Join(t.TempDir(), "flowrun.db"), Options{Crash: func(p string) { points = append(points, p) }})
	e := event("evt_1")
	if _, err := s.AcceptEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if err := s.Record(t.Context(), makeChange(rand.New(rand.NewPCG(1, 1)), e)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(points, " "), "before-accept-commit after-accept-commit before-record-commit after-record-commit"; got != want {
		t.Errorf("points were %s, want %s", got, want)
	}
}

func TestCheckFindsDamage(t *testing.T) {
	for _, sql := range []string{
		`UPDATE counters SET events = 7`,
		`UPDATE counters SET decided_to = 1`,
		`DELETE FROM events`,
		`DELETE FROM runs`,
		`DELETE FROM names`,
	} {
		s := open(t, filepath.Join(t.TempDir(), "flowrun.db"), fast())
		e := event("evt_1")
		if _, err := s.AcceptEvent(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		c := makeChange(rand.New(rand.NewPCG(1, 1)), e)
		c.Decision = nil
		if err := s.Record(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if err := s.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.w.do(t.Context(), sqlOp(sql), 1); err != nil {
			t.Fatal(err)
		}
		if err := s.Check(t.Context()); err == nil {
			t.Errorf("not noticed: %s", sql)
		}
	}
}

type sqlOp string

func (o sqlOp) apply(w *writer) error { return w.c.run(string(o)) }
func (sqlOp) kind() opKind            { return opOther }

// TestUndecidedMark checks that what is known to be decided follows, though something is always undecided.
func TestUndecidedMark(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "flowrun.db"), fast())
	const n = advanceEvery + 500
	var wg sync.WaitGroup
	for p := range 32 {
		wg.Go(func() {
			for i := p; i < n; i += 32 {
				e := event(fmt.Sprintf("evt_%06d", i))
				e.Payload = nil
				if _, err := s.AcceptEvent(t.Context(), e); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for p := range 32 {
		wg.Go(func() {
			for seq := int64(p) + 1; seq < n; seq += 32 {
				if err := s.Record(t.Context(), &runtime.Change{Decision: &runtime.Decision{EventSeq: seq}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if mark := s.w.counters().decidedTo; mark < advanceEvery-500 || mark >= n {
		t.Errorf("after %d decisions the mark is at %d", n-1, mark)
	}
	list, err := s.Undecided(t.Context(), 0, 10)
	if err != nil || len(list) != 1 || list[0].Seq != n {
		t.Errorf("undecided are %v, %v", list, err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
