package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

// ReplayOptions say how an event is run again.
type ReplayOptions struct {
	Recipe string // only this one; all that take it where empty
	Dry    bool   // calls that change anything are recorded and not made
	Again  bool   // under new keys, so that vendors act again
	Bulk   bool   // one of many: live traffic goes before it
}

// Replay runs an event again, through the program that is served, and returns the new runs as they were recorded; they go
// on in the background. Each is linked to the first run of its recipe for the event, and has its keys unless Again is
// set, so that vendors who know keys do nothing twice. The error wraps ErrRefused where an effect would be had twice,
// where the recipe does not take the event, or where the event's payload is not kept any more.
func (e *Engine) Replay(ctx context.Context, ev *runtime.Event, o ReplayOptions) ([]*runtime.Run, error) {
	done, err := e.beginOp()
	if err != nil {
		return nil, err
	}
	defer done()
	if ev, err = e.cfg.Store.EventBySeq(ctx, ev.Seq); err != nil {
		return nil, fmt.Errorf("reading the event: %w", err)
	}
	if ev.Payload == nil {
		return nil, refuse("the payload of event %s is not kept any more", ev.ID)
	}
	g := e.current.Load()
	if o.Recipe != "" && g.recipes[o.Recipe] == nil {
		return nil, refuse("there is no recipe %q", o.Recipe)
	}
	w := &eventWork{decision: &runtime.Decision{EventSeq: ev.Seq, Program: g.digest, At: e.clock.Now()}}
	var runners []*runner
	if rt := g.route(ev.Connection, ev.Type); rt != nil {
		runners = e.match(g, rt, ev, w)
	}
	earlier, err := e.cfg.Store.RunsOf(ctx, ev.Seq)
	if err != nil {
		return nil, fmt.Errorf("reading the event's runs: %w", err)
	}
	var runs []*runtime.Run
	for _, r := range runners {
		if o.Recipe != "" && r.rec.Name != o.Recipe {
			continue
		}
		if !o.Again && !o.Dry {
			if err := e.checkReplay(r, earlier); err != nil {
				return nil, err
			}
		}
		run, err := e.replayed(ctx, r, ev, earlier, o)
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	if len(runs) == 0 {
		if o.Recipe != "" {
			return nil, refuse("recipe %q does not take event %s", o.Recipe, ev.ID)
		}
		return nil, refuse("no recipe takes event %s", ev.ID)
	}
	if err := e.record(&runtime.Change{Runs: runs}); err != nil {
		return nil, fmt.Errorf("recording the replay: %w", err)
	}
	e.queuedForBulk(runs...)
	return runs, nil
}

// replayed makes the run of a replay.
func (e *Engine) replayed(ctx context.Context, r *runner, ev *runtime.Event, earlier []*runtime.Run, o ReplayOptions) (*runtime.Run, error) {
	now, run := e.clock.Now(), r.run
	run.ReplayOf = runtime.RunID(ev, run.Recipe, "")
	for _, old := range earlier {
		if old.Recipe == run.Recipe && old.Parent == "" {
			run.Generation = max(run.Generation, old.Generation)
		}
	}
	if o.Again {
		run.Generation++
	}
	for n := 1; ; n++ {
		run.ID = runtime.RunID(ev, run.Recipe, fmt.Sprintf("replay:%d", n))
		_, err := e.cfg.Store.Run(ctx, run.ID)
		if errors.Is(err, runtime.ErrNotFound) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("looking for earlier replays: %w", err)
		}
	}
	run.Shadow = run.Shadow || o.Dry
	run.Bulk = o.Bulk
	run.StartedAt = now
	run.Status, run.Due, run.Error = runtime.RunQueued, now, nil
	if run.Bulk {
		run.Queue, run.Due, run.Lane, run.Order = runtime.QueueLane, time.Time{}, bulkLane, now
	}
	return run, nil
}

// checkReplay refuses what has had an effect that would be had again.
func (e *Engine) checkReplay(r *runner, earlier []*runtime.Run) error {
	now := e.clock.Now()
	family := map[string]bool{} // runs of the recipe, and those they called
	for grown := true; grown; {
		grown = false
		for _, old := range earlier {
			if !family[old.ID] && (old.Recipe == r.rec.Name && old.Parent == "" || family[old.Parent]) {
				family[old.ID], grown = true, true
			}
		}
	}
	for _, old := range earlier {
		if !family[old.ID] {
			continue
		}
		if !old.Status.Ended() && !old.Shadow {
			return refuse("run %s of the event has not ended: it is %s", old.ID, old.Status)
		}
		for _, s := range old.Steps {
			effect, known := e.effectOf(s)
			if !known || s.Shadow || s.Status != runtime.StepDone && s.Status != runtime.StepUnknown {
				continue
			}
			if n := nodeAt(r.rec.Recipe, s.Index); n != nil && n.Kind == check.Action && n.Address == s.Address && n.AllowDuplicates && old.Parent == "" {
				continue
			}
			switch {
			case effect == schema.AtMostOnce:
				return refuse("%s of run %s was done or may have been, and can't be done again without a second effect; ask for it with -again", stepName(s), old.ID)
			case effect == schema.Keyed && len(s.Attempts) > 0 && now.Sub(s.Attempts[0].At) > keyLifetime:
				return refuse("%s of run %s was done more than a day ago, so that the vendor does not know its key any more; ask for it with -again", stepName(s), old.ID)
			}
		}
	}
	return nil
}
