// Package stripefake is a Stripe that runs in memory: it keeps customers, and with a description of the API any object.
// It stands in for the vendor in tests and in `flowrun dev`.
//
// It is strict where Stripe is (key, version, parameters) and repeats Stripe's words and shapes, errors included: a
// repeated key replays the first answer, a key with other parameters or whose first request is still under way is
// refused. It sends no webhooks, charges nobody, and does no sums: what is created is an example of its kind with what
// was given put in, and the best known verbs change its status.
package stripefake

import (
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options set a fake up.
type Options struct {
	// AutoCreate answers a look-up of a customer that isn't there with a plausible one of that id, whose e-mail address
	// is at example.com, and keeps it. An id that does not begin with cus_ is still not found.
	AutoCreate bool

	// API describes the operations; nil where a few about customers will do.
	API API

	// Now is the fake's clock; time.Now where nil.
	Now func() time.Time

	// OnRequest is told of each request once its answer is decided, in order. It must not call the fake.
	OnRequest func(Request)
}

// Request is one request as it arrived.
type Request struct {
	At     time.Time
	Method string
	Path   string // as sent, still encoded
	Query  url.Values
	Form   url.Values  // of the body
	Header http.Header // without credentials
	Status int         // what was answered; 0 where the connection was cut
	Replay bool        // the answer was the one that the idempotency key had before
}

// Customer is what the fake keeps of a customer. Empty strings are null in answers.
type Customer struct {
	ID          string
	Email       string
	Name        string
	Phone       string
	Description string
	Currency    string
	Metadata    map[string]string
	Created     time.Time
	Deleted     bool
}

// Fault is an answer given instead of the right one. The request is logged, and has no effect unless Act is set.
type Fault struct {
	Status int // 500 where zero
	Header http.Header
	Body   string // Stripe's own shape for the status where empty

	Act  bool            // take effect all the same, then answer so: an answer that was lost on its way
	Hold <-chan struct{} // answer only when it is closed, or when the client has gone
	Cut  bool            // close the connection without an answer
}

// Fake is a Stripe in memory. It is an http.Handler, and safe for concurrent use.
type Fake struct {
	opts Options

	mu       sync.Mutex
	objects  map[string]*stored // by id
	keys     map[string]*keyed
	requests []Request
	faults   []Fault
	allowed  map[string][]string // by restricted key, the permissions that it has
	made     int                 // objects that were created, for their ids and their order
	served   int                 // requests, for theirs

	notify sync.Mutex // keeps OnRequest in order without holding mu
}

// keyed is what an idempotency key stands for.
type keyed struct {
	request string  // method, path and body of the first request
	answer  *answer // nil while the first request is under way
}

var _ http.Handler = (*Fake)(nil)

// New returns a fake without customers.
func New(opts Options) *Fake {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Fake{opts: opts, objects: map[string]*stored{}, keys: map[string]*keyed{}}
}

// maxRequest is the largest body that is read, in bytes.
const maxRequest = 1 << 20

// ServeHTTP implements http.Handler.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := r.Body
	if body == nil {
		body = http.NoBody // a request that did not come through a server
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, body, maxRequest))
	var form url.Values
	var formErr error
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		form, formErr = url.ParseQuery(string(raw))
	}
	req := Request{At: f.opts.Now(), Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.Query(), Form: form, Header: r.Header.Clone()}
	req.Header.Del("Authorization")
	id, fault, faulty := f.begin()
	var a answer
	var key string // that this request took, and has to settle
	switch {
	case err != nil:
		a = refuse(http.StatusRequestEntityTooLarge, problem{Message: "The request body is too large."})
	case formErr != nil:
		a = refuse(http.StatusBadRequest, problem{Message: "Invalid request body: it is not form-encoded."})
	case !faulty || fault.Act:
		a, key = f.serve(r, &req, raw)
	}
	right := a
	if faulty {
		a = fault.answer()
	}
	if req.Status = a.status; fault.Cut {
		req.Status = 0
	}
	f.log(req)
	gone := fault.wait(r)
	if key != "" {
		f.settle(key, right)
	}
	if gone || fault.Cut {
		panic(http.ErrAbortHandler) // net/http's own way to close a connection without an answer
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Request-Id", id)
	h.Set("Stripe-Version", apiVersion)
	if key := r.Header.Get("Idempotency-Key"); key != "" {
		h.Set("Idempotency-Key", key)
	}
	if req.Replay {
		h.Set("Idempotent-Replayed", "true")
	}
	maps.Copy(h, a.header)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// wait holds an answer back for as long as was asked. It reports whether the client has gone meanwhile.
func (f Fault) wait(r *http.Request) (gone bool) {
	if f.Hold == nil {
		return false
	}
	select {
	case <-f.Hold:
		return false
	case <-r.Context().Done():
		return true
	}
}

// begin numbers a request and takes the fault that is due.
func (f *Fake) begin() (id string, fault Fault, faulty bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.served++
	id = fmt.Sprintf("req_fake%010d", f.served)
	if len(f.faults) > 0 {
		fault, faulty = f.faults[0], true
		f.faults = f.faults[1:]
	}
	return id, fault, faulty
}

func (f *Fake) log(r Request) {
	f.notify.Lock()
	defer f.notify.Unlock()
	f.mu.Lock()
	f.requests = append(f.requests, r)
	f.mu.Unlock()
	if f.opts.OnRequest != nil {
		f.opts.OnRequest(r)
	}
}

// Fail gives the next len(faults) requests these answers, after those that were asked for before.
func (f *Fake) Fail(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, faults...)
}

// Requests returns the requests so far, in the order of their answers.
func (f *Fake) Requests() []Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

// Restrict says what a restricted key may do, by Stripe's names: "rak_customer_write", which includes to read. A key of
// which nothing is said may do everything.
func (f *Fake) Restrict(key string, permissions ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.allowed == nil {
		f.allowed = map[string][]string{}
	}
	f.allowed[key] = slices.Clone(permissions)
}

// PutCustomer adds a customer, or replaces the one of that id. A zero Created is now.
func (f *Fake) PutCustomer(c Customer) {
	c.Metadata = maps.Clone(c.Metadata)
	if c.Created.IsZero() {
		c.Created = f.opts.Now()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.put("customer", c.ID, c.object()).deleted = c.Deleted
}

// DeleteCustomer deletes a customer as the API does: a look-up of the id then says that it was deleted. It reports
// whether there was such a customer.
func (f *Fake) DeleteCustomer(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.objects[id]
	if c == nil || c.deleted || c.object != "customer" {
		return false
	}
	c.deleted = true
	return true
}

// Customer returns a copy of the customer of that id; ok is false where there is none.
func (f *Fake) Customer(id string) (c Customer, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := f.objects[id]
	if known == nil || known.object != "customer" {
		return Customer{}, false
	}
	return known.customer(), true
}

// Customers returns how many customers there are, without the deleted ones.
func (f *Fake) Customers() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, c := range f.objects {
		if c.object == "customer" && !c.deleted {
			n++
		}
	}
	return n
}

// invent returns a customer of that id, the same at every time but for its age.
func (f *Fake) invent(id string) *Customer {
	first := []string{"Jenny", "Ada", "Louis", "Mina", "Tomás", "Ingrid", "Kofi", "Yuki"}
	last := []string{"Rosen", "Okafor", "Lindqvist", "Moreau", "Tanaka", "Silva", "Novak", "Haddad"}
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	n := h.Sum32()
	return &Customer{
		ID:      id,
		Name:    first[n%8] + " " + last[n/8%8],
		Email:   strings.ToLower(strings.TrimPrefix(id, "cus_")) + "@example.com",
		Created: f.opts.Now(),
	}
}
