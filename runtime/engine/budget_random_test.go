package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/memstore"
	"github.com/flowrun/flowrun/runtime/runtimetest"
)

// TestLimitsWhateverHappens lets events come, time pass, calls fail, processes end and people resume, in any order. From
// one time that the recipe is resumed to the next, no hour may hold more calls or money than the limits say; and in
// the end everything is done.
func TestLimitsWhateverHappens(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { playLimits(t, rand.New(rand.NewPCG(seed, 7))) })
	}
}

// spentAt is a call that reached the vendor.
type spentAt struct {
	key    string
	amount int64
	at     time.Time
}

func playLimits(t *testing.T, r *rand.Rand) {
	const mostCalls, mostMoney = 4, 1000
	src := limited(fmt.Sprintf("max_per_hour = %d\nmax_amount = %d", mostCalls, mostMoney), "")
	w := &world{t: t, store: memstore.New(), clock: runtimetest.NewClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), vendor: &vendor{}}
	ctx := context.Background()
	var epochs [][]spentAt
	epochs = append(epochs, nil)
	fails := 0.3
	w.vendor.answer = func(_ context.Context, _ string, in map[string]cty.Value, _ int) (cty.Value, error) {
		amount, _ := in["amount"].AsBigFloat().Int64()
		last := len(epochs) - 1
		epochs[last] = append(epochs[last], spentAt{in["name"].AsString(), amount, w.clock.Now()})
		if r.Float64() < fails {
			return cty.NilVal, transient()
		}
		return cty.NilVal, nil
	}
	boot := func() {
		w.cfg = Config{Store: w.store, Registry: w.vendor.registry(t), Clock: w.clock, Rand: func() float64 { return 0.5 }, InTurn: true, MaxInFlight: 1}
		w.engine = New(w.cfg)
		w.swap(src)
		if err := w.engine.recoverFlow(ctx); err != nil {
			t.Fatal(err)
		}
	}
	drive := func(ev *runtime.Event) {
		t.Helper()
		if err := w.engine.Drive(ctx, ev); err != nil {
			t.Fatal(err)
		}
	}
	resume := func() {
		if len(w.engine.Status().Paused) > 0 {
			epochs = append(epochs, nil)
			if err := w.engine.Resume(ctx, "f"); err != nil {
				t.Fatal(err)
			}
			drive(nil)
		}
	}
	boot()
	var events []*runtime.Event
	for range 60 {
		switch x := r.Float64(); {
		case x < 0.5:
			ev := w.accept(w.order("order.created", fmt.Sprintf(`id="o%d"`, len(events)), fmt.Sprintf("amount=%d", 1+r.IntN(600)), `note="usd"`))
			events = append(events, ev)
			drive(ev)
		case x < 0.85:
			w.clock.Advance(time.Duration(1+r.IntN(40)) * time.Minute)
			drive(nil)
		case x < 0.95:
			_ = w.engine.Drain(ctx)
			boot()
			drive(nil)
		default:
			resume()
		}
	}
	fails = 0
	for range len(events) { // each resumption lets at least one more through
		resume()
		w.clock.Advance(time.Hour)
		drive(nil)
	}
	for _, ev := range events {
		if run := w.storedRun(ev, "f"); run.Status != runtime.RunCompleted {
			t.Errorf("the run of %s is %v: %s", ev.ID, run.Status, steps(run))
		}
	}
	for n, calls := range epochs {
		for i, first := range calls {
			money, seen := int64(0), map[string]bool{}
			for _, c := range calls[i:] {
				if c.at.Before(first.at.Add(time.Hour)) && !seen[c.key] {
					seen[c.key] = true
					money += c.amount
				}
			}
			if len(seen) > mostCalls || money > mostMoney {
				t.Fatalf("resumed %d times: %d calls of %d within the hour from %v", n, len(seen), money, first.at)
			}
		}
	}
}
