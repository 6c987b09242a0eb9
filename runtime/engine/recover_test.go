package engine

import (
	"context"
	"errors"
	goruntime "runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/runtime"
)

// expired is a context whose time is over: draining with it cuts calls off at once.
func expired() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestEventsOfTheLastProcessAreTakenUp(t *testing.T) {
	w := newWorld(t, map[string]string{"big.hcl": big})
	if err := w.stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	for range 3 * scanPage / 2 {
		w.accept(w.order("order.created"))
	}
	w.boot(map[string]string{"big.hcl": big})
	for range 3 * scanPage / 2 {
		if run := w.nextRun(); run.Status != runtime.RunCompleted {
			t.Fatalf("run = %+v", run)
		}
	}
}

func TestEventsThatTheFeedDroppedAreReadBackOnce(t *testing.T) {
	w := newWorld(t, map[string]string{"big.hcl": big})
	const n = 500
	for i := range n {
		ev := w.accept(w.order("order.created"))
		if i%3 == 0 {
			w.engine.noteDropped(ev.Seq)
		} else {
			w.engine.Accepted(ev)
		}
	}
	for range n {
		w.nextDecision()
	}
	if calls := w.vendor.log(); len(calls) != n {
		t.Errorf("%d calls for %d events", len(calls), n)
	}
}

func TestIntentWithoutAnswerIsUnknownAfterACrash(t *testing.T) {
	w := newWorld(t, map[string]string{"m.hcl": mail})
	inCall := make(chan struct{})
	w.vendor.answer = func(ctx context.Context, _ string, _ map[string]cty.Value, _ int) (cty.Value, error) {
		close(inCall)
		<-ctx.Done()
		return cty.NilVal, ctx.Err()
	}
	ev := w.send(w.order("order.created"))
	receive(t, inCall, "the call")
	if err := w.stop(expired()); !errors.Is(err, context.Canceled) {
		t.Errorf("drain: %v", err)
	}
	w.nextRun() // as it was put down by the shutdown
	if s := w.storedRun(ev, "m").Steps[0]; s.Status != runtime.StepIntent {
		t.Fatalf("after the cut: %v", s.Status)
	}
	w.vendor.answer = nil
	w.boot(map[string]string{"m.hcl": mail})
	run := w.nextRun()
	if run.Status != runtime.RunFailed || run.Error.Kind != connectors.KindUnknown || run.Steps[0].Status != runtime.StepUnknown {
		t.Errorf("run = %+v error %v", run, run.Error)
	}
	if n := len(w.vendor.log()); n != 1 {
		t.Errorf("%d calls", n)
	}
}

func TestCutCallIsRepeatedWithItsKeyAfterTheNextStart(t *testing.T) {
	w := newWorld(t, map[string]string{"big.hcl": big})
	inCall := make(chan struct{})
	w.vendor.answer = func(ctx context.Context, _ string, _ map[string]cty.Value, _ int) (cty.Value, error) {
		close(inCall)
		<-ctx.Done()
		return cty.NilVal, ctx.Err()
	}
	w.send(w.order("order.created"))
	receive(t, inCall, "the call")
	w.stop(expired())
	if run := w.nextRun(); run.Status != runtime.RunWaiting {
		t.Fatalf("put down as %v", run.Status)
	}
	w.vendor.answer = nil
	w.boot(map[string]string{"big.hcl": big})
	if run := w.nextRun(); run.Status != runtime.RunCompleted {
		t.Fatalf("run = %+v", run)
	}
	calls := w.vendor.log()
	if len(calls) != 2 || calls[0].key != calls[1].key {
		t.Errorf("calls = %+v", calls)
	}
}

func TestGracefulDrainLetsCallsFinish(t *testing.T) {
	w := newWorld(t, map[string]string{"big.hcl": big})
	inCall, answer := make(chan struct{}), make(chan struct{})
	w.vendor.answer = func(context.Context, string, map[string]cty.Value, int) (cty.Value, error) {
		close(inCall)
		<-answer
		return cty.NilVal, nil
	}
	w.send(w.order("order.created"))
	receive(t, inCall, "the call")
	drained := make(chan error, 1)
	go func() { drained <- w.stop(context.Background()) }()
	close(answer)
	if err := receive(t, drained, "the drain"); err != nil {
		t.Error(err)
	}
	if run := w.nextRun(); run.Status != runtime.RunCompleted {
		t.Errorf("run = %+v", run)
	}
}

func TestRunsKeepTheProgramTheyStartedWith(t *testing.T) {
	v1 := "trigger \"acme_order_created\" {}\naction \"acme_put\" \"first\" {\n name = \"v1\"\n}\naction \"acme_put\" \"second\" {\n name = \"v1 ${action.first.email == null ? \"\" : action.first.email}\"\n}\n"
	v2 := "trigger \"acme_order_created\" {}\naction \"acme_put\" \"other\" {\n name = \"v2\"\n}\n"
	w := newWorld(t, map[string]string{"r.hcl": v1})
	w.vendor.answer = func(_ context.Context, _ string, in map[string]cty.Value, n int) (cty.Value, error) {
		if in["name"].AsString() == "v1" && n < 3 {
			return cty.NilVal, transient()
		}
		return cty.NilVal, nil
	}
	w.send(w.order("order.created"))
	run := w.nextRun()
	w.swap(map[string]string{"r.hcl": v2})
	w.clock.Advance(run.Due.Sub(w.clock.Now()))
	run = w.nextRun() // again waiting, in the same process
	if err := w.stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.boot(map[string]string{"r.hcl": v2})
	w.clock.Advance(run.Due.Sub(w.clock.Now()))
	run = w.nextRun()
	calls := w.vendor.log()
	if run.Status != runtime.RunCompleted || calls[len(calls)-1].name != "v1 jo@example.com" {
		t.Errorf("run = %v, calls %+v", run.Status, calls)
	}
	w.send(w.order("order.created"))
	w.nextRun()
	if calls = w.vendor.log(); calls[len(calls)-1].name != "v2" {
		t.Errorf("a new event met %+v", calls[len(calls)-1])
	}
}

// failingStore refuses writes while told to.
type failingStore struct {
	runtime.Store
	down  atomic.Bool
	tried chan struct{}
}

func (s *failingStore) Record(ctx context.Context, c *runtime.Change) error {
	if s.down.Load() {
		select {
		case s.tried <- struct{}{}:
		default:
		}
		return errors.New("no space left on device")
	}
	return s.Store.Record(ctx, c)
}

func TestAnEndIsNotForgottenWhileTheStoreIsFull(t *testing.T) {
	w := newWorld(t, map[string]string{"big.hcl": big})
	w.stop(context.Background())
	fs := &failingStore{Store: w.store, tried: make(chan struct{}, 1)}
	w.store = fs
	w.boot(map[string]string{"big.hcl": big})
	fs.down.Store(true)
	w.send(w.order("order.created"))
	receive(t, fs.tried, "a write")
	fs.down.Store(false)
	if err := w.clock.WaitTimers(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(storeRetry)
	if run := w.nextRun(); run.Status != runtime.RunCompleted {
		t.Errorf("run = %+v", run)
	}
	if n := len(w.vendor.log()); n != 1 {
		t.Errorf("%d calls", n)
	}
}

func TestDueRunsAreResumedInOrder(t *testing.T) {
	w := newWorld(t, map[string]string{"big.hcl": big})
	w.vendor.answer = func(_ context.Context, _ string, _ map[string]cty.Value, n int) (cty.Value, error) {
		if n == 1 {
			return cty.NilVal, &connectors.Error{Kind: connectors.KindConflict, Status: 409, Message: "locked"} // says nothing against the vendor
		}
		return cty.NilVal, nil
	}
	const n = 300
	for range n {
		w.send(w.order("order.created"))
		if run := w.nextRun(); run.Status != runtime.RunWaiting {
			t.Fatalf("run = %+v", run)
		}
	}
	w.clock.Advance(time.Hour)
	for range n {
		if run := w.nextRun(); run.Status != runtime.RunCompleted {
			t.Fatalf("run = %+v", run)
		}
	}
	if got := len(w.vendor.log()); got != 2*n {
		t.Errorf("%d calls", got)
	}
}

func TestFewIntentsAtATime(t *testing.T) {
	w := newWorld(t, map[string]string{"m.hcl": mail})
	arrived, release := make(chan struct{}, 100), make(chan struct{})
	w.vendor.answer = func(context.Context, string, map[string]cty.Value, int) (cty.Value, error) {
		arrived <- struct{}{}
		<-release
		return cty.NilVal, nil
	}
	for range 40 {
		w.send(w.order("order.created"))
	}
	for range maxOnce {
		receive(t, arrived, "a call")
	}
	runs, err := w.store.Unfinished(context.Background(), 0, 100)
	if err != nil || len(runs) != maxOnce {
		t.Errorf("%d intents are written down, %v", len(runs), err)
	}
	close(release)
	for range 40 {
		if run := w.nextRun(); run.Status != runtime.RunCompleted {
			t.Fatalf("run = %+v", run)
		}
	}
}

func TestStepsWithoutAPlaceArePutOffByADrain(t *testing.T) {
	w := newWorld(t, map[string]string{"m.hcl": mail})
	arrived := make(chan struct{}, 100)
	w.vendor.answer = func(ctx context.Context, _ string, _ map[string]cty.Value, _ int) (cty.Value, error) {
		arrived <- struct{}{}
		<-ctx.Done()
		return cty.NilVal, ctx.Err()
	}
	for range maxOnce + 5 {
		w.send(w.order("order.created"))
	}
	for range maxOnce {
		receive(t, arrived, "a call")
	}
	w.stop(expired())
	w.vendor.answer = nil
	w.boot(map[string]string{"m.hcl": mail})
	done, unknowns := 0, 0
	for done+unknowns < maxOnce+5 {
		switch run := w.nextRun(); {
		case run.Status == runtime.RunCompleted:
			done++
		case run.Status == runtime.RunFailed && run.Error.Kind == connectors.KindUnknown:
			unknowns++
		}
	}
	if done != 5 || unknowns != maxOnce {
		t.Errorf("%d done, %d unknown", done, unknowns)
	}
}

// unreadableStore is a store that can't read runs back while it is told so.
type unreadableStore struct {
	runtime.Store
	down  atomic.Bool
	tried chan struct{}
}

func (s *unreadableStore) Run(ctx context.Context, id string) (*runtime.Run, error) {
	if s.down.Load() {
		select {
		case s.tried <- struct{}{}:
		default:
		}
		return nil, errors.New("input/output error")
	}
	return s.Store.Run(ctx, id)
}

func TestARunningRunThatCannotBeReadIsTriedAgain(t *testing.T) {
	src := map[string]string{"m.hcl": mail}
	w := newWorld(t, src)
	w.stop(context.Background())
	kill := w.bootMortal(src)
	g := w.gated()
	w.send(w.order("order.created"))
	receive(t, g.called, "the call")
	kill()
	s := &unreadableStore{Store: w.store, tried: make(chan struct{}, 1)}
	s.down.Store(true)
	w.store = s
	w.boot(src)
	receive(t, s.tried, "a look at the run")
	s.down.Store(false)
	for limit := time.Now().Add(patience); len(w.runs) == 0 && time.Now().Before(limit); goruntime.Gosched() {
		w.clock.Advance(storeRetry)
	}
	if run := w.nextRun(); run.Status != runtime.RunFailed || run.Error.Kind != connectors.KindUnknown {
		t.Errorf("run = %+v", run)
	}
}

// blindStore can't read undecided events at one of its looks, from 1.
type blindStore struct {
	runtime.Store
	blind int64
	looks atomic.Int64
}

func (s *blindStore) Undecided(ctx context.Context, after int64, limit int) ([]*runtime.Event, error) {
	if s.looks.Add(1) == s.blind {
		return nil, errors.New("input/output error")
	}
	return s.Store.Undecided(ctx, after, limit)
}

func TestTheFirstEventIsReadAgain(t *testing.T) {
	src := flowing("concurrency {\n limit = 1\n}")
	w := newWorld(t, src)
	w.stop(context.Background())
	s := &blindStore{Store: w.store, blind: 2} // the first is that of the start, the second looks for what came before the event
	w.store = s
	w.boot(src)
	for limit := time.Now().Add(patience); s.looks.Load() == 0 && time.Now().Before(limit); {
		goruntime.Gosched()
	}
	w.send(w.order("order.created"))
	for limit := time.Now().Add(patience); len(w.runs) == 0 && time.Now().Before(limit); goruntime.Gosched() {
		w.clock.Advance(storeRetry)
	}
	if run := w.nextRun(); run.Status != runtime.RunCompleted {
		t.Errorf("run = %+v", run)
	}
}

func TestAnEventOfTheLastProcessIsKnownInAGap(t *testing.T) {
	src := map[string]string{"m.hcl": mail, "f.hcl": flowing("concurrency {\n limit = 1\n}")["f.hcl"]}
	w := newWorld(t, src)
	w.stop(context.Background())
	kill := w.bootMortal(src)
	g := w.gated()
	w.send(w.order("order.created"))
	receive(t, g.called, "a call")
	receive(t, g.called, "another call")
	kill() // the intent of the one is written down, nothing of the other
	s := &blindStore{Store: w.store, blind: 1}
	w.store = s
	w.boot(src)
	w.send(w.order("order.created", `id="o2"`))
	for ended, limit := 0, time.Now().Add(patience); ended < 4 && time.Now().Before(limit); goruntime.Gosched() {
		w.clock.Advance(storeRetry)
		for len(w.runs) > 0 {
			if (<-w.runs).Status.Ended() {
				ended++
			}
		}
	}
	mails := map[string]int{}
	for _, c := range w.vendor.log() {
		if c.action == "acme_mail" {
			mails[c.run]++
		}
	}
	for run, n := range mails {
		if n != 1 {
			t.Errorf("%s called %d times", run, n)
		}
	}
	if len(mails) != 2 {
		t.Errorf("%d runs called", len(mails))
	}
}
