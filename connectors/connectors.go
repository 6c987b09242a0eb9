// Package connectors is how a service is described: its settings, its webhooks, its triggers and its actions, as data
// from which the checker's types, the calls, the docs and the tests are derived. It names no service; each lives in a
// folder of its own beneath, and connectors/all lists them.
package connectors

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/schema"
)

// Spec is all that flowrun knows of one service.
type Spec struct {
	Name     string // "stripe", as in connection "stripe"
	Title    string // "Stripe"
	Doc      string
	Settings []Setting
	Webhook  *Webhook                           // nil where the service sends none
	Check    func(*schema.Use) []schema.Problem // how settings go together; nil where each stands for itself
	Triggers []*schema.Trigger
	Actions  []*Action

	// Local is set of flowrun's own service: it calls nobody, has one connection that needs no block, and its actions
	// and triggers are named without the service before them.
	Local bool

	// Limits are what the vendor takes of a connection, by the class that Action.Limit names; "" is the connection's
	// default. A class that is not there has no limit.
	Limits map[string]Limit

	// Protocols carry requests whose URLs have schemes of the service's own; nil where it speaks HTTP.
	Protocols map[string]Protocol

	// LimitFor is what the vendor takes of one connection, where that depends on its settings; nil where Limits hold for
	// all. It is asked for the classes in Limits and for "".
	LimitFor func(c *Conn, class string) Limit

	// Keys is what is known of keys that are allowed some things and not others; nil where a key is allowed all or nothing.
	Keys *Keys

	// Probes are harmless exchanges, to learn whether the vendor can be reached and takes the connection's credentials;
	// none where there is no such exchange.
	Probes []Probe
	Unsure string // what an operator should know who relies on the service; "" when nothing is uncertain

	// Endpoints is how the places that the vendor sends events to are set up; nil where there is no API for it.
	Endpoints *Endpoints

	// History is how events of the past are read; nil where the vendor keeps none that can be had.
	History *History

	// Keep makes what a connection keeps between its calls, as Conn.Kept, and returns nil where that is nothing. It is
	// called once for each connection, before its first call; what it returns must be safe for concurrent use and
	// hold nothing that would have to be closed. Nil where no connection of the service keeps anything.
	Keep func(*Conn) any

	// A service with hundreds of actions names them in ActionNames, sorted, and makes one when Action is asked for it:
	// a new one each time, nil where there is none of that name. They are besides those in Actions.
	ActionNames []string
	Action      func(name string) *Action
}

// AllActions returns the names of all actions: of those in Actions in their order, then of the others.
func (s *Spec) AllActions() []string {
	names := make([]string, 0, len(s.Actions)+len(s.ActionNames))
	for _, a := range s.Actions {
		names = append(names, a.Name)
	}
	return append(names, s.ActionNames...)
}

// Limit returns what the vendor takes of the connection's calls of a class.
func (s *Spec) Limit(c *Conn, class string) Limit {
	if s.LimitFor != nil {
		return s.LimitFor(c, class)
	}
	return s.Limits[class]
}

// Wrap has each action's calls go through what wrap returns.
func (s *Spec) Wrap(wrap func(*Action, Caller) Caller) {
	for _, a := range s.Actions {
		a.Call = wrap(a, a.Call)
	}
	if make := s.Action; make != nil {
		s.Action = func(name string) *Action {
			a := make(name)
			if a != nil {
				a.Call = wrap(a, a.Call)
			}
			return a
		}
	}
}

// Setting is one argument of the service's connection block.
type Setting struct {
	schema.Field
	Env string // the environment variable that serves where no block is written
}

// Action is a schema.Action and how it becomes a call.
type Action struct {
	schema.Action
	Call    Caller
	Example string // a JSON object: an input that is valid
	Answer  string // a JSON object of Out's shape: what the call then yields; empty where Out is nil
	Reply   string // the body from which the call takes Answer, where it is not the whole of it
	Limit   string // the class among Spec.Limits that its calls count for

	// Endpoint is what of the vendor's it calls, where the vendor holds each such place to a limit of its own, which is
	// that of the class EachEndpoint. Actions of one Endpoint share it. Empty where there is no such limit.
	Endpoint string

	// ReplyFor makes Reply for a use whose answer the recipe declares; nil where every use has one answer.
	ReplyFor func(*Action) string
}

// Conn is a connection with its settings resolved: what a call needs to reach the vendor as somebody.
type Conn struct {
	Name     string
	Service  string
	Settings map[string][]string // a scalar setting has one element; one that is not set has none
	Client   *http.Client        // never nil; its transport is where tests, dry runs and limits step in
	Kept     any                 // what Spec.Keep made, or nil: calls must do without it, too
	State    State               // what recipes keep between runs; nil where the host keeps none
}

// Batcher is implemented by what Spec.Keep returns for a connection that sends several calls in one request. The limits
// of a service are of requests, so that the host does not count such calls one by one; the batcher sees to it that its
// requests stay below them. Circuit breaker and rests that the vendor asks for are those of every call.
type Batcher interface {
	Batches(a *Action) bool
}

// State is a small durable store of values that recipes share. A name is up to 512 bytes.
type State interface {
	// Get returns ok = false where there is no value, or it has expired.
	Get(ctx context.Context, name string) (value []byte, ok bool, err error)
	// Set keeps a JSON value, for ttl where that is not 0.
	Set(ctx context.Context, name string, value []byte, ttl time.Duration) error
	// Increment adds to a counter and returns the sum of what has been added within ttl, or of all where ttl is 0. id
	// names the increment: one that was counted is not counted again.
	Increment(ctx context.Context, name, id string, by int64, ttl time.Duration) (sum int64, err error)
}

// Setting returns the value of a scalar setting, or "".
func (c *Conn) Setting(name string) string {
	if v := c.Settings[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// Call is one call of an action, the same for each of its attempts.
type Call struct {
	Action    *Action
	Conn      *Conn
	Input     cty.Value // an object of Action.In's fields; null where left out; no marks, no unknowns
	Key       string    // the idempotency key: 32 bytes in hex, the same for each attempt
	Run       string    // the run's id
	Step      string    // address of the step, "action.customer"
	Each      string    // the element of a for_each that it is made for: its key, or its number in a list
	EventID   string
	EventTime time.Time // what timestamps default to, so that a replay sends the same
	Account   string    // the vendor's account that it is about, where that is another than the key's own
}

// Result is a vendor's answer to a call that succeeded.
type Result struct {
	Output cty.Value // of Action.Out's shape, or null; cty.NilVal where Action.Out is nil
	Status int       // of the HTTP answer
}

// Caller is how an action becomes a call. An implementation makes one attempt, does not retry, sends through
// Call.Conn.Client only, and fails with an *Error.
type Caller interface {
	Call(ctx context.Context, c *Call) (Result, error)
}

// Func makes a function a Caller.
type Func func(ctx context.Context, c *Call) (Result, error)

// Call calls f.
func (f Func) Call(ctx context.Context, c *Call) (Result, error) { return f(ctx, c) }

// Webhook is how a service's events come in.
type Webhook struct {
	// Open verifies the signature over the raw body and reads the envelope. It fails with a *WebhookError.
	Open func(r *WebhookRequest) (*Envelope, error)

	// Sign returns the headers with which the service would send that body, for tests and `flowrun trigger`.
	Sign func(body []byte, secret string, at time.Time) http.Header

	// Sample makes a valid event of the vendor's type, as the raw body; id and at go into the envelope.
	Sample func(eventType, id string, at time.Time) ([]byte, error)

	// Cause returns the idempotency key of the call that an event is the echo of, and "" where it tells none. Nil where
	// the service's events never tell.
	Cause func(body []byte) string

	// Data and Previous are where in the body `trigger` and `previous` are found.
	Data, Previous schema.Path

	// SecretSetting is the setting that holds the signing secret or secrets.
	SecretSetting string

	// MaxBody is the largest body the vendor is known to need, in bytes; 0 leaves the listener's cap.
	MaxBody int64

	// Unsigned is a setting and the value of it with which there is no secret: {"verify", "none"}.
	Unsigned [2]string

	// Unbound says that what proves the sender does not cover the body: a secret in the URL, of a vendor that signs
	// nothing.
	Unbound bool

	// Busy is the HTTP status that asks the vendor to slow down; 0 is 429. A vendor that stops sending for long when
	// it sees one needs another.
	Busy int
}

// Envelope reads the envelope of a body whose signature there is no secret to verify with: it is signed first, with a
// secret of our own. It is nil where the service can't be asked.
func (w *Webhook) Envelope(body []byte, now time.Time) (*Envelope, error) {
	if w.Sign == nil || w.Open == nil {
		return nil, nil
	}
	const secret = "whsec_fixture"
	return w.Open(&WebhookRequest{Body: body, Header: w.Sign(body, secret, now), Now: now,
		Conn: &Conn{Settings: map[string][]string{w.SecretSetting: {secret}}}})
}

// WebhookRequest is an incoming webhook before it is trusted.
type WebhookRequest struct {
	Body   []byte
	Header http.Header
	Query  url.Values // of the URL; nil where it has none
	Conn   *Conn
	Now    time.Time

	// Of a path of a recipe's own: the path, and the settings of the trigger that names it.
	Path     string
	Settings map[string]cty.Value
}

// Envelope is what every event has, whoever sent it.
type Envelope struct {
	ID         string
	Type       string
	Time       time.Time
	Account    string
	APIVersion string
	Livemode   bool
	Payload    string // what is kept, where that is not the body itself
}

// WebhookError is why a webhook was refused.
type WebhookError struct {
	Status int    // what the sender is answered: 400 unless said otherwise
	Reason string // for the sender and the log: says what is wrong, gives a forger no hint
	Detail string // for the log only
	Forged bool   // the signature did not hold, as against a body that can't be read
}

func (e *WebhookError) Error() string {
	if e.Detail != "" {
		return e.Reason + ": " + e.Detail
	}
	return e.Reason
}
