package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/flowrun/flowrun/runtime"
)

// pausedRecipe is a recipe that takes no events, or that is being resumed: then what was held starts in the order of
// Seq, and what comes meanwhile is held behind it.
type pausedRecipe struct {
	runtime.Pause
	resuming bool
	pending  int // held ones that are being recorded
}

// lets reports whether a run of the recipe may start: one that was held, while the recipe is being resumed.
func (p *pausedRecipe) lets(run *runtime.Run) bool {
	return p.resuming && run.Status == runtime.RunQueued && run.Queue == runtime.QueuePaused
}

func (p *pausedRecipe) recorded() {
	if p != nil {
		p.pending--
	}
}

// Pause makes a recipe take no events: they are held until it is resumed, or dropped. Runs under way go on. It is an
// error that wraps ErrRefused where there is no such recipe.
func (e *Engine) Pause(ctx context.Context, recipe string, drop bool, by string) error {
	if g := e.current.Load(); g == nil || g.recipes[recipe] == nil {
		return refuse("there is no recipe %q", recipe)
	}
	e.pausing.Lock()
	defer e.pausing.Unlock()
	p := &runtime.Pause{Recipe: recipe, Drop: drop, By: by, At: e.clock.Now(), Reason: e.stoppedFor(recipe)}
	if err := e.cfg.Store.Pause(ctx, p); err != nil {
		return fmt.Errorf("pausing %s: %w", recipe, err)
	}
	e.paused(p)
	return nil
}

// stoppedFor returns why a recipe is paused by its limits, which holds when it is paused by hand as well, or "".
func (e *Engine) stoppedFor(recipe string) string {
	e.flow.mu.Lock()
	defer e.flow.mu.Unlock()
	if p := e.flow.paused[recipe]; p != nil && !p.resuming {
		return p.Reason
	}
	return ""
}

// paused notes a pause that is in the store.
func (e *Engine) paused(p *runtime.Pause) {
	f := &e.flow
	f.mu.Lock()
	defer f.mu.Unlock()
	if old := f.paused[p.Recipe]; old != nil {
		old.Pause, old.resuming = *p, false
		return
	}
	f.paused[p.Recipe] = &pausedRecipe{Pause: *p}
	e.anyPaused.Store(true)
}

// Resume makes a paused recipe take events again, those that were held first. Its budgets begin anew.
func (e *Engine) Resume(ctx context.Context, recipe string) error {
	e.pausing.Lock()
	defer e.pausing.Unlock()
	f := &e.flow
	f.mu.Lock()
	p := f.paused[recipe]
	busy := p != nil && p.resuming
	f.mu.Unlock()
	if p == nil || busy {
		return refuse("recipe %q is not paused", recipe)
	}
	if err := e.cfg.Store.Resume(ctx, recipe); err != nil {
		return fmt.Errorf("resuming %s: %w", recipe, err)
	}
	f.mu.Lock()
	if f.paused[recipe] == p {
		p.resuming = true
	}
	f.mu.Unlock()
	e.letHeldGo(recipe, p)
	return nil
}

// letHeldGo starts what a recipe holds, in the background, and then lets its events through.
func (e *Engine) letHeldGo(recipe string, p *pausedRecipe) {
	e.opMu.Lock()
	defer e.opMu.Unlock()
	if e.draining.Load() {
		return // the next process goes on with it
	}
	e.work.Add(1)
	go func() {
		defer e.work.Done()
		for e.letPageGo(recipe, p) {
		}
	}()
}

// letPageGo starts some of what is held. It returns false when nothing is held any more, or when draining.
func (e *Engine) letPageGo(recipe string, p *pausedRecipe) bool {
	f := &e.flow
	f.mu.Lock()
	if f.paused[recipe] != p || !p.resuming { // paused again
		f.mu.Unlock()
		return false
	}
	pending := p.pending
	f.mu.Unlock()
	page, err := e.cfg.Store.Held(context.Background(), recipe, duePage)
	if err != nil {
		e.log.Error("reading what a recipe holds", "recipe", recipe, "error", err)
		e.pause()
		return !e.draining.Load()
	}
	if len(page) == 0 {
		f.mu.Lock()
		defer f.mu.Unlock()
		if pending > 0 || p.pending > 0 {
			f.mu.Unlock()
			e.settleRulings()
			f.mu.Lock()
			return !e.draining.Load()
		}
		if f.paused[recipe] == p && p.resuming {
			delete(f.paused, recipe)
			e.anyPaused.Store(len(f.paused) > 0)
		}
		return false
	}
	var admitted sync.WaitGroup
	for _, run := range page {
		admitted.Add(1)
		done := sync.OnceFunc(admitted.Done)
		started, ok := e.beginResumeAs(job{run: run.ID, ordered: true, admitted: done})
		if !started {
			done()
		}
		if !ok {
			return false
		}
	}
	admitted.Wait()
	return true
}

// recoverFlow takes up what flow control must know before the first event.
func (e *Engine) recoverFlow(ctx context.Context) error {
	look, err := e.cfg.Store.Awaited(ctx)
	if err != nil {
		return fmt.Errorf("reading what is waited for: %w", err)
	}
	e.lookFor(look)
	if err := e.recoverLanes(ctx); err != nil {
		return fmt.Errorf("reading who has a place in a lane: %w", err)
	}
	return e.recoverPauses(ctx)
}

// recoverPauses takes up which recipes are paused, and lets go what a recipe holds that was being resumed.
func (e *Engine) recoverPauses(ctx context.Context) error {
	pauses, err := e.cfg.Store.Pauses(ctx)
	if err != nil {
		return err
	}
	f := &e.flow
	f.mu.Lock()
	for _, p := range pauses {
		f.paused[p.Recipe] = &pausedRecipe{Pause: *p}
	}
	f.mu.Unlock()
	counts, err := e.cfg.Store.RecipeCounts(ctx)
	if err != nil {
		return err
	}
	for _, c := range counts {
		f.mu.Lock()
		known := f.paused[c.Recipe] != nil
		f.mu.Unlock()
		if c.Queued == 0 || known {
			continue
		}
		held, err := e.cfg.Store.Held(ctx, c.Recipe, 1)
		if err != nil {
			return err
		}
		if len(held) > 0 {
			p := &pausedRecipe{Pause: runtime.Pause{Recipe: c.Recipe, At: e.clock.Now()}, resuming: true}
			f.mu.Lock()
			f.paused[c.Recipe] = p
			f.mu.Unlock()
			e.letHeldGo(c.Recipe, p)
		}
	}
	f.mu.Lock()
	e.anyPaused.Store(len(f.paused) > 0)
	f.mu.Unlock()
	return nil
}

// pauseStatus returns the recipes that are paused, by name.
func (f *flow) pauseStatus() []runtime.Pause {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []runtime.Pause
	for _, p := range f.paused {
		if !p.resuming {
			list = append(list, p.Pause)
		}
	}
	slices.SortFunc(list, func(a, b runtime.Pause) int { return strings.Compare(a.Recipe, b.Recipe) })
	return list
}
