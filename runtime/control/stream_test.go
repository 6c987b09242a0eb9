package control

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// changing is an engine whose state changes.
type changing struct {
	machine
	mu sync.Mutex
	s  EngineStatus
}

func (c *changing) Status() EngineStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.s
}

func (c *changing) set(f func(*EngineStatus)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.s)
}

// listener reads one stream.
type listener struct {
	t     *testing.T
	lines chan string
	ended chan struct{}
}

func listen(t *testing.T, server *httptest.Server, secret, query string) *listener {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/api/v1/stream"+query, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+secret)
	resp, err := http.DefaultClient.Do(r)
	if err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%v, %v", resp, err)
	}
	l := &listener{t: t, lines: make(chan string, 1000), ended: make(chan struct{})}
	go func() {
		defer close(l.ended)
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		for lines.Scan() {
			if text := lines.Text(); text != "" {
				l.lines <- text
			}
		}
	}()
	l.next(": flowrun")
	return l
}

// next returns the next line, which must begin with the text.
func (l *listener) next(begins string) string {
	l.t.Helper()
	select {
	case line := <-l.lines:
		if !strings.HasPrefix(line, begins) {
			l.t.Errorf("told %s, want %s", line, begins)
		}
		return line
	case <-l.ended:
		l.t.Fatalf("the stream has ended; want %s", begins)
	}
	return ""
}

// says returns the data of the next event, which must be of the kind.
func (l *listener) says(kind string) string {
	l.t.Helper()
	l.next("event: " + kind)
	return strings.TrimPrefix(l.next("data: "), "data: ")
}

func TestStreamTells(t *testing.T) {
	d := newDoorFor(t, nil, "")
	engine := &changing{}
	var mu sync.Mutex
	reloaded := ReloadResult{OK: true, At: start}
	cfg := d.cfg
	cfg.Engine = engine
	cfg.Reloads = func() (ReloadResult, ReloadResult) { mu.Lock(); defer mu.Unlock(); return reloaded, reloaded }
	d.Handler = New(cfg)
	server := httptest.NewServer(d.Handler)
	defer server.Close()
	defer d.CloseStreams()
	all := listen(t, server, joSecret, "")
	masked := listen(t, server, samSecret, "")
	page := listen(t, server, joSecret, "?masked=1&only=run,alert")
	readers := []*listener{all, masked, page}

	secret := "jo@x.test"
	d.Publish(&runtime.Run{ID: "run_1", Status: runtime.RunFailed, Input: []byte(`"` + secret + `"`), Error: &runtime.StepError{Message: "no " + secret}})
	for _, l := range readers {
		if got := l.says("run"); strings.Contains(got, secret) != (l == all) {
			t.Errorf("told %s", got)
		}
	}
	e := &runtime.Event{ID: "evt_1", Type: "charge.failed", Payload: []byte(secret)}
	d.PublishEvent(e, nil)
	d.PublishEvent(e, &runtime.Decision{Program: "p", Matched: []byte{1}, Runs: 1})
	for _, l := range readers[:2] {
		if got := l.says("event"); strings.Contains(got, "decision") || strings.Contains(got, secret) {
			t.Errorf("told %s", got)
		}
		if got := l.says("event"); !strings.Contains(got, `"matched":["billing/dunning"],"runs":1`) || strings.Contains(got, secret) {
			t.Errorf("told %s", got)
		}
	}
	look := func() {
		t.Helper()
		if err := d.clock.WaitTimers(t.Context(), len(readers)); err != nil {
			t.Fatal(err)
		}
		d.clock.Advance(streamLook)
	}
	engine.set(func(s *EngineStatus) {
		s.Breakers = []Breaker{{Connection: "stripe", State: "open", Reason: "no answer for " + secret}}
		s.Paused = []Pause{{Recipe: "a"}}
		s.Alerts = []Alert{{Kind: "breaker_open", Message: secret, At: now}}
	})
	mu.Lock()
	reloaded = ReloadResult{Diagnostics: "Error FR2103", At: start.Add(time.Hour)}
	mu.Unlock()
	look()
	for _, l := range readers[:2] {
		if got := l.says("reload"); !strings.Contains(got, "FR2103") || !strings.Contains(got, `"ok":false`) {
			t.Errorf("told %s", got)
		}
		if got := l.says("breakers"); !strings.Contains(got, "no answer for") || strings.Contains(got, secret) != (l == all) {
			t.Errorf("told %s", got)
		}
		if got := l.says("paused"); got != `{"paused":[{"recipe":"a","drop":false,"held":0}]}` {
			t.Errorf("told %s", got)
		}
	}
	for _, l := range readers {
		if got := l.says("alert"); !strings.Contains(got, "breaker_open") || strings.Contains(got, secret) != (l == all) {
			t.Errorf("told %s", got)
		}
	}
	// What ends is told, what stays is not.
	engine.set(func(s *EngineStatus) { s.Breakers, s.Paused = nil, nil })
	look()
	for _, l := range readers[:2] {
		if got := l.says("breakers"); got != `{"breakers":[]}` {
			t.Errorf("told %s", got)
		}
		if got := l.says("paused"); got != `{"paused":[]}` {
			t.Errorf("told %s", got)
		}
	}
	// Who may not look any more is let go.
	d.access.SetTokens([]Token{{Name: "jo", Role: RoleOperate, Secret: joSecret}})
	look()
	<-masked.ended
	readers = []*listener{all, page}
	d.Publish(&runtime.Run{ID: "run_2"})
	for _, l := range readers {
		l.says("run")
	}
	for range streamBeat - 3 {
		look()
	}
	for _, l := range readers {
		l.next(": beat")
	}
	d.CloseStreams()
	<-all.ended
	<-page.ended
}

func TestStreamEndsWithItsSession(t *testing.T) {
	d := newDoorFor(t, nil, "")
	p := &principal{name: "jo", role: RoleOperate, via: "session", ends: now.Unix() + 1}
	if !d.guard.stands(p) {
		t.Error("it does not stand")
	}
	d.clock.Advance(time.Second)
	if d.guard.stands(p) {
		t.Error("it stands at its end")
	}
	p = &principal{name: "jo", role: RoleOperate, via: "token"}
	d.access.SetTokens([]Token{{Name: "jo", Role: RoleView, Secret: joSecret}})
	if d.guard.stands(p) {
		t.Error("it stands in a role that it has not any more")
	}
	if !d.guard.stands(&principal{name: "ann", via: "proxy"}) || !d.guard.stands(&principal{name: unnamed, via: "local"}) {
		t.Error("who needs no token does not stand")
	}
}

func TestSlowReader(t *testing.T) {
	h := New(config(records(t)))
	slow := h.streams.join(true, true)
	deaf := h.streams.join(false, false)
	for range streamQueue {
		h.PublishEvent(&runtime.Event{ID: "evt"}, nil)
	}
	h.PublishEvent(&runtime.Event{ID: "evt"}, nil)
	h.Publish(&runtime.Run{ID: "run"})
	h.Publish(&runtime.Run{ID: "run"})
	if slow.missed != (Missed{Runs: 2, Events: 1}) || len(deaf.news) != 0 || deaf.missed != (Missed{}) {
		t.Errorf("the slow one missed %+v, the deaf one %+v", slow.missed, deaf.missed)
	}
}
