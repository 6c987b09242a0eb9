package customerio

// Most of these tests run in a bubble whose clock stands still while somebody works (testing/synctest), so that which calls
// share a batch is no matter of luck.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/connectortest"
)

// The same contract holds for calls that go by batches. Each attempt has a connection of its own, as the engine would
// have it after a reload; nothing waits for others, since there are none.
func TestContractOfBatches(t *testing.T) {
	t.Parallel()
	spec := Spec()
	for _, a := range spec.Actions {
		inner := a.Call
		a.Call = connectors.Func(func(ctx context.Context, c *connectors.Call) (connectors.Result, error) {
			own, conn := *c, *c.Conn
			conn.Kept = &batcher{settings: newSettings()}
			own.Conn = &conn
			return inner.Call(ctx, &own)
		})
	}
	connectortest.Contract(t, spec)
}

// vendor answers requests in memory.
type vendor struct {
	answer func(r *http.Request, items []string) (status int, body string, err error)

	mu       sync.Mutex
	requests [][]string // the names of the items of each
}

func (v *vendor) RoundTrip(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var body struct {
		Name  string `json:"name"`
		Batch []struct {
			Name string `json:"name"`
		} `json:"batch"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, fmt.Errorf("%s: %w", raw, err)
	}
	items := []string{}
	if body.Name != "" {
		items = append(items, r.URL.Path)
	}
	for _, item := range body.Batch {
		items = append(items, item.Name)
	}
	v.mu.Lock()
	v.requests = append(v.requests, items)
	v.mu.Unlock()
	status, text, err := http.StatusOK, "{}", error(nil)
	if v.answer != nil {
		status, text, err = v.answer(r, items)
	}
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, ContentLength: int64(len(text)),
		Body: io.NopCloser(bytes.NewReader([]byte(text))), Request: r}, nil
}

// sizes returns how many items each request had.
func (v *vendor) sizes() []int {
	v.mu.Lock()
	defer v.mu.Unlock()
	var out []int
	for _, r := range v.requests {
		out = append(out, len(r))
	}
	return out
}

// pool is a batching connection with the calls made on it.
type pool struct {
	t      *testing.T
	conn   *connectors.Conn
	action *connectors.Action
	wg     sync.WaitGroup
	mu     sync.Mutex
	errs   map[string]error
}

func newPool(t *testing.T, v *vendor) *pool {
	s := newSettings()
	conn := &connectors.Conn{Name: service, Service: service, Client: &http.Client{Transport: v},
		Settings: map[string][]string{"site_id": {"s"}, "api_key": {"track-key"}, "batch": {"true"}}}
	conn.Kept = s.keep(conn)
	return &pool{t: t, conn: conn, action: track(s), errs: map[string]error{}}
}

// start tracks an event of that name; wait collects what became of it.
func (p *pool) start(ctx context.Context, name, data string) {
	in, err := p.action.In.DecodeJSON(fmt.Appendf(nil, `{"id":"cus_1","name":%q,"data":{"d":%q}}`, name, data))
	if err != nil {
		p.t.Fatal(err)
	}
	c := &connectors.Call{Action: p.action, Conn: p.conn, Input: in, Key: name, EventTime: time.Unix(1772600767, 0)}
	p.wg.Go(func() {
		res, err := p.action.Call.Call(ctx, c)
		if err == nil && res.Status == 0 {
			err = errors.New("no status")
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.errs[name] = err
	})
}

func (p *pool) wait(names ...string) []*connectors.Error {
	p.wg.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]*connectors.Error, len(names))
	for i, name := range names {
		if p.errs[name] != nil {
			out[i] = connectors.AsError(p.errs[name])
		}
	}
	return out
}

func kinds(errs []*connectors.Error) string {
	var out []string
	for _, e := range errs {
		switch {
		case e == nil:
			out = append(out, "ok")
		case e.NotSent:
			out = append(out, string(e.Kind)+" not sent")
		default:
			out = append(out, string(e.Kind))
		}
	}
	return strings.Join(out, ", ")
}

func TestEachCallGetsItsOwnAnswer(t *testing.T) {
	const reset = "connection reset"
	for name, c := range map[string]struct {
		status int
		body   string
		want   string // of the calls a, b and c
	}{
		"all":              {200, `{}`, "ok, ok, ok"},
		"all, empty body":  {200, ``, "ok, ok, ok"},
		"one refused":      {207, `{"errors":[{"batch_index":1,"reason":"invalid","field":"name","message":"is bad"}]}`, "ok, refused, ok"},
		"refused twice":    {207, `{"errors":[{"batch_index":1},{"batch_index":1},{"batch_index":2,"reason":null}]}`, "ok, refused, refused"},
		"none named":       {207, `{}`, "drift, drift, drift"},
		"out of range":     {207, `{"errors":[{"batch_index":0},{"batch_index":7}]}`, "refused, drift, drift"},
		"no index":         {207, `{"errors":[{"message":"bad"}]}`, "drift, drift, drift"},
		"unreadable":       {207, `<html>`, "drift, drift, drift"},
		"slow down":        {429, `{}`, "rate_limited not sent, rate_limited not sent, rate_limited not sent"},
		"broken":           {503, ``, "server, server, server"},
		"wrong key":        {401, `{"meta":{"error":"track-key is wrong"}}`, "unauthorized, unauthorized, unauthorized"},
		"another region":   {301, ``, "refused, refused, refused"},
		"connection reset": {0, reset, "network, network, network"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				index := map[string]int{} // the order of arrival is luck; the answer names places
				v := &vendor{answer: func(_ *http.Request, items []string) (int, string, error) {
					body := c.body
					if len(items) == 3 {
						for i, item := range items {
							index[item] = i
						}
						for i, item := range []string{"a", "b", "c"} {
							body = strings.ReplaceAll(body, fmt.Sprintf(`"batch_index":%d`, i), fmt.Sprintf(`"batch_index": %d`, index[item]))
						}
					}
					if c.status == 0 {
						return 0, "", errors.New(reset)
					}
					return c.status, body, nil
				}}
				p := newPool(t, v)
				for _, name := range []string{"a", "b", "c"} {
					p.start(t.Context(), name, "")
				}
				errs := p.wait("a", "b", "c")
				if got := kinds(errs); got != c.want {
					t.Errorf("%s; want %s", got, c.want)
				}
				if sizes := v.sizes(); sizes[0] != 3 {
					t.Errorf("requests of %v calls", sizes)
				}
				for i, e := range errs {
					if e != nil && (strings.Contains(e.Error(), "track-key") || i > 0 && e == errs[i-1]) {
						t.Errorf("%v holds the key, or is shared", e)
					}
				}
				if c.status == 207 && c.want == "ok, refused, ok" && (errs[1].Message != "is bad (at name)" || errs[1].Status != 207 || errs[1].Code != "invalid") {
					t.Errorf("refused with %+v", errs[1])
				}
			})
		})
	}
}

// One item that makes the vendor refuse the whole must not take the others with it.
func TestWhatSpoilsABatchIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{answer: func(_ *http.Request, items []string) (int, string, error) {
			for _, item := range items {
				if item == "c" {
					return 400, `{"errors":[{"reason":"invalid","message":"malformed"}]}`, nil
				}
			}
			return 200, "{}", nil
		}}
		p := newPool(t, v)
		names := []string{"a", "b", "c", "d", "e", "f", "g"}
		for _, name := range names {
			p.start(t.Context(), name, "")
		}
		errs := p.wait(names...)
		if got := kinds(errs); got != "ok, ok, refused, ok, ok, ok, ok" || errs[2].Message != "malformed" {
			t.Errorf("%s: %v", got, errs[2])
		}
		accepted := map[string]int{}
		for _, r := range v.requests {
			if !strings.Contains(strings.Join(r, ""), "c") {
				for _, item := range r {
					accepted[item]++
				}
			}
		}
		for _, name := range names {
			if want := map[bool]int{true: 0, false: 1}[name == "c"]; accepted[name] != want {
				t.Errorf("%s was taken %d times", name, accepted[name])
			}
		}
	})
}

func TestWhoLeavesBeforeItIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{}
		p := newPool(t, v)
		ctx, cancel := context.WithCancel(t.Context())
		p.start(ctx, "a", "")
		p.start(t.Context(), "b", "")
		synctest.Wait()
		cancel()
		if got := kinds(p.wait("a", "b")); got != "canceled not sent, ok" {
			t.Error(got)
		}
		if len(v.requests) != 1 || strings.Join(v.requests[0], " ") != "b" {
			t.Errorf("sent %v", v.requests)
		}
		// A batch that all have left is not sent, and its clock is not that of the next.
		ctx, cancel = context.WithTimeout(t.Context(), linger/2)
		defer cancel()
		p.start(ctx, "c", "")
		if got := kinds(p.wait("c")); got != "timeout not sent" {
			t.Error(got)
		}
		began := time.Now()
		p.start(t.Context(), "d", "")
		if got := kinds(p.wait("d")); got != "ok" || time.Since(began) != linger {
			t.Errorf("%s after %s", got, time.Since(began))
		}
		if sizes := v.sizes(); len(sizes) != 2 {
			t.Errorf("requests of %v calls", sizes)
		}
	})
}

func TestWhoLeavesOnTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answered := make(chan struct{})
		v := &vendor{answer: func(r *http.Request, _ []string) (int, string, error) {
			select {
			case <-answered:
				return 200, "{}", nil
			case <-r.Context().Done():
				return 0, "", r.Context().Err()
			}
		}}
		p := newPool(t, v)
		ctx, cancel := context.WithCancel(t.Context())
		p.start(ctx, "a", "")
		p.start(t.Context(), "b", "")
		<-time.After(linger) // of the bubble's clock: it takes no time
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(answered)
		if got := kinds(p.wait("a", "b")); got != "canceled, ok" {
			t.Error(got)
		}

		// Once nobody waits any more, the request is given up.
		answered = make(chan struct{})
		ctx, cancel = context.WithCancel(t.Context())
		p.start(ctx, "c", "")
		p.start(ctx, "d", "")
		<-time.After(linger)
		synctest.Wait()
		cancel()
		if got := kinds(p.wait("c", "d")); got != "canceled, canceled" {
			t.Error(got)
		}
		synctest.Wait() // a request that stayed would be a deadlock of the bubble
	})
}

func TestBatchesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{}
		p := newPool(t, v)
		began := time.Now()
		for i := range maxBatchItems + 1 {
			p.start(t.Context(), fmt.Sprint("n", i), "")
		}
		p.wait()
		if sizes := v.sizes(); len(sizes) != 2 || sizes[0]+sizes[1] != maxBatchItems+1 || max(sizes[0], sizes[1]) != maxBatchItems {
			t.Errorf("requests of %v calls", sizes)
		}
		if time.Since(began) != linger {
			t.Errorf("after %s", time.Since(began))
		}

		// By size: 30 of 30,000 bytes are more than a batch takes.
		v.requests = nil
		v.answer = func(r *http.Request, _ []string) (int, string, error) {
			if r.ContentLength > maxBatch {
				return 400, "", nil
			}
			return 200, "{}", nil
		}
		var names []string
		for i := range 30 {
			names = append(names, fmt.Sprint("l", i))
			p.start(t.Context(), names[i], strings.Repeat("x", 30_000))
		}
		for i, e := range p.wait(names...) {
			if e != nil {
				t.Errorf("%s: %v", names[i], e)
			}
		}
		if sizes := v.sizes(); len(sizes) != 2 {
			t.Errorf("requests of %v calls", sizes)
		}

		// What is too large for a batch goes as before.
		v.requests = nil
		p.start(t.Context(), "big", strings.Repeat("x", 90_000))
		if got := kinds(p.wait("big")); got != "ok" || fmt.Sprint(v.requests) != "[[/api/v1/customers/cus_1/events]]" {
			t.Errorf("%s by %v", got, v.requests)
		}
	})
}

func TestOnlyWhoWantsItBatches(t *testing.T) {
	s := newSettings()
	for _, a := range Spec().Actions {
		_, ok := a.Call.(*change)
		if got := (&batcher{settings: s}).Batches(a); got != ok || got && a.Limit != "" {
			t.Errorf("%s of class %q travels with others: %v, want %v", a.Name, a.Limit, got, ok)
		}
	}
	if requests := float64(time.Second / linger); requests > limits()[""].Rate {
		t.Errorf("%g batches a second are more than the vendor takes", requests)
	}
	for value, want := range map[string]bool{"": false, "false": false, "true": true} {
		conn := &connectors.Conn{Settings: map[string][]string{"batch": {value}}}
		if got := s.keep(conn) != nil; got != want {
			t.Errorf("batch = %q keeps something: %v", value, got)
		}
	}
}
