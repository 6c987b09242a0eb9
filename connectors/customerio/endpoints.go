package customerio

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/connectors"
)

// endpoints are the reporting webhooks as flowrun sets them up. A webhook has no place for a note of ours but its name.
func endpoints() *connectors.Endpoints {
	return &connectors.Endpoints{
		KeySetting: "app_key", Secretless: true,
		SecretAt: "on the webhook's page at Customer.io, under Data & Integrations; it belongs into " + settingSigningKey,
		List: func(ctx context.Context, c *connectors.Conn) ([]connectors.Endpoint, error) {
			hooks, err := NewReportingWebhooks(c).List(ctx)
			all := make([]connectors.Endpoint, len(hooks))
			for i, w := range hooks {
				all[i] = w.endpoint()
			}
			return all, err
		},
		Create: func(ctx context.Context, c *connectors.Conn, e connectors.Endpoint) (connectors.Endpoint, error) {
			w, err := NewReportingWebhooks(c).Create(ctx, reportingWebhook(e, ReportingWebhook{}))
			return w.endpoint(), err
		},
		Update: func(ctx context.Context, c *connectors.Conn, e connectors.Endpoint) (connectors.Endpoint, error) {
			hooks := NewReportingWebhooks(c)
			all, err := hooks.List(ctx)
			if err != nil {
				return connectors.Endpoint{}, err
			}
			// An update replaces the whole webhook: what somebody chose of it stays.
			before := ReportingWebhook{}
			for _, w := range all {
				if strconv.FormatInt(w.ID, 10) == e.ID {
					before = w
				}
			}
			w, err := hooks.Update(ctx, reportingWebhook(e, before))
			return w.endpoint(), err
		},
		Delete: func(ctx context.Context, c *connectors.Conn, id string) error {
			n, err := strconv.ParseInt(id, 10, 64)
			if err != nil {
				return connectors.Invalidf("%q is no id of a webhook", id)
			}
			err = NewReportingWebhooks(c).Delete(ctx, n)
			if err != nil && connectors.AsError(err).Kind == connectors.KindNotFound {
				return nil // somebody else did it
			}
			return err
		},
	}
}

const (
	hookName    = "flowrun "
	hookRetired = " (retired)"
)

func (w ReportingWebhook) endpoint() connectors.Endpoint {
	e := connectors.Endpoint{URL: w.Endpoint, Events: slices.Sorted(slices.Values(w.Events)), Disabled: w.Disabled}
	if w.ID != 0 {
		e.ID = strconv.FormatInt(w.ID, 10)
	}
	if rest, ours := strings.CutPrefix(w.Name, hookName); ours {
		rest, e.Retired = strings.CutSuffix(rest, hookRetired)
		e.Instance, e.Connection, _ = strings.Cut(rest, " ")
	}
	return e
}

func reportingWebhook(e connectors.Endpoint, w ReportingWebhook) ReportingWebhook {
	w.ID, _ = strconv.ParseInt(e.ID, 10, 64) // 0 of one that is to be created
	w.Name, w.Endpoint, w.Events, w.Disabled = hookName+e.Instance+" "+e.Connection, e.URL, e.Events, e.Disabled
	if e.Retired {
		w.Name += hookRetired
	}
	return w
}
