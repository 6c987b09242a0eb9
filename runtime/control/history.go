package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// What other programs need to judge a change of the recipes: what is served, and what has happened.

const (
	historyPage  = 500
	historyBytes = 8 << 20 // of payloads and steps; a page ends with the event that goes beyond
)

// Program is the text of a program. It is made of recipes only: secrets are in the environment, which is not in it.
type Program struct {
	Digest string            `json:"digest"`
	At     time.Time         `json:"at,omitzero"` // when it was first served
	Files  map[string]string `json:"files"`       // by their path in the folder
}

// History is a page of what has happened, the oldest first: events with their payloads, and their runs with their steps.
type History struct {
	Events []Event `json:"events"`
	Next   string  `json:"next,omitempty"` // the cursor of the next page; left out on the last
}

func (h *Handler) program(r *http.Request) (any, error) {
	q, err := onlyParams(r, "digest")
	if err != nil {
		return nil, err
	}
	digest := q.Get("digest")
	if digest == "" && h.cfg.Engine != nil {
		digest = h.cfg.Engine.Status().Program
	}
	if digest == "" {
		return nil, problem(http.StatusNotFound, "not_found", "no program is served yet")
	}
	p, err := h.cfg.Store.Program(r.Context(), digest)
	if errors.Is(err, runtime.ErrNotFound) {
		return nil, problem(http.StatusNotFound, "not_found", "no such program: "+digest)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the program: %w", err)
	}
	out := Program{Digest: p.Digest, At: utc(p.At), Files: map[string]string{}}
	for name, text := range p.Files {
		out.Files[name] = string(text)
	}
	return out, nil
}

func (h *Handler) history(r *http.Request) (any, error) {
	q, err := h.query(r)
	if err != nil {
		return nil, err
	}
	if q.Get("limit") == "" {
		q.limit = historyPage
	}
	after := q.before // a cursor that goes forward
	if after == 0 && !q.since.IsZero() {
		if after, err = h.before(r.Context(), q.since); err != nil {
			return nil, err
		}
	}
	events, err := h.cfg.Store.EventsAfter(r.Context(), after, q.limit)
	if err != nil {
		return nil, fmt.Errorf("reading events: %w", err)
	}
	list := History{Events: []Event{}}
	size := 0
	for i, e := range events {
		m := h.masker(r)
		out := EventOf(e)
		out.Payload = rawJSON(e.Payload)
		m.event(&out, e)
		runs, err := h.cfg.Store.RunsOf(r.Context(), e.Seq)
		if err != nil {
			return nil, fmt.Errorf("reading an event's runs: %w", err)
		}
		size += len(e.Payload)
		for _, run := range runs {
			shown := runJSON(run)
			m.run(r.Context(), &shown, run)
			out.Runs = append(out.Runs, shown)
			for _, s := range run.Steps {
				size += len(s.Input) + len(s.Output)
			}
		}
		list.Events = append(list.Events, out)
		if last := i == len(events)-1; last && len(events) == q.limit || !last && size > historyBytes {
			list.Next = cursor(e.Seq)
			break
		}
	}
	return list, nil
}

// before returns the Seq of the last event that was accepted before then: in the order of acceptance the times ascend.
func (h *Handler) before(ctx context.Context, then time.Time) (int64, error) {
	counts, err := h.cfg.Store.Counts(ctx)
	if err != nil {
		return 0, fmt.Errorf("counting the store: %w", err)
	}
	found := sort.Search(int(counts.LastSeq), func(n int) bool {
		page, e := h.cfg.Store.EventsAfter(ctx, int64(n), 1)
		if e != nil {
			err = e
		}
		return e != nil || len(page) == 0 || !page[0].ReceivedAt.Before(then)
	})
	if err != nil {
		return 0, fmt.Errorf("looking for the first event since %s: %w", then.UTC().Format(time.RFC3339), err)
	}
	return int64(found), nil
}

// Program returns the files of a program, by its digest; of the one that is served where that is empty.
func (c *Client) Program(ctx context.Context, digest string) (*Program, error) {
	return call[Program](ctx, c, http.MethodGet, "/api/v1/program", query("digest", digest), nil)
}

// History returns a page of events with their payloads and runs, the oldest first. since is RFC 3339, or how long ago.
func (c *Client) History(ctx context.Context, since, cursor string, limit int) (*History, error) {
	return call[History](ctx, c, http.MethodGet, "/api/v1/history", query("since", since, "cursor", cursor, "limit", number(limit)), nil)
}

// onlyParams reads the query of a path that is no list.
func onlyParams(r *http.Request, known ...string) (url.Values, error) {
	q := r.URL.Query()
	for name, vs := range q {
		if !slices.Contains(known, name) && name != "masked" {
			return nil, problem(http.StatusBadRequest, "unknown_parameter", fmt.Sprintf("there is no parameter %q here", name))
		}
		if len(vs) > 1 {
			return nil, problem(http.StatusBadRequest, "bad_parameter", name+" is given "+strconv.Itoa(len(vs))+" times")
		}
	}
	return q, nil
}
