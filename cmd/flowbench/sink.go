package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// sink stands in for Customer.io: it counts, waits as long as it is told, and answers 200.
type sink struct {
	delay   time.Duration
	count   atomic.Int64
	target  int64
	reached chan struct{} // closed when target calls have come

	mu      sync.Mutex
	arrived map[string]time.Time // first arrival of each event id; nil where nobody asks
	repeats int

	srv *http.Server
	url string
}

func startSink(delay time.Duration, target int, times bool) (*sink, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sink{delay: delay, target: int64(target), reached: make(chan struct{}), url: "http://" + ln.Addr().String()}
	if times {
		s.arrived = make(map[string]time.Time, target)
	}
	s.srv = &http.Server{Handler: s}
	go s.srv.Serve(ln)
	return s, nil
}

func (s *sink) close() { s.srv.Close() }

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	var buf [2048]byte
	n, _ := io.ReadFull(r.Body, buf[:])
	if s.arrived != nil {
		if id := idIn(buf[:n]); id != "" {
			s.mu.Lock()
			if _, seen := s.arrived[id]; seen {
				s.repeats++
			} else {
				s.arrived[id] = now
			}
			s.mu.Unlock()
		}
	}
	if s.delay > 0 {
		time.Sleep(s.delay)
	}
	w.Header()["Content-Type"] = []string{"application/json"}
	io.WriteString(w, "{}")
	if s.count.Add(1) == s.target {
		close(s.reached)
	}
}

// idIn finds the Stripe event id in a call's body.
func idIn(body []byte) string {
	i := bytes.Index(body, []byte("evt_"))
	if i < 0 {
		return ""
	}
	end := bytes.IndexByte(body[i:], '"')
	if end < 0 {
		return ""
	}
	return string(body[i : i+end])
}
