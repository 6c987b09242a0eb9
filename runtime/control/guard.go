package control

import (
	"crypto/sha256"
	"crypto/subtle"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// guard keeps out who is not the operator.
type guard struct {
	token   *[sha256.Size]byte // of the token; nil where there is none
	hosts   map[string]bool
	origins *http.CrossOriginProtection
}

func newGuard(token string, hosts []string) *guard {
	g := &guard{hosts: map[string]bool{}, origins: http.NewCrossOriginProtection()}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		g.token = &sum
	}
	for _, h := range hosts {
		g.hosts[strings.ToLower(strings.Trim(h, "[]"))] = true
	}
	return g
}

// check returns why the request is refused, or nil.
func (g *guard) check(r *http.Request) *Problem {
	// Probes say nothing but yes or no, and those who probe hold no token and know no name.
	if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
		return nil
	}
	if g.token != nil {
		if !g.bearer(r) {
			return problem(http.StatusUnauthorized, "unauthorized", "this door wants a token: send Authorization: Bearer and the value of FLOWRUN_CONTROL_TOKEN")
		}
	} else if !g.localName(r.Host) {
		// A stranger's page can have its own name lead to this machine; the name it calls us by gives it away.
		return problem(http.StatusForbidden, "wrong_host", "call this door by a loopback name or address, such as 127.0.0.1 or localhost")
	}
	if origin := r.Header.Get("Origin"); origin != "" && !sameOrigin(origin, r.Host) {
		return problem(http.StatusForbidden, "cross_origin", "pages of other origins may not ask")
	}
	if g.origins.Check(r) != nil {
		return problem(http.StatusForbidden, "cross_origin", "pages of other origins may not ask")
	}
	if r.Method == http.MethodPost {
		// A type that a page can't post elsewhere without asking first.
		kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || kind != "application/json" {
			return problem(http.StatusUnsupportedMediaType, "content_type", "send Content-Type: application/json")
		}
	}
	return nil
}

func (g *guard) bearer(r *http.Request) bool {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return false
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return false
	}
	// Of equal length, so that the time of the comparison tells nothing, not even the token's length.
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	return subtle.ConstantTimeCompare(sum[:], g.token[:]) == 1
}

// localName reports whether a Host header names this machine from within.
func (g *guard) localName(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.Trim(name, "[]"))
	if name == "localhost" || g.hosts[name] {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.Unmap().IsLoopback()
}

func sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && strings.EqualFold(u.Host, host)
}
