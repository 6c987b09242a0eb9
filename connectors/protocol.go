package connectors

import "net/http"

// Protocol makes what carries requests that are not HTTP's, by the scheme of their URL: a call stays a request, so that
// tests, dry runs and limits step in where they always do, and only here does it become what the vendor speaks. It
// connects through t.DialContext, trusts whom t.TLSClientConfig trusts, and fails with an *Error.
type Protocol func(t *http.Transport) http.RoundTripper

// Speak has a transport carry what the services speak besides HTTP. It is called once, when the transport is complete.
func (r *Registry) Speak(t *http.Transport) {
	for _, name := range r.serviceNames {
		for scheme, p := range r.specs[name].Protocols {
			t.RegisterProtocol(scheme, p(t))
		}
	}
}
