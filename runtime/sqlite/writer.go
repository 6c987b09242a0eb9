package sqlite

// Group commit. Operations queue while a commit is under way; when it ends, the writer takes all that wait (within
// bounds) into the next transaction at once. For an event, whose sender waits, there is no delay to gather more. The
// progress of a run has nobody waiting but its worker, so it lingers for a moment, to share a commit with an event or
// with other progress: a commit of one operation costs nearly as much as one of twenty.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

const (
	batchOps   = 512
	batchBytes = 4 << 20

	lingerTime = 2 * time.Millisecond // of progress, at the most
	lingerOps  = 64                   // that many together don't linger
)

// opKind tells the crash points apart.
type opKind uint8

const (
	opOther opKind = iota
	opAccept
	opRecord
)

// operation is what the writer does inside its transaction. apply may be called again after a transaction failed, and
// then starts anew.
type operation interface {
	apply(w *writer) error
	kind() opKind
}

// request is an operation that somebody waits for.
type request struct {
	op   operation
	size int
	done chan error
}

type writer struct {
	c    *conn
	n    counters // as of the transaction under way
	t    tallies  // what it changes in them
	opts Options
	ckpt *checkpointer

	mu      sync.Mutex
	queue   []*request
	urgent  bool      // something in the queue must not linger
	oldest  time.Time // when the queue's first came, where nothing is urgent
	closing bool
	wake    chan struct{} // holds one token when there is something to do
	ended   chan struct{}

	shown   sync.Mutex // guards visible
	visible counters   // as of the last commit
}

// newWriter starts the writer, which takes over both connections.
func newWriter(c, checkpoints *conn, n counters, opts Options) *writer {
	w := &writer{c: c, n: n, t: tallies{}, visible: n, opts: opts, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	w.ckpt = newCheckpointer(c, checkpoints, cmp.Or(opts.checkpointFrames, checkpointFrames))
	go w.loop()
	return w
}

// counters returns the counts as of the last commit.
func (w *writer) counters() counters {
	w.shown.Lock()
	defer w.shown.Unlock()
	return w.visible
}

// do has op committed. Where ctx ends first it returns the context's error, and op may still be committed.
func (w *writer) do(ctx context.Context, op operation, size int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request{op: op, size: size, done: make(chan error, 1)}
	w.mu.Lock()
	if w.closing {
		w.mu.Unlock()
		return runtime.ErrClosed
	}
	w.queue = append(w.queue, r)
	wake := len(w.queue) == 1
	if wake {
		w.oldest = time.Now()
	}
	if !w.urgent && (op.kind() != opRecord || len(w.queue) >= lingerOps) {
		w.urgent, wake = true, true
	}
	w.mu.Unlock()
	if wake {
		w.signal()
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// close commits what is queued and ends the writer.
func (w *writer) close() error {
	w.mu.Lock()
	w.closing = true
	w.mu.Unlock()
	w.signal()
	<-w.ended
	w.ckpt.close()
	err := w.c.exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
	w.c.close()
	w.ckpt.free()
	return err
}

func (w *writer) loop() {
	defer close(w.ended)
	var taken []*request
	for {
		w.mu.Lock()
		if len(taken) == 0 && len(w.queue) > 0 && !w.urgent && !w.closing {
			if left := lingerTime - time.Since(w.oldest); left > 0 {
				w.mu.Unlock()
				w.linger(left)
				continue
			}
		}
		taken = append(taken, w.queue...)
		clear(w.queue)
		w.queue, w.urgent = w.queue[:0], false
		closing := w.closing
		w.mu.Unlock()
		if len(taken) == 0 {
			if closing {
				return
			}
			<-w.wake
			// On a busy machine others are about to queue: let them.
			goruntime.Gosched()
			continue
		}
		n, size := 0, 0
		for n < len(taken) && n < batchOps && (n == 0 || size+taken[n].size <= batchBytes) {
			size += taken[n].size
			n++
		}
		w.commit(taken[:n])
		w.ckpt.committed(w.c)
		rest := copy(taken, taken[n:])
		clear(taken[rest:])
		taken = taken[:rest]
	}
}

// linger waits for something urgent, or until d has passed.
func (w *writer) linger(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-w.wake:
	case <-timer.C:
	}
}

// commit does all requests in one transaction. Where that fails, it does each in one of its own, so that only those
// fail that are to blame.
func (w *writer) commit(batch []*request) {
	err := w.transaction(batch)
	if err == nil || len(batch) == 1 {
		for _, r := range batch {
			r.done <- err
		}
		return
	}
	for _, r := range batch {
		r.done <- w.transaction([]*request{r})
	}
}

func (w *writer) transaction(batch []*request) error {
	start := time.Now()
	before := w.n
	clear(w.t)
	err := w.c.run(`BEGIN IMMEDIATE`)
	if err == nil {
		for _, r := range batch {
			if err = r.op.apply(w); err != nil {
				break
			}
		}
	}
	if err == nil && w.n != before {
		err = w.n.save(w.c)
	}
	if err == nil {
		err = w.t.save(w.c)
	}
	if err == nil {
		w.crash(batch, "before-accept-commit", "before-record-commit")
		err = w.c.run(`COMMIT`)
	}
	if err != nil {
		w.n = before
		if w.c.inTransaction() {
			if e := w.c.run(`ROLLBACK`); e != nil {
				err = errors.Join(err, e)
			}
		}
		return fmt.Errorf("writing to the store: %w", err)
	}
	w.crash(batch, "after-accept-commit", "after-record-commit")
	w.shown.Lock()
	w.visible = w.n
	w.shown.Unlock()
	if w.opts.OnCommit != nil {
		w.opts.OnCommit(len(batch), time.Since(start))
	}
	return nil
}

// crash calls the crash hook with the point of each kind of operation that the batch holds.
func (w *writer) crash(batch []*request, accept, record string) {
	if w.opts.Crash == nil {
		return
	}
	var kinds [3]bool
	for _, r := range batch {
		kinds[r.op.kind()] = true
	}
	if kinds[opAccept] {
		w.opts.Crash(accept)
	}
	if kinds[opRecord] {
		w.opts.Crash(record)
	}
}
