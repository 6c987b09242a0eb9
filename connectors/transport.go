package connectors

import (
	"net"
	"net/http"
	"time"
)

// NewTransport returns the transport that calls to vendors go through: keep-alive connections in the number that a
// busy server needs, a bound on every phase that could hang, proxies from the environment. HTTP/2 is left out: one
// connection that breaks would break every call on it at once, and a stream's fate after a GOAWAY is harder to prove.
func NewTransport() *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  30 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConns:           2048,
		MaxIdleConnsPerHost:    1024,
		MaxConnsPerHost:        1024,
		MaxResponseHeaderBytes: 64 << 10,
		Protocols:              protocols,
	}
}
