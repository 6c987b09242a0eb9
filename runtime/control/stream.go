package control

// GET /api/v1/stream tells of runs as they end or begin to wait, as server-sent events. A reader that is too slow is
// told how many it missed and finds them in the list: nothing waits for it.

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

const (
	maxStreams  = 64
	streamQueue = 256
	streamBeat  = 15 * time.Second // so that proxies and readers see that the line is alive
)

// streams are those who listen.
type streams struct {
	mu      sync.Mutex
	readers map[*reader]struct{}
	closed  bool
}

type reader struct {
	runs   chan *Run
	closed chan struct{}

	mu     sync.Mutex
	missed int
}

// Publish tells those who listen of a run that has ended or must wait. It never blocks, and costs nothing where nobody
// listens.
func (h *Handler) Publish(r *runtime.Run) {
	h.streams.mu.Lock()
	defer h.streams.mu.Unlock()
	if len(h.streams.readers) == 0 {
		return
	}
	out := runJSON(r)
	out.Steps = nil
	for reader := range h.streams.readers {
		select {
		case reader.runs <- &out:
		default:
			reader.mu.Lock()
			reader.missed++
			reader.mu.Unlock()
		}
	}
}

// CloseStreams ends all streams, so that the server can stop.
func (h *Handler) CloseStreams() {
	h.streams.mu.Lock()
	defer h.streams.mu.Unlock()
	h.streams.closed = true
	for reader := range h.streams.readers {
		close(reader.closed)
	}
	h.streams.readers = nil
}

// join returns nil where there is no room.
func (s *streams) join() *reader {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.readers) >= maxStreams {
		return nil
	}
	r := &reader{runs: make(chan *Run, streamQueue), closed: make(chan struct{})}
	if s.readers == nil {
		s.readers = map[*reader]struct{}{}
	}
	s.readers[r] = struct{}{}
	return r
}

func (s *streams) leave(r *reader) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.readers, r)
}

func (h *Handler) stream(w http.ResponseWriter, r *http.Request) {
	reader := h.streams.join()
	if reader == nil {
		writeProblem(w, problem(http.StatusServiceUnavailable, "busy", "too many listen already, or the server is stopping"))
		return
	}
	defer h.streams.leave(reader)
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	say := func(format string, args ...any) bool {
		_, err := fmt.Fprintf(w, format, args...)
		return err == nil && out.Flush() == nil
	}
	if !say(": flowrun\n\n") {
		return
	}
	for {
		beat, stop := h.cfg.Clock.After(streamBeat)
		var ok bool
		select {
		case run := <-reader.runs:
			raw, err := json.Marshal(run)
			ok = err == nil && say("event: run\ndata: %s\n\n", raw)
		case <-beat:
			ok = say(": beat\n\n")
		case <-reader.closed:
			ok = false
		case <-r.Context().Done():
			ok = false
		}
		stop()
		if !ok {
			return
		}
		reader.mu.Lock()
		missed := reader.missed
		reader.missed = 0
		reader.mu.Unlock()
		if missed > 0 && !say("event: missed\ndata: {\"runs\":%d}\n\n", missed) {
			return
		}
	}
}
