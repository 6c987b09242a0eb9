package slack

import (
	"context"
	"net/http"

	"github.com/flowrun/flowrun/connectors"
)

// probes asks as whom the token posts, and whether the webhook is there: a message without a text is refused by one that
// is, and posts nothing.
func probes(s *settings) []connectors.Probe {
	return []connectors.Probe{
		{Name: "the Web API", Takes: "bot_token", Requires: []string{s.token.Name}, Ask: func(ctx context.Context, c *connectors.Conn) error {
			_, err := s.api(ctx, &connectors.Call{Conn: c}, "auth.test", "application/json; charset=utf-8", []byte("{}"))
			return err
		}},
		{Name: "the incoming webhook", Takes: "messages", Requires: []string{s.webhook.Name}, Ask: func(ctx context.Context, c *connectors.Conn) error {
			status, header, answer, err := send(ctx, &connectors.Call{Conn: c}, c.Setting(s.webhook.Name), "", "application/json", []byte("{}"))
			if err != nil {
				return err
			}
			said := word(answer)
			if status == http.StatusBadRequest && (said == "no_text" || said == "invalid_payload") {
				return nil
			}
			if e := refusal(status, header, said); e != nil {
				return e
			}
			return nil
		}},
	}
}
