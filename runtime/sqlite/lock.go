package sqlite

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// lockPoll is how often a waiting Open tries again. The kernel's blocking lock can't be given up when a context ends.
const lockPoll = 50 * time.Millisecond

// lock takes the lock of the store at path: one process serves a file, since what is counted and numbered in memory
// must be all there is. The lock file stays behind when the lock is freed; it names the last holder.
func lock(ctx context.Context, path string, wait bool) (*os.File, error) {
	name := path + ".lock"
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock: %w", err)
	}
	for {
		ok, err := tryLock(f)
		switch {
		case err != nil:
			f.Close()
			return nil, fmt.Errorf("locking %s: %w", name, err)
		case ok:
			writePID(f)
			return f, nil
		case !wait:
			pid := readPID(f)
			f.Close()
			return nil, fmt.Errorf("opening %s, held by process %s: %w", path, pid, runtime.ErrLocked)
		}
		t := time.NewTimer(lockPoll)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			pid := readPID(f)
			f.Close()
			return nil, fmt.Errorf("waiting for %s, held by process %s: %w: %w", path, pid, runtime.ErrLocked, ctx.Err())
		}
	}
}

// writePID says who holds the lock. It is for people only: on a full disk it fails, and the store opens nevertheless.
func writePID(f *os.File) {
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
}

func readPID(f *os.File) string {
	b, err := io.ReadAll(io.NewSectionReader(f, 0, 32))
	if pid := strings.TrimSpace(string(b)); err == nil && pid != "" {
		return pid
	}
	return "unknown"
}
