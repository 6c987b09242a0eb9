package control

// What is masked is shown whole to who may operate and asks for it by name. It is in the audit log before it is answered.

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/flowrun/flowrun/runtime"
)

// RevealRequest asks for an event or a run as it is.
type RevealRequest struct {
	Connection string `json:"connection,omitempty"` // of an event, where its id alone could mean two
	Reason     string `json:"reason,omitempty"`     // for the audit log
}

// Revealed is an event or a run as it is, with the values of its gates where they can be had.
type Revealed struct {
	Event *Event `json:"event,omitempty"`
	Run   *Run   `json:"run,omitempty"`
	Why   *Why   `json:"why,omitempty"`
}

func (h *Handler) revealRun(r *http.Request) (any, error) {
	var req RevealRequest
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	run, err := h.cfg.Store.Run(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, fmt.Errorf("finding the run: %w", err)
	}
	out := runJSON(run)
	shown := &Revealed{Run: &out}
	if h.cfg.Operator != nil {
		shown.Why, err = whatCan(h.cfg.Operator.WhyRun(r.Context(), run))
	}
	return shown, err
}

func (h *Handler) revealEvent(r *http.Request) (any, error) {
	var req RevealRequest
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	e, err := h.cfg.Store.Event(r.Context(), req.Connection, r.PathValue("id"))
	if err != nil {
		return nil, fmt.Errorf("finding the event: %w", err)
	}
	out, err := h.wholeEvent(r.Context(), e, nil)
	if err != nil {
		return nil, err
	}
	shown := &Revealed{Event: out}
	if h.cfg.Operator != nil {
		shown.Why, err = whatCan(h.cfg.Operator.WhyEvent(r.Context(), e))
	}
	return shown, err
}

// whatCan leaves out what can't be asked again.
func whatCan(w *Why, err error) (*Why, error) {
	if errors.Is(err, ErrRefused) {
		return nil, nil
	}
	return w, err
}

// wholeEvent is an event with its payload and its runs, as far as m leaves them.
func (h *Handler) wholeEvent(ctx context.Context, e *runtime.Event, m *masker) (*Event, error) {
	out, err := h.eventJSON(ctx, e)
	if err != nil {
		return nil, err
	}
	out.Payload = rawJSON(e.Payload)
	m.event(&out, e)
	runs, err := h.cfg.Store.RunsOf(ctx, e.Seq)
	if err != nil {
		return nil, fmt.Errorf("finding the event's runs: %w", err)
	}
	for _, run := range runs {
		out.Runs = append(out.Runs, summary(run, m))
	}
	return &out, nil
}

// summary is a run as lists show it. What is masked of its event must be known by then.
func summary(r *runtime.Run, m *masker) Run {
	out := runJSON(r)
	out.Steps = nil
	m.brief(&out)
	return out
}

// brief masks a run without its steps.
func (m *masker) brief(out *Run) {
	if m != nil {
		out.Input, out.Output = nil, nil
		m.failure(out.Error)
	}
}

// listed is a run as lists show it, with what is masked of its event read for it alone.
func (h *Handler) listed(ctx context.Context, r *runtime.Run, masked bool) (Run, error) {
	if !masked {
		return summary(r, nil), nil
	}
	m := h.newMasker()
	if r.Error != nil {
		if err := h.learn(ctx, m, r.EventSeq); err != nil {
			return Run{}, err
		}
	}
	return summary(r, m), nil
}

// learn has m know what is masked of a run's event, and returns it. Where retention has dropped that there is nothing to
// know.
func (h *Handler) learn(ctx context.Context, m *masker, seq int64) error {
	if m == nil {
		return nil
	}
	e, err := h.cfg.Store.EventBySeq(ctx, seq)
	if errors.Is(err, runtime.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("finding the run's event: %w", err)
	}
	out := EventOf(e)
	out.Payload = rawJSON(e.Payload)
	m.event(&out, e)
	m.n = 0
	return nil
}

// wholeRun is a run with its steps, as far as m leaves them.
func (h *Handler) wholeRun(ctx context.Context, run *runtime.Run, m *masker) (*Run, error) {
	if err := h.learn(ctx, m, run.EventSeq); err != nil {
		return nil, err
	}
	out := runJSON(run)
	m.run(ctx, &out, run)
	return &out, nil
}
