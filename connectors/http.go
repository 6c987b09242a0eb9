package connectors

// HTTP is how most actions become calls: declared, not written. What every call needs and each hand-written one
// forgets stands here once: values in paths are encoded, redirects are not followed, answers are bounded and drained,
// a failure says whether anything was sent, and no message holds a URL or a secret. It sits on the path of every
// step, so the path is parsed once and bodies are written straight from cty to bytes.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/schema"
)

// Encoding is how a request's body is written. The zero Encoding is JSON.
type Encoding uint8

const (
	JSON   Encoding = iota // application/json
	Form                   // application/x-www-form-urlencoded, nested names in brackets
	NoBody                 // none
)

// HTTP is a declared call. It is used by pointer, must not be changed once called, and is safe for concurrent use.
type HTTP struct {
	Method string // "POST"

	// Base returns what Path is appended to: scheme, host and perhaps a prefix.
	Base func(*Conn) string

	// Path is a template: each {name} stands for a value, percent-encoded as one segment. The value is what PathValue
	// returns for the name, or the input field of that name where PathValue is nil.
	Path      string
	PathValue func(c *Call, name string) (string, error)

	// PathSetting names the connection's setting that takes Path's place where it is given, with the same placeholders;
	// empty where the vendor's path is certain.
	PathSetting string

	// Query are the input fields that go into the query string, nested ones as a form has them; a null one is left out.
	Query []string

	// Body appends the encoded body. Where it is nil the body holds the input fields that are neither in Path nor in
	// Query, under the names that Rename gives ("" leaves one out), null ones left out.
	Body   func(dst []byte, c *Call) ([]byte, error)
	Rename map[string]string
	Encode Encoding

	// ContentType is what the body is, where it is not what Encode says.
	ContentType string

	// Requires are the settings without which the call can't be made. The values of those that are secret are struck
	// out of every message.
	Requires []Setting

	// Check refuses an input that the vendor would refuse or, worse, take in part.
	Check func(*Call) error

	Auth      func(*Conn, *http.Request)
	KeyHeader string            // the header that carries Call.Key, where the vendor has one
	Headers   map[string]string // sent as they are

	// Problem reads the vendor's error. What it returns is cleaned and cut; empty strings leave the status's own text.
	Problem func(status int, h http.Header, body []byte) (message, code string)

	// ListIn is the field of the answer's shape that takes the answer where that is a list and no object; empty where the
	// vendor answers an object.
	ListIn string

	// MaxAnswer is the largest answer that is read, in bytes: 1 MiB where zero.
	MaxAnswer int64

	// Now is the clock against which a Retry-After date is read where the answer has no Date: time.Now where nil.
	Now func() time.Time

	once    sync.Once
	path    pathTemplate
	pathErr error
	skip    map[string]bool // input fields that the body leaves out
}

var _ Caller = (*HTTP)(nil)

const defaultMaxAnswer = 1 << 20

func (h *HTTP) prepare() error {
	h.once.Do(func() {
		h.path, h.pathErr = parsePath(h.Path)
		h.skip = map[string]bool{}
		if h.PathValue == nil {
			for _, name := range h.path.names {
				h.skip[name] = true
			}
		}
		for _, name := range h.Query {
			h.skip[name] = true
		}
	})
	return h.pathErr
}

// Call implements Caller.
func (h *HTTP) Call(ctx context.Context, c *Call) (Result, error) {
	var sent progress
	req, err := h.Request(sent.watch(ctx), c)
	if err != nil {
		e := asInvalid(err)
		e.NotSent = true
		return Result{}, h.redact(c.Conn, e)
	}

	if err := ctx.Err(); err != nil {
		e := NetworkError(err)
		e.NotSent = true
		return Result{}, e
	}

	// A copy, because the connection's client is shared and may follow redirects. A redirect would send the body, and
	// perhaps the key, to a host that nobody configured.
	client := *c.Conn.Client
	client.CheckRedirect = noRedirect

	resp, err := client.Do(req)
	if err != nil {
		// The transport may report a cut connection where the context ended first. An error of our own knows better.
		if own := (*Error)(nil); ctx.Err() != nil && !errors.As(err, &own) {
			err = ctx.Err()
		}
		return Result{}, h.redact(c.Conn, sent.settle(NetworkError(err)))
	}
	defer resp.Body.Close()

	if kind := StatusKind(resp.StatusCode); kind != "" {
		return Result{Status: resp.StatusCode}, h.problem(c.Conn, resp, kind)
	}
	res := Result{Status: resp.StatusCode}
	if c.Action.Out == nil {
		drain(resp.Body, h.maxAnswer())
		return res, nil
	}
	body, err := readAll(resp.Body, resp.ContentLength, h.maxAnswer())
	if err != nil {
		e := answerError(ctx, err)
		e.Status = resp.StatusCode
		return res, h.redact(c.Conn, e)
	}
	out, err := decodeAnswer(c.Action.Out, h.answer(body))
	if err != nil {
		return res, h.redact(c.Conn, &Error{Kind: KindDrift, Status: resp.StatusCode, Err: err,
			Message: "the answer is not of its declared shape: " + err.Error()})
	}
	res.Output = out
	return res, nil
}

// Do makes one request for a caller that is not an HTTP. Where it fails, e is what failed, and says whether anything was
// sent.
func Do(client *http.Client, req *http.Request) (resp *http.Response, e *Error, err error) {
	ctx := req.Context()
	if err := ctx.Err(); err != nil {
		e = NetworkError(err)
		e.NotSent = true
		return nil, e, err
	}
	var sent progress
	resp, err = client.Do(req.WithContext(sent.watch(ctx)))
	if err == nil {
		return resp, nil, nil
	}
	cause := err
	if own := (*Error)(nil); ctx.Err() != nil && !errors.As(err, &own) {
		cause = ctx.Err()
	}
	return nil, sent.settle(NetworkError(cause)), err
}

// ReadAnswer reads an answer of at most limit bytes. It fails with an *Error.
func ReadAnswer(ctx context.Context, resp *http.Response, limit int64) ([]byte, error) {
	body, err := readAll(resp.Body, resp.ContentLength, limit)
	if err != nil {
		return nil, answerError(ctx, err)
	}
	return body, nil
}

// CleanText makes a foreign text fit for one line of a log.
func CleanText(s string) string { return cleanText(s) }

// Request returns the request that Call sends: the same bytes for the same call, so that a vendor sees a repeat as one.
// It fails with an *Error of kind invalid.
func (h *HTTP) Request(ctx context.Context, c *Call) (*http.Request, error) {
	if err := h.prepare(); err != nil {
		return nil, err
	}
	if err := h.settings(c.Conn); err != nil {
		return nil, err
	}
	if h.Check != nil {
		if err := h.Check(c); err != nil {
			return nil, err
		}
	}
	target, err := h.url(c)
	if err != nil {
		return nil, err
	}
	var body io.Reader
	var content string
	if h.Encode != NoBody {
		b, err := h.body(make([]byte, 0, 512), c)
		if err != nil {
			return nil, err
		}
		body, content = bytes.NewReader(b), "application/json"
		if h.Encode == Form {
			content = "application/x-www-form-urlencoded"
		}
		if h.ContentType != "" {
			content = h.ContentType
		}
	}
	req, err := http.NewRequestWithContext(ctx, h.Method, target, body)
	if err != nil {
		return nil, Invalid("the connection's URL can't be used")
	}
	if content != "" {
		req.Header.Set("Content-Type", content)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "flowrun")
	for k, v := range h.Headers {
		req.Header.Set(k, v)
	}
	if h.KeyHeader != "" {
		if c.Key == "" {
			return nil, Invalid("the call has no idempotency key")
		}
		req.Header.Set(h.KeyHeader, c.Key)
	}
	if h.Auth != nil {
		h.Auth(c.Conn, req)
	}
	return req, nil
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// settings refuses a connection that lacks what the call needs, in words that say how to mend it.
func (h *HTTP) settings(conn *Conn) error {
	for i := range h.Requires {
		s := &h.Requires[i]
		if conn.Setting(s.Name) != "" {
			continue
		}
		hint := ""
		if s.Env != "" {
			hint = ", or the environment variable " + s.Env
		}
		return Invalid(fmt.Sprintf("connection %q has no %s: set %s in its block%s", conn.Name, s.Name, s.Name, hint))
	}
	return nil
}

func (h *HTTP) url(c *Call) (string, error) {
	base := ""
	if h.Base != nil {
		base = strings.TrimRight(h.Base(c.Conn), "/")
	}
	if !strings.HasPrefix(base, "https://") && !strings.HasPrefix(base, "http://") {
		return "", Invalid("the connection's URL must begin with https:// or http://")
	}
	path, err := h.pathFor(c.Conn)
	if err != nil {
		return "", err
	}
	dst := make([]byte, 0, len(base)+len(h.Path)+64)
	dst = append(append(dst, base...), path.literals[0]...)
	for i, name := range path.names {
		v, err := h.pathValue(c, name)
		if err == nil {
			err = checkSegment(name, v)
		}
		if err != nil {
			return "", err
		}
		dst = append(AppendPathEscape(dst, v), path.literals[i+1]...)
	}
	before := len(dst)
	dst = append(dst, '?')
	for _, name := range h.Query {
		query, err := AppendForm(dst[before+1:], name, Input(c, name))
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		dst = append(dst[:before+1], query...)
	}
	if len(dst) == before+1 {
		dst = dst[:before]
	}
	return string(dst), nil
}

func (h *HTTP) pathValue(c *Call, name string) (string, error) {
	if h.PathValue != nil {
		return h.PathValue(c, name)
	}
	v := Input(c, name)
	if v.IsNull() {
		return "", nil
	}
	text, err := ScalarText(v)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return text, nil
}

func (h *HTTP) body(dst []byte, c *Call) ([]byte, error) {
	if h.Body != nil {
		return h.Body(dst, c)
	}
	if h.Encode == Form {
		return h.formBody(dst, c)
	}
	return h.jsonBody(dst, c)
}

func (h *HTTP) maxAnswer() int64 {
	if h.MaxAnswer > 0 {
		return h.MaxAnswer
	}
	return defaultMaxAnswer
}

// problem reads an answer that says no.
func (h *HTTP) problem(conn *Conn, resp *http.Response, kind Kind) *Error {
	// What can't be read of an error is not worth a second failure: the status says enough.
	body, _ := readAll(resp.Body, resp.ContentLength, h.maxAnswer())
	e := &Error{Kind: kind, Status: resp.StatusCode, NotSent: kind == KindRateLimited}
	if h.Problem != nil {
		e.Message, e.Code = h.Problem(resp.StatusCode, resp.Header, body)
		e = h.redact(conn, e) // before a cut could leave a part of a secret
		e.Message, e.Code = cleanText(e.Message), cleanText(e.Code)
	}
	if e.Message == "" {
		e.Message = strings.ToLower(http.StatusText(resp.StatusCode))
		if resp.StatusCode < 400 {
			e.Message = "answered with a redirect, which is not followed"
			if to, err := resp.Location(); err == nil {
				e.Message += "; it points to host " + cleanText(to.Host)
			}
		}
		if e.Message == "" {
			e.Message = "the status has no meaning known to us"
		}
	}
	e.RetryAfter = RetryAfter(resp.Header, h.clock(resp.Header))
	return e
}

// clock returns the moment that a Retry-After date counts from: the vendor's own, so that two clocks that differ do no
// harm.
func (h *HTTP) clock(header http.Header) time.Time {
	if at, err := http.ParseTime(header.Get("Date")); err == nil {
		return at
	}
	if h.Now != nil {
		return h.Now()
	}
	return time.Now()
}

// redact strikes the connection's secrets out of e, in case a vendor or a driver repeats one.
func (h *HTTP) redact(conn *Conn, e *Error) *Error {
	for i := range h.Requires {
		if s := &h.Requires[i]; s.Secret {
			e.Message = strike(e.Message, conn.Settings[s.Name])
			e.Code = strike(e.Code, conn.Settings[s.Name])
		}
	}
	return e
}

func strike(text string, secrets []string) string {
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "[secret]")
		}
	}
	return text
}

// answer returns the answer as the object that its shape describes.
func (h *HTTP) answer(body []byte) []byte {
	if trimmed := bytes.TrimSpace(body); h.ListIn == "" || len(trimmed) == 0 || trimmed[0] != '[' {
		return body
	}
	return fmt.Appendf(nil, "{%q:%s}", h.ListIn, body)
}

// decodeAnswer makes a value of out's shape. An answer that lacks what the shape promises is refused, since later steps
// were checked against the promise.
func decodeAnswer(out *schema.Object, body []byte) (cty.Value, error) {
	if err := schema.CheckJSON(body, schema.JSONLimits{}); err != nil {
		return cty.NilVal, err
	}
	v, drift, err := out.Decode(body, &schema.Paths{All: true})
	if err != nil {
		return cty.NilVal, err
	}
	if len(drift) > 0 {
		return cty.NilVal, fmt.Errorf("%s", drift[0])
	}
	return v, nil
}
