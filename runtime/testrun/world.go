package testrun

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/suite"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/memstore"
)

// clock shows a time that is set. Whoever waits on it is the only one at work, so that the time passes for him at once.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

var _ runtime.Clock = (*clock)(nil)

// Now implements runtime.Clock.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// After implements runtime.Clock.
func (c *clock) After(d time.Duration) (<-chan time.Time, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(max(d, 0))
	passed := make(chan time.Time, 1)
	passed <- c.now
	return passed, func() {}
}

// set moves the clock on to a time, never back.
func (c *clock) set(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if to.After(c.now) {
		c.now = to
	}
}

// Call is one call that a step made, with all its attempts.
type Call struct {
	Recipe, Step, Each, Action string
	Event                      int // of the test, from 1
	At                         time.Time
	Input                      cty.Value
	Attempts                   int
	Error                      *connectors.Error // of the last attempt
}

// world is all that one test runs in. It is the transport of its engine's client, so that callers find it there.
type world struct {
	test     *suite.Test
	recipe   *check.Recipe
	registry *connectors.Registry
	clock    *clock
	store    *memstore.Store
	engine   *engine.Engine
	events   []*runtime.Event

	mu       sync.Mutex
	calls    []*Call
	answered map[string]int   // calls of a mock, by address and element
	attempts map[string]*Call // by key
}

// RoundTrip implements http.RoundTripper: no request is made.
func (w *world) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("a test calls nobody")
}

// answering is the caller of an action in tests.
func answering(s *connectors.Spec, a *connectors.Action, inner connectors.Caller) connectors.Caller {
	return connectors.Func(func(ctx context.Context, c *connectors.Call) (connectors.Result, error) {
		w, ok := c.Conn.Client.Transport.(*world)
		if !ok {
			return connectors.Result{}, errors.New("a call outside of a test")
		}
		call := w.note(c)
		res, err := w.answer(ctx, s, a, inner, c)
		if err != nil {
			call.Error = connectors.AsError(err)
		} else {
			call.Error = nil
		}
		return res, err
	})
}

// note keeps that a call was made.
func (w *world) note(c *connectors.Call) *Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	call := w.attempts[c.Key]
	if call == nil {
		call = &Call{Step: c.Step, Each: c.Each, Action: c.Action.Name, At: w.clock.Now(), Input: c.Input, Recipe: w.recipe.Name}
		for i, ev := range w.events {
			if ev.ID == c.EventID {
				call.Event = i + 1
			}
		}
		if !w.own(c) {
			call.Recipe = "" // of a recipe that it calls
		}
		w.attempts[c.Key] = call
		w.calls = append(w.calls, call)
	}
	call.Attempts++
	return call
}

// own reports whether the tested recipe made a call itself.
func (w *world) own(c *connectors.Call) bool {
	for _, ev := range w.events {
		if ev.ID == c.EventID && c.Run == runtime.RunID(ev, w.recipe.Name, "") {
			return true
		}
	}
	return false
}

func (w *world) answer(ctx context.Context, s *connectors.Spec, a *connectors.Action, inner connectors.Caller, c *connectors.Call) (connectors.Result, error) {
	mocked := w.mocked(c)
	if s.Local && mocked == nil {
		return inner.Call(ctx, c)
	}
	// What the service would never be sent fails as it does when it is served.
	if made, ok := inner.(interface {
		Request(context.Context, *connectors.Call) (*http.Request, error)
	}); ok {
		if _, err := made.Request(ctx, c); err != nil {
			if own := (*connectors.Error)(nil); errors.As(err, &own) {
				return connectors.Result{}, own
			}
			return connectors.Result{}, connectors.Invalid(err.Error())
		}
	}
	if mocked != nil && mocked.Error != nil {
		return connectors.Result{}, failureOf(mocked.Error)
	}
	res := connectors.Result{Status: http.StatusOK}
	if a.Out == nil {
		return res, nil
	}
	shape, raw := w.shapeOf(a, c), []byte(a.Answer)
	if len(raw) == 0 || shape != a.Out {
		raw = shape.Sample(c.Step)
	}
	if object := w.object(c); object != nil {
		raw = object
	}
	if mocked != nil {
		if mocked.Result.IsNull() {
			res.Output = cty.NullVal(cty.DynamicPseudoType)
			return res, nil
		}
		var err error
		if raw, err = suite.Merge(shape, raw, mocked.Result); err != nil {
			return res, fmt.Errorf("making the answer of %s: %w", c.Step, err)
		}
	}
	out, _, err := shape.Decode(raw, &schema.Paths{All: true})
	if err != nil {
		return res, fmt.Errorf("making the answer of %s: %w", c.Step, err)
	}
	res.Output = out
	return res, nil
}

// object returns what the event carries, where the call fetches what it is about; else nil.
func (w *world) object(c *connectors.Call) []byte {
	if !strings.HasPrefix(c.Step, "trigger.") {
		return nil
	}
	for _, ev := range w.events {
		if hook := w.hook(ev.Service); ev.ID == c.EventID && hook != nil {
			return schema.Lookup(ev.Payload, hook.Data...)
		}
	}
	return nil
}

// shapeOf is the shape of a step's answer: that which the recipe declares, where it does.
func (w *world) shapeOf(a *connectors.Action, c *connectors.Call) *schema.Object {
	if w.own(c) {
		for _, n := range slices.Concat(w.recipe.Nodes, w.recipe.OnError) {
			if n.Address == c.Step && n.Out != nil {
				return n.Out
			}
		}
	}
	return a.Out
}

// mocked returns what the test says of this call, or nil.
func (w *world) mocked(c *connectors.Call) *suite.Answer {
	m := w.test.Mocks[c.Step]
	if m == nil || !w.own(c) {
		return nil
	}
	answers, key := m.Answers, c.Step
	if each, ok := m.Each[c.Each]; ok {
		answers, key = each, c.Step+"\x00"+c.Each
	}
	if len(answers) == 0 {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.answered[key]
	w.answered[key]++
	return answers[min(n, len(answers)-1)]
}

// failureOf is a mocked failure as a service makes it.
func failureOf(f *suite.Failure) *connectors.Error {
	kind := connectors.Kind(f.Kind)
	e := &connectors.Error{Kind: kind, Status: f.Status, Message: f.Message, RetryAfter: f.RetryAfter}
	if e.Message == "" {
		e.Message = "mocked by the test"
	}
	statuses := map[connectors.Kind]int{connectors.KindRateLimited: http.StatusTooManyRequests, connectors.KindConflict: http.StatusConflict,
		connectors.KindServer: http.StatusInternalServerError, connectors.KindRefused: http.StatusBadRequest, connectors.KindUnauthorized: http.StatusUnauthorized,
		connectors.KindNotFound: http.StatusNotFound, connectors.KindGone: http.StatusGone}
	if e.Status == 0 {
		e.Status = statuses[kind]
	}
	switch kind {
	case connectors.KindRateLimited, connectors.KindInvalid:
		e.NotSent = true
	}
	return e
}
