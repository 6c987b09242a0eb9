package http

import (
	"context"
	"net/http"
	"net/url"

	"github.com/flowrun/flowrun/connectors"
)

// probes asks whether anybody answers at base_url. What the answer says is no matter: which paths there are is known to
// the recipes only.
func probes() []connectors.Probe {
	return []connectors.Probe{{Name: "the host of base_url", Takes: "requests", Requires: []string{"base_url"},
		Ask: func(ctx context.Context, c *connectors.Conn) error {
			u, err := url.Parse(c.Setting("base_url"))
			if err != nil || u.Host == "" {
				return connectors.Invalid("the connection's base_url must begin with https:// or http://")
			}
			if c.Setting("allow_private") != "true" {
				ctx = connectors.PublicOnly(ctx)
			}
			req, err := http.NewRequestWithContext(ctx, http.MethodHead, u.String(), nil)
			if err != nil {
				return connectors.Invalid("base_url can't be used")
			}
			req.Header.Set("User-Agent", "flowrun")
			client := *c.Client
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			resp, failed, err := connectors.Do(&client, req)
			if err != nil {
				return failed
			}
			return resp.Body.Close()
		}}}
}
