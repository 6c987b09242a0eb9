package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// crew is an operator that writes down what it is asked for, and refuses what is named so.
type crew struct {
	asked []string
	why   *Why // what it answers
}

func (c *crew) note(format string, args ...any) error {
	line := fmt.Sprintf(format, args...)
	c.asked = append(c.asked, line)
	switch {
	case strings.Contains(line, "run_3"):
		return fmt.Errorf("run_3 has not ended: %w", ErrRefused)
	case strings.Contains(line, "run_2"):
		return fmt.Errorf("reading it: %w", runtime.ErrNotFound)
	case strings.Contains(line, "broken"):
		return errors.New("the disk is full")
	}
	return nil
}

func (c *crew) Retry(_ context.Context, id string, o RetryRequest) error {
	return c.note("retry %s %+v", id, o)
}
func (c *crew) Cancel(_ context.Context, id, by string) error {
	return c.note("cancel %s by %s", id, by)
}
func (c *crew) Move(_ context.Context, id string) error { return c.note("move %s", id) }
func (c *crew) Resolve(_ context.Context, id, step string, sent bool) error {
	return c.note("resolve %s %q sent=%v", id, step, sent)
}

func (c *crew) Replay(_ context.Context, e *runtime.Event, o ReplayRequest) ([]*runtime.Run, error) {
	return []*runtime.Run{{ID: "run_new", Status: runtime.RunQueued, Queue: runtime.QueueLane, ReplayOf: "run_5"}}, c.note("replay %s %+v", e.ID, o)
}

func (c *crew) Gaps(context.Context) ([]Gap, error) {
	return []Gap{{Connection: "stripe", ID: "evt_9", Type: "charge.failed"}}, nil
}

func (c *crew) Backfill(_ context.Context, r BackfillRequest, since time.Time) (*BackfillResult, error) {
	return &BackfillResult{Matched: 2, Types: map[string]int{"charge.failed": 2}, Effects: []BackfillEffect{}},
		c.note("backfill %s %q since %s preview=%v", r.Recipe, r.Objects, since.Format(time.RFC3339), r.Preview)
}

func (c *crew) Pause(_ context.Context, recipe string, drop bool, by string) error {
	return c.note("pause %s drop=%v by %s", recipe, drop, by)
}
func (c *crew) Resume(_ context.Context, recipe string) error { return c.note("resume %s", recipe) }

func (c *crew) WhyEvent(_ context.Context, e *runtime.Event) (*Why, error) {
	if c.why != nil {
		return cloneWhy(c.why), nil
	}
	return &Why{Event: EventOf(e), Known: true, Verdict: []Verdict{{Recipe: "billing/dunning", Outcome: "held back"}}}, c.note("why %s", e.ID)
}

func (c *crew) WhyRun(_ context.Context, r *runtime.Run) (*Why, error) {
	if c.why != nil {
		return cloneWhy(c.why), nil
	}
	return &Why{Verdict: []Verdict{{Recipe: r.Recipe, Run: r.ID, Outcome: "ran"}}}, c.note("why %s", r.ID)
}

// cloneWhy copies what masking would change.
func cloneWhy(w *Why) *Why {
	c := *w
	c.Verdict = slices.Clone(w.Verdict)
	for i := range c.Verdict {
		v := &c.Verdict[i]
		v.Gates = slices.Clone(v.Gates)
		for j := range v.Gates {
			v.Gates[j].Parts = slices.Clone(v.Gates[j].Parts)
		}
	}
	return &c
}

func TestMend(t *testing.T) {
	for _, tt := range []struct {
		method, path, body string
		status             int
		answer             string   // is in it
		asked              []string // of the operator
	}{
		{"POST", "/api/v1/runs/run_5/retry", `{"from_start":true,"again":true}`, 200, `"id":"run_5"`, []string{"retry run_5 {FromStart:true Current:false Again:true Bulk:false}"}},
		{"POST", "/api/v1/runs/run_3/retry", ``, 409, `run_3 has not ended"`, []string{"retry run_3 {FromStart:false Current:false Again:false Bulk:false}"}},
		{"POST", "/api/v1/runs/run_2/retry", ``, 404, `no such record: run_2`, []string{"retry run_2 {FromStart:false Current:false Again:false Bulk:false}"}},
		{"POST", "/api/v1/runs/broken/cancel", ``, 500, `the disk is full`, []string{"cancel broken by operator"}},
		{"POST", "/api/v1/runs/run_5/cancel", ``, 200, `"id":"run_5"`, []string{"cancel run_5 by operator"}},
		{"POST", "/api/v1/runs/run_5/move", ``, 200, `"id":"run_5"`, []string{"move run_5"}},
		{"POST", "/api/v1/runs/run_5/resolve", `{"outcome":"sent"}`, 200, `"id":"run_5"`, []string{`resolve run_5 "" sent=true`}},
		{"POST", "/api/v1/runs/run_5/resolve", `{"outcome":"maybe"}`, 400, `\"resend\"`, nil},
		{"POST", "/api/v1/events/evt_5/replay", `{"dry":true}`, 200, `"queue":"concurrency"`, []string{"replay evt_5 {Connection: Recipe: Dry:true Again:false Bulk:false}"}},
		{"POST", "/api/v1/events/nope/replay", ``, 404, `nope`, nil},
		{"POST", "/api/v1/recipes/pause", `{"recipe":"a/b","drop":true}`, 200, `"drop":true`, []string{"pause a/b drop=true by operator"}},
		{"POST", "/api/v1/recipes/resume", `{"recipe":"a/b"}`, 200, `"held":0`, []string{"resume a/b"}},
		{"GET", "/api/v1/events/evt_1/why", ``, 200, `"held back"`, []string{"why evt_1"}},
		{"GET", "/api/v1/runs/run_5/why", ``, 200, `"outcome":"ran"`, []string{"why run_5"}},
		{"POST", "/api/v1/runs/retry", `{"recipe":"billing/dunning","preview":true}`, 200, `"matched":1,"recipes":{"billing/dunning":1},"done":0`, nil},
		{"POST", "/api/v1/runs/retry", `{"recipe":"billing/dunning"}`, 200, `"matched":1,"recipes":{"billing/dunning":1},"done":1`, []string{"retry run_5 {FromStart:false Current:false Again:false Bulk:true}"}},
		{"POST", "/api/v1/runs/move", `{"status":"completed"}`, 200, `"matched":3,"recipes":{"billing/dunning":3},"done":1,"refused":[{"run":"run_3","reason":"run_3 has not ended"},{"run":"run_2"`,
			[]string{"move run_4", "move run_3", "move run_2"}},
		{"POST", "/api/v1/runs/cancel", `{"status":"gone"}`, 400, `gone`, nil},
		{"POST", "/api/v1/runs/cancel", `{"where":["x"]}`, 400, `NAME=VALUE`, nil},
		{"POST", "/api/v1/runs/cancel", `{"since":"soon"}`, 400, `soon`, nil},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			c := &crew{}
			cfg := config(records(t))
			cfg.Operator = c
			w := ask(New(cfg), tt.method, tt.path, tt.body)
			status, body := w.Code, compact(t, w.Body.Bytes())
			if status != tt.status || !strings.Contains(body, tt.answer) {
				t.Errorf("answer %d %s\nwant %d with %s", status, body, tt.status, tt.answer)
			}
			if !slices.Equal(c.asked, tt.asked) {
				t.Errorf("asked %q, want %q", c.asked, tt.asked)
			}
		})
	}
}

func TestNobodyMends(t *testing.T) {
	if w := ask(New(config(records(t))), "POST", "/api/v1/runs/run_5/cancel", ""); w.Code != 404 {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
}

func compact(t *testing.T, raw []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return b.String()
}

func TestStream(t *testing.T) {
	h := New(config(records(t)))
	server := httptest.NewServer(h)
	defer server.Close()
	got := make(chan string)
	ended := make(chan error, 1)
	go func() {
		ended <- NewClient(server.URL, "").Tail(t.Context(), func(r *Run, missed int) error {
			if r == nil {
				got <- "listening"
				return nil
			}
			got <- fmt.Sprint(r.ID, " ", r.Status, " ", missed)
			return nil
		})
	}()
	if s := <-got; s != "listening" {
		t.Errorf("told %q first", s)
	}
	h.Publish(&runtime.Run{ID: "run_1", Status: runtime.RunCompleted})
	if s := <-got; s != "run_1 completed 0" {
		t.Errorf("told %q", s)
	}
	slow := h.streams.join(true, true)
	go func() {
		for range got { // the other reader is not slow
		}
	}()
	for i := range streamQueue + 44 {
		h.Publish(&runtime.Run{ID: fmt.Sprint("run_", i), Status: runtime.RunFailed})
	}
	if slow.missed != (Missed{Runs: 44}) || len(slow.news) != streamQueue {
		t.Errorf("a reader who takes none missed %+v and is owed %d", slow.missed, len(slow.news))
	}
	h.CloseStreams()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	close(got)
	if h.streams.join(true, true) != nil {
		t.Error("a stream begins while the server stops")
	}
}
