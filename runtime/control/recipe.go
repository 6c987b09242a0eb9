package control

// One recipe, whole: its text with what the checker says of it, its graph, how it has been doing, and the texts that it
// had before. How it has been doing is told from its newest runs, so that a store of a million answers as a small one.

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/flowrun/flowrun/lang/draw"
	"github.com/flowrun/flowrun/runtime"
)

const (
	detailSample = 1000 // runs that the figures of one recipe are made of
	listSample   = 200  // the same where those of all recipes are asked for
	statsKept    = 10 * time.Second
	lastRuns     = 20
	programsSeen = 100 // programs that versions are looked for in, the newest
	versionsKept = 20
	deadAfter    = 30 * 24 * time.Hour
)

// RecipeDetail is one recipe with all that is known of it.
type RecipeDetail struct {
	Recipe
	Source      string          `json:"source"`
	Graph       *draw.Graph     `json:"graph,omitempty"`
	Diagnostics []Diagnostic    `json:"diagnostics"`       // of the text that is served: warnings
	Draft       *Draft          `json:"draft,omitempty"`   // of the text on disk, where the last reload was refused
	Effects     []RecipeEffect  `json:"effects"`           // its calls
	Reads       []string        `json:"reads"`             // what it reads of its events: "trigger.customer", "previous.status"
	Stats       RecipeStats     `json:"stats"`             // of its newest runs
	LastRuns    []Run           `json:"last_runs"`         // the newest first, without steps
	Versions    []RecipeVersion `json:"versions"`          // its texts, the newest first
	Calls       []string        `json:"calls,omitempty"`   // recipes that it calls
	Callers     []string        `json:"callers,omitempty"` // recipes that call it
}

// RecipeEffect is a call that a recipe makes.
type RecipeEffect struct {
	Step   string `json:"step"`
	Action string `json:"action"`
	Effect string `json:"effect"` // what a repeat does: "read", "idempotent", "keyed" or "at_most_once"
}

// Draft is the text of a recipe as it is on disk and was not taken.
type Draft struct {
	Source      string       `json:"source"`
	Diagnostics []Diagnostic `json:"diagnostics"`
	At          time.Time    `json:"at"` // of the reload that refused it
}

// Diagnostic is what the checker says of a place.
type Diagnostic struct {
	Severity string `json:"severity"` // "error" or "warning"
	Code     string `json:"code,omitempty"`
	Summary  string `json:"summary"`
	Detail   string `json:"detail"`
	Context  string `json:"context,omitempty"` // `in action "customerio_track"`

	Filename  string `json:"filename,omitempty"` // empty where it is of no place
	Line      int    `json:"line,omitempty"`     // from 1, as are the columns
	Column    int    `json:"column,omitempty"`
	EndLine   int    `json:"end_line,omitempty"`
	EndColumn int    `json:"end_column,omitempty"`
}

// RecipeStats is how the newest runs of a recipe went.
type RecipeStats struct {
	Recipe    string    `json:"recipe"`
	Runs      int       `json:"runs"`           // that were looked at
	More      bool      `json:"more"`           // there are older ones
	Since     time.Time `json:"since,omitzero"` // when the oldest of them began
	LastAt    time.Time `json:"last_at,omitzero"`
	Completed int       `json:"completed"`
	Failed    int       `json:"failed"`
	Filtered  int       `json:"filtered"`
	Canceled  int       `json:"canceled"`
	Skipped   int       `json:"skipped"`
	P50MS     int64     `json:"p50_ms"` // of those that completed, without what they waited; 0 where none did
	P95MS     int64     `json:"p95_ms"`

	// Dead says that no event has led to a run for 30 days, although the recipe was there: what it listens to may not be
	// sent any more, or a filter of it may never hold.
	Dead   bool      `json:"dead,omitempty"`
	Served time.Time `json:"served,omitzero"` // since when it has been there, as far as is known
}

// RecipeStatsList is how all recipes that are served have been doing, by name.
type RecipeStatsList struct {
	Recipes []RecipeStats `json:"recipes"`
}

// RecipeVersion is a text that a recipe had.
type RecipeVersion struct {
	Program string    `json:"program"` // digest of the first program that had it
	At      time.Time `json:"at"`      // when that was first served
	Source  string    `json:"source"`
	Current bool      `json:"current,omitempty"`
}

func (h *Handler) recipe(r *http.Request) (any, error) {
	q, err := onlyParams(r, "program")
	if err != nil {
		return nil, err
	}
	name, program := r.PathValue("name"), q.Get("program")
	out := &RecipeDetail{Diagnostics: []Diagnostic{}, Effects: []RecipeEffect{}, Reads: []string{}, LastRuns: []Run{}}
	known := false
	if h.cfg.Engine != nil {
		for _, rec := range h.cfg.Engine.Recipes() {
			if rec.Name == name {
				out.Recipe, known = rec, true
			}
		}
	}
	if h.cfg.Workshop != nil {
		described := h.cfg.Workshop.Describe(r.Context(), name, program, out)
		known = described || known && program == ""
	} else if program != "" {
		known = false
	}
	if !known {
		return nil, problem(http.StatusNotFound, "not_found", "there is no recipe of that name: "+name)
	}
	if out.Triggers == nil { // it is not served any more
		out.Triggers, out.Actions = []RecipeTrigger{}, []string{}
	}
	runs, err := h.newest(r.Context(), name, detailSample)
	if err != nil {
		return nil, err
	}
	masked := h.masker(r) != nil
	for _, run := range runs[:min(len(runs), lastRuns)] {
		shown, err := h.listed(r.Context(), run, masked)
		if err != nil {
			return nil, err
		}
		out.LastRuns = append(out.LastRuns, shown)
	}
	files, err := h.programs(r.Context())
	if err != nil {
		return nil, err
	}
	if out.Versions, err = h.versions(r.Context(), files, out.Filename, out.Source); err != nil {
		return nil, err
	}
	out.Stats = h.statsOf(name, runs, detailSample, servedSince(files, out.Filename), out.Enabled)
	return out, nil
}

// newest returns the newest runs of a recipe, without steps.
func (h *Handler) newest(ctx context.Context, name string, limit int) ([]*runtime.Run, error) {
	runs, err := h.cfg.Store.Runs(ctx, runtime.RunQuery{Recipe: name, Limit: limit})
	if err != nil {
		return nil, fmt.Errorf("listing the runs of %s: %w", name, err)
	}
	return runs, nil
}

// statsOf counts runs, the newest first.
func (h *Handler) statsOf(name string, runs []*runtime.Run, limit int, served time.Time, enabled bool) RecipeStats {
	out := RecipeStats{Recipe: name, Runs: len(runs), More: len(runs) == limit, Served: served}
	var took []time.Duration
	for _, r := range runs {
		switch r.Status {
		case runtime.RunCompleted:
			out.Completed++
			took = append(took, max(0, r.EndedAt.Sub(r.StartedAt)-r.Waited))
		case runtime.RunFailed:
			out.Failed++
		case runtime.RunFiltered:
			out.Filtered++
		case runtime.RunCanceled:
			out.Canceled++
		case runtime.RunSkipped:
			out.Skipped++
		}
		if at := r.StartedAt.UTC(); at.After(out.LastAt) {
			out.LastAt = at
		}
	}
	if n := len(runs); n > 0 {
		out.Since = runs[n-1].StartedAt.UTC()
	}
	if len(took) > 0 {
		slices.Sort(took)
		out.P50MS, out.P95MS = quantile(took, 50), quantile(took, 95)
	}
	long := h.cfg.Clock.Now().Add(-deadAfter)
	out.Dead = enabled && out.LastAt.Before(long) && !served.IsZero() && served.Before(long)
	return out
}

// quantile returns the value that so many percent of a sorted list do not exceed, in milliseconds.
func quantile(sorted []time.Duration, percent int) int64 {
	return sorted[(len(sorted)*percent+99)/100-1].Milliseconds()
}

// figures keeps the figures of all recipes for a moment: several pages ask for them, and each recipe is a query.
type figures struct {
	mu   sync.Mutex
	at   time.Time
	list *RecipeStatsList
}

func (h *Handler) recipeStats(r *http.Request) (any, error) {
	if _, err := onlyParams(r); err != nil {
		return nil, err
	}
	h.figures.mu.Lock()
	defer h.figures.mu.Unlock()
	now := h.cfg.Clock.Now()
	if h.figures.list != nil && now.Sub(h.figures.at) < statsKept {
		return h.figures.list, nil
	}
	list := &RecipeStatsList{Recipes: []RecipeStats{}}
	if h.cfg.Engine == nil {
		return list, nil
	}
	files, err := h.programs(r.Context())
	if err != nil {
		return nil, err
	}
	for _, rec := range h.cfg.Engine.Recipes() {
		if rec.Removed {
			continue
		}
		runs, err := h.newest(r.Context(), rec.Name, listSample)
		if err != nil {
			return nil, err
		}
		list.Recipes = append(list.Recipes, h.statsOf(rec.Name, runs, listSample, servedSince(files, rec.Filename), rec.Enabled))
	}
	h.figures.at, h.figures.list = now, list
	return list, nil
}

// programFiles is a program that was served, with the sizes and contents of its files told by their hashes only.
type programFiles struct {
	digest string
	at     time.Time
	files  map[string]fileHash
}

type fileHash [32]byte

// texts remembers the files of programs, which never change.
type texts struct {
	mu    sync.Mutex
	known map[string]programFiles // by digest
}

// programs returns the newest programs, the oldest of them first.
func (h *Handler) programs(ctx context.Context) ([]programFiles, error) {
	list, err := h.cfg.Store.Programs(ctx, programsSeen)
	if err != nil {
		return nil, fmt.Errorf("listing programs: %w", err)
	}
	h.texts.mu.Lock()
	defer h.texts.mu.Unlock()
	known := map[string]programFiles{}
	out := make([]programFiles, 0, len(list))
	for _, p := range slices.Backward(list) {
		one, ok := h.texts.known[p.Digest]
		if !ok {
			kept, err := h.cfg.Store.Program(ctx, p.Digest)
			if err != nil {
				return nil, fmt.Errorf("reading the program: %w", err)
			}
			one = programFiles{digest: p.Digest, at: kept.At.UTC(), files: map[string]fileHash{}}
			for name, text := range kept.Files {
				one.files[name] = hashOf(text)
			}
		}
		known[p.Digest] = one
		out = append(out, one)
	}
	h.texts.known = known
	return out, nil
}

// versions returns the texts that a file had, the newest first.
func (h *Handler) versions(ctx context.Context, programs []programFiles, filename, served string) ([]RecipeVersion, error) {
	var found []programFiles
	var last fileHash
	for _, p := range programs {
		if hash, ok := p.files[filename]; ok && hash != last {
			found, last = append(found, p), hash
		} else if !ok {
			last = fileHash{}
		}
	}
	found = found[max(0, len(found)-versionsKept):]
	out := []RecipeVersion{}
	for i, p := range slices.Backward(found) {
		kept, err := h.cfg.Store.Program(ctx, p.digest)
		if err != nil {
			return nil, fmt.Errorf("reading the program: %w", err)
		}
		v := RecipeVersion{Program: p.digest, At: p.at, Source: string(kept.Files[filename])}
		v.Current = v.Source == served && !slices.ContainsFunc(found[i+1:], func(q programFiles) bool { return q.files[filename] == p.files[filename] })
		out = append(out, v)
	}
	return out, nil
}

// servedSince is when the first of the programs that have a file was served; the zero time where none has.
func servedSince(programs []programFiles, filename string) time.Time {
	for _, p := range programs {
		if _, ok := p.files[filename]; ok {
			return p.at
		}
	}
	return time.Time{}
}
