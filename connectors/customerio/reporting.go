package customerio

// Reporting webhooks can be set up through the App API, all but one thing: it tells no signing key. That stands on the
// webhook's page at Customer.io, from where somebody must copy it.

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

// ReportingWebhook is where Customer.io sends events, and which.
type ReportingWebhook struct {
	ID       int64    `json:"id,omitempty"` // the vendor's; 0 before it is created
	Name     string   `json:"name"`
	Endpoint string   `json:"endpoint"` // URL that events are sent to
	Events   []string `json:"events"`   // types, such as "email_opened"; at least one

	Disabled       bool `json:"disabled"`
	FullResolution bool `json:"full_resolution"` // every open and click, not only a person's first
	WithContent    bool `json:"with_content"`    // events of messages that were sent include their text
}

// ReportingWebhooks sets webhooks up for one connection, which needs its app_key. Its methods make one call each and
// fail with a *connectors.Error.
type ReportingWebhooks struct {
	conn *connectors.Conn
	s    *settings
}

// NewReportingWebhooks returns the webhooks of the connection's workspace.
func NewReportingWebhooks(c *connectors.Conn) *ReportingWebhooks {
	return &ReportingWebhooks{conn: c, s: newSettings()}
}

// List returns the webhooks that are set up, disabled ones among them.
func (r *ReportingWebhooks) List(ctx context.Context) ([]ReportingWebhook, error) {
	var answer struct {
		Webhooks []ReportingWebhook `json:"reporting_webhooks"`
	}
	err := r.call(ctx, http.MethodGet, "", nil, schema.NewObject("webhooks", schema.Field{Name: "reporting_webhooks", Required: true,
		Type: schema.Type{Kind: schema.KindAny}}), &answer)
	return answer.Webhooks, err
}

// Create sets a webhook up and returns it with its id.
func (r *ReportingWebhooks) Create(ctx context.Context, w ReportingWebhook) (ReportingWebhook, error) {
	w.ID = 0
	return r.write(ctx, http.MethodPost, "", w)
}

// Update changes the webhook of w's id to w.
func (r *ReportingWebhooks) Update(ctx context.Context, w ReportingWebhook) (ReportingWebhook, error) {
	path, err := pathOf(w.ID)
	if err != nil {
		return ReportingWebhook{}, err
	}
	return r.write(ctx, http.MethodPut, path, w)
}

// Delete ends a webhook.
func (r *ReportingWebhooks) Delete(ctx context.Context, id int64) error {
	path, err := pathOf(id)
	if err != nil {
		return err
	}
	return r.call(ctx, http.MethodDelete, path, nil, nil, nil)
}

func pathOf(id int64) (string, error) {
	if id <= 0 {
		return "", connectors.Invalid("the webhook has no id")
	}
	return "/" + strconv.FormatInt(id, 10), nil
}

func (r *ReportingWebhooks) write(ctx context.Context, method, path string, w ReportingWebhook) (ReportingWebhook, error) {
	var answer ReportingWebhook
	switch {
	case w.Name == "" || w.Endpoint == "":
		return answer, connectors.Invalid("the webhook has no name or no endpoint")
	case len(w.Events) == 0:
		return answer, connectors.Invalid("the webhook has no events")
	}
	body, err := json.Marshal(w)
	if err != nil {
		return answer, connectors.Invalid(err.Error())
	}
	shape := schema.NewObject("webhook", schema.Field{Name: "id", Type: integerType(), Required: true})
	shape.Open = true
	err = r.call(ctx, method, path, body, shape, &answer)
	return answer, err
}

// call makes a call, and reads its answer where it is of the shape.
func (r *ReportingWebhooks) call(ctx context.Context, method, path string, body []byte, shape *schema.Object, into any) error {
	h := &connectors.HTTP{Method: method, Path: "/v1/reporting_webhooks" + path, Encode: connectors.NoBody}
	if body != nil {
		h.Encode = connectors.JSON
		h.Body = func(dst []byte, _ *connectors.Call) ([]byte, error) { return append(dst, body...), nil }
	}
	res, err := r.s.appCall(h).Call(ctx, &connectors.Call{Conn: r.conn, Action: &connectors.Action{Action: schema.Action{Out: shape}}})
	if err != nil || shape == nil {
		return err
	}
	raw, err := schema.AppendJSON(nil, res.Output)
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		return &connectors.Error{Kind: connectors.KindDrift, Status: res.Status, Err: err,
			Message: fmt.Sprintf("the answer is not of its declared shape: %v", err)}
	}
	return nil
}
