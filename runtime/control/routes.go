package control

import (
	"errors"
	"net/http"

	"github.com/flowrun/flowrun/runtime"
)

// route is one path of the door, from which the mux and /api/v1/openapi.json are made.
type route struct {
	method, path string
	summary      string
	params       []param
	in, out      any            // values of the types that are spoken; nil: no body, or not JSON
	media        string         // of an answer that is not JSON
	says         map[string]any // of a stream: what it tells, by the name of the event
	handler      http.Handler
	open         bool // for everybody; else a GET is for who may view, and all others for who may operate
}

// needs is the role that a path is for.
func (r *route) needs() Role {
	if r.method == http.MethodGet {
		return RoleView
	}
	return RoleOperate
}

// enter is the route's handler for those who may.
func (r route) enter() http.Handler {
	if r.open {
		return r.handler
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch p := asker(req); {
		case p == nil:
			writeProblem(w, unauthorized())
		case p.role < r.needs():
			writeProblem(w, problem(http.StatusForbidden, "forbidden", "this is for who may operate; "+p.name+" may view"))
		default:
			r.handler.ServeHTTP(w, req)
		}
	})
}

const sessionPath = "/api/v1/session"

// param is a parameter in the query; those in the path are read off it.
type param struct{ name, doc string }

func (h *Handler) routes() []route {
	since := param{"since", "Only those since then: RFC 3339, or how long ago, such as 90m or 7d."}
	until := param{"until", "Only those before then, written alike."}
	page := []param{
		since,
		{"limit", "How many a page holds, 1 to 500; 50 where left out."},
		{"cursor", "The field next of the page before."},
	}
	where := param{"where", "NAME=VALUE: only those whose event has this value, such as customer=cus_1. May be given several times."}
	begins := param{"q", "Only those whose ids begin so."}
	masked := param{"masked", "1: mask what tells of a person, also for who may see it."}
	connection := param{"connection", "The connection it came through, where the id alone could mean two."}
	return []route{
		{method: "GET", path: sessionPath, summary: "Who asks, and what he may.", open: true,
			out: Session{}, handler: h.json(h.whoAmI)},
		{method: "POST", path: sessionPath, summary: "Exchange a token for a session: a cookie, which scripts can't read.", open: true,
			in: SignIn{}, out: Session{}, handler: http.HandlerFunc(h.signIn)},
		{method: "DELETE", path: sessionPath, summary: "End the session in this browser.", open: true,
			out: struct{}{}, handler: http.HandlerFunc(h.signOut)},
		{method: "GET", path: "/api/v1/audit", summary: "Who did what, the newest first.",
			params: append([]param{{"who", "Only what this one did."}, {"what", "Only what is called so, such as revealed."}, {"id", "Only what concerned this run, event or recipe."}}, page...),
			out:    AuditList{}, handler: h.json(h.audits)},
		{method: "GET", path: "/api/v1/status", summary: "What the server is and does.",
			out: Status{}, handler: h.json(h.status)},
		{method: "GET", path: "/api/v1/stats", summary: "How many runs started over time, and how they stand now.",
			params: []param{since, until, {"recipe", "Only those of this recipe."}, {"bucket", "How long a part of the time is: a multiple of 5m, such as 15m or 1d; what fits where left out."}},
			out:    Stats{}, handler: h.json(h.stats)},
		{method: "POST", path: "/api/v1/reload", summary: "Apply the folder now. ok is false in the answer where it was refused; the last good program goes on.",
			out: Reload{}, handler: h.act("reloaded", h.reload)},
		{method: "GET", path: "/api/v1/recipes", summary: "The recipes that are served.",
			out: RecipeList{}, handler: h.json(h.recipes)},
		{method: "GET", path: "/api/v1/program", summary: "The files of the program that is served, or of one that was: recipes, in which there are no secrets.",
			params: []param{{"digest", "Which program; the one that is served where left out."}},
			out:    Program{}, handler: h.json(h.program)},
		{method: "GET", path: "/api/v1/history", summary: "Events with their payloads, and their runs with their steps, the oldest first.",
			params: append([]param{masked}, page...), out: History{}, handler: h.json(h.history)},
		{method: "GET", path: "/api/v1/events", summary: "Events, the newest first, without payloads.",
			params: append([]param{{"connection", "Only those of this connection."}, {"type", "Only those of the vendor's type."}, where, begins, until}, page...),
			out:    EventList{}, handler: h.json(h.events)},
		{method: "GET", path: "/api/v1/events/{id}", summary: "An event with its payload and its runs.",
			params: []param{connection, masked}, out: Event{}, handler: h.json(h.event)},
		{method: "POST", path: "/api/v1/events/{id}/reveal", summary: "An event as it is, with nothing masked. The audit log shows it.",
			in: RevealRequest{}, out: Revealed{}, handler: h.act("revealed", h.revealEvent)},
		{method: "GET", path: "/api/v1/gaps", summary: "Events that no webhook had brought and that were taken from the vendors' histories, the newest first.",
			out: GapList{}, handler: h.json(h.gaps)},
		{method: "POST", path: "/api/v1/backfill", summary: "Run a recipe for events of the past; with preview, count them and say what it would do.",
			in: BackfillRequest{}, out: BackfillResult{}, handler: h.act("backfilled", h.backfill)},
		{method: "GET", path: "/api/v1/runs", summary: "Runs, the newest first, without steps.",
			params: append([]param{{"recipe", "Only those of this recipe."}, {"status", "Only those of this status; several with commas between them."}, {"event", "Only those of this event's id."},
				{"kind", "Only those that failed with an error of this kind."}, {"step", "Only those that failed at this step."}, where, begins, until, masked}, page...),
			out: RunList{}, handler: h.json(h.runs)},
		{method: "GET", path: "/api/v1/runs/{id}", summary: "A run with its steps.",
			params: []param{masked}, out: Run{}, handler: h.json(h.run)},
		{method: "POST", path: "/api/v1/runs/{id}/reveal", summary: "A run as it is, with nothing masked. The audit log shows it.",
			in: RevealRequest{}, out: Revealed{}, handler: h.act("revealed", h.revealRun)},
		{method: "GET", path: "/api/v1/runs/{id}/why", summary: "The gates of a run with the values of their parts.",
			params: []param{masked}, out: Why{}, handler: h.mend(h.whyRun)},
		{method: "GET", path: "/api/v1/events/{id}/why", summary: "What each recipe made of an event, with the values of the gate that stopped it.",
			params: []param{connection, masked}, out: Why{}, handler: h.mend(h.whyEvent)},
		{method: "POST", path: "/api/v1/runs/{id}/retry", summary: "Take up a failed run again.",
			in: RetryRequest{}, out: Run{}, handler: h.acts("retried", h.retryRun)},
		{method: "POST", path: "/api/v1/runs/{id}/cancel", summary: "End a run that has not ended. What is under way is let finish.",
			in: struct{}{}, out: Run{}, handler: h.acts("canceled", h.cancelRun)},
		{method: "POST", path: "/api/v1/runs/{id}/resolve", summary: "Settle a step whose outcome is unknown.",
			in: ResolveRequest{}, out: Run{}, handler: h.acts("resolved", h.resolveRun)},
		{method: "POST", path: "/api/v1/runs/{id}/move", summary: "Have a waiting run go on with the program that is served now.",
			in: struct{}{}, out: Run{}, handler: h.acts("moved", h.moveRun)},
		{method: "POST", path: "/api/v1/runs/retry", summary: "Take up many failed runs again; with preview, count them.",
			in: BulkRequest{}, out: BulkResult{}, handler: h.acts("retried", h.retryMany)},
		{method: "POST", path: "/api/v1/runs/cancel", summary: "End many runs; with preview, count them.",
			in: BulkRequest{}, out: BulkResult{}, handler: h.acts("canceled", h.cancelMany)},
		{method: "POST", path: "/api/v1/runs/move", summary: "Have many waiting runs go on with the program that is served now; with preview, count them.",
			in: BulkRequest{}, out: BulkResult{}, handler: h.acts("moved", h.moveMany)},
		{method: "POST", path: "/api/v1/events/{id}/replay", summary: "Run an event again, as new runs.",
			in: ReplayRequest{}, out: RunList{}, handler: h.acts("replayed", h.replayEvent)},
		{method: "POST", path: "/api/v1/recipes/pause", summary: "Have a recipe take no events: they are held, or dropped.",
			in: PauseRequest{}, out: Pause{}, handler: h.acts("paused", h.pause)},
		{method: "POST", path: "/api/v1/recipes/resume", summary: "Have a paused recipe take events again, those that were held first.",
			in: ResumeRequest{}, out: Pause{}, handler: h.acts("resumed", h.resume)},
		{method: "POST", path: "/api/v1/store/backup", summary: "Copy the store to a file on the server's machine.",
			in: BackupRequest{}, out: BackupResult{}, handler: h.act("backed_up", h.backup)},
		{method: "POST", path: "/api/v1/trigger", summary: "Make, sign and post a sample event. Only `flowrun dev` has it.",
			in: TriggerRequest{}, out: TriggerResult{}, handler: h.act("triggered", h.trigger)},
		{method: "GET", path: "/api/v1/stream", summary: "What happens, as server-sent events: run, with a Run, as one ends or begins to wait; event, with an Event, as one is accepted and again as it is decided; " +
			"reload, with a Reload; breakers, with a BreakerList; paused, with a PauseList; alert, with an Alert; missed, with a Missed, where the reader was too slow.",
			params: []param{{"only", "Which of these, with commas between them; all where left out."}, masked},
			says:   map[string]any{"run": Run{}, "event": Event{}, "reload": Reload{}, "breakers": BreakerList{}, "paused": PauseList{}, "alert": Alert{}, "missed": Missed{}},
			media:  "text/event-stream", handler: http.HandlerFunc(h.stream)},
		{method: "GET", path: "/api/v1/openapi.json", summary: "This description.",
			out: map[string]any{}, handler: h.json(h.openapi)},
		{method: "GET", path: "/metrics", summary: "Metrics in Prometheus' text format.",
			media: "text/plain", handler: http.HandlerFunc(h.metrics)},
		{method: "GET", path: "/healthz", summary: "200 while the process is alive.", open: true,
			out: Probe{}, handler: h.json(h.healthz)},
		{method: "GET", path: "/readyz", summary: "200 while events can be taken, else 503. A reload that was refused changes nothing.", open: true,
			out: Probe{}, handler: http.HandlerFunc(h.readyz)},
	}
}

// json makes a handler of a function that returns what to say.
func (h *Handler) json(f func(r *http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := f(r)
		if err != nil {
			writeProblem(w, h.problem(r, err))
			return
		}
		writeJSON(w, http.StatusOK, v)
	})
}

// problem tells the asker's mistakes from the server's.
func (h *Handler) problem(r *http.Request, err error) *Problem {
	var p *Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, runtime.ErrNotFound):
		return problem(http.StatusNotFound, "not_found", "no such record: "+r.PathValue("id"))
	case errors.Is(err, runtime.ErrClosed):
		return problem(http.StatusServiceUnavailable, "stopping", "the server is stopping")
	case r.Context().Err() != nil:
		return problem(http.StatusServiceUnavailable, "canceled", "the request was given up")
	}
	h.cfg.Log.Error("control request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	// Whoever may ask at all may know why.
	return problem(http.StatusInternalServerError, "internal", err.Error())
}
