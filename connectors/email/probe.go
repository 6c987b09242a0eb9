package email

import (
	"context"
	"net/http"

	"github.com/flowrun/flowrun/connectors"
)

// methodGreet is the method of a request that greets the server, encrypts the connection and logs in, and sends nothing.
const methodGreet = "GREET"

func probes(s *settings) []connectors.Probe {
	return []connectors.Probe{{Name: "the mail server", Takes: "the login", Requires: []string{s.host.Name},
		Ask: func(ctx context.Context, c *connectors.Conn) error {
			req, err := s.dialed(ctx, c, methodGreet, http.NoBody)
			if err != nil {
				return err
			}
			resp, failed, err := connectors.Do(c.Client, req)
			if err != nil {
				return failed
			}
			return resp.Body.Close()
		}}}
}
