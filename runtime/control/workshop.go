package control

// What the page asks of the recipes as texts: what is in one, what it reads of an event, what an edited one would have
// made of it, and the event as a fixture for tests. Reading, compiling and trying are not the door's work.

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/flowrun/flowrun/runtime"
)

// Workshop is what is known of the recipes that are served, as texts and as graphs.
type Workshop interface {
	// Describe fills in what is known of a recipe's text: all but Recipe, Stats, LastRuns and Versions. The text is that
	// of a program that was served, by its digest, or of the one that is where that is empty. It returns false where
	// there is no recipe of that name in it, nor, for the one that is served, on disk.
	Describe(ctx context.Context, name, program string, d *RecipeDetail) bool

	// Reads returns what the recipes that are served read of an event's payload, by path.
	Reads(e *runtime.Event) []Read

	// Uses returns what the connections that are served may be called, and who uses them, by their names.
	Uses() map[string]ConnectionUse

	// Fixture makes a fixture of an event. Its errors that wrap ErrRefused say why not, in words for people.
	Fixture(e *runtime.Event, keep []string) (*Fixture, error)

	// Try runs an event, whose runs are given with their steps, through an edited recipe; nothing is sent or stored.
	Try(ctx context.Context, e *runtime.Event, runs []*runtime.Run, r TryRequest) (*TryResult, error)
}

// Read is a place in an event's payload that recipes read.
type Read struct {
	Path    string   `json:"path"` // from the root of the payload, dotted
	Recipes []string `json:"recipes"`
}

// FixtureRequest says how an event becomes a fixture.
type FixtureRequest struct {
	Connection string   `json:"connection,omitempty"` // of the event, where its id alone could mean two
	Keep       []string `json:"keep,omitempty"`       // paths below `trigger` whose values stay as they are
}

// Fixture is an event without what tells of a person, and without secrets.
type Fixture struct {
	Event    json.RawMessage `json:"event"`    // the vendor's body
	Replaced []string        `json:"replaced"` // paths below `trigger` whose values were replaced
	Dropped  []string        `json:"dropped"`
}

// TryRequest is an edited recipe.
type TryRequest struct {
	Connection string `json:"connection,omitempty"` // of the event, where its id alone could mean two
	Recipe     string `json:"recipe"`               // its name: one that is served, or a new one
	Source     string `json:"source"`               // its text
}

// TryResult is what an edited recipe would have made of an event.
type TryResult struct {
	Diagnostics []Diagnostic `json:"diagnostics"` // of the text; where one is an error, nothing was tried

	// Outcome is "refused" (it does not compile), "not_for_it" (no trigger of it takes such events), "held_back",
	// "undecided" (a look-up whose answer nobody knows decides), "would_fail", "would_wait" or "would_run".
	Outcome string    `json:"outcome"`
	Because string    `json:"because"`           // one sentence
	Gates   []Gate    `json:"gates"`             // those that were asked, with the values of their parts
	Calls   []TryCall `json:"calls"`             // what would have been sent, in the order of the recipe
	Unknown []string  `json:"unknown,omitempty"` // addresses of steps whose answers nobody knows
}

// TryCall is a call that would have been made and changes something.
type TryCall struct {
	Step   string          `json:"step"`
	Each   string          `json:"each,omitempty"`
	Action string          `json:"action"`
	Recipe string          `json:"recipe,omitempty"` // of the run that would make it, where the recipe calls another
	Input  json.RawMessage `json:"input,omitempty"`
}

// works makes a handler of what needs a workshop. It shows what is masked elsewhere, so it is kept in the audit log; what
// is the word for it there.
func (h *Handler) works(what string, f func(r *http.Request, w Workshop) (any, error)) http.Handler {
	return h.act(what, func(r *http.Request) (any, error) {
		if h.cfg.Workshop == nil {
			return nil, problem(http.StatusNotFound, "not_found", "this server can't do that")
		}
		v, err := f(r, h.cfg.Workshop)
		if errors.Is(err, ErrRefused) {
			return nil, problem(http.StatusConflict, "refused", refusal(err))
		}
		return v, err
	})
}

func (h *Handler) fixture(r *http.Request, w Workshop) (any, error) {
	var req FixtureRequest
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	e, err := h.cfg.Store.Event(r.Context(), req.Connection, r.PathValue("id"))
	if err != nil {
		return nil, fmt.Errorf("finding the event: %w", err)
	}
	return w.Fixture(e, req.Keep)
}

func (h *Handler) try(r *http.Request, w Workshop) (any, error) {
	var req TryRequest
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	if req.Recipe == "" || req.Source == "" {
		return nil, problem(http.StatusBadRequest, "bad_request", "recipe and source are needed: the recipe's name and its text")
	}
	e, err := h.cfg.Store.Event(r.Context(), req.Connection, r.PathValue("id"))
	if err != nil {
		return nil, fmt.Errorf("finding the event: %w", err)
	}
	runs, err := h.cfg.Store.RunsOf(r.Context(), e.Seq)
	if err != nil {
		return nil, fmt.Errorf("finding the event's runs: %w", err)
	}
	return w.Try(r.Context(), e, runs, req)
}

func hashOf(text []byte) fileHash { return sha256.Sum256(text) }
