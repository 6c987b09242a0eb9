package engine

// What a vendor lets itself be called. Before a call is made, a step asks permit: it answers at once, after a wait of at
// most a second, or with how long the step must be put down as a row. So a slow vendor costs rows, and neither the
// engine's slots nor attempts.

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

const (
	// maxOnce caps the AtMostOnce calls under way on one connection: a process that dies leaves unknown each of them
	// whose answer it had not written down. The rest waits without an intent, and is lost to nobody.
	maxOnce = 16

	permitPatience = time.Second            // the longest that permit blocks
	parkPace       = 10 * time.Millisecond  // between steps that are put down, where no limit gives a pace
	defaultPause   = time.Second            // after a 429 that doesn't say how long
	firstHold      = 200 * time.Millisecond // how long a call is thought to take before one has ended
)

// doors are the ways to the vendors, by connection and limit class.
type doors struct {
	mu       sync.RWMutex
	byKey    map[doorKey]*door
	breakers map[string]*breaker // by connection
	once     map[string]*limiter // of AtMostOnce calls, by connection
	classes  map[doorKey]*limiter
}

type doorKey struct {
	connection, class string
	endpoint          string // where the vendor holds it to a limit of its own
	once              bool
	batched           bool // many of these calls make one request
}

// door is what one kind of call passes.
type door struct {
	breaker *breaker
	limits  []*limiter
	leave   func(error) // made once, so that a call costs no closure
}

// permit asks whether a call may be made now. It returns release, which must be called with the call's outcome; or
// how long the call may not be made: then the step waits for so long as a row, and no attempt is counted. It may block
// for up to a second. It fails with errDraining when the engine takes nothing new, or with ctx's error.
func (e *Engine) permit(ctx context.Context, conn *connectors.Conn, a *connectors.Action, bulk bool) (release func(outcome error), wait time.Duration, err error) {
	if e.draining.Load() {
		return nil, 0, errDraining
	}
	d := e.door(conn, a)
	now := e.clock.Now()
	probe, wait := d.breaker.enter(now)
	if wait > 0 {
		e.cfg.Metrics.CallParked(conn.Name, "breaker")
		return nil, wait, nil
	}
	for i, l := range d.limits {
		wait, err = l.enter(ctx, e, now.Add(permitPatience), bulk)
		if wait == 0 && err == nil && e.draining.Load() {
			l.leave(e, 0) // it was given by a call that the shutdown has cut off
			err = errDraining
		}
		if wait > 0 || err != nil {
			for _, entered := range d.limits[:i] {
				entered.leave(e, 0)
			}
			if probe {
				d.breaker.probed(e.clock.Now(), errNotCalled)
			}
			if wait > 0 {
				e.cfg.Metrics.CallParked(conn.Name, "limit")
			}
			return nil, wait, err
		}
	}
	if !probe {
		return d.leave, 0, nil
	}
	return func(outcome error) {
		d.breaker.probed(e.clock.Now(), outcome)
		d.leaveLimits(e, outcome)
	}, 0, nil
}

// door returns the way of an action's calls, made if need be.
func (e *Engine) door(conn *connectors.Conn, a *connectors.Action) *door {
	key := doorKey{connection: conn.Name, class: a.Limit, endpoint: a.Endpoint, once: a.Effect == schema.AtMostOnce}
	if b, ok := conn.Kept.(connectors.Batcher); ok {
		key.batched = b.Batches(a)
	}
	ds := &e.doors
	ds.mu.RLock()
	d := ds.byKey[key]
	ds.mu.RUnlock()
	if d != nil {
		return d
	}
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if d = ds.byKey[key]; d != nil {
		return d
	}
	d = &door{breaker: ds.breakers[conn.Name]}
	if d.breaker == nil {
		d.breaker = &breaker{opened: func(failures int, reason string) { e.breakerOpened(conn.Name, failures, reason) },
			changed: func(s breakerState) { e.cfg.Metrics.Breaker(conn.Name, int(s)) }}
		ds.breakers[conn.Name] = d.breaker
	}
	if key.once {
		l := ds.once[conn.Name]
		if l == nil {
			l = newLimiter(connectors.Limit{Concurrency: maxOnce})
			ds.once[conn.Name] = l
		}
		d.limits = append(d.limits, l)
	}
	if a.Endpoint != "" {
		each := doorKey{connection: conn.Name, class: connectors.EachEndpoint, endpoint: a.Endpoint, batched: key.batched}
		if l := e.limiterOf(each, conn); l.limits() {
			d.limits = append(d.limits, l)
		}
	}
	class := key
	class.once, class.endpoint = false, ""
	d.limits = append(d.limits, e.limiterOf(class, conn))
	d.leave = func(outcome error) {
		if e.calls.Err() == nil { // a call that a shutdown cut off says nothing of the vendor
			d.breaker.record(e.clock.Now(), outcome)
		}
		d.leaveLimits(e, outcome)
	}
	ds.byKey[key] = d
	return d
}

// limiterOf returns the limiter of a class, made if need be; doors.mu must be held. There is one also where no limit is
// stated, since the vendor may ask for a rest, and of calls that share their requests.
func (e *Engine) limiterOf(class doorKey, conn *connectors.Conn) *limiter {
	l := e.doors.classes[class]
	if l == nil {
		var limit connectors.Limit
		if spec := e.cfg.Registry.Spec(conn.Service); spec != nil && !class.batched {
			limit = spec.Limit(conn, class.class).Of(conn)
		}
		l = newLimiter(limit)
		e.doors.classes[class] = l
	}
	return l
}

func (d *door) leaveLimits(e *Engine, outcome error) {
	pause := time.Duration(0)
	if outcome != nil {
		if ce := connectors.AsError(outcome); ce.Kind == connectors.KindRateLimited {
			if pause = ce.RetryAfter; pause <= 0 {
				pause = defaultPause
			}
		}
	}
	for i, l := range d.limits {
		if i < len(d.limits)-1 {
			l.leave(e, 0)
		} else {
			l.leave(e, pause) // of the class
		}
	}
}

// limiter lets calls through in the order in which they came, those of bulk runs behind all others.
type limiter struct {
	mu     sync.Mutex
	pace   pace // zero where only places are limited
	places int  // 0 where only the pace is limited

	tat        time.Time
	closed     time.Time // nothing goes before: the vendor asked for a rest
	busy       int
	hold       time.Duration // how long a call keeps its place, on average; 0 before the first has ended
	entered    []time.Time   // when those under way began, oldest first: only their average matters
	live, bulk []*waiter
	ticking    bool      // a goroutine lets waiters through as time passes
	parked     time.Time // when the last of those put down comes back
}

// waiter is a call that waits for its turn.
type waiter struct{ ready chan struct{} }

func newLimiter(l connectors.Limit) *limiter {
	lim := &limiter{places: l.Concurrency}
	if l.Rate > 0 {
		lim.pace = pace{every: max(time.Duration(float64(time.Second)/l.Rate), 1), burst: max(l.Burst, 1)}
	}
	return lim
}

// limits reports whether there is a limit at all.
func (l *limiter) limits() bool { return l.pace.every > 0 || l.places > 0 }

// enter takes a place and a token. It returns how long the caller must stay away where it can't have them by the
// deadline.
func (l *limiter) enter(ctx context.Context, e *Engine, deadline time.Time, bulk bool) (time.Duration, error) {
	l.mu.Lock()
	now := e.clock.Now()
	if len(l.live) == 0 && (!bulk || len(l.bulk) == 0) && l.free(now) {
		l.take(now)
		l.mu.Unlock()
		return 0, nil
	}
	if l.estimate(now, bulk).After(deadline) {
		wait := l.park(now)
		l.mu.Unlock()
		return wait, nil
	}
	w := &waiter{ready: make(chan struct{})}
	queue := &l.live
	if bulk {
		queue = &l.bulk
	}
	*queue = append(*queue, w)
	l.tick(e)
	timeout, stop := e.clock.After(deadline.Sub(now))
	defer stop()
	l.mu.Unlock()

	var err error
	select {
	case <-w.ready:
		return 0, nil
	case <-timeout:
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-e.stopFeed:
		err = errDraining
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(*queue, w)
	if i < 0 { // it was let through at the same moment
		return 0, nil
	}
	*queue = slices.Delete(*queue, i, i+1)
	if err != nil {
		return 0, err
	}
	return l.park(e.clock.Now()), nil
}

// free reports whether a call may go now.
func (l *limiter) free(now time.Time) bool { return !l.opens(now).After(now) && l.hasPlace() }

func (l *limiter) hasPlace() bool { return l.places == 0 || l.busy < l.places }

// opens returns when the pace lets the next call through.
func (l *limiter) opens(now time.Time) time.Time {
	start := now
	if l.pace.every > 0 {
		start, _ = l.pace.next(l.tat, now)
	}
	if l.closed.After(start) {
		start = l.closed
	}
	return start
}

func (l *limiter) take(now time.Time) {
	if l.pace.every > 0 {
		_, l.tat = l.pace.next(l.tat, now)
	}
	if l.places > 0 {
		l.busy++
		l.entered = append(l.entered, now)
	}
}

// estimate says when a call that comes now could go.
func (l *limiter) estimate(now time.Time, bulk bool) time.Time {
	ahead := len(l.live)
	if bulk {
		ahead += len(l.bulk)
	}
	at := l.opens(now).Add(time.Duration(ahead) * l.pace.every)
	if l.places > 0 && l.busy >= l.places {
		if places := now.Add(time.Duration(ahead) * l.turn()); places.After(at) {
			at = places
		}
	}
	return at
}

// turn is how long it takes until a place is free, on average.
func (l *limiter) turn() time.Duration {
	hold := l.hold
	if hold <= 0 {
		hold = firstHold
	}
	return hold / time.Duration(max(l.places, 1))
}

// park returns how long a call that is put down stays away. They come back one by one, at the pace at which they can be
// served, and so neither all at once nor in another order.
func (l *limiter) park(now time.Time) time.Duration {
	step := max(l.pace.every, time.Millisecond)
	if l.places > 0 {
		step = max(step, l.turn())
	}
	first := l.opens(now)
	if soon := now.Add(permitPatience); soon.After(first) {
		first = soon
	}
	if first.After(l.parked) {
		l.parked = first
	} else {
		l.parked = l.parked.Add(step)
	}
	return l.parked.Sub(now)
}

// pump lets through all that may go now.
func (l *limiter) pump(now time.Time) {
	for len(l.live)+len(l.bulk) > 0 && l.free(now) {
		queue := &l.live
		if len(l.live) == 0 {
			queue = &l.bulk
		}
		w := (*queue)[0]
		*queue = slices.Delete(*queue, 0, 1)
		l.take(now)
		close(w.ready)
	}
}

// tick sees to it that waiters are let through as time passes; those that wait for a place are by leave.
func (l *limiter) tick(e *Engine) {
	if l.ticking {
		return
	}
	now := e.clock.Now()
	l.pump(now) // its time may have come since the caller looked
	next := l.opens(now)
	if len(l.live)+len(l.bulk) == 0 || !next.After(now) {
		return
	}
	l.ticking = true
	wake, stop := e.clock.After(next.Sub(now))
	go func() {
		defer stop()
		select {
		case <-wake:
		case <-e.stopFeed:
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.ticking = false
		if e.draining.Load() {
			return // the waiters have left, or are about to
		}
		l.pump(e.clock.Now())
		l.tick(e)
	}()
}

// leave gives the place back. pause is how long the vendor wants to be left alone.
func (l *limiter) leave(e *Engine, pause time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.places == 0 && pause == 0 {
		return // nobody waits for what it gives back
	}
	now := e.clock.Now()
	if l.places > 0 {
		l.busy--
		took := now.Sub(l.entered[0])
		l.entered = slices.Delete(l.entered, 0, 1)
		if l.hold == 0 {
			l.hold = max(took, 1)
		} else {
			l.hold += (took - l.hold) / 8
		}
	}
	if until := now.Add(pause); pause > 0 && until.After(l.closed) {
		l.closed = until
	}
	l.pump(now)
	l.tick(e)
}

func newDoors() doors {
	return doors{byKey: map[doorKey]*door{}, breakers: map[string]*breaker{}, once: map[string]*limiter{}, classes: map[doorKey]*limiter{}}
}

// status returns the connections whose breaker is not closed.
func (ds *doors) status() []BreakerStatus {
	ds.mu.RLock()
	defer ds.mu.RUnlock()
	var list []BreakerStatus
	for name, b := range ds.breakers {
		if s, notable := b.status(name); notable {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b BreakerStatus) int { return strings.Compare(a.Connection, b.Connection) })
	return list
}
