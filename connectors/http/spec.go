// Package http describes requests to any service that speaks HTTP, for those that have no description of their own:
// an action that makes one request, and a trigger that looks at a list again and again.
//
// The recipe declares the shape of what comes back, so that it is checked like a vendor's. What a request reaches is
// bounded: no private address unless the connection allows it, credentials only to the host they were given for, so
// many bytes and pages. The package keeps nothing between calls.
package http

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

const service = "http"

var (
	text   = schema.Type{Kind: schema.KindString}
	data   = schema.Type{Kind: schema.KindAny}
	truth  = schema.Type{Kind: schema.KindBool}
	whole  = schema.Type{Kind: schema.KindNumber, Format: schema.Integer}
	length = schema.Type{Kind: schema.KindString, Format: schema.Duration}
	link   = schema.Type{Kind: schema.KindString, Format: schema.URL}
)

// Spec returns the description.
func Spec() *connectors.Spec {
	return &connectors.Spec{
		Name:     service,
		Title:    "HTTP",
		Doc:      "Requests to any service: an action that makes one, and a trigger that looks at a list again and again",
		Settings: settings(),
		Check:    check,
		Triggers: []*schema.Trigger{poll()},
		Actions:  []*connectors.Action{request()},
		Probes:   probes(),
	}
}

func settings() []connectors.Setting {
	return []connectors.Setting{
		{Field: schema.Field{Name: "base_url", Type: link, Doc: "What paths are appended to. Credentials go to its host only", Example: `"https://api.example.com/v1"`}, Env: "HTTP_BASE_URL"},
		{Field: schema.Field{Name: "token", Type: text, Secret: true, Doc: "Sent as Authorization: Bearer", Example: `"tok_123"`}, Env: "HTTP_TOKEN"},
		{Field: schema.Field{Name: "username", Type: text, Doc: "For basic authentication", Example: `"flowrun"`}, Env: "HTTP_USERNAME"},
		{Field: schema.Field{Name: "password", Type: text, Secret: true, Doc: "For basic authentication", Example: `"pass"`}, Env: "HTTP_PASSWORD"},
		{Field: schema.Field{Name: "key_header", Type: text, Secret: true, Doc: "Name of a header that carries api_key", Example: `"X-Api-Key"`}, Env: "HTTP_KEY_HEADER"},
		{Field: schema.Field{Name: "api_key", Type: text, Secret: true, Doc: "Sent in the header that key_header names", Example: `"key_123"`}, Env: "HTTP_API_KEY"},
		{Field: schema.Field{Name: "allow_private", Type: truth, Default: "false",
			Doc: "Let requests reach private, loopback and link-local addresses"}, Env: "HTTP_ALLOW_PRIVATE"},
	}
}

// check looks at how the settings of a connection go together.
func check(u *schema.Use) []schema.Problem {
	has := func(name string) bool { _, ok := u.Given[name]; return ok }
	var out []schema.Problem
	if has("username") != has("password") {
		out = append(out, schema.Problem{Reason: "basic authentication needs username and password."})
	}
	if has("key_header") != has("api_key") {
		out = append(out, schema.Problem{Reason: "key_header names the header that carries api_key: one needs the other."})
	}
	if has("token") && has("username") {
		out = append(out, schema.Problem{Setting: "token", Reason: "a request has one Authorization header: give token, or username and password."})
	}
	if (has("token") || has("username") || has("api_key")) && !has("base_url") {
		out = append(out, schema.Problem{Reason: "credentials go to the host of base_url, and there is none."})
	}
	if v := u.Given["allow_private"]; v != cty.NilVal && v.Type() == cty.Bool && v.True() {
		out = append(out, schema.Problem{Setting: "allow_private", Warning: true,
			Reason: "requests of this connection may reach this machine, its network and the metadata of its cloud. Give it a base_url, and recipes paths that are written out."})
	}
	return out
}

// effectOf says how safe a repeat of a method is.
func effectOf(method string) schema.Effect {
	switch method {
	case "", http.MethodGet, http.MethodHead:
		return schema.Read
	case http.MethodPut, http.MethodDelete:
		return schema.Idempotent
	}
	return schema.AtMostOnce
}

// pageObject says where the next page of a list is.
func pageObject() *schema.Object {
	return schema.NewObject("paging",
		schema.Field{Name: "items", Type: text, Doc: "Where in the body the list is, dotted; the body itself where left out", Example: `"data"`},
		schema.Field{Name: "next", Type: schema.EnumOf("link", "cursor", "page"), Required: true,
			Doc: "How the next page is found: by the header Link, by a value in the body, or by its number", Example: `"cursor"`},
		schema.Field{Name: "cursor", Type: text, Doc: "Of cursor: where in the body it is, dotted", Example: `"next_cursor"`},
		schema.Field{Name: "param", Type: text, Doc: "Of cursor and page: the query parameter that takes it", Example: `"after"`},
		schema.Field{Name: "max", Type: whole, Default: "10", Doc: "The most pages that are read, up to 100", Example: "10"},
	)
}

// where are the fields that say what is asked for, shared by the action and the trigger.
func where() []schema.Field {
	return []schema.Field{
		{Name: "path", Type: text, Doc: "Appended to the connection's base_url; values in it are encoded with urlencode()", Example: `"/orders"`},
		{Name: "url", Type: link, Doc: "A whole URL. Credentials are sent only where it is on the host of base_url", Example: `"https://api.example.com/orders"`},
		{Name: "query", Type: data.MapOf(), Doc: "Query parameters; null ones are left out", Example: `{"status": "open"}`},
		{Name: "headers", Type: text.MapOf(), Doc: "Headers. Secrets belong to the connection", Example: `{"Accept-Language": "en"}`},
		{Name: "paging", Type: schema.ObjectType(pageObject()), Doc: "Read all pages of a list: they become one"},
	}
}

func request() *connectors.Action {
	fields := slices.Concat(
		[]schema.Field{{Name: "method", Type: schema.EnumOf(http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete),
			Default: `"GET"`, Doc: "Must be written out, since how safe a repeat is depends on it", Example: `"POST"`}},
		where(),
		[]schema.Field{
			{Name: "body", Type: data, Doc: "Sent as JSON", Example: `{"name": "Jo"}`},
			{Name: "form", Type: data.MapOf(), Doc: "Sent as a form", Example: `{"name": "Jo"}`},
			{Name: "text", Type: text, Doc: "Sent as plain text", Example: `"hello"`},
			{Name: "ok_status", Type: whole.ListOf(), Doc: "Statuses that are no failure, besides 200 to 299. With these a declared body is null", Example: "[404]"},
			{Name: "idempotency_header", Type: text, Doc: "A header by which the service recognises a repeat: it carries the step's key", Example: `"Idempotency-Key"`},
			{Name: "answer", Type: data, Doc: "The type of the body that is answered, such as { id = string } or list(object({ id = string })). Without it the body may be anything"},
		})
	in := schema.NewObject("http_request", fields...).WithOneOf("path", "url")
	return &connectors.Action{
		Action: schema.Action{
			Name: "http_request", Service: service, Effect: schema.AtMostOnce, ShapeInput: "answer", For: requestUse, In: in, Out: answerObject(nil, true),
			Doc: "Make a request. How safe a repeat is depends on the method: GET and HEAD change nothing, PUT and DELETE may be repeated, POST and PATCH are recognised by idempotency_header or made at most once",
		},
		Call:     connectors.Func(call),
		Example:  `{"method": "POST", "path": "/orders", "body": {"sku": "a1"}}`,
		Answer:   `{"status": 200, "headers": {"content-type": "application/json"}, "body": {}}`,
		Reply:    `{}`,
		ReplyFor: func(a *connectors.Action) string { return replyOf(a.Out.Field("body").Type) },
	}
}

// replyOf is a body of a type, for dry runs.
func replyOf(t schema.Type) string {
	switch {
	case t.Kind == schema.KindAny:
		return `{}`
	case t.Kind == schema.KindList && t.Elem != nil:
		return "[" + replyOf(*t.Elem) + "]"
	}
	o := schema.NewObject("answer", schema.Field{Name: "body", Type: t, Required: true})
	return string(schema.Lookup(o.Sample(service), "body"))
}

// answerObject is the shape of an answer whose body has the type, or any. mayLack says that statuses count as success
// with which something else is answered: the body is null then.
func answerObject(body *schema.Type, mayLack bool) *schema.Object {
	f := schema.Field{Name: "body", Type: data, Required: true, Nullable: true, Doc: "What was answered: JSON as what it is, anything else as text, null where there was nothing"}
	if body != nil {
		f.Type, f.Nullable = *body, mayLack
	}
	return schema.NewObject("answer",
		schema.Field{Name: "status", Type: whole, Required: true, Doc: "The HTTP status", Example: "200"},
		schema.Field{Name: "headers", Type: text.MapOf(), Required: true, Doc: "The headers, by their names in lower case", Example: `{"content-type": "application/json"}`},
		f)
}

// requestUse says what a request is by its arguments.
func requestUse(u *schema.Use) schema.ActionUse {
	method := u.Text("method")
	_, more := u.Given["ok_status"]
	use := schema.ActionUse{Effect: effectOf(method), Out: answerObject(u.Shape, more)}
	problem := func(setting, format string, args ...any) {
		use.Problems = append(use.Problems, schema.Problem{Setting: setting, Reason: fmt.Sprintf(format, args...)})
	}
	has := func(name string) bool { _, ok := u.Given[name]; return ok }
	if v, given := u.Given["method"]; given && v == cty.NilVal {
		problem("method", "the method is written out in quotes: how safe a repeat is depends on it.")
	}
	if method == http.MethodDelete {
		use.Lasting.Kind = schema.Deletes
	}
	if has("idempotency_header") && use.Effect == schema.AtMostOnce {
		use.Effect = schema.Keyed
	}
	sent := 0
	for _, name := range []string{"body", "form", "text"} {
		if has(name) {
			if sent++; sent == 2 {
				problem(name, "a request has one body: give body, form or text.")
			}
			if method == "" || method == http.MethodGet || method == http.MethodHead {
				problem(name, "a %s request has no body. Give the method, such as method = \"POST\", or put it into query.", cmp.Or(method, "GET"))
			}
		}
	}
	if has("paging") && method != "" && method != http.MethodGet {
		problem("paging", "only GET requests are made page by page.")
	}
	if method == http.MethodHead && u.Shape != nil {
		problem("answer", "a HEAD request is answered without a body.")
	}
	use.Problems = append(use.Problems, pagingProblems(u.Given["paging"])...)
	return use
}

// pagingProblems looks at paging where it is written out.
func pagingProblems(v cty.Value) []schema.Problem {
	p, ok := pagingOf(v)
	if !ok {
		return nil
	}
	var reason string
	switch {
	case p.next == "cursor" && (p.cursor == "" || p.param == ""):
		reason = "paging by cursor needs cursor, where in the body it is, and param, the query parameter that takes it."
	case p.next == "page" && p.param == "":
		reason = "paging by number needs param, the query parameter that takes it."
	case p.max < 1 || p.max > mostPages:
		reason = fmt.Sprintf("max is from 1 to %d pages.", mostPages)
	default:
		return nil
	}
	return []schema.Problem{{Setting: "paging", Reason: reason}}
}
