package runtimetest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/runtime"
)

// testNarrow narrows lists by what ids begin with, by several outcomes, and by times, alone and together.
func testNarrow(t *testing.T, h Harness) {
	s := h.Open(t)
	statuses := []runtime.RunStatus{runtime.RunCompleted, runtime.RunFailed, runtime.RunWaiting, runtime.RunCanceled}
	for i := 1; i <= 240; i++ {
		e := newEvent(i)
		e.ID = fmt.Sprintf("evt_%c%03d", 'a'+i%3, i)
		accept(t, s, e)
		r := newRun(e, []string{"a", "b"}[i%2], statuses[i%4])
		r.ID = fmt.Sprintf("run_%c%03d", 'p'+i%5, i)
		r.StartedAt = at(60 * i)
		if r.Status != runtime.RunCompleted {
			r.Error = &runtime.StepError{Step: []string{"action.x", "action.y"}[i/4%2], Kind: connectors.Kind([]string{"refused", "server"}[i/8%2])}
		}
		if i == 200 {
			r.StartedAt = at(60) // recorded late
		}
		record(t, s, &runtime.Change{Runs: []*runtime.Run{r}})
	}
	if err := s.AddFields(t.Context(), 100, nil); err != nil {
		t.Fatal(err)
	}
	look := func(e *runtime.Event) []runtime.Field { return fieldsOf(int(e.Seq)) }
	where := []runtime.Field{{Name: "customer", Value: "cus_1"}}
	all := must[[]*runtime.Run](t)(s.Runs(t.Context(), runtime.RunQuery{Limit: 1000}))
	for _, q := range []runtime.RunQuery{
		{Prefix: "run_p"}, {Prefix: "run_p005"}, {Prefix: "evt_b"}, {Prefix: "evt_a003"}, {Prefix: "run_", Limit: 7}, {Prefix: "nobody"},
		{Prefix: "\xff"}, {Prefix: "run_q", Before: 100, Limit: 3}, {Prefix: "run_q", Recipe: "a"}, {Prefix: "run_q", Status: runtime.RunFailed},
		{Prefix: "evt_c", Where: where, Look: look, Limit: 1000},
		{Kind: "refused", Limit: 1000}, {Kind: "refused", Limit: 3}, {Step: "action.y", Kind: "server", Status: runtime.RunFailed}, {Kind: "none"}, {Step: "action.x", Recipe: "a", Before: 90},
		{Statuses: []runtime.RunStatus{runtime.RunFailed, runtime.RunCompleted}, Limit: 20},
		{Statuses: []runtime.RunStatus{runtime.RunFailed, runtime.RunFailed}, Limit: 1000},
		{Statuses: []runtime.RunStatus{runtime.RunFailed, runtime.RunCanceled, runtime.RunSkipped}, Recipe: "b", Limit: 1000, Before: 190},
		{Statuses: []runtime.RunStatus{runtime.RunWaiting, runtime.RunCompleted}, Where: where, Look: look, Limit: 1000},
		{Until: at(3000), Limit: 1000}, {Until: at(3000), Limit: 10}, {Until: at(60 * 120), Since: at(60 * 110), Limit: 1000},
		{Since: at(60 * 236)}, {Since: at(60 * 239), Until: at(60*239 + 1)}, {Since: at(60 * 300)}, {Until: at(0)},
		{Since: at(60 * 100), Until: at(60 * 150), Recipe: "b", Statuses: []runtime.RunStatus{runtime.RunCompleted, runtime.RunFailed}, Prefix: "run_", Limit: 1000},
	} {
		var want []string
		for _, r := range all {
			in := (len(q.Statuses) == 0 && (q.Status == 0 || q.Status == r.Status)) || slices.Contains(q.Statuses, r.Status)
			in = in && (q.Kind == "" || r.Error != nil && string(r.Error.Kind) == q.Kind) && (q.Step == "" || r.Error != nil && r.Error.Step == q.Step)
			in = in && (strings.HasPrefix(r.ID, q.Prefix) || strings.HasPrefix(r.EventID, q.Prefix)) && (q.Recipe == "" || q.Recipe == r.Recipe)
			in = in && !r.StartedAt.Before(q.Since) && (q.Until.IsZero() || r.StartedAt.Before(q.Until)) && (q.Before == 0 || r.Seq < q.Before)
			for _, f := range q.Where {
				// The first hundred are indexed without fields.
				in = in && r.EventSeq > 100 && slices.Contains(fieldsOf(int(r.EventSeq)), f)
			}
			if in && len(want) < cmp.Or(q.Limit, 50) {
				want = append(want, r.ID)
			}
		}
		shown := q
		shown.Look = nil
		equal(t, fmt.Sprintf("runs of %+v", shown), runIDs(must[[]*runtime.Run](t)(s.Runs(t.Context(), q))), append([]string{}, want...))
	}
	events := must[[]*runtime.Event](t)(s.Events(t.Context(), runtime.EventQuery{Limit: 1000}))
	for _, q := range []runtime.EventQuery{
		{Prefix: "evt_a"}, {Prefix: "evt_a003"}, {Prefix: "e", Limit: 7}, {Prefix: "f"}, {Prefix: "evt_b", Before: 100, Type: "charge.failed"},
		{Prefix: "evt_b", Type: "other"}, {Until: at(30), Limit: 1000}, {Since: at(20), Until: at(30)}, {Until: at(1)},
		{Prefix: "evt_c", Where: where, Look: look, Limit: 1000, Until: at(150)},
	} {
		var want []int64
		for _, e := range events {
			in := strings.HasPrefix(e.ID, q.Prefix) && (q.Type == "" || q.Type == e.Type) && (q.Before == 0 || e.Seq < q.Before) &&
				!e.ReceivedAt.Before(q.Since) && (q.Until.IsZero() || e.ReceivedAt.Before(q.Until))
			for _, f := range q.Where {
				in = in && e.Seq > 100 && slices.Contains(fieldsOf(int(e.Seq)), f)
			}
			if in && len(want) < cmp.Or(q.Limit, 50) {
				want = append(want, e.Seq)
			}
		}
		shown := q
		shown.Look = nil
		equal(t, fmt.Sprintf("events of %+v", shown), seqs(must[[]*runtime.Event](t)(s.Events(t.Context(), q))), append([]int64{}, want...))
	}
}

// testTally counts runs that begin, change and are forgotten.
func testTally(t *testing.T, h Harness) {
	s := h.Open(t)
	runs := make([]*runtime.Run, 0, 90)
	for i := 1; i <= 90; i++ {
		e := accept(t, s, newEvent(i))
		r := newRun(e, []string{"a", "b", "c"}[i%3], runtime.RunRunning)
		r.StartedAt = at(60 * i)
		if i == 7 {
			r.StartedAt = time.Time{}
		}
		runs = append(runs, r)
		record(t, s, &runtime.Change{Runs: []*runtime.Run{r}, Decision: &runtime.Decision{EventSeq: e.Seq, At: at(i)}})
	}
	for i, r := range runs {
		if i%2 == 0 {
			r.Status = []runtime.RunStatus{runtime.RunCompleted, runtime.RunFailed}[i/2%2]
		}
		if i%9 == 0 && !r.StartedAt.IsZero() {
			r.StartedAt = r.StartedAt.Add(17 * time.Minute) // it was queued
		}
		record(t, s, &runtime.Change{Runs: []*runtime.Run{r}})
	}
	floor := func(x time.Time, span time.Duration) time.Time {
		return time.Unix(0, x.UnixNano()-x.UnixNano()%int64(span)).UTC()
	}
	compare := func() {
		t.Helper()
		kept := must[[]*runtime.Run](t)(s.Runs(t.Context(), runtime.RunQuery{Limit: 1000}))
		for _, q := range []runtime.TallyQuery{
			{}, {ByRecipe: true}, {Span: runtime.TallySpan}, {Span: time.Hour, ByRecipe: true}, {Recipe: "b", Span: 15 * time.Minute}, {Recipe: "nobody"},
			{Since: at(60 * 31), Span: runtime.TallySpan}, {Since: at(60 * 31), Until: at(60 * 58), Recipe: "a"}, {Until: at(60 * 30), ByRecipe: true, Span: 24 * time.Hour},
		} {
			want := map[runtime.Tally]int64{}
			for _, r := range kept {
				if r.StartedAt.IsZero() || q.Recipe != "" && r.Recipe != q.Recipe {
					continue
				}
				begins := floor(r.StartedAt, runtime.TallySpan)
				if !q.Since.IsZero() && begins.Before(floor(q.Since, runtime.TallySpan)) || !q.Until.IsZero() && !begins.Before(q.Until) {
					continue
				}
				k := runtime.Tally{Status: r.Status}
				if q.ByRecipe {
					k.Recipe = r.Recipe
				}
				if q.Span > 0 {
					k.At = floor(r.StartedAt, q.Span)
				}
				want[k]++
			}
			got := map[runtime.Tally]int64{}
			last := runtime.Tally{}
			for _, x := range must[[]runtime.Tally](t)(s.Tally(t.Context(), q)) {
				if cmp.Or(x.At.Compare(last.At), cmp.Compare(x.Recipe, last.Recipe), cmp.Compare(x.Status, last.Status)) <= 0 {
					t.Errorf("%+v comes after %+v", x, last)
				}
				last = x
				n := x.Runs
				x.Runs = 0
				if !q.ByRecipe && x.Recipe != "" || n == 0 {
					t.Errorf("%+v has %d", x, n)
				}
				got[x] = n
			}
			equal(t, fmt.Sprintf("numbers of %+v", q), got, want)
		}
	}
	compare()
	if h.Reopen != nil {
		s = h.Reopen(t, s)
		compare()
	}
	if _, forgotten, err := s.Prune(t.Context(), time.Time{}, at(40)); err != nil || forgotten == 0 {
		t.Fatalf("forgot %d, %v", forgotten, err)
	}
	compare()
}

func testAudits(t *testing.T, h Harness) {
	s := h.Open(t)
	entries := make([]*runtime.Audit, 0, 60)
	for i := 1; i <= 60; i++ {
		a := &runtime.Audit{At: at(i), Who: []string{"jo", "sam"}[i%2], Role: "operate", Via: "session", From: "10.0.0.1", What: []string{"revealed", "retried", "signed_in"}[i%3],
			IDs: []string{fmt.Sprint("run_", i), "evt_1"}[:1+i%2], Count: i, Detail: "recipe a\x00", Result: "begun"}
		if err := s.Audit(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		if a.Seq != int64(i) {
			t.Errorf("entry %d has Seq %d", i, a.Seq)
		}
		entries = append(entries, a)
	}
	entries[4].Result, entries[4].Count, entries[4].IDs = "done", 900, nil
	if err := s.Audit(t.Context(), entries[4]); err != nil {
		t.Fatal(err)
	}
	compare := func(first int) {
		t.Helper()
		for _, q := range []runtime.AuditQuery{{}, {Limit: 1000}, {Who: "jo"}, {What: "retried", Limit: 3}, {ID: "evt_1"}, {ID: "run_8"}, {ID: "run"},
			{Since: at(50)}, {Before: 10}, {Who: "sam", What: "revealed", Before: 30, Since: at(7)}} {
			want := []*runtime.Audit{}
			for _, a := range slices.Backward(entries[first:]) {
				if (q.Who == "" || q.Who == a.Who) && (q.What == "" || q.What == a.What) && (q.ID == "" || slices.Contains(a.IDs, q.ID)) &&
					!a.At.Before(q.Since) && (q.Before == 0 || a.Seq < q.Before) && len(want) < cmp.Or(q.Limit, 50) {
					want = append(want, a)
				}
			}
			equal(t, fmt.Sprintf("entries of %+v", q), must[[]*runtime.Audit](t)(s.Audits(t.Context(), q)), want)
		}
	}
	compare(0)
	if h.Reopen != nil {
		s = h.Reopen(t, s)
		compare(0)
	}
	if _, _, err := s.Prune(t.Context(), time.Time{}, at(11)); err != nil {
		t.Fatal(err)
	}
	compare(10)
	next := &runtime.Audit{At: at(100), Who: "jo", What: "paused"}
	if err := s.Audit(t.Context(), next); err != nil || next.Seq != 61 {
		t.Errorf("the next entry has Seq %d, %v", next.Seq, err)
	}
}
