package sqlite

// Moving committed pages from the log into the database is the one long pause of a WAL. Measured, SQLite's own
// checkpoint inside every thousandth commit made the slowest commits ten times slower than the rest, and rarer ones
// worse. Here a goroutine with its own connection moves what there is while commits go on, and the writer only finishes
// the little that was added meanwhile, which lets the log start over.

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// checkpointFrames is the length of the log, in pages, at which it is moved. At 2,000 the rate is the same and the
// slowest hundredth of the events waits twice as long.
const checkpointFrames = 500

type checkpointer struct {
	c      *conn
	limit  int32
	mu     sync.Mutex // held while either side moves pages
	wake   chan struct{}
	ended  chan struct{}
	finish atomic.Bool // the writer's turn

	tls    *libc.TLS
	frames uintptr // where the hook writes the length of the log
}

// walHook is called by the library after each commit, with the length of the log.
func walHook(_ *libc.TLS, arg, _, _ uintptr, frames int32) int32 {
	**(**int32)(unsafe.Pointer(&arg)) = frames
	return lib.SQLITE_OK
}

func newCheckpointer(writing, own *conn, limit int) *checkpointer {
	k := &checkpointer{c: own, limit: int32(limit), wake: make(chan struct{}, 1), ended: make(chan struct{}), tls: libc.NewTLS()}
	k.frames = libc.Xcalloc(k.tls, 1, 8)
	hook := struct {
		f func(*libc.TLS, uintptr, uintptr, uintptr, int32) int32
	}{walHook}
	lib.Xsqlite3_wal_hook(writing.tls, writing.db, *(*uintptr)(unsafe.Pointer(&hook)), k.frames)
	go k.loop()
	return k
}

func (k *checkpointer) loop() {
	defer close(k.ended)
	for range k.wake {
		k.mu.Lock()
		err := k.c.run(`PRAGMA wal_checkpoint(PASSIVE)`)
		k.mu.Unlock()
		// A failure loses nothing and is met again at the next attempt, or by the writer as its own.
		k.finish.Store(err == nil)
	}
}

// committed is called by the writer between two transactions.
func (k *checkpointer) committed(writing *conn) {
	if **(**int32)(unsafe.Pointer(&k.frames)) < k.limit {
		return
	}
	if k.finish.Swap(false) {
		k.mu.Lock()
		_ = writing.run(`PRAGMA wal_checkpoint(PASSIVE)`)
		k.mu.Unlock()
		return
	}
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *checkpointer) close() {
	close(k.wake)
	<-k.ended
	k.c.close()
}

// free is called once the writing connection, which calls the hook, is closed.
func (k *checkpointer) free() {
	libc.Xfree(k.tls, k.frames)
	k.tls.Close()
}
