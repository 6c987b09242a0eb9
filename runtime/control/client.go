package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// DefaultServer is where a server's control door is, unless it was told otherwise.
const DefaultServer = "http://127.0.0.1:8081"

const maxAnswer = 64 << 20

// ErrNoServer is wrapped by the error of a call that nobody answered.
var ErrNoServer = errors.New("no server answers")

// APIError is a call that the server refused.
type APIError struct {
	Status  int // HTTP
	Code    string
	Message string
}

func (e *APIError) Error() string { return e.Message }

// Is makes a 404 equal to ErrNotFound of the API.
func (e *APIError) Is(target error) bool { return target == ErrNotFound && e.Code == "not_found" }

// ErrNotFound is what errors.Is finds where the server has no such run or event.
var ErrNotFound = errors.New("not found")

// Client talks to a server's control door.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// NewClient returns a client for the door at base, such as DefaultServer; empty is DefaultServer. The token may be empty.
func NewClient(base, token string) *Client {
	if base == "" {
		base = DefaultServer
	}
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	return &Client{base: strings.TrimRight(base, "/"), token: token, http: &http.Client{
		// A redirect would carry the token elsewhere, and the door sends none.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Base returns the URL of the door.
func (c *Client) Base() string { return c.base }

// RunFilter selects runs. Zero fields select all.
type RunFilter struct {
	Recipe, Status, Event string
	Since                 string   // RFC 3339, or how long ago: "90m", "7d"
	Limit                 int      // of a page
	Cursor                string   // RunList.Next of the page before
	Where                 []string // NAME=VALUE of the event; all must hold
}

// EventFilter selects events. Zero fields select all.
type EventFilter struct {
	Connection, Type string
	Since            string
	Limit            int
	Cursor           string
	Where            []string
}

// Status returns what the server does.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	return call[Status](ctx, c, http.MethodGet, "/api/v1/status", nil, nil)
}

// Reload has the server apply its folder, and returns the result; OK is false in it where the folder was refused.
func (c *Client) Reload(ctx context.Context) (*Reload, error) {
	return call[Reload](ctx, c, http.MethodPost, "/api/v1/reload", nil, struct{}{})
}

// Recipes returns what the server serves.
func (c *Client) Recipes(ctx context.Context) ([]Recipe, error) {
	list, err := call[RecipeList](ctx, c, http.MethodGet, "/api/v1/recipes", nil, nil)
	if err != nil {
		return nil, err
	}
	return list.Recipes, nil
}

// Runs returns a page of runs.
func (c *Client) Runs(ctx context.Context, f RunFilter) (*RunList, error) {
	q := query("recipe", f.Recipe, "status", f.Status, "event", f.Event, "since", f.Since, "limit", number(f.Limit), "cursor", f.Cursor)
	return call[RunList](ctx, c, http.MethodGet, "/api/v1/runs", withWhere(q, f.Where), nil)
}

// Run returns a run with its steps.
func (c *Client) Run(ctx context.Context, id string) (*Run, error) {
	return call[Run](ctx, c, http.MethodGet, "/api/v1/runs/"+url.PathEscape(id), nil, nil)
}

// Events returns a page of events.
func (c *Client) Events(ctx context.Context, f EventFilter) (*EventList, error) {
	q := query("connection", f.Connection, "type", f.Type, "since", f.Since, "limit", number(f.Limit), "cursor", f.Cursor)
	return call[EventList](ctx, c, http.MethodGet, "/api/v1/events", withWhere(q, f.Where), nil)
}

// Event returns an event with its payload and its runs. The connection may be empty.
func (c *Client) Event(ctx context.Context, connection, id string) (*Event, error) {
	return call[Event](ctx, c, http.MethodGet, "/api/v1/events/"+url.PathEscape(id), query("connection", connection), nil)
}

// Backup has the server copy its store to an absolute path on its own machine.
func (c *Client) Backup(ctx context.Context, path string) (*BackupResult, error) {
	return call[BackupResult](ctx, c, http.MethodPost, "/api/v1/store/backup", nil, BackupRequest{Path: path})
}

// Trigger has a dev server send itself a sample event.
func (c *Client) Trigger(ctx context.Context, r TriggerRequest) (*TriggerResult, error) {
	return call[TriggerResult](ctx, c, http.MethodPost, "/api/v1/trigger", nil, r)
}

func query(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}

func withWhere(q url.Values, where []string) url.Values {
	if len(where) > 0 {
		q["where"] = where
	}
	return q
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func call[T any](ctx context.Context, c *Client, method, path string, q url.Values, in any) (*T, error) {
	target := c.base + path
	if len(q) > 0 {
		target += "?" + q.Encode()
	}
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encoding the request: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, fmt.Errorf("the server's address %q is not a URL: %w", c.base, err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }() // read to the end or given up
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", c.base, err)
	}
	if len(raw) > maxAnswer {
		return nil, fmt.Errorf("the answer of %s is over %d MiB", c.base, maxAnswer>>20)
	}
	if resp.StatusCode/100 != 2 {
		return nil, c.refused(resp.StatusCode, raw)
	}
	out := new(T)
	if err := json.Unmarshal(raw, out); err != nil {
		return nil, fmt.Errorf("what answers at %s is not a flowrun control door: %w", c.base, err)
	}
	return out, nil
}

func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("asking %s: %w", c.base, ctx.Err())
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return &noServer{base: c.base, err: err}
	}
	return fmt.Errorf("asking %s: %w", c.base, err)
}

type noServer struct {
	base string
	err  error
}

func (e *noServer) Error() string {
	return "no server answers at " + e.base + ": is `flowrun serve` or `flowrun dev` running?"
}

func (e *noServer) Unwrap() []error { return []error{ErrNoServer, e.err} }

func (c *Client) refused(status int, raw []byte) error {
	var p problemBody
	if err := json.Unmarshal(raw, &p); err != nil || p.Error.Message == "" {
		return fmt.Errorf("what answers at %s is not a flowrun control door: it says %d %s", c.base, status, http.StatusText(status))
	}
	e := &APIError{Status: status, Code: p.Error.Code, Message: p.Error.Message}
	if status == http.StatusUnauthorized {
		e.Message = "the server at " + c.base + " wants a token: set FLOWRUN_CONTROL_TOKEN to the one it was started with"
		if c.token != "" {
			e.Message = "the server at " + c.base + " refused the token in FLOWRUN_CONTROL_TOKEN"
		}
	}
	return e
}
