package stripefake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// apiVersion is the version whose shapes the answers have.
const apiVersion = "2023-10-16"

// answer is what a handler decided.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// problem is the vendor's error object.
type problem struct {
	Code    string `json:"code,omitempty"`
	DocURL  string `json:"doc_url,omitempty"`
	Message string `json:"message,omitempty"`
	Param   string `json:"param,omitempty"`
	Type    string `json:"type"`
}

func ok(v any) answer {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return answer{status: http.StatusInternalServerError}
	}
	return answer{status: http.StatusOK, body: body}
}

// refuse answers with an error; the usual type where p has none.
func refuse(status int, p problem) answer {
	if p.Type == "" {
		p.Type = "invalid_request_error"
	}
	if p.Code != "" {
		p.DocURL = "https://stripe.com/docs/error-codes/" + strings.ReplaceAll(p.Code, "_", "-")
	}
	a := ok(map[string]problem{"error": p})
	a.status = status
	return a
}

// answer returns what a faulty request is answered.
func (f Fault) answer() answer {
	status := f.Status
	if status == 0 {
		status = http.StatusInternalServerError
	}
	var a answer
	switch {
	case f.Body != "":
		a.body = []byte(f.Body)
	case status == http.StatusTooManyRequests:
		a = refuse(status, problem{Code: "rate_limit", Message: "Request rate limit exceeded. Please try again after some time."})
	case status == http.StatusConflict:
		a = refuse(status, problem{Code: "lock_timeout", Message: "This object cannot be accessed right now because another API request or Stripe process is currently accessing it."})
	case status >= 500:
		a = refuse(status, problem{Type: "api_error", Message: "An unknown error occurred"})
	default:
		a = refuse(status, problem{Message: "The request was refused."})
	}
	a.status, a.header = status, http.Header{}
	for name, values := range f.Header {
		a.header[http.CanonicalHeaderKey(name)] = values
	}
	return a
}

// serve does what every request needs before it acts, in the vendor's order: key, version, idempotency. Where it
// returns an idempotency key, that key is in use until it is settled.
func (f *Fake) serve(r *http.Request, req *Request, raw []byte) (a answer, inUse string) {
	if a, refused := authorize(r); refused {
		return a, ""
	}
	if v := r.Header.Get("Stripe-Version"); v != apiVersion {
		// Stripe takes its account's version where none is sent. That is a trap, since the shapes then depend on a
		// setting of somebody's dashboard, so that the fake insists.
		return refuse(http.StatusBadRequest, problem{Message: fmt.Sprintf("Invalid Stripe API version: %q; this fake is of %s", v, apiVersion)}), ""
	}
	key := r.Header.Get("Idempotency-Key")
	if r.Method != http.MethodPost || key == "" {
		return f.dispatch(r, req), ""
	}
	if len(key) > 255 {
		return refuse(http.StatusBadRequest, problem{Message: "Idempotency keys can't be longer than 255 characters.", Type: "idempotency_error"}), ""
	}
	if a, known := f.claim(key, r.Method+" "+req.Path+"\n"+string(raw)); known {
		req.Replay = a.header.Get("Idempotent-Replayed") != ""
		return a, ""
	}
	return f.dispatch(r, req), key
}

// claim takes the key for a request; known is true where the key has an answer already, or may not be used so.
func (f *Fake) claim(key, request string) (a answer, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := f.keys[key]
	switch {
	case k == nil:
		f.keys[key] = &keyed{request: request}
		return answer{}, false
	case k.request != request:
		return refuse(http.StatusBadRequest, problem{Type: "idempotency_error", Message: fmt.Sprintf(
			"Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '%s' if you meant to execute a different request.", key)}), true
	case k.answer == nil:
		return refuse(http.StatusConflict, problem{Type: "idempotency_error", Code: "idempotency_key_in_use", Message: fmt.Sprintf(
			"There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): %s.", key)}), true
	}
	a = *k.answer
	a.header = http.Header{"Idempotent-Replayed": {"true"}}
	return a, true
}

// settle keeps the answer under the key. Refusals before anything was done leave the key free, as they do at Stripe.
func (f *Fake) settle(key string, a answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a.status >= 400 && a.status < 500 {
		delete(f.keys, key)
		return
	}
	f.keys[key].answer = &a
}

func authorize(r *http.Request) (a answer, refused bool) {
	key, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !given {
		key, _, given = r.BasicAuth()
	}
	if !given || key == "" {
		return refuse(http.StatusUnauthorized, problem{Message: "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."}), true
	}
	if !strings.HasPrefix(key, "sk_test_") && !strings.HasPrefix(key, "rk_test_") {
		// A live key has no business at a fake. It is not repeated, whole or in part.
		return refuse(http.StatusUnauthorized, problem{Message: "Invalid API Key provided: only keys that begin with sk_test_ or rk_test_ work here."}), true
	}
	return answer{}, false
}

// denies refuses what a restricted key may not do.
func (f *Fake) denies(r *http.Request, permission string) (a answer, denied bool) {
	key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	f.mu.Lock()
	has, restricted := f.allowed[key]
	f.mu.Unlock()
	write := permission
	if rest, read := strings.CutSuffix(permission, "_read"); read {
		write = rest + "_write"
	}
	if !restricted || slices.Contains(has, permission) || slices.Contains(has, write) {
		return answer{}, false
	}
	hint := "This is a restricted API key, but the required permissions are not available for use by restricted keys."
	if permission != "" {
		hint = fmt.Sprintf("Having the '%s' permission would allow this request to continue.", permission)
	}
	return refuse(http.StatusForbidden, problem{Message: fmt.Sprintf(
		"The provided key '%s' does not have the required permissions for this endpoint on account 'acct_fake'. %s", shortened(key), hint)}), true
}

// shortened is a key as Stripe shows it.
func shortened(key string) string {
	const shown = len("rk_test_")
	if len(key) < shown+4 {
		return "***"
	}
	return key[:shown] + "***" + key[len(key)-4:]
}

// dispatch finds the operation. Paths are taken apart while encoded, so that an encoded slash stays part of an id.
func (f *Fake) dispatch(r *http.Request, req *Request) answer {
	if f.opts.API != nil {
		return f.operate(r, req)
	}
	switch path := req.Path; {
	case r.Method == http.MethodPost && path == "/v1/customers":
		return f.createCustomer(req.Form)
	case strings.HasPrefix(path, "/v1/customers/") && strings.Count(path, "/") == 3:
		id, err := url.PathUnescape(strings.TrimPrefix(path, "/v1/customers/"))
		if err != nil || id == "" {
			break
		}
		switch r.Method {
		case http.MethodGet:
			return f.retrieveCustomer(id, req.Query)
		case http.MethodDelete:
			if !f.DeleteCustomer(id) {
				return missing("customer", id)
			}
			return ok(deleted("customer", id))
		}
	}
	return unrecognized(r.Method, req.Path)
}

func unrecognized(method, path string) answer {
	return refuse(http.StatusNotFound, problem{Message: fmt.Sprintf(
		"Unrecognized request URL (%s: %s). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.", method, path)})
}

func deleted(object, id string) map[string]any {
	return map[string]any{"id": id, "object": object, "deleted": true}
}

func missing(object, id string) answer {
	return refuse(http.StatusNotFound, problem{Code: "resource_missing", Param: "id", Message: fmt.Sprintf("No such %s: '%s'", strings.ReplaceAll(object, ".", " "), id)})
}

func (f *Fake) retrieveCustomer(id string, query url.Values) answer {
	for name := range query {
		return unknownParameter(name)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.objects[id]
	if c == nil && f.opts.AutoCreate && strings.HasPrefix(id, "cus_") {
		c = f.put("customer", id, f.invent(id).object())
	}
	if c == nil {
		return missing("customer", id)
	}
	if c.deleted {
		return ok(deleted("customer", id))
	}
	return ok(c.data)
}

func (f *Fake) createCustomer(form url.Values) answer {
	c := Customer{Metadata: map[string]string{}, Created: f.opts.Now()}
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names) // so that of several mistakes the same one is named each time
	for _, name := range names {
		value := form.Get(name)
		switch key, nested := strings.CutPrefix(name, "metadata["); {
		case nested && strings.HasSuffix(key, "]"):
			c.Metadata[strings.TrimSuffix(key, "]")] = value
		case name == "email":
			c.Email = value
		case name == "name":
			c.Name = value
		case name == "phone":
			c.Phone = value
		case name == "description":
			c.Description = value
		default:
			return unknownParameter(name)
		}
	}
	if c.Email != "" && !strings.Contains(c.Email, "@") {
		return refuse(http.StatusBadRequest, problem{Code: "email_invalid", Param: "email", Message: "Invalid email address: " + c.Email})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c.ID = f.newID("cus_")
	return ok(f.put("customer", c.ID, c.object()).data)
}

func unknownParameter(name string) answer {
	return refuse(http.StatusBadRequest, problem{Code: "parameter_unknown", Param: name, Message: "Received unknown parameter: " + name})
}

// object returns the customer in the vendor's shape.
func (c *Customer) object() map[string]any {
	orNull := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	metadata := c.Metadata
	if metadata == nil {
		metadata = map[string]string{}
	}
	return map[string]any{
		"id": c.ID, "object": "customer", "address": nil, "balance": 0, "created": c.Created.Unix(), "currency": orNull(c.Currency),
		"default_source": nil, "delinquent": false, "description": orNull(c.Description), "discount": nil, "email": orNull(c.Email),
		"invoice_prefix": "FA4EC0DE",
		"invoice_settings": map[string]any{"custom_fields": nil, "default_payment_method": nil, "footer": nil,
			"rendering_options": nil},
		"livemode": false, "metadata": metadata, "name": orNull(c.Name), "next_invoice_sequence": 1, "phone": orNull(c.Phone),
		"preferred_locales": []string{}, "shipping": nil, "tax_exempt": "none", "test_clock": nil,
	}
}
