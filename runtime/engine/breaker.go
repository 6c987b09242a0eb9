package engine

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/flowrun/flowrun/connectors"
)

// A vendor that is down must not be called by every run that comes, and must not cost their attempts. So each connection
// has a circuit breaker: closed it lets all through, open none, and after a rest one call, the probe, whose outcome
// closes it or doubles the rest. Runs that meet an open breaker are put down as rows and go on later; none fails for it.
//
// Only what says that the vendor is not there counts: no connection, no answer in time, 5xx. A vendor that answers 4xx
// is there; one that answers 429 asks for a rest, which the limiter gives it.
const (
	breakerWindow   = time.Minute
	breakerBuckets  = 6
	breakerFailures = 10 // at least so many within the window
	breakerRate     = 0.5
	breakerRest     = 30 * time.Second // before the first probe; doubled after each that fails
	breakerMaxRest  = 15 * time.Minute
	breakerProbe    = 5 * time.Second // between looks at a probe that is under way
)

type breakerState int

const (
	breakerClosed breakerState = iota
	breakerHalfOpen
	breakerOpen
)

var breakerStateNames = [...]string{"closed", "half-open", "open"}

func (s breakerState) String() string { return breakerStateNames[s] }

// errNotCalled is the outcome of a probe that was permitted and not made.
var errNotCalled = errors.New("the call was not made")

// breaker is the circuit breaker of one connection.
type breaker struct {
	opened  func(failures int, reason string) // called when it opens; must not block
	changed func(breakerState)

	mu      sync.Mutex
	state   breakerState
	buckets [breakerBuckets]struct {
		slot      int64
		ok, fails int
	}
	rest    time.Duration
	until   time.Time // when the probe may go
	since   time.Time // when it opened
	reason  string
	probing bool
	parked  time.Time // when the last of those put down comes back
}

// enter reports whether a call may go, and whether it is the probe; or how long it may not.
func (b *breaker) enter(now time.Time) (probe bool, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.state == breakerClosed:
		return false, 0
	case b.until.After(now):
		return false, b.park(now, b.until)
	case b.probing:
		return false, b.park(now, now.Add(breakerProbe))
	}
	b.probing = true
	b.set(breakerHalfOpen)
	return true, 0
}

// park spreads those that are put down over the time after first.
func (b *breaker) park(now, first time.Time) time.Duration {
	if first.After(b.parked) {
		b.parked = first
	} else {
		b.parked = b.parked.Add(parkPace)
	}
	return b.parked.Sub(now)
}

func (b *breaker) set(s breakerState) {
	if b.state != s {
		b.state = s
		b.changed(s)
	}
}

// vendorFailed reports whether an outcome says that the vendor is not there, and whether it says anything.
func vendorFailed(outcome error) (failed, told bool) {
	if outcome == nil {
		return false, true
	}
	if errors.Is(outcome, errNotCalled) {
		return false, false
	}
	ce := connectors.AsError(outcome)
	switch ce.Kind {
	case connectors.KindNetwork, connectors.KindTimeout, connectors.KindServer:
		return true, true
	case connectors.KindCanceled, connectors.KindInvalid, connectors.KindDrift, connectors.KindUnknown, connectors.KindRateLimited:
		return false, false
	}
	return false, true
}

// record takes the outcome of a call that was no probe.
func (b *breaker) record(now time.Time, outcome error) {
	failed, told := vendorFailed(outcome)
	if !told {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state != breakerClosed {
		return // of a call that began before it opened
	}
	width := int64(breakerWindow / breakerBuckets)
	slot := now.UnixNano() / width
	cell := &b.buckets[slot%breakerBuckets]
	if cell.slot != slot {
		cell.slot, cell.ok, cell.fails = slot, 0, 0
	}
	if !failed {
		cell.ok++
		return
	}
	cell.fails++
	ok, fails := 0, 0
	for i := range b.buckets {
		if c := &b.buckets[i]; c.slot > slot-breakerBuckets {
			ok, fails = ok+c.ok, fails+c.fails
		}
	}
	if fails >= breakerFailures && float64(fails) >= breakerRate*float64(ok+fails) {
		b.rest, b.since = breakerRest, now
		b.open(now, fails, outcome)
	}
}

func (b *breaker) open(now time.Time, fails int, outcome error) {
	b.until, b.reason = now.Add(b.rest), connectors.AsError(outcome).Message
	b.set(breakerOpen)
	if fails > 0 {
		b.opened(fails, b.reason)
	}
}

// probed takes the outcome of the probe.
func (b *breaker) probed(now time.Time, outcome error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
	if errors.Is(outcome, errNotCalled) {
		return // the next call is the probe
	}
	failed, told := vendorFailed(outcome)
	switch {
	case failed:
		b.rest = min(2*b.rest, breakerMaxRest)
		b.open(now, 0, outcome)
	case told || connectors.AsError(outcome).Kind == connectors.KindRateLimited:
		clear(b.buckets[:])
		b.until, b.since, b.parked, b.reason = time.Time{}, time.Time{}, time.Time{}, ""
		b.set(breakerClosed)
	}
}

// BreakerStatus is a connection whose circuit breaker is not closed.
type BreakerStatus struct {
	Connection string
	State      string // "open" or "half-open"
	Since      time.Time
	Until      time.Time // when a call is tried again
	Reason     string    // of the last failure
}

func (b *breaker) status(connection string) (BreakerStatus, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return BreakerStatus{connection, b.state.String(), b.since, b.until, b.reason}, b.state != breakerClosed
}

func (e *Engine) breakerOpened(connection string, failures int, reason string) {
	e.Alert(AlertBreakerOpen, fmt.Sprintf("calls on connection %q fail (%s); they are held back, and tried again from time to time", connection, reason), failures)
}
