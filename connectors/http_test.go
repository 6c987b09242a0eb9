package connectors_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

var (
	text   = schema.Type{Kind: schema.KindString}
	number = schema.Type{Kind: schema.KindNumber}
	free   = schema.Type{Kind: schema.KindAny}
)

// key is the secret setting of the tests' service.
func key() connectors.Setting {
	return connectors.Setting{Field: schema.Field{Name: "key", Type: text, Secret: true}, Env: "VENDOR_KEY"}
}

func action(h *connectors.HTTP, out *schema.Object) *connectors.Action {
	return &connectors.Action{Call: h, Action: schema.Action{Name: "vendor_do", Out: out, In: schema.NewObject("do",
		schema.Field{Name: "who", Type: text}, schema.Field{Name: "page", Type: number},
		schema.Field{Name: "note", Type: text}, schema.Field{Name: "data", Type: free})}}
}

func call(a *connectors.Action, base string, in map[string]cty.Value) *connectors.Call {
	all := map[string]cty.Value{}
	for _, name := range a.In.Names() {
		all[name] = cty.NullVal(cty.DynamicPseudoType)
	}
	for name, v := range in {
		all[name] = v
	}
	return &connectors.Call{Action: a, Key: "k1", Input: cty.ObjectVal(all), Conn: &connectors.Conn{Name: "vendor",
		Service: "vendor", Client: &http.Client{}, Settings: map[string][]string{"url": {base}, "key": {"hunter2"}}}}
}

func base(c *connectors.Conn) string { return c.Setting("url") }

var answerShape = schema.NewObject("answer", schema.Field{Name: "id", Type: text, Required: true})

func TestHTTPRequest(t *testing.T) {
	in := map[string]cty.Value{
		"who": cty.StringVal("a/b c+d&e@é?#%"), "page": cty.NumberIntVal(2), "note": cty.StringVal(`"x" & y=z`),
		"data": cty.ObjectVal(map[string]cty.Value{
			"list": cty.TupleVal([]cty.Value{cty.NumberIntVal(1), cty.True}), "none": cty.NullVal(cty.String)}),
	}
	const path = "/v1/people/{who}/do"
	for name, c := range map[string]struct {
		h    *connectors.HTTP
		uri  string
		kind string
		body string
	}{
		"json": {h: &connectors.HTTP{Path: path, Query: []string{"page"}},
			uri: "/v1/people/a%2Fb%20c%2Bd%26e%40%C3%A9%3F%23%25/do?page=2", kind: "application/json",
			body: `{"note":"\"x\" & y=z","data":{"list":[1,true]}}`},
		"renamed": {h: &connectors.HTTP{Path: path, Rename: map[string]string{"note": "remark", "data": ""}},
			uri: "/v1/people/a%2Fb%20c%2Bd%26e%40%C3%A9%3F%23%25/do", kind: "application/json",
			body: `{"page":2,"remark":"\"x\" & y=z"}`},
		"form": {h: &connectors.HTTP{Path: path, Encode: connectors.Form},
			uri: "/v1/people/a%2Fb%20c%2Bd%26e%40%C3%A9%3F%23%25/do", kind: "application/x-www-form-urlencoded",
			body: `page=2&note=%22x%22%20%26%20y%3Dz&data[list][0]=1&data[list][1]=true`},
		"no body": {h: &connectors.HTTP{Path: "/x", Encode: connectors.NoBody, Query: []string{"who", "note", "page"}},
			uri: "/x?who=a%2Fb%20c%2Bd%26e%40%C3%A9%3F%23%25&note=%22x%22%20%26%20y%3Dz&page=2"},
		"nested query": {h: &connectors.HTTP{Path: "/x", Encode: connectors.NoBody, Query: []string{"data", "page"}},
			uri: "/x?data[list][0]=1&data[list][1]=true&page=2"},
		"another content": {h: &connectors.HTTP{Path: "/x", ContentType: "text/plain",
			Body: func(dst []byte, _ *connectors.Call) ([]byte, error) { return append(dst, "hello"...), nil }},
			uri: "/x", kind: "text/plain", body: "hello"},
	} {
		t.Run(name, func(t *testing.T) {
			c.h.Method, c.h.Base, c.h.KeyHeader = http.MethodPost, base, "Idempotency-Key"
			c.h.Headers = map[string]string{"X-Version": "3"}
			req, err := c.h.Request(t.Context(), call(action(c.h, nil), "https://vendor.example/", in))
			if err != nil {
				t.Fatalf("making the request: %v", err)
			}
			if got := req.URL.RequestURI(); got != c.uri {
				t.Errorf("uri %s\nwant %s", got, c.uri)
			}
			if req.Host != "vendor.example" || req.Header.Get("Idempotency-Key") != "k1" || req.Header.Get("X-Version") != "3" {
				t.Errorf("host %q, headers %v", req.Host, req.Header)
			}
			if got := req.Header.Get("Content-Type"); got != c.kind {
				t.Errorf("content type %q, want %q", got, c.kind)
			}
			var got []byte
			if req.Body != nil {
				if got, err = io.ReadAll(req.Body); err != nil {
					t.Fatal(err)
				}
			}
			if !sameJSON(string(got), c.body) {
				t.Errorf("body %s\nwant %s", got, c.body)
			}
		})
	}
}

// sameJSON compares two bodies but for the escapes that JSON leaves free.
func sameJSON(a, b string) bool {
	free := strings.NewReplacer(`\u0026`, "&", `\u003d`, "=")
	return free.Replace(a) == free.Replace(b)
}

func TestHTTPRefusesBeforeSending(t *testing.T) {
	who := func(v string) map[string]cty.Value { return map[string]cty.Value{"who": cty.StringVal(v)} }
	plain := func() *connectors.HTTP { return &connectors.HTTP{Path: "/p/{who}", Base: base} }
	for name, c := range map[string]struct {
		h    *connectors.HTTP
		base string
		in   map[string]cty.Value
		want string
	}{
		"no value":  {plain(), "https://v.example", nil, "who is empty"},
		"empty":     {plain(), "https://v.example", who(""), "who is empty"},
		"dot":       {plain(), "https://v.example", who("."), "can't stand in a path"},
		"two dots":  {plain(), "https://v.example", who(".."), "can't stand in a path"},
		"no base":   {plain(), "", who("a"), "must begin with https://"},
		"file":      {plain(), "file:///etc/passwd", who("a"), "must begin with https://"},
		"bad base":  {plain(), "https://v.example:port", who("a"), "can't be used"},
		"no key":    {&connectors.HTTP{Path: "/", Base: base, KeyHeader: "K"}, "https://v.example", nil, "no idempotency key"},
		"template":  {&connectors.HTTP{Path: "/p/{who", Base: base}, "https://v.example", who("a"), "not closed"},
		"relative":  {&connectors.HTTP{Path: "p", Base: base}, "https://v.example", who("a"), "does not begin with /"},
		"own check": {&connectors.HTTP{Path: "/", Base: base, Check: func(*connectors.Call) error { return errors.New("too long") }}, "https://v.example", nil, "too long"},
		"object in path": {plain(), "https://v.example", map[string]cty.Value{"who": cty.EmptyObjectVal},
			"can't be written as text"},
		"setting": {&connectors.HTTP{Path: "/", Base: base, Requires: []connectors.Setting{{
			Field: schema.Field{Name: "token"}, Env: "VENDOR_TOKEN"}}}, "https://v.example", nil, "VENDOR_TOKEN"},
	} {
		t.Run(name, func(t *testing.T) {
			cl := call(action(c.h, nil), c.base, c.in)
			if name == "no key" {
				cl.Key = ""
			}
			cl.Conn.Client.Transport = fail{t}
			_, err := c.h.Call(t.Context(), cl)
			e := connectors.AsError(err)
			if e.Kind != connectors.KindInvalid || !e.NotSent || !strings.Contains(e.Message, c.want) {
				t.Errorf("%+v, want kind invalid and %q", e, c.want)
			}
		})
	}
}

// fail is a transport that must not be reached.
type fail struct{ t *testing.T }

func (f fail) RoundTrip(r *http.Request) (*http.Response, error) {
	f.t.Errorf("sent %s", r.URL)
	return nil, errors.New("sent")
}

// serve runs handler and returns an action that calls it.
func serve(t *testing.T, h *connectors.HTTP, out *schema.Object, handler http.HandlerFunc) (*connectors.Call, *conns) {
	t.Helper()
	seen := &conns{}
	s := httptest.NewUnstartedServer(handler)
	s.Config.ConnState = seen.state
	s.Start()
	t.Cleanup(s.Close)
	h.Method, h.Path, h.Base, h.Requires = http.MethodPost, "/do", base, []connectors.Setting{key()}
	return call(action(h, out), s.URL, nil), seen
}

// conns counts the connections that a server took.
type conns struct {
	mu sync.Mutex
	n  int
}

func (c *conns) state(_ net.Conn, s http.ConnState) {
	if s == http.StateNew {
		c.mu.Lock()
		c.n++
		c.mu.Unlock()
	}
}

func (c *conns) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func TestHTTPReusesConnections(t *testing.T) {
	for name, out := range map[string]*schema.Object{"answer wanted": answerShape, "answer not wanted": nil} {
		t.Run(name, func(t *testing.T) {
			n := 0
			c, seen := serve(t, &connectors.HTTP{}, out, func(w http.ResponseWriter, r *http.Request) {
				if n++; n%3 == 0 {
					w.WriteHeader(http.StatusInternalServerError)
				}
				_, _ = io.WriteString(w, `{"id":"1","pad":"`+strings.Repeat("x", 20_000)+`"}`)
			})
			for i := range 30 {
				if _, err := c.Action.Call.Call(t.Context(), c); (err != nil) != (i%3 == 2) {
					t.Fatalf("call %d: %v", i, err)
				}
			}
			if seen.count() != 1 {
				t.Errorf("%d connections for 30 calls in a row", seen.count())
			}
		})
	}
}

func TestHTTPAnswers(t *testing.T) {
	date := "Wed, 04 Mar 2026 05:06:07 GMT"
	for name, c := range map[string]struct {
		h       *connectors.HTTP
		out     *schema.Object
		handler http.HandlerFunc
		want    connectors.Error // Err is not compared; Message must be contained
	}{
		"cut in the answer": {out: answerShape, want: connectors.Error{Kind: connectors.KindNetwork, Status: 200, Message: "cut"},
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "100")
				_, _ = io.WriteString(w, `{"id":`)
				flush(w)
				panic(http.ErrAbortHandler)
			}},
		"too large": {h: &connectors.HTTP{MaxAnswer: 100}, out: answerShape,
			want: connectors.Error{Kind: connectors.KindDrift, Status: 200, Message: "too large"},
			handler: func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, `{"id":"`+strings.Repeat("x", 100)+`"}`)
			}},
		"too large without a length": {out: answerShape, want: connectors.Error{Kind: connectors.KindDrift, Status: 200, Message: "too large"},
			handler: func(w http.ResponseWriter, _ *http.Request) {
				for range 40 {
					_, _ = io.WriteString(w, strings.Repeat(" ", 32<<10))
				}
			}},
		"missing member": {out: answerShape, want: connectors.Error{Kind: connectors.KindDrift, Status: 200, Message: "id"},
			handler: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) }},
		"retry date by the vendor's clock": {want: connectors.Error{Kind: connectors.KindServer, Status: 503,
			Message: "service unavailable", RetryAfter: time.Minute},
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", date)
				w.Header().Set("Retry-After", "Wed, 04 Mar 2026 05:07:07 GMT")
				w.WriteHeader(503)
			}},
		"unknown status": {want: connectors.Error{Kind: connectors.KindRefused, Status: 499, Message: "no meaning"},
			handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(499) }},
		"redirect": {want: connectors.Error{Kind: connectors.KindRefused, Status: 308, Message: "host other.example"},
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "https://other.example/people/jo@example.com")
				w.WriteHeader(308)
			}},
		"the vendor repeats the secret": {
			h:    &connectors.HTTP{Problem: func(_ int, _ http.Header, b []byte) (string, string) { return string(b), "c-hunter2" }},
			want: connectors.Error{Kind: connectors.KindUnauthorized, Status: 401, Message: "key [secret] is wrong", Code: "c-[secret]"},
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(401)
				_, _ = io.WriteString(w, "key hunter2\x1b is wrong")
			}},
		"the secret lies across the cut": {
			h:    &connectors.HTTP{Problem: func(_ int, _ http.Header, b []byte) (string, string) { return string(b), "" }},
			want: connectors.Error{Kind: connectors.KindUnauthorized, Status: 401, Message: "xx[sec"},
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(401)
				_, _ = io.WriteString(w, strings.Repeat("x", 496)+"hunter2 is wrong")
			}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.h == nil {
				c.h = &connectors.HTTP{}
			}
			cl, _ := serve(t, c.h, c.out, c.handler)
			_, err := c.h.Call(t.Context(), cl)
			if err == nil {
				t.Fatal("no failure")
			}
			e := connectors.AsError(err)
			if !strings.Contains(strings.ReplaceAll(e.Message, "  ", " "), c.want.Message) || strings.Contains(e.Message, "hunt") || len(e.Message) > 600 {
				t.Errorf("message %q, want %q", e.Message, c.want.Message)
			}
			got := *e
			got.Err, got.Message = nil, c.want.Message
			if got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

// A vendor that answers 2xx has acted: what becomes of an answer that nobody wants is of no matter.
func TestHTTPSuccessWithoutAnswer(t *testing.T) {
	h := &connectors.HTTP{}
	c, _ := serve(t, h, nil, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "half")
		flush(w)
		panic(http.ErrAbortHandler)
	})
	res, err := h.Call(t.Context(), c)
	if err != nil || res.Status != http.StatusAccepted || res.Output != cty.NilVal {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestHTTPReset(t *testing.T) {
	h := &connectors.HTTP{}
	c, _ := serve(t, h, nil, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Errorf("taking the connection: %v", err)
			return
		}
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	})
	_, err := h.Call(t.Context(), c)
	if e := connectors.AsError(err); err == nil || e.Kind != connectors.KindNetwork || e.NotSent {
		t.Errorf("%+v, want kind network without proof", err)
	}
}

func TestHTTPUntrustedCertificate(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = quiet()
	s.StartTLS()
	t.Cleanup(s.Close)
	h := &connectors.HTTP{Method: http.MethodPost, Path: "/", Base: base}
	_, err := h.Call(t.Context(), call(action(h, nil), s.URL, nil))
	if e := connectors.AsError(err); err == nil || e.Kind != connectors.KindNetwork || !e.NotSent {
		t.Errorf("%+v, want kind network and proof that nothing was sent", err)
	}
}

func TestHTTPDeadlineWhileWaiting(t *testing.T) {
	h := &connectors.HTTP{}
	ctx, cancel := context.WithCancelCause(t.Context())
	c, _ := serve(t, h, nil, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel(errors.New("shutting down"))
		<-r.Context().Done()
	})
	_, err := h.Call(ctx, c)
	if e := connectors.AsError(err); err == nil || e.Kind != connectors.KindCanceled || e.NotSent {
		t.Errorf("%+v, want kind canceled without proof", err)
	}
}

// stuck is a client whose connections are never made; dialling is told of each try.
func stuck(dialling chan<- struct{}) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		dialling <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}}}
}

func TestHTTPProofOfNotSent(t *testing.T) {
	h := &connectors.HTTP{Method: http.MethodPost, Path: "/", Base: base}
	c := call(action(h, nil), "http://vendor.example", nil)

	t.Run("canceled while connecting", func(t *testing.T) {
		dialling := make(chan struct{}, 1)
		c.Conn.Client = stuck(dialling)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-dialling
			cancel()
		}()
		_, err := h.Call(ctx, c)
		if e := connectors.AsError(err); err == nil || e.Kind != connectors.KindCanceled || !e.NotSent {
			t.Errorf("%+v, want kind canceled with proof", err)
		}
	})
	t.Run("over before it began", func(t *testing.T) {
		ctx, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
		defer cancel()
		_, err := h.Call(ctx, c)
		if e := connectors.AsError(err); err == nil || e.Kind != connectors.KindTimeout || !e.NotSent {
			t.Errorf("%+v, want kind timeout with proof", err)
		}
	})
	t.Run("a transport that tells nothing", func(t *testing.T) {
		c.Conn.Client = &http.Client{Transport: silent{}}
		_, err := h.Call(t.Context(), c)
		if e := connectors.AsError(err); err == nil || e.NotSent {
			t.Errorf("%+v, want no proof", err)
		}
	})
}

// waiting is a limit that was left before its turn came.
type waiting struct{ cancel context.CancelFunc }

func (w waiting) RoundTrip(*http.Request) (*http.Response, error) {
	w.cancel()
	return nil, &connectors.Error{Kind: connectors.KindCanceled, Message: "left the queue", NotSent: true}
}

func TestHTTPKeepsTheTransportsOwnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h := &connectors.HTTP{Method: http.MethodPost, Path: "/", Base: base}
	c := call(action(h, nil), "http://vendor.example", nil)
	c.Conn.Client = &http.Client{Transport: waiting{cancel}}
	_, err := h.Call(ctx, c)
	if e := connectors.AsError(err); err == nil || e.Message != "left the queue" || !e.NotSent {
		t.Errorf("%+v, want the transport's own error", err)
	}
}

type silent struct{}

func (silent) RoundTrip(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }

// net/http repeats a request with an Idempotency-Key by itself where a kept connection breaks. That the repeat finds no
// server says nothing of the first, which was read.
func TestHTTPRefusedAfterSilentRepeat(t *testing.T) {
	var s *httptest.Server
	var n atomic.Int32
	s = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if n.Add(1) == 2 {
			_ = s.Listener.Close()
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(s.Close)
	h := &connectors.HTTP{Method: http.MethodPost, Path: "/", Base: base, KeyHeader: "Idempotency-Key"}
	c := call(action(h, nil), s.URL, nil)
	c.Conn.Client = s.Client()
	if _, err := h.Call(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	_, err := h.Call(t.Context(), c)
	if e := connectors.AsError(err); err == nil || e.Kind != connectors.KindNetwork || e.NotSent {
		t.Errorf("%+v, want kind network without proof", err)
	}
	if n.Load() != 2 {
		t.Errorf("%d requests, want 2", n.Load())
	}
}
