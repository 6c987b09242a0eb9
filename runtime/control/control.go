// Package control is the operator's door: the HTTP API under /api/v1/ that the command line and the page talk to, the
// client for it, the metrics, and the probes.
//
// Whoever gets in sees payloads, which are personal data, and can stop the machine; so it is either reachable from this
// machine only, or it wants to know who asks, and what he may. A browser on this machine is not the operator: pages of
// other origins are kept out, by name (DNS rebinding), by origin, and by the type of what they can post without asking.
// Secrets are never shown, since they are in no store; what tells of a person is masked for who may only look.
//
// The package takes no webhooks and decides nothing: it reads the store, and asks the engine and the reloader.
package control

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/telemetry"
)

// Engine is what the door asks of the machine behind it.
type Engine interface {
	Status() EngineStatus
	Recipes() []Recipe
	Connections() []Connection
	// Matched returns the names of the recipes that took an event, sorted; nil where the program that decided is
	// not known any more. The event has no payload.
	Matched(ctx context.Context, e *runtime.Event, d *runtime.Decision) []string
}

// Config is what the door serves. Store must be set; what is nil answers as said.
type Config struct {
	Store  runtime.Store
	Engine Engine     // nil: nothing runs
	Server ServerInfo // constant facts

	// Fields returns what an event is found by, for those that the store has not indexed yet. nil: these aren't found.
	Fields func(*runtime.Event) []runtime.Field

	// Operator changes runs and recipes. nil: 404.
	Operator Operator

	// Past reads what the vendors keep. nil: 404.
	Past Past

	// Reload applies the folder now and returns the result. nil: 404.
	Reload func(ctx context.Context) ReloadResult
	// Reloads returns the newest result and the newest that was taken. nil: none.
	Reloads func() (last, good ReloadResult)
	// Trigger signs a sample event and posts it through the listener, in dev only. nil: 404.
	Trigger func(ctx context.Context, r TriggerRequest) (TriggerResult, error)
	// Ready returns why the server can't take events now; nil where it can. A nil Ready: it always can.
	Ready func() error

	// Access is who may come in. nil: who has Token, and may do everything; where that is empty, who is on this machine.
	Access *Access
	Token  string
	// Hosts are names and addresses, without a port, by which the door may be called besides this machine's own,
	// where nobody need say who he is.
	Hosts []string

	// Shapes tells what must be masked. nil: nothing is known to be harmless.
	Shapes Shapes

	// Page serves the page and its files, which hold no data and are for everybody: every path that is not the API's.
	// nil: 404.
	Page http.Handler

	Clock   runtime.Clock // nil is the machine's
	Log     *slog.Logger  // nil logs nothing
	Metrics *telemetry.Metrics
}

// ReloadResult is how a reload ended. It has the fields of reload.Result, so that one converts to the other.
type ReloadResult struct {
	Digest      string
	Changed     bool
	OK          bool
	Recipes     int
	Diagnostics string
	At          time.Time
	Took        time.Duration
}

// ErrBadTrigger makes an error of Config.Trigger the asker's: 400 instead of 500.
var ErrBadTrigger = errors.New("the event can't be made")

// Handler serves the door.
type Handler struct {
	cfg     Config
	access  *Access
	guard   *guard
	mux     *http.ServeMux
	streams streams
}

var _ http.Handler = (*Handler)(nil)

// New returns the door.
func New(cfg Config) *Handler {
	if cfg.Clock == nil {
		cfg.Clock = runtime.SystemClock{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Ready == nil {
		cfg.Ready = func() error { return nil }
	}
	if cfg.Reloads == nil {
		cfg.Reloads = func() (last, good ReloadResult) { return }
	}
	h := &Handler{cfg: cfg, access: cfg.Access, mux: http.NewServeMux()}
	if h.access == nil {
		var tokens []Token
		if cfg.Token != "" {
			tokens = []Token{UnnamedToken(cfg.Token)}
		}
		h.access = NewAccess(tokens, nil, nil)
	}
	h.guard = newGuard(h.access, cfg.Hosts, cfg.Clock)
	for _, r := range h.routes() {
		h.mux.Handle(r.method+" "+r.path, r.enter())
	}
	return h
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	if p := h.guard.check(r); p != nil {
		writeProblem(w, p)
		return
	}
	switch path := r.URL.Path; {
	case isPage(path) && h.cfg.Page != nil:
		h.cfg.Page.ServeHTTP(w, r)
		return
	case isProbe(path) || isPage(path) || path == sessionPath:
		// Who asks need not be known.
	default:
		who, p := h.guard.identify(r)
		if p != nil {
			if p.status == http.StatusUnauthorized {
				header.Set("WWW-Authenticate", `Bearer realm="flowrun"`)
			}
			writeProblem(w, p)
			return
		}
		r = withPrincipal(r, who)
	}
	h.mux.ServeHTTP(&plainErrors{ResponseWriter: w}, r)
}

// NewServer returns a server for h. It has no time-out for an answer, since a backup takes as long as it takes.
func NewServer(addr string, h http.Handler) *http.Server {
	s := &http.Server{
		Addr:              addr,
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
	if door, ok := h.(*Handler); ok {
		s.RegisterOnShutdown(door.CloseStreams)
	}
	return s
}
