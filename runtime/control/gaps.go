package control

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Past reads what the vendors keep of the past. Its errors that wrap ErrRefused say why not, in words for people.
type Past interface {
	Gaps(ctx context.Context) ([]Gap, error)
	Backfill(ctx context.Context, r BackfillRequest, since time.Time) (*BackfillResult, error)
}

// Gap is an event that no webhook had brought.
type Gap struct {
	Connection string    `json:"connection"`
	ID         string    `json:"id"`
	Type       string    `json:"type"`
	Time       time.Time `json:"time"`  // when it happened
	Found      time.Time `json:"found"` // when it was taken from the vendor's history
}

// GapList is the newest gaps, the newest first.
type GapList struct {
	Gaps []Gap `json:"gaps"`
}

// BackfillRequest says which events of the past a recipe is to run for.
type BackfillRequest struct {
	Recipe  string `json:"recipe"`
	Since   string `json:"since,omitempty"`   // RFC 3339, or how long ago; as far as the vendor goes back where left out
	Objects string `json:"objects,omitempty"` // every object of the kind instead, such as "customers", as if it were just created
	Preview bool   `json:"preview,omitempty"` // only count them
}

// BackfillResult is what became of events of the past. With Preview they are counted only.
type BackfillResult struct {
	Seen    int              `json:"seen"`    // that the vendor has
	Matched int              `json:"matched"` // of these, that the recipe's trigger and first filters let through and that it has not had
	Had     int              `json:"had"`     // that the recipe has had
	Types   map[string]int   `json:"types"`   // of those that match, by type
	Effects []BackfillEffect `json:"effects"` // what the recipe does for each of them, at the most
	Done    int              `json:"done"`    // runs that were begun; they go on behind live traffic
	Refused int              `json:"refused"` // that could not be run, with the first reason
	Reason  string           `json:"reason,omitempty"`
}

// BackfillEffect is a call that changes something.
type BackfillEffect struct {
	Step   string `json:"step"`
	Action string `json:"action"`
	Effect string `json:"effect" enum:"idempotent,keyed,at_most_once"` // what a repeat does
}

func (h *Handler) gaps(r *http.Request) (any, error) {
	list := GapList{Gaps: []Gap{}}
	if h.cfg.Past == nil {
		return list, nil
	}
	gaps, err := h.cfg.Past.Gaps(r.Context())
	list.Gaps = append(list.Gaps, gaps...)
	return list, err
}

func (h *Handler) backfill(r *http.Request) (any, error) {
	if h.cfg.Past == nil {
		return nil, problem(http.StatusNotFound, "not_found", "this server can't do that")
	}
	var req BackfillRequest
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	var from time.Time
	if req.Since != "" {
		var ok bool
		if from, ok = since(req.Since, h.cfg.Clock.Now()); !ok {
			return nil, badParam("since", req.Since, "a time as of RFC 3339, or how long ago, such as 90m or 7d")
		}
	}
	res, err := h.cfg.Past.Backfill(r.Context(), req, from)
	if errors.Is(err, ErrRefused) {
		return nil, problem(http.StatusConflict, "refused", refusal(err))
	}
	return res, err
}

// Gaps lists the newest events that no webhook had brought.
func (c *Client) Gaps(ctx context.Context) (*GapList, error) {
	return call[GapList](ctx, c, http.MethodGet, "/api/v1/gaps", nil, nil)
}

// Backfill runs a recipe for events of the past, or counts them.
func (c *Client) Backfill(ctx context.Context, r BackfillRequest) (*BackfillResult, error) {
	return call[BackfillResult](ctx, c, http.MethodPost, "/api/v1/backfill", nil, r)
}
