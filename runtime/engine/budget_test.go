package engine

import (
	"context"
	"fmt"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/runtime"
)

// limited is a recipe with limits that pays the order's amount.
func limited(limits, rest string) map[string]string {
	return map[string]string{"f.hcl": "recipe {\n limits {\n" + limits + "\n}\n" + rest + "\n}\ntrigger \"acme_order_created\" {}\n" +
		"action \"acme_pay\" {\n name = trigger.id\n amount = trigger.amount\n currency = trigger.note\n}\n"}
}

// pay sends orders one after the other, each once the one before is decided, and says what became of them.
func (w *world) pay(first, n int, fields ...string) (events []*runtime.Event, statuses string) {
	w.t.Helper()
	for i := range n {
		events = append(events, w.send(w.order("order.created", append([]string{fmt.Sprintf(`id="o%d"`, first+i)}, fields...)...)))
		w.nextDecision()
	}
	return events, w.statuses(events)
}

// resumeAll resumes f until no run of the events is held any more.
func (w *world) resumeAll(events []*runtime.Event) {
	w.t.Helper()
	for limit := time.Now().Add(patience); ; goruntime.Gosched() {
		got := w.statuses(events)
		if !strings.Contains(got, "queued") && !strings.Contains(got, "running") && !strings.Contains(got, "waiting") {
			return
		}
		if time.Now().After(limit) {
			w.t.Fatalf("the runs don't come to an end: %s", got)
		}
		if err := w.engine.Resume(context.Background(), "f"); err != nil && !isRefused(err) {
			w.t.Fatal(err)
		}
	}
}

// unpaused waits until no recipe is paused or being resumed.
func (w *world) unpaused() {
	w.t.Helper()
	for limit := time.Now().Add(patience); w.engine.anyPaused.Load(); goruntime.Gosched() {
		if time.Now().After(limit) {
			w.t.Fatal("it does not end being paused")
		}
	}
}

// alerted waits for an alert and returns its payload.
func (w *world) alerted() string {
	w.t.Helper()
	return string(receive(w.t, w.alerts, "an alert").Payload)
}

func TestLimitsPauseTheRecipe(t *testing.T) {
	src := limited("max_per_hour = 2", "")
	w := newWorld(t, src)
	ctx := context.Background()
	events, got := w.pay(1, 4)
	if got != "completed completed queued:limits:paused queued:paused" {
		t.Errorf("four orders: %s", got)
	}
	if got := w.alerted(); !strings.Contains(got, AlertBudgetExceeded) || !strings.Contains(got, "recipe f is paused: max_per_hour = 2 is reached") {
		t.Errorf("alert: %s", got)
	}
	for range 2 { // the second time in another process
		p := w.engine.Status().Paused
		if len(p) != 1 || p[0].Recipe != "f" || p[0].Drop || p[0].By != byLimits || !strings.HasPrefix(p[0].Reason, "max_per_hour = 2 is reached") {
			t.Fatalf("paused: %+v", p)
		}
		if got := w.names(); got != "o1 o2" {
			t.Errorf("calls: %s", got)
		}
		w.stop(ctx)
		w.boot(src)
	}
	w.clock.Advance(3 * time.Hour) // that the hour is over lets nothing go on by itself
	if got := w.statuses(events); got != "completed completed queued:limits:paused queued:paused" {
		t.Errorf("hours later: %s", got)
	}
	if err := w.engine.Resume(ctx, "f"); err != nil {
		t.Fatal(err)
	}
	w.settled(events...)
	w.unpaused()
	if got := w.vendor.called(true); got != "o1 o2 o3 o4" {
		t.Errorf("calls after it was resumed: %s", got)
	}
	more, got := w.pay(5, 1)
	if got != "queued:limits:paused" {
		t.Errorf("the third since: %s", got)
	}
	if err := w.engine.Resume(ctx, "f"); err != nil {
		t.Fatal(err)
	}
	w.settled(more...)
	for _, ev := range append(events, more...) {
		run := w.storedRun(ev, "f")
		if run.StoppedBy != "" || len(run.Steps) != 1 || len(run.Steps[0].Attempts) != 1 {
			t.Errorf("run: stopped by %q, %s", run.StoppedBy, steps(run))
		}
	}
}

// TestLimitsAreOfAnyHour: what counts is the last 60 minutes, wherever they begin.
func TestLimitsAreOfAnyHour(t *testing.T) {
	w := newWorld(t, limited("max_per_hour = 2", ""))
	if _, got := w.pay(1, 1); got != "completed" {
		t.Errorf("the first: %s", got)
	}
	w.clock.Advance(59 * time.Minute)
	if _, got := w.pay(2, 1); got != "completed" {
		t.Errorf("the second: %s", got)
	}
	w.clock.Advance(time.Minute) // the first is an hour old
	if _, got := w.pay(3, 1); got != "completed" {
		t.Errorf("the third: %s", got)
	}
	w.clock.Advance(58 * time.Minute)
	if _, got := w.pay(4, 1); got != "queued:limits:paused" {
		t.Errorf("the fourth: %s", got)
	}
}

func TestLimitsHoldForRunsInParallel(t *testing.T) {
	w := newWorld(t, limited("max_per_hour = 5", ""))
	var events []*runtime.Event
	for i := range 40 {
		events = append(events, w.send(w.order("order.created", fmt.Sprintf(`id="o%d"`, i))))
	}
	for range events {
		w.nextDecision()
	}
	if n := len(w.vendor.log()); n != 5 {
		t.Errorf("%d calls, want 5", n)
	}
	w.resumeAll(events)
	if n := len(w.vendor.log()); n != len(events) {
		t.Errorf("%d calls in the end, want %d", n, len(events))
	}
}

func TestAmounts(t *testing.T) {
	w := newWorld(t, limited("max_amount = 1000", ""))
	for _, c := range []struct{ amount, currency, want string }{
		{"600", `"usd"`, "completed"},
		{"-400", `"usd"`, "completed"}, // which way it goes makes no difference
		{"1000", `"eur"`, "completed"}, // another currency
		{"1000", "null", "completed"},  // what names none
		{"1", `"usd"`, "queued:limits:paused"},
		{"1", `"gbp"`, "queued:paused"}, // it would fit, but the recipe is paused
	} {
		if _, got := w.pay(1, 1, "amount="+c.amount, "note="+c.currency); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.amount, c.currency, got, c.want)
		}
	}
	if got := w.engine.Status().Paused[0].Reason; got != "max_amount = 1000 is reached: 1000 were moved within an hour, and the next call would have moved 1" {
		t.Errorf("reason: %s", got)
	}
}

func TestAnAmountThatNeverFits(t *testing.T) {
	w := newWorld(t, limited("max_amount = 1000", ""))
	events, got := w.pay(1, 1, "amount=1001")
	if got != "queued:limits:paused" {
		t.Fatalf("run: %s", got)
	}
	if err := w.engine.Resume(context.Background(), "f"); err != nil {
		t.Fatal(err)
	}
	w.alerted()
	for limit := time.Now().Add(patience); w.statuses(events) != "queued:limits:paused" || len(w.engine.Status().Paused) != 1; goruntime.Gosched() {
		if time.Now().After(limit) {
			t.Fatalf("it is not held again: %s", w.statuses(events))
		}
	}
	if got := w.engine.Status().Paused[0].Reason; !strings.Contains(got, "less than a single call would have moved: 1001") {
		t.Errorf("reason: %s", got)
	}
	if n := len(w.vendor.log()); n > 0 {
		t.Errorf("%d calls", n)
	}
	w.swap(limited("max_amount = 2000", "")) // runs under way go by the limits as they are served
	if err := w.engine.Resume(context.Background(), "f"); err != nil {
		t.Fatal(err)
	}
	w.settled(events...)
	if got := w.names(); got != "o1" {
		t.Errorf("calls: %s", got)
	}
}

func TestAnAmountThatIsNoAmountFailsTheRun(t *testing.T) {
	w := newWorld(t, limited("max_amount = 1000", ""))
	events, got := w.pay(1, 1, "amount=1.5")
	run := w.storedRun(events[0], "f")
	if got != "failed" || !strings.Contains(run.Error.Message, "amount is not a whole number") || len(w.vendor.log()) > 0 {
		t.Errorf("run: %s, %v", got, run.Error)
	}
}

// TestARetryCountsOnce: however often a step is tried, it is one call; but for the hour since the last time.
func TestARetryCountsOnce(t *testing.T) {
	w := newWorld(t, limited("max_per_hour = 2", ""))
	w.vendor.answer = func(_ context.Context, _ string, in map[string]cty.Value, n int) (cty.Value, error) {
		if in["name"].AsString() == "o1" && n <= 3 {
			return cty.NilVal, transient()
		}
		return cty.NilVal, nil
	}
	first := w.play(w.order("order.created", `id="o1"`))
	w.nextDecision()
	if first.Status != runtime.RunCompleted || len(first.Steps[0].Attempts) != 4 {
		t.Fatalf("run: %s", steps(first))
	}
	if _, got := w.pay(2, 2); got != "completed queued:limits:paused" {
		t.Errorf("the next: %s", got)
	}
}

// TestNothingGoesBeyondLimits kills the process at each point on the way of a call. What was counted is counted, and
// what was not made is made in the end.
func TestNothingGoesBeyondLimits(t *testing.T) {
	src := limited("max_per_hour = 3", "")
	for _, point := range []string{"after-spend", "before-call", "after-call", "before-run-recorded", "after-run-recorded"} {
		for nth := 1; nth <= 6; nth++ {
			t.Run(fmt.Sprintf("%s %d", point, nth), func(t *testing.T) { limitsAfterCrash(t, src, point, nth) })
		}
	}
}

func limitsAfterCrash(t *testing.T, src map[string]string, point string, nth int) {
	w := newWorld(t, src)
	w.stop(context.Background())
	d := &death{point: point, nth: nth, c: make(chan struct{})}
	store := w.store
	w.store, w.crash = &mortalStore{store, d}, d.at
	w.vendor.goes(d.is)
	w.boot(src)
	var events []*runtime.Event
	for i := range 6 {
		ev := w.order("order.created", fmt.Sprintf(`id="o%d"`, i+1))
		if ok, err := store.AcceptEvent(context.Background(), ev); err != nil || !ok {
			t.Fatal(ok, err)
		}
		events = append(events, ev)
		w.engine.Accepted(ev)
	}
	takenOver := false
	for limit := time.Now().Add(patience); ; goruntime.Gosched() {
		if d.is() && !takenOver {
			takenOver = true
			w.stop(expired())
			w.store, w.crash = store, nil
			w.vendor.goes(nil)
			w.boot(src)
		}
		if undecided(t, store) == 0 && (takenOver || !d.is()) {
			if counts, err := store.Counts(context.Background()); err == nil && counts.Runs[runtime.RunRunning] == 0 {
				break
			}
		}
		if time.Now().After(limit) {
			t.Fatalf("the events are not decided: %d", undecided(t, store))
		}
	}
	if d.spares() && !takenOver { // it died after the last was decided
		w.stop(expired())
		w.store, w.crash = store, nil
		w.vendor.goes(nil)
		w.boot(src)
	}
	byKey := func() int {
		keys := map[string]bool{}
		for _, c := range w.vendor.log() {
			keys[c.key] = true
		}
		return len(keys)
	}
	if n := byKey(); n > 3 {
		t.Errorf("%d calls within an hour, 3 are allowed: %s", n, w.statuses(events))
	}
	if n := len(w.engine.Status().Paused); n != 1 {
		t.Errorf("%d recipes are paused", n)
	}
	w.resumeAll(events)
	if n := byKey(); n != 6 {
		t.Errorf("%d calls in the end, want 6: %s", n, w.statuses(events))
	}
}

// TestElementsCountByThemselves holds a run in the middle of a for_each.
func TestElementsCountByThemselves(t *testing.T) {
	w := newWorld(t, map[string]string{"f.hcl": "recipe {\n limits {\n max_per_hour = 3\n }\n}\ntrigger \"acme_order_created\" {}\n" +
		"action \"acme_put\" \"first\" {\n name = \"first\"\n}\n" +
		"action \"acme_erase\" \"each\" {\n for_each = [\"a\", \"b\", \"c\", \"d\", \"e\"]\n max_parallel = 1\n name = each.value\n depends_on = [action.first]\n}\n" +
		"action \"acme_put\" \"last\" {\n name = \"last ${length(action.each)}\"\n}\n"})
	events, got := w.pay(1, 1)
	if got != "queued:limits:paused" || w.names() != "first a b c" {
		t.Fatalf("run: %s, calls %s", got, w.names())
	}
	w.resumeAll(events)
	if got := w.names(); got != "first a b c d e last 5" {
		t.Errorf("calls: %s", got)
	}
}

func TestWhatCounts(t *testing.T) {
	step := func(action, more string) string {
		return "trigger \"acme_order_created\" {}\naction \"" + action + "\" {\n name = trigger.id\n " + more + "\n}\n"
	}
	for name, c := range map[string]struct{ recipe, want string }{
		"a deletion":               {step("acme_erase", ""), "completed queued:limits:paused"},
		"a message":                {step("acme_text", ""), "completed queued:limits:paused"},
		"what can be taken back":   {step("acme_send", ""), "completed completed"},
		"a payment that is made":   {step("acme_charge", "amount = 1\n confirm = trigger.amount > 0"), "completed queued:limits:paused"},
		"one that is not made yet": {step("acme_charge", "amount = 1\n confirm = trigger.amount > 500"), "completed completed"},
		"a message of on_error":    {step("acme_put", "") + "on_error {\n action \"acme_text\" {\n  name = \"told\"\n }\n}\n", "failed failed"},
		"a deletion of on_error": {step("acme_put", "") + "on_error {\n action \"acme_erase\" {\n  name = \"gone\"\n }\n}\n",
			"failed queued:limits:paused"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"f.hcl": "recipe {\n limits {\n max_per_hour = 1\n }\n}\n" + c.recipe})
			if strings.Contains(name, "on_error") {
				w.vendor.answer = func(_ context.Context, action string, _ map[string]cty.Value, _ int) (cty.Value, error) {
					if action == "acme_put" {
						return cty.NilVal, refused()
					}
					return cty.NilVal, nil
				}
			}
			if _, got := w.pay(1, 2); got != c.want {
				t.Errorf("runs: %s, want %s", got, c.want)
			}
		})
	}
}

// TestResumedBeforeItIsHeld resumes the recipe while the run that was refused still has a call under way.
func TestResumedBeforeItIsHeld(t *testing.T) {
	w := newWorld(t, map[string]string{"f.hcl": "recipe {\n limits {\n max_per_hour = 1\n }\n}\ntrigger \"acme_order_created\" {}\n" +
		"action \"acme_erase\" {\n name = trigger.id\n}\n" +
		"action \"acme_put\" {\n name = \"slow\"\n when = trigger.amount > 500\n}\n"})
	if _, got := w.pay(1, 1); got != "completed" {
		t.Fatalf("the first: %s", got)
	}
	slow := make(chan struct{})
	w.vendor.answer = func(_ context.Context, action string, _ map[string]cty.Value, _ int) (cty.Value, error) {
		if action == "acme_put" {
			<-slow
		}
		return cty.NilVal, nil
	}
	ev := w.send(w.order("order.created", `id="o2"`, "amount=501"))
	w.alerted()
	if err := w.engine.Resume(context.Background(), "f"); err != nil {
		t.Fatal(err)
	}
	w.unpaused()
	close(slow)
	w.nextDecision()
	w.settled(ev)
	if got := w.vendor.called(true); got != "o1 o2 slow" {
		t.Errorf("calls: %s", got)
	}
}

func TestHeldTimeIsNoPartOfATimeout(t *testing.T) {
	w := newWorld(t, limited("max_per_hour = 1", "timeout = \"1m\"\nconcurrency {\n limit = 1\n key = trigger.customer\n}"))
	events, got := w.pay(1, 2)
	if got != "completed queued:limits:paused" {
		t.Fatalf("runs: %s", got)
	}
	w.clock.Advance(5 * time.Hour)
	if err := w.engine.Resume(context.Background(), "f"); err != nil {
		t.Fatal(err)
	}
	w.settled(events...)
	w.unpaused()
	if got := w.statuses(events); got != "completed completed" {
		t.Errorf("after five hours: %s", got)
	}
	if more, got := w.pay(3, 1); got != "queued:limits:paused" {
		t.Errorf("its place in the lane was not given back: %s", got)
	} else if err := w.engine.Cancel(context.Background(), w.storedRun(more[0], "f").ID, "jo"); err != nil {
		t.Errorf("canceling what is held: %v", err)
	} else if got := w.statuses(more); got != "canceled" {
		t.Errorf("canceled: %s", got)
	}
	if lanes, queued := w.engine.flow.laneStatus(); lanes != 0 || queued != 0 {
		t.Errorf("%d lanes, %d queued", lanes, queued)
	}
}

// TestAPauseByHandKeepsTheReason: a recipe that its limits have stopped does not go on because somebody pauses it as well.
func TestAPauseByHandKeepsTheReason(t *testing.T) {
	w := newWorld(t, limited("max_per_hour = 1", ""))
	events, _ := w.pay(1, 2)
	if err := w.engine.Pause(context.Background(), "f", true, "jo"); err != nil {
		t.Fatal(err)
	}
	if p := w.engine.Status().Paused; len(p) != 1 || !p[0].Drop || p[0].By != "jo" || p[0].Reason == "" {
		t.Errorf("paused: %+v", p)
	}
	if _, got := w.pay(3, 1); got != "skipped:paused" {
		t.Errorf("an event: %s", got)
	}
	w.resumeAll(events) // what was held before is not dropped
	if got := w.names(); got != "o1 o2" {
		t.Errorf("calls: %s", got)
	}
}

func TestLimitsOfShadowRuns(t *testing.T) {
	w := newWorld(t, limited("max_per_hour = 1", "mode = \"shadow\""))
	if _, got := w.pay(1, 3); got != "completed completed completed" {
		t.Errorf("runs: %s", got)
	}
}

func TestWhyOfARunThatIsHeld(t *testing.T) {
	w := newWorld(t, map[string]string{"f.hcl": "recipe {\n limits {\n max_per_hour = 1\n }\n}\ntrigger \"acme_order_created\" {}\n" +
		"action \"acme_read\" \"who\" {\n name = trigger.id\n}\n" +
		"filter \"known\" {\n condition = action.who.email != null\n}\n" +
		"action \"acme_erase\" {\n name = trigger.id\n}\n"})
	events, _ := w.pay(1, 2)
	v, err := w.engine.WhyRun(context.Background(), w.storedRun(events[1], "f"))
	if err != nil || len(v.Gates) != 1 || !v.Gates[0].Passed {
		t.Errorf("gates: %+v, %v", v, err)
	}
}
