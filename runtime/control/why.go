package control

import (
	"context"
	"fmt"
	"net/http"
)

// Why answers "why did it not run?", or "why did it end so?": what each recipe made of an event.
type Why struct {
	Event   Event     `json:"event"`            // without its payload
	Program string    `json:"program"`          // digest of what decided
	Known   bool      `json:"known"`            // false where the payload is gone, so that nothing can be evaluated
	Verdict []Verdict `json:"verdict"`          // of each recipe that listens to such events, by name
	Others  int       `json:"others"`           // how many recipes listen to other events only
	Note    string    `json:"note,omitempty"`   // what else there is to say: not decided yet, no recipe listens
	Served  string    `json:"served,omitempty"` // digest of what is served now, where it is another
}

// Verdict is what one recipe made of an event.
type Verdict struct {
	Recipe  string `json:"recipe"`
	Outcome string `json:"outcome" enum:"ran,held back,not started,failed,disabled"`
	Because string `json:"because"` // one sentence
	Run     string `json:"run,omitempty"`
	Status  string `json:"status,omitempty"` // of the run
	Gates   []Gate `json:"gates,omitempty"`  // those that were asked, in their order, up to the one that said no
}

// Gate is a filter, a case or another condition, and what it came to.
type Gate struct {
	Name     string `json:"name"` // "filter \"only large charges\""
	Filename string `json:"filename"`
	Line     int    `json:"line"`
	Source   string `json:"source"`
	Value    string `json:"value"` // "true", "false", or why there is none
	Passed   bool   `json:"passed"`
	Parts    []Part `json:"parts,omitempty"`
}

// Part is an expression within a gate's.
type Part struct {
	Depth  int    `json:"depth"` // 1 for those right beneath the whole
	Source string `json:"source"`
	Value  string `json:"value"` // JSON; "(secret)"; "(not evaluated)"; or why there is none
}

func (h *Handler) whyEvent(r *http.Request, op Operator) (any, error) {
	q, err := h.query(r, "connection")
	if err != nil {
		return nil, err
	}
	e, err := h.cfg.Store.Event(r.Context(), q.Get("connection"), r.PathValue("id"))
	if err != nil {
		return nil, fmt.Errorf("finding the event: %w", err)
	}
	w, err := op.WhyEvent(r.Context(), e)
	if m := h.masker(r); m != nil && err == nil {
		if err = h.learnAll(r.Context(), m, e.Seq); err == nil {
			m.why(w)
		}
	}
	return w, err
}

func (h *Handler) whyRun(r *http.Request, op Operator) (any, error) {
	run, err := h.cfg.Store.Run(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, fmt.Errorf("finding the run: %w", err)
	}
	w, err := op.WhyRun(r.Context(), run)
	if m := h.masker(r); m != nil && err == nil {
		if err = h.learnAll(r.Context(), m, run.EventSeq); err == nil {
			m.why(w)
		}
	}
	return w, err
}

// learnAll has m know what is masked of an event and of its runs.
func (h *Handler) learnAll(ctx context.Context, m *masker, event int64) error {
	if err := h.learn(ctx, m, event); err != nil {
		return err
	}
	runs, err := h.cfg.Store.RunsOf(ctx, event)
	if err != nil {
		return fmt.Errorf("finding the event's runs: %w", err)
	}
	for _, run := range runs {
		out := runJSON(run)
		m.run(ctx, &out, run)
	}
	return nil
}
