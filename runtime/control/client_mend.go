package control

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

func runPath(id, verb string) string { return "/api/v1/runs/" + url.PathEscape(id) + "/" + verb }

// RetryRun takes up a failed run again and returns it.
func (c *Client) RetryRun(ctx context.Context, id string, r RetryRequest) (*Run, error) {
	return call[Run](ctx, c, http.MethodPost, runPath(id, "retry"), nil, r)
}

// CancelRun ends a run that has not ended.
func (c *Client) CancelRun(ctx context.Context, id string) (*Run, error) {
	return call[Run](ctx, c, http.MethodPost, runPath(id, "cancel"), nil, struct{}{})
}

// ResolveRun settles a step whose outcome is unknown.
func (c *Client) ResolveRun(ctx context.Context, id string, r ResolveRequest) (*Run, error) {
	return call[Run](ctx, c, http.MethodPost, runPath(id, "resolve"), nil, r)
}

// MoveRun has a waiting run go on with the program that is served now.
func (c *Client) MoveRun(ctx context.Context, id string) (*Run, error) {
	return call[Run](ctx, c, http.MethodPost, runPath(id, "move"), nil, struct{}{})
}

// Bulk retries, cancels or moves many runs: verb is "retry", "cancel" or "move".
func (c *Client) Bulk(ctx context.Context, verb string, r BulkRequest) (*BulkResult, error) {
	return call[BulkResult](ctx, c, http.MethodPost, "/api/v1/runs/"+verb, nil, r)
}

// Replay runs an event again and returns the new runs.
func (c *Client) Replay(ctx context.Context, id string, r ReplayRequest) (*RunList, error) {
	return call[RunList](ctx, c, http.MethodPost, "/api/v1/events/"+url.PathEscape(id)+"/replay", nil, r)
}

// Pause has a recipe take no events.
func (c *Client) Pause(ctx context.Context, r PauseRequest) (*Pause, error) {
	return call[Pause](ctx, c, http.MethodPost, "/api/v1/recipes/pause", nil, r)
}

// Resume has a paused recipe take events again. Pause.Held is how many runs were held.
func (c *Client) Resume(ctx context.Context, recipe string) (*Pause, error) {
	return call[Pause](ctx, c, http.MethodPost, "/api/v1/recipes/resume", nil, ResumeRequest{Recipe: recipe})
}

// WhyEvent says what each recipe made of an event. The connection may be empty.
func (c *Client) WhyEvent(ctx context.Context, connection, id string) (*Why, error) {
	return call[Why](ctx, c, http.MethodGet, "/api/v1/events/"+url.PathEscape(id)+"/why", query("connection", connection), nil)
}

// WhyRun says how the gates of a run came out.
func (c *Client) WhyRun(ctx context.Context, id string) (*Why, error) {
	return call[Why](ctx, c, http.MethodGet, runPath(id, "why"), nil, nil)
}

// Tail calls f with each run that ends or begins to wait, until ctx ends or the server stops. missed is how many were
// not told of since the last call. Before all others f is called with nil, once the server tells of what happens.
func (c *Client) Tail(ctx context.Context, f func(r *Run, missed int) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/api/v1/stream?only=run", http.NoBody)
	if err != nil {
		return fmt.Errorf("the server's address %q is not a URL: %w", c.base, err)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		if err != nil {
			return fmt.Errorf("reading the answer of %s: %w", c.base, err)
		}
		return c.refused(resp.StatusCode, raw)
	}
	if err := f(nil, 0); err != nil {
		return err
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxAnswer)
	kind, missed := "", 0
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case name == "event":
			kind = value
		case name == "data" && kind == "missed":
			var m struct{ Runs int }
			if json.Unmarshal([]byte(value), &m) == nil {
				missed += m.Runs
			}
		case name == "data" && kind == "run":
			run := new(Run)
			if err := json.Unmarshal([]byte(value), run); err != nil {
				return fmt.Errorf("what answers at %s is not a flowrun control door: %w", c.base, err)
			}
			if err := f(run, missed); err != nil {
				return err
			}
			missed = 0
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return lines.Err()
}
