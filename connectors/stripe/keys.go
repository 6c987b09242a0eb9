package stripe

// What a key may do. A restricted key has a permission for each resource: none, to read, or to write, which includes to
// read. Stripe's page of keys names the resources (grants.go), its messages name what was lacking.

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/connectors"
)

func (c *catalog) keys() *connectors.Keys {
	return &connectors.Keys{
		Setting: settingKey,
		Kind:    keyKind,
		Needs:   c.needs,
		Own: map[string]connectors.Permission{
			"endpoints": permissionAt(http.MethodPost, endpointsPath),
			"history":   permissionAt(http.MethodGet, "/v1/events"),
		},
		All:  allGrants,
		Ask:  c.askFor,
		Link: keyLink,
	}
}

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

func keyKind(c *connectors.Conn) (words string, all bool) {
	key := strings.TrimSpace(c.Setting(settingKey))
	words = "a key of a form that is not known"
	switch {
	case strings.HasPrefix(key, "sk_"):
		words, all = "a secret key", true
	case strings.HasPrefix(key, "rk_"):
		words = "a restricted key"
	}
	if live, known := keyMode(c); known {
		words += " of " + mode(live) + " mode"
	}
	return words, all
}

// permissionAt returns what a request needs.
func permissionAt(method, path string) connectors.Permission {
	g := grantAt(path)
	p := connectors.Permission{Resource: g.row, Write: method != http.MethodGet}
	if g.id != "" {
		p.ID = "rak_" + g.id + "_read"
		if p.Write {
			p.ID = "rak_" + g.id + "_write"
		}
	}
	return p
}

// needs returns what an action needs, and what reading that of which it expands the ids needs besides.
func (c *catalog) needs(action string, expand []string) []connectors.Permission {
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
		return nil
	}
	out := []connectors.Permission{permissionAt(op.method, op.path)}
	for _, path := range expand {
		for _, object := range c.objectsAt(op, path) {
			if f := c.lookUp(object); f != nil {
				of, _ := c.operation(strings.TrimPrefix(f.Action, "stripe_"))
				out = append(out, permissionAt(of.method, of.path))
			}
		}
	}
	return out
}

// objectsAt returns the objects that are put in place of ids along a path.
func (c *catalog) objectsAt(op operation, path string) []string {
	base, err := c.typ(op.answer)
	if err != nil {
		return nil
	}
	var out []string
	shape := base.Object
	for name := range strings.SplitSeq(path, ".") {
		if shape == nil || shape.Field(name) == nil {
			break
		}
		t := shape.Field(name).Type
		for t.Elem != nil {
			t = *t.Elem
		}
		if shape = t.Object; t.Refers != "" && name != "id" && !strings.Contains(t.Refers, "|") {
			out = append(out, t.Refers)
			shape = c.object(t.Refers)
		}
	}
	return out
}

// nobody stands for an id that no object has.
const nobody = "flowrun_doctor"

// askFor asks for one object of a resource, or to change one that is not there. Stripe looks at what a key may do before
// it looks for the object, so that the answer tells the one from the other.
func (c *catalog) askFor(ctx context.Context, conn *connectors.Conn, p connectors.Permission) (connectors.Access, string) {
	if live, known := keyMode(conn); p.Write && (live || !known) {
		return connectors.NotTold, "nothing that writes is tried but with a key of test mode"
	}
	op, ok := c.harmless(p, conn)
	if !ok {
		return connectors.NotTold, "Stripe has nothing harmless to ask for"
	}
	path := placeholder.ReplaceAllString(op.path, nobody)
	query := url.Values{}
	if op.lists() {
		query.Set("limit", "1")
	}
	err := exchange(ctx, conn, op.method, path, query, nil)
	if err == nil {
		return connectors.Allowed, ""
	}
	e := connectors.AsError(err)
	switch {
	case e.Status == http.StatusForbidden, e.Status == http.StatusUnauthorized && strings.Contains(e.Message, "permission"):
		if wants := lacking.FindStringSubmatch(e.Message); wants != nil {
			return connectors.Denied, "Stripe wants " + wants[1]
		}
		return connectors.Denied, e.Message
	case e.Status == http.StatusNotFound && e.Code == "resource_missing", e.Status == http.StatusBadRequest && op.method != http.MethodGet:
		return connectors.Allowed, ""
	}
	return connectors.NotTold, e.Message
}

var (
	placeholder = regexp.MustCompile(`\{\w+\}`)
	// lacking finds the permission that a message names: "Having the 'rak_customer_read' permission would allow …", or
	// "Enabling "Customers Read" ('customer_read') permissions …".
	lacking = regexp.MustCompile(`'((?:rak_)?[a-z_]+_(?:read|write))'`)
)

// harmless returns the operation that tells most of a permission and changes nothing: a list, else a look-up; a change of
// what is not there.
func (c *catalog) harmless(p connectors.Permission, conn *connectors.Conn) (operation, bool) {
	live, _ := keyMode(conn)
	best, rank := operation{}, 0
	for _, op := range c.operations {
		if permissionAt(op.method, op.path).Resource != p.Resource || live && strings.HasPrefix(op.path, "/v1/test_helpers/") {
			continue
		}
		r := 0
		switch holes := strings.Count(op.path, "{"); {
		case p.Write && (op.method != http.MethodPost || holes == 0):
		case p.Write && strings.HasSuffix(op.path, "}"):
			r = 20 - holes
		case p.Write:
			r = 10 - holes
		case op.method != http.MethodGet || op.answer == "pdf" || c.asksForMore(op):
		case op.lists() && holes == 0 && !strings.HasPrefix(op.answer, "search "):
			r = 30
		case holes == 0:
			r = 20
		default:
			r = 10 - holes
		}
		if r > rank {
			best, rank = op, r
		}
	}
	return best, rank > 0
}

// asksForMore reports whether an operation must be given more than what stands in its path.
func (c *catalog) asksForMore(op operation) bool {
	for _, f := range c.inputFields(op.name) {
		if f.Required && !strings.Contains(op.path, "{"+f.Name+"}") {
			return true
		}
	}
	return false
}

// keyLink is Stripe's form for a restricted key. What it is given there is not documented, and what it does not know it
// leaves unticked, so that the list stands beside it.
func keyLink(c *connectors.Conn, list []connectors.Permission) string {
	at := "https://dashboard.stripe.com/test/apikeys/create"
	if live, _ := keyMode(c); live {
		at = "https://dashboard.stripe.com/apikeys/create"
	}
	at += "?name=flowrun"
	ids := make([]string, 0, len(list))
	for _, p := range list {
		if p.ID != "" {
			ids = append(ids, p.ID)
		}
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		at += "&permissions%5B%5D=" + url.QueryEscape(id)
	}
	return at
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
