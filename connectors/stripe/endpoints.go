package stripe

// Webhook endpoints and how they are kept right. Stripe tells an endpoint's secret once, when it is created, and renders
// its events in the version that it was created with for good: neither can be changed in place.

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
)

// The metadata by which endpoints of ours are known.
const (
	metaInstance   = "flowrun_instance"
	metaConnection = "flowrun_connection"
	metaRetired    = "flowrun_retired"
)

// mostEndpoints is how many endpoints an account can have.
const mostEndpoints = 16

const endpointsPath = "/v1/webhook_endpoints"

func endpoints() *connectors.Endpoints {
	return &connectors.Endpoints{
		List: listEndpoints, Create: createEndpoint, Update: updateEndpoint, Delete: deleteEndpoint,
		KeySetting: settingKey, ConnectSetting: settingConnect, APIVersion: APIVersion, Most: mostEndpoints,
		Check: checkMode,
	}
}

// endpoint is what Stripe says of one.
type endpoint struct {
	ID            string            `json:"id"`
	URL           string            `json:"url"`
	EnabledEvents []string          `json:"enabled_events"`
	APIVersion    string            `json:"api_version"`
	Application   string            `json:"application"`
	Status        string            `json:"status"`
	Metadata      map[string]string `json:"metadata"`
	Secret        string            `json:"secret"`
}

func (e *endpoint) ours() connectors.Endpoint {
	slices.Sort(e.EnabledEvents)
	return connectors.Endpoint{
		ID: e.ID, URL: e.URL, Events: e.EnabledEvents, APIVersion: e.APIVersion, Disabled: e.Status == "disabled",
		Connect: e.Metadata[metaConnect] == "true", Retired: e.Metadata[metaRetired] == "true",
		Instance: e.Metadata[metaInstance], Connection: e.Metadata[metaConnection], Secret: e.Secret,
	}
}

// metaConnect remembers that an endpoint is for connected accounts: Stripe takes `connect` and does not tell it.
const metaConnect = "flowrun_connect"

func listEndpoints(ctx context.Context, c *connectors.Conn) ([]connectors.Endpoint, error) {
	var all []connectors.Endpoint
	query := url.Values{"limit": {"100"}}
	for {
		var page struct {
			Data    []endpoint `json:"data"`
			HasMore bool       `json:"has_more"`
		}
		if err := exchange(ctx, c, http.MethodGet, endpointsPath, query, &page); err != nil {
			return nil, err
		}
		for i := range page.Data {
			all = append(all, page.Data[i].ours())
		}
		if !page.HasMore || len(page.Data) == 0 || len(all) >= mostListed {
			return all, nil
		}
		query.Set("starting_after", page.Data[len(page.Data)-1].ID)
	}
}

func createEndpoint(ctx context.Context, c *connectors.Conn, e connectors.Endpoint) (connectors.Endpoint, error) {
	form := endpointForm(e)
	form.Set("api_version", e.APIVersion)
	form.Set("description", "flowrun, connection "+e.Connection)
	if e.Connect {
		form.Set("connect", "true")
	}
	return writeEndpoint(ctx, c, endpointsPath, form)
}

func updateEndpoint(ctx context.Context, c *connectors.Conn, e connectors.Endpoint) (connectors.Endpoint, error) {
	form := endpointForm(e)
	form.Set("disabled", fmt.Sprint(e.Disabled))
	return writeEndpoint(ctx, c, endpointsPath+"/"+url.PathEscape(e.ID), form)
}

func endpointForm(e connectors.Endpoint) url.Values {
	form := url.Values{"url": {e.URL}}
	for i, event := range e.Events {
		form.Set(fmt.Sprintf("enabled_events[%d]", i), event)
	}
	form.Set("metadata["+metaInstance+"]", e.Instance)
	form.Set("metadata["+metaConnection+"]", e.Connection)
	for name, on := range map[string]bool{metaConnect: e.Connect, metaRetired: e.Retired} {
		value := "" // takes the key away
		if on {
			value = "true"
		}
		form.Set("metadata["+name+"]", value)
	}
	return form
}

func writeEndpoint(ctx context.Context, c *connectors.Conn, path string, form url.Values) (connectors.Endpoint, error) {
	var answer endpoint
	if err := exchange(ctx, c, http.MethodPost, path, form, &answer); err != nil {
		return connectors.Endpoint{}, err
	}
	return answer.ours(), nil
}

func deleteEndpoint(ctx context.Context, c *connectors.Conn, id string) error {
	err := exchange(ctx, c, http.MethodDelete, endpointsPath+"/"+url.PathEscape(id), nil, nil)
	if err != nil && connectors.AsError(err).Kind == connectors.KindNotFound {
		return nil // somebody else did it
	}
	return err
}

// checkMode refuses a key of one mode where events of the other are asked for.
func checkMode(c *connectors.Conn) error {
	live, known := keyMode(c)
	if !known {
		return nil
	}
	if want := c.Setting(settingLivemode); want == fmt.Sprint(!live) {
		return connectors.Invalidf("%s is a %s key and %s is %s: an endpoint made with it would send only what is not taken",
			settingKey, mode(live), settingLivemode, want)
	}
	return nil
}

// exchange makes one call for flowrun itself and reads its answer into answer, where that is not nil. A POST has no
// idempotency key: what it does is compared with what is there before it is done again.
func exchange(ctx context.Context, c *connectors.Conn, method, path string, args url.Values, answer any) error {
	h := newRequest(method, path)
	h.KeyHeader = ""
	switch {
	case method == http.MethodGet && len(args) > 0:
		auth := h.Auth
		h.Auth = func(c *connectors.Conn, r *http.Request) {
			auth(c, r)
			r.URL.RawQuery = args.Encode()
		}
	case method == http.MethodPost:
		h.Body = func(dst []byte, _ *connectors.Call) ([]byte, error) { return append(dst, args.Encode()...), nil }
	default:
		h.Encode = connectors.NoBody
	}
	o := &call{request: h, limit: maxPage, decode: func(_ *connectors.Call, body []byte) (cty.Value, error) {
		if answer == nil {
			return cty.NilVal, nil
		}
		return cty.NilVal, json.Unmarshal(body, answer)
	}}
	_, err := o.Call(ctx, &connectors.Call{Conn: c, Action: &connectors.Action{}, Input: cty.EmptyObjectVal})
	return err
}

// maxPage is the largest answer that flowrun's own calls read: a page of a hundred large events.
const maxPage = 64 << 20
