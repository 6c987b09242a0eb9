package connectors

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
)

// progress watches how far a request came, since most errors don't tell: a deadline that passed while a connection was
// being made looks like one that passed while the vendor worked. Only the first proves that nothing was sent, and an
// action that must not be repeated may then be. A transport that reports nothing proves nothing.
type progress struct {
	asked, got atomic.Bool // for a connection
}

func (p *progress) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { p.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { p.got.Store(true) },
	})
}

// settle corrects what the error alone let e say of NotSent. net/http repeats some requests by itself, so that even a
// refused connection may follow one over which the request went.
func (p *progress) settle(e *Error) *Error {
	if p.asked.Load() {
		e.NotSent = !p.got.Load()
	}
	return e
}
