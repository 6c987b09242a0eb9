package customerio

// What `flowrun doctor` asks: where the Track API says that the account is, which either of its hosts answers, and a list
// of the App API. Each takes its own credentials.

import (
	"context"
	"net/http"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

func probes(s *settings) []connectors.Probe {
	return []connectors.Probe{
		{Name: "the Track API", Takes: "site_id and api_key", Requires: []string{s.siteID.Name, s.apiKey.Name},
			Ask: func(ctx context.Context, c *connectors.Conn) error { return s.askRegion(ctx, c) }},
		{Name: "the App API", Takes: "app_key", Requires: []string{s.appKey.Name},
			Ask: func(ctx context.Context, c *connectors.Conn) error {
				_, err := NewReportingWebhooks(c).List(ctx)
				return err
			}},
	}
}

// askRegion asks where the account is, and refuses another region than the connection's.
func (s *settings) askRegion(ctx context.Context, c *connectors.Conn) error {
	text := schema.Type{Kind: schema.KindString}
	shape := schema.NewObject("region", schema.Field{Name: "region", Type: text}, schema.Field{Name: "data_center", Type: text})
	shape.Open = true
	h := s.trackCall(&connectors.HTTP{Method: http.MethodGet, Path: "/api/v1/accounts/region", Encode: connectors.NoBody})
	res, err := h.Call(ctx, &connectors.Call{Conn: c, Input: cty.EmptyObjectVal, Action: &connectors.Action{Action: schema.Action{Out: shape}}})
	if err != nil {
		return err
	}
	said := ""
	for _, name := range []string{"region", "data_center"} {
		if v := res.Output.GetAttr(name); said == "" && !v.IsNull() {
			said = v.AsString()
		}
	}
	ours := "us"
	if c.Setting(s.region.Name) == "eu" {
		ours = "eu"
	}
	if (said == "us" || said == "eu") && said != ours && c.Setting(s.trackURL.Name) == "" {
		return connectors.Invalidf("the account is kept in the region %q, and %s of the connection is %q: calls would fail, or pass data through the other region", said, s.region.Name, ours)
	}
	return nil
}
