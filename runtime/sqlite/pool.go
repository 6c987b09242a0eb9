package sqlite

import (
	"context"
	"fmt"
	"sync"

	"github.com/flowrun/flowrun/runtime"
)

// readers is how many queries run at once; each has a connection with a page cache of its own.
const readers = 4

// pool lends connections that can't write.
type pool struct {
	path, vfs string
	slots     chan *conn // a nil one is still to be opened

	mu   sync.RWMutex // read-held while a connection is lent
	done bool
}

func newPool(path, vfs string) *pool {
	p := &pool{path: path, vfs: vfs, slots: make(chan *conn, readers)}
	for range readers {
		p.slots <- nil
	}
	return p
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = true
	for range readers {
		if c := <-p.slots; c != nil {
			c.close()
		}
	}
}

// read calls f with a connection inside one read transaction, so that all its statements see the same state.
func (p *pool) read(ctx context.Context, f func(*conn) error) error {
	return p.lend(ctx, func(c *conn) error {
		if err := c.run(`BEGIN`); err != nil {
			return err
		}
		err := f(c)
		e := c.run(`ROLLBACK`)
		if c.inTransaction() { // the context's end met the ROLLBACK itself; it can't meet another
			e = c.run(`ROLLBACK`)
		}
		if err == nil {
			err = e
		}
		return err
	})
}

func (p *pool) lend(ctx context.Context, f func(*conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.done {
		return runtime.ErrClosed
	}
	var c *conn
	select {
	case c = <-p.slots:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { p.slots <- c }()
	if c == nil {
		n, err := openConn(p.path, p.vfs)
		if err != nil {
			return fmt.Errorf("opening a connection: %w", err)
		}
		if err := n.exec(`PRAGMA query_only = 1; PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY`); err != nil {
			n.close()
			return fmt.Errorf("opening a connection: %w", err)
		}
		c = n
	}
	return c.watch(ctx)(f(c))
}
