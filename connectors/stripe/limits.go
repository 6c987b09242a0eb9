package stripe

import (
	"strings"

	"github.com/flowrun/flowrun/connectors"
)

// The classes of limits besides the connection's own.
const (
	limitSearch = "search"
	limitFiles  = "files"
)

// limits are what Stripe documents for live mode: so many calls of an account, and fewer of one endpoint. Search and
// files are apart, with limits of their own. Of one payment or one subscription it also takes so many updates an hour;
// those answers are waited out, as Retry-After says.
func limits() map[string]connectors.Limit {
	return map[string]connectors.Limit{
		"":                      {Rate: 100, Burst: 100},
		connectors.EachEndpoint: {Rate: 25, Burst: 25},
		limitSearch:             {Rate: 20, Burst: 20},
		limitFiles:              {Rate: 20, Burst: 20},
	}
}

// testRate is what Stripe takes in test mode, in calls a second.
const testRate = 25

// limitFor is what holds for a connection: none where its calls go to another address, who is not Stripe.
func limitFor(c *connectors.Conn, class string) connectors.Limit {
	if base := strings.TrimRight(c.Setting(settingBaseURL), "/"); base != "" && base != defaultBaseURL {
		return connectors.Limit{}
	}
	l := limits()[class]
	if live, known := keyMode(c); known && !live && l.Rate > testRate {
		l.Rate, l.Burst = testRate, testRate
	}
	return l
}

// endpoint names what the limit of each endpoint is counted for; "" for those that are apart.
func (op operation) endpoint() string {
	if op.limit() != "" {
		return ""
	}
	return op.method + " " + op.path
}

func (op operation) limit() string {
	switch {
	case strings.HasPrefix(op.answer, "search "):
		return limitSearch
	case op.path == "/v1/files" || strings.HasPrefix(op.path, "/v1/files/"):
		return limitFiles
	}
	return ""
}
