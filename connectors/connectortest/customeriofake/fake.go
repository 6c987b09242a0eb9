// Package customeriofake is a Customer.io that runs in memory: the parts of its Track and App APIs that flowrun calls,
// with the state they leave behind. It stands in for the vendor in tests and in `flowrun dev`.
//
// It is strict where the vendor is (authentication, limits, shapes) and keeps what the vendor would only act on, so that
// a test can ask what became of a call: an event whose id was seen before is ignored and counted, an e-mail that is sent
// twice is there twice, a batch with one bad item takes the others. It sends nothing, and campaigns and segments that
// fill themselves are not there.
package customeriofake

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Options set a fake up. The zero value accepts any credentials.
type Options struct {
	SiteID, APIKey string // what Track calls must carry; any where both are empty
	AppKey         string // what App calls must carry; any where empty

	// Now is the fake's clock; time.Now where nil.
	Now func() time.Time

	// AutoCreate has a look-up of somebody who isn't there make them first, so that recipes go on in a sandbox.
	AutoCreate bool

	// Latency is how long each answer takes; 0 for as fast as it can be made.
	Latency time.Duration

	// OnCall is told of each call once its answer is decided, in order. It must not call the fake.
	OnCall func(Call)
}

// Call is one request as it arrived.
type Call struct {
	At     time.Time
	Method string
	Path   string // as sent, still encoded
	Body   any    // the decoded JSON; nil where there was none
	Raw    []byte
	Header http.Header // without credentials
	Status int         // what was answered; 0 where the connection was cut
}

// Person is somebody the fake knows. Attributes hold what was set last for each name.
type Person struct {
	Identifier string // that they were first named by: an id, an e-mail address, a phone number or cio_…
	CioID      string // that the fake gave them
	Attributes map[string]any
	Devices    map[string]Device // by token
	Segments   []int             // manual ones, ascending
}

// Device is a person's.
type Device struct {
	Platform   string
	LastUsed   int64 // unix seconds
	Attributes map[string]any
}

// Object is what people have in common. Its key is "type/id", or "cio/id" where it is named by the vendor's id.
type Object struct {
	Key        string
	Attributes map[string]any
	People     map[string]map[string]any // attributes of the relationships, by the person's identifier
}

// Event is an event that was accepted for the first time.
type Event struct {
	Identifier  string // "" for an anonymous one
	AnonymousID string
	Name, Type  string
	ID          string // the ULID it is recognised by, "" where none was sent
	Timestamp   int64  // unix seconds
	Data        map[string]any
}

// Email is a transactional message that was accepted.
type Email struct {
	Channel    string // "email", "push", "sms", "in_app", "inbox_message"
	DeliveryID string
	QueuedAt   int64
	Body       map[string]any // the request as it was sent
}

// Broadcast is a start of a broadcast that was accepted.
type Broadcast struct {
	BroadcastID int
	ID          int
	Body        map[string]any
}

// Fault is an answer given instead of the right one. The request is read and logged, and has no effect unless Act is
// set.
type Fault struct {
	Status int // 500 where zero
	Header http.Header
	Body   string

	Act  bool          // take effect all the same, then answer so: an answer that was lost on its way
	Hold chan struct{} // answer only when it is closed, or when the client has gone
	Cut  bool          // close the connection without an answer
}

// Fake is a Customer.io in memory. It is an http.Handler for both of its APIs, and safe for concurrent use. It must be
// served by net/http, since a fault that cuts the connection relies on http.ErrAbortHandler.
type Fake struct {
	opts Options

	mu         sync.Mutex
	people     map[string]*Person
	born       int             // how many people there have been
	suppressed map[string]bool // identifiers, folded
	objects    map[string]*Object
	events     []Event
	seen       map[string]bool // ids of events
	duplicates int
	deleted    []string
	messages   []Email
	broadcasts []Broadcast
	started    map[int]time.Time // when a broadcast was started last
	webhooks   []Webhook
	hooks      int // how many webhooks there have been
	calls      []Call
	faults     []Fault

	notify sync.Mutex // keeps OnCall in order without holding mu
}

var _ http.Handler = (*Fake)(nil)

// New returns a fake that knows nobody.
func New(opts Options) *Fake {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Fake{opts: opts, people: map[string]*Person{}, suppressed: map[string]bool{}, objects: map[string]*Object{},
		seen: map[string]bool{}, started: map[int]time.Time{}}
}

// ServeHTTP implements http.Handler.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	call := Call{At: f.opts.Now(), Method: r.Method, Path: r.URL.EscapedPath(), Raw: raw, Header: r.Header.Clone()}
	call.Header.Del("Authorization")
	if len(raw) > 0 {
		// What is no JSON is refused by the endpoint, not here.
		_ = json.Unmarshal(raw, &call.Body)
	}
	var a answer
	fault, faulty := f.nextFault()
	switch {
	case err != nil:
		a = refuse(http.StatusRequestEntityTooLarge, "request body is too large")
	case !faulty || fault.Act:
		a = f.dispatch(r, raw)
	}
	if faulty {
		a = answer{status: fault.Status, header: fault.Header, body: []byte(fault.Body)}
		if a.status == 0 {
			a.status = http.StatusInternalServerError
		}
		if fault.Cut {
			a.status = 0
		}
	}
	call.Status = a.status
	f.log(call)
	if f.opts.Latency > 0 {
		select {
		case <-time.After(f.opts.Latency):
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	if fault.Hold != nil {
		select {
		case <-fault.Hold:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	if fault.Cut {
		panic(http.ErrAbortHandler) // net/http's own way to close a connection without an answer
	}
	maps.Copy(w.Header(), a.header)
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

func (f *Fake) nextFault() (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.faults) == 0 {
		return Fault{}, false
	}
	fault := f.faults[0]
	f.faults = f.faults[1:]
	return fault, true
}

func (f *Fake) log(c Call) {
	f.notify.Lock()
	defer f.notify.Unlock()
	f.mu.Lock()
	f.calls = append(f.calls, c)
	f.mu.Unlock()
	if f.opts.OnCall != nil {
		f.opts.OnCall(c)
	}
}

// Fail gives the next len(faults) calls these answers, after those that were asked for before.
func (f *Fake) Fail(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, faults...)
}

// Calls returns the calls so far, in the order of their arrival.
func (f *Fake) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// answer is what a handler decided.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func ok(v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		return refuse(http.StatusInternalServerError, "answer can't be encoded")
	}
	return answer{status: http.StatusOK, body: body}
}

// refuse answers in Track's shape of errors.
func refuse(status int, format string, args ...any) answer {
	a := ok(map[string]any{"meta": map[string]any{"errors": []string{fmt.Sprintf(format, args...)}}})
	a.status = status
	return a
}

// refuseApp answers in the shape of a send's errors.
func refuseApp(status int, format string, args ...any) answer {
	a := ok(map[string]any{"meta": map[string]any{"error": fmt.Sprintf(format, args...)}})
	a.status = status
	return a
}
