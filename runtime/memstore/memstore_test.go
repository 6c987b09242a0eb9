package memstore_test

import (
	"testing"

	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/memstore"
	"github.com/flowrun/flowrun/runtime/runtimetest"
)

func TestStore(t *testing.T) {
	runtimetest.StoreSuite(t, runtimetest.Harness{Open: func(*testing.T) runtime.Store { return memstore.New() }})
}

func TestNoBackup(t *testing.T) {
	if err := memstore.New().Backup(t.Context(), "x"); err == nil {
		t.Error("a store in memory was backed up")
	}
}
