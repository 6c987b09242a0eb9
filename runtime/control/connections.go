package control

// The ways to the vendors: what they may be called, whether they answer, and what they did not send.

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// ConnectionList is the connections that are served, by name.
type ConnectionList struct {
	Connections []ConnectionDetail `json:"connections"`
}

// ConnectionDetail is one connection with its health.
type ConnectionDetail struct {
	Connection
	ConnectionUse
	Breaker *Breaker `json:"breaker,omitempty"` // left out where it is closed: calls go through

	LastEventAt time.Time `json:"last_event_at,omitzero"` // when the newest event was accepted
	LastEvent   string    `json:"last_event,omitempty"`   // its id
	Missing     []Gap     `json:"missing"`                // events that no webhook had brought, the newest first
}

// ConnectionUse is what a connection may be called, and who uses it.
type ConnectionUse struct {
	Title     string      `json:"title,omitempty"` // of its service
	Limits    []ConnLimit `json:"limits"`
	Listeners []string    `json:"listeners"` // recipes that its events start
	Callers   []string    `json:"callers"`   // recipes that call it
	Events    []string    `json:"events"`    // the vendor's types that recipes need
}

// ConnLimit is how fast a class of calls may be made.
type ConnLimit struct {
	Class       string  `json:"class,omitempty"`       // empty of all calls that have none of their own
	Rate        float64 `json:"rate,omitempty"`        // calls a second; left out where there is no limit
	Burst       int     `json:"burst,omitempty"`       // that may be made at once
	Concurrency int     `json:"concurrency,omitempty"` // under way at a time
}

func (h *Handler) connections(r *http.Request) (any, error) {
	if _, err := onlyParams(r); err != nil {
		return nil, err
	}
	out := &ConnectionList{Connections: []ConnectionDetail{}}
	if h.cfg.Engine == nil {
		return out, nil
	}
	breakers := map[string]Breaker{}
	engine := h.cfg.Engine.Status()
	if m := h.masker(r); m != nil {
		m.engine(&engine)
	}
	for _, b := range engine.Breakers {
		breakers[b.Connection] = b
	}
	var uses map[string]ConnectionUse
	if h.cfg.Workshop != nil {
		uses = h.cfg.Workshop.Uses()
	}
	missing := map[string][]Gap{}
	if h.cfg.Past != nil {
		gaps, err := h.cfg.Past.Gaps(r.Context())
		if err != nil {
			return nil, fmt.Errorf("reading what no webhook had brought: %w", err)
		}
		for _, g := range gaps {
			missing[g.Connection] = append(missing[g.Connection], g)
		}
	}
	for _, c := range h.cfg.Engine.Connections() {
		d := ConnectionDetail{Connection: c, ConnectionUse: uses[c.Name], Missing: append([]Gap{}, missing[c.Name]...)}
		d.Limits = append([]ConnLimit{}, d.Limits...)
		d.Listeners, d.Callers, d.Events = append([]string{}, d.Listeners...), append([]string{}, d.Callers...), append([]string{}, d.Events...)
		if b, ok := breakers[c.Name]; ok {
			d.Breaker = &b
		}
		if err := h.lastEvent(r.Context(), &d, c.Name); err != nil {
			return nil, err
		}
		out.Connections = append(out.Connections, d)
	}
	return out, nil
}

func (h *Handler) lastEvent(ctx context.Context, d *ConnectionDetail, name string) error {
	events, err := h.cfg.Store.Events(ctx, runtime.EventQuery{Connection: name, Limit: 1})
	if err != nil {
		return fmt.Errorf("finding the newest event of %s: %w", name, err)
	}
	for _, e := range events {
		d.LastEventAt, d.LastEvent = e.ReceivedAt.UTC(), e.ID
	}
	return nil
}
