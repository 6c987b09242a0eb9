package connectortest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/flowrun/flowrun/connectors"
)

// reply is how the recorder answers.
type reply struct {
	status int
	header http.Header
	body   string
	cut    bool // close the connection once the request has been read
	wait   bool // never answer: wait until the client goes
}

// recorder is the vendor's side: a server on the loopback that takes every host's requests and keeps them as text.
type recorder struct {
	server *httptest.Server
	client *http.Client

	mu        sync.Mutex
	reply     reply
	requests  []string
	passwords string        // of basic authentication, which requests hold encoded
	arrived   chan struct{} // one for each request that waits
}

func newRecorder(t *testing.T) *recorder {
	r := &recorder{arrived: make(chan struct{}, 16)}
	r.server = httptest.NewServer(r)
	transport := connectors.NewTransport()
	transport.Proxy = nil
	r.client = &http.Client{Transport: toServer{next: transport, host: r.server.Listener.Addr().String()}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		r.server.Close()
	})
	return r
}

// toServer sends every request to one host, whoever it was meant for.
type toServer struct {
	next http.RoundTripper
	host string
}

func (s toServer) RoundTrip(r *http.Request) (*http.Response, error) {
	there := r.Clone(r.Context())
	there.Host = r.URL.Host
	there.URL.Scheme, there.URL.Host = "http", s.host
	return s.next.RoundTrip(there)
}

// refusing returns a client whose connections are refused.
func refusing(t *testing.T) *http.Client {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	host := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatalf("closing: %v", err)
	}
	transport := connectors.NewTransport()
	transport.Proxy = nil
	return &http.Client{Transport: toServer{next: transport, host: host}}
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.mu.Lock()
	r.requests = append(r.requests, dump(req, body))
	_, password, _ := req.BasicAuth()
	r.passwords += password + "\n"
	now := r.reply
	r.mu.Unlock()
	if now.wait {
		r.arrived <- struct{}{}
		<-req.Context().Done()
		panic(http.ErrAbortHandler)
	}
	if now.cut {
		panic(http.ErrAbortHandler)
	}
	for name, values := range now.header {
		w.Header()[name] = values
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(now.status)
	_, _ = io.WriteString(w, now.body)
}

// dump writes a request as text, its headers sorted.
func dump(r *http.Request, body []byte) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s\nHost: %s\n", r.Method, r.URL.RequestURI(), r.Host)
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(r.Header[name], ", "))
	}
	fmt.Fprintf(&b, "\n%s", body)
	return b.String()
}

// answer sets how requests are answered from now on and forgets those that came.
func (r *recorder) answer(now reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reply, r.requests, r.passwords = now, nil, ""
}

// seen returns the requests since answer was called.
func (r *recorder) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// got returns those of the secrets that the requests since answer was called carried: what a vendor could repeat.
func (r *recorder) got(secrets []string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(secrets), func(s string) bool {
		return !strings.Contains(strings.Join(r.requests, "\n")+r.passwords, s)
	})
}

// attempt makes one call of the action.
func attempt(ctx context.Context, a *connectors.Action, call connectors.Call, client *http.Client) (connectors.Result, error) {
	conn := *call.Conn
	conn.Client = client
	call.Action, call.Conn = a, &conn
	return a.Call.Call(ctx, &call)
}

// elsewhere is where redirects of the contract point.
const elsewhere = "http://elsewhere.example/stolen"
