package stripe

// Calls go through net/http and not through the backend of Stripe's SDK. That backend, as of v76, runs the `uname`
// program on its first request even where the header that would carry the answer is overridden; reads answers of any
// size; loses the status of an answer that is not JSON, so that a proxy's 502 page and a refusal look alike; follows
// redirects; and reads numbers as float64. What is left of it once retries, telemetry and logs are off is a header and
// an error envelope, both below. In tests it is the oracle for signatures and error envelopes.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

// maxAnswer is the largest answer that is read: the largest object is some 100 KB.
const maxAnswer = 1 << 20

// call is one operation of the API. It describes the request as connectors.HTTP does, and reads the answer itself,
// because Stripe says things about its refusals that no status says.
type call struct {
	request *connectors.HTTP
	// decode makes the output of the answer's body.
	decode func(c *connectors.Call, body []byte) (cty.Value, error)
	// missing is what the call yields where Stripe has no object of that id; nil makes it a failure.
	missing func(c *connectors.Call) cty.Value
	limit   int64 // of an answer in bytes; maxAnswer where zero
	plain   bool  // the answer is no JSON
}

var _ connectors.Caller = (*call)(nil)

// newRequest returns the part of a request that is the same for all operations. Operations that write carry the
// idempotency key; Stripe ignores it elsewhere.
func newRequest(method, path string) *connectors.HTTP {
	h := &connectors.HTTP{
		Method:   method,
		Path:     path,
		Base:     apiBase,
		Encode:   connectors.Form,
		Requires: []connectors.Setting{keySetting()},
		Check:    checkKey,
		Headers:  map[string]string{"Stripe-Version": APIVersion},
		Auth: func(c *connectors.Conn, r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(c.Setting(settingKey)))
		},
	}
	if method == http.MethodGet {
		h.Encode = connectors.NoBody
	}
	if method == http.MethodPost {
		h.KeyHeader = "Idempotency-Key"
	}
	return h
}

// apiBase is where the API is. Stripe's SDKs take the base with and without /v1, so people write both.
func apiBase(c *connectors.Conn) string {
	base := strings.TrimRight(c.Setting(settingBaseURL), "/")
	if base = strings.TrimSuffix(base, "/v1"); base == "" {
		return defaultBaseURL
	}
	return base
}

// checkKey refuses what can't be a key for calls, in words that say what it is instead, and to send a live key in the
// clear.
func checkKey(c *connectors.Call) error {
	key := strings.TrimSpace(c.Conn.Setting(settingKey))
	switch {
	case strings.HasPrefix(key, "pk_"):
		return connectors.Invalid("api_key is a publishable key, which can't be used for calls; a secret key begins with sk_, a restricted one with rk_")
	case strings.HasPrefix(key, "whsec_"):
		return connectors.Invalid("api_key is a webhook's signing secret; that belongs into webhook_secret")
	case !word(key, 512, "_-"):
		return connectors.Invalid("api_key holds a character that no key has")
	}
	live := strings.HasPrefix(key, "sk_live_") || strings.HasPrefix(key, "rk_live_")
	if base, err := url.Parse(c.Conn.Setting(settingBaseURL)); live && err == nil && base.Scheme == "http" && !loopback(base.Hostname()) {
		return connectors.Invalid("base_url is http and api_key is a live key, which is not sent unencrypted")
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Call implements connectors.Caller.
func (o *call) Call(ctx context.Context, c *connectors.Call) (connectors.Result, error) {
	res, err := o.attempt(ctx, c)
	if err == nil {
		return res, nil
	}
	// A key that Stripe repeats in its message must not reach a log, whole or cut as Stripe cuts it.
	e := connectors.AsError(err)
	if key := strings.TrimSpace(c.Conn.Setting(settingKey)); key != "" {
		e.Message = strings.ReplaceAll(e.Message, key, "[secret]")
	}
	return res, e
}

func (o *call) attempt(ctx context.Context, c *connectors.Call) (connectors.Result, error) {
	req, err := o.request.Request(ctx, withoutEmptyExpand(c))
	if err != nil {
		var e *connectors.Error
		if !errors.As(err, &e) {
			e = &connectors.Error{Kind: connectors.KindInvalid, Message: err.Error(), Err: err}
		}
		e.NotSent = true
		return connectors.Result{}, e
	}
	if c.Account != "" {
		req.Header.Set("Stripe-Account", c.Account)
	}
	client := *c.Conn.Client // a copy: the connection's may follow redirects, and take the key along
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return connectors.Result{}, connectors.NetworkError(err)
	}
	defer resp.Body.Close()
	res := connectors.Result{Status: resp.StatusCode}
	limit := o.limit
	if limit == 0 {
		limit = maxAnswer
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if resp.StatusCode >= 300 {
		// The status of a refusal says enough where its body can't be read.
		e := refusal(resp, body)
		if o.missing != nil && missing(e) {
			res.Output = o.missing(c)
			return res, nil
		}
		return res, e
	}
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		e := connectors.NetworkError(err)
		e.Status, e.NotSent = resp.StatusCode, false
		return res, e
	}
	if int64(len(body)) > limit {
		return res, drift(resp.StatusCode, fmt.Sprintf("the answer is larger than %d MiB", limit>>20), nil)
	}
	if err := schema.CheckJSON(body, schema.JSONLimits{}); err != nil && !o.plain {
		return res, drift(resp.StatusCode, "the answer is not Stripe's: "+err.Error(), err)
	}
	out, err := o.decode(c, body)
	if err != nil {
		var e *connectors.Error
		if errors.As(err, &e) {
			e.Status = resp.StatusCode
			return res, e
		}
		return res, drift(resp.StatusCode, err.Error(), err)
	}
	res.Output = out
	return res, nil
}

// withoutEmptyExpand leaves a list of nothing to expand out, which in a form would stand for the empty string.
func withoutEmptyExpand(c *connectors.Call) *connectors.Call {
	v := connectors.Input(c, "expand")
	if v.IsNull() || !v.CanIterateElements() || v.LengthInt() > 0 {
		return c
	}
	own := *c
	input := c.Input.AsValueMap()
	input["expand"] = cty.NullVal(cty.DynamicPseudoType)
	own.Input = cty.ObjectVal(input)
	return &own
}

// missing reports whether Stripe says that there is no such object. Where it says that the object is there in the other
// mode, the key is the wrong one, and null would hide that.
func missing(e *connectors.Error) bool {
	return e.Kind == connectors.KindNotFound && (e.Code == "resource_missing" || e.Code == "invoice_upcoming_none") && !strings.Contains(e.Message, "a similar object exists in")
}

func drift(status int, message string, err error) *connectors.Error {
	return &connectors.Error{Kind: connectors.KindDrift, Status: status, Message: message, Err: err}
}

// refusal reads an answer that says no.
func refusal(resp *http.Response, body []byte) *connectors.Error {
	e := &connectors.Error{Kind: connectors.StatusKind(resp.StatusCode), Status: resp.StatusCode}
	envelope := body
	if schema.CheckJSON(body, schema.JSONLimits{}) != nil {
		envelope = nil // a proxy's page
	}
	text := func(name string) string {
		s, _ := schema.StringOf(schema.Lookup(envelope, "error", name))
		return s
	}
	e.Code = text("code")
	if e.Code == "" {
		e.Code = text("type")
	}
	switch e.Code {
	case "lock_timeout", "idempotency_key_in_use":
		// Another request holds the object, or is still busy with the same key. Not a matter of rates, although
		// lock_timeout comes as a 429.
		e.Kind = connectors.KindConflict
	}
	e.NotSent = resp.StatusCode == http.StatusTooManyRequests
	e.Message = refusalMessage(resp, text)
	e.RetryAfter = connectors.RetryAfter(resp.Header, serverTime(resp.Header))
	switch strings.ToLower(resp.Header.Get("Stripe-Should-Retry")) {
	case "false":
		e.Final = true
	case "true":
		if !e.Kind.Transient() {
			e.Kind = connectors.KindServer
		}
	}
	return e
}

// refusalMessage returns Stripe's sentence, with what else it says that helps, or the status in words.
func refusalMessage(resp *http.Response, text func(string) string) string {
	var b strings.Builder
	b.WriteString(text("message"))
	if b.Len() == 0 {
		b.WriteString(strings.ToLower(http.StatusText(resp.StatusCode)))
		if resp.StatusCode < 400 {
			b.WriteString("; a redirect is not followed")
		} else if text("type") == "" {
			b.WriteString("; the answer is not one of Stripe's, so base_url or a proxy may be wrong")
		}
	}
	for _, name := range []string{"param", "decline_code"} {
		if v := text(name); v != "" {
			b.WriteString(" (" + name + ": " + v + ")")
		}
	}
	if id := resp.Header.Get("Request-Id"); id != "" {
		b.WriteString(" [" + id + "]")
	}
	return oneLine(b.String())
}

// maxMessage is the longest text of Stripe's that is kept, in bytes.
const maxMessage = 500

func oneLine(s string) string {
	if len(s) > maxMessage {
		s = strings.ToValidUTF8(s[:maxMessage], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// serverTime returns the answer's own date, from which a Retry-After that is a date is counted. Without one there is
// nothing to count from: it is then far in the future, so that the wait is nought.
func serverTime(h http.Header) time.Time {
	at, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return at
}

// decodeAnswer makes a value of the shape. Where one of its own fields is not as promised, the later steps, which were
// checked against the promise, must not run. What is amiss deeper inside fails where a recipe reads it: a look-up for
// an e-mail address should not fail for the sake of a coupon.
func decodeAnswer(out *schema.Object, body []byte) (cty.Value, error) {
	v, drifts, err := out.Decode(body, &schema.Paths{All: true})
	if err != nil {
		return cty.NilVal, fmt.Errorf("reading Stripe's answer: %w", err)
	}
	for _, d := range drifts {
		if len(d.Path) == 1 {
			return cty.NilVal, fmt.Errorf("the answer is not of its declared shape: %s", d)
		}
	}
	return v, nil
}
