package stripe

// What a key may do. A restricted key has a permission for each resource, none, to read, or to write, which includes to
// read; the resource is what the path of an operation begins with.

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/flowrun/flowrun/connectors"
)

// keyMode tells the mode that a key is of.
func keyMode(c *connectors.Conn) (live, known bool) {
	key := strings.TrimSpace(c.Setting(settingKey))
	for _, kind := range []string{"sk_", "rk_"} {
		if mode, ok := strings.CutPrefix(key, kind); ok {
			live = strings.HasPrefix(mode, "live_")
			return live, live || strings.HasPrefix(mode, "test_")
		}
	}
	return false, false
}

// permission returns what a restricted key needs for an action, as the page of keys in Stripe's dashboard names it.
func (c *catalog) permission(action string) string {
	name := strings.TrimPrefix(action, "stripe_")
	switch name { // helpers, by what they call
	case "customer_find":
		name = "customer_list"
	case "customer_upsert":
		name = "customer_update"
	case "subscription_cancel_at_period_end":
		name = "subscription_update"
	case "payment_link_deactivate":
		name = "payment_link_update"
	}
	op, ok := c.operation(name)
	if !ok {
		return ""
	}
	parts := strings.Split(strings.TrimPrefix(op.path, "/v1/"), "/")
	resource := parts[0]
	// Resources of a product stand below its name.
	switch resource {
	case "apps", "billing", "billing_portal", "checkout", "climate", "financial_connections", "forwarding", "identity", "issuing",
		"radar", "reporting", "sigma", "tax", "terminal", "test_helpers", "treasury":
		if len(parts) > 1 {
			resource += " " + parts[1]
		}
	}
	words := strings.Fields(strings.ReplaceAll(resource, "_", " "))
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	if op.method == http.MethodGet {
		return strings.Join(words, " ") + ": read"
	}
	return strings.Join(words, " ") + ": write"
}

// probe asks for the newest event. A restricted key that may not read events is a key all the same.
func probe(ctx context.Context, c *connectors.Conn) error {
	if err := checkMode(c); err != nil {
		return err
	}
	var page struct{}
	err := exchange(ctx, c, http.MethodGet, "/v1/events", url.Values{"limit": {"1"}}, &page)
	if err != nil && connectors.AsError(err).Status == http.StatusForbidden {
		return nil
	}
	return err
}

func keyNote(c *connectors.Conn) string {
	if strings.HasPrefix(strings.TrimSpace(c.Setting(settingKey)), "sk_") {
		return "api_key is a secret key, which may do everything; a restricted key with the permissions below would do"
	}
	return ""
}
