package control

// What has failed and waits for somebody, by what has gone wrong: the same recipe, step and cause is one line, however
// many runs it holds, since it is mended once. Groups are made of the newest failures: whoever has more than that many
// begins with those.

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/runtime"
)

const (
	failuresPage = 1000
	failuresSeen = 10_000 // failed runs that are looked at
	groupRuns    = 5      // runs that a group names
)

// FailureList is what has failed, by cause, what failed last first.
type FailureList struct {
	Groups []FailureGroup `json:"groups"`
	Failed int64          `json:"failed"`          // runs that have failed and were not mended, in all the store
	Seen   int            `json:"seen"`            // those among them that the groups are made of, the newest
	Older  bool           `json:"older,omitempty"` // there are others
}

// FailureGroup is runs of one recipe that failed at one step in one way.
type FailureGroup struct {
	Recipe     string      `json:"recipe"`
	Step       string      `json:"step,omitempty"` // its address; empty where the run failed before or between steps
	Kind       string      `json:"kind"`
	HTTP       int         `json:"http,omitempty"` // the vendor's status
	Count      int         `json:"count"`
	First      time.Time   `json:"first"` // when the first and the last of them failed
	Last       time.Time   `json:"last"`
	Message    string      `json:"message"`  // of the newest
	Messages   int         `json:"messages"` // how many different ones there are
	EventTypes []string    `json:"event_types"`
	Runs       []string    `json:"runs"`      // ids of the newest
	Transient  bool        `json:"transient"` // it can pass by itself, so that a retry makes sense as it is
	Retry      BulkRequest `json:"retry"`     // what takes all of them up again
}

// groupKey is what runs of a group have in common.
type groupKey struct {
	recipe, step, kind string
	http               int // status
}

func (h *Handler) failures(r *http.Request) (any, error) {
	q, err := onlyParams(r, "recipe", "since")
	if err != nil {
		return nil, err
	}
	var from time.Time
	if s := q.Get("since"); s != "" {
		var ok bool
		if from, ok = since(s, h.cfg.Clock.Now()); !ok {
			return nil, badParam("since", s, "a time as of RFC 3339, or how long ago, such as 90m or 7d")
		}
	}
	counts, err := h.cfg.Store.Counts(r.Context())
	if err != nil {
		return nil, fmt.Errorf("counting the store: %w", err)
	}
	out := &FailureList{Groups: []FailureGroup{}, Failed: counts.Runs[runtime.RunFailed]}
	groups := map[groupKey]*failureGroup{}
	out.Seen, out.Older, err = h.eachFailed(r.Context(), func(run *runtime.Run) {
		if q.Get("recipe") != "" && run.Recipe != q.Get("recipe") || failedAt(run).Before(from) {
			return
		}
		key := keyOf(run)
		if groups[key] == nil {
			groups[key] = newGroup(key, run, q.Get("since"))
		}
		groups[key].add(run)
	})
	if err != nil {
		return nil, err
	}
	masked := h.masker(r) != nil
	for _, g := range groups {
		if masked {
			m := h.newMasker()
			if err := h.learn(r.Context(), m, g.event); err != nil {
				return nil, err
			}
			g.Message = m.text(g.Message)
		}
		out.Groups = append(out.Groups, g.FailureGroup)
	}
	slices.SortFunc(out.Groups, func(a, b FailureGroup) int {
		return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.Recipe, b.Recipe), cmp.Compare(a.Step, b.Step), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.HTTP, b.HTTP))
	})
	return out, nil
}

// eachFailed calls f with the failed runs, the newest first, and returns how many it looked at and whether there are
// more. The filters of the asker are not the store's here: one that few runs pass would have it read all of them.
func (h *Handler) eachFailed(ctx context.Context, f func(*runtime.Run)) (seen int, more bool, err error) {
	q := runtime.RunQuery{Status: runtime.RunFailed, Limit: failuresPage}
	for {
		page, err := h.cfg.Store.Runs(ctx, q)
		if err != nil {
			return seen, false, fmt.Errorf("listing failed runs: %w", err)
		}
		for _, run := range page {
			q.Before = run.Seq
			f(run)
		}
		if seen += len(page); len(page) < failuresPage || seen >= failuresSeen {
			return seen, len(page) == failuresPage, nil
		}
	}
}

// failureGroup is one that is being filled, the newest run first.
type failureGroup struct {
	FailureGroup
	texts map[string]bool
	event int64 // of the newest run
}

func keyOf(r *runtime.Run) groupKey {
	key := groupKey{recipe: r.Recipe}
	if e := r.Error; e != nil {
		key.step, key.kind, key.http = e.Step, string(e.Kind), e.Status
	}
	return key
}

func newGroup(key groupKey, newest *runtime.Run, since string) *failureGroup {
	g := &failureGroup{texts: map[string]bool{}, event: newest.EventSeq, FailureGroup: FailureGroup{
		Recipe: key.recipe, Step: key.step, Kind: key.kind, HTTP: key.http, EventTypes: []string{}, Runs: []string{},
		First: failedAt(newest), Last: failedAt(newest), Transient: connectors.Kind(key.kind).Transient(),
		Retry: BulkRequest{Recipe: key.recipe, Status: runtime.RunFailed.String(), Since: since,
			Step: key.step, Kind: key.kind, HTTP: key.http},
	}}
	if newest.Error != nil {
		g.Message = newest.Error.Message
	}
	return g
}

func (g *failureGroup) add(r *runtime.Run) {
	g.Count++
	at := failedAt(r)
	if at.Before(g.First) {
		g.First = at
	}
	if at.After(g.Last) {
		g.Last = at
	}
	if r.Error != nil && !g.texts[r.Error.Message] {
		g.texts[strings.Clone(r.Error.Message)] = true
		g.Messages++
	}
	if len(g.Runs) < groupRuns {
		g.Runs = append(g.Runs, r.ID)
	}
	if !slices.Contains(g.EventTypes, r.EventType) {
		g.EventTypes = append(g.EventTypes, r.EventType)
		slices.Sort(g.EventTypes)
	}
}

// failedAt is when a failed run ended.
func failedAt(r *runtime.Run) time.Time {
	if !r.EndedAt.IsZero() {
		return r.EndedAt.UTC()
	}
	return r.StartedAt.UTC()
}
