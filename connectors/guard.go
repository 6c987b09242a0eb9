package connectors

// A URL that a recipe makes of what strangers send must not reach what only this machine can reach: its own services,
// its network, the metadata of its cloud. Names can't be judged, since whoever owns one decides what it resolves to, and
// may decide anew between a look and the call. So the address is judged where a connection is made, after the name was
// resolved, and again for each redirect, which makes a connection of its own.

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// ErrPrivate is why a guarded request was not made.
var ErrPrivate = errors.New("the address is private, and allow_private is not set on the connection")

type publicOnly struct{}

// PublicOnly returns a context whose requests reach public addresses only, where they go through Guarded.
func PublicOnly(ctx context.Context) context.Context {
	return context.WithValue(ctx, publicOnly{}, true)
}

// Guarded returns a transport that refuses private addresses to requests made with PublicOnly, and is t to all others.
// The two share no connection, so that one which was allowed can't be used by one which is not. Guarded requests go
// through no proxy: it would do the resolving, behind the guard's back.
func Guarded(t *http.Transport) http.RoundTripper {
	public := t.Clone()
	public.Proxy = nil
	public.DialTLSContext = nil
	public.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Control: control}).DialContext
	return &guarded{all: t, public: public}
}

type guarded struct{ all, public *http.Transport }

// RoundTrip implements http.RoundTripper.
func (g *guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if only, _ := r.Context().Value(publicOnly{}).(bool); only {
		return g.public.RoundTrip(r)
	}
	return g.all.RoundTrip(r)
}

// CloseIdleConnections closes those of both.
func (g *guarded) CloseIdleConnections() {
	g.all.CloseIdleConnections()
	g.public.CloseIdleConnections()
}

// control is asked with the address of each connection before it is made.
func control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !PublicAddress(at.Addr()) {
		return ErrPrivate
	}
	return nil
}

// reserved are the networks that are no one's on the internet and that netip has no name for, and those that lead to
// other addresses by their own, whose target can't be judged.
func reserved() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),
		netip.MustParsePrefix("100.64.0.0/10"), // shared by providers, and where some clouds keep their metadata
		netip.MustParsePrefix("192.0.0.0/24"),
		netip.MustParsePrefix("192.0.2.0/24"),
		netip.MustParsePrefix("192.88.99.0/24"),
		netip.MustParsePrefix("198.18.0.0/15"),
		netip.MustParsePrefix("198.51.100.0/24"),
		netip.MustParsePrefix("203.0.113.0/24"),
		netip.MustParsePrefix("240.0.0.0/4"),
		netip.MustParsePrefix("::/96"),
		netip.MustParsePrefix("64:ff9b::/96"),
		netip.MustParsePrefix("64:ff9b:1::/48"),
		netip.MustParsePrefix("100::/64"),
		netip.MustParsePrefix("2001::/23"),
		netip.MustParsePrefix("2001:db8::/32"),
		netip.MustParsePrefix("2002::/16"),
		netip.MustParsePrefix("fec0::/10"),
	}
}

// PublicAddress reports whether an address is one that anybody on the internet could call.
func PublicAddress(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsValid() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() {
		return false
	}
	for _, p := range reserved() {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
