package control

// GET /api/v1/stream tells what happens, as server-sent events: runs as they end or begin to wait, events as they are
// accepted and decided, and what changes of the server's state: reloads, breakers, pauses, alerts. A reader that is too
// slow is told how many it missed and finds them in the lists: nothing waits for it. A reader is let go once it may not
// look any more.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

const (
	maxStreams = 64
	// streamPatience is how long a reader may take to take what is written, by the clock of its connection.
	streamPatience = 30 * time.Second
	streamQueue    = 256
	streamLook     = time.Second // between two looks at the server's state
	streamBeat     = 15          // looks after which something is said, so that proxies and readers see that the line is alive
)

// streamKinds are the names of what is told.
func streamKinds() []string {
	return []string{"run", "event", "reload", "breakers", "paused", "alert", "missed"}
}

// Missed is how many were not told of, since the reader was too slow.
type Missed struct {
	Runs   int `json:"runs"`
	Events int `json:"events"`
}

// streams are those who listen.
type streams struct {
	mu      sync.Mutex
	readers map[*reader]struct{}
	closed  bool
}

type reader struct {
	news   chan news
	closed chan struct{}
	runs   bool // it wants to hear of runs
	events bool

	mu     sync.Mutex
	missed Missed
}

// news is a run or an event. Readers write it down themselves, since they don't all see the same of it.
type news struct {
	run      *Run
	of       int64          // the Seq of the run's event
	event    *runtime.Event // without its payload
	decision *runtime.Decision
}

// Publish tells those who listen of a run that has ended or must wait. It never blocks, and costs nothing where nobody
// listens.
func (h *Handler) Publish(r *runtime.Run) {
	h.streams.mu.Lock()
	defer h.streams.mu.Unlock()
	if !h.streams.any(func(r *reader) bool { return r.runs }) {
		return
	}
	out := runJSON(r)
	out.Steps = nil
	for reader := range h.streams.readers {
		if reader.runs && !reader.tell(news{run: &out, of: r.EventSeq}) {
			reader.miss(Missed{Runs: 1})
		}
	}
}

// PublishEvent tells those who listen of an event that was accepted, or, where there is a decision, decided. It never
// blocks, and costs nothing where nobody listens.
func (h *Handler) PublishEvent(e *runtime.Event, d *runtime.Decision) {
	h.streams.mu.Lock()
	defer h.streams.mu.Unlock()
	if !h.streams.any(func(r *reader) bool { return r.events }) {
		return
	}
	bare := *e
	bare.Payload = nil
	n := news{event: &bare}
	if d != nil {
		kept := *d
		kept.Matched = slices.Clone(d.Matched)
		n.decision = &kept
	}
	for reader := range h.streams.readers {
		if reader.events && !reader.tell(n) {
			reader.miss(Missed{Events: 1})
		}
	}
}

func (s *streams) any(wants func(*reader) bool) bool {
	for r := range s.readers {
		if wants(r) {
			return true
		}
	}
	return false
}

func (r *reader) tell(n news) bool {
	select {
	case r.news <- n:
		return true
	default:
		return false
	}
}

func (r *reader) miss(m Missed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.missed.Runs += m.Runs
	r.missed.Events += m.Events
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
func (s *streams) join(runs, events bool) *reader {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.readers) >= maxStreams {
		return nil
	}
	r := &reader{news: make(chan news, streamQueue), closed: make(chan struct{}), runs: runs, events: events}
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

// onlyKinds reads which kinds are wanted; all where nothing is said.
func onlyKinds(r *http.Request) ([]string, error) {
	q, err := onlyParams(r, "only")
	if err != nil {
		return nil, err
	}
	only := q.Get("only")
	if only == "" {
		return streamKinds(), nil
	}
	kinds := strings.Split(only, ",")
	for _, k := range kinds {
		if !slices.Contains(streamKinds(), k) {
			return nil, badParam("only", only, "of "+strings.Join(streamKinds(), ", ")+", with commas between them")
		}
	}
	return append(kinds, "missed"), nil
}

func (h *Handler) stream(w http.ResponseWriter, r *http.Request) {
	kinds, err := onlyKinds(r)
	if err != nil {
		writeProblem(w, h.problem(r, err))
		return
	}
	reader := h.streams.join(slices.Contains(kinds, "run"), slices.Contains(kinds, "event"))
	if reader == nil {
		writeProblem(w, problem(http.StatusServiceUnavailable, "busy", "too many listen already, or the server is stopping"))
		return
	}
	defer h.streams.leave(reader)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // what a proxy holds back is no news
	t := &teller{h: h, r: r, reader: reader, kinds: kinds, masked: h.masker(r) != nil}
	t.was = h.state()
	t.buf.WriteString(": flowrun\n\n")
	t.run(w)
}

// teller writes one stream.
type teller struct {
	h      *Handler
	r      *http.Request
	reader *reader
	kinds  []string
	masked bool
	was    state
	buf    bytes.Buffer
}

var errGone = errors.New("it may not listen any more")

func (t *teller) run(w http.ResponseWriter) {
	out := http.NewResponseController(w)
	flush := func() error {
		if t.buf.Len() == 0 {
			return nil
		}
		// Who does not read must not keep a place; what can't be bounded is a test's.
		_ = out.SetWriteDeadline(time.Now().Add(streamPatience))
		_, err := w.Write(t.buf.Bytes())
		t.buf.Reset()
		return errors.Join(err, out.Flush())
	}
	looks := 0
	wake, stop := t.h.cfg.Clock.After(streamLook)
	defer func() { stop() }()
	for err := flush(); err == nil; err = errors.Join(err, flush()) {
		select {
		case n := <-t.reader.news:
			t.tell(n)
			t.tellRest()
		case <-wake:
			wake, stop = t.h.cfg.Clock.After(streamLook)
			if looks++; looks%streamBeat == 0 {
				t.buf.WriteString(": beat\n\n")
			}
			err = t.look()
		case <-t.reader.closed:
			return
		case <-t.r.Context().Done():
			return
		}
		t.tellMissed()
	}
}

// tellRest tells what is there besides, so that a burst is written at once.
func (t *teller) tellRest() {
	for range streamQueue {
		select {
		case n := <-t.reader.news:
			t.tell(n)
		default:
			return
		}
	}
}

func (t *teller) say(kind string, v any) {
	if !slices.Contains(t.kinds, kind) {
		return
	}
	raw, err := json.Marshal(v)
	if err != nil { // none of our types fails
		return
	}
	fmt.Fprintf(&t.buf, "event: %s\ndata: %s\n\n", kind, raw)
}

func (t *teller) tell(n news) {
	switch {
	case n.run != nil:
		out := *n.run
		if t.masked {
			m := t.h.newMasker()
			if out.Error != nil {
				own := *out.Error
				out.Error = &own
				if t.h.learn(t.r.Context(), m, n.of) != nil {
					own.Message = maskedWord // what it repeats of the event can't be known
				}
			}
			m.brief(&out)
		}
		t.say("run", out)
	case n.event != nil:
		out := EventOf(n.event)
		if d := n.decision; d != nil {
			out.Decision = t.h.decisionOf(t.r.Context(), n.event, d)
		}
		t.say("event", out)
	}
}

func (t *teller) tellMissed() {
	t.reader.mu.Lock()
	missed := t.reader.missed
	t.reader.missed = Missed{}
	t.reader.mu.Unlock()
	if missed != (Missed{}) {
		t.say("missed", missed)
	}
}

// state is what the server is in, as far as readers are told when it changes.
type state struct {
	reload   *Reload
	breakers []Breaker
	paused   []Pause
	alerts   []Alert
}

func (h *Handler) state() state {
	var s state
	last, _ := h.cfg.Reloads()
	s.reload = reloadJSON(last)
	if h.cfg.Engine != nil {
		e := h.cfg.Engine.Status()
		s.breakers, s.paused, s.alerts = e.Breakers, e.Paused, e.Alerts
	}
	return s
}

// BreakerList is the connections whose calls are held back, as the stream tells when one comes or goes.
type BreakerList struct {
	Breakers []Breaker `json:"breakers"`
}

// PauseList is the recipes that take no events, as the stream tells when one comes or goes.
type PauseList struct {
	Paused []Pause `json:"paused"`
}

// look tells what has changed of the server's state.
func (t *teller) look() error {
	if !t.h.guard.stands(asker(t.r)) {
		return errGone
	}
	var m *masker
	if t.masked {
		m = t.h.newMasker()
	}
	now, was := t.h.state(), t.was
	t.was = now
	if now.reload != nil && (was.reload == nil || !now.reload.At.Equal(was.reload.At)) {
		t.say("reload", now.reload)
	}
	if !slices.Equal(now.breakers, was.breakers) {
		masked := EngineStatus{Breakers: now.breakers}
		m.engine(&masked)
		t.say("breakers", BreakerList{Breakers: append([]Breaker{}, masked.Breakers...)})
	}
	if !slices.Equal(now.paused, was.paused) {
		t.say("paused", PauseList{Paused: append([]Pause{}, now.paused...)})
	}
	for _, a := range now.alerts {
		if !slices.Contains(was.alerts, a) {
			a.Message = m.text(a.Message)
			t.say("alert", a)
		}
	}
	return nil
}
