package control

// What goes on later, and what wakes it. Runs that wake at a time come first, the next before the others; the rest wait
// for something that has no time, and stand in the order in which they came, the newest first.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

const (
	waitingPage = 100
	waitingSeen = 2000 // runs without a time that are looked through
	farOff      = 100 * 365 * 24 * time.Hour
)

// WaitingList is runs that go on later.
type WaitingList struct {
	Timed   []WaitingRun    `json:"timed"`   // that go on at a time, the next first
	Untimed []WaitingRun    `json:"untimed"` // that go on when something happens, the newest first
	Recipes []WaitingRecipe `json:"recipes"` // all of them, counted, by name
	Waiting int64           `json:"waiting"`
	Queued  int64           `json:"queued"`
	More    bool            `json:"more,omitempty"` // there are others than those listed
}

// WaitingRecipe is how many runs of a recipe go on later.
type WaitingRecipe struct {
	Recipe  string `json:"recipe"`
	Waiting int64  `json:"waiting"`
	Queued  int64  `json:"queued"`
}

// WaitingRun is a run and what wakes it; without its steps.
type WaitingRun struct {
	Run Run      `json:"run"`
	For []Waking `json:"for"`
}

// Waking is one thing that a run waits for.
type Waking struct {
	// Kind is "time", "event", "retry", "run", "turn" (a place among the calls of its connection), or what a queued run
	// waits for: "concurrency", "throttle", "debounce", "paused".
	Kind     string    `json:"kind"`
	Step     string    `json:"step,omitempty"`
	Each     string    `json:"each,omitempty"`
	DueAt    time.Time `json:"due_at,omitzero"`    // of an event: when it is given up
	Events   []Looked  `json:"events,omitempty"`   // of an event: any of these
	Run      string    `json:"run,omitempty"`      // the run that it called
	Attempts int       `json:"attempts,omitempty"` // of a retry: how many were made
	Error    *Failure  `json:"error,omitempty"`    // of a retry: why the last one failed
}

// Looked is an event that a wait looks for.
type Looked struct {
	Connection string `json:"connection"`
	Type       string `json:"type"`
	Path       string `json:"path,omitempty"` // of its payload, by which it is looked up
}

func (h *Handler) waiting(r *http.Request) (any, error) {
	q, err := onlyParams(r, "recipe", "limit")
	if err != nil {
		return nil, err
	}
	limit, recipe := waitingPage, q.Get("recipe")
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > largestPage {
			return nil, badParam("limit", s, "a number from 1 to "+strconv.Itoa(largestPage))
		}
		limit = n
	}
	out := &WaitingList{Timed: []WaitingRun{}, Untimed: []WaitingRun{}}
	if err := h.countWaiting(r.Context(), out, recipe); err != nil {
		return nil, err
	}
	timed, err := h.timed(r.Context(), recipe, limit)
	if err != nil {
		return nil, err
	}
	untimed, err := h.untimed(r.Context(), recipe, limit)
	if err != nil {
		return nil, err
	}
	if out.Timed, err = h.wakings(r, timed); err != nil {
		return nil, err
	}
	if out.Untimed, err = h.wakings(r, untimed); err != nil {
		return nil, err
	}
	out.More = int64(len(out.Timed)+len(out.Untimed)) < out.Waiting+out.Queued
	return out, nil
}

func (h *Handler) countWaiting(ctx context.Context, out *WaitingList, recipe string) error {
	counts, err := h.cfg.Store.RecipeCounts(ctx)
	if err != nil {
		return fmt.Errorf("counting runs by recipe: %w", err)
	}
	out.Recipes = []WaitingRecipe{}
	for _, c := range counts { // by recipe, then program
		if c.Waiting+c.Queued == 0 || recipe != "" && c.Recipe != recipe {
			continue
		}
		if n := len(out.Recipes); n == 0 || out.Recipes[n-1].Recipe != c.Recipe {
			out.Recipes = append(out.Recipes, WaitingRecipe{Recipe: c.Recipe})
		}
		last := &out.Recipes[len(out.Recipes)-1]
		last.Waiting, last.Queued = last.Waiting+c.Waiting, last.Queued+c.Queued
		out.Waiting, out.Queued = out.Waiting+c.Waiting, out.Queued+c.Queued
	}
	return nil
}

// timed returns the runs that go on at a time. Of one recipe, those among the first that go on.
func (h *Handler) timed(ctx context.Context, recipe string, limit int) ([]*runtime.Run, error) {
	n := limit
	if recipe != "" {
		n = waitingSeen
	}
	runs, err := h.cfg.Store.Due(ctx, h.cfg.Clock.Now().Add(farOff), n)
	if err != nil {
		return nil, fmt.Errorf("listing runs by when they go on: %w", err)
	}
	if recipe != "" {
		runs = slices.DeleteFunc(runs, func(r *runtime.Run) bool { return r.Recipe != recipe })
	}
	return runs[:min(len(runs), limit)], nil
}

func (h *Handler) untimed(ctx context.Context, recipe string, limit int) ([]*runtime.Run, error) {
	var out []*runtime.Run
	for _, status := range []runtime.RunStatus{runtime.RunWaiting, runtime.RunQueued} {
		q := runtime.RunQuery{Status: status, Limit: failuresPage}
		for seen := 0; seen < waitingSeen; seen += failuresPage {
			page, err := h.cfg.Store.Runs(ctx, q)
			if err != nil {
				return nil, fmt.Errorf("listing waiting runs: %w", err)
			}
			for _, r := range page {
				if q.Before = r.Seq; r.Due.IsZero() && (recipe == "" || r.Recipe == recipe) {
					out = append(out, r)
				}
			}
			if len(page) < failuresPage {
				break
			}
		}
	}
	slices.SortFunc(out, func(a, b *runtime.Run) int { return cmp.Compare(b.Seq, a.Seq) })
	return out[:min(len(out), limit)], nil
}

// wakings looks at the steps of runs. One that has gone on meanwhile is left out.
func (h *Handler) wakings(r *http.Request, runs []*runtime.Run) ([]WaitingRun, error) {
	ctx := r.Context()
	out := []WaitingRun{}
	for _, listed := range runs {
		run, err := h.cfg.Store.Run(ctx, listed.ID)
		if errors.Is(err, runtime.ErrNotFound) || err == nil && run.Status != runtime.RunWaiting && run.Status != runtime.RunQueued {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading a waiting run: %w", err)
		}
		whole, err := h.wholeRun(ctx, run, h.masker(r))
		if err != nil {
			return nil, err
		}
		shown := *whole
		shown.Steps, shown.Input, shown.Output, shown.Masked = nil, nil, nil, 0
		out = append(out, WaitingRun{Run: shown, For: wakingsOf(run, whole)})
	}
	return out, nil
}

// wakingsOf says what wakes a run. What is told of its steps is as shown has them.
func wakingsOf(r *runtime.Run, shown *Run) []Waking {
	if r.Status == runtime.RunQueued {
		return []Waking{{Kind: r.Queue.String(), DueAt: utc(r.Due)}}
	}
	out := []Waking{}
	for i, s := range r.Steps {
		if s.Status != runtime.StepWaiting {
			continue
		}
		w := Waking{Step: s.Address, Each: shown.Steps[i].Each, DueAt: utc(s.Due)}
		switch {
		case s.Child != "":
			w.Kind, w.Run = "run", s.Child
		case len(s.Awaits) > 0:
			w.Kind = "event"
			for _, a := range s.Awaits {
				w.Events = append(w.Events, Looked{Connection: a.Connection, Type: a.EventType, Path: a.Path})
			}
		case s.Action == "":
			w.Kind = "time"
		case len(s.Attempts) > 0:
			w.Kind, w.Attempts, w.Error = "retry", len(s.Attempts), shown.Steps[i].Attempts[len(s.Attempts)-1].Error
		default:
			w.Kind = "turn"
		}
		out = append(out, w)
	}
	if len(out) == 0 {
		out = append(out, Waking{Kind: "turn", DueAt: utc(r.Due)})
	}
	return out
}
