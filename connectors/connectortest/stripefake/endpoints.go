package stripefake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
)

// mostEndpoints is how many webhook endpoints an account can have.
const mostEndpoints = 16

// fullOf refuses one more endpoint than an account can have.
func (o *operating) fullOf() (a answer, refused bool) {
	if o.object != "webhook_endpoint" {
		return answer{}, false
	}
	n := 0
	for _, s := range o.f.objects {
		if s.object == o.object && !s.deleted {
			n++
		}
	}
	if n < mostEndpoints {
		return answer{}, false
	}
	return refuse(http.StatusBadRequest, problem{Message: fmt.Sprintf("You have reached the maximum of %d test webhook endpoints.", mostEndpoints)}), true
}

// settleEndpoint makes a webhook endpoint as Stripe keeps one: its secret is not among what is shown later.
func (o *operating) settleEndpoint(data map[string]any) {
	if o.object != "webhook_endpoint" {
		return
	}
	delete(data, "secret")
	if _, given := o.args["metadata"]; !given && o.own == "" {
		data["metadata"] = map[string]any{}
	}
	data["status"] = "enabled"
	if o.args["disabled"] == "true" {
		data["status"] = "disabled"
	}
}

// withSecret adds to the answer of a creation what is told then and never again.
func (o *operating) withSecret(data map[string]any) map[string]any {
	if o.object != "webhook_endpoint" {
		return data
	}
	out := maps.Clone(data)
	out["secret"] = Secret(fmt.Sprint(data["id"]))
	return out
}

// Secret is the signing secret of the webhook endpoint of that id.
func Secret(id string) string { return "whsec_of_" + id }

// PutEvent keeps an event for the events API, as JSON; later ones are newer. It reports whether it could be read.
func (f *Fake) PutEvent(raw []byte) bool {
	data := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	id, ok := "", d.Decode(&data) == nil
	if ok {
		id, ok = data["id"].(string)
	}
	if !ok {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.put("event", id, data)
	return true
}
