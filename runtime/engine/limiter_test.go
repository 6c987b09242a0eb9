package engine

import (
	"context"
	"errors"
	goruntime "runtime"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

// permits is an engine that nothing runs on, with a vendor whose limits a test states.
type permits struct {
	*world
	conn *connectors.Conn
}

func newPermits(t *testing.T, limits map[string]connectors.Limit) *permits {
	w := newWorld(t, map[string]string{"big.hcl": big})
	w.cfg.Registry.Spec("acme").Limits = limits
	return &permits{w, &connectors.Conn{Name: "acme", Service: "acme"}}
}

func (p *permits) ask(effect schema.Effect, bulk bool) (func(error), time.Duration) {
	p.t.Helper()
	a := &connectors.Action{Action: schema.Action{Name: "acme_put", Effect: effect}}
	release, wait, err := p.engine.permit(context.Background(), p.conn, a, bulk)
	if err != nil || (release == nil) != (wait > 0) {
		p.t.Fatalf("permit: release %v, wait %v, %v", release != nil, wait, err)
	}
	return release, wait
}

// later asks in a goroutine of its own, and returns once the question waits.
func (p *permits) later(effect schema.Effect, bulk bool) chan answerOf {
	p.t.Helper()
	got := make(chan answerOf, 1)
	before := p.waiters()
	go func() {
		a := &connectors.Action{Action: schema.Action{Name: "acme_put", Effect: effect}}
		release, wait, err := p.engine.permit(context.Background(), p.conn, a, bulk)
		got <- answerOf{release, wait, err}
	}()
	for p.waiters() == before {
		goruntime.Gosched()
	}
	return got
}

// waiters is how many calls wait for a place or for their time.
func (p *permits) waiters() (n int) {
	ds := &p.engine.doors
	ds.mu.RLock()
	defer ds.mu.RUnlock()
	count := func(l *limiter) {
		l.mu.Lock()
		defer l.mu.Unlock()
		n += len(l.live) + len(l.bulk)
	}
	for _, l := range ds.once {
		count(l)
	}
	for _, l := range ds.classes {
		count(l)
	}
	return n
}

type answerOf struct {
	release func(error)
	wait    time.Duration
	err     error
}

func TestPermitPacesCalls(t *testing.T) {
	p := newPermits(t, map[string]connectors.Limit{"": {Rate: 2, Burst: 3}})
	for i := range 3 {
		if release, wait := p.ask(schema.Idempotent, false); wait > 0 {
			t.Fatalf("call %d of the burst waits %v", i, wait)
		} else {
			release(nil)
		}
	}
	fourth := p.later(schema.Idempotent, false) // half a second: it blocks
	fifth := p.later(schema.Idempotent, false)  // a second
	if _, wait := p.ask(schema.Idempotent, false); wait != 1500*time.Millisecond && wait != time.Second {
		t.Errorf("the sixth is put down for %v", wait)
	}
	p.clock.Advance(500 * time.Millisecond)
	if a := receive(t, fourth, "the fourth call"); a.wait > 0 || a.err != nil {
		t.Errorf("fourth: %+v", a)
	}
	select {
	case a := <-fifth:
		t.Errorf("the fifth went with the fourth: %+v", a)
	default:
	}
	l := p.engine.doors.classes[doorKey{connection: "acme"}]
	l.mu.Lock() // the next tick is set before the lock is given back
	if !l.ticking {
		t.Error("no tick for the fifth")
	}
	l.mu.Unlock()
	p.clock.Advance(500 * time.Millisecond)
	if a := receive(t, fifth, "the fifth call"); a.err != nil {
		t.Errorf("fifth: %+v", a)
	}
}

func TestEndpointsHaveLimitsOfTheirOwn(t *testing.T) {
	p := newPermits(t, map[string]connectors.Limit{"": {Rate: 0.1, Burst: 5}, connectors.EachEndpoint: {Rate: 0.1, Burst: 2}})
	for i, c := range []struct {
		endpoint string
		goes     bool
	}{
		{"GET /a", true}, {"GET /a", true}, {"GET /a", false}, // its own limit
		{"GET /b", true}, {"GET /b", true}, {"GET /c", true},
		{"GET /d", false}, {"", false}, // that of the account
	} {
		a := &connectors.Action{Action: schema.Action{Name: "acme_put", Effect: schema.Idempotent}, Endpoint: c.endpoint}
		release, wait, err := p.engine.permit(context.Background(), p.conn, a, false)
		if err != nil || (release != nil) != c.goes {
			t.Errorf("call %d, of %q: goes %v, waits %v, %v", i, c.endpoint, release != nil, wait, err)
		}
	}
}

func TestLimitsAreTheVendorsOwn(t *testing.T) {
	p := newPermits(t, map[string]connectors.Limit{"": {Rate: 0.1, Burst: 1, Unless: "url"}})
	p.ask(schema.Idempotent, false)
	if _, wait := p.ask(schema.Idempotent, false); wait == 0 {
		t.Error("the vendor was called again at once")
	}
	p.conn = &connectors.Conn{Name: "stand-in", Service: "acme", Settings: map[string][]string{"url": {"http://127.0.0.1"}}}
	for i := range 5 {
		if _, wait := p.ask(schema.Idempotent, false); wait > 0 {
			t.Errorf("call %d of a stand-in waits %v", i, wait)
		}
	}
}

func TestParkedCallsComeBackOneByOne(t *testing.T) {
	p := newPermits(t, map[string]connectors.Limit{"": {Rate: 0.1, Burst: 1}})
	p.ask(schema.Idempotent, false)
	last := time.Duration(0)
	for i := range 5 {
		_, wait := p.ask(schema.Idempotent, false)
		if want := time.Duration(i+1) * 10 * time.Second; wait != want || wait <= last {
			t.Errorf("%d is put down for %v, want %v", i, wait, want)
		}
		last = wait
	}
}

func TestLivePlacesGoBeforeBulk(t *testing.T) {
	p := newPermits(t, map[string]connectors.Limit{"": {Concurrency: 1}})
	first, _ := p.ask(schema.Idempotent, false)
	bulk := p.later(schema.Idempotent, true)
	live := p.later(schema.Idempotent, false)
	first(nil)
	a := receive(t, live, "the live call")
	select {
	case <-bulk:
		t.Fatal("a bulk call went first")
	default:
	}
	a.release(nil)
	if a = receive(t, bulk, "the bulk call"); a.wait > 0 || a.err != nil {
		t.Errorf("bulk: %+v", a)
	}
}

func TestFewCallsAtATimeThatMustNotBeRepeated(t *testing.T) {
	p := newPermits(t, nil)
	var leave []func(error)
	for range maxOnce {
		release, wait := p.ask(schema.AtMostOnce, false)
		if wait > 0 {
			t.Fatalf("put down for %v", wait)
		}
		leave = append(leave, release)
	}
	if release, _ := p.ask(schema.Keyed, false); release == nil {
		t.Error("a call that may be repeated was held back")
	}
	next := p.later(schema.AtMostOnce, false)
	leave[3](nil)
	if a := receive(t, next, "the next call"); a.release == nil {
		t.Errorf("next: %+v", a)
	}
	over := p.later(schema.AtMostOnce, false)
	p.clock.Advance(permitPatience)
	if a := receive(t, over, "one too many"); a.wait < permitPatience {
		t.Errorf("one too many: %+v", a)
	}
}

// oneRequest sends all calls of one connection in one request.
type oneRequest struct{}

func (oneRequest) Batches(a *connectors.Action) bool { return a.Effect == schema.Idempotent }

func TestCallsThatShareARequestAreNotLimitedOneByOne(t *testing.T) {
	p := newPermits(t, map[string]connectors.Limit{"": {Rate: 0.1, Burst: 1}})
	p.conn.Kept = oneRequest{}
	for i := range 100 {
		if _, wait := p.ask(schema.Idempotent, false); wait > 0 {
			t.Fatalf("call %d is put down for %v", i, wait)
		}
	}
	if _, wait := p.ask(schema.Read, false); wait > 0 {
		t.Errorf("the first of those that go alone is put down for %v", wait)
	}
	if _, wait := p.ask(schema.Read, false); wait == 0 {
		t.Error("the second of those that go alone is not limited")
	}
	release, _ := p.ask(schema.Idempotent, false)
	release(&connectors.Error{Kind: connectors.KindRateLimited, Status: 429, RetryAfter: time.Minute})
	if _, wait := p.ask(schema.Idempotent, false); wait != time.Minute {
		t.Errorf("put down for %v, want the minute that the vendor asked for", wait)
	}
}

func TestRateLimitedVendorRests(t *testing.T) {
	for name, limits := range map[string]map[string]connectors.Limit{"limited": {"": {Rate: 100}}, "without limits": nil} {
		t.Run(name, func(t *testing.T) {
			p := newPermits(t, limits)
			release, _ := p.ask(schema.Idempotent, false)
			release(&connectors.Error{Kind: connectors.KindRateLimited, Status: 429, RetryAfter: time.Minute})
			if _, wait := p.ask(schema.Idempotent, false); wait != time.Minute {
				t.Errorf("put down for %v, want the minute that the vendor asked for", wait)
			}
			p.clock.Advance(time.Minute)
			if _, wait := p.ask(schema.Idempotent, false); wait > 0 {
				t.Errorf("after it: put down for %v", wait)
			}
		})
	}
}

func TestPermitEndsWithTheServer(t *testing.T) {
	p := newPermits(t, map[string]connectors.Limit{"": {Concurrency: 1}})
	p.ask(schema.Idempotent, false)
	waiting := p.later(schema.Idempotent, false)
	if err := p.stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if a := receive(t, waiting, "the waiting call"); !errors.Is(a.err, errDraining) {
		t.Errorf("waiting: %+v", a)
	}
	a := &connectors.Action{Action: schema.Action{Name: "acme_put", Effect: schema.Read}}
	if _, _, err := p.engine.permit(context.Background(), p.conn, a, false); !errors.Is(err, errDraining) {
		t.Errorf("after the drain: %v", err)
	}
}

func down() error {
	return &connectors.Error{Kind: connectors.KindServer, Status: 503, Message: "not now"}
}

func TestBreaker(t *testing.T) {
	p := newPermits(t, nil)
	fail := func(n int, err error) {
		t.Helper()
		for range n {
			release, wait := p.ask(schema.Idempotent, false)
			if wait > 0 {
				t.Fatalf("put down for %v", wait)
			}
			release(err)
		}
	}
	refused := &connectors.Error{Kind: connectors.KindRefused, Status: 400, Message: "no"}
	fail(100, refused) // a vendor that says no is there
	fail(breakerFailures, down())
	if _, wait := p.ask(schema.Idempotent, false); wait > 0 {
		t.Fatal("it opened though most calls were answered")
	}
	p.clock.Advance(2 * breakerWindow)
	late, _ := p.ask(schema.Idempotent, false)
	fail(breakerFailures, down())

	open := func(rest time.Duration) {
		t.Helper()
		if _, wait := p.ask(schema.Idempotent, false); wait < rest || wait > rest+time.Second {
			t.Errorf("put down for %v, want %v", wait, rest)
		}
	}
	open(breakerRest)
	late(nil) // it began before: it closes nothing
	open(breakerRest)
	status := p.engine.Status().Breakers
	if len(status) != 1 || status[0].Connection != "acme" || status[0].State != "open" {
		t.Errorf("status: %+v", status)
	}
	for rest := breakerRest; rest < 8*breakerRest; rest *= 2 {
		p.clock.Advance(rest)
		probe, wait := p.ask(schema.Idempotent, false)
		if probe == nil {
			t.Fatalf("no probe after %v: %v", rest, wait)
		}
		open(breakerProbe)
		probe(down())
		open(2 * rest)
	}
	p.clock.Advance(8 * breakerRest)
	probe, _ := p.ask(schema.Idempotent, false)
	probe(refused)
	fail(breakerFailures-1, down())
	if len(p.engine.Status().Breakers) != 0 {
		t.Errorf("status: %+v", p.engine.Status().Breakers)
	}
}

func TestAnOpenBreakerCostsNoAttempts(t *testing.T) {
	p := newPermits(t, nil)
	for range breakerFailures {
		release, _ := p.ask(schema.Idempotent, false)
		release(down())
	}
	p.send(p.order("order.created"))
	run := p.nextRun()
	if run.Status != runtime.RunWaiting || len(run.Steps) != 1 || len(run.Steps[0].Attempts) != 0 {
		t.Fatalf("while it is open: %v, steps %+v", run.Status, run.Steps)
	}
	if n := len(p.vendor.log()); n != 0 {
		t.Errorf("%d calls while it is open", n)
	}
	p.clock.Advance(run.Due.Sub(p.clock.Now()))
	if run = p.nextRun(); run.Status != runtime.RunCompleted || len(run.Steps[0].Attempts) != 1 {
		t.Errorf("after it: %v, steps %+v", run.Status, run.Steps)
	}
}

func TestBreakerTellsOfItself(t *testing.T) {
	p := newPermits(t, nil)
	for range breakerFailures {
		release, _ := p.ask(schema.Idempotent, false)
		release(down())
	}
	if ev := receive(t, p.alerts, "the alert"); ev.Type != alertType || ev.Connection != alertService {
		t.Fatalf("event %+v", ev)
	}
	if got := p.engine.Status().Alerts; len(got) != 1 || got[0].Kind != AlertBreakerOpen || got[0].Count != breakerFailures {
		t.Errorf("alerts: %+v", got)
	}
}

// TestALimitThatOpensWhileACallQueues has a call queue up just when the next may go: nothing else would let it through,
// and all that come later would queue behind it.
func TestALimitThatOpensWhileACallQueues(t *testing.T) {
	p := newPermits(t, nil)
	l := newLimiter(connectors.Limit{Rate: 1000, Burst: 1})
	w := &waiter{ready: make(chan struct{})}
	l.mu.Lock()
	l.live = append(l.live, w)
	l.tick(p.engine)
	l.mu.Unlock()
	select {
	case <-w.ready:
	default:
		t.Error("it was left waiting")
	}
}
