package connectors

// What a failed exchange means is decided here, once for every service: a status, a broken connection or a header
// becomes the Kind that recipes and the engine's retries go by. A service that brings its own client (Stripe's SDK)
// calls these functions instead of deciding again.

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"
)

// StatusKind returns what an HTTP status means, and "" for the ones below 300. A redirect is not followed and counts
// as refused.
func StatusKind(status int) Kind {
	switch {
	case status < 300:
		return ""
	case status == http.StatusTooManyRequests:
		return KindRateLimited
	case status == http.StatusConflict:
		return KindConflict
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return KindUnauthorized
	case status == http.StatusNotFound:
		return KindNotFound
	case status == http.StatusGone:
		return KindGone
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status >= 500:
		return KindServer
	}
	return KindRefused
}

// NetworkError returns the failure of an exchange that brought no answer. NotSent is set only where the error itself
// proves that no request left: a name that did not resolve, a connection that was not made, a handshake that failed.
// The message holds no URL, since paths and queries carry personal data.
func NetworkError(err error) *Error {
	var done *Error
	if errors.As(err, &done) {
		own := *done // a transport of ours (a limit, a dry run) said it already, perhaps to others too
		return &own
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	e := &Error{Kind: KindNetwork, Err: err, NotSent: neverConnected(err)}
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		e.Kind, e.Message = KindCanceled, "the call was canceled"
	case errors.Is(err, context.DeadlineExceeded):
		e.Kind, e.Message = KindTimeout, "no answer in the time given"
	case errors.As(err, &timeout) && timeout.Timeout():
		e.Kind, e.Message = KindTimeout, "no answer in time: "+err.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.Message = "the connection was cut before the answer was complete"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		e.Message = "the connection was reset: " + err.Error()
	case e.NotSent:
		e.Message = "no connection: " + err.Error()
	default:
		e.Message = err.Error()
	}
	e.Message = cleanText(e.Message)
	return e
}

// neverConnected reports whether err proves that no byte of a request was sent. A context that ended while dialling
// proves nothing, since its error is the same as of one that ended while waiting.
func neverConnected(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") {
		return true
	}
	var dns *net.DNSError
	var record tls.RecordHeaderError
	var verify *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &dns), errors.As(err, &record), errors.As(err, &verify),
		errors.As(err, &authority), errors.As(err, &hostname), errors.As(err, &invalid),
		errors.Is(err, http.ErrSchemeMismatch), errors.Is(err, syscall.ECONNREFUSED):
		return true
	}
	// The type of net/http's own error is not exported; its text has not changed since it was written.
	return err.Error() == "net/http: TLS handshake timeout"
}

// maxRetryAfter bounds what a vendor's Retry-After can ask for.
const maxRetryAfter = 30 * 24 * time.Hour

// RetryAfter returns how long the header Retry-After asks to wait, counted from now; 0 where it is absent, past, or
// not one of its two forms, seconds and an HTTP date.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	var d time.Duration
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		if math.IsNaN(s) || s <= 0 {
			return 0
		}
		if s >= maxRetryAfter.Seconds() {
			return maxRetryAfter
		}
		d = time.Duration(s * float64(time.Second))
	} else if at, err := http.ParseTime(v); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}

// maxMessage is the longest text of a vendor's error that is kept, in bytes.
const maxMessage = 500

// cleanText makes a foreign text fit for one line of a log: control characters become spaces, what is too long is cut.
func cleanText(s string) string {
	if len(s) > maxMessage {
		end := maxMessage
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end] + "…"
	}
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}
