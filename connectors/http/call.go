package http

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

// Bounds of one request.
const (
	maxAnswer    = 1 << 20 // bytes of one page
	maxTogether  = 4 << 20 // bytes of all pages
	maxRedirects = 5
	mostPages    = 100
	defaultPages = 10
)

// requesting is one call on its way.
type requesting struct {
	c      *connectors.Call
	method string
	listAt string // where the list is that pages share
	base   *url.URL
	paging paging
	paged  bool
	okay   []int
}

// answered is what came back; body is that of all pages together.
type answered struct {
	status int
	header http.Header
	body   []byte
}

// call makes the call of the action.
func call(ctx context.Context, c *connectors.Call) (connectors.Result, error) {
	r := &requesting{c: c, method: cmp.Or(connectors.InputString(c, "method"), http.MethodGet)}
	if v := connectors.Input(c, "ok_status"); !v.IsNull() {
		for it := v.ElementIterator(); it.Next(); {
			_, n := it.Element()
			status, _ := n.AsBigFloat().Int64()
			r.okay = append(r.okay, int(status))
		}
	}
	a, err := r.do(ctx)
	if err != nil {
		return connectors.Result{Status: connectors.AsError(err).Status}, err
	}
	out, err := a.value(c.Action.Out)
	if err != nil {
		return connectors.Result{Status: a.status}, &connectors.Error{Kind: connectors.KindDrift, Status: a.status,
			Message: "the answer is not of its declared shape: " + err.Error(), Err: err}
	}
	return connectors.Result{Output: out, Status: a.status}, nil
}

// value makes the output: of a declared shape where there is one.
func (a *answered) value(out *schema.Object) (cty.Value, error) {
	headers := map[string]cty.Value{}
	for name, values := range a.header {
		headers[strings.ToLower(name)] = cty.StringVal(strings.ToValidUTF8(strings.Join(values, ", "), "\uFFFD"))
	}
	attrs := map[string]cty.Value{"status": cty.NumberIntVal(int64(a.status)), "headers": cty.MapValEmpty(cty.String)}
	if len(headers) > 0 {
		attrs["headers"] = cty.MapVal(headers)
	}
	f := out.Field("body")
	if f.Type.Kind != schema.KindAny && f.Nullable && connectors.StatusKind(a.status) != "" {
		attrs["body"] = cty.NullVal(cty.DynamicPseudoType)
		return cty.ObjectVal(attrs), nil
	}
	if f.Type.Kind != schema.KindAny {
		if err := schema.CheckJSON(a.body, schema.JSONLimits{}); err != nil {
			return cty.NilVal, err
		}
		whole := append(append([]byte(`{"body":`), a.body...), '}')
		v, drift, err := schema.NewObject("answer", *f).Decode(whole, &schema.Paths{All: true})
		if err != nil {
			return cty.NilVal, err
		}
		if len(drift) > 0 {
			return cty.NilVal, errors.New(drift[0].String())
		}
		attrs["body"] = v.GetAttr("body")
		return cty.ObjectVal(attrs), nil
	}
	switch v, err := schema.DecodeAny(a.body); {
	case len(bytes.TrimSpace(a.body)) == 0:
		attrs["body"] = cty.NullVal(cty.DynamicPseudoType)
	case err == nil:
		attrs["body"] = v
	case utf8.Valid(a.body):
		attrs["body"] = cty.StringVal(string(a.body))
	default:
		return cty.NilVal, errors.New("body is neither JSON nor text")
	}
	return cty.ObjectVal(attrs), nil
}

// do makes the request, and those for the pages that follow.
func (r *requesting) do(ctx context.Context) (*answered, error) {
	target, err := r.target()
	if err != nil {
		return nil, err
	}
	if r.paging, r.paged = pagingOf(connectors.Input(r.c, "paging")); r.paged && r.listAt == "" {
		r.listAt = r.paging.items
	}
	body, content, err := r.body()
	if err != nil {
		return nil, err
	}
	if r.c.Conn.Setting("allow_private") != "true" {
		ctx = connectors.PublicOnly(ctx)
	}
	first, err := r.once(ctx, target, body, content)
	if err != nil || !r.paged {
		return first, err
	}
	return r.rest(ctx, target, first)
}

// target is the URL, with the query.
func (r *requesting) target() (*url.URL, error) {
	if base := r.c.Conn.Setting("base_url"); base != "" {
		u, err := url.Parse(base)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, connectors.Invalid("the connection's base_url must begin with https:// or http://")
		}
		r.base = u
	}
	raw := connectors.InputString(r.c, "url")
	if path := connectors.InputString(r.c, "path"); path != "" {
		if r.base == nil {
			return nil, connectors.Invalidf("connection %q has no base_url that the path could be appended to: set base_url in its block, or the environment variable HTTP_BASE_URL", r.c.Conn.Name)
		}
		raw = strings.TrimRight(r.base.String(), "/") + "/" + strings.TrimLeft(path, "/")
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Opaque != "" {
		return nil, connectors.Invalid("the URL must begin with https:// or http://, and hold no credentials")
	}
	if slices.Contains(strings.Split(u.Path, "/"), "..") {
		return nil, connectors.Invalid("the path holds \"..\", by which it could lead elsewhere")
	}
	q := u.Query()
	if v := connectors.Input(r.c, "query"); !v.IsNull() {
		for it := v.ElementIterator(); it.Next(); {
			name, value := it.Element()
			if value.IsNull() {
				continue
			}
			s, err := connectors.ScalarText(value)
			if err != nil {
				return nil, connectors.Invalidf("query.%s: %v", name.AsString(), err)
			}
			q.Set(name.AsString(), s)
		}
		u.RawQuery = q.Encode()
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && r.c.Conn.Setting("allow_private") != "true" && !connectors.PublicAddress(addr) {
		return nil, connectors.Invalid(connectors.ErrPrivate.Error())
	}
	return u, nil
}

// body is what is sent.
func (r *requesting) body() (body []byte, content string, err error) {
	if v := connectors.Input(r.c, "text"); !v.IsNull() {
		return []byte(v.AsString()), "text/plain; charset=utf-8", nil
	}
	if v := connectors.Input(r.c, "form"); !v.IsNull() {
		form := url.Values{}
		for it := v.ElementIterator(); it.Next(); {
			name, value := it.Element()
			s, err := connectors.ScalarText(value)
			if err != nil {
				return nil, "", connectors.Invalidf("form.%s: %v", name.AsString(), err)
			}
			if !value.IsNull() {
				form.Set(name.AsString(), s)
			}
		}
		return []byte(form.Encode()), "application/x-www-form-urlencoded", nil
	}
	v := connectors.Input(r.c, "body")
	if v.IsNull() {
		return nil, "", nil
	}
	if body, err = schema.AppendJSON(nil, v); err != nil {
		return nil, "", connectors.Invalidf("body: %v", err)
	}
	return body, "application/json", nil
}

// once makes one request and reads its answer.
func (r *requesting) once(ctx context.Context, target *url.URL, body []byte, content string) (*answered, error) {
	var in io.Reader
	if body != nil {
		in = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target.String(), in)
	if err != nil {
		return nil, connectors.Invalid("the request can't be made of its URL")
	}
	if err := r.head(req, content); err != nil {
		return nil, err
	}
	client := *r.c.Conn.Client
	client.Jar = nil
	client.CheckRedirect = r.redirect
	resp, sent, err := connectors.Do(&client, req)
	if err != nil {
		if errors.Is(err, connectors.ErrPrivate) {
			return nil, &connectors.Error{Kind: connectors.KindRefused, Message: connectors.ErrPrivate.Error(), NotSent: sent.NotSent, Final: true, Err: connectors.ErrPrivate}
		}
		return nil, r.quiet(sent)
	}
	defer resp.Body.Close()
	raw, err := connectors.ReadAnswer(ctx, resp, maxAnswer)
	if kind := connectors.StatusKind(resp.StatusCode); kind != "" && !slices.Contains(r.okay, resp.StatusCode) {
		return nil, r.problem(resp, raw, kind)
	}
	if err != nil {
		e := *connectors.AsError(err)
		e.Status = resp.StatusCode
		return nil, r.quiet(&e)
	}
	return &answered{resp.StatusCode, resp.Header, raw}, nil
}

// head sets the headers: the recipe's, then the connection's, which win.
func (r *requesting) head(req *http.Request, content string) error {
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "flowrun")
	if content != "" {
		req.Header.Set("Content-Type", content)
	}
	if v := connectors.Input(r.c, "headers"); !v.IsNull() {
		for it := v.ElementIterator(); it.Next(); {
			name, value := it.Element()
			if value.IsNull() {
				continue
			}
			switch http.CanonicalHeaderKey(name.AsString()) {
			case "Host", "Content-Length", "Transfer-Encoding", "Connection", "Proxy-Authorization", "Upgrade", "Te", "Trailer":
				return connectors.Invalidf("the header %s can't be set", http.CanonicalHeaderKey(name.AsString()))
			}
			if strings.ContainsAny(value.AsString(), "\r\n\x00") {
				return connectors.Invalidf("the header %s holds a line feed", http.CanonicalHeaderKey(name.AsString()))
			}
			req.Header.Set(name.AsString(), value.AsString())
		}
	}
	if name := connectors.InputString(r.c, "idempotency_header"); name != "" {
		if r.c.Key == "" {
			return connectors.Invalid("the call has no idempotency key")
		}
		req.Header.Set(name, r.c.Key)
	}
	if !r.own(req.URL) {
		return nil
	}
	conn := r.c.Conn
	if token := conn.Setting("token"); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	} else if user := conn.Setting("username"); user != "" {
		req.SetBasicAuth(user, conn.Setting("password"))
	}
	if name := conn.Setting("key_header"); name != "" && conn.Setting("api_key") != "" {
		req.Header.Set(name, conn.Setting("api_key"))
	}
	return nil
}

// own reports whether a URL is on the host that the connection's credentials are for.
func (r *requesting) own(u *url.URL) bool {
	return r.base != nil && strings.EqualFold(u.Host, r.base.Host) && u.Scheme == r.base.Scheme
}

// redirect follows those of GET and HEAD, a few, never from https to http, and takes the credentials along to no other
// host. Where it leads is judged as the connection is made.
func (r *requesting) redirect(req *http.Request, via []*http.Request) error {
	if r.method != http.MethodGet && r.method != http.MethodHead || len(via) > maxRedirects || via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return http.ErrUseLastResponse
	}
	if !r.own(req.URL) {
		req.Header.Del("Authorization")
		req.Header.Del(r.c.Conn.Setting("key_header"))
	}
	if addr, err := netip.ParseAddr(req.URL.Hostname()); err == nil && r.c.Conn.Setting("allow_private") != "true" && !connectors.PublicAddress(addr) {
		return connectors.ErrPrivate
	}
	return nil
}

// problem reads an answer that says no.
func (r *requesting) problem(resp *http.Response, body []byte, kind connectors.Kind) error {
	message := strings.ToLower(http.StatusText(resp.StatusCode))
	if resp.StatusCode < 400 {
		message = "answered with a redirect, which is not followed"
	}
	for _, path := range []string{"error.message", "message", "error", "detail", "title"} {
		if s, ok := schema.StringOf(lookup(body, path)); ok && s != "" {
			message = s
			break
		}
	}
	e := &connectors.Error{Kind: kind, Status: resp.StatusCode, NotSent: kind == connectors.KindRateLimited, Message: message}
	now := time.Now()
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		now = at
	}
	e.RetryAfter = connectors.RetryAfter(resp.Header, now)
	return r.quiet(e)
}

// quiet strikes the connection's secrets out of an error, and makes its message one line.
func (r *requesting) quiet(e *connectors.Error) error {
	for _, name := range []string{"token", "password", "api_key", "key_header"} {
		if s := r.c.Conn.Setting(name); s != "" {
			e.Message = strings.ReplaceAll(e.Message, s, "[secret]")
		}
	}
	e.Message = connectors.CleanText(e.Message)
	return e
}

// lookup finds what a dotted path leads to; nil where nothing is there.
func lookup(raw []byte, path string) []byte {
	raw = bytes.TrimSpace(raw)
	if path == "" {
		return raw
	}
	if len(raw) == 0 || raw[0] != '{' || schema.CheckJSON(raw, schema.JSONLimits{}) != nil {
		return nil
	}
	return schema.Lookup(raw, strings.Split(path, ".")...)
}

// elements calls f with each element of a JSON list.
func elements(list []byte, f func([]byte)) error {
	var raws []json.RawMessage
	if err := json.Unmarshal(list, &raws); err != nil {
		return err
	}
	for _, raw := range raws {
		f(raw)
	}
	return nil
}

// scalar is a string or a whole number in JSON as text, for cursors.
func scalar(raw []byte) string {
	if s, ok := schema.StringOf(raw); ok {
		return s
	}
	if n, ok := schema.Int64Of(raw); ok {
		return strconv.FormatInt(n, 10)
	}
	return ""
}
