package ingress

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// refusal is why a request was not taken, and how it is answered. Its zero value is none.
type refusal struct {
	status     int
	metric     string // a telemetry.Refused constant
	connection string // empty where there is no such door
	reason     string // for the sender
	detail     string // for the log only
	forged     bool
	loud       bool // a fault of ours
	hangUp     bool // the rest of the body isn't worth reading
}

func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, f refusal) {
	h.cfg.Metrics.EventRefused(f.connection, f.metric)
	h.refusals.note(r, f)
	if f.forged && h.cfg.Forged != nil {
		h.cfg.Forged(f.connection)
	}
	header := w.Header()
	if f.status == http.StatusServiceUnavailable || f.status == http.StatusTooManyRequests {
		header["Retry-After"] = retryAfter
	}
	if f.hangUp {
		header["Connection"] = closing
	}
	fail(w, f.status, f.reason)
}

func fail(w http.ResponseWriter, status int, reason string) {
	body, err := json.Marshal(struct {
		Error string `json:"error"`
	}{cut(reason)})
	if err != nil { // a string always marshals
		body = []byte(`{"error":"refused"}`)
	}
	answer(w, status, append(body, '\n'))
}

// answer writes a JSON body. A type that is set spares net/http the guess, and a browser the idea of running it.
func answer(w http.ResponseWriter, status int, body []byte) {
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(status)
	// The sender hung up; there is nobody to tell.
	_, _ = w.Write(body)
}

// refusals logs what was refused: the first of a door at once, and what follows as one line a minute that says how many
// there were, so that a flood of forgeries can't fill a disk. What comes for doors that don't exist shares one count.
type refusals struct {
	log   *slog.Logger
	clock runtime.Clock

	mu    sync.Mutex
	doors map[doorKey]count
}

// doorKey keeps what is our fault apart, so that a forger can't have it go unseen.
type doorKey struct {
	connection string
	loud       bool
}

type count struct {
	since time.Time // of the last line
	more  int       // since then
}

const logEvery = time.Minute

func (c *refusals) note(r *http.Request, f refusal) {
	key := doorKey{f.connection, f.loud}
	now := c.clock.Now()
	c.mu.Lock()
	if c.doors == nil {
		c.doors = map[doorKey]count{}
	}
	d, seen := c.doors[key]
	if seen && (d.more > 0 || now.Sub(d.since) < logEvery) {
		d.more++
		c.doors[key] = d
		c.mu.Unlock()
		if d.more == 1 {
			due, _ := c.clock.After(d.since.Add(logEvery).Sub(now))
			go c.sum(key, due)
		}
		return
	}
	c.doors[key] = count{since: now}
	c.mu.Unlock()

	attrs := []any{"status", f.status, "reason", f.reason, "from", r.RemoteAddr}
	if f.connection != "" {
		attrs = append(attrs, "connection", f.connection)
	} else {
		attrs = append(attrs, "path", cut(r.URL.Path))
	}
	if f.detail != "" {
		attrs = append(attrs, "detail", cut(f.detail))
	}
	switch {
	case f.loud:
		c.log.Error("webhook not stored", attrs...)
	case f.forged:
		c.log.Warn("webhook with a bad signature refused", attrs...)
	default:
		c.log.Warn("webhook refused", attrs...)
	}
}

// sum says, once its time has come, how many there were since the last line.
func (c *refusals) sum(key doorKey, due <-chan time.Time) {
	now := <-due
	c.mu.Lock()
	more := c.doors[key].more
	c.doors[key] = count{since: now}
	c.mu.Unlock()
	attrs := []any{"count", more}
	if key.connection != "" {
		attrs = append(attrs, "connection", key.connection)
	}
	if key.loud {
		c.log.Error("more webhooks not stored", attrs...)
		return
	}
	c.log.Warn("more webhooks refused", attrs...)
}

// cut bounds what a stranger can put into an answer or a log line.
func cut(s string) string {
	if len(s) > maxReasonText {
		s = s[:maxReasonText] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
