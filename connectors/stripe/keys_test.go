package stripe

import (
	"net/http"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/connectortest/stripefake"
)

// TestGrants holds the table of permissions and the operations against each other.
func TestGrants(t *testing.T) {
	c := newCatalog(catalogText, operationsText)
	used := map[string]bool{}
	for _, op := range c.operations {
		p := permissionAt(op.method, op.path)
		if p.Resource == "" || p.Write != (op.method != http.MethodGet) || p.ID != "" && strings.HasSuffix(p.ID, "_write") != p.Write {
			t.Errorf("%s %s needs %+v", op.method, op.path, p)
		}
		used[p.Resource] = true
	}
	if len(c.operations) != 507 {
		t.Errorf("%d operations", len(c.operations))
	}
	rows := map[string]bool{}
	for _, g := range grants() {
		if rows[g.row] || !used[g.row] {
			t.Errorf("%s: twice %t, needed by an operation %t", g.row, rows[g.row], used[g.row])
		}
		rows[g.row] = true
	}
}

// TestAskingChangesNothing asks for every permission, of a key that may do everything and of one that may do nothing: it
// reads, or would change an object that nobody has.
func TestAskingChangesNothing(t *testing.T) {
	s := newStandIn(t, stripefake.Options{})
	keys := Spec().Keys
	s.fake.Restrict("rk_test_none")
	s.fake.Restrict("rk_test_some", "rak_customer_read", "rak_charge_write")
	ask := func(key string, p connectors.Permission) (connectors.Access, string) {
		return keys.Ask(t.Context(), &connectors.Conn{Name: "stripe", Service: "stripe", Client: s.client,
			Settings: map[string][]string{settingKey: {key}, settingBaseURL: {s.url}}}, p)
	}
	for _, read := range keys.All() {
		for _, p := range []connectors.Permission{read, {Resource: read.Resource, Write: true}} {
			if access, why := ask("rk_test_none", p); access == connectors.Allowed {
				t.Errorf("%s: allowed to a key that may do nothing (%s)", p, why)
			}
			if access, why := ask("rk_test_all", p); access == connectors.Denied {
				t.Errorf("%s: denied to a key that may do everything: %s", p, why)
			}
		}
	}
	asked := len(s.fake.Requests())
	if access, _ := ask("rk_live_all", connectors.Permission{Resource: "Customers", Write: true}); access != connectors.NotTold || len(s.fake.Requests()) != asked {
		t.Errorf("a live key is tried for whether it writes: %d", access)
	}
	for _, r := range s.fake.Requests() {
		if r.Method != http.MethodGet && !strings.Contains(r.Path, "/"+nobody) { // of what is not there
			t.Errorf("%s %s is asked for", r.Method, r.Path)
		}
	}
	for _, c := range []struct {
		resource string
		write    bool
		want     connectors.Access
		why      string
	}{
		{"Customers", false, connectors.Allowed, ""},
		{"Customers", true, connectors.Denied, "Stripe wants rak_customer_write"},
		{"Charges and Refunds", false, connectors.Allowed, ""},
		{"Charges and Refunds", true, connectors.Allowed, ""},
		{"Products", false, connectors.Denied, "Stripe wants rak_product_read"},
		{"No such resource", false, connectors.NotTold, "Stripe has nothing harmless to ask for"},
	} {
		if got, why := ask("rk_test_some", connectors.Permission{Resource: c.resource, Write: c.write}); got != c.want || why != c.why {
			t.Errorf("%s, to write %t: %d %q, want %d %q", c.resource, c.write, got, why, c.want, c.why)
		}
	}
}

// TestKeyLink: the form is that of the key's mode, and what Stripe has no known name for is left to be ticked by hand.
func TestKeyLink(t *testing.T) {
	keys := Spec().Keys
	list := []connectors.Permission{permissionAt(http.MethodPost, "/v1/refunds"), permissionAt(http.MethodGet, "/v1/customers"), permissionAt(http.MethodGet, "/v1/tax_codes")}
	for key, want := range map[string]string{
		"":          "https://dashboard.stripe.com/test/apikeys/create?name=flowrun&permissions%5B%5D=rak_charge_write&permissions%5B%5D=rak_customer_read",
		"rk_test_1": "https://dashboard.stripe.com/test/apikeys/create?name=flowrun&permissions%5B%5D=rak_charge_write&permissions%5B%5D=rak_customer_read",
		"rk_live_1": "https://dashboard.stripe.com/apikeys/create?name=flowrun&permissions%5B%5D=rak_charge_write&permissions%5B%5D=rak_customer_read",
	} {
		if got := keys.Link(&connectors.Conn{Settings: map[string][]string{settingKey: {key}}}, list); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
}
