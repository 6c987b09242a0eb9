package engine

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/runtime"
)

// flowing is a recipe with flow control that puts the order's id.
func flowing(blocks string) map[string]string {
	return map[string]string{"f.hcl": "recipe {\n" + blocks + "\n}\ntrigger \"acme_order_created\" {}\naction \"acme_put\" {\n name = trigger.id\n}\n"}
}

// burst sends so many orders of a customer, o1 and up, one after the other.
func (w *world) burst(n int, customer string) []*runtime.Event {
	w.t.Helper()
	var events []*runtime.Event
	for i := range n {
		events = append(events, w.send(w.order("order.created", fmt.Sprintf(`id="o%d"`, i+1), "customer="+customer)))
	}
	return events
}

// outcomes waits until so many events are decided, and says what became of the recipe's runs for them.
func (w *world) outcomes(events []*runtime.Event) string {
	w.t.Helper()
	for range events {
		w.nextDecision()
	}
	return w.statuses(events)
}

func (w *world) statuses(events []*runtime.Event) string {
	w.t.Helper()
	var words []string
	for _, ev := range events {
		run := w.storedRun(ev, "f")
		word := run.Status.String()
		if run.StoppedBy != "" {
			word += ":" + run.StoppedBy
		}
		if run.Status == runtime.RunQueued {
			word += ":" + run.Queue.String()
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// names are the names that were put, in the order of the calls.
func (w *world) names() string {
	var names []string
	for _, c := range w.vendor.log() {
		names = append(names, c.name)
	}
	return strings.Join(names, " ")
}

// settled waits until the runs of all events have ended. Time passes for it.
func (w *world) settled(events ...*runtime.Event) {
	w.t.Helper()
	for range 100 * len(events) {
		open, next := 0, time.Time{}
		for _, ev := range events {
			run, err := w.store.Run(context.Background(), runtime.RunID(ev, "f", ""))
			if err == nil && run.Status.Ended() {
				continue
			}
			if open++; err == nil && !run.Due.IsZero() && (next.IsZero() || run.Due.Before(next)) {
				next = run.Due
			}
		}
		if open == 0 {
			return
		}
		if now := w.clock.Now(); next.After(now) { // what is due already comes first
			w.clock.Advance(next.Sub(now))
		}
		w.nextRun()
	}
	w.t.Fatal("the runs don't come to an end")
}

func TestDeduplicate(t *testing.T) {
	src := flowing("deduplicate {\n key = trigger.customer\n for = \"1h\"\n}")
	w := newWorld(t, src)
	first := w.burst(3, `"c1"`)
	if got := w.outcomes(first); got != "completed skipped:deduplicate skipped:deduplicate" {
		t.Errorf("three with one key: %s", got)
	}
	if got := w.outcomes(w.burst(2, `"c2"`)); got != "completed skipped:deduplicate" {
		t.Errorf("another key: %s", got)
	}
	if got := w.outcomes(w.burst(2, "null")); got != "completed skipped:deduplicate" {
		t.Errorf("null is a key of its own: %s", got)
	}
	w.clock.Advance(time.Hour - time.Second)
	if got := w.outcomes(w.burst(1, `"c1"`)); got != "skipped:deduplicate" {
		t.Errorf("just before the hour is over: %s", got)
	}
	w.stop(context.Background())
	w.boot(src)
	w.clock.Advance(time.Second)
	if got := w.outcomes(w.burst(2, `"c1"`)); got != "completed skipped:deduplicate" {
		t.Errorf("an hour after the first: %s", got)
	}
}

func TestRateLimit(t *testing.T) {
	src := flowing("rate_limit {\n key = trigger.customer\n limit = 2\n period = \"1h\"\n}")
	w := newWorld(t, src)
	if got := w.outcomes(w.burst(3, `"c1"`)); got != "completed completed skipped:rate_limit" {
		t.Errorf("three at once: %s", got)
	}
	w.stop(context.Background())
	w.boot(src)
	w.clock.Advance(29 * time.Minute)
	if got := w.outcomes(w.burst(1, `"c1"`)); got != "skipped:rate_limit" {
		t.Errorf("after a restart, before the next may go: %s", got)
	}
	w.clock.Advance(time.Minute)
	if got := w.outcomes(w.burst(2, `"c1"`)); got != "completed skipped:rate_limit" {
		t.Errorf("half an hour later: %s", got)
	}
}

func TestThrottle(t *testing.T) {
	src := flowing("throttle {\n limit = 1\n period = \"10s\"\n burst = 1\n}")
	w := newWorld(t, src)
	start := w.clock.Now()
	events := w.burst(5, `"c1"`)
	if got := w.outcomes(events); got != "completed completed queued:throttle queued:throttle queued:throttle" {
		t.Errorf("at once: %s", got)
	}
	for i, want := range []time.Duration{10 * time.Second, 20 * time.Second, 30 * time.Second} {
		if got := w.storedRun(events[2+i], "f").Due.Sub(start); got != want {
			t.Errorf("%d is due after %v, want %v", 2+i, got, want)
		}
	}
	w.stop(context.Background())
	w.boot(src)
	w.settled(events...)
	if got := w.names(); !strings.HasSuffix(got, "o3 o4 o5") {
		t.Errorf("calls: %s", got)
	}
	for i, ev := range events[2:] {
		if run := w.storedRun(ev, "f"); run.StartedAt.Sub(start) < time.Duration(i+1)*10*time.Second {
			t.Errorf("%d started after %v", i+2, run.StartedAt.Sub(start))
		}
	}
}

func TestThrottleAfterAWeekOfDowntime(t *testing.T) {
	src := flowing("throttle {\n limit = 1\n period = \"10s\"\n}")
	w := newWorld(t, src)
	events := w.burst(6, `"c1"`)
	w.outcomes(events)
	w.stop(context.Background())
	w.clock.Advance(7 * 24 * time.Hour)
	start := w.clock.Now()
	w.boot(src)
	w.settled(events...)
	for i, ev := range events[1:] {
		if got, least := w.storedRun(ev, "f").StartedAt.Sub(start), time.Duration(i)*10*time.Second; got < least {
			t.Errorf("%d started %v after the downtime, want %v or later", i+1, got, least)
		}
	}
}

func TestDebounce(t *testing.T) {
	src := flowing("debounce {\n key = trigger.customer\n period = \"1m\"\n timeout = \"150s\"\n}")
	w := newWorld(t, src)
	events := w.burst(3, `"c1"`)
	if got := w.outcomes(events); got != "skipped:debounce skipped:debounce queued:debounce" {
		t.Errorf("a burst: %s", got)
	}
	w.clock.Advance(50 * time.Second)
	events = append(events, w.burst(1, `"c1"`)...)
	w.nextDecision()
	w.stop(context.Background())
	w.boot(src)
	w.clock.Advance(50 * time.Second)
	events = append(events, w.burst(1, `"c1"`)...)
	w.nextDecision()
	w.clock.Advance(49 * time.Second)
	if got := w.statuses(events[2:]); got != "skipped:debounce skipped:debounce queued:debounce" {
		t.Errorf("just before the time-out: %s", got)
	}
	w.clock.Advance(time.Second) // 150 s after the first
	w.settled(events[4:]...)
	if got := w.statuses(events[4:]); got != "completed" {
		t.Errorf("at the time-out: %s", got)
	}
	if got := w.outcomes(w.burst(1, `"c1"`)); got != "queued:debounce" {
		t.Errorf("the next burst: %s", got)
	}
	if n := len(w.vendor.log()); n != 1 {
		t.Errorf("%d calls", n)
	}
}

func TestCanceledRunOfABurstStaysCanceled(t *testing.T) {
	w := newWorld(t, flowing("debounce {\n key = trigger.customer\n period = \"1m\"\n}"))
	events := w.burst(1, `"c1"`)
	w.outcomes(events)
	if err := w.engine.Cancel(context.Background(), runtime.RunID(events[0], "f", ""), "jo"); err != nil {
		t.Fatal(err)
	}
	events = append(events, w.burst(1, `"c1"`)...)
	w.nextDecision()
	if got := w.statuses(events); got != "canceled queued:debounce" {
		t.Errorf("runs: %s", got)
	}
}

func TestABurstThatEndedInADowntime(t *testing.T) {
	src := flowing("debounce {\n period = \"1m\"\n}")
	w := newWorld(t, src)
	events := w.burst(1, `"c1"`)
	w.nextDecision()
	w.stop(context.Background())
	w.clock.Advance(time.Hour)
	if _, err := w.store.Expire(context.Background(), w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	events = append(events, w.accept(w.order("order.created", `id="o2"`)))
	w.oneSlot = true
	w.boot(src)
	w.settled(events...)
	if got := w.statuses(events); got != "completed completed" {
		t.Errorf("runs: %s", got)
	}
}

// gate is a vendor that answers when it is told to.
type gate struct {
	called chan string
	answer chan struct{}
}

func (w *world) gated() *gate {
	g := &gate{called: make(chan string, 1000), answer: make(chan struct{})}
	w.vendor.answer = func(ctx context.Context, _ string, in map[string]cty.Value, _ int) (cty.Value, error) {
		g.called <- in["name"].AsString()
		select {
		case <-g.answer:
			return cty.NilVal, nil
		case <-ctx.Done():
			return cty.NilVal, ctx.Err()
		}
	}
	return g
}

func (g *gate) idle(t *testing.T) {
	t.Helper()
	select {
	case name := <-g.called:
		t.Errorf("%s was called", name)
	default:
	}
}

func TestConcurrencyKeepsTheOrderOfAKey(t *testing.T) {
	src := flowing("concurrency {\n key = trigger.customer\n limit = 1\n}")
	w := newWorld(t, src)
	g := w.gated()
	held := w.vendor.answer
	w.vendor.answer = func(ctx context.Context, action string, in map[string]cty.Value, n int) (cty.Value, error) {
		if name := in["name"].AsString(); name == "x" { // an answer is for whoever takes it
			g.called <- name
			return cty.NilVal, nil
		}
		return held(ctx, action, in, n)
	}
	events := w.burst(4, `"c1"`)
	other := w.send(w.order("order.created", `id="x"`, `customer="c2"`))
	seen := map[string]bool{receive(t, g.called, "a call"): true, receive(t, g.called, "a call"): true}
	if !seen["o1"] || !seen["x"] {
		t.Fatalf("first calls: %v", seen)
	}
	for range 4 { // that of x, too
		w.nextDecision()
	}
	if got := w.statuses(events[1:]); got != "queued:concurrency queued:concurrency queued:concurrency" {
		t.Errorf("behind the first: %s", got)
	}
	g.idle(t)
	g.answer <- struct{}{}
	for i := 2; i <= 4; i++ {
		if name := receive(t, g.called, "the next call"); name != fmt.Sprintf("o%d", i) {
			t.Errorf("call %d is %s", i, name)
		}
		g.idle(t)
		g.answer <- struct{}{}
	}
	w.settled(append(events, other)...)
	if err := w.stop(context.Background()); err != nil {
		t.Error(err)
	}
	if n, _ := w.engine.flow.laneStatus(); n != 0 {
		t.Errorf("%d lanes are left", n)
	}
}

func TestConcurrencyAfterACrash(t *testing.T) {
	src := flowing("concurrency {\n key = trigger.customer\n limit = 1\n}")
	w := newWorld(t, src)
	w.stop(context.Background())
	kill := w.bootMortal(src)
	g := w.gated()
	events := w.burst(3, `"c1"`)
	receive(t, g.called, "the first call")
	w.nextDecision()
	w.nextDecision()
	kill() // the first run was never written, those behind it were
	w.vendor.calls = nil
	w.boot(src)
	w.settled(events...)
	if got := w.names(); got != "o1 o2 o3" {
		t.Errorf("calls: %s", got)
	}
}

func TestSkipWhileOneRuns(t *testing.T) {
	w := newWorld(t, flowing("concurrency {\n limit = 1\n on_conflict = \"skip\"\n}"))
	g := w.gated()
	events := w.burst(2, `"c1"`)
	receive(t, g.called, "the first call")
	w.nextDecision()
	g.answer <- struct{}{}
	w.nextDecision()
	w.vendor.answer = nil
	events = append(events, w.burst(1, `"c1"`)...)
	w.nextDecision()
	if got := w.statuses(events); got != "completed skipped:concurrency completed" {
		t.Errorf("runs: %s", got)
	}
}

func TestCancelRunning(t *testing.T) {
	w := newWorld(t, flowing("concurrency {\n limit = 1\n on_conflict = \"cancel_running\"\n}"))
	g := w.gated()
	events := []*runtime.Event{w.send(w.order("order.created", `id="o1"`))}
	receive(t, g.called, "the first call")
	events = append(events, w.send(w.order("order.created", `id="o2"`)), w.send(w.order("order.created", `id="o3"`)))
	w.nextDecision()
	w.nextDecision()
	g.answer <- struct{}{} // the call is let finish, and nothing starts after it
	if name := receive(t, g.called, "the newest call"); name != "o3" {
		t.Errorf("%s was called", name)
	}
	g.answer <- struct{}{}
	w.settled(events...)
	if got := w.statuses(events); got != "completed canceled completed" && got != "canceled canceled completed" {
		t.Errorf("runs: %s", got)
	}
}

func TestRetryKeepsItsPlace(t *testing.T) {
	w := newWorld(t, flowing("concurrency {\n limit = 1\n}"))
	w.vendor.answer = func(_ context.Context, _ string, in map[string]cty.Value, n int) (cty.Value, error) {
		if in["name"].AsString() == "o1" && n < 3 {
			return cty.NilVal, transient()
		}
		return cty.NilVal, nil
	}
	events := w.burst(3, `"c1"`)
	w.settled(events...)
	if got := w.names(); got != "o1 o1 o1 o2 o3" {
		t.Errorf("calls: %s", got)
	}
}

const waitInLane = "trigger \"acme_order_created\" {}\naction \"acme_put\" \"before\" {\n name = trigger.id\n}\n" +
	"wait \"a while\" {\n for = \"1h\"\n}\naction \"acme_put\" \"after\" {\n name = \"${trigger.id} again\"\n}\n"

func TestWaitGivesThePlaceToOthers(t *testing.T) {
	for name, c := range map[string]struct{ block, want string }{
		"free":   {"concurrency {\n limit = 1\n}", "o1 o2 o1 again o2 again"},
		"busy":   {"concurrency {\n limit = 1\n while_waiting = true\n}", "o1 o1 again o2 o2 again"},
		"no one": {"concurrency {\n limit = 2\n}", "o1 o2 o1 again o2 again"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"f.hcl": "recipe {\n" + c.block + "\n}\n" + strings.ReplaceAll(waitInLane, "a while", "pause")})
			events := w.burst(1, `"c1"`)
			w.nextDecision()
			w.clock.Advance(time.Second)
			events = append(events, w.send(w.order("order.created", `id="o2"`)))
			w.nextDecision()
			w.settled(events...)
			if got := w.names(); got != c.want {
				t.Errorf("calls: %s, want %s", got, c.want)
			}
		})
	}
}

func TestPriority(t *testing.T) {
	w := newWorld(t, flowing("priority = trigger.amount\nconcurrency {\n limit = 1\n}"))
	g := w.gated()
	events := w.burst(2, `"c1"`)
	receive(t, g.called, "the first call")
	w.nextDecision()
	events = append(events, w.send(w.order("order.created", `id="vip"`, "amount=10000")))
	w.nextDecision()
	for _, want := range []string{"vip", "o2"} {
		g.answer <- struct{}{}
		if name := receive(t, g.called, "the next call"); name != want {
			t.Errorf("%s goes before %s", name, want)
		}
	}
	g.answer <- struct{}{}
	w.settled(events...)
}

func TestPriorityIsADayAtMost(t *testing.T) {
	w := newWorld(t, flowing("priority = trigger.amount == 1000 ? 0 : trigger.amount\nconcurrency {\n limit = 1\n}"))
	g := w.gated()
	events := w.burst(1, `"c1"`)
	receive(t, g.called, "the first call")
	events = append(events, w.send(w.order("order.created", `id="first"`, "amount=86400")))
	w.nextDecision()
	w.clock.Advance(time.Second)
	events = append(events, w.send(w.order("order.created", `id="eager"`, "amount=864000000")))
	w.nextDecision()
	for _, want := range []string{"first", "eager"} {
		g.answer <- struct{}{}
		if name := receive(t, g.called, "the next call"); name != want {
			t.Errorf("%s goes before %s", name, want)
		}
	}
	g.answer <- struct{}{}
	w.settled(events...)
}

func TestPausedRecipeHoldsItsEvents(t *testing.T) {
	src := flowing("concurrency {\n limit = 1\n}")
	w := newWorld(t, src)
	ctx := context.Background()
	if err := w.engine.Pause(ctx, "f", false, "jo"); err != nil {
		t.Fatal(err)
	}
	events := w.burst(3, `"c1"`)
	if got := w.outcomes(events); got != "queued:paused queued:paused queued:paused" {
		t.Errorf("held: %s", got)
	}
	w.stop(ctx)
	w.boot(src)
	if p := w.engine.Status().Paused; len(p) != 1 || p[0].Recipe != "f" || p[0].By != "jo" {
		t.Errorf("paused: %+v", p)
	}
	if err := w.engine.Resume(ctx, "f"); err != nil {
		t.Fatal(err)
	}
	w.settled(events...)
	if got := w.names(); got != "o1 o2 o3" {
		t.Errorf("calls: %s", got)
	}
	if err := w.engine.Pause(ctx, "f", true, "jo"); err != nil && !isRefused(err) {
		t.Fatal(err)
	}
	if got := w.outcomes(w.burst(1, `"c1"`)); got != "skipped:paused" {
		t.Errorf("dropped: %s", got)
	}
	if err := w.engine.Pause(ctx, "g", true, "jo"); !isRefused(err) {
		t.Errorf("pausing what isn't there: %v", err)
	}
}

func TestKeyThatCannotBeMadeFailsTheRun(t *testing.T) {
	w := newWorld(t, flowing("concurrency {\n key = trigger.amount + 1\n limit = 1\n}"))
	ev := w.send(w.order("order.created", `amount="lots"`))
	w.nextDecision()
	if run := w.storedRun(ev, "f"); run.Status != runtime.RunFailed || run.Error.Kind != connectors.KindDrift {
		t.Errorf("run: %+v", run)
	}
}

// mortal is a store that a process has died beside: what is recorded from then on is lost.
type mortal struct {
	runtime.Store
	dead atomic.Bool
}

func (s *mortal) Record(ctx context.Context, c *runtime.Change) error {
	if s.dead.Load() {
		return runtime.ErrClosed
	}
	return s.Store.Record(ctx, c)
}

// bootMortal starts an engine that can be killed.
func (w *world) bootMortal(files map[string]string) (kill func()) {
	w.t.Helper()
	whole := w.store
	s := &mortal{Store: whole}
	w.store = s
	w.boot(files)
	return func() {
		s.dead.Store(true)
		w.stop(expired())
		w.store = whole
		w.vendor.answer = nil
	}
}

func TestCancelRunningReachesWaits(t *testing.T) {
	src := map[string]string{"f.hcl": "recipe {\n concurrency {\n limit = 1\n on_conflict = \"cancel_running\"\n}\n}\n" + strings.ReplaceAll(waitInLane, "a while", "pause")}
	for name, restart := range map[string]bool{"in one process": false, "in the next": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, src)
			events := []*runtime.Event{w.send(w.order("order.created", `id="o1"`))}
			if run := w.nextRun(); run.Status != runtime.RunWaiting {
				t.Fatalf("run: %v", run.Status)
			}
			if restart {
				w.stop(context.Background())
				w.boot(src)
			}
			events = append(events, w.send(w.order("order.created", `id="o2"`)))
			for run := w.nextRun(); run.EventID != events[1].ID || run.Status != runtime.RunWaiting; {
				run = w.nextRun()
			}
			w.settled(events...)
			if got := w.statuses(events); got != "canceled completed" {
				t.Errorf("runs: %s", got)
			}
			if got := w.names(); got != "o1 o2 o2 again" {
				t.Errorf("calls: %s", got)
			}
		})
	}
}

func TestCancelRunningReachesCalledRuns(t *testing.T) {
	w := newWorld(t, map[string]string{
		"greet.hcl": strings.Replace(greet, "action", "wait \"pause\" {\n for = \"1h\"\n}\naction", 1),
		"r.hcl":     "recipe {\n concurrency {\n limit = 1\n on_conflict = \"cancel_running\"\n while_waiting = true\n}\n}\n" + calls("trigger.id", ""),
	})
	untilWaits := func(ev *runtime.Event) {
		for run := w.nextRun(); run.EventID != ev.ID || run.Recipe != "greet" || run.Status != runtime.RunWaiting; {
			run = w.nextRun()
		}
	}
	first := w.send(w.order("order.created", `id="o1"`))
	untilWaits(first)
	second := w.send(w.order("order.created", `id="o2"`))
	untilWaits(second)
	w.clock.Advance(time.Hour)
	for run := w.toEnd(); run.EventID != second.ID || run.Recipe != "r" || !run.Status.Ended(); {
		run = w.toEnd()
	}
	if got := w.names(); got != "o2" {
		t.Errorf("calls: %s", got)
	}
}
