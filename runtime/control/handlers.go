package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

const (
	defaultPage = 50
	largestPage = 500
	maxRequest  = 1 << 20
)

func (h *Handler) status(r *http.Request) (any, error) {
	s, err := h.currentStatus(r.Context())
	if m := h.masker(r); m != nil && err == nil && s.Engine != nil {
		m.engine(s.Engine)
	}
	return s, err
}

// engine masks what vendors have said.
func (m *masker) engine(e *EngineStatus) {
	if m == nil {
		return
	}
	e.Breakers, e.Alerts = slices.Clone(e.Breakers), slices.Clone(e.Alerts)
	for i := range e.Breakers {
		e.Breakers[i].Reason = m.text(e.Breakers[i].Reason)
	}
	for i := range e.Alerts {
		e.Alerts[i].Message = m.text(e.Alerts[i].Message)
	}
}

func (h *Handler) currentStatus(ctx context.Context) (*Status, error) {
	counts, err := h.cfg.Store.Counts(ctx)
	if err != nil {
		return nil, fmt.Errorf("counting the store: %w", err)
	}
	s := &Status{ServerInfo: h.cfg.Server, Ready: true, Connections: []Connection{}, StoreCounts: countsJSON(counts)}
	s.StartedAt = s.StartedAt.UTC()
	if !s.StartedAt.IsZero() {
		s.UptimeMS = h.cfg.Clock.Now().Sub(s.StartedAt).Milliseconds()
	}
	if err := h.cfg.Ready(); err != nil {
		s.Ready, s.NotReady = false, err.Error()
	}
	if h.cfg.Engine != nil {
		e := h.cfg.Engine.Status()
		s.Engine = &e
		if c := h.cfg.Engine.Connections(); c != nil {
			s.Connections = c
		}
		for _, r := range h.cfg.Engine.Recipes() {
			if s.OnOlder += r.OnOlder; r.Removed {
				s.Removed = append(s.Removed, r.Name)
			}
		}
	}
	last, good := h.cfg.Reloads()
	s.LastReload, s.LastGoodReload = reloadJSON(last), reloadJSON(good)
	return s, nil
}

func (h *Handler) reload(r *http.Request) (any, error) {
	if h.cfg.Reload == nil {
		return nil, problem(http.StatusNotFound, "not_found", "this server can't reload")
	}
	if err := readJSON(r, &struct{}{}); err != nil {
		return nil, err
	}
	return reloadJSON(h.cfg.Reload(r.Context())), nil
}

func (h *Handler) recipes(*http.Request) (any, error) {
	list := RecipeList{Recipes: []Recipe{}}
	if h.cfg.Engine != nil {
		list.Recipes = append(list.Recipes, h.cfg.Engine.Recipes()...)
	}
	return list, nil
}

func (h *Handler) events(r *http.Request) (any, error) {
	q, err := h.query(r, "connection", "type", "where", "q", "until")
	if err != nil {
		return nil, err
	}
	events, err := h.cfg.Store.Events(r.Context(), runtime.EventQuery{
		Connection: q.Get("connection"), Type: q.Get("type"), Prefix: q.Get("q"), Since: q.since, Until: q.until, Before: q.before,
		Limit: q.limit + 1, Where: q.where, Look: h.cfg.Fields,
	})
	if err != nil {
		return nil, fmt.Errorf("listing events: %w", err)
	}
	list := EventList{Events: []Event{}}
	if len(events) > q.limit {
		events = events[:q.limit]
		list.Next = cursor(events[len(events)-1].Seq)
	}
	for _, e := range events {
		out, err := h.eventJSON(r.Context(), e)
		if err != nil {
			return nil, err
		}
		list.Events = append(list.Events, out)
	}
	return list, nil
}

func (h *Handler) event(r *http.Request) (any, error) {
	q, err := h.query(r, "connection")
	if err != nil {
		return nil, err
	}
	e, err := h.cfg.Store.Event(r.Context(), q.Get("connection"), r.PathValue("id"))
	if err != nil {
		return nil, fmt.Errorf("finding the event: %w", err)
	}
	return h.wholeEvent(r.Context(), e, h.masker(r))
}

func (h *Handler) eventJSON(ctx context.Context, e *runtime.Event) (Event, error) {
	out := EventOf(e)
	d, err := h.cfg.Store.Decision(ctx, e.Seq)
	if errors.Is(err, runtime.ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return out, fmt.Errorf("finding the decision: %w", err)
	}
	out.Decision = h.decisionOf(ctx, e, d)
	return out, nil
}

func (h *Handler) decisionOf(ctx context.Context, e *runtime.Event, d *runtime.Decision) *Decision {
	out := &Decision{Program: d.Program, At: d.At.UTC(), Runs: d.Runs, Matched: []string{}}
	if h.cfg.Engine != nil {
		bare := *e
		bare.Payload = nil
		out.Matched = append(out.Matched, h.cfg.Engine.Matched(ctx, &bare, d)...)
	}
	return out
}

func (h *Handler) runs(r *http.Request) (any, error) {
	q, err := h.query(r, "recipe", "status", "event", "where", "q", "until", "kind", "step")
	if err != nil {
		return nil, err
	}
	rq := runtime.RunQuery{Recipe: q.Get("recipe"), EventID: q.Get("event"), Prefix: q.Get("q"), Kind: q.Get("kind"), Step: q.Get("step"),
		Since: q.since, Until: q.until, Before: q.before, Limit: q.limit + 1, Where: q.where, Look: h.cfg.Fields}
	if rq.Statuses, err = statuses(q.Values["status"]); err != nil {
		return nil, err
	}
	runs, err := h.cfg.Store.Runs(r.Context(), rq)
	if err != nil {
		return nil, fmt.Errorf("listing runs: %w", err)
	}
	list := RunList{Runs: []Run{}}
	if len(runs) > q.limit {
		runs = runs[:q.limit]
		list.Next = cursor(runs[len(runs)-1].Seq)
	}
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

// statuses reads names of statuses, several of which may stand in one parameter with commas between them.
func statuses(params []string) ([]runtime.RunStatus, error) {
	var list []runtime.RunStatus
	for _, param := range params {
		for word := range strings.SplitSeq(param, ",") {
			if word == "" {
				continue
			}
			status, ok := runtime.ParseRunStatus(word)
			if !ok {
				return nil, badParam("status", word, statusWords)
			}
			list = append(list, status)
		}
	}
	return list, nil
}

func (h *Handler) run(r *http.Request) (any, error) {
	run, err := h.cfg.Store.Run(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, fmt.Errorf("finding the run: %w", err)
	}
	return h.wholeRun(r.Context(), run, h.masker(r))
}

func (h *Handler) backup(r *http.Request) (any, error) {
	var req BackupRequest
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	if !filepath.IsAbs(req.Path) {
		return nil, problem(http.StatusBadRequest, "bad_path", "path must be absolute: the server's folder is not yours")
	}
	if err := h.cfg.Store.Backup(r.Context(), req.Path); err != nil {
		if errors.Is(err, runtime.ErrClosed) {
			return nil, err
		}
		return nil, problem(http.StatusUnprocessableEntity, "backup_failed", "the store was not copied: "+err.Error())
	}
	return BackupResult(req), nil
}

func (h *Handler) trigger(r *http.Request) (any, error) {
	if h.cfg.Trigger == nil {
		return nil, problem(http.StatusNotFound, "not_found", "only `flowrun dev` makes events by itself; this server wants them signed, at its listener")
	}
	var req TriggerRequest
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	if req.Type == "" {
		return nil, problem(http.StatusBadRequest, "bad_request", "type is missing: it names the vendor's event, such as charge.failed")
	}
	result, err := h.cfg.Trigger(r.Context(), req)
	if errors.Is(err, ErrBadTrigger) {
		return nil, problem(http.StatusBadRequest, "bad_request", err.Error())
	}
	return result, err
}

func (h *Handler) metrics(w http.ResponseWriter, r *http.Request) {
	if h.cfg.Engine != nil {
		s := h.cfg.Engine.Status()
		h.cfg.Metrics.QueueDepth(s.QueueDepth)
		h.cfg.Metrics.InFlight(s.InFlight)
	}
	// Without the store's size the rest is still worth having.
	if c, err := h.cfg.Store.Counts(r.Context()); err == nil {
		out := countsJSON(c)
		h.cfg.Metrics.StoreSize(out.Bytes, out.Events, out.Undecided, out.Runs)
	}
	h.cfg.Metrics.Handler().ServeHTTP(w, r)
}

func (h *Handler) healthz(*http.Request) (any, error) { return Probe{Status: "ok"}, nil }

func (h *Handler) readyz(w http.ResponseWriter, _ *http.Request) {
	if err := h.cfg.Ready(); err != nil {
		w.Header().Set("Retry-After", "5")
		writeJSON(w, http.StatusServiceUnavailable, Probe{Status: "not ready", Reason: err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, Probe{Status: "ready"})
}

// listQuery is what a list was asked for.
type listQuery struct {
	url.Values
	since  time.Time
	until  time.Time
	before int64
	limit  int
	where  []runtime.Field
}

const statusWords = "queued, running, waiting, completed, filtered, skipped, failed or canceled"

// query reads the parameters of a list; one that nobody knows is refused, since a filter with a typo shows everything.
func (h *Handler) query(r *http.Request, filters ...string) (*listQuery, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, problem(http.StatusBadRequest, "bad_query", "the query can't be read: "+err.Error())
	}
	q := &listQuery{Values: values, limit: defaultPage}
	known := map[string]bool{"since": true, "limit": true, "cursor": true, "masked": true}
	for _, f := range filters {
		known[f] = true
	}
	for name, vs := range values {
		if !known[name] {
			return nil, problem(http.StatusBadRequest, "unknown_parameter", fmt.Sprintf("there is no parameter %q here", name))
		}
		if name == "where" {
			if q.where, err = fields(vs); err != nil {
				return nil, err
			}
			continue
		}
		if len(vs) > 1 && name != "status" {
			return nil, problem(http.StatusBadRequest, "bad_parameter", fmt.Sprintf("%s is given %d times", name, len(vs)))
		}
	}
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > largestPage {
			return nil, badParam("limit", s, "a number from 1 to "+strconv.Itoa(largestPage))
		}
		q.limit = n
	}
	if s := q.Get("cursor"); s != "" {
		n, err := strconv.ParseInt(s, 36, 64)
		if err != nil || n < 1 {
			return nil, badParam("cursor", s, "the field next of the page before")
		}
		q.before = n
	}
	for name, to := range map[string]*time.Time{"since": &q.since, "until": &q.until} {
		if s := q.Get(name); s != "" {
			at, ok := since(s, h.cfg.Clock.Now())
			if !ok {
				return nil, badParam(name, s, "a time as of RFC 3339, or how long ago, such as 90m or 7d")
			}
			*to = at
		}
	}
	return q, nil
}

func cursor(seq int64) string { return strconv.FormatInt(seq, 36) }

// since reads a point in time, or how long before now one was.
func since(s string, now time.Time) (time.Time, bool) {
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at, true
	}
	var d time.Duration
	if days, rest, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > 100_000 {
			return time.Time{}, false
		}
		d = time.Duration(n) * 24 * time.Hour
		s = rest
	}
	if s != "" {
		part, err := time.ParseDuration(s)
		if err != nil || part < 0 {
			return time.Time{}, false
		}
		d += part
	}
	return now.Add(-d), true
}

func badParam(name, value, want string) *Problem {
	return problem(http.StatusBadRequest, "bad_parameter", fmt.Sprintf("%s is %q; it must be %s", name, value, want))
}

// readJSON reads the body into v. An empty body leaves it as it is; a field that nobody knows is refused.
func readJSON(r *http.Request, v any) error {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil {
		return problem(http.StatusBadRequest, "bad_request", "the body can't be read: "+err.Error())
	}
	if len(raw) > maxRequest {
		return problem(http.StatusRequestEntityTooLarge, "too_large", "the body is over 1 MiB")
	}
	text := strings.TrimSpace(string(raw))
	if text == "" {
		return nil
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return problem(http.StatusBadRequest, "bad_request", "the body is not what this path takes: "+err.Error())
	}
	if dec.More() {
		return problem(http.StatusBadRequest, "bad_request", "the body holds more than one value")
	}
	return nil
}
