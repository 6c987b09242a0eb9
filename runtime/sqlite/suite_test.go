package sqlite

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/runtimetest"
)

// fast leaves out the waiting for the disk, for tests that are not about it.
func fast() Options { return Options{synchronous: "OFF"} }

func TestStore(t *testing.T) {
	runtimetest.StoreSuite(t, runtimetest.Harness{
		Open: func(t *testing.T) runtime.Store {
			path := filepath.Join(t.TempDir(), "flowrun.db")
			t.Cleanup(func() { check(t, path) })
			return open(t, path, fast())
		},
		Reopen: func(t *testing.T, s runtime.Store) runtime.Store {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, s.(*Store).path, fast())
		},
		Restore: func(t *testing.T, path string) runtime.Store { return open(t, path, fast()) },
	})
}

// check opens a store that a test has closed, and checks it.
func check(t *testing.T, path string) {
	t.Helper()
	s, err := Open(context.Background(), path, fast())
	if err != nil {
		t.Error(err)
		return
	}
	if err := s.Check(context.Background()); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
