package connectors

import (
	"errors"
	"fmt"
	"time"
)

// Kind is what sort of failure a step met, as recipes name it in retry.on and error.kind.
type Kind string

const (
	KindNetwork      Kind = "network"      // no answer: connection refused, reset, or cut
	KindTimeout      Kind = "timeout"      // no answer in time
	KindRateLimited  Kind = "rate_limited" // 429, or the vendor's word for it
	KindConflict     Kind = "conflict"     // 409, a lock, a key in use
	KindServer       Kind = "server"       // 5xx, 408, 425
	KindRefused      Kind = "refused"      // another 4xx: the vendor understood and said no
	KindUnauthorized Kind = "unauthorized" // 401, 403
	KindNotFound     Kind = "not_found"    // 404
	KindGone         Kind = "gone"         // 410, or an object that was deleted
	KindInvalid      Kind = "invalid"      // the input can't be sent: refused before the call
	KindDrift        Kind = "drift"        // a payload or answer is not of its declared shape
	KindUnknown      Kind = "unknown"      // a call that must not be repeated was made and its answer never came
	KindCanceled     Kind = "canceled"
)

// Kinds returns all kinds, in the order of their declaration.
func Kinds() []Kind {
	return []Kind{KindNetwork, KindTimeout, KindRateLimited, KindConflict, KindServer, KindRefused, KindUnauthorized,
		KindNotFound, KindGone, KindInvalid, KindDrift, KindUnknown, KindCanceled}
}

// Transient reports whether a failure of this kind can pass by itself, so that a repeat makes sense.
func (k Kind) Transient() bool {
	switch k {
	case KindNetwork, KindTimeout, KindRateLimited, KindConflict, KindServer:
		return true
	}
	return false
}

// Error is a call that failed.
type Error struct {
	Kind    Kind
	Status  int    // of the HTTP answer; 0 where none came
	Message string // the vendor's or ours, without secrets
	Code    string // the vendor's code, where it has one

	// RetryAfter is how long the vendor asked to wait; 0 where it did not.
	RetryAfter time.Duration

	// NotSent is true where it is proved that the vendor did not act: the connection was never made, or the
	// vendor refused with 429 before acting. Only then may an AtMostOnce action be repeated.
	NotSent bool

	// Final is true where the vendor said that a repeat is no use, whatever the kind.
	Final bool

	Err error
}

func (e *Error) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("%s (HTTP %d): %s", e.Kind, e.Status, e.Message)
	}
	return string(e.Kind) + ": " + e.Message
}

// Unwrap returns the underlying error, if any.
func (e *Error) Unwrap() error { return e.Err }

// AsError returns err as an *Error; an error of another type becomes one of kind network.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Kind: KindNetwork, Message: err.Error(), Err: err}
}
