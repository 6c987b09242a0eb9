package control

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/runtime"
)

func TestFailures(t *testing.T) {
	inStores(t, func(t *testing.T, s runtime.Store) {
		var runs []*runtime.Run
		for i := range 7 {
			r := runAt(fmt.Sprint("run_a", i), "a", runtime.RunFailed, time.Duration(20-i)*time.Minute, time.Minute)
			runs = append(runs, failedWith(r, "action.tell", connectors.KindServer, 503, fmt.Sprint("overloaded ", i/4)))
		}
		runs[6].EventType = "charge.refunded"
		runs = append(runs,
			failedWith(runAt("run_b", "a", runtime.RunFailed, 48*time.Hour, time.Minute), "action.tell", connectors.KindServer, 500, "broken"),
			failedWith(runAt("run_c", "a", runtime.RunFailed, 5*time.Minute, 0), "action.tell", connectors.KindRefused, 422, "no such person"),
			runAt("run_d", "b", runtime.RunFailed, 4*time.Minute, 0),
			runAt("run_e", "a", runtime.RunCompleted, time.Minute, 0),
			failedWith(runAt("run_f", "a", runtime.RunWaiting, time.Minute, 0), "action.tell", connectors.KindServer, 503, "on_error waits"),
		)
		keep(t, s, runs...)
		h := viewsOf(s)
		list := answerOf[FailureList](t, h, "GET", "/api/v1/failures", "")
		if list.Failed != 10 || list.Seen != 10 || list.Older {
			t.Errorf("%d failed, %d seen, older: %v", list.Failed, list.Seen, list.Older)
		}
		want := []FailureGroup{
			{Recipe: "b", Count: 1, First: now.Add(-4 * time.Minute).UTC(), Last: now.Add(-4 * time.Minute).UTC(), EventTypes: []string{"charge.failed"}, Runs: []string{"run_d"},
				Retry: BulkRequest{Recipe: "b", Status: "failed"}},
			{Recipe: "a", Step: "action.tell", Kind: "refused", HTTP: 422, Count: 1, First: now.Add(-5 * time.Minute).UTC(), Last: now.Add(-5 * time.Minute).UTC(),
				Message: "no such person", Messages: 1, EventTypes: []string{"charge.failed"}, Runs: []string{"run_c"},
				Retry: BulkRequest{Recipe: "a", Status: "failed", Step: "action.tell", Kind: "refused", HTTP: 422}},
			{Recipe: "a", Step: "action.tell", Kind: "server", HTTP: 503, Count: 7, First: now.Add(-19 * time.Minute).UTC(), Last: now.Add(-13 * time.Minute).UTC(),
				Message: "overloaded 1", Messages: 2, EventTypes: []string{"charge.failed", "charge.refunded"}, Transient: true,
				Runs:  []string{"run_a6", "run_a5", "run_a4", "run_a3", "run_a2"},
				Retry: BulkRequest{Recipe: "a", Status: "failed", Step: "action.tell", Kind: "server", HTTP: 503}},
			{Recipe: "a", Step: "action.tell", Kind: "server", HTTP: 500, Count: 1, First: now.Add(-48*time.Hour + time.Minute).UTC(), Last: now.Add(-48*time.Hour + time.Minute).UTC(),
				Message: "broken", Messages: 1, EventTypes: []string{"charge.failed"}, Transient: true, Runs: []string{"run_b"},
				Retry: BulkRequest{Recipe: "a", Status: "failed", Step: "action.tell", Kind: "server", HTTP: 500}},
		}
		if diff := cmp.Diff(want, list.Groups); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}

		// What a group says takes up its runs takes up these and no others.
		bulk := answerOf[BulkResult](t, h, "POST", "/api/v1/runs/retry", `{"recipe":"a","status":"failed","step":"action.tell","kind":"server","http":503,"preview":true}`)
		if bulk.Matched != 7 {
			t.Errorf("%d runs would be taken up", bulk.Matched)
		}
		some := answerOf[FailureList](t, h, "GET", "/api/v1/failures?recipe=a&since=1d", "")
		if len(some.Groups) != 2 || some.Groups[0].Retry.Since != "1d" {
			t.Errorf("of one recipe and day: %+v", some.Groups)
		}
	})
}

// Groups are made of the newest failures only.
func TestManyFailures(t *testing.T) {
	s := records(t)
	var runs []*runtime.Run
	for i := range failuresSeen + 5 {
		runs = append(runs, failedWith(runAt(fmt.Sprint("run_x", i), "a", runtime.RunFailed, time.Hour, 0), "action.a", connectors.KindGone, 410, "gone"))
	}
	if err := s.Record(t.Context(), &runtime.Change{Runs: runs}); err != nil {
		t.Fatal(err)
	}
	list := answerOf[FailureList](t, viewsOf(s), "GET", "/api/v1/failures", "")
	if list.Seen != failuresSeen || !list.Older || list.Failed != failuresSeen+6 || len(list.Groups) != 1 || list.Groups[0].Count != failuresSeen {
		t.Errorf("%+v", list)
	}
}

func TestWaiting(t *testing.T) {
	inStores(t, func(t *testing.T, s runtime.Store) {
		step := func(r *runtime.Run, st runtime.Step) *runtime.Run {
			st.Index, st.Status = len(r.Steps), runtime.StepWaiting
			r.Steps = append(r.Steps, &st)
			r.Due = st.Due
			return r
		}
		waits := func(id, recipe string) *runtime.Run { return runAt(id, recipe, runtime.RunWaiting, time.Hour, 0) }
		in := func(d time.Duration) time.Time { return now.Add(d) }
		failure := &runtime.StepError{Kind: connectors.KindServer, Status: 503, Message: "overloaded"}
		held := runAt("run_held", "b", runtime.RunQueued, time.Minute, 0)
		held.Queue = runtime.QueuePaused
		throttled := runAt("run_throttled", "b", runtime.RunQueued, time.Minute, 0)
		throttled.Queue, throttled.Due = runtime.QueueThrottle, in(2*time.Minute)
		rests := waits("run_rests", "a")
		rests.Due = in(time.Second)
		keep(t, s,
			step(waits("run_time", "a"), runtime.Step{Address: "wait.w", Due: in(72 * time.Hour)}),
			step(waits("run_event", "a"), runtime.Step{Address: "wait.paid", Due: in(24 * time.Hour), Awaits: []runtime.Await{{Connection: "stripe", EventType: "invoice.paid", Path: "id", Key: `"in_1"`}}}),
			step(waits("run_forever", "a"), runtime.Step{Address: "wait.paid", Awaits: []runtime.Await{{Connection: "stripe", EventType: "invoice.paid"}}}),
			step(waits("run_retry", "a"), runtime.Step{Address: "action.tell", Action: "customerio_track", Due: in(time.Minute), Attempts: []runtime.Attempt{{At: now, Status: 503, Error: failure}}}),
			step(waits("run_caller", "b"), runtime.Step{Address: "action.call", Action: "recipe_run", Child: "run_time"}),
			rests, held, throttled, runAt("run_done", "a", runtime.RunCompleted, time.Minute, 0), runAt("run_runs", "a", runtime.RunRunning, time.Minute, 0),
		)
		list := answerOf[WaitingList](t, viewsOf(s), "GET", "/api/v1/waiting", "")
		ids := func(runs []WaitingRun) (out []string) {
			for _, r := range runs {
				out = append(out, r.Run.ID)
			}
			return out
		}
		if got, want := ids(list.Timed), []string{"run_rests", "run_retry", "run_throttled", "run_event", "run_time"}; !slices.Equal(got, want) {
			t.Errorf("timed are %v, want %v", got, want)
		}
		if got, want := ids(list.Untimed), []string{"run_held", "run_caller", "run_forever"}; !slices.Equal(got, want) {
			t.Errorf("untimed are %v, want %v", got, want)
		}
		got := map[string][]Waking{}
		for _, r := range slices.Concat(list.Timed, list.Untimed) {
			got[r.Run.ID] = r.For
		}
		utc := func(d time.Duration) time.Time { return in(d).UTC() }
		want := map[string][]Waking{
			"run_rests":     {{Kind: "turn", DueAt: utc(time.Second)}},
			"run_retry":     {{Kind: "retry", Step: "action.tell", DueAt: utc(time.Minute), Attempts: 1, Error: &Failure{Kind: "server", Status: 503, Message: "overloaded"}}},
			"run_throttled": {{Kind: "throttle", DueAt: utc(2 * time.Minute)}},
			"run_event":     {{Kind: "event", Step: "wait.paid", DueAt: utc(24 * time.Hour), Events: []Looked{{Connection: "stripe", Type: "invoice.paid", Path: "id"}}}},
			"run_time":      {{Kind: "time", Step: "wait.w", DueAt: utc(72 * time.Hour)}},
			"run_held":      {{Kind: "paused"}},
			"run_caller":    {{Kind: "run", Step: "action.call", Run: "run_time"}},
			"run_forever":   {{Kind: "event", Step: "wait.paid", Events: []Looked{{Connection: "stripe", Type: "invoice.paid"}}}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if diff := cmp.Diff([]WaitingRecipe{{"a", 5, 0}, {"b", 1, 2}}, list.Recipes); diff != "" || list.Waiting != 6 || list.Queued != 2 || list.More {
			t.Errorf("%d waiting, %d queued, more: %v\n%s", list.Waiting, list.Queued, list.More, diff)
		}
		one := answerOf[WaitingList](t, viewsOf(s), "GET", "/api/v1/waiting?recipe=b&limit=1", "")
		if !slices.Equal(ids(one.Timed), []string{"run_throttled"}) || !slices.Equal(ids(one.Untimed), []string{"run_held"}) || !one.More || one.Queued != 2 {
			t.Errorf("of recipe b: %+v", one)
		}
	})
}
