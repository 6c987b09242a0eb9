package connectors

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// errTooLarge is an answer beyond the cap.
var errTooLarge = errors.New("the answer is too large")

// readAll reads an answer of at most limit bytes to its end, so that the connection can be used again.
func readAll(r io.Reader, length, limit int64) ([]byte, error) {
	if length > limit {
		return nil, errTooLarge
	}
	size := int64(512)
	if length >= 0 {
		size = length + 1 // one more, so that the end is seen without growing
	}
	buf := make([]byte, 0, size)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if int64(len(buf)) > limit {
			return nil, errTooLarge
		}
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
	}
}

// drain reads what nobody wants, so that the connection can be used again. Beyond the limit a new connection is cheaper.
func drain(r io.Reader, limit int64) {
	_, _ = io.CopyN(io.Discard, r, limit)
}

// answerError is the failure of a call whose answer began and could not be read to its end. The vendor has acted.
func answerError(ctx context.Context, err error) *Error {
	if errors.Is(err, errTooLarge) {
		return &Error{Kind: KindDrift, Message: err.Error(), Err: err}
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	e := NetworkError(err)
	e.NotSent = false
	return e
}

// Invalid returns the failure of a call that can't be made. Nothing was sent.
func Invalid(message string) *Error {
	return &Error{Kind: KindInvalid, Message: message, NotSent: true}
}

// Invalidf is Invalid with a format.
func Invalidf(format string, args ...any) *Error { return Invalid(fmt.Sprintf(format, args...)) }

// asInvalid returns err as an *Error of its own; one of another type says that the call can't be made.
func asInvalid(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		own := *e
		return &own
	}
	return &Error{Kind: KindInvalid, Message: cleanText(err.Error()), Err: err}
}
