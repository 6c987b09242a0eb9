package customeriofake

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Webhook is a reporting webhook that was set up.
type Webhook struct {
	ID             int      `json:"id"`
	Name           string   `json:"name"`
	Type           string   `json:"type"`
	Endpoint       string   `json:"endpoint"`
	Disabled       bool     `json:"disabled"`
	FullResolution bool     `json:"full_resolution"`
	WithContent    bool     `json:"with_content"`
	Events         []string `json:"events"`
}

// Webhooks returns the reporting webhooks that are set up.
func (f *Fake) Webhooks() []Webhook {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.webhooks)
}

// reporting answers for the set-up of reporting webhooks; rest is what follows in the path.
func (f *Fake) reporting(method string, rest []string, raw []byte) answer {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(rest) == 0 {
		switch method {
		case http.MethodGet:
			return ok(map[string]any{"reporting_webhooks": append([]Webhook{}, f.webhooks...)})
		case http.MethodPost:
			w := Webhook{}
			if why := w.read(raw); why != "" {
				return refuseApp(http.StatusBadRequest, "%s", why)
			}
			f.hooks++
			w.ID = f.hooks
			f.webhooks = append(f.webhooks, w)
			return ok(w)
		}
		return refuseApp(http.StatusNotFound, "no such endpoint")
	}
	id, _ := strconv.Atoi(rest[0])
	i := slices.IndexFunc(f.webhooks, func(w Webhook) bool { return w.ID == id })
	if i < 0 {
		return refuseApp(http.StatusNotFound, "no such webhook")
	}
	switch method {
	case http.MethodGet:
		return ok(f.webhooks[i])
	case http.MethodPut:
		w := Webhook{}
		if why := w.read(raw); why != "" {
			return refuseApp(http.StatusBadRequest, "%s", why)
		}
		w.ID = id
		f.webhooks[i] = w
		return ok(w)
	case http.MethodDelete:
		f.webhooks = slices.Delete(f.webhooks, i, i+1)
		return answer{status: http.StatusNoContent}
	}
	return refuseApp(http.StatusNotFound, "no such endpoint")
}

// read takes a webhook from a body and returns why it is refused, or "".
func (w *Webhook) read(raw []byte) string {
	if err := json.Unmarshal(raw, w); err != nil {
		return "body is not a JSON object"
	}
	w.ID, w.Type = 0, "webhook"
	switch {
	case w.Name == "":
		return "name is required"
	case !strings.HasPrefix(w.Endpoint, "http://") && !strings.HasPrefix(w.Endpoint, "https://"):
		return "endpoint must be a URL"
	case len(w.Events) == 0:
		return "events is required"
	}
	return ""
}
