package control

import (
	"context"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/flowrun/flowrun/runtime"
)

// guard keeps out who may not come in: first those who come by a way that no honest one comes by, such as a stranger's
// page in an operator's browser, then those of whom it is not known who they are.
type guard struct {
	access  *Access
	hosts   map[string]bool
	clock   runtime.Clock
	signIns *attempts
	tokens  *attempts // in headers
}

func newGuard(a *Access, hosts []string, clock runtime.Clock) *guard {
	g := &guard{access: a, hosts: map[string]bool{}, clock: clock, signIns: newAttempts(signInPace), tokens: newAttempts(tokenPace)}
	for _, h := range hosts {
		g.hosts[strings.ToLower(strings.Trim(h, "[]"))] = true
	}
	return g
}

// isProbe reports whether a path is one of the probes, which say nothing but yes or no: those who probe hold no token
// and know no name.
func isProbe(path string) bool { return path == "/healthz" || path == "/readyz" }

// isPage reports whether a path is the page's: files that are the same for everybody and hold no data.
func isPage(path string) bool {
	return !isProbe(path) && path != "/metrics" && path != "/api" && !strings.HasPrefix(path, "/api/")
}

// check returns why the way by which a request comes is refused, or nil.
func (g *guard) check(r *http.Request) *Problem {
	if isProbe(r.URL.Path) {
		return nil
	}
	if !g.access.locked {
		if !g.localName(r.Host) {
			// A stranger's page can have its own name lead to this machine; the name it calls us by gives it away.
			return problem(http.StatusForbidden, "wrong_host", "call this door by a loopback name or address, such as 127.0.0.1 or localhost")
		}
		for _, name := range [...]string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"} {
			if len(r.Header[name]) > 0 {
				// A proxy on this machine would let the whole world be this machine.
				return problem(http.StatusForbidden, "proxied", "this door has no tokens, so that only this machine may ask, and the request came through a proxy; "+
					"give the server tokens, or have the proxy name its users: see docs/operations.md")
			}
		}
	}
	if !g.ownOrigin(r) || !ownSite(r) {
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

// ownOrigin reports whether a request that says which page it comes from comes from ours.
func (g *guard) ownOrigin(r *http.Request) bool {
	origins := r.Header["Origin"]
	if len(origins) == 0 {
		return true
	}
	if len(origins) > 1 {
		return false
	}
	u, err := url.Parse(origins[0])
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	if p := g.access.public; p != nil && u.Scheme == p.Scheme && strings.EqualFold(u.Host, p.Host) {
		return true
	}
	return strings.EqualFold(u.Host, r.Host)
}

// ownSite reports whether what the browser says of the request's way fits. Other sites, and others of the same site, may
// lead a person to a page, in a tab of its own, and nothing else: not even a look, since how long it takes tells.
func ownSite(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return len(r.Header["Sec-Fetch-Site"]) <= 1
	case "same-site", "cross-site":
		return isPage(r.URL.Path) && (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
			r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	}
	return false
}

// identify returns who asks, or why that is not known.
func (g *guard) identify(r *http.Request) (*principal, *Problem) {
	from := g.address(r)
	if !g.access.locked { // a token that nobody asked for says nothing
		return &principal{name: unnamed, role: RoleOperate, via: "local", from: from.String()}, nil
	}
	if token, given, ok := bearer(r); given {
		now := g.clock.Now()
		if !g.tokens.take(from, now) {
			return nil, problem(http.StatusTooManyRequests, "too_many", "too many wrong tokens came from this address; wait a minute")
		}
		if k, known := g.access.bySecret(token); ok && known {
			g.tokens.giveBack(from)
			return &principal{name: k.name, role: k.role, via: "token", from: from.String()}, nil
		}
		return nil, unauthorized()
	}
	if p := g.session(r); p != nil {
		p.from = from.String()
		return p, nil
	}
	if p := g.proxied(r); p != nil {
		p.from = from.String()
		return p, nil
	}
	return nil, unauthorized()
}

func unauthorized() *Problem {
	return problem(http.StatusUnauthorized, "unauthorized", "this door wants a token: sign in, or send Authorization: Bearer and the value of FLOWRUN_CONTROL_TOKEN")
}

// bearer returns the token of a header. given is false where there is none, and ok where there are several.
func bearer(r *http.Request) (token string, given, ok bool) {
	values := r.Header.Values("Authorization")
	for _, v := range values {
		scheme, rest, _ := strings.Cut(v, " ")
		if strings.EqualFold(scheme, "Bearer") {
			token, given = strings.TrimSpace(rest), true
		}
	}
	return token, given, len(values) == 1
}

// proxied returns the user whom a trusted proxy names. A page that has its name lead to this machine could name anyone,
// so the door must be called by a name of its own.
func (g *guard) proxied(r *http.Request) *principal {
	p := g.access.proxy
	if p == nil || p.Header == "" || !g.access.trusts(remote(r)) || !g.localName(r.Host) && !g.publicName(r.Host) {
		return nil
	}
	users := r.Header.Values(p.Header)
	if len(users) != 1 || users[0] == "" || len(users[0]) > 256 {
		return nil
	}
	return &principal{name: users[0], role: p.roleOf(users[0]), via: "proxy"}
}

// remote is the address that the connection comes from.
func remote(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// address is where a request comes from: of those that a trusted proxy passes on, the last address before the proxies'.
func (g *guard) address(r *http.Request) netip.Addr {
	at := remote(r)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && g.access.trusts(at); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		at = hop.Unmap().WithZone("")
	}
	return at
}

// localName reports whether a Host header names this machine from within.
func (g *guard) localName(host string) bool {
	name := hostName(host)
	if name == "localhost" || g.hosts[name] {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.Unmap().IsLoopback()
}

func (g *guard) publicName(host string) bool {
	return g.access.public != nil && strings.EqualFold(host, g.access.public.Host)
}

func hostName(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// secure reports whether the browser speaks https, perhaps with a proxy.
func (g *guard) secure(r *http.Request) bool {
	public := g.access.public
	return r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") ||
		public != nil && public.Scheme == "https" && (g.publicName(r.Host) || g.access.trusts(remote(r)))
}

// stands reports whether somebody may still do what he began, such as listen: his token is there, in the role that he
// came in, and his session has not ended.
func (g *guard) stands(p *principal) bool {
	switch p.via {
	case "token", "session":
		k, ok := g.access.byName(p.name)
		return ok && k.role == p.role && (p.ends == 0 || g.clock.Now().Unix() < p.ends)
	}
	return true
}

type principalKey struct{}

func withPrincipal(r *http.Request, p *principal) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), principalKey{}, p))
}

// asker returns who asks; nil where that is not known.
func asker(r *http.Request) *principal {
	p, _ := r.Context().Value(principalKey{}).(*principal)
	return p
}
