package engine

// Alerts are about what is no run's failure but someone must know. They become events of the builtin service flowrun,
// so that recipes answer them, and are grouped, so that an outage is one message. An alert is raised from where the
// fault was seen and written by a loop of its own: what is broken is not asked to report itself.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

// Kinds of alerts, as recipes read them in alert.kind.
const (
	AlertForged           = "forged_webhooks"
	AlertReloadRefused    = "reload_refused"
	AlertMissingEvents    = "missing_events"
	AlertEndpointDisabled = "endpoint_disabled"
	AlertBreakerOpen      = "breaker_open"
	AlertUnknownOutcome   = "unknown_outcome"
	AlertBudgetExceeded   = "budget_exceeded"
	AlertStoreRefuses     = "store_refuses"
)

const (
	alertService = "flowrun"
	alertType    = "alert"
	alertEvery   = 10 * time.Minute // between two of one kind
	alertsShown  = 20
	alertMessage = 500 // the longest message, in bytes
)

// AlertStatus is an alert as status shows it.
type AlertStatus struct {
	Kind, Message string
	Count         int // of what happened since the alert before of that kind
	At            time.Time
}

// alerts are what is to be told, by kind.
type alerts struct {
	mu      sync.Mutex
	kinds   map[string]*alertGroup
	recent  []AlertStatus        // newest last
	forged  map[string]forgeries // by connection
	written int                  // so that no two have one id
	wake    chan struct{}
}

type alertGroup struct {
	message string
	count   int       // not told yet
	told    time.Time // the last one
}

// Alert tells of something that happened n times: at once where nothing of that kind was told in the last ten minutes,
// otherwise with what else comes until then. It does not block.
func (e *Engine) Alert(kind, message string, n int) {
	if len(message) > alertMessage {
		message = strings.ToValidUTF8(message[:alertMessage], "") + "…"
	}
	e.cfg.Metrics.Alert(kind, n)
	a := &e.alerts
	a.mu.Lock()
	g := a.kinds[kind]
	if g == nil {
		g = &alertGroup{}
		a.kinds[kind] = g
	}
	g.message = message
	g.count += max(n, 1)
	first := g.count == max(n, 1)
	a.mu.Unlock()
	if first {
		e.log.Warn("alert", "kind", kind, "message", message, "count", n)
	}
	signal(a.wake)
}

const (
	forgedBurst  = 10 // so many bad signatures within forgedWindow are no accident
	forgedWindow = time.Minute
)

// forgeries counts the bad signatures of one connection.
type forgeries struct {
	since time.Time
	count int
}

// Forged counts a webhook whose signature did not hold, and raises an alert where they come in a burst. It does not
// block.
func (e *Engine) Forged(connection string) {
	now := e.clock.Now()
	a := &e.alerts
	a.mu.Lock()
	f := a.forged[connection]
	if now.Sub(f.since) > forgedWindow {
		f = forgeries{since: now}
	}
	f.count++
	if len(a.forged) >= maxForged && a.forged[connection] == (forgeries{}) {
		clear(a.forged)
	}
	a.forged[connection] = f
	a.mu.Unlock()
	n := 1
	switch {
	case f.count < forgedBurst:
		return
	case f.count == forgedBurst:
		n = forgedBurst
	}
	e.Alert(AlertForged, fmt.Sprintf("webhooks whose signature does not hold come on connection %q: they are forged, or its secret was changed", connection), n)
}

// maxForged is of how many connections bad signatures are counted.
const maxForged = 1000

// alertLoop writes alerts until Drain, and then what is left.
func (e *Engine) alertLoop() {
	for {
		next := e.tellAlerts(false)
		var wake <-chan time.Time
		stop := func() {}
		if !next.IsZero() {
			wake, stop = e.clock.After(next.Sub(e.clock.Now()))
		}
		select {
		case <-wake:
		case <-e.alerts.wake:
		case <-e.stopFeed:
			stop()
			e.tellAlerts(true)
			return
		}
		stop()
	}
}

// tellAlerts writes each group whose time has come, and returns when the next one's comes.
func (e *Engine) tellAlerts(all bool) (next time.Time) {
	a := &e.alerts
	now := e.clock.Now()
	var tell []AlertStatus
	a.mu.Lock()
	for kind, g := range a.kinds {
		if g.count == 0 {
			continue
		}
		if due := g.told.Add(alertEvery); !all && !g.told.IsZero() && due.After(now) {
			if next.IsZero() || due.Before(next) {
				next = due
			}
			continue
		}
		tell = append(tell, AlertStatus{kind, g.message, g.count, now})
		g.count, g.told = 0, now
	}
	slices.SortFunc(tell, func(x, y AlertStatus) int { return strings.Compare(x.Kind, y.Kind) })
	a.recent = append(a.recent, tell...)
	if n := len(a.recent) - alertsShown; n > 0 {
		a.recent = slices.Delete(a.recent, 0, n)
	}
	a.mu.Unlock()
	for _, s := range tell {
		if err := e.acceptAlert(s); err != nil {
			e.log.Error("an alert could not be stored; it is tried again", "kind", s.Kind, "message", s.Message, "count", s.Count, "error", err)
			a.mu.Lock()
			a.kinds[s.Kind].count += s.Count
			a.mu.Unlock()
			if retry := now.Add(alertEvery); next.IsZero() || retry.Before(next) {
				next = retry
			}
		}
	}
	return next
}

// acceptAlert makes an alert an event.
func (e *Engine) acceptAlert(s AlertStatus) error {
	payload, err := schema.AppendJSON(nil, cty.ObjectVal(map[string]cty.Value{
		"kind": cty.StringVal(s.Kind), "message": cty.StringVal(s.Message), "count": cty.NumberIntVal(int64(s.Count)),
	}))
	if err != nil {
		return fmt.Errorf("writing its payload: %w", err)
	}
	for range 10 {
		e.alerts.mu.Lock()
		e.alerts.written++
		n := e.alerts.written
		e.alerts.mu.Unlock()
		ev := &runtime.Event{
			Connection: alertService, Service: alertService, Type: alertType,
			ID:   fmt.Sprintf("alert_%s_%d_%d", s.Kind, s.At.UnixMilli(), n),
			Time: s.At, ReceivedAt: s.At, Livemode: true, Payload: payload,
		}
		accepted, err := e.cfg.Store.AcceptEvent(context.Background(), ev)
		if err != nil {
			return err
		}
		if accepted {
			if !e.draining.Load() { // else the next process finds it
				e.Accepted(ev)
			}
			return nil
		}
	}
	return errors.New("its id is taken")
}

func (e *Engine) alertStatus() []AlertStatus {
	e.alerts.mu.Lock()
	defer e.alerts.mu.Unlock()
	return slices.Clone(e.alerts.recent)
}
