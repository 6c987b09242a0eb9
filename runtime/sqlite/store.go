// Package sqlite keeps the journal in one SQLite file. A single goroutine writes; whoever waits while it commits shares
// the next commit, so that the disk's sync, the slow part, is paid once for all of them. It knows nothing of what events
// and runs mean.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// ErrUnavailable is wrapped by failures of the disk or of the file: it is full, read only, or can't be read. Nothing
// that failed with it was acknowledged; the store goes on serving and succeeds once the cause has gone.
var ErrUnavailable = errors.New("the store is unavailable")

// Options are optional.
type Options struct {
	// Wait makes Open wait for another process to let go of the file, until its context ends.
	Wait bool

	// OnCommit is told, from the writing goroutine, how many operations a commit held and how long it took.
	OnCommit func(n int, d time.Duration)

	// Crash is called at the named points before-accept-commit, after-accept-commit, before-record-commit and
	// after-record-commit, from the writing goroutine. Tests end the process there.
	Crash func(point string)

	vfs         string // of the tests that fail and cut the power
	synchronous string // FULL where empty

	checkpointFrames int // checkpointFrames where 0
}

// Store is a runtime.Store in a file.
type Store struct {
	path  string
	opts  Options
	lock  *os.File
	w     *writer
	names *names
	pool  *pool
	codec *codec

	indexing sync.Mutex // held by AddFields

	closing sync.Once
	closed  chan struct{}
}

var _ runtime.Store = (*Store)(nil)

// Open opens the store at path, or makes it, readable by its owner only. It fails with a wrapped runtime.ErrLocked where
// another process or another Store of this one has it open. The context bounds only the opening.
func Open(ctx context.Context, path string, opts Options) (_ *Store, err error) {
	s := &Store{path: path, opts: opts, codec: newCodec(), closed: make(chan struct{})}
	if s.lock, err = lock(ctx, path, opts.Wait); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.lock.Close()
		}
	}()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	f.Close()
	c, err := openConn(path, opts.vfs)
	if err != nil {
		return nil, fmt.Errorf("opening the store %s: %w", path, err)
	}
	if err := s.prepare(c); err != nil {
		c.close()
		return nil, fmt.Errorf("opening the store %s: %w", path, err)
	}
	return s, nil
}

func (s *Store) prepare(c *conn) error {
	sync := s.opts.synchronous
	if sync == "" {
		sync = "FULL"
	}
	// Checkpoints are the writer's business: see checkpoint.go.
	err := c.exec(`PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = ` + sync + `;
		PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY`)
	if err != nil {
		return err
	}
	if err := migrate(c, migrations()); err != nil {
		return err
	}
	n, err := loadCounters(c)
	if err != nil {
		return err
	}
	if s.names, err = loadNames(c); err != nil {
		return err
	}
	checkpoints, err := openConn(s.path, s.opts.vfs)
	if err != nil {
		return err
	}
	if err := checkpoints.exec(`PRAGMA synchronous = ` + sync); err != nil {
		checkpoints.close()
		return err
	}
	s.pool = newPool(s.path, s.opts.vfs)
	s.w = newWriter(c, checkpoints, n, s.opts)
	return nil
}

// Close waits for what is being written and read, and frees the file. Operations begun later fail with
// runtime.ErrClosed.
func (s *Store) Close() error {
	err := error(nil)
	s.closing.Do(func() {
		close(s.closed)
		s.pool.close()
		err = s.w.close()
		if e := s.lock.Close(); err == nil {
			err = e
		}
	})
	return err
}
