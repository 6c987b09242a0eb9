// Package ingress is the listener for webhooks. It caps and reads the body, lets the connection's service verify it,
// has the event committed, and only then answers 2xx; whatever fails before is answered so that the vendor sends again,
// or, where that can't help, says why.
//
// It is open to the internet, so that everything a stranger can make it do is bounded: memory by the cap and the number
// of bodies in flight, time by deadlines, log lines by door and minute, label values by what we name ourselves. It knows
// no vendor, decodes no payload, and runs no recipe.
package ingress

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/telemetry"
)

// Defaults of Config.
const (
	DefaultMaxBody     = 1 << 20
	DefaultMaxInFlight = 1024
	DefaultBodyTimeout = 10 * time.Second
)

const (
	doorPrefix = "/webhooks/"
	healthPath = "/healthz"

	maxDoorName   = 200
	maxPooled     = 256 << 10 // buffers that grew beyond it are left to the collector
	retrySeconds  = 5
	maxReasonText = 300
)

// Config is what the listener needs. Accept and Door must be set.
type Config struct {
	// Accept stores the event; accepted is false for one that was stored before. It isn't cancelled when the sender
	// hangs up: an event that was committed must be known to be.
	Accept func(ctx context.Context, e *runtime.Event) (accepted bool, err error)

	// Accepted is told of each new event once it is committed. It must not block. It may be nil.
	Accepted func(e *runtime.Event)

	// Forged is told of each request whose signature does not hold, by the name of its connection. It must not block. It
	// may be nil.
	Forged func(connection string)

	// Door returns the connection of that name and how its webhooks are opened, or nil. It is asked at each request,
	// so that it can follow a reload.
	Door func(name string) *Door

	MaxBody     int64         // bytes of a body, where the service states none; 0 is DefaultMaxBody
	MaxInFlight int           // bodies held at once; 0 is DefaultMaxInFlight
	BodyTimeout time.Duration // for a body to arrive; 0 is DefaultBodyTimeout
	Clock       runtime.Clock // nil is the machine's
	Log         *slog.Logger  // nil logs nothing
	Metrics     *telemetry.Metrics
}

// Door is where one connection's events come in.
type Door struct {
	Conn    *connectors.Conn
	Webhook *connectors.Webhook

	// Of a path of a recipe's own.
	Path     string               // the path, which the name of the door is then
	Settings map[string]cty.Value // of the trigger
	Method   string               // the only one that is taken; POST where empty
	Status   int                  // what the sender is answered once the event is stored; 200 where 0
	Answer   []byte               // the body of that answer, as JSON; nil says what became of the event
}

// Handler serves POST /webhooks/{connection}, the paths of recipes below /webhooks/, and GET /healthz, and nothing else.
type Handler struct {
	cfg      Config
	notReady atomic.Bool
	inFlight atomic.Int64
	buffers  sync.Pool
	refusals refusals
}

var _ http.Handler = (*Handler)(nil)

// New returns a handler that is ready.
func New(cfg Config) *Handler {
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = DefaultMaxBody
	}
	if cfg.MaxInFlight <= 0 {
		cfg.MaxInFlight = DefaultMaxInFlight
	}
	if cfg.BodyTimeout <= 0 {
		cfg.BodyTimeout = DefaultBodyTimeout
	}
	if cfg.Clock == nil {
		cfg.Clock = runtime.SystemClock{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Accepted == nil {
		cfg.Accepted = func(*runtime.Event) {}
	}
	h := &Handler{cfg: cfg}
	h.buffers.New = func() any { return new(bytes.Buffer) }
	h.refusals.log, h.refusals.clock = cfg.Log, cfg.Clock
	return h
}

// SetReady says whether events can be taken now. While they can't, as when the server waits for the store's lock or
// drains, webhooks are answered 503 with Retry-After; /healthz stays 200, since the process is alive.
func (h *Handler) SetReady(ready bool) { h.notReady.Store(!ready) }

// Ready reports what SetReady was told last.
func (h *Handler) Ready() bool { return !h.notReady.Load() }

// NewServer returns a server for h with time-outs that fit the open internet: 5 s for the header, 10 s for the whole
// request, 30 s for the answer, 2 minutes idle, and 16 KiB of header.
func NewServer(addr string, h http.Handler) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
}

// Answers that are always the same, made once.
var (
	jsonType   = []string{"application/json"}
	retryAfter = []string{strconv.Itoa(retrySeconds)}
	allowGet   = []string{"GET, HEAD"}
	closing    = []string{"close"}

	bodyOK        = []byte(`{"status":"ok"}` + "\n")
	bodyAccepted  = []byte(`{"status":"accepted"}` + "\n")
	bodyDuplicate = []byte(`{"status":"duplicate"}` + "\n")
)

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, isDoor := strings.CutPrefix(r.URL.Path, doorPrefix)
	switch {
	case isDoor:
		h.webhook(w, r, name)
	case r.URL.Path == healthPath:
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header()["Allow"] = allowGet
			fail(w, http.StatusMethodNotAllowed, "use GET")
			return
		}
		answer(w, http.StatusOK, bodyOK)
	default:
		fail(w, http.StatusNotFound, "there is nothing here; webhooks go to /webhooks/CONNECTION")
	}
}

func (h *Handler) webhook(w http.ResponseWriter, r *http.Request, name string) {
	if r.Method != http.MethodPost && r.Method != http.MethodPut && r.Method != http.MethodPatch {
		h.wrongMethod(w, r, http.MethodPost)
		return
	}
	if h.notReady.Load() {
		h.refuse(w, r, refusal{status: http.StatusServiceUnavailable, metric: telemetry.RefusedNotReady,
			reason: "not ready: starting or stopping, send again"})
		return
	}
	var door *Door
	if name != "" && len(name) <= maxDoorName {
		door = h.cfg.Door(name)
	}
	if want := door.method(); r.Method != want {
		h.wrongMethod(w, r, want)
		return
	}
	if door == nil {
		h.refuse(w, r, refusal{status: http.StatusNotFound, metric: telemetry.RefusedDoor, reason: "no such connection"})
		return
	}
	refused := h.take(w, r, door)
	if refused.status != 0 {
		refused.connection = door.Conn.Name
		h.refuse(w, r, refused)
	}
}

func (d *Door) method() string {
	if d == nil || d.Method == "" {
		return http.MethodPost
	}
	return d.Method
}

func (h *Handler) wrongMethod(w http.ResponseWriter, r *http.Request, want string) {
	w.Header()["Allow"] = []string{want}
	h.refuse(w, r, refusal{status: http.StatusMethodNotAllowed, metric: telemetry.RefusedMethod, reason: "use " + want})
}

// taken answers one that was taken.
func (d *Door) taken(w http.ResponseWriter, body []byte) {
	status := http.StatusOK
	if d.Status != 0 {
		status = d.Status
	}
	switch {
	case status == http.StatusNoContent:
		w.WriteHeader(status) // which has no body
		return
	case d.Answer != nil:
		body = d.Answer
	}
	answer(w, status, body)
}

// take takes one request in, and answers it unless it returns a refusal.
func (h *Handler) take(w http.ResponseWriter, r *http.Request, door *Door) (refused refusal) {
	// A bug in a service's code must not be answered by a cut connection, nor with a 500, for which some vendors
	// stop sending.
	defer func() {
		if p := recover(); p != nil && p != any(http.ErrAbortHandler) {
			h.cfg.Log.Error("a webhook made the server panic; it was answered 503", "connection", door.Conn.Name,
				"panic", p, "stack", string(debug.Stack()))
			refused = refusal{status: http.StatusServiceUnavailable, metric: telemetry.RefusedInternal, reason: "internal error, send again"}
		}
	}()

	if enc := r.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return refusal{status: http.StatusUnsupportedMediaType, metric: telemetry.RefusedBody,
			reason: "the body must not be compressed"}
	}
	limit := h.cfg.MaxBody
	if door.Webhook.MaxBody > 0 {
		limit = door.Webhook.MaxBody
	}
	if r.ContentLength > limit {
		return tooLarge(limit)
	}

	if h.inFlight.Add(1) > int64(h.cfg.MaxInFlight) {
		h.inFlight.Add(-1)
		return refusal{status: busyStatus(door), metric: telemetry.RefusedBusy, reason: "too many requests at once, send again"}
	}
	defer h.inFlight.Add(-1)

	buf := h.buffers.Get().(*bytes.Buffer)
	buf.Reset()
	defer func() {
		if buf.Cap() <= maxPooled {
			h.buffers.Put(buf)
		}
	}()
	if refused := h.read(w, r, buf, limit); refused.status != 0 {
		return refused
	}

	now := h.cfg.Clock.Now()
	req := &connectors.WebhookRequest{Body: buf.Bytes(), Header: r.Header, Conn: door.Conn, Now: now, Path: door.Path, Settings: door.Settings}
	if r.URL.RawQuery != "" {
		req.Query = r.URL.Query()
	}
	env, err := door.Webhook.Open(req)
	if err != nil {
		return opening(err)
	}
	if env == nil || env.ID == "" || env.Type == "" {
		return refusal{status: http.StatusBadRequest, metric: telemetry.RefusedBody, reason: "the event has no id or no type"}
	}

	event := &runtime.Event{
		Connection: door.Conn.Name,
		Service:    door.Conn.Service,
		ID:         env.ID,
		Type:       env.Type,
		Time:       env.Time,
		ReceivedAt: now,
		Account:    env.Account,
		APIVersion: env.APIVersion,
		Livemode:   env.Livemode,
		// The store and the engine keep the payload; the buffer goes back to the pool.
		Payload: bytes.Clone(buf.Bytes()),
	}
	if env.Payload != "" {
		event.Payload = []byte(env.Payload)
	}
	accepted, err := h.cfg.Accept(context.WithoutCancel(r.Context()), event)
	if err != nil {
		return refusal{status: http.StatusServiceUnavailable, metric: telemetry.RefusedStore,
			reason: "the event could not be stored, send again", detail: err.Error(), loud: true}
	}
	if !accepted {
		h.cfg.Metrics.EventDuplicate(event.Connection)
		door.taken(w, bodyDuplicate)
		return refusal{}
	}
	h.cfg.Metrics.EventAccepted(event.Connection, event.Service)
	h.cfg.Accepted(event)
	door.taken(w, bodyAccepted)
	return refusal{}
}

// read reads the body into buf.
func (h *Handler) read(w http.ResponseWriter, r *http.Request, buf *bytes.Buffer, limit int64) refusal {
	// The network's deadlines are the kernel's time, not the Clock's. A writer without deadlines, as in tests, has none.
	err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.cfg.BodyTimeout))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return refusal{status: http.StatusBadRequest, metric: telemetry.RefusedBody, reason: "the body could not be read", detail: err.Error()}
	}
	if r.ContentLength > 0 {
		buf.Grow(int(min(r.ContentLength, 16<<10)) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(r.Body, limit+1))
	switch {
	case n > limit:
		return tooLarge(limit)
	case err == nil && r.ContentLength >= 0 && n != r.ContentLength:
		return refusal{status: http.StatusBadRequest, metric: telemetry.RefusedBody, reason: "the body is shorter than its Content-Length"}
	case err == nil && n == 0:
		return refusal{status: http.StatusBadRequest, metric: telemetry.RefusedBody, reason: "the body is empty"}
	case err == nil:
		return refusal{}
	}
	var timeout net.Error
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		return refusal{status: http.StatusRequestTimeout, metric: telemetry.RefusedTimeout, reason: "the body did not arrive in time", hangUp: true}
	}
	return refusal{status: http.StatusBadRequest, metric: telemetry.RefusedBody, reason: "the body could not be read", detail: err.Error(), hangUp: true}
}

func tooLarge(limit int64) refusal {
	return refusal{status: http.StatusRequestEntityTooLarge, metric: telemetry.RefusedTooLarge, hangUp: true,
		reason: "the body is over the limit of " + strconv.FormatInt(limit, 10) + " bytes"}
}

// opening turns what the service says of a webhook into a refusal. An error of another type is a bug or a broken
// setting, of which a stranger learns nothing.
func opening(err error) refusal {
	var we *connectors.WebhookError
	if !errors.As(err, &we) {
		return refusal{status: http.StatusBadRequest, metric: telemetry.RefusedBody, reason: "the webhook could not be read", detail: err.Error()}
	}
	r := refusal{status: we.Status, metric: telemetry.RefusedBody, reason: we.Reason, detail: we.Detail, forged: we.Forged}
	if r.status < 400 || r.status > 599 {
		r.status = http.StatusBadRequest
	}
	if r.forged {
		r.metric = telemetry.RefusedSignature
	}
	return r
}

func busyStatus(door *Door) int {
	if s := door.Webhook.Busy; s != 0 {
		return s
	}
	return http.StatusTooManyRequests
}
