package connectors_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors"
)

func TestStatusKind(t *testing.T) {
	for status, want := range map[int]connectors.Kind{
		200: "", 201: "", 204: "", 207: "",
		301: connectors.KindRefused, 307: connectors.KindRefused,
		400: connectors.KindRefused, 402: connectors.KindRefused, 413: connectors.KindRefused, 422: connectors.KindRefused,
		401: connectors.KindUnauthorized, 403: connectors.KindUnauthorized,
		404: connectors.KindNotFound, 410: connectors.KindGone,
		408: connectors.KindServer, 425: connectors.KindServer, 500: connectors.KindServer, 502: connectors.KindServer,
		503: connectors.KindServer, 504: connectors.KindServer, 529: connectors.KindServer,
		409: connectors.KindConflict, 429: connectors.KindRateLimited,
	} {
		if got := connectors.StatusKind(status); got != want {
			t.Errorf("%d: %q, want %q", status, got, want)
		}
	}
}

func TestNetworkError(t *testing.T) {
	wrap := func(err error) error {
		return &url.Error{Op: "Post", URL: "https://user:hunter2@example.com/people/jo@example.com?k=hunter2", Err: err}
	}
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for name, c := range map[string]struct {
		err     error
		kind    connectors.Kind
		notSent bool
	}{
		"refused":          {dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), connectors.KindNetwork, true},
		"unreachable":      {dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH)), connectors.KindNetwork, true},
		"no such host":     {dial(&net.DNSError{Err: "no such host", Name: "example.com", IsNotFound: true}), connectors.KindNetwork, true},
		"dial timeout":     {dial(os.ErrDeadlineExceeded), connectors.KindTimeout, true},
		"proxy":            {&net.OpError{Op: "proxyconnect", Net: "tcp", Err: errors.New("no")}, connectors.KindNetwork, true},
		"not TLS":          {tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, connectors.KindNetwork, true},
		"plain HTTP":       {http.ErrSchemeMismatch, connectors.KindNetwork, true},
		"certificate":      {&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, connectors.KindNetwork, true},
		"host name":        {x509.HostnameError{Certificate: &x509.Certificate{}, Host: "example.com"}, connectors.KindNetwork, true},
		"handshake":        {errors.New("net/http: TLS handshake timeout"), connectors.KindNetwork, true},
		"reset":            {&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}, connectors.KindNetwork, false},
		"broken pipe":      {&net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE}, connectors.KindNetwork, false},
		"end":              {io.EOF, connectors.KindNetwork, false},
		"unexpected end":   {io.ErrUnexpectedEOF, connectors.KindNetwork, false},
		"TLS alert":        {&net.OpError{Op: "remote error", Err: tls.AlertError(42)}, connectors.KindNetwork, false},
		"read timeout":     {&net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}, connectors.KindTimeout, false},
		"deadline":         {context.DeadlineExceeded, connectors.KindTimeout, false},
		"canceled":         {context.Canceled, connectors.KindCanceled, false},
		"wrapped deadline": {fmt.Errorf("waiting: %w", context.DeadlineExceeded), connectors.KindTimeout, false},
		"unknown":          {errors.New("something\nelse"), connectors.KindNetwork, false},
	} {
		t.Run(name, func(t *testing.T) {
			e := connectors.NetworkError(wrap(c.err))
			if e.Kind != c.kind || e.NotSent != c.notSent {
				t.Errorf("kind %s, not sent %v; want %s, %v", e.Kind, e.NotSent, c.kind, c.notSent)
			}
			if e.Message == "" || strings.Contains(e.Message, "\n") {
				t.Errorf("message %q is empty or not one line", e.Message)
			}
			for at := error(e); at != nil; at = errors.Unwrap(at) {
				if strings.Contains(at.Error(), "hunter2") || strings.Contains(at.Error(), "jo@") {
					t.Errorf("%T holds the URL: %v", at, at)
				}
			}
			if !errors.Is(e, c.err) && errors.Unwrap(e) == nil {
				t.Error("the cause is lost")
			}
		})
	}
}

func TestNetworkErrorKeepsOurOwn(t *testing.T) {
	own := &connectors.Error{Kind: connectors.KindRateLimited, Message: "held back", NotSent: true}
	if got := connectors.NetworkError(&url.Error{Op: "Post", URL: "https://example.com", Err: own}); got == own || *got != *own {
		t.Errorf("%+v, want a copy of the transport's own error", got)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"0":                             0,
		"7":                             7 * time.Second,
		" 7 ":                           7 * time.Second,
		"1.5":                           1500 * time.Millisecond,
		"-3":                            0,
		"NaN":                           0,
		"Inf":                           30 * 24 * time.Hour,
		"1e300":                         30 * 24 * time.Hour,
		"99999999999999999999":          30 * 24 * time.Hour,
		"Wed, 04 Mar 2026 05:07:07 GMT": time.Minute,
		"Wed, 04 Mar 2026 05:00:00 GMT": 0,
		"Wed, 04 Mar 2099 05:00:00 GMT": 30 * 24 * time.Hour,
		"soon":                          0,
	} {
		h := http.Header{}
		if value != "" {
			h.Set("Retry-After", value)
		}
		if got := connectors.RetryAfter(h, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}
