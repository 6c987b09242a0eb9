package control

// What an operator can change: runs are taken up again, ended or settled, events are run again, recipes are paused. Each
// is done when it is answered. Of many runs at once the number is told first, so that nobody repeats ten thousand calls
// by a filter with a typo.

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// Operator does what the door is asked for. Its errors that wrap ErrRefused say why not, in words for people.
type Operator interface {
	Retry(ctx context.Context, id string, o RetryRequest) error
	Cancel(ctx context.Context, id, by string) error
	Resolve(ctx context.Context, id, step string, sent bool) error
	Move(ctx context.Context, id string) error
	Replay(ctx context.Context, e *runtime.Event, o ReplayRequest) ([]*runtime.Run, error)
	Pause(ctx context.Context, recipe string, drop bool, by string) error
	Resume(ctx context.Context, recipe string) error
	WhyEvent(ctx context.Context, e *runtime.Event) (*Why, error)
	WhyRun(ctx context.Context, r *runtime.Run) (*Why, error)
}

// ErrRefused is wrapped by what can't be done to a run, an event or a recipe as it stands: 409.
var ErrRefused = errors.New("refused")

// RetryRequest says how a failed run is taken up again: from the step that failed, with the program it is pinned to,
// unless something else is said.
type RetryRequest struct {
	FromStart bool `json:"from_start,omitempty"`
	Current   bool `json:"current,omitempty"` // with the program that is served now
	Again     bool `json:"again,omitempty"`   // also what may have been done already, under new keys
	Bulk      bool `json:"-"`                 // one of many: live traffic goes before it
}

// ResolveRequest settles a step whose outcome is unknown.
type ResolveRequest struct {
	Step    string `json:"step,omitempty"`             // its address; the only unknown one where left out
	Outcome string `json:"outcome" enum:"sent,resend"` // "sent": it was done, the run goes on; "resend": it was not, and is done again
}

// ReplayRequest says how an event is run again.
type ReplayRequest struct {
	Connection string `json:"connection,omitempty"` // of the event, where its id alone could mean two
	Recipe     string `json:"recipe,omitempty"`     // only this one; all that take it where left out
	Dry        bool   `json:"dry,omitempty"`        // calls that change anything are recorded and not made
	Again      bool   `json:"again,omitempty"`      // under new keys, so that vendors act again
	Bulk       bool   `json:"-"`
}

// PauseRequest names a recipe and what becomes of its events.
type PauseRequest struct {
	Recipe string `json:"recipe"`
	Drop   bool   `json:"drop,omitempty"` // else they are held until it is resumed
}

// ResumeRequest names a recipe.
type ResumeRequest struct {
	Recipe string `json:"recipe"`
}

// Pause is a recipe that takes no events.
type Pause struct {
	Recipe string `json:"recipe"`
	Drop   bool   `json:"drop"`
	Reason string `json:"reason,omitempty"` // a sentence without its full stop, where its limits were reached
	Held   int    `json:"held"`             // how many of its runs are held, 1000 for that or more; 0 in a status, which doesn't count them
}

// BulkRequest selects runs and says what to do with them.
type BulkRequest struct {
	Recipe string   `json:"recipe,omitempty"`
	Status string   `json:"status,omitempty"` // several with commas between them
	Event  string   `json:"event,omitempty"`
	Kind   string   `json:"kind,omitempty"` // of the error that it failed with
	Step   string   `json:"step,omitempty"` // that it failed at
	Query  string   `json:"q,omitempty"`    // what the ids of the run or of its event begin with
	Since  string   `json:"since,omitempty"`
	Until  string   `json:"until,omitempty"`
	Where  []string `json:"where,omitempty"` // NAME=VALUE, of the event

	Preview bool `json:"preview,omitempty"` // only count them
	RetryRequest
}

// BulkResult is what became of many runs. With Preview they are counted only.
type BulkResult struct {
	Matched int            `json:"matched"`
	Recipes map[string]int `json:"recipes"` // how many of each
	Done    int            `json:"done"`
	Refused []BulkRefusal  `json:"refused,omitempty"` // the first hundred
	Failed  int            `json:"failed"`            // how many were refused

	ids []string // of those that were done, the first hundred
}

// BulkRefusal is one run that was left as it is.
type BulkRefusal struct {
	Run    string `json:"run"`
	Reason string `json:"reason"`
}

const (
	bulkPage   = 200
	maxRefused = 100
)

// mend makes a handler of something an operator is asked; without an operator there is nothing to ask.
func (h *Handler) mend(f func(r *http.Request, op Operator) (any, error)) http.Handler {
	return h.json(h.operated(f))
}

// acts is mend for what an operator does. what is the word for it in the audit log.
func (h *Handler) acts(what string, f func(r *http.Request, op Operator) (any, error)) http.Handler {
	return h.act(what, h.operated(f))
}

func (h *Handler) operated(f func(r *http.Request, op Operator) (any, error)) func(r *http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		if h.cfg.Operator == nil {
			return nil, problem(http.StatusNotFound, "not_found", "this server can't do that")
		}
		v, err := f(r, h.cfg.Operator)
		if errors.Is(err, ErrRefused) {
			return nil, problem(http.StatusConflict, "refused", refusal(err))
		}
		return v, err
	}
}

// refusal is the sentence without the word that marks it.
func refusal(err error) string { return strings.TrimSuffix(err.Error(), ": "+ErrRefused.Error()) }

func (h *Handler) retryRun(r *http.Request, op Operator) (any, error) {
	var req RetryRequest
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	if err := op.Retry(r.Context(), r.PathValue("id"), req); err != nil {
		return nil, err
	}
	return h.run(r)
}

func (h *Handler) cancelRun(r *http.Request, op Operator) (any, error) {
	if err := readJSON(r, &struct{}{}); err != nil {
		return nil, err
	}
	if err := op.Cancel(r.Context(), r.PathValue("id"), h.by(r)); err != nil {
		return nil, err
	}
	return h.run(r)
}

func (h *Handler) moveRun(r *http.Request, op Operator) (any, error) {
	if err := readJSON(r, &struct{}{}); err != nil {
		return nil, err
	}
	if err := op.Move(r.Context(), r.PathValue("id")); err != nil {
		return nil, err
	}
	return h.run(r)
}

func (h *Handler) resolveRun(r *http.Request, op Operator) (any, error) {
	var req ResolveRequest
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	if req.Outcome != "sent" && req.Outcome != "resend" {
		return nil, problem(http.StatusBadRequest, "bad_request", `outcome must be "sent" or "resend"`)
	}
	if err := op.Resolve(r.Context(), r.PathValue("id"), req.Step, req.Outcome == "sent"); err != nil {
		return nil, err
	}
	return h.run(r)
}

func (h *Handler) replayEvent(r *http.Request, op Operator) (any, error) {
	var req ReplayRequest
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	e, err := h.cfg.Store.Event(r.Context(), req.Connection, r.PathValue("id"))
	if err != nil {
		return nil, fmt.Errorf("finding the event: %w", err)
	}
	runs, err := op.Replay(r.Context(), e, req)
	if err != nil {
		return nil, err
	}
	list := RunList{Runs: []Run{}}
	masked := h.masker(r) != nil
	for _, run := range runs {
		out, err := h.listed(r.Context(), run, masked)
		if err != nil {
			return nil, err
		}
		list.Runs = append(list.Runs, out)
	}
	return list, nil
}

func (h *Handler) pause(r *http.Request, op Operator) (any, error) {
	var req PauseRequest
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	if err := op.Pause(r.Context(), req.Recipe, req.Drop, h.by(r)); err != nil {
		return nil, err
	}
	return h.pauseOf(r.Context(), req.Recipe, req.Drop)
}

func (h *Handler) resume(r *http.Request, op Operator) (any, error) {
	var req ResumeRequest
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	was, err := h.pauseOf(r.Context(), req.Recipe, false)
	if err != nil {
		return nil, err
	}
	if err := op.Resume(r.Context(), req.Recipe); err != nil {
		return nil, err
	}
	return was, nil
}

func (h *Handler) pauseOf(ctx context.Context, recipe string, drop bool) (*Pause, error) {
	held, err := h.cfg.Store.Held(ctx, recipe, 1000)
	if err != nil {
		return nil, fmt.Errorf("counting the runs that are held: %w", err)
	}
	return &Pause{Recipe: recipe, Drop: drop, Held: len(held)}, nil
}

// by says who asked.
func (h *Handler) by(r *http.Request) string { return asker(r).name }

func (h *Handler) retryMany(r *http.Request, op Operator) (any, error) {
	return h.bulk(r, "failed", func(ctx context.Context, id string, o RetryRequest) error { return op.Retry(ctx, id, o) })
}

func (h *Handler) cancelMany(r *http.Request, op Operator) (any, error) {
	by := h.by(r)
	return h.bulk(r, "", func(ctx context.Context, id string, _ RetryRequest) error { return op.Cancel(ctx, id, by) })
}

func (h *Handler) moveMany(r *http.Request, op Operator) (any, error) {
	return h.bulk(r, "waiting", func(ctx context.Context, id string, _ RetryRequest) error { return op.Move(ctx, id) })
}

// bulk does one thing to every run that a filter selects, the newest first. Runs that begin meanwhile are not among
// them. Without a status it takes those that have not ended.
func (h *Handler) bulk(r *http.Request, status string, do func(context.Context, string, RetryRequest) error) (any, error) {
	var req BulkRequest
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	req.Bulk = true
	q := runtime.RunQuery{Recipe: req.Recipe, EventID: req.Event, Prefix: req.Query, Kind: req.Kind, Step: req.Step, Limit: bulkPage}
	if req.Status == "" {
		req.Status = status
	}
	wanted, err := statuses([]string{req.Status})
	if err != nil {
		return nil, err
	}
	if len(wanted) == 0 {
		wanted = []runtime.RunStatus{runtime.RunWaiting, runtime.RunQueued, runtime.RunRunning}
	}
	if q.Where, err = fields(req.Where); err != nil {
		return nil, err
	}
	for _, bound := range []struct {
		name, text string
		to         *time.Time
	}{{"since", req.Since, &q.Since}, {"until", req.Until, &q.Until}} {
		if bound.text == "" {
			continue
		}
		at, ok := since(bound.text, h.cfg.Clock.Now())
		if !ok {
			return nil, badParam(bound.name, bound.text, "a time as of RFC 3339, or how long ago, such as 90m or 7d")
		}
		*bound.to = at
	}
	q.Look = h.cfg.Fields
	out := &BulkResult{Recipes: map[string]int{}}
	for _, s := range wanted {
		q.Status, q.Before = s, 0
		for {
			page, err := h.cfg.Store.Runs(r.Context(), q)
			if err != nil {
				return nil, fmt.Errorf("listing runs: %w", err)
			}
			for _, run := range page {
				q.Before = run.Seq
				out.Matched++
				out.Recipes[run.Recipe]++
				if req.Preview {
					continue
				}
				switch err := do(r.Context(), run.ID, req.RetryRequest); {
				case err == nil:
					if out.Done++; len(out.ids) < maxAuditIDs {
						out.ids = append(out.ids, run.ID)
					}
				case errors.Is(err, ErrRefused) || errors.Is(err, runtime.ErrNotFound):
					out.Failed++
					if len(out.Refused) < maxRefused {
						out.Refused = append(out.Refused, BulkRefusal{Run: run.ID, Reason: refusal(err)})
					}
				default:
					return nil, err
				}
			}
			if len(page) < bulkPage {
				break
			}
		}
	}
	return out, nil
}

// fields reads NAME=VALUE.
func fields(pairs []string) ([]runtime.Field, error) {
	var out []runtime.Field
	for _, p := range pairs {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return nil, badParam("where", p, "NAME=VALUE, such as customer=cus_1")
		}
		out = append(out, runtime.Field{Name: strings.TrimPrefix(name, "trigger."), Value: runtime.FieldValue(value)})
	}
	return out, nil
}
