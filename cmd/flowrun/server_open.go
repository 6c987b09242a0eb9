package main

// How a server opens its doors and its store, and what the doors say before there is anything behind them.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/control"
	"github.com/flowrun/flowrun/runtime/ingress"
	"github.com/flowrun/flowrun/runtime/sqlite"
)

// listen opens both listeners. They answer 503 until there is more to say.
func (s *server) listen() (fault <-chan error, closeDoors func(context.Context), err error) {
	s.hooks = ingress.New(ingress.Config{
		Accept:   func(ctx context.Context, e *runtime.Event) (bool, error) { return s.store.AcceptEvent(ctx, e) },
		Accepted: s.accepted,
		Forged:   func(connection string) { s.engine.Forged(connection) },
		Door:     s.findDoor,
		Clock:    s.m.Clock,
		Log:      s.log,
		Metrics:  s.metrics,
	})
	s.hooks.SetReady(false)
	s.doorBox.set(http.HandlerFunc(starting))
	if s.webhooks, err = s.open("the listener for webhooks", "listen", &s.o.listen); err != nil {
		return nil, nil, err
	}
	if s.controls, err = s.open("the control door", "control", &s.o.control); err != nil {
		s.webhooks.Close()
		return nil, nil, err
	}
	faults := make(chan error, 2)
	servers := []*http.Server{ingress.NewServer("", s.hooks), control.NewServer("", &s.doorBox)}
	for i, l := range []net.Listener{s.webhooks, s.controls} {
		servers[i].ErrorLog = slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)
		go func() {
			if err := servers[i].Serve(l); !errors.Is(err, http.ErrServerClosed) {
				faults <- fmt.Errorf("serving on %s: %w", l.Addr(), err)
			}
		}()
	}
	return faults, func(ctx context.Context) {
		for _, srv := range servers {
			if srv.Shutdown(ctx) != nil {
				srv.Close()
			}
		}
	}, nil
}

func (s *server) open(what, flag string, address *string) (net.Listener, error) {
	l, err := net.Listen("tcp", *address)
	if err == nil {
		return l, nil
	}
	if s.mode == "dev" {
		if other, e := net.Listen("tcp", "127.0.0.1:0"); e == nil {
			fmt.Fprintf(s.m.Stderr, "flowrun: %s can't be had, perhaps since it is in use; %s is at %s instead\n", *address, what, other.Addr())
			*address = other.Addr().String()
			return other, nil
		}
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return nil, fmt.Errorf("opening %s for %s (-%s): %w", *address, what, flag, err)
}

// openStore opens the store, and waits while another process holds it.
func (s *server) openStore(ctx context.Context) (runtime.Store, error) {
	path, err := sqlitePath(s.o.store)
	if err != nil {
		return nil, err
	}
	opts := sqlite.Options{OnCommit: s.metrics.Commit, Crash: s.m.Crash}
	store, err := sqlite.Open(ctx, s.m.path(path), opts)
	if !errors.Is(err, runtime.ErrLocked) {
		return asStore(store, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-s.stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	var notices sync.WaitGroup
	notices.Go(func() {
		since := s.m.Clock.Now()
		for {
			// The words of the error name the process.
			fmt.Fprintf(s.m.Stderr, "flowrun: %v; waiting for it to end (%s so far), webhooks are answered 503 meanwhile\n",
				err, s.m.Clock.Now().Sub(since).Round(time.Second))
			wake, stop := s.m.Clock.After(lockNotice)
			select {
			case <-wake:
			case <-ctx.Done():
				stop()
				return
			}
		}
	})
	opts.Wait = true
	store, openErr := sqlite.Open(ctx, s.m.path(path), opts)
	cancel()
	notices.Wait()
	return asStore(store, openErr)
}

// asStore keeps a nil *sqlite.Store from becoming a runtime.Store that isn't nil.
func asStore(store *sqlite.Store, err error) (runtime.Store, error) {
	if err != nil {
		return nil, err
	}
	return store, nil
}

// box is a handler that can be changed while it serves.
type box struct {
	mu sync.RWMutex
	h  http.Handler
}

func (b *box) set(h http.Handler) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.h = h
}

// ServeHTTP implements http.Handler.
func (b *box) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.RLock()
	h := b.h
	b.mu.RUnlock()
	h.ServeHTTP(w, r)
}

// starting is the control door before there is a store. It tells nothing but that.
func starting(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/healthz" {
		_, _ = io.WriteString(w, `{"status":"ok"}`+"\n")
		return
	}
	w.Header().Set("Retry-After", "5")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, `{"status":"unavailable","error":{"code":"starting","message":"the server is starting: it waits for its store"}}`+"\n")
}
