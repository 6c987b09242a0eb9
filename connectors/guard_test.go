package connectors_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/connectors"
)

func TestPublicAddress(t *testing.T) {
	for _, a := range []string{
		"127.0.0.1", "127.255.0.1", "::1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200",
		"0.0.0.0", "255.255.255.255", "224.0.0.1", "fd00:ec2::254", "fe80::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
		"::7f00:1", "64:ff9b::7f00:1", "2002:7f00:1::", "::", "fec0::1", "2001:db8::1", "198.18.0.1", "fe80::1%eth0",
	} {
		if connectors.PublicAddress(netip.MustParseAddr(a)) {
			t.Errorf("%s is taken for public", a)
		}
	}
	for _, a := range []string{"1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "169.253.0.1"} {
		if !connectors.PublicAddress(netip.MustParseAddr(a)) {
			t.Errorf("%s is taken for private", a)
		}
	}
	if connectors.PublicAddress(netip.Addr{}) {
		t.Error("no address is taken for public")
	}
}

func TestGuardedRefusesThisMachine(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	client := &http.Client{Transport: connectors.Guarded(connectors.NewTransport())}
	defer client.CloseIdleConnections()
	get := func(url string, only bool) error {
		ctx := t.Context()
		if only {
			ctx = connectors.PublicOnly(ctx)
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	if err := get(srv.URL, false); err != nil {
		t.Fatal(err)
	}
	// The idle connection of the call before is not used, and a name is judged by what it resolves to.
	for _, url := range []string{srv.URL, strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)} {
		if err := get(url, true); !errors.Is(err, connectors.ErrPrivate) {
			t.Errorf("%s: %v, want it refused", url, err)
		}
	}
}
